"""Operations on traces."""

from __future__ import annotations

from engine.traces.assessing import Assessing
from engine.traces.measuring import Measuring
from engine.traces.reading import TraceReading
from engine.traces.recording import TraceRecording


class Traces(TraceReading, TraceRecording, Assessing, Measuring):
    """Traces: recording, search, spans as a tree, assessments, measures and retention."""

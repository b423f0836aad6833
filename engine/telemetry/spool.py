"""The data plane's end of the spool: takes reports without waiting, and writes them down on a thread of its own."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from engine.core.complaints import Complaints
from engine.telemetry.batching import Batch, Pending
from engine.telemetry.model import CaptureCount
from engine.telemetry.spool_files import SpoolFile

if TYPE_CHECKING:
    from pathlib import Path

    from engine.telemetry.model import CapturedPrediction, Source, WindowDelta

FLUSH_S = 0.25
"""How long reports wait at most before they are written, in seconds."""

ENOUGH_BYTES = 256 << 10
"""As soon as so much waits, it is written."""

MAX_WAITING = 20_000
"""Predictions that wait at most; more are dropped."""

MAX_WAITING_BYTES = 32 << 20
"""Bytes of predictions that wait at most; more are dropped."""

RECORD_BYTES = 160
"""What a prediction takes beside its inputs and outputs."""

_LONGEST_REST_S = 5.0
_CLOSING_S = 2.0


class Spool:
    """Where one data plane leaves what it captures and counts, for the capture writer to store.

    What is written survives the end of the process, not a power cut: nothing here waits for the disk. A full disk, a
    slow one or a capture writer that is not there costs predictions, never a request: they are dropped and counted.
    Sums of windows are kept and written as soon as there is room.

    Args:
        folder: `Workspace.spool`; made when it is missing.
        plane: The data plane's name; one process has a name at a time.
        max_bytes: Length of all files of the folder from which predictions are dropped, the oldest first.
        flush_s: How long reports wait at most, in seconds.
    """

    def __init__(self, folder: Path, plane: str, *, max_bytes: int = 256 << 20, flush_s: float = FLUSH_S) -> None:
        self._file = SpoolFile(folder, re.sub(r"[^\w.:@+-]", "_", plane)[:100] or "plane", max_bytes=max_bytes)
        self._flush_s = flush_s
        self._lock = threading.Lock()
        self._batch = Batch()
        self._waiting_bytes = 0
        self._dropped: dict[Source, int] = {}
        self._pending = Pending()
        self._complaints = Complaints()
        self._something, self._hurry = threading.Event(), threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture-spool", daemon=True)
        self._thread.start()

    def put_prediction(self, record: CapturedPrediction, *, size_bytes: int = 0) -> bool:
        """Hand over a sampled request.

        Args:
            record: The request and its answer; not looked into here.
            size_bytes: About how long inputs and outputs are as JSON, where they are not given so.

        Returns:
            Whether it waits to be written; if not, it was dropped and counted.
        """
        inputs, outputs = record.inputs, record.outputs
        if type(inputs) is bytes:
            size_bytes += len(inputs)
        if type(outputs) is bytes:
            size_bytes += len(outputs)
        size_bytes += RECORD_BYTES
        with self._lock:
            waiting = self._waiting_bytes + size_bytes
            predictions = self._batch.predictions
            if waiting > MAX_WAITING_BYTES or len(predictions) >= MAX_WAITING or self._closing.is_set():
                source = record.origin[:2]
                self._dropped[source] = self._dropped.get(source, 0) + 1
                kept = False
            else:
                predictions.append(record)
                self._waiting_bytes = waiting
                kept = True
        if waiting >= ENOUGH_BYTES and not self._hurry.is_set():
            self._hurry.set()
        if not self._something.is_set():
            self._something.set()
        return kept

    def put_window(self, delta: WindowDelta) -> None:
        """Hand over what a deployment has answered since the last time.

        Args:
            delta: Sums; its mappings must not be changed afterwards.
        """
        with self._lock:
            self._batch.windows.append(delta)
        if not self._something.is_set():
            self._something.set()

    def counts(self) -> tuple[CaptureCount, ...]:
        """What became of everything that was handed over and is written down; `stored` means written."""
        return self._pending.counts()

    def close(self) -> None:
        """Write down what waits and end, within two seconds; what is handed over afterwards is dropped."""
        with self._lock:
            self._closing.set()
        self._hurry.set()
        self._something.set()
        self._thread.join(_CLOSING_S)

    def _run(self) -> None:
        rest_s = self._flush_s
        while not self._closing.is_set():
            self._something.wait()
            self._hurry.wait(self._flush_s)
            if self._flush():
                rest_s = self._flush_s
            else:
                self._closing.wait(rest_s)
                rest_s = min(rest_s * 2, _LONGEST_REST_S)
                self._something.set()
        self._flush()
        self._file.close()

    def _flush(self) -> bool:
        """Write down what waits; false when the file system, or anything else, did not let us."""
        with self._lock:
            batch, self._batch = self._batch, Batch()
            dropped, self._dropped = self._dropped, {}
            self._waiting_bytes = 0
            self._something.clear()
            self._hurry.clear()
        try:
            self._pending.take(batch, dropped)
            return self._pending.write(self._file)
        except Exception as error:  # noqa: BLE001 what cannot be written is dropped; what comes later waits for this thread
            self._complaints.say("The capture spool", error)
            return False

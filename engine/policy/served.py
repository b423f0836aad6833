"""Options of the gates that look at a version as it would serve: its files, its runtime, its speed, its answers."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from engine.core.frozen import frozen

COMPILED = ("linear", "trees", "onnx-twin", "onnx")
"""The runtimes that need neither the library that trained a model nor a process of its own."""

RUNTIMES = (*COMPILED, "sklearn", "isolated")
"""Every runtime that the gate `parity` may allow."""

MOST_LOAD_ROWS = 10_000
"""Most rows of one call whose latency is measured."""

MOST_REPLAYED = 100_000
"""Most captured rows that are replayed."""


@frozen
class LatencyGate:
    """The built model must answer quickly, in little memory, and not slower than what is live.

    Args:
        p95_us: Longest 95th percentile of the latency of a call that passes, in microseconds; `None` for no limit.
        memory_bytes: Most memory that the loaded model may take, its libraries apart, in bytes; `None` for no limit.
        not_slower: Greatest ratio of the 95th percentile to that of the live version that passes; `None` for none.
        rows: Rows of a call.
        duration_ms: How long each version is called, in milliseconds.
    """

    gate: ClassVar[str] = "latency"
    p95_us: float | None = None
    memory_bytes: int | None = None
    not_slower: float | None = None
    rows: int = 1
    duration_ms: int = 2_000


@frozen
class ParityGate:
    """A runtime that provably answers as the model does must serve it.

    Args:
        runtimes: Names from `RUNTIMES` of those that pass.
        max_difference: Greatest difference of a probability or number that passes; `None` for what the build allows.
    """

    gate: ClassVar[str] = "parity"
    runtimes: tuple[str, ...] = COMPILED
    max_difference: float | None = None


@frozen
class ScanGate:
    """Nothing in the version's files may run code, unpack to a bomb, or reach outside of them.

    Args:
        allow_pickle: A pickle passes when an approver answers for these bytes; without, no pickle does.
        max_bytes: Largest file that passes, in bytes.
    """

    gate: ClassVar[str] = "scan"
    allow_pickle: bool = False
    max_bytes: int = 2_000_000_000


@frozen
class ReplayGate:
    """The version must take what the live one was asked, and answer much the same.

    Args:
        rows: Most captured rows that are asked again, the newest first.
        needed: Fewest captured rows on which the gate passes.
        max_refused: Most rows that the version may refuse.
        max_disagreement: Greatest share of the rows with another label that passes, 0 to 1; `None` for any.
    """

    gate: ClassVar[str] = "replay"
    rows: int = 500
    needed: int = 50
    max_refused: int = 0
    max_disagreement: float | None = None


@frozen
class ResourcesGate:
    """What is loaded must be small enough, and load quickly enough.

    Args:
        file_bytes: Largest file to load that passes, in bytes; `None` for no limit.
        memory_bytes: Most memory that the loaded model may take, its libraries apart, in bytes; `None` for no limit.
        load_ms: Longest time that loading may take, its libraries apart, in milliseconds; `None` for no limit.
    """

    gate: ClassVar[str] = "resources"
    file_bytes: int | None = None
    memory_bytes: int | None = None
    load_ms: int | None = None


ServedSpec: TypeAlias = LatencyGate | ParityGate | ScanGate | ReplayGate | ResourcesGate
"""One of these gates with its options."""

MEASURING: tuple[type[ServedSpec], ...] = (LatencyGate, ParityGate, ScanGate, ReplayGate, ResourcesGate)
"""The gates that build, load or call a model, or read its files: seconds, and processes of their own."""

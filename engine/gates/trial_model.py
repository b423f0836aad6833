"""What is found out about a version by building, loading and calling it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from engine.core.frozen import frozen

if TYPE_CHECKING:
    from engine.endpoints.model import Build


@frozen
class Load:
    """How to call a version to learn how quick it is.

    Args:
        rows: Rows of a call.
        duration_ms: How long each version is called in all, in milliseconds.
        compare: Whether the live version is called too, by turns.
    """

    rows: int = 1
    duration_ms: int = 2_000
    compare: bool = False


@frozen
class Weight:
    """What loading a version takes, in a fresh process.

    Args:
        runtime: The runtime that answers, such as `onnx-twin`.
        file_bytes: Size of the file to load.
        imports_ms: How long its libraries take to import, in milliseconds.
        load_ms: How long the model itself takes to load, in milliseconds; the median where it was loaded several times.
        imports_bytes: Resident memory of the process with the libraries, before the model is loaded.
        model_bytes: How much more there is once it is loaded and has answered.
        resident_bytes: Both together.
    """

    runtime: str
    file_bytes: int
    imports_ms: float
    load_ms: float
    imports_bytes: int
    model_bytes: int
    resident_bytes: int


@frozen
class Timing:
    """How quick one version is.

    Args:
        version: Its number.
        calls: How many calls were timed.
        p50_us: The median latency of a call, in microseconds: the median of the rounds' medians; so are the others.
        p95_us: The 95th percentile.
        p99_us: The 99th percentile.
        slowest_us: The slowest call of all rounds.
        rounds_us: The 95th percentile of every round.
        buckets: All calls by bucket of their latency; see `engine.telemetry.histogram`.
        weight: What loading it takes.
    """

    version: int
    calls: int
    p50_us: float
    p95_us: float
    p99_us: float
    slowest_us: float
    rounds_us: tuple[float, ...]
    buckets: Mapping[int, int]
    weight: Weight


@frozen
class Measured:
    """Latency of a version, and of the live one beside it.

    Args:
        candidate: The version that was asked about.
        live: The live version, called by turns in the same minute; `None` when nothing is live, or nobody asked.
        ratio: How many times as long the candidate takes at the 95th percentile: the median of the rounds; or `None`.
        rows_from: Where the rows came from: `captured`, `training` or `made up`.
        machine: What it was measured on, in words.
    """

    candidate: Timing
    live: Timing | None
    ratio: float | None
    rows_from: str
    machine: str


@frozen
class ScannedFile:
    """What speaks against a file.

    Args:
        path: Its path in the version.
        format: What it was taken for: `pickle`, `skops`, `onnx` or `other`.
        size_bytes: Its size.
        findings: What speaks against it, each a sentence.
        dangerous: Of those, what nobody's word makes good.
    """

    path: str
    format: str
    size_bytes: int
    findings: tuple[str, ...]
    dangerous: tuple[str, ...]


@frozen
class Replayed:
    """What became of captured rows that a version was asked again.

    Args:
        live: Numbers of the live versions that had answered them; empty when nothing is live behind an endpoint.
        endpoints: The endpoints the rows were captured at.
        rows: How many there were.
        refused: How many of them the version refused, or broke on.
        reasons: How many for which reason, the most frequent first.
        compared: How many answers could be compared.
        disagreed: How many of those differ: in the label, or, of a number, by more than a tenth of the standard
            deviation of the live answers.
    """

    live: tuple[int, ...]
    endpoints: tuple[str, ...]
    rows: int
    refused: int
    reasons: Mapping[str, int]
    compared: int
    disagreed: int


class Trials(Protocol):
    """Builds, loads and calls one version; each answer is found once and kept."""

    def build(self) -> Build:
        """The version made ready to serve.

        Raises:
            QuarterdeckError: it cannot be.
        """
        ...

    def pickle_allowed(self) -> bool:
        """Whether an approver answers for the pickle in the version's bytes."""
        ...

    def measured(self, load: Load) -> Measured:
        """How quick it is.

        Raises:
            QuarterdeckError: it does not answer.
        """
        ...

    def weight(self) -> Weight:
        """What loading it takes.

        Raises:
            QuarterdeckError: it does not load.
        """
        ...

    def scanned(self, most_bytes: int) -> Sequence[ScannedFile]:
        """What its files hold; a larger file than `most_bytes` is not opened, and that is its finding.

        Raises:
            QuarterdeckError: nobody could look.
        """
        ...

    def replayed(self, rows: int) -> Replayed:
        """What it says to at most so many rows that the live version was asked.

        Raises:
            QuarterdeckError: it does not answer.
        """
        ...

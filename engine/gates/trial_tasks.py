"""What the process does in which a version is tried: load it, call it, look into its files, ask it old questions."""

from __future__ import annotations

import gc
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import IntegrityError, InvalidInput, NotServable, PredictionFailed
from engine.runtimes.frames import rows_from_message, rows_to_message
from engine.runtimes.model import LABELS, Interface, Rows, RuntimeKind
from engine.runtimes.row_check import RowCheck

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.runtimes.model import Field, Runtime

WARM_CALLS = 30
"""Calls before the first one that is timed, where they are quick."""

WARM_S = 0.5
"""Longest time spent on them, in seconds."""

LEAST_CALLS = 20
"""Fewest calls of a round, unless that takes four times as long as the round should."""

MOST_CALLS = 200_000
"""Most calls of a round."""

NUMBERS_DIFFER = 0.1
"""Numbers differ when they are further apart than this share of the standard deviation of the live answers."""

_BATCHES = 64  # different calls that are made by turns
_OURS = ("numpy", "msgspec", "hashlib", "engine.runtimes.loading", "engine.core.text")
_FOLDED = (*_OURS, *(f"engine.runtimes.{name}" for name in ("folded", "linear", "forest", "walking")))
_LIBRARIES = {
    RuntimeKind.LINEAR: _FOLDED,
    RuntimeKind.TREES: _FOLDED,
    RuntimeKind.TWIN: (*_OURS, "onnxruntime", "engine.runtimes.sessions"),
    RuntimeKind.ONNX: (*_OURS, "onnxruntime", "engine.runtimes.sessions"),
    RuntimeKind.SKLEARN: (*_OURS, "pandas", "skops.io", "engine.runtimes.estimator"),
    RuntimeKind.ISOLATED: (*_OURS, "subprocess", "tempfile", "engine.runtimes.isolated"),
}


class Bench:
    """One version on the bench. Every method is a task; all they take and give is what MessagePack has."""

    def __init__(self) -> None:
        self._runtime: Runtime | None = None
        self._batches: list[Rows] = []
        self._empty_bytes = 0

    def load(self, path: str, kind: str, file_format: str, interface: Any, digest: str) -> dict[str, float]:
        """Load a built model: its libraries first, so that what they take is not the model's.

        Raises:
            NotServable: the bytes make no model.
            IntegrityError: they have changed.
        """
        import msgspec

        from engine.runtimes.loading import load

        began_s = time.perf_counter()
        _import_libraries(RuntimeKind(kind), Path(path))
        imports_s = time.perf_counter() - began_s
        gc.collect()
        self._empty_bytes = resident_bytes()
        began_s = time.perf_counter()
        takes = msgspec.convert(interface, Interface)
        self._runtime = load(Path(path), RuntimeKind(kind), file_format, takes, digest=digest)
        return {
            "imports_ms": 1_000 * imports_s,
            "load_ms": 1_000 * (time.perf_counter() - began_s),
            "imports_bytes": self._empty_bytes,
        }

    def prepare(self, rows: int, records: str, samples: Any) -> str:
        """Choose what the model is called with, and call it until it is as quick as it gets.

        Args:
            rows: Rows of a call.
            records: Captured rows, as a JSON list of mappings; those that it does not take are left out.
            samples: Rows it was trained on, as a message; or nothing.

        Returns:
            Where the rows came from: `captured`, `training` or `made up`.

        Raises:
            RowRefused: it takes none of them.
            PredictionFailed: it broke.
        """
        interface = self._loaded.interface
        check = RowCheck(interface)
        taken = [each for each in json.loads(records) if not _problem(check, each)]
        if taken:
            known, source = check.records(taken), "captured rows"
        elif samples is not None:
            known, source = rows_from_message(samples), "training rows"
        else:
            known, source = made_up(interface, _BATCHES), "made-up rows"
        count = 1 if rows >= known.size else _BATCHES
        self._batches = [_taken(known, start * rows, rows) for start in range(count)]
        self._warm(source)
        return source

    def round(self, for_s: float) -> dict[str, Any]:
        """Call the model for some time, and time every call with a clock that only goes forward.

        Args:
            for_s: For so long, in seconds.

        Returns:
            Percentiles and the slowest call in microseconds, and all calls by bucket.

        Raises:
            RowRefused: it takes the rows no more.
            PredictionFailed: it broke.
        """
        from engine.telemetry.histogram import bucket_of

        times = self._timed(int(for_s * 1e9))
        counts: dict[int, int] = {}
        for each in times:
            bucket = bucket_of(each / 1_000)
            counts[bucket] = counts.get(bucket, 0) + 1
        times.sort()
        p50, p95, p99 = (times[-(-len(times) * share // 100) - 1] / 1_000 for share in (50, 95, 99))
        return {
            "calls": len(times),
            "p50_us": p50,
            "p95_us": p95,
            "p99_us": p99,
            "slowest_us": times[-1] / 1_000,
            "buckets": counts,
        }

    def weigh(self) -> dict[str, int]:
        """How much memory the process has now, and how much of it came with the model."""
        gc.collect()
        now_bytes = resident_bytes()
        return {"resident_bytes": now_bytes, "model_bytes": max(now_bytes - self._empty_bytes, 0)}

    def scan(self, path: str, digest: str, name: str) -> dict[str, Any]:
        """Look into a file; nothing of it is run.

        Raises:
            IntegrityError: its bytes have changed.
        """
        from engine.runtimes.scanning import scan

        report = scan(_read(path, digest), name)
        return {"format": report.format, "findings": list(report.findings), "dangerous": list(report.dangerous)}

    def samples(self, path: str, digest: str, name: str, interface: Any) -> Any:
        """Rows a model was trained on, as a message; nothing where the file has none.

        Raises:
            IntegrityError: its bytes have changed.
        """
        import msgspec

        from engine.runtimes.sampling import read_samples

        found = read_samples(_read(path, digest), name, msgspec.convert(interface, Interface))
        return None if found is None else rows_to_message(found)

    def replay(self, records: str, answers: str) -> dict[str, Any]:
        """Ask the model what others were asked.

        Args:
            records: Captured rows, as a JSON list of mappings.
            answers: The label or number that was given for each, as a JSON list; null where there is none.
        """
        check = RowCheck(self._loaded.interface)
        reasons: dict[str, int] = {}
        accepted: list[Any] = []
        given: list[Any] = []
        for record, answer in zip(json.loads(records), json.loads(answers), strict=True):
            problem = _problem(check, record)
            if problem:
                reasons[problem] = reasons.get(problem, 0) + 1
            else:
                accepted.append(record)
                given.append(answer)
        made = self._answers(check, accepted, reasons)
        pairs = [(old, new[0]) for old, new in zip(given, made, strict=True) if old is not None and new]
        return {
            "refused": sum(reasons.values()),
            "reasons": dict(sorted(reasons.items(), key=lambda pair: -pair[1])),
            "compared": len(pairs),
            "disagreed": _disagreed(pairs, labels=bool(self._loaded.interface.classes)),
        }

    @property
    def _loaded(self) -> Runtime:
        if self._runtime is None:
            raise NotServable("Nothing was loaded.")
        return self._runtime

    def _warm(self, source: str) -> None:
        until_s = time.perf_counter() + WARM_S
        try:
            for index in range(WARM_CALLS):
                self._loaded.predict(self._batches[index % len(self._batches)])
                if time.perf_counter() > until_s:
                    break
        except PredictionFailed as error:
            raise type(error)(
                f"It does not answer {source}: {error.message}",
                hint="Add reference.csv, rows it was trained on, to the version's files.",
            ) from error

    def _timed(self, round_ns: int) -> list[int]:
        predict, batches, now = self._loaded.predict, self._batches, time.perf_counter_ns
        times: list[int] = []
        gc.collect()
        gc.disable()  # a collection in the middle would be told as the model's time
        try:
            began = now()
            while len(times) < MOST_CALLS:
                rows = batches[len(times) % len(batches)]
                start = now()
                predict(rows)
                end = now()
                times.append(end - start)
                spent = end - began
                if spent >= round_ns and (len(times) >= LEAST_CALLS or spent >= 4 * round_ns):
                    break
        finally:
            gc.enable()
        return times

    def _answers(self, check: RowCheck, records: list[Any], reasons: dict[str, int]) -> list[list[Any]]:
        """One list a row: with its label or number, or empty where the model gave none."""
        if not records:
            return []
        with suppress(PredictionFailed):
            return self._labels(check.records(records))
        made: list[list[Any]] = []
        for each in records:  # one bad row must not hide the others
            try:
                made += self._labels(check.records([each]))
            except PredictionFailed as error:
                reasons[error.message] = reasons.get(error.message, 0) + 1
                made.append([])
        return made

    def _labels(self, rows: Rows) -> list[list[Any]]:
        found = self._loaded.predict(rows)
        if LABELS not in found:
            return [[] for _ in range(rows.size)]
        return [[each] for each in found[LABELS].tolist()]


def resident_bytes() -> int:
    """Memory of this process and of those it has started that is in RAM now; the most there ever was, elsewhere."""
    try:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
        return sum(_resident(each) for each in ("self", *children))
    except OSError:
        import resource

        return 1_024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _resident(process: str) -> int:
    pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


def _import_libraries(kind: RuntimeKind, path: Path) -> None:
    from importlib import import_module

    for name in _LIBRARIES[kind]:
        import_module(name)
    if kind is RuntimeKind.SKLEARN:
        for name in _modules(path):
            import_module(name)


def _modules(path: Path) -> list[str]:
    """The modules of scikit-learn that a skops file names: they are libraries, and loaded with the first such model."""
    import re
    import zipfile
    from importlib.util import find_spec

    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read("schema.json").decode(errors="replace")
    except (OSError, KeyError, zipfile.BadZipFile, NotImplementedError):
        return []  # loading says what is wrong with it
    named = sorted(set(re.findall(r'"__module__": "(sklearn(?:\.[a-z_]+)*)"', text)))
    return [name for name in named if find_spec(name) is not None]


def _read(path: str, digest: str) -> bytes:
    from hashlib import sha256

    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise IntegrityError("A file of the version is missing.", hint="Run `qd db check`.") from error
    if sha256(data).hexdigest() != digest:
        raise IntegrityError("The bytes of a file have changed since it was registered.", hint="Run `qd db check`.")
    return data


def _problem(check: RowCheck, record: Any) -> str:
    """Why a row is not taken, as the data plane would say; empty when it is."""
    try:
        check.records([record])
    except InvalidInput as error:
        return error.message.replace("Row 0", "The row", 1)
    except (ValueError, TypeError, OverflowError):  # texts that are no UTF-8, numbers beyond all types
        return "The row holds what no request can say."
    return ""


def made_up(interface: Interface, size: int) -> Rows:
    """Rows that a model might be given, the same every time.

    Args:
        interface: What it takes.
        size: How many.
    """
    import numpy as np

    random = np.random.default_rng(7)
    columns = {each.name: _values(each, size, random) for each in interface.inputs}
    if interface.numeric:
        return Rows(size, np.column_stack([each.astype(np.float64) for each in columns.values()]))
    return Rows(size, None, columns)


def _values(field: Field, size: int, random: np.random.Generator) -> NDArray[Any]:
    import numpy as np

    shape = (size, *field.shape)
    if field.dtype == "str":
        return np.full(shape, "", dtype=object)
    low = -2.0 if field.low is None else field.low
    high = max(low, 2.0) if field.high is None else field.high
    values = random.uniform(min(low, high), high, shape)
    if field.dtype == "bool":
        return values > (low + high) / 2
    return np.abs(values).astype(field.dtype) if field.dtype.startswith("uint") else values.astype(field.dtype)


def _taken(rows: Rows, start: int, size: int) -> Rows:
    """So many rows from a place on; from the beginning again where they end."""
    import numpy as np

    at = np.arange(start, start + size) % rows.size
    if rows.matrix is not None:
        return Rows(size, np.ascontiguousarray(rows.matrix[at]))
    return Rows(size, None, {name: values[at] for name, values in rows.columns.items()})


def _disagreed(pairs: list[tuple[Any, Any]], *, labels: bool) -> int:
    """How many of the answers differ: (old, new)."""
    if labels:
        return sum(old != new for old, new in pairs)
    numbers = [pair for pair in pairs if all(isinstance(each, int | float) for each in pair)]
    import numpy as np

    old, new = (np.array([pair[side] for pair in numbers], float) for side in (0, 1))
    apart = NUMBERS_DIFFER * float(old.std()) if numbers else 0.0
    near = np.abs(old - new) <= max(apart, 1e-9)
    return len(pairs) - int(near.sum())

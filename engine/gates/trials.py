"""Tries one version: has it built, loads it in processes of their own, calls it, asks it what the live one was asked.

Nothing is done before a gate asks for it, and nothing twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable
from engine.core.text import clean
from engine.endpoints.model import Share
from engine.gates.trial_model import Load, Measured, Replayed, ScannedFile, Timing, Weight
from engine.gates.trial_process import TrialProcess
from engine.runtimes.model import LABELS
from engine.runtimes.sampling import SAMPLE_FILES
from engine.telemetry.model import PredictionQuery

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.endpoints.model import Build, Deployment, Endpoint
    from engine.gates.sources import Building, Sources
    from engine.registry.model import Version
    from engine.runtimes.model import Interface
    from engine.telemetry.model import Prediction

    Progress = Callable[[str, int, int], None]

ROUNDS = 7
"""Each version is called in so many rounds, by turns; what is told is the median of the rounds."""

STARTS = 3
"""A version is loaded in so many fresh processes to learn how long that takes."""

SAMPLED = 256
"""Most captured rows that a version is called with while its latency is measured."""

LOAD_S = 120.0
"""Longest time that loading a version may take, in seconds."""

SCAN_S = 300.0
"""Longest time that looking into one file may take, in seconds."""

REPLAY_S = 600.0
"""Longest time that replaying captured rows may take, in seconds."""

_PAGE = 1_000
_MOST_REASONS = 20


class VersionTrials:
    """The trials of one version.

    Args:
        version: The version.
        production: The other versions in Production: the live one is among them where no endpoint has one.
        sources: What the trials stand on.
        progress: Told what happens, steps done and steps in all; may raise to stop.
    """

    def __init__(self, version: Version, production: Sequence[Version], sources: Sources, progress: Progress) -> None:
        self._version = version
        self._production = production
        self._sources = sources
        self._progress = progress
        self._told = ("", 0, 1)
        self._measured: dict[Load, Measured] = {}
        self._scanned: dict[int, Sequence[ScannedFile]] = {}
        self._trained: dict[str, Any] = {}

    def build(self) -> Build:
        """The version made ready to serve.

        Raises:
            QuarterdeckError: it cannot be.
        """
        return self._build

    def pickle_allowed(self) -> bool:
        """Whether an approver answers for the pickle in the version's bytes."""
        return self._sources.builds().pickle_allowed(self._version.digest)

    def measured(self, load: Load) -> Measured:
        """How quick it is; with the live version beside it where that is asked.

        Raises:
            QuarterdeckError: it cannot be built, or does not answer.
        """
        if load not in self._measured:
            self._measured[load] = self._measure(load)
        return self._measured[load]

    def weight(self) -> Weight:
        """What loading it takes: time as the median of several starts.

        Raises:
            QuarterdeckError: it cannot be built, or does not load.
        """
        return self._weight

    def scanned(self, most_bytes: int) -> Sequence[ScannedFile]:
        """What its files hold.

        Raises:
            QuarterdeckError: nobody could look.
        """
        if most_bytes not in self._scanned:
            self._scanned[most_bytes] = self._scan(most_bytes)
        return self._scanned[most_bytes]

    def replayed(self, rows: int) -> Replayed:
        """What it says to at most so many rows that the live version was asked.

        Raises:
            QuarterdeckError: it cannot be built, or does not answer.
        """
        live = self._live
        found = self._captured(rows)
        told: Mapping[str, Any] = {"refused": 0, "reasons": {}, "compared": 0, "disagreed": 0}
        if found:
            with self._process() as process:
                _load(process, self._sources.builds(), self._build)
                self._tell("replaying captured rows", 0, len(found))
                records, answers = [each[0] for each in found], [each[1] for each in found]
                told = process.ask("replay", REPLAY_S, records=_json(records), answers=_json(answers))
        return Replayed(
            live=tuple(sorted({each.version for _, each in live})),
            endpoints=tuple(endpoint.name for endpoint, _ in live),
            rows=len(found),
            refused=told["refused"],
            reasons=_told_reasons(told["reasons"]),
            compared=told["compared"],
            disagreed=told["disagreed"],
        )

    @cached_property
    def _build(self) -> Build:
        version = self._version
        return self._sources.builds().build(version.model, version.version, progress=self._tell)

    @cached_property
    def _weight(self) -> Weight:
        weights = []
        samples = self._samples(self._version, self._build)
        for start in range(STARTS):
            self._tell("loading", start, STARTS)
            with self._process() as process:
                loaded = _load(process, self._sources.builds(), self._build)
                process.ask("prepare", LOAD_S, rows=1, records=_json(self._records), samples=samples)
                weights.append(_weight(self._build, loaded, process.ask("weigh", LOAD_S)))
        return Weight(
            runtime=weights[0].runtime,
            file_bytes=weights[0].file_bytes,
            imports_ms=median(each.imports_ms for each in weights),
            load_ms=median(each.load_ms for each in weights),
            imports_bytes=_middle(each.imports_bytes for each in weights),
            model_bytes=_middle(each.model_bytes for each in weights),
            resident_bytes=_middle(each.resident_bytes for each in weights),
        )

    @cached_property
    def _live(self) -> tuple[tuple[Endpoint, Deployment], ...]:
        """What is live behind the model's endpoints."""
        endpoints = self._sources.endpoints()
        with self._sources.database.snapshot() as view:
            names = endpoints.of_model(view, self._version.model)
        found = (endpoints.get(name) for name in names)
        return tuple((each, live) for each in found for live in each.deployments if live.share is Share.LIVE)

    @cached_property
    def _records(self) -> list[Mapping[str, object]]:
        return [row for row, _ in self._captured(SAMPLED)]

    def _captured(self, rows: int) -> list[tuple[Mapping[str, object], object]]:
        """Rows that live versions were asked, the newest of each endpoint first, each with the answer it got."""
        found: list[tuple[Mapping[str, object], object]] = []
        for endpoint, live in self._live:
            for each in self._predictions(endpoint, live):
                found += _answered(each)
                self._tell("reading captured rows", min(len(found), rows), rows)
                if len(found) >= rows:
                    return found[:rows]
        return found

    def _predictions(self, endpoint: Endpoint, live: Deployment) -> Iterator[Prediction]:
        token = ""
        while True:
            query = PredictionQuery(
                endpoint.row_id,
                version=live.version,
                share=Share.LIVE.value,
                failed=False,
                limit=_PAGE,
                page_token=token,
            )
            page = self._sources.telemetry().predictions(query)
            yield from (each for each in page.items if each.status < 400 and each.model == live.model)
            token = page.next_page_token or ""
            if not token:
                return

    def _measure(self, load: Load) -> Measured:
        from engine.gates.machine import machine_words

        rivals = [(self._version, self._build)]
        if load.compare:
            rivals += self._rival()
        with ExitStack() as stack:
            timed = [_Timed(version, build, stack.enter_context(self._process())) for version, build in rivals]
            for each in timed:
                self._tell(f"loading version {each.version.version}", 0, ROUNDS)
                each.load(self._sources.builds(), load.rows, self._records, self._samples(each.version, each.build))
            for done in range(ROUNDS):
                for each in timed:
                    self._tell(f"calling version {each.version.version}", done, ROUNDS)
                    each.rounds.append(each.process.ask("round", LOAD_S, for_s=load.duration_ms / 1_000 / ROUNDS))
            self._tell("calling", ROUNDS, ROUNDS)
            timings = [each.timing() for each in timed]
        live = timings[1] if len(timings) > 1 else None
        return Measured(
            candidate=timings[0],
            live=live,
            ratio=None if live is None else _ratio(timings[0].rounds_us, live.rounds_us),
            rows_from=timed[0].rows_from,
            machine=machine_words(),
        )

    def _rival(self) -> list[tuple[Version, Build]]:
        """The version to compare with: the live one behind an endpoint, else the newest in Production."""
        numbers = [live.version for _, live in self._live] or sorted(
            (each.version for each in self._production), reverse=True
        )
        for number in numbers:
            if number == self._version.version:
                continue
            known = [each for each in self._production if each.version == number]
            version = known[0] if known else self._sources.models.version(self._version.model, number)
            try:
                return [(version, self._sources.builds().build(version.model, number, progress=self._tell))]
            except NotServable:
                continue  # it serves nobody, so there is nothing to be slower than
        return []

    def _samples(self, version: Version, build: Build) -> Any:
        """Rows a version was trained on, as a message; none are needed where there are captured ones."""
        if version.digest not in self._trained:
            self._trained[version.digest] = None if self._records else self._read_samples(version, build)
        return self._trained[version.digest]

    def _read_samples(self, version: Version, build: Build) -> Any:
        """Read them in a process of their own, so that no memory of it is told as the model's."""
        entries = self._sources.models.files(version.model, version.version)
        files = {each.path.rpartition("/")[2]: each.digest for each in entries}
        for name in SAMPLE_FILES:
            if name in files:
                path, interface = str(self._sources.path_of(files[name])), _plain(build.interface)
                with self._process() as process:
                    found = process.ask(
                        "samples", LOAD_S, path=path, digest=files[name], name=name, interface=interface
                    )
                if found is not None:
                    return found
        return None

    def _scan(self, most_bytes: int) -> Sequence[ScannedFile]:
        files = self._sources.models.files(self._version.model, self._version.version)
        found = []
        with self._process() as process:
            for done, each in enumerate(files):
                path = clean(each.path, limit=200)
                self._tell(f"looking into {path}", done, len(files))
                if each.size_bytes > most_bytes:
                    finding = f"It has {each.size_bytes:,} bytes, and {most_bytes:,} are allowed."
                    found.append(ScannedFile(path, "other", each.size_bytes, (finding,), (finding,)))
                    continue
                where = str(self._sources.path_of(each.digest))
                told = process.ask("scan", SCAN_S, path=where, digest=each.digest, name=each.path)
                said = [tuple(clean(text, limit=300) for text in told[key]) for key in ("findings", "dangerous")]
                found.append(ScannedFile(path, told["format"], each.size_bytes, said[0], said[1]))
        return tuple(found)

    @contextmanager
    def _process(self) -> Iterator[TrialProcess]:
        with TrialProcess(lambda: self._progress(*self._told)) as process:
            yield process

    def _tell(self, what: str, done: int, total: int) -> None:
        self._told = (what, done, total)
        self._progress(what, done, total)


class _Timed:
    """One of the versions that are called by turns."""

    def __init__(self, version: Version, build: Build, process: TrialProcess) -> None:
        self.version = version
        self.build = build
        self.process = process
        self.rounds: list[dict[str, Any]] = []
        self.rows_from = ""
        self._loaded: dict[str, Any] = {}

    def load(self, builds: Building, rows: int, records: list[Mapping[str, object]], samples: object) -> None:
        self._loaded = _load(self.process, builds, self.build)
        self.rows_from = self.process.ask("prepare", LOAD_S, rows=rows, records=_json(records), samples=samples)

    def timing(self) -> Timing:
        from engine.telemetry.histogram import merged

        return Timing(
            version=self.version.version,
            calls=sum(each["calls"] for each in self.rounds),
            p50_us=median(each["p50_us"] for each in self.rounds),
            p95_us=median(each["p95_us"] for each in self.rounds),
            p99_us=median(each["p99_us"] for each in self.rounds),
            slowest_us=max(each["slowest_us"] for each in self.rounds),
            rounds_us=tuple(each["p95_us"] for each in self.rounds),
            buckets=merged(each["buckets"] for each in self.rounds),
            weight=_weight(self.build, self._loaded, self.process.ask("weigh", LOAD_S)),
        )


def _load(process: TrialProcess, builds: Building, build: Build) -> dict[str, Any]:
    told: dict[str, Any] = process.ask(
        "load",
        LOAD_S,
        path=str(builds.path(build)),
        kind=build.kind.value,
        file_format=build.file_format,
        interface=_plain(build.interface),
        digest=build.file_digest,
    )
    return told


def _plain(interface: Interface) -> object:
    from dataclasses import asdict

    return asdict(interface)


def _weight(build: Build, loaded: Mapping[str, Any], weighed: Mapping[str, int]) -> Weight:
    return Weight(
        runtime=build.kind.value,
        file_bytes=build.size_bytes,
        imports_ms=loaded["imports_ms"],
        load_ms=loaded["load_ms"],
        imports_bytes=loaded["imports_bytes"],
        model_bytes=weighed["model_bytes"],
        resident_bytes=weighed["resident_bytes"],
    )


def _json(values: Sequence[object]) -> str:
    """Captured values as they came: MessagePack has neither their longest numbers nor their broken texts."""
    import json

    return json.dumps(values)


def _middle(values: Iterable[int]) -> int:
    return round(median(values))


def _ratio(candidate: Sequence[float], live: Sequence[float]) -> float:
    """How many times as long the candidate takes: round by round, since what disturbs the machine disturbs both."""
    return median(one / other for one, other in zip(candidate, live, strict=True) if other)


def _answered(prediction: Prediction) -> list[tuple[Mapping[str, object], object]]:
    """The rows of a captured prediction, each with its label or number, or nothing where none was kept."""
    outputs = prediction.outputs
    labels = outputs.get(LABELS) if isinstance(outputs, dict) else None
    if not isinstance(labels, list) or len(labels) != len(prediction.inputs):
        labels = [None] * len(prediction.inputs)
    return list(zip(prediction.inputs, labels, strict=True))


def _told_reasons(counts: Mapping[str, int]) -> dict[str, int]:
    """Reasons as they may be shown, the most frequent first: rows that others sent may have made them."""
    total: Counter[str] = Counter()
    for reason, count in counts.items():
        total[clean(reason, limit=300)] += count
    return dict(total.most_common(_MOST_REASONS))

"""Reading operations on runs: lookup, search, history, comparison, artifacts. No role is needed beyond opening."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, cast

from engine.artifacts.model import Manifest, ManifestEntry, manifest, safe_path
from engine.core.errors import InvalidInput, NotFound
from engine.core.paging import Page, decode_token, encode_token
from engine.core.query import RUNS, parse_filter, parse_order_by
from engine.core.text import clean
from engine.tracking import batch_store, detail_store, experiment_store, history_store, run_store, search_store
from engine.tracking.model import (
    LOST,
    LOST_AFTER_MS,
    Artifact,
    Comparison,
    History,
    MetricPoint,
    Run,
    RunColumns,
    RunDetail,
    RunQuery,
    RunStatus,
)
from engine.tracking.rules import loaded

if TYPE_CHECKING:
    from array import array
    from collections.abc import Mapping, Sequence

    from engine.artifacts.store import ArtifactStore
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Snapshot

MAX_PAGE = 50_000
"""Most runs or points of a page."""

MAX_BUCKETS = 10_000
"""Most points of a reduced history."""

_SHORTEST_PREFIX = 4
_INT64 = 2**63 - 1
_HEX = frozenset("0123456789abcdef")


class RunReading:
    """Finds and reads runs.

    Args:
        database: The control database.
        artifacts: The artifact files.
        clock: Tells which running runs are lost.
    """

    def __init__(self, database: Database, artifacts: ArtifactStore, clock: Clock) -> None:
        self._database = database
        self._artifacts = artifacts
        self._clock = clock

    def get(self, run_id: str) -> RunDetail:
        """One run with everything that belongs to it.

        Args:
            run_id: Its id, or a beginning of it that no other run shares, of at least 4 hex digits.

        Raises:
            NotFound: there is no such run; the hint names runs of that name, or the nearest names.
            InvalidInput: several runs' ids begin so; the message lists them.
        """
        with self._database.snapshot() as snapshot:
            row_id = resolve(snapshot, run_id).row_id
            run = self._load(snapshot, [row_id], None, None)[row_id]
            return RunDetail(
                **{name: getattr(run, name) for name in Run.__slots__},
                inputs=detail_store.inputs(snapshot, row_id),
                environment=detail_store.environment(snapshot, row_id),
                artifacts=tuple(Artifact(*row) for row in detail_store.artifacts(snapshot, row_id)),
                children=tuple(run_store.children(snapshot, row_id)),
            )

    def page(self, query: RunQuery | None = None) -> Page[Run]:
        """One page of a search.

        Args:
            query: Which runs, in which order; the newest 100 by default.

        Returns:
            The runs, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            NotFound: there is no such experiment.
            InvalidInput: the limit or lifecycle is not valid, or the token is not of this query.
        """
        query = query or RunQuery()
        if not 1 <= query.limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        with self._database.snapshot() as snapshot:
            search = self._search(snapshot, query)
            position = None if query.page_token is None else _position(query)
            found = search_store.page(snapshot, search, query.limit, position)
            runs = self._load(snapshot, found.row_ids, None, None)
        token = None if found.end is None else encode_token([_fingerprint(query), *found.end])
        return Page(tuple(runs[row_id] for row_id in found.row_ids), token)

    def keys(self, query: RunQuery | None = None) -> array[int]:
        """The integer keys of a whole result, in order; `limit` and `page_token` are not looked at.

        Args:
            query: Which runs, in which order.

        Returns:
            8 bytes a run; `rows` reads those that are shown.

        Raises:
            FilterSyntaxError: the filter or an order does not parse.
            NotFound: there is no such experiment.
            InvalidInput: the lifecycle is not valid.
        """
        with self._database.snapshot() as snapshot:
            return search_store.keys(snapshot, self._search(snapshot, query or RunQuery()))

    def rows(
        self,
        row_ids: Sequence[int],
        *,
        metrics: Sequence[str] | None = None,
        params: Sequence[str] | None = None,
    ) -> dict[int, Run]:
        """Runs by integer key, for the rows of a table that are shown.

        Args:
            row_ids: Integer keys.
            metrics: Load only these metrics; all when `None`.
            params: Load only these parameters; all when `None`. When either list is given, tags are left out.

        Returns:
            The runs that exist, by key.
        """
        with self._database.snapshot() as snapshot:
            return self._load(snapshot, row_ids, metrics, params)

    def count(self, query: RunQuery | None = None) -> int:
        """How many runs a query finds; `order_by`, `limit` and `page_token` do not matter.

        Raises:
            FilterSyntaxError: the filter or an order does not parse.
            NotFound: there is no such experiment.
            InvalidInput: the lifecycle is not valid.
        """
        with self._database.snapshot() as snapshot:
            return search_store.count(snapshot, self._search(snapshot, query or RunQuery()))

    def columns(self) -> RunColumns:
        """Every key in use, most used first; costs as much as there are keys, however many runs there are."""
        with self._database.snapshot() as snapshot:
            found = run_store.columns(snapshot)
        kinds = ("metric", "param", "tag")
        return RunColumns(*(tuple(name for each, name in found if each == kind) for kind in kinds))

    def history(
        self,
        run_id: str,
        key: str,
        *,
        points: int = 400,
        x: str = "step",
        start: int | None = None,
        end: int | None = None,
    ) -> History:
        """One metric's history, reduced to what a chart of that width can show.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            key: The metric.
            points: At most so many stretches, 1 to 10,000.
            x: `step`, or `time` for milliseconds since the epoch.
            start: First x wanted; the first there is when `None`.
            end: Last x wanted; the last there is when `None`.

        Returns:
            The history; empty when the run has no such metric.

        Raises:
            NotFound: there is no such run.
            InvalidInput: `points` or `x` is not valid, or several runs' ids begin so.
        """
        if not 1 <= points <= MAX_BUCKETS:
            raise InvalidInput(f"A history has 1 to {MAX_BUCKETS} points.")
        if x not in ("step", "time"):
            raise InvalidInput("A history goes along 'step' or 'time'.")
        wanted = (
            -_INT64 - 1 if start is None else max(start, -_INT64 - 1),
            _INT64 if end is None else min(end, _INT64),
        )
        with self._database.snapshot() as snapshot:
            run = resolve(snapshot, run_id).row_id
            series = (run, batch_store.key_id(snapshot, "metric", key) or 0)
            exact = history_store.every_point(snapshot, series, x, wanted, points)
            if exact is not None:
                return History(key, len(exact), tuple(exact), exact=True)
            reduced = _reduced(snapshot, series, points, x, wanted)
        return History(key, sum(point.count for point in reduced), tuple(reduced), exact=False)

    def metric_points(
        self, run_id: str, key: str, *, limit: int = 25_000, page_token: str | None = None
    ) -> Page[MetricPoint]:
        """Raw points of one metric, by (step, time, value).

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            key: The metric.
            limit: Points per page, 1 to 50,000.
            page_token: Continues an earlier page.

        Returns:
            (key, value, step, time_ms) tuples, with a token when there are more.

        Raises:
            NotFound: there is no such run.
            InvalidInput: the limit is out of range, the token is not valid, or several runs' ids begin so.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        after = None if page_token is None else _point_position(page_token)
        with self._database.snapshot() as snapshot:
            run = resolve(snapshot, run_id).row_id
            key_id = batch_store.key_id(snapshot, "metric", key) or 0
            rows = batch_store.points_after(snapshot, run, key_id, after, limit + 1)
        token = encode_token(rows[limit - 1]) if len(rows) > limit else None
        items = ((key, loaded(value), step, time_ms) for step, time_ms, value in rows[:limit])
        return Page(tuple(items), token)

    def compare(self, run_ids: Sequence[str], baseline: str | None = None) -> Comparison:
        """Several runs side by side.

        Args:
            run_ids: The runs, or unambiguous beginnings of their ids; 1 to 100.
            baseline: The one that deltas are against; the first when `None`.

        Returns:
            The comparison, what differs first.

        Raises:
            NotFound: there is no such run.
            InvalidInput: none or more than 100 are named, or the baseline is not among them.
        """
        from engine.tracking.comparison import compared  # only a comparison needs it

        if not 1 <= len(run_ids) <= 100:
            raise InvalidInput("Name 1 to 100 runs to compare.")
        with self._database.snapshot() as snapshot:
            row_ids = list(dict.fromkeys(resolve(snapshot, run_id).row_id for run_id in run_ids))
            base = row_ids[0] if baseline is None else resolve(snapshot, baseline).row_id
            if base not in row_ids:
                raise InvalidInput("The baseline must be one of the compared runs.")
            runs = self._load(snapshot, row_ids, None, None)
        return compared([runs[row_id] for row_id in row_ids], row_ids.index(base))

    def artifacts(self, run_id: str, path: str = "") -> tuple[Artifact, ...]:
        """What lies in one folder of a run's artifacts: its files, and its folders in sum.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            path: The folder; empty for the top. A file gives itself.

        Returns:
            Folders and files, by path; nothing when there is no such folder.

        Raises:
            NotFound: there is no such run.
            InvalidInput: the path is not safe, or several runs' ids begin so.
        """
        folder = safe_path(path) if path else ""
        with self._database.snapshot() as snapshot:
            run = resolve(snapshot, run_id).row_id
            if folder:
                rows = detail_store.artifacts_under(snapshot, run, folder)
            else:
                rows = detail_store.artifacts(snapshot, run)
        return _level(rows, folder)

    def artifact_manifest(self, run_id: str, path: str) -> Manifest:
        """What a path of a run's artifacts holds, with the digest that stands for all of it.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            path: A file or folder.

        Raises:
            NotFound: there is no such run, or nothing at that path.
            InvalidInput: the path is not safe, or several runs' ids begin so.
        """
        wanted = safe_path(path)
        with self._database.snapshot() as snapshot:
            run = resolve(snapshot, run_id)
            rows = detail_store.artifacts_under(snapshot, run.row_id, wanted)
        if not rows:
            raise _no_artifact(run, wanted)
        return _manifest(wanted, rows)

    def open_artifact(self, run_id: str, path: str) -> BinaryIO:
        """Open one artifact file for reading; its bytes have been checked against its digest.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            path: The file.

        Returns:
            The open file; the caller closes it.

        Raises:
            NotFound: there is no such run or file.
            InvalidInput: the path is not safe, or names a folder, or several runs' ids begin so.
            IntegrityError: the stored bytes are missing or have changed.
        """
        found = self.artifact_manifest(run_id, path)
        if found.is_dir:
            raise InvalidInput(f"{clean(path)} is a folder.", hint="Name one of the files in it.")
        return self._artifacts.open(found.digest)

    def read_artifact(self, run_id: str, path: str) -> bytes:
        """Read one artifact file; its bytes have been checked against its digest.

        Args:
            run_id: The run, or an unambiguous beginning of its id.
            path: The file.

        Raises:
            NotFound: there is no such run or file.
            InvalidInput: the path is not safe, or names a folder, or several runs' ids begin so.
            IntegrityError: the stored bytes are missing or have changed.
        """
        with self.open_artifact(run_id, path) as stream:
            return stream.read()

    def _search(self, snapshot: Snapshot, query: RunQuery) -> search_store.Search:
        if query.lifecycle not in ("active", "deleted", "all"):
            raise InvalidInput("The lifecycle is 'active', 'deleted' or 'all'.")
        return search_store.Search(
            filter=parse_filter(query.filter, schema=RUNS, now_ms=self._clock.now_ms()),
            order=parse_order_by(query.order_by, schema=RUNS),
            experiment=None if query.experiment is None else _experiment(snapshot, query.experiment),
            lifecycle=cast("search_store.Lifecycle", query.lifecycle),
        )

    def _load(
        self,
        snapshot: Snapshot,
        row_ids: Sequence[int],
        metrics: Sequence[str] | None,
        params: Sequence[str] | None,
    ) -> dict[int, Run]:
        wanted = list(row_ids)
        rows = run_store.rows(snapshot, wanted)
        found_metrics = run_store.latest_metrics(snapshot, wanted, metrics)
        found_params = run_store.pairs(snapshot, "param", wanted, params)
        tag_names = None if metrics is None and params is None else ()
        found_tags = run_store.pairs(snapshot, "tag", wanted, tag_names)
        lost_before = self._clock.now_ms() - LOST_AFTER_MS
        return {
            row[0]: _run(row, found_metrics[row[0]], found_params[row[0]], found_tags[row[0]], lost_before)
            for row in rows
        }


def resolve(snapshot: Snapshot, run_id: str) -> run_store.RunHead:
    """The run of that id, or the only one whose id begins so.

    Args:
        snapshot: Where to look.
        run_id: An id, or at least 4 hex digits of one.

    Raises:
        NotFound: there is no such run.
        InvalidInput: several runs' ids begin so.
    """
    if found := run_store.head(snapshot, run_id):
        return found
    prefix = run_id.lower()
    if len(prefix) >= _SHORTEST_PREFIX and _HEX.issuperset(prefix):
        matches = run_store.with_prefix(snapshot, prefix, 6)
        if len(matches) == 1:
            return matches[0]
        if matches:
            listed = ", ".join(match.run_id for match in matches[:5]) + (", …" if len(matches) > 5 else "")
            raise InvalidInput(f"Several runs begin with {prefix}: {listed}.", hint="Give more digits.")
    raise _no_run(snapshot, run_id)


def _no_run(snapshot: Snapshot, run_id: str) -> NotFound:
    same_name = run_store.with_name(snapshot, run_id, 3)
    if same_name:
        return NotFound(
            f"There is no run with the id {clean(run_id, limit=40)}.",
            hint=f"A run of that name has the id {', '.join(same_name)}.",
        )
    from engine.core.suggest import nearest  # only a wrong name needs it

    names = dict(reversed(run_store.newest_names(snapshot, 1_000)))
    near = "; ".join(f"{clean(name)} is {names[name]}" for name in nearest(run_id, names))
    hint = f"Runs with a like name: {near}." if near else "Run `qd runs list` to see them."
    return NotFound(f"There is no run {clean(run_id, limit=40)}.", hint=hint)


def _experiment(snapshot: Snapshot, name: str) -> int:
    found = experiment_store.find(snapshot, name)
    if found is None:
        from engine.core.suggest import did_you_mean  # only a wrong name needs it

        hint = did_you_mean(name, experiment_store.names(snapshot))
        raise NotFound(f"There is no experiment called {clean(name)}.", hint=hint)
    return found[0]


def _run(
    row: run_store.RunRow,
    metrics: Mapping[str, float],
    params: Mapping[str, str],
    tags: Mapping[str, str],
    lost_before_ms: int,
) -> Run:
    row_id, run_id, experiment, experiment_id, name, status, start_ms, end_ms, beat_ms, deleted_ms, user, up, note = row
    lost = status == "running" and beat_ms is not None and beat_ms < lost_before_ms
    return Run(
        row_id=row_id,
        run_id=run_id,
        experiment=experiment,
        experiment_id=experiment_id,
        name=name,
        status=RunStatus(status),
        state=LOST if lost else status,
        lifecycle="active" if deleted_ms is None else "deleted",
        start_ms=start_ms,
        end_ms=end_ms,
        heartbeat_ms=beat_ms,
        user=user,
        parent_run_id=up,
        params=params,
        metrics=metrics,
        tags=tags,
        note=note,
    )


def _reduced(
    snapshot: Snapshot, series: tuple[int, int], points: int, x: str, wanted: history_store.Range
) -> list[history_store.HistoryPoint]:
    reach = history_store.extent(snapshot, series, x, wanted)
    if reach is None:
        return []
    low, high = reach
    width = -(-(high - low + 1) // points)
    if x == "time":
        return history_store.by_time(snapshot, series, reach, width)
    bounds = [min(low + number * width, high + 1) for number in range(points + 1)]
    return history_store.by_step(snapshot, series, sorted(set(bounds)))


def _level(rows: Sequence[detail_store.ArtifactRow], folder: str) -> tuple[Artifact, ...]:
    if len(rows) == 1 and rows[0][0] == folder:
        return (Artifact(*rows[0]),)
    begin = len(folder) + 1 if folder else 0
    below: dict[str, list[detail_store.ArtifactRow]] = {}
    for row in rows:
        name = row[0][begin:].partition("/")[0]
        below.setdefault(row[0][:begin] + name, []).append(row)
    manifests = (_manifest(path, found) for path, found in below.items())
    return tuple(Artifact(each.path, each.digest, each.size_bytes, each.is_dir) for each in manifests)


def _manifest(path: str, rows: Sequence[detail_store.ArtifactRow]) -> Manifest:
    if rows[0][0] == path:
        name = path.rpartition("/")[2]
        return manifest(path, [ManifestEntry(name, *rows[0][1:])], is_dir=False)
    begin = len(path) + 1
    return manifest(path, (ManifestEntry(row[0][begin:], *row[1:]) for row in rows), is_dir=True)


def _no_artifact(run: run_store.RunHead, path: str) -> NotFound:
    return NotFound(
        f"The run {run.run_id[:8]} has no artifact {clean(path)}.",
        hint=f"Run `qd runs show {run.run_id[:8]}` to see what it has.",
    )


def _fingerprint(query: RunQuery) -> int:
    """Tells tokens of different queries apart, so that one is never continued with another's position."""
    from zlib import crc32  # only a long list needs it

    return crc32(repr((query.filter, query.order_by, query.experiment, query.lifecycle)).encode(errors="replace"))


def _position(query: RunQuery) -> tuple[object, ...]:
    token = decode_token(query.page_token or "")
    if not isinstance(token, list) or len(token) < 2 or token[0] != _fingerprint(query):
        raise InvalidInput("The page token is not of this query.", hint="Start again without a page token.")
    return tuple(token[1:])


def _point_position(page_token: str) -> tuple[int, int, float | str]:
    place = decode_token(page_token)
    if isinstance(place, list) and len(place) == 3:
        step, time_ms, value = place
        if type(step) is int and type(time_ms) is int and isinstance(value, (str, int, float)):
            return step, time_ms, value
    raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")

"""Finding and reading runs. No role is needed beyond opening the workspace."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, cast

from engine.core.errors import InvalidInput, NotFound
from engine.core.paging import Page, decode_token, encode_token
from engine.core.query import RUNS, parse_filter, parse_order_by
from engine.core.text import clean
from engine.tracking import detail_store, experiment_store, run_store, search_store
from engine.tracking.lookup import MAX_PAGE, RunService, resolve
from engine.tracking.model import Run, RunQuery

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    from engine.core.query import Filter, OrderBy
    from engine.db.transaction import Snapshot
    from engine.tracking.model import Comparison, RunColumns, RunDetail


class RunReading(RunService):
    """Finds and reads runs."""

    def get(self, run_id: str) -> RunDetail:
        """One run with everything that belongs to it.

        Args:
            run_id: Its id, or a beginning of it that no other run shares, of at least 4 hex digits.

        Raises:
            NotFound: there is no such run; the hint names runs of that name, or the nearest names.
            InvalidInput: several runs' ids begin so; the message lists them.
        """
        from engine.artifacts import file_store  # a list does without
        from engine.tracking.model import Artifact, RunDetail

        with self._database.snapshot() as snapshot:
            row_id = resolve(snapshot, run_id).row_id
            run = self._load(snapshot, [row_id], None, None)[row_id]
            models = detail_store.models_of(snapshot, [row_id])
            return RunDetail(
                **{part.name: getattr(run, part.name) for part in fields(Run)},
                inputs=detail_store.inputs(snapshot, row_id),
                environment=detail_store.environment(snapshot, row_id),
                artifacts=tuple(Artifact(*row) for row in file_store.files(snapshot, file_store.RUN_FILES, row_id)),
                children=tuple(run_store.children(snapshot, row_id)),
                models_read=models.get((row_id, "input"), ()),
                models_made=models.get((row_id, "output"), ()),
            )

    def page(self, query: RunQuery | None = None) -> Page[Run]:
        """One page of a search.

        Args:
            query: Which runs, in which order; the newest 100 by default.

        Returns:
            The runs, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter, the query or an order does not parse; `details["column"]` says where.
            NotFound: there is no such experiment.
            InvalidInput: the limit or lifecycle is not valid, the token is not of this query, or the query holds a
                regular expression.
        """
        with self._database.snapshot() as snapshot:
            row_ids, token = self._found(snapshot, query)
            runs = self._load(snapshot, row_ids, None, None)
        return Page(tuple(runs[row_id] for row_id in row_ids), token)

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

    def by_status(self) -> dict[str, int]:
        """How many runs there are of each status, in one pass; neither deleted ones nor statuses without any."""
        with self._database.snapshot() as snapshot:
            return run_store.by_status(snapshot)

    def columns(self) -> RunColumns:
        """Every key in use, most used first; costs as much as there are keys, however many runs there are."""
        with self._database.snapshot() as snapshot:
            return _columns(snapshot)

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

    def _found(self, snapshot: Snapshot, query: RunQuery | None) -> tuple[tuple[int, ...], str | None]:
        """The integer keys of one page of a search, and the token of the next."""
        query = query or RunQuery()
        if not 1 <= query.limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        search = self._search(snapshot, query)
        position = None if query.page_token is None else _position(query)
        found = search_store.page(snapshot, search, query.limit, position)
        token = None if found.end is None else encode_token([fingerprint(query), *found.end])
        return found.row_ids, token

    def _filter(self, snapshot: Snapshot, query: RunQuery) -> Filter | None:
        text, now_ms = query.filter, self._clock.now_ms()
        tree = parse_filter(text, schema=RUNS, now_ms=now_ms) if isinstance(text, str) else text
        if not query.find:
            return tree
        from engine.core.query.finding import narrowed  # most searches do without

        return narrowed(tree, query.find, _columns(snapshot), now_ms)

    def _search(self, snapshot: Snapshot, query: RunQuery) -> search_store.Search:
        if query.lifecycle not in ("active", "deleted", "all"):
            raise InvalidInput("The lifecycle is 'active', 'deleted' or 'all'.")
        experiments = query.experiment_ids
        if query.experiment is not None:
            named = _experiment(snapshot, query.experiment)
            experiments = (named,) if experiments is None or named in experiments else ()
        return search_store.Search(
            filter=self._filter(snapshot, query),
            order=_order(query),
            experiments=experiments,
            lifecycle=cast("search_store.Lifecycle", query.lifecycle),
        )


def _columns(snapshot: Snapshot) -> RunColumns:
    from engine.tracking.model import RunColumns  # a list does without

    found = run_store.columns(snapshot)
    kinds = ("metric", "param", "tag")
    return RunColumns(*(tuple(name for each, name in found if each == kind) for kind in kinds))


def _order(query: RunQuery) -> tuple[OrderBy, ...]:
    texts = [key for key in query.order_by if isinstance(key, str)]
    return parse_order_by(texts, schema=RUNS) if texts else cast("tuple[OrderBy, ...]", query.order_by)


def _experiment(snapshot: Snapshot, name: str) -> int:
    found = experiment_store.find(snapshot, name)
    if found is None:
        from engine.core.suggest import did_you_mean  # only a wrong name needs it

        hint = did_you_mean(name, experiment_store.names(snapshot))
        raise NotFound(f"There is no experiment called {clean(name)}.", hint=hint)
    return found[0]


def fingerprint(query: RunQuery) -> int:
    """Tells tokens of different queries apart, so that one is never continued with another's position."""
    from zlib import crc32  # only a long list needs it

    asked = (query.filter, query.order_by, query.experiment, query.experiment_ids, query.lifecycle, query.find)
    return crc32(repr(asked).encode(errors="replace"))


def _position(query: RunQuery) -> tuple[object, ...]:
    token = decode_token(query.page_token or "")
    if not isinstance(token, list) or len(token) < 2 or token[0] != fingerprint(query):
        raise InvalidInput("The page token is not of this query.", hint="Start again without a page token.")
    return tuple(token[1:])

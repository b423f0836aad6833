"""Finding experiments. There are few: they are asked in memory, one by one, in the meaning that runs have in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.frozen import frozen
from engine.core.paging import decode_token, encode_token
from engine.core.query import EXPERIMENTS, parse_filter, parse_order_by
from engine.tracking import experiment_store as store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.core.query import OrderBy
    from engine.db.transaction import Snapshot
    from engine.tracking.model import ExperimentQuery


@frozen
class _Asked:
    """An experiment as the filter language sees it."""

    row: store.ExperimentRow
    attributes: Mapping[str, str | float | int | None]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    datasets: Sequence[Mapping[str, str]]


def matching(snapshot: Snapshot, text: str, now_ms: int, *, lifecycle: str) -> list[store.ExperimentRow]:
    """Experiments that pass a filter, newest first.

    Args:
        snapshot: Where to look.
        text: The filter; empty for all.
        now_ms: The present, for ages, in milliseconds since the epoch.
        lifecycle: `active`, `deleted` or `all`.

    Raises:
        FilterSyntaxError: the filter does not parse.
        InvalidInput: there is no such lifecycle.
    """
    if lifecycle not in ("active", "deleted", "all"):
        raise InvalidInput("The lifecycle is 'active', 'deleted' or 'all'.")
    tree = parse_filter(text, schema=EXPERIMENTS, now_ms=now_ms)
    rows = [row for row in store.everything(snapshot) if lifecycle in ("all", _lifecycle(row))]
    rows.sort(key=lambda row: (-row[2], -row[0]))
    if tree is None:
        return rows
    from engine.core.query import evaluate  # loaded late: most lists have no filter

    tags = store.all_tags(snapshot)
    return [row for row in rows if evaluate(tree, _asked(row, tags.get(row[0], {})))]


def search(snapshot: Snapshot, query: ExperimentQuery, now_ms: int) -> tuple[list[store.ExperimentRow], str | None]:
    """One page of a search, and the token of the next.

    Args:
        snapshot: Where to look.
        query: Which experiments, in which order.
        now_ms: The present, for ages, in milliseconds since the epoch.

    Raises:
        FilterSyntaxError: the filter or an order does not parse.
        InvalidInput: the lifecycle is not valid, or the token is not of this query.
    """
    order = parse_order_by(query.order_by, schema=EXPERIMENTS)
    begin = 0 if query.page_token is None else _begin(query)
    found = matching(snapshot, query.filter, now_ms, lifecycle=query.lifecycle)
    if order:
        found = _ordered(snapshot, found, order)
    end = begin + query.limit
    token = encode_token([_fingerprint(query), end]) if len(found) > end else None
    return found[begin:end], token


def _ordered(
    snapshot: Snapshot, rows: Sequence[store.ExperimentRow], order: Sequence[OrderBy]
) -> list[store.ExperimentRow]:
    from engine.core.query import order as ordered  # only a list with an order of its own needs it

    tags = store.all_tags(snapshot)
    asked = [_asked(row, tags.get(row[0], {}), numeric=True) for row in rows]
    return [each.row for each in ordered(asked, order, schema=EXPERIMENTS)]


def _asked(row: store.ExperimentRow, tags: Mapping[str, str], *, numeric: bool = False) -> _Asked:
    experiment, name, created_ms, updated_ms, _ = row
    attributes: dict[str, str | float | int | None] = {
        "name": name,
        "experiment_id": experiment if numeric else str(experiment),  # 9 comes before 10, but is asked for as a text
        "lifecycle_stage": _lifecycle(row),
        "creation_time": created_ms,
        "last_update_time": updated_ms,
    }
    return _Asked(row, attributes, tags, {}, {}, ())


def _lifecycle(row: store.ExperimentRow) -> str:
    return "active" if row[4] is None else "deleted"


def _fingerprint(query: ExperimentQuery) -> int:
    """Tells tokens of different queries apart, so that one is never continued with another's position."""
    from zlib import crc32  # only a long list needs it

    return crc32(repr((query.filter, query.order_by, query.lifecycle)).encode(errors="replace"))


def _begin(query: ExperimentQuery) -> int:
    token = decode_token(query.page_token or "")
    if isinstance(token, list) and len(token) == 2 and token[0] == _fingerprint(query):
        begin = token[1]
        if type(begin) is int and 0 <= begin < 2**63:
            return begin
    raise InvalidInput("The page token is not of this query.", hint="Start again without a page token.")

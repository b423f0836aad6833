"""Runs by what they have in common: the groups of a search, and what the numbers of each come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.paging import decode_token, encode_token
from engine.core.query import RUNS, Comparison, Entity, Operator, parse_order_by, unparse
from engine.core.text import clean
from engine.tracking import grouping_store
from engine.tracking.aggregating import RunAggregating, add_up, numeric_fields
from engine.tracking.lookup import MAX_PAGE
from engine.tracking.model import RunQuery
from engine.tracking.reading import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.core.aggregates import Aggregate
    from engine.core.grouping import Group, Groups, Partition
    from engine.core.query import Field

LONGEST_FILTER = 1_000
"""Characters of a value that is written into a filter."""


class RunGrouping(RunAggregating):
    """Sorts runs into groups."""

    def groups(self, query: RunQuery | None = None, *, by: str, columns: Sequence[str] = ()) -> Groups:
        """One page of the groups of all runs that a query finds.

        Args:
            query: Which runs. `order_by` orders the groups too: by the first run of each. `limit` and `page_token` are
                of groups.
            by: What they are grouped by, such as `params.lr`, `tags.team`, `params.config$.lr`, `metrics.epoch`,
                `experiment`, `status`, `user_id` or `run_name`.
            columns: What is added up in each group, as for `aggregates`; up to 200.

        Returns:
            The groups; that of the runs without a value comes last.

        Raises:
            FilterSyntaxError: the filter, the query, an order, a column or `by` does not parse.
            NotFound: there is no such experiment.
            InvalidInput: runs cannot be grouped by that, a column holds no numbers, there are too many, the limit or
                lifecycle is not valid, the token is not of this query, or the query holds a regular expression.
        """
        from engine.core.grouping import Groups

        query = query or RunQuery()
        if not 1 <= query.limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        start = _start(query, by)
        found = self.grouped(self.keys(query), by=by)
        marks = found.marks[start : start + query.limit]
        told = self.group_rows(found, marks, by=by, columns=columns)
        end = start + len(marks)
        token = encode_token([_asked(query, by), end]) if end < len(found) else None
        return Groups(len(found.things), len(found), tuple(told[mark] for mark in marks), token)

    def grouped(self, row_ids: Sequence[int], *, by: str) -> Partition:
        """Which groups some runs are in, as integers: for lists that show a part of them.

        Args:
            row_ids: Integer keys of runs, in order, as `keys` gives them.
            by: As for `groups`.

        Returns:
            The groups. A mark is the least integer key among all runs that have the value, also among others.

        Raises:
            FilterSyntaxError: `by` does not parse.
            InvalidInput: runs cannot be grouped by that.
        """
        from engine.core.grouping import Partition

        field = _field(by)
        with self._database.snapshot() as snapshot:
            return Partition(row_ids, grouping_store.marks(snapshot, field, row_ids))

    def group_rows(
        self, found: Partition, marks: Sequence[int], *, by: str, columns: Sequence[str] = ()
    ) -> dict[int, Group]:
        """What some groups are and come to.

        Args:
            found: The groups as `grouped` gave them.
            marks: Which of them.
            by: What they were grouped by.
            columns: As for `groups`.

        Returns:
            The groups by mark; unknown ones are left out.

        Raises:
            FilterSyntaxError: `by` or a column does not parse.
            InvalidInput: a column holds no numbers, or there are too many.
        """
        from engine.core.grouping import WITHOUT, Group

        field, places = _field(by), {mark: found.place(mark) for mark in marks}
        known = {mark: place for mark, place in places.items() if place is not None}
        fields = numeric_fields(columns) if columns else []
        told: dict[int, Group] = {}
        with self._database.snapshot() as snapshot:
            values: Mapping[int, str | float] = grouping_store.values(snapshot, field, list(known))
            for mark, place in known.items():
                members = found.members(place)
                added: tuple[Aggregate, ...] = ()
                if fields:
                    added = add_up(snapshot, columns, fields, grouping_store.only(members), len(members))
                value = None if mark == WITHOUT else values.get(mark)
                told[mark] = Group(value, len(members), added, _filter(field, value))
        return told


def _field(by: str) -> Field:
    [order] = parse_order_by([by], schema=RUNS)
    field = order.field
    if field.entity in (Entity.METRIC, Entity.PARAM, Entity.TAG):
        return field
    if field.entity is Entity.ATTRIBUTE and field.key in grouping_store.ATTRIBUTES_OF_GROUPS:
        return field
    hint = "Group by params.KEY, tags.KEY, metrics.KEY, experiment, status, user_id or run_name."
    raise InvalidInput(f"Runs are not grouped by {clean(by, limit=80)}: hardly two have the same.", hint=hint)


def _filter(field: Field, value: str | float | None) -> str:
    """A filter that finds a group."""
    if value is None:
        return unparse(Comparison(field, Operator.IS_NULL, None))
    if isinstance(value, str) and (len(value) > LONGEST_FILTER or field.entity is Entity.METRIC):
        return ""  # no filter finds NaN by its name
    return unparse(Comparison(field, Operator.EQUAL, value))


def _asked(query: RunQuery, by: str) -> list[object]:
    return [fingerprint(query), by]


def _start(query: RunQuery, by: str) -> int:
    if query.page_token is None:
        return 0
    token = decode_token(query.page_token)
    if not isinstance(token, list) or len(token) != 2 or token[0] != _asked(query, by) or type(token[1]) is not int:
        raise InvalidInput("The page token is not of this query.", hint="Start again without a page token.")
    return max(token[1], 0)

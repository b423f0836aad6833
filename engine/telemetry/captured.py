"""Looking at captured predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound
from engine.core.paging import Page, decode_token, encode_token
from engine.core.text import clean
from engine.telemetry import prediction_store as store
from engine.telemetry.lookup import TelemetryPart
from engine.telemetry.model import PredictionQuery
from engine.telemetry.opening import looking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.telemetry.model import Prediction

MAX_PAGE = 1_000
"""Most predictions of one page."""

MAX_ROWS = 100_000
"""Most captured rows of one answer."""

_LARGEST = 2**63 - 1


class Captured(TelemetryPart):
    """Lists captured predictions and gives their rows."""

    def predictions(self, query: PredictionQuery) -> Page[Prediction]:
        """List an endpoint's captured predictions, the newest first.

        Args:
            query: Which.

        Returns:
            A page of them.

        Raises:
            InvalidInput: the limit is out of range, or the page token is not of this list.
            NotFound: no endpoint has that name.
            QuarterdeckError: the telemetry database cannot be read.
        """
        if not 1 <= query.limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        after = _position(query.page_token) if query.page_token else None
        row_id = self._row_id(query.endpoint)
        with looking(self._database) as view:
            found = [] if view is None else store.page(view, row_id, query, after)
        more = len(found) > query.limit
        items = tuple(found[: query.limit])
        return Page(items, encode_token([items[-1].time_ms, items[-1].id]) if more else None)

    def get(self, request_id: str) -> Prediction:
        """One captured prediction with what was said of it later; the newest, where a request's id came twice.

        Args:
            request_id: The request's id, as in its answer's header.

        Raises:
            NotFound: no such request was captured, or it is too long ago.
            QuarterdeckError: the telemetry database cannot be read.
        """
        with looking(self._database) as view:
            found = None if view is None else store.by_request(view, request_id)
        if found is None:
            raise NotFound(
                f"No captured prediction has the request id {clean(request_id, limit=100)}.",
                hint="Only a sample is captured, stored within a second, and kept for a time: see `[telemetry] keep`.",
            )
        return found

    def rows(
        self,
        endpoint_id: int | str,
        *,
        version: int | None = None,
        share: str = "live",
        since_ms: int = 0,
        limit: int = 1000,
    ) -> tuple[Mapping[str, object], ...]:
        """Rows that an endpoint was asked, to be asked again of another version.

        Args:
            endpoint_id: The endpoint's row id, or its name.
            version: Of the version that answered; `None` for whichever.
            share: What the deployment that answered got: `live`, or `canary`, `shadow`.
            since_ms: From when, in milliseconds since the epoch.
            limit: How many at most, in [1, 100000].

        Returns:
            One mapping of names to JSON values a row, those of the newest request first; only of requests answered with
            a status below 400.

        Raises:
            InvalidInput: the limit is out of range.
            NotFound: no endpoint has that name.
            QuarterdeckError: the telemetry database cannot be read.
        """
        if not 1 <= limit <= MAX_ROWS:
            raise InvalidInput(f"The limit must be from 1 to {MAX_ROWS}.")
        rows: list[Mapping[str, object]] = []
        token = ""
        while len(rows) < limit:
            query = PredictionQuery(
                endpoint_id,
                version=version,
                share=share,
                failed=False,
                since_ms=since_ms,
                limit=min(limit, MAX_PAGE),
                page_token=token,
            )
            page = self.predictions(query)
            rows += [row for each in page.items if each.status < 400 for row in each.inputs]
            token = page.next_page_token or ""
            if not token:
                break
        return tuple(rows[:limit])


def _position(token: str) -> tuple[int, int]:
    found = decode_token(token)
    match found:
        case [int() as time_ms, int() as last_id] if abs(time_ms) <= _LARGEST and 0 < last_id <= _LARGEST:
            return time_ms, last_id
    raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")

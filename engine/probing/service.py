"""External endpoints: the operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import AlreadyExists, InvalidInput, NotFound, QuarterdeckError
from engine.core.paging import Page, decode_number, decode_token, encode_token
from engine.endpoints.reading import find_row
from engine.probing import probe_store, store
from engine.probing.model import (
    LOOKED_AT,
    ExternalChange,
    ExternalEndpoint,
    Health,
    HealthState,
    Probe,
    ProbeHour,
    Protocol,
    Watched,
    health_of,
)
from engine.registry.names import MAX_TEXT, check_word
from engine.telemetry.opening import looking

if TYPE_CHECKING:
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Snapshot, Transaction
    from engine.probing.asking import Asker
    from engine.tracking.redaction import Redaction

MAX_PAGE = 1_000
"""Most entries of a page."""

_NOTHING: Mapping[str, str] = {}


class Probing:
    """Endpoints that somebody else serves: who they are, and how they do.

    What they are is in the control database; what probes found is in the telemetry database.

    Args:
        database: The control database.
        telemetry: The telemetry database.
        access: Who acts, with which role.
        clock: Tells the time.
        redaction: Replaces secrets in tags.
        asker: Makes what asks; the real one by default.
    """

    def __init__(
        self,
        database: Database,
        telemetry: Database,
        access: Access,
        clock: Clock,
        *,
        redaction: Redaction | None = None,
        asker: Callable[[], Asker] | None = None,
    ) -> None:
        self._database = database
        self._telemetry = telemetry
        self._access = access
        self._clock = clock
        self._redaction = redaction
        self._asker = asker

    def register(  # noqa: PLR0913 what an external endpoint is; all but two have defaults
        self,
        name: str,
        url: str,
        *,
        protocol: Protocol = Protocol.V2,
        model: str = "",
        interval_ms: int = 30_000,
        timeout_ms: int = 5_000,
        expected_status: int = 200,
        headers: Mapping[str, str] = _NOTHING,
        description: str = "",
        owner: str = "",
        tags: Mapping[str, str] = _NOTHING,
    ) -> ExternalEndpoint:
        """Register an endpoint that somebody else serves; the prober asks it from then on.

        Args:
            name: Its name; no other endpoint may have it.
            url: Where it is, `http` or `https`. Private addresses are allowed, link-local ones are not.
            protocol: What it is asked.
            model: The name of the model it says to serve; a v2 server must know it.
            interval_ms: How long from one probe to the next, in milliseconds, from 1 s to 1 day.
            timeout_ms: How long a probe may take, in milliseconds, from 50 ms to 1 min.
            expected_status: The HTTP status that is right.
            headers: What is sent along: the environment variable that holds the value, by the header's name. Its name
                begins with `QD_PROBE_`, and it is read where the prober runs; the value is never stored.
            description: Free text.
            owner: Who answers for it.
            tags: Its tags.

        Returns:
            The endpoint.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            AlreadyExists: an endpoint has the name, ours or another external one.
            InvalidInput: a name, URL, header, number, text or tag cannot be one.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints register")
        asked = (protocol, model, interval_ms, timeout_ms, expected_status, dict(headers))
        given = ExternalEndpoint(
            0, name, url.rstrip("/"), *asked, description, owner, self._kept(tags), 0, 0, actor.name
        )
        _checked(given)
        with self._database.transaction(actor) as tx:
            return _registered(tx, given)

    def update(self, name: str, change: ExternalChange) -> ExternalEndpoint:
        """Change what is said of an external endpoint, or how it is probed.

        Args:
            name: Its name.
            change: What is to be changed.

        Returns:
            The endpoint as it is now.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such external endpoint.
            InvalidInput: a URL, header, number, text or tag cannot be one.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints register")
        given = {each.name: getattr(change, each.name) for each in fields(change)}
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        if change.url is not None:
            changes["url"] = change.url.rstrip("/")
        if change.tags is not None:
            changes["tags"] = self._kept(change.tags)
        with self._database.transaction(actor) as tx:
            found = _found(tx, name)
            wanted = _checked(replace(found, **changes))
            if wanted == found:
                return found
            store.update(tx, wanted)
            record(tx, verb="update", kind="external endpoint", key=name, before=_facts(found), after=_facts(wanted))
            tx.emit(kind="endpoint", change="changed", key=name, row_id=found.row_id)
            return replace(wanted, updated_ms=tx.now_ms)

    def delete(self, name: str, *, reason: str = "") -> None:
        """Forget an external endpoint; the endpoint itself does not notice.

        Args:
            name: Its name.
            reason: Why; goes into the audit log.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such external endpoint.
            InvalidInput: the reason is too long or not valid Unicode.
        """
        actor = self._access.require(Role.OPERATOR, "endpoints unregister")
        check_word(reason, "reason", MAX_TEXT)
        with self._database.transaction(actor) as tx:
            found = _found(tx, name)
            store.delete(tx, found.row_id)
            before = _facts(found)
            record(tx, verb="unregister", kind="external endpoint", key=name, before=before, after=None, reason=reason)
            tx.emit(kind="endpoint", change="unregistered", key=name, row_id=found.row_id)

    def get(self, name: str) -> Watched:
        """An external endpoint, and how it does.

        Args:
            name: Its name.

        Raises:
            NotFound: there is none; the hint names the nearest.
        """
        with self._database.snapshot() as view:
            found = _found(view, name)
        return self._watched((found,))[0]

    def page(self, *, limit: int = 100, page_token: str | None = None) -> Page[Watched]:
        """List external endpoints by name, and how each does.

        Args:
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The endpoints, with a token when there are more.

        Raises:
            InvalidInput: the limit is out of range, or the token is not of this list.
        """
        _check_limit(limit)
        after = "" if page_token is None else decode_token(page_token)
        if not isinstance(after, str):
            raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
        with self._database.snapshot() as view:
            found = store.page(view, after=after, limit=limit + 1)
        token = encode_token(found[limit - 1].name) if len(found) > limit else None
        return Page(self._watched(found[:limit]), token)

    def health(self, name: str) -> Health:
        """How an external endpoint does.

        Args:
            name: Its name.

        Raises:
            NotFound: there is none; the hint names the nearest.
        """
        return self.get(name).health

    def probe_now(self, name: str) -> Probe:
        """Probe an external endpoint at once, from this machine and with its environment; what is found is kept.

        Args:
            name: Its name.

        Returns:
            What was found, whatever it is.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: there is no such external endpoint.
            QuarterdeckError: the telemetry database cannot be written.
        """
        import asyncio

        from engine.probing.asking import Asker
        from engine.probing.keeping import keep

        actor = self._access.require(Role.OPERATOR, "endpoints probe")
        with self._database.snapshot() as view:
            found = _found(view, name)
        asker = Asker(self._clock) if self._asker is None else self._asker()
        probe = asyncio.run(asker.ask(found))
        keep(self._telemetry, actor, found.row_id, probe)
        return probe

    def history(self, name: str, *, limit: int = 100, page_token: str | None = None) -> Page[Probe]:
        """List what probes found at an external endpoint in the last two days, the newest first.

        Args:
            name: Its name.
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The probes, with a token when there are more.

        Raises:
            NotFound: there is no such external endpoint.
            InvalidInput: the limit is out of range, or the token is not of this list.
            QuarterdeckError: the telemetry database cannot be read.
        """
        _check_limit(limit)
        below = None if page_token is None else decode_number(page_token)
        with self._database.snapshot() as view:
            found = _found(view, name)
        with looking(self._telemetry) as view:
            rows = [] if view is None else probe_store.newest(view, found.row_id, below=below, limit=limit + 1)
        token = encode_token(rows[limit - 1][0]) if len(rows) > limit else None
        return Page(tuple(probe for _, probe in rows[:limit]), token)

    def hours(self, name: str, *, since_ms: int = 0) -> tuple[ProbeHour, ...]:
        """Sums over the hours of the last 90 days, the oldest first.

        Args:
            name: The external endpoint's name.
            since_ms: Only hours that began then or later, in milliseconds since the epoch.

        Returns:
            The sums; an hour without probes is left out.

        Raises:
            NotFound: there is no such external endpoint.
            InvalidInput: the time does not fit 64 bits.
            QuarterdeckError: the telemetry database cannot be read.
        """
        with self._database.snapshot() as view:
            found = _found(view, name)
        with looking(self._telemetry) as view:
            return () if view is None else probe_store.hours(view, found.row_id, since_ms)

    def _watched(self, endpoints: tuple[ExternalEndpoint, ...]) -> tuple[Watched, ...]:
        if not endpoints:
            return ()
        now_ms = self._clock.now_ms()
        try:
            with looking(self._telemetry) as view:
                return tuple(Watched(each, health_of(each, _lately(view, each), now_ms)) for each in endpoints)
        except QuarterdeckError as error:  # who they are is known all the same
            unknown = Health(HealthState.UNKNOWN, f"What was found there cannot be read: {error.message}")
            return tuple(Watched(each, unknown) for each in endpoints)

    def _kept(self, tags: Mapping[str, str]) -> dict[str, str]:
        if not tags:
            return {}
        from engine.tracking.redaction import Redaction  # most have no tags

        return dict((self._redaction or Redaction()).pairs(tags))


def _lately(view: Snapshot | None, endpoint: ExternalEndpoint) -> list[Probe]:
    rows = [] if view is None else probe_store.newest(view, endpoint.row_id, below=None, limit=LOOKED_AT)
    return [probe for _, probe in rows]


def _checked(endpoint: ExternalEndpoint) -> ExternalEndpoint:
    from engine.probing.rules import check_external  # a list does without addresses and URLs

    return check_external(endpoint)


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")


def _registered(tx: Transaction, given: ExternalEndpoint) -> ExternalEndpoint:
    _refuse_taken(tx, given.name)
    made = replace(given, row_id=store.insert(tx, given), created_ms=tx.now_ms, updated_ms=tx.now_ms)
    record(tx, verb="register", kind="external endpoint", key=made.name, before=None, after=_facts(made))
    tx.emit(kind="endpoint", change="registered", key=made.name, row_id=made.row_id)
    return made


def _refuse_taken(tx: Transaction, name: str) -> None:
    taken = store.find(tx, name) is not None
    if not taken:
        try:
            find_row(tx, name)
        except NotFound:
            return
    raise AlreadyExists(f"There is an endpoint {name} already.", hint="Choose another name.")


def _found(view: Snapshot, name: str) -> ExternalEndpoint:
    try:
        found = store.find(view, name)
    except InvalidInput:  # a lone surrogate cannot be bound
        found = None
    if found is not None:
        return found
    from engine.core.suggest import did_you_mean  # only a wrong name needs it
    from engine.core.text import clean

    hint = did_you_mean(name, store.names(view)) or "`qd endpoints list` shows all endpoints."
    raise NotFound(
        f"There is no external endpoint {clean(name, limit=100)}.", hint=hint, details={"missing": "endpoint"}
    )


def _facts(endpoint: ExternalEndpoint) -> dict[str, object]:
    left_out = ("row_id", "name", "created_ms", "updated_ms", "created_by")
    return {key: value for key, value in asdict(endpoint).items() if key not in left_out}

"""Reading operations on endpoints: lookup, lists, the past, what data planes should serve. No role is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from engine.core.errors import IntegrityError, InvalidInput, NotFound
from engine.core.paging import Page, decode_number, encode_token
from engine.db.listing import Question, answer
from engine.endpoints import planes, rules, store
from engine.endpoints.model import (
    Acknowledgement,
    Build,
    Deployment,
    DesiredDeployment,
    DesiredEndpoint,
    Endpoint,
    Generation,
    Plane,
    Route,
    Share,
    weights,
)

if TYPE_CHECKING:
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Snapshot
    from engine.db.workspace import Workspace

MAX_PAGE = 1_000
"""Most generations of a page."""

ENDED_SHOWN = 10
"""How many deployments that ended are shown of an endpoint."""

LAID_OUT = 200
"""How many generations back a data plane looks to lay out keys."""


class Building(Protocol):
    """Makes versions ready to serve, and knows those that are."""

    def build(self, model: str, version: int) -> Build:
        """Make a version ready, unless its bytes are already."""
        ...

    def get(self, digest: str) -> Build | None:
        """The build of a version's bytes; `None` when nobody has made it."""
        ...


class EndpointReading:
    """Finds and reads endpoints.

    Args:
        database: The control database.
        workspace: Where data planes say that they live.
        builds: Gives what versions are made ready with; most reading does without.
        clock: Tells the present, for ages in filters.
    """

    def __init__(self, database: Database, workspace: Workspace, builds: Callable[[], Building], clock: Clock) -> None:
        self._database = database
        self._workspace = workspace
        self._builds = builds
        self._clock = clock

    def get(self, name: str) -> Endpoint:
        """The endpoint of that name, with where its deployments stand and what the data planes say.

        Args:
            name: Its name.

        Raises:
            NotFound: there is none; the hint names the nearest.
        """
        with self._database.snapshot() as view:
            return self._whole(view, (find_row(view, name),))[0]

    def page(
        self,
        filter: str = "",  # noqa: A002 the word of every list
        order_by: Sequence[str] = (),
        *,
        limit: int = 100,
        page_token: str | None = None,
    ) -> Page[Endpoint]:
        """Search endpoints.

        Args:
            filter: In the filter language, such as `model = 'churn' AND tags.team = 'risk'`; empty for all.
            order_by: Sort keys such as `created DESC`; by name without any.
            limit: Endpoints per page, 1 to 10,000.
            page_token: Continues an earlier page of the same query.

        Returns:
            The endpoints, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            InvalidInput: the limit is out of range, or the token is not of this query.
        """
        asked = Question(filter, tuple(order_by), limit, page_token)
        with self._database.snapshot() as view:
            row_ids, token = answer(view, store.ENDPOINT_LIST, asked, now_ms=self._clock.now_ms())
            return Page(self._whole(view, row_ids), token)

    def history(self, name: str, *, limit: int = 100, page_token: str | None = None) -> Page[Generation]:
        """List an endpoint's generations, the newest first.

        Args:
            name: Its name.
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The generations, with a token when there are more.

        Raises:
            NotFound: there is no such endpoint.
            InvalidInput: the limit is out of range, or the token is not of this list.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        below = None if page_token is None else decode_number(page_token)
        with self._database.snapshot() as view:
            found = store.generations(view, find_row(view, name), below=below, limit=limit + 1)
        token = encode_token(found[limit - 1].number) if len(found) > limit else None
        return Page(found[:limit], token)

    def deployments(self, name: str) -> tuple[Deployment, ...]:
        """All that was ever deployed to an endpoint, the newest first.

        Args:
            name: Its name.

        Raises:
            NotFound: there is no such endpoint.
        """
        with self._database.snapshot() as view:
            row_id = find_row(view, name)
            endpoint = self._with_planes(store.endpoints(view, (row_id,)))[0]
            return _deployments(view, endpoint, store.deployments(view, row_id))

    def at(self, time_ms: int) -> tuple[Generation, ...]:
        """What was routed where at a moment, of all endpoints that are still there.

        Args:
            time_ms: The moment, in milliseconds since the epoch.

        Returns:
            The generation of each endpoint that held then, by the endpoint's name.

        Raises:
            InvalidInput: the moment does not fit 64 bits.
        """
        with self._database.snapshot() as view:
            return store.at(view, time_ms)

    def of_version(self, model: str, version: int) -> tuple[Deployment, ...]:
        """The deployments of a version that endpoints have loaded, by the endpoint's name.

        Args:
            model: The model's name.
            version: The version's number.

        Returns:
            The deployments; none for an unknown version.
        """
        with self._database.snapshot() as view:
            found = dict(store.routed(view, model, version))
            row_ids = [row_id for name in found if (row_id := store.row_id(view, name)) is not None]
            return tuple(
                each
                for endpoint in self._whole(view, row_ids)
                for each in endpoint.deployments
                if each.id == found[endpoint.name]
            )

    def of_model(self, view: Snapshot, model: str) -> tuple[str, ...]:
        """The names of a model's endpoints, as the caller's transaction or snapshot sees them.

        Args:
            view: The caller's transaction or snapshot.
            model: The model's name.
        """
        return store.names_of_model(view, model)

    def planes(self) -> tuple[Plane, ...]:
        """The data planes that live now, by name."""
        return planes.living(self._workspace)

    def desired(self, names: Sequence[str] | None = None) -> tuple[DesiredEndpoint, ...]:
        """What a data plane should serve.

        Args:
            names: Only these endpoints, in this order; `None` for all, by name.

        Returns:
            The endpoints; one without a generation has number 0 and no deployments.

        Raises:
            NotFound: there is no endpoint of one of the names.
            IntegrityError: a routed version has no build any more.
        """
        with self._database.snapshot() as view:
            wanted = store.names(view) if names is None else tuple(names)
            row_ids = [find_row(view, name) for name in wanted]
            return tuple(self._desired(view, endpoint) for endpoint in store.endpoints(view, row_ids))

    def _desired(self, view: Snapshot, endpoint: Endpoint) -> DesiredEndpoint:
        newest = endpoint.desired
        routes = () if newest is None else newest.routes
        rows = {each.id: each for each in store.lately(view, (), [route.deployment for route in routes], 0)}
        tags = store.version_tags(view, [each.version_id for each in rows.values() if each.version_id is not None])
        return DesiredEndpoint(
            row_id=endpoint.row_id,
            name=endpoint.name,
            model=endpoint.model,
            generation=0 if newest is None else newest.number,
            killed=newest is not None and newest.killed,
            key=endpoint.key,
            salt=endpoint.salt,
            capture=endpoint.capture,
            deployments=tuple(
                DesiredDeployment(
                    id=route.deployment,
                    model=endpoint.model,
                    version=rows[route.deployment].number,
                    route=route,
                    build=self._build(rows[route.deployment]),
                    tags=tags.get(rows[route.deployment].version_id or 0, {}),
                )
                for route in routes
            ),
            earlier=_earlier(view, endpoint.row_id, newest),
        )

    def _build(self, row: store.DeploymentRow) -> Build:
        build = self._builds().get(row.digest)
        if build is None:
            raise IntegrityError(
                f"Version {row.number} is routed, but it is not made ready to serve any more.",
                hint="Run `qd db check`; building the version again mends it.",
            )
        return build

    def _whole(self, view: Snapshot, row_ids: Sequence[int]) -> tuple[Endpoint, ...]:
        """Endpoints with where their deployments stand."""
        bare = self._with_planes(store.endpoints(view, row_ids))
        routed = [route.deployment for each in bare if each.desired is not None for route in each.desired.routes]
        rows: dict[int, list[store.DeploymentRow]] = {}
        for row in store.lately(view, row_ids, routed, ENDED_SHOWN):
            rows.setdefault(row.endpoint, []).append(row)
        return tuple(replace(each, deployments=_deployments(view, each, rows.get(each.row_id, ()))) for each in bare)

    def _with_planes(self, endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        """Say who lives of those that acknowledged something, and who lives and has not yet."""
        living = planes.living(self._workspace) if endpoints else ()
        return tuple(replace(each, acknowledgements=_alive(each, living)) for each in endpoints)


def _alive(endpoint: Endpoint, living: Iterable[Plane]) -> tuple[Acknowledgement, ...]:
    serving = {plane.id: plane for plane in living if plane.serves(endpoint.name)}
    said = tuple(replace(each, alive=each.plane in serving) for each in endpoint.acknowledgements)
    silent = serving.keys() - {each.plane for each in said}
    new = tuple(Acknowledgement(each, 0, "", serving[each].started_ms, alive=True) for each in sorted(silent))
    return (*said, *new)


def _deployments(view: Snapshot, endpoint: Endpoint, rows: Iterable[store.DeploymentRow]) -> tuple[Deployment, ...]:
    """Where deployments stand: the routed ones in the order of the routes, then the others."""
    newest = endpoint.desired
    routes: rules.Routes = () if newest is None else newest.routes
    share_of = weights(routes)
    taken = _taken_over(view, endpoint)
    problem = failing(endpoint)
    place = {route.deployment: number for number, route in enumerate(routes)}
    found = [
        Deployment(
            id=row.id,
            endpoint=endpoint.name,
            model=endpoint.model,
            version=row.number,
            digest=row.digest,
            kind=row.kind,
            share=rules.share_of(routes, row.id),
            weight=share_of.get(row.id, 0),
            state=rules.state_of(
                row.id, desired=routes, planes=taken, ended=row.ended, paused=row.paused, problem=bool(problem)
            ),
            ended=row.ended,
            paused=row.paused,
            created_ms=row.created_ms,
            created_by=row.created_by,
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda each: place.get(each.id, len(place))))


def failing(endpoint: Endpoint) -> str:
    """Why a living data plane could not take over the newest generation, in its words; empty when none says so."""
    newest = endpoint.desired
    if newest is None:
        return ""
    said = (each for each in endpoint.acknowledgements if each.alive and each.generation < newest.number)
    return next(
        (f"{each.plane}: {each.problem}" for each in said if each.problem and each.time_ms >= newest.time_ms), ""
    )


def _taken_over(view: Snapshot, endpoint: Endpoint) -> list[tuple[Route, ...]]:
    """The routes that each living data plane has."""
    newest = endpoint.desired
    known: dict[int, tuple[Route, ...]] = {0: ()}
    if newest is not None:
        known[newest.number] = newest.routes
    taken = []
    for said in endpoint.acknowledgements:
        if said.alive:
            if said.generation not in known:
                found = store.generation(view, endpoint.row_id, said.generation)
                known[said.generation] = () if found is None else found.routes
            taken.append(known[said.generation])
    return taken


def _earlier(view: Snapshot, row_id: int, newest: Generation | None) -> tuple[tuple[Route, ...], ...]:
    """The routes since the last generation without a canary, that one first; what keys are laid out by."""
    if newest is None or not any(route.share is Share.CANARY for route in newest.routes):
        return ()
    since: list[tuple[Route, ...]] = []
    for each in store.generations(view, row_id, below=newest.number, limit=LAID_OUT):
        since.append(each.routes)
        if not any(route.share is Share.CANARY for route in each.routes):
            break
    return tuple(reversed(since))


def find_row(view: Snapshot, name: str) -> int:
    """The integer key of the endpoint of that name, as a view sees it.

    Raises:
        NotFound: there is none; the hint names the nearest.
    """
    found = store.row_id(view, name) if _storable(name) else None
    if found is not None:
        return found
    from engine.core.suggest import did_you_mean  # only a wrong name needs it
    from engine.core.text import clean

    hint = did_you_mean(name, store.names(view)) or "`qd endpoints list` shows all endpoints."
    raise NotFound(f"There is no endpoint {clean(name, limit=100)}.", hint=hint, details={"missing": "endpoint"})


def _storable(name: str) -> bool:
    """Whether SQLite can be asked for the name at all: a lone surrogate cannot be bound."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)

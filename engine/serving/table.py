"""What is served at one moment: endpoints, their loaded versions and who gets which; never changed, only replaced."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound, Overloaded
from engine.core.text import clean
from engine.endpoints.model import Share
from engine.serving.router import bucket_of, bucket_of_one

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Lock

    from engine.endpoints.model import Build
    from engine.runtimes.model import Runtime
    from engine.runtimes.row_check import RowCheck
    from engine.serving.batcher import Batcher
    from engine.serving.router import Layout
    from engine.serving.tally import Tally

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A deployment's version in memory, warm; kept from table to table for as long as it is routed.

    Args:
        deployment: Its number.
        model: The model's name.
        version: The version's number.
        build: What it was loaded from.
        runtime: It answers.
        check: Makes rows of what a request says.
        batcher: Gathers what its runtime should not do one by one, and everything large.
        turn: Held by whoever calls the runtime.
        gathers: Whether its requests share calls.
        tags: The version's tags.
    """

    deployment: int
    model: str
    version: int
    build: Build
    runtime: Runtime
    check: RowCheck
    batcher: Batcher
    turn: Lock
    gathers: bool
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A loaded deployment as one generation routes to it.

    Args:
        loaded: The version.
        share: What it gets.
        headers: Say in every answer who gave it.
        lines: The same, and that the body is JSON, as lines of a head.
        tally: Counts what it answers.
        pinned: Counts what it answers to callers that chose it, where they are told apart; see `Served.counted`.
    """

    loaded: Loaded
    share: Share
    headers: Headers
    lines: bytes
    tally: Tally
    pinned: Tally


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """One endpoint of the table.

    Args:
        row_id: The endpoint's integer key.
        name: Its name.
        model: The model's name, under which it may be called too.
        generation: The generation that this is.
        killed: Whether every request is refused.
        problem: Why it does not serve what is wanted; empty otherwise.
        key_kind: What keeps a caller on one version: `client`, `request`, `header` or `field`.
        key_name: The name of that header, in lower case, or of that field.
        salt: Of the keys' hash.
        capture: Share of the requests that are captured, 0 to 1.
        live: Takes what no canary does; `None` before the first one.
        targets: All that is loaded, by deployment number.
        layout: The deployment of every bucket; empty when the live one takes all.
        shadows: Get a copy of each request.
    """

    row_id: int
    name: str
    model: str
    generation: int
    killed: bool
    problem: str
    key_kind: str
    key_name: str
    salt: bytes
    capture: float
    live: Target | None
    targets: Mapping[int, Target]
    layout: Layout = ()
    shadows: tuple[Target, ...] = ()

    def answering(self) -> Target:
        """The live deployment.

        Raises:
            Overloaded: it is killed, or nothing was deployed to it.
        """
        if self.killed:
            raise Overloaded(
                f"The endpoint {self.name} is switched off.", hint="Its operators will revive it; try again later."
            )
        if self.live is None:
            why = "cannot load its version" if self.problem else "has no version to answer with yet"
            raise Overloaded(f"The endpoint {self.name} {why}.", hint="`qd endpoints show` tells more.")
        return self.live

    def of_key(self, key: bytes) -> Target:
        """The deployment that answers a key.

        Args:
            key: What keeps a caller on one version.
        """
        bucket = bucket_of_one(self.salt, key) if self.key_kind == "request" else bucket_of(self.salt, key)
        return self.targets[self.layout[bucket]]

    def counted(self, target: Target, *, pinned: bool) -> Tally:
        """What counts an answer.

        Among several versions, callers that choose theirs are told apart: a version on trial, and the one it is
        compared with, are judged by callers that were routed to them, or a single caller could decide the trial.

        Args:
            target: Who answered.
            pinned: Whether the caller chose it.
        """
        return target.pinned if pinned and len(self.targets) > 1 else target.tally

    def pinned(self, version: str) -> Target:
        """The deployment of a version that a request asks for by name.

        Args:
            version: Its number, or `model/number`.

        Raises:
            NotFound: that version is not served here.
        """
        number = version.rpartition("/")[2]
        for target in self.targets.values():
            if str(target.loaded.version) == number and version in (number, f"{target.loaded.model}/{number}"):
                return target
        served = ", ".join(str(number) for number in sorted({each.loaded.version for each in self.targets.values()}))
        raise NotFound(
            f"That version of {self.model} is not served by the endpoint {self.name}.",
            hint=f"It serves {served or 'none yet'}.",
        )


class Flights:
    """Counts the requests that run on a table; on the event loop alone.

    Attributes:
        count: How many there are.
    """

    __slots__ = ("_landed", "count")

    def __init__(self) -> None:
        self.count = 0
        self._landed: list[Callable[[], None]] = []

    def began(self) -> None:
        """Count a request that has to wait for its answer."""
        self.count += 1

    def ended(self) -> None:
        """Count it no more."""
        self.count -= 1
        if not self.count:
            landed, self._landed = self._landed, []
            for tell in landed:
                tell()

    def once_over(self, tell: Callable[[], None]) -> None:
        """Call something as soon as none runs, which may be now.

        Args:
            tell: Called once.
        """
        if self.count:
            self._landed.append(tell)
        else:
            tell()


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Everything that is served at one moment.

    Args:
        endpoints: By name.
        flights: The requests that run on it.
        coming: Names of endpoints, and of their models, that are still being loaded; `None` when nobody knows yet.

    Attributes:
        sole: The one endpoint, where there is no other.
    """

    endpoints: Mapping[str, Served]
    flights: Flights = field(default_factory=Flights)
    coming: frozenset[str] | None = frozenset()
    sole: Served | None = field(init=False)

    def __post_init__(self) -> None:
        """Find the sole endpoint once, for every request that names none."""
        alone = len(self.endpoints) == 1 and not self.coming
        sole = next(iter(self.endpoints.values())) if alone else None
        object.__setattr__(self, "sole", sole)

    def find(self, name: str | None) -> Served:
        """The endpoint of a request.

        Args:
            name: An endpoint's name, or that of a model which one endpoint alone serves; `None` when none is named.

        Raises:
            NotFound: there is none.
            InvalidInput: there are several, and the request does not say which.
            Overloaded: it is still being loaded, or may be.
        """
        if name is None:
            if self.sole is not None:
                return self.sole
            if self.coming is None or self.coming:
                raise _coming("What this plane serves")
            return self._only("This path names no endpoint", tuple(self.endpoints.values()))
        found = self.endpoints.get(name)
        if found is not None:
            return found
        if self.coming is None or name in self.coming:
            raise _coming(clean(name, limit=60))
        return self._only(f"The model {clean(name, limit=60)}", self.of_model(name), name)

    def of_model(self, name: str) -> tuple[Served, ...]:
        """The endpoints that serve a model.

        Args:
            name: The model's name.
        """
        return tuple(each for each in self.endpoints.values() if each.model == name)

    def _only(self, what: str, found: tuple[Served, ...], name: str | None = None) -> Served:
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(sorted(each.name for each in found)[:20])
            why = "and several are served" if name is None else "stands behind several endpoints"
            raise InvalidInput(
                f"{what}, {why}: {names}." if name is None else f"{what} {why}: {names}.", hint="Name one."
            )
        served = ", ".join(sorted(self.endpoints)[:20])
        if name is None:
            raise NotFound("No endpoint is served here yet.", hint="Make one with `qd endpoints create`.")
        raise NotFound(
            f"No endpoint or model {clean(name, limit=60)} is served here.", hint=f"Served are: {served or 'none yet'}."
        )


def _coming(what: str) -> Overloaded:
    return Overloaded(f"{what} is still being loaded.", hint="Try again soon.", details={"retry_after_s": 1})

"""Keeps the table as the control plane wants it: learns of changes, loads off the event loop, swaps, waits, says so."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Protocol

from engine.core.complaints import Complaints
from engine.core.errors import NotFound, QuarterdeckError
from engine.core.text import clean
from engine.endpoints.model import Share
from engine.serving.assembling import loaded, served
from engine.serving.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.endpoints.model import DesiredDeployment, DesiredEndpoint
    from engine.runtimes.model import Runtime
    from engine.serving.table import Loaded, Served

POLL_S = 0.015
"""How often it is looked whether anything changed, in seconds: a pragma each."""

RETRY_S = 0.25
"""How long nothing is tried after the database could not be read, in seconds."""

RELOAD_S = 10.0
"""After what time a version that could not be loaded is tried again, in seconds."""

_LONGEST = 400
_FIRST = (Share.LIVE, Share.CANARY, Share.SHADOW, Share.STANDBY)


class Control(Protocol):
    """What the loader asks of the control plane."""

    def changed(self) -> bool:
        """Whether endpoints may have changed since the last time.

        Raises:
            QuarterdeckError: nobody can tell at the moment.
        """
        ...

    def desired(self) -> tuple[DesiredEndpoint, ...]:
        """What to serve.

        Raises:
            QuarterdeckError: nobody can tell at the moment.
        """
        ...

    def load(self, wanted: DesiredDeployment) -> Runtime:
        """A version in memory, its bytes compared with their digest, and warm.

        Raises:
            QuarterdeckError: it cannot be loaded.
        """
        ...

    def acknowledge(self, endpoint: str, generation: int, problem: str) -> None:
        """Say what is served.

        Raises:
            QuarterdeckError: it could not be written down.
        """
        ...


class Plane:
    """The table of one process, and the threads that renew it.

    Attributes:
        table: What is served now; replaced by one assignment on the event loop.
        settled: Set once everything that was wanted at the start is served, or known not to load.
        stale_since: When the control plane was last heard of before it fell silent, by the monotonic clock; 0 when it
            speaks.

    Args:
        control: The control plane.
        on_loop: Has something called on the event loop's thread.
        replaced: Told there of every table that was replaced, with the new one.
    """

    def __init__(
        self,
        control: Control,
        on_loop: Callable[[Callable[[], None]], None],
        *,
        replaced: Callable[[Table, Table], None] = lambda _old, _new: None,
    ) -> None:
        self.table = Table({}, coming=None)
        self.settled = Event()
        self.stale_since = 0.0
        self._control = control
        self._on_loop = on_loop
        self._replaced = replaced
        self._lock = Lock()
        self._loaded: dict[int, Loaded] = {}
        self._over: list[Loaded] = []
        self._failed: dict[int, tuple[str, str, float]] = {}
        self._served: dict[str, Served] = {}
        self._coming: frozenset[str] | None = None
        self._desired: tuple[DesiredEndpoint, ...] = ()
        self._missing: list[DesiredDeployment] = []
        self._draining: list[Table] = []
        self._to_say: dict[str, tuple[int, str]] = {}
        self._said: dict[str, tuple[int, str]] = {}
        self._heard = False
        self._complaints = Complaints()
        self._ending = Event()
        self._wanted, self._look, self._speak = Event(), Event(), Event()
        self._threads = [
            Thread(target=run, name=name, daemon=True)
            for run, name in ((self._watch, "watching"), (self._load, "loading"), (self._say, "acknowledging"))
        ]

    def start(self) -> None:
        """Begin to follow the control plane."""
        for each in self._threads:
            each.start()

    def close(self) -> None:
        """Stop following; the table stays."""
        self._ending.set()
        for each in (self._look, self._wanted, self._speak):
            each.set()
        for thread in self._threads:
            thread.join(1.0)

    def _watch(self) -> None:
        """Learn of changes, and put into effect what needs no loading, however long something else takes to load."""
        while not self._ending.is_set():
            self._listen()
            if self._look.is_set():
                self._look.clear()
                try:
                    self._take_over()
                except Exception as error:  # noqa: BLE001 what cannot be served must not end what follows all changes
                    self._complaints.say("Serving what is wanted", error)
                    self._ending.wait(RETRY_S)
                    self._look.set()
                    continue
            self._look.wait(POLL_S)

    def _listen(self) -> None:
        """Learn of changes, if the control plane speaks."""
        try:
            if self._control.changed() or not self._heard:
                self._desired = self._control.desired()
                self._heard = True
                self._look.set()
            self._recovered()
        except Exception as error:  # noqa: BLE001 whatever a database raises, it may speak again
            if not isinstance(error, QuarterdeckError):
                self._complaints.say("Following the workspace", error)
            self._heard = False
            self.stale_since = self.stale_since or time.monotonic()
            self._ending.wait(RETRY_S)

    def _recovered(self) -> None:
        """The control plane speaks; if it had fallen silent, it is told anew what is served."""
        if self.stale_since:
            self.stale_since = 0.0
            with self._lock:
                self._said.clear()
            for each in self._served.values():
                self._acknowledge(each.name, 0 if each.problem else each.generation, each.problem)

    def _take_over(self) -> None:
        """Serve every generation whose versions are all loaded; have the others loaded."""
        wanted: list[DesiredDeployment] = []
        now: dict[str, Served] = {}
        with self._lock:
            known = dict(self._loaded)
            failed = {number: why for number, (_, why, _) in self._failed.items()}
        for desired in self._desired:
            lacking = [each for each in desired.deployments if each.id not in known or not _same(each, known[each.id])]
            problem = "; ".join(failed[each.id] for each in lacking if each.id in failed)
            before = self._served.get(desired.name)
            wanted += lacking
            if before is not None and before.generation == desired.generation and not lacking and not before.problem:
                now[desired.name] = before
            elif not lacking or desired.killed:
                now[desired.name] = served(desired, known)
            elif before is not None and before.row_id == desired.row_id:
                now[desired.name] = before
                self._acknowledge(desired.name, before.generation, problem)
            elif problem:
                now[desired.name] = served(desired, {}, problem=problem)
        self._want(wanted)
        self._put(now)
        if len(now) == len(self._desired):
            self.settled.set()

    def _want(self, wanted: Sequence[DesiredDeployment]) -> None:
        with self._lock:
            self._missing = sorted(wanted, key=lambda each: _FIRST.index(each.route.share))
        if wanted:
            self._wanted.set()

    def _put(self, now: dict[str, Served]) -> None:
        changed = [each for name, each in now.items() if self._served.get(name) is not each]
        lacking = [each for each in self._desired if each.name not in now]
        coming = frozenset(name for each in lacking for name in (each.name, each.model))
        if not changed and now.keys() == self._served.keys() and coming == self._coming:
            return
        self._served, self._coming = now, coming
        table = Table(now, coming=coming)
        self._on_loop(lambda: self._swap(table, changed))

    def _swap(self, table: Table, changed: Sequence[Served]) -> None:
        """On the event loop: the one assignment; what follows waits for the requests that run on older tables."""
        old, self.table = self.table, table
        self._replaced(old, table)
        self._draining.append(old)
        self._landed(changed)

    def _landed(self, changed: Sequence[Served]) -> None:
        self._draining = [each for each in self._draining if each.flights.count]
        if self._draining:
            self._draining[0].flights.once_over(lambda: self._landed(changed))
            return
        for each in changed:
            self._acknowledge(each.name, 0 if each.problem else each.generation, each.problem)
        self._let_go()

    def _let_go(self) -> None:
        """Close what no table knows any more."""
        used = {id(target.loaded) for each in self.table.endpoints.values() for target in each.targets.values()}
        wanted = {each.id for desired in self._desired for each in desired.deployments}
        with self._lock:
            unwanted = [each for each in self._loaded.values() if each.deployment not in wanted]
            over = [each for each in (*unwanted, *self._over) if id(each) not in used]
            self._over = [each for each in self._over if id(each) in used]
            for each in over:
                if self._loaded.get(each.deployment) is each:
                    del self._loaded[each.deployment]
        for each in over:
            each.batcher.close()

    def _load(self) -> None:
        """Load what is lacking, one after the other, the live ones first."""
        while not self._ending.is_set():
            self._wanted.wait(RELOAD_S)
            self._wanted.clear()
            while (wanted := self._next()) is not None and not self._ending.is_set():
                self._load_one(wanted)
                self._look.set()

    def _next(self) -> DesiredDeployment | None:
        now_s = time.monotonic()
        with self._lock:
            for each in self._missing:
                digest, _, failed_s = self._failed.get(each.id, ("", "", 0.0))
                known = self._loaded.get(each.id)
                if known is not None and _same(each, known):
                    continue
                if digest != each.build.file_digest or now_s - failed_s >= RELOAD_S:
                    return each
        return None

    def _load_one(self, wanted: DesiredDeployment) -> None:
        try:
            found = loaded(wanted, self._control.load(wanted))
        except Exception as error:  # noqa: BLE001 a model's file may make a library raise anything
            why = str(error) if isinstance(error, QuarterdeckError) else f"{type(error).__name__}: {error}"
            problem = clean(f"{wanted.model}/{wanted.version} cannot be loaded: {why}", limit=_LONGEST)
            sys.stderr.write(problem + "\n")
            with self._lock:
                self._failed[wanted.id] = (wanted.build.file_digest, problem, time.monotonic())
            return
        with self._lock:
            self._failed.pop(wanted.id, None)
            if wanted.id in self._loaded:
                self._over.append(self._loaded[wanted.id])
            self._loaded[wanted.id] = found

    def _acknowledge(self, endpoint: str, generation: int, problem: str) -> None:
        with self._lock:
            if self._said.get(endpoint) == (generation, problem):
                self._to_say.pop(endpoint, None)
                return
            self._to_say[endpoint] = (generation, problem)
        self._speak.set()

    def _say(self) -> None:
        """Write down what is served; on a thread of its own, for the database may be locked for long."""
        while not self._ending.is_set():
            self._speak.wait()
            self._speak.clear()
            with self._lock:
                waiting = dict(self._to_say)
            for endpoint, (generation, problem) in waiting.items():
                self._say_one(endpoint, generation, problem)
            with self._lock:
                again = bool(self._to_say)
            if again:
                self._ending.wait(RETRY_S)
                self._speak.set()

    def _say_one(self, endpoint: str, generation: int, problem: str) -> None:
        try:
            with suppress(NotFound):  # deleted meanwhile, so that nobody waits for the word
                self._control.acknowledge(endpoint, generation, problem)
        except QuarterdeckError:
            return  # it is said again
        except Exception as error:  # noqa: BLE001 one endpoint's word must not keep back those of all others
            self._complaints.say("Saying what is served", error)
            return
        with self._lock:
            self._said[endpoint] = (generation, problem)
            if self._to_say.get(endpoint) == (generation, problem):
                del self._to_say[endpoint]


def _same(wanted: DesiredDeployment, known: Loaded) -> bool:
    """Whether what is loaded is what is wanted: a restored workspace may give a number to other bytes."""
    return known.build.file_digest == wanted.build.file_digest and known.version == wanted.version

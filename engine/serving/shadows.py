"""Copies of requests for versions whose answers nobody gets, handed to a process beside this one, behind all else."""

from __future__ import annotations

from collections import deque
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from engine.core.complaints import Complaints
from engine.core.text import clean
from engine.runtimes.frames import array_to_message, rows_to_message
from engine.serving.comparing import Comparison
from engine.serving.shadow_process import Ended, Refused, ShadowProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.runtimes.model import Outputs, Rows
    from engine.serving.table import Loaded, Served, Table, Target

MAX_WAITING = 512
"""Copies that wait at most; more are dropped and counted."""

MAX_WAITING_BYTES = 64 << 20
"""About so many bytes of rows wait at most."""

_ROWS = 256
_SMALL_ROWS = 16
_REST_S = 0.01
"""Between two calls: what comes meanwhile shares the next, so that the request path pays for few of them."""

_LOOK_S = 1.0
_ENCODER = msgspec.msgpack.Encoder()


class Compared(NamedTuple):
    """What came of some copies.

    Args:
        target: The shadow.
        found: How it answered them.
        dropped: How many copies it did not get.
    """

    target: Target
    found: Comparison = Comparison()
    dropped: int = 0


class _Copy(NamedTuple):
    target: Target
    size: int
    weight: int
    packed: bytes | Callable[[], bytes]


class Shadows:
    """The copies that wait, and the thread that has them scored: many in one call, one call at a time.

    Args:
        path_of: Finds the file of a digest.
        tell: Told on that thread, and at the end, what came of copies; it must hand it to whoever counts.
    """

    def __init__(self, path_of: Callable[[str], Path], tell: Callable[[Compared], None]) -> None:
        self._path_of = path_of
        self._tell = tell
        self._waiting: deque[_Copy] = deque()
        self._came_bytes = self._left_bytes = 0
        self._wanted: dict[str, Loaded] = {}
        self._alike: dict[tuple[Target, Target], bool] = {}
        self._something = Event()
        self._ending = Event()
        self._thread: Thread | None = None
        self._process = ShadowProcess()
        self._complaints = Complaints()

    @property
    def rest_s(self) -> float:
        """How long the process rests, or rested last, before it is started again, in seconds."""
        return self._process.rest_s

    def renew(self, table: Table) -> None:
        """Take the shadows of a new table; they are loaded at once, and where there is none, no process is.

        Args:
            table: What is served from now on.
        """
        loaded = [each.loaded for served in table.endpoints.values() for each in served.shadows]
        self._alike = {}
        self._wanted = {_key(each): each for each in loaded}
        if loaded and self._thread is None:
            self._thread = Thread(target=self._run, name="shadows", daemon=True)
            self._thread.start()
        self._something.set()

    def offer(self, served: Served, answered: Target, rows: Rows, outputs: Outputs) -> None:
        """Give each shadow a copy, unless too much waits already; never waits.

        Args:
            served: The endpoint.
            answered: Who gave the answer that counts.
            rows: The rows of the request.
            outputs: That answer.
        """
        packed: bytes | Callable[[], bytes] | None = None
        weight = rows.size * 8 * len(answered.loaded.runtime.interface.inputs)
        for target in served.shadows:
            full = len(self._waiting) >= MAX_WAITING or self._came_bytes - self._left_bytes + weight > MAX_WAITING_BYTES
            if full or not self._takes_the_same(target, answered):
                target.tally.unmirrored += 1
                continue
            if packed is None:  # what is small at once: many together would hold up requests for as long
                packed = pack(rows, outputs) if rows.size <= _SMALL_ROWS else partial(pack, rows, outputs)
            self._came_bytes += weight
            self._waiting.append(_Copy(target, rows.size, weight, packed))
            if not self._something.is_set():
                self._something.set()

    def _takes_the_same(self, target: Target, answered: Target) -> bool:
        known = self._alike.get((target, answered))
        if known is None:
            known = target.loaded.runtime.interface.inputs == answered.loaded.runtime.interface.inputs
            self._alike[target, answered] = known
        return known

    def _run(self) -> None:
        while not self._ending.is_set():
            self._something.wait(_LOOK_S if self._wanted else None)
            self._something.clear()
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 one copy that breaks something must not be the last
                self._complaints.say("Scoring for shadows", error)
        self._process.end()

    def _work(self) -> None:
        wanted = self._wanted
        if not wanted:
            self._process.end()
            while self._waiting:
                self._drop(self._next())
            return
        if not self._process.tend():
            return  # it rests; what waits goes on waiting
        for key in wanted:
            self._loaded(key, wanted)
        while self._waiting and not self._ending.is_set():
            self._one(self._next())
            self._ending.wait(_REST_S)

    def _one(self, batch: list[_Copy]) -> None:
        """Have copies scored; whatever goes wrong, they are counted."""
        target = batch[0].target
        loaded = target.loaded
        key, wanted = _key(loaded), self._wanted
        try:
            if key in wanted and self._process.tend() and self._loaded(key, wanted):
                packed = [each.packed if isinstance(each.packed, bytes) else each.packed() for each in batch]
                self._tell(Compared(target, self._process.score(key, f"{loaded.model}/{loaded.version}", packed)))
                return
        except Ended:
            pass
        except Exception:
            self._drop(batch)
            raise
        self._drop(batch)

    def _loaded(self, key: str, wanted: dict[str, Loaded]) -> bool:
        """Whether the process has a shadow in memory; it is told to load it first."""
        try:
            self._process.load(key, _words(wanted[key], self._path_of), tuple(wanted))
        except Ended:
            return False
        except Refused as error:
            if error.args:
                loaded = wanted[key]
                self._complaints.say(clean(f"the shadow {loaded.model}/{loaded.version}", limit=100), error)
            return False
        return True

    def _drop(self, batch: list[_Copy]) -> None:
        self._tell(Compared(batch[0].target, dropped=len(batch)))

    def _next(self) -> list[_Copy]:
        """The copies for the first one's shadow that stand together, as many as make one call."""
        batch = [self._waiting.popleft()]
        size = batch[0].size
        while self._waiting and self._waiting[0].target is batch[0].target:
            size += self._waiting[0].size
            if size > _ROWS:
                break
            batch.append(self._waiting.popleft())
        self._left_bytes += sum(each.weight for each in batch)
        return batch

    def close(self) -> None:
        """End the process and the thread; copies that wait are dropped, and counted."""
        self._ending.set()
        self._process.kill()
        self._something.set()
        if self._thread is not None:
            self._thread.join(2.0)
        while self._waiting:
            self._drop(self._next())


def pack(rows: Rows, outputs: Outputs) -> bytes:
    """A request and its answer as the other process reads them.

    Args:
        rows: The rows.
        outputs: The answer.
    """
    numbers = rows.numbers
    said = {name: array_to_message(values) for name, values in outputs.items()}
    return _ENCODER.encode((numbers, rows_to_message(rows) if numbers is None else None, said))


def _key(loaded: Loaded) -> str:
    return f"{loaded.deployment}-{loaded.build.file_digest}"


def _words(loaded: Loaded, path_of: Callable[[str], Path]) -> dict[str, Any]:
    build = loaded.build
    return {
        "path": str(path_of(build.file_digest)),
        "kind": build.kind.value,
        "format": build.file_format,
        "digest": build.file_digest,
        "interface": build.interface,
    }

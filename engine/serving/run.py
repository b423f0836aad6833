"""Runs a data plane: listens, follows the workspace, and ends without losing an answer."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from engine import __version__
from engine.endpoints.model import Plane as PlaneInfo
from engine.endpoints.planes import PlaneLock, plane_id
from engine.policy.identity import os_user
from engine.server.crowd import Crowd
from engine.server.exposure import make_first_token, secured
from engine.server.listening import HttpServer, http_config, listening, url_of
from engine.serving.companion import Companion, end_all
from engine.serving.connection import quick
from engine.serving.control import Workspace
from engine.serving.counting import FLUSH_S, Counting
from engine.serving.loading import Plane

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.api import Engine
    from engine.server.settings import Settings
    from engine.serving.app import App
    from engine.serving.shadows import Compared, Shadows
    from engine.serving.sharing import Shared
    from engine.serving.table import Table
    from engine.telemetry.model import Label
    from engine.telemetry.spool import Spool

WAIT_S = 2.0
"""How long connections are kept waiting for the first table at a start, in seconds."""

_SWITCH_S = 0.0005
_COLLECT = (20_000, 20, 10)
"""Requests leave no cycles behind: what waits to be captured would be looked through again and again for nothing."""
_BESIDE = ("engine.telemetry.writer", "engine.supervision.analysis")


@dataclass(frozen=True, slots=True)
class Serving:
    """What `qd serve` was asked for.

    Args:
        endpoints: Only these; all when empty.
        workers: How many processes share the port.
        capture: Whether requests are captured, where their endpoints ask for it.
        alone: Start no capture writer and no analysis beside it: somebody else looks after them.
    """

    endpoints: tuple[str, ...] = ()
    workers: int = 1
    capture: bool = True
    alone: bool = False


class DataPlane:
    """One process that answers.

    Args:
        engine: The workspace.
        settings: How it listens, made safe.
        serving: What it was asked for.
        listener: Where it listens.
        started: Told that it answers.
        companions: Processes beside it, to be looked after by this one.
        supervised: Whether its parent looks after it, so that it ends when that one is gone.
    """

    def __init__(  # noqa: PLR0913 what a process is given at its start
        self,
        engine: Engine,
        settings: Settings,
        serving: Serving,
        listener: socket.socket,
        *,
        started: Callable[[], None],
        companions: Sequence[Companion] = (),
        supervised: bool = False,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._serving = serving
        self._listener = listener
        self._started = started
        self._companions = companions
        self._parent = os.getppid() if supervised else None
        self._server: HttpServer | None = None
        self._told_to_stop = False

    def run(self) -> None:
        """Answer until told to stop: by SIGTERM or SIGINT in the main thread, by `stop` in any.

        Raises:
            Busy: another data plane has this one's name.
            WorkspaceError: the workspace cannot be written.
        """
        import uvloop

        sys.setswitchinterval(_SWITCH_S)  # who waits for the interpreter is a request
        with (
            PlaneLock(self._engine.workspace, self._info()).take(),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(self._serve())

    def stop(self) -> None:
        """Have `run` return once what has begun is answered; from any thread."""
        self._told_to_stop = True
        if self._server is not None:
            self._server.should_exit = True

    def _info(self) -> PlaneInfo:
        host = socket.gethostname()
        return PlaneInfo(
            id=plane_id(host, os.getpid()),
            pid=os.getpid(),
            host=host,
            url=url_of(self._settings, self._listener),
            workers=self._serving.workers,
            user=os_user(),
            started_ms=self._engine.clock.now_ms(),
            version=__version__,
            endpoints=self._serving.endpoints,
        )

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        info = self._info()
        spool = self._spool(info.id)
        counting = Counting(spool, self._shared())
        control = Workspace(self._engine, self._serving.endpoints, info.id)
        mirrored: deque[Compared] = deque()
        shadows = self._shadows(loop, mirrored)

        def replaced(old: Table, new: Table) -> None:
            counting.renew(old, new)
            shadows.renew(new)

        plane = Plane(control, lambda call: _soon(loop, call), replaced=replaced)
        plane.start()
        app = self._app(plane, counting, shadows, spool)
        await self._settled(plane)
        gc.freeze()  # what is there now stays: looking through it again and again would hold up requests
        gc.set_threshold(*_COLLECT)
        crowd = Crowd(self._settings)
        server = HttpServer(
            http_config(app, self._settings, crowd, protocol=quick(self._settings, crowd, app)),
            crowd,
            started=self._started,
            ending=lambda: setattr(app, "ending", True),
        )
        self._server = server
        server.should_exit = self._told_to_stop
        beside = loop.create_task(self._beside(counting, server, app))
        try:
            await server.serve(sockets=[self._listener])
        finally:
            beside.cancel()
            plane.close()
            shadows.close()
            _count(mirrored)  # what was told when the loop had no turn any more
            counting.flush(time.time())
            if spool is not None:
                spool.close()
            control.close()
            counting.publish(app.standing())

    def _shared(self) -> Shared | None:
        if self._parent is None or self._engine.access.read_only:
            return None
        from engine.serving.sharing import Shared

        return Shared(self._engine.workspace.planes, self._parent)

    def _spool(self, plane: str) -> Spool | None:
        if self._engine.access.read_only:
            return None
        from engine.telemetry.spool import Spool

        return Spool(self._engine.workspace.spool, plane)

    def _app(self, plane: Plane, counting: Counting, shadows: Shadows, spool: Spool | None) -> App:
        from engine.serving.app import App
        from engine.serving.door import Door
        from engine.serving.predicting import Predictor
        from engine.serving.streams import Streams

        predictor = Predictor(lambda: plane.table, shadows, spool if self._serving.capture else None)
        door = Door(self._engine, self._settings)
        later = asyncio.get_running_loop().call_soon
        return App(plane, predictor, Streams(predictor), counting, self._label, door, self._settings, later=later)

    def _shadows(self, loop: asyncio.AbstractEventLoop, mirrored: deque[Compared]) -> Shadows:
        from engine.serving.shadows import Shadows

        def tell(told: Compared) -> None:
            mirrored.append(told)
            _soon(loop, lambda: _count(mirrored))

        return Shadows(self._engine.artifacts.path_of, tell)

    def _label(self, labels: Sequence[Label]) -> Mapping[str, Any]:
        return asdict(self._engine.telemetry.label(labels))

    async def _settled(self, plane: Plane) -> None:
        """Wait for the first table, while whoever connects waits in the socket's queue."""
        await asyncio.to_thread(plane.settled.wait, WAIT_S)
        await asyncio.sleep(0)  # the swap itself was put on this loop just before

    async def _beside(self, counting: Counting, server: HttpServer, app: App) -> None:
        """Hand on what was counted, four times a second of the clock's; look after what runs beside."""
        while True:
            now_s = time.time()
            await asyncio.sleep(FLUSH_S - now_s % FLUSH_S)
            counting.flush(now_s)
            counting.publish(app.standing())
            if self._parent is not None and os.getppid() != self._parent:
                server.should_exit = True
            for each in self._companions:
                each.tend()


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:  # the loop has ended
        return


def _count(mirrored: deque[Compared]) -> None:
    while mirrored:
        target, found, dropped = mirrored.popleft()
        tally = target.tally
        tally.unmirrored += dropped
        if found.requests:
            tally.add_shared(found.requests, found.latency_us, found.failed)
        tally.compared += found.rows
        tally.agreed += found.agreed
        tally.delta += found.delta
        tally.delta_squares += found.delta_squares


def serve(engine: Engine, settings: Settings, serving: Serving) -> int:
    """Answer requests until SIGTERM or SIGINT; says on stderr where.

    Args:
        engine: The workspace.
        settings: How to listen.
        serving: What to serve, and by how many processes.

    Returns:
        The exit code.

    Raises:
        NotFound: there is no endpoint of a name that was given.
        Busy: the port is taken.
        InvalidInput: the address cannot be listened on, others could read along, or the TLS files cannot be used.
        WorkspaceError: the workspace cannot be written.
    """
    settings = secured(settings)
    Workspace(engine, serving.endpoints, "").check_names()
    if settings.require_tokens and not engine.access.read_only:
        make_first_token(engine)
    beside = () if engine.access.read_only or serving.alone else _BESIDE
    companions = [Companion(_module(engine, each)) for each in beside]
    if serving.workers > 1:
        from engine.serving.workers import supervise

        return supervise(engine, settings, serving, companions)
    with listening(settings) as listener:
        url = url_of(settings, listener)
        try:
            DataPlane(
                engine, settings, serving, listener, started=lambda: say_where(url, serving), companions=companions
            ).run()
        finally:
            end_all(companions)
    sys.stderr.write("The data plane has ended; every request that it took was answered.\n")
    return 0


def _module(engine: Engine, name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, str(engine.workspace.path))


def say_where(url: str, serving: Serving) -> None:
    """Tell a person where predictions are answered, and how to ask for one.

    Args:
        url: Where.
        serving: What was asked for.
    """
    name = f"/{serving.endpoints[0]}" if len(serving.endpoints) == 1 else ""
    body = """'{"features": [1, 2, 3]}'"""
    sys.stderr.write(f"Quarterdeck answers predictions at {url}\nTry: curl -d {body} {url}{name}/predict\n")
    sys.stderr.flush()

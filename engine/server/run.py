"""Runs the server: takes the workspace's lock, listens, tells how it does, and ends without losing an answer."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from engine import __version__
from engine.core.errors import QuarterdeckError, WorkspaceReplaced
from engine.policy.identity import os_user
from engine.processes.lock import ServerLock
from engine.processes.model import ServerOwner
from engine.server.app import App
from engine.server.courier import Courier
from engine.server.crowd import Crowd
from engine.server.dialects import table
from engine.server.exposure import make_first_token, secured
from engine.server.gate import Gate
from engine.server.listening import HttpServer, http_config, listening, url_of
from engine.server.measures import Measures
from engine.server.mlflow.webhooks import sender
from engine.server.retention import Retention
from engine.server.upkeep import Upkeep, kept_going
from engine.server.work import Work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from engine.api import Engine
    from engine.server.settings import Settings


class Server:
    """One server of one workspace.

    Args:
        engine: The workspace.
        settings: How it is set up.
        started: Told the server's URL once it answers.
    """

    def __init__(self, engine: Engine, settings: Settings, *, started: Callable[[str], None]) -> None:
        self._engine = engine
        self._settings = settings
        self._started = started
        self._uvicorn: HttpServer | None = None
        self._told_to_stop = False
        self._lost: WorkspaceReplaced | None = None

    def run(self) -> None:
        """Answer requests until told to stop: by SIGTERM or SIGINT in the main thread, by `stop` in any.

        One whose engine is read-only takes no lock, for it may read beside the one that writes, and does nothing
        but answer.

        Raises:
            Busy: another server has the workspace, or the port is taken.
            WorkspaceReplaced: the workspace was moved away or replaced meanwhile; what was answered is in the old one.
            InvalidInput: the address cannot be listened on, others could read along, or the TLS files cannot be used.
            WorkspaceError: the workspace cannot be written.
        """
        self._settings = secured(self._settings)
        with ExitStack() as stack:
            reads_only = self._engine.access.read_only
            lock = None if reads_only else stack.enter_context(ServerLock(self._engine.workspace).take())
            listener = stack.enter_context(listening(self._settings))
            url = url_of(self._settings, listener)
            if lock is not None:
                self._begin(lock, url)
                stack.callback(setattr, self._engine.database, "may_take", None)
            with asyncio.Runner(loop_factory=_new_loop) as runner:
                runner.run(self._serve(lock, listener, url))
        if self._lost is not None:
            raise self._lost

    def _begin(self, lock: ServerLock, url: str) -> None:
        """Write what must be there before the first request."""
        if self._settings.require_tokens:
            make_first_token(self._engine)
        self._engine.database.may_take = lock.check
        lock.tell(_owner(self._engine, self._settings, url))
        self._engine.experiments.ensure_default()

    def stop(self) -> None:
        """Have `run` return once what has begun is answered; from any thread."""
        self._told_to_stop = True
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True

    def _end_lost(self, error: WorkspaceReplaced) -> None:
        self._lost = error
        self.stop()

    async def _serve(self, lock: ServerLock | None, listener: socket.socket, url: str) -> None:
        crowd = Crowd(self._settings)
        measures = Measures(clients=self._clients, queue=lambda: work.waiting, turned_away=lambda: crowd.turned_away)
        work = Work(self._engine.database, asyncio.get_running_loop(), measures=measures)
        gate = Gate(self._engine, self._settings)
        app = App(
            table(measures),
            gate,
            work,
            self._settings,
            measures=measures,
        )
        self._uvicorn = server = HttpServer(
            http_config(app, self._settings, crowd), crowd, started=lambda: self._started(url), ending=work.end
        )
        server.should_exit = self._told_to_stop
        going_on = self._beside(lock, gate, measures) if lock is not None else ()
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(server.serve(sockets=[listener]))
                beside = [tasks.create_task(kept_going(each, measures)) for each in going_on]
                await serving
                for each in beside:
                    each.cancel()
        finally:
            work.close()
            with self._engine.database.hurried():
                await asyncio.get_running_loop().shutdown_default_executor()

    def _beside(self, lock: ServerLock, gate: Gate, measures: Measures) -> tuple[Callable[[], Awaitable[None]], ...]:
        """What goes on beside the answering of requests, where there is somebody to write."""
        upkeep = Upkeep(self._engine, lock, measures, lost=self._end_lost)
        return (
            upkeep.run,
            Retention(self._engine, measures).run,
            gate.keep_used,
            gate.refusals.run,
            Courier(self._engine, sender()).run,
        )

    def _clients(self) -> int:
        return len(self._uvicorn.server_state.connections) if self._uvicorn else 0


def serve(engine: Engine, settings: Settings) -> int:
    """Answer requests until SIGTERM or SIGINT; says on stderr where.

    Args:
        engine: The workspace.
        settings: How the server is set up.

    Returns:
        The exit code.

    Raises:
        QuarterdeckError: as `Server.run` says.
    """

    def started(url: str) -> None:
        _quicken()
        _say_where(url, settings)

    if engine.access.read_only:
        sys.stderr.write("This server is read-only: every change is refused.\n")
    Server(engine, settings, started=started).run()
    sys.stderr.write("The server has ended; all that it answered is kept.\n")
    return 0


def _new_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


def _quicken() -> None:
    """Set the interpreter up for many short requests.

    It is handed over sooner, for a request waits for the writer's thread, and that one for the loop's. What is there
    now stays, so the collector of garbage need not look at it again: nobody is answered while it does.
    """
    sys.setswitchinterval(0.0005)
    gc.freeze()


def _say_where(url: str, settings: Settings) -> None:
    # Clients of a proxy go to the proxy; what it is called was given so that its requests are taken.
    proxied = (settings.behind_proxy or settings.proxies) and settings.allowed_hosts
    theirs = f"https://{settings.allowed_hosts[0]}" if proxied else url
    sys.stderr.write(f"Quarterdeck serves at {url}\nMLflow clients: export MLFLOW_TRACKING_URI={theirs}\n")
    sys.stderr.flush()


def _owner(engine: Engine, settings: Settings, url: str) -> ServerOwner:
    return ServerOwner(
        pid=os.getpid(),
        user=os_user(),
        url=url,
        started_ms=engine.clock.now_ms(),
        durability=settings.durability.value,
        version=__version__,
    )


class ThreadedServer:
    """A server in a thread of this process, for programs and tests that want one beside them.

    Args:
        engine: The workspace.
        settings: How it is set up; port 0 takes a free one.
    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._started = threading.Event()
        self._error: QuarterdeckError | None = None
        self._server = Server(engine, settings, started=self._answers)
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)
        self.url = ""

    def _answers(self, url: str) -> None:
        self.url = url
        self._started.set()

    def _run(self) -> None:
        try:
            self._server.run()
        except QuarterdeckError as error:
            self._error = error
        finally:
            self._started.set()

    def __enter__(self) -> str:
        """Start it.

        Returns:
            Its URL.

        Raises:
            QuarterdeckError: it could not start.
        """
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            raise self._error
        return self.url

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._thread.join()

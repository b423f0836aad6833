"""`qd up`: the server-side parts of a workspace under one supervisor."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from engine.cli.cells import age, moment
from engine.cli.diagnostics import narrate
from engine.cli.groups import LazyGroup
from engine.cli.options import gathered
from engine.cli.output import Column, Format, format_options, show_json, show_lines, show_rows, write
from engine.core.errors import InvalidInput, NotFound
from engine.core.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.cli.session import Session
    from engine.processes.up_model import UpStatus
    from engine.supervision.up import Parts

CHILDREN = (
    Column("name", lambda child: child.name),
    Column("state", lambda child: child.state.value),
    Column("pid", lambda child: child.pid, right=True),
    Column("started_ms", lambda child: child.started_ms, age, "age", right=True),
    Column("restarts", lambda child: child.restarts, right=True),
    Column("failures", lambda child: child.failures, right=True),
    Column("next_ms", lambda child: child.next_ms, moment, "next try", right=True),
    Column("words", lambda child: child.words, title="why"),
    Column("last_line", lambda child: child.last_line, title="its last words"),
)


_PARTS = ("server", "serve", "analysis", "prober", "monitors")


class _What(NamedTuple):
    server: bool
    serve: bool
    analysis: bool
    prober: bool
    monitors: bool
    host: str
    port: int
    serve_port: int
    workers: int
    require_tokens: bool
    allowed_hosts: tuple[str, ...]
    tls_cert: str | None
    tls_key: str | None
    behind_proxy: bool
    proxies: tuple[str, ...]


def _what_options(function: Callable[..., Any]) -> Callable[..., Any]:
    decorated = gathered("what", _What)(function)
    for option in (
        click.option("--proxy-from", "proxies", multiple=True, metavar="ADDRESS", help="The proxy is there."),
        click.option("--behind-proxy", is_flag=True, help="A proxy on this machine ends TLS."),
        click.option("--tls-key", type=click.Path(), help="PEM file of the certificate's key."),
        click.option("--tls-cert", type=click.Path(), help="PEM file of the certificate chain."),
        click.option("--allowed-host", "allowed_hosts", multiple=True, metavar="NAME", help="A further name."),
        click.option("--require-tokens", is_flag=True, help="Ask for tokens on this machine too."),
        click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Of the data plane."),
        click.option(
            "--serve-port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Of predictions."
        ),
        click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="Of the server."),
        click.option("--host", default="127.0.0.1", show_default=True, help="The address both listen on."),
        click.option("--monitors/--no-monitors", default=True, help="Have monitors look."),
        click.option("--prober/--no-prober", default=True, help="Probe endpoints that others serve."),
        click.option("--analysis/--no-analysis", default=True, help="Carry rollouts on."),
        click.option("--serve/--no-serve", default=True, help="Answer and store predictions, as `qd serve`."),
        click.option("--server/--no-server", default=True, help="Serve MLflow clients, as `qd server`."),
    ):
        decorated = option(decorated)
    return decorated


@click.group(cls=LazyGroup, invoke_without_command=True)
@_what_options
@click.option("--install-systemd", is_flag=True, help="Write a user unit that runs this, instead of running it.")
@click.option("--print", "only_print", is_flag=True, help="With --install-systemd: only print the unit.")
@click.pass_context
def up(context: click.Context, what: _What, *, install_systemd: bool, only_print: bool) -> int | None:
    """Run the server, the data plane with its writer and analysis, the prober and monitors, until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return None
    session: Session = context.obj
    if install_systemd:
        return _install(session, what, only_print=only_print)
    if only_print:
        raise InvalidInput("--print goes with --install-systemd.")
    from engine.supervision.up import run_up

    return run_up(session.engine(), _parts(session, what))


def _parts(session: Session, what: _What) -> Parts:
    from engine.supervision.up import Parts

    if not (what.server or what.serve or what.analysis or what.prober or what.monitors):
        raise InvalidInput("Nothing is left to run.", hint="Leave out one of the --no- options.")
    listen = ("--host", what.host, *_secure(what))
    return Parts(
        server=(*listen, "--port", str(what.port)) if what.server else None,
        serve=(*listen, "--port", str(what.serve_port), "--workers", str(what.workers)) if what.serve else None,
        analysis=what.analysis,
        prober=what.prober,
        monitors=what.monitors,
        before=() if session.as_user is None else ("--as", session.as_user),
    )


def _secure(what: _What) -> tuple[str, ...]:
    words = ["--require-tokens"] if what.require_tokens else []
    words += ["--behind-proxy"] if what.behind_proxy else []
    for option, value in (("--tls-cert", what.tls_cert), ("--tls-key", what.tls_key)):
        words += [] if value is None else [option, os.path.abspath(value)]  # noqa: PTH100 resolve() would follow links
    for option, values in (("--allowed-host", what.allowed_hosts), ("--proxy-from", what.proxies)):
        words += [word for value in values for word in (option, value)]
    return tuple(words)


def _install(session: Session, what: _What, *, only_print: bool) -> int:
    from engine.supervision import systemd

    workspace = session.engine().workspace
    words = _words(what)
    if only_print:
        write(systemd.unit(workspace, words))
        return 0
    path = systemd.install(workspace, words, os.environ)
    name = systemd.unit_name(workspace)
    show_lines([str(path)])
    narrate("Nothing runs yet. Start it, now and at every login, with:")
    narrate(f"  systemctl --user daemon-reload && systemctl --user enable --now {name}")
    narrate("It runs while you are logged in; `loginctl enable-linger` lets it run without you.")
    narrate(f"Take it back with: systemctl --user disable --now {name}")
    return 0


def _words(what: _What) -> tuple[str, ...]:
    words = [f"--no-{part}" for part in _PARTS if not getattr(what, part)]
    words += ["--host", what.host, "--port", str(what.port), "--serve-port", str(what.serve_port)]
    return (*words, "--workers", str(what.workers), *_secure(what))


@up.command()
@format_options
@click.pass_obj
def status(session: Session, fmt: Format) -> None:
    """Show the processes: how long each runs, how often it was started again, and why."""
    found = session.engine().processes.up()
    if found is None:
        raise NotFound("`qd up` does not run on this workspace.", hint="Start it with `qd up`.")
    if fmt is Format.JSON:
        show_json(plain(found))
        return
    if fmt is Format.HUMAN:
        show_lines([f"Looked after by process {found.pid} of {found.user}, since {moment(found.started_ms)}", ""])
    show_rows(found.children, CHILDREN, fmt)


@up.command()
@click.pass_obj
def stop(session: Session) -> None:
    """Ask `qd up` to end its processes in order and then itself; waits until it has."""
    stopped: UpStatus = session.engine().processes.stop_up()
    narrate(f"{', '.join(each.name for each in stopped.children)} have ended.")


@up.command()
@click.argument("name")
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--lines", "-n", default=50, show_default=True, type=click.IntRange(0, 100_000), help="How many lines.")
@click.pass_obj
def logs(session: Session, name: str, lines: int, *, follow: bool) -> None:
    """Print the last lines that a process wrote: server, serve, writer, analysis, prober or monitors."""
    from engine.processes.up import followed, log_of, tail

    path = log_of(session.engine().workspace, name)
    show_lines(tail(path, lines))
    if follow:
        for line in followed(path):
            show_lines([line])
            sys.stdout.flush()

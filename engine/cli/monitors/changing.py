"""`qd monitors create`, `change`, `delete`, `pause` and `resume`."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.cli.confirmation import confirm
from engine.cli.live_names import MONITOR
from engine.cli.monitors.columns import encode_monitor
from engine.cli.options import reason_option, yes_option
from engine.cli.output import Format, format_options, show_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.cli.session import Session

F = TypeVar("F", bound="Callable[..., Any]")

_TEXTS = {
    "target": "What to watch: 'endpoint NAME', 'MODEL@production' or 'files GLOB'.",
    "window": "How much one look takes in: '1h', '500 rows'.",
    "step": "How far one window begins after the other; the window's length if not given.",
    "lateness": "How long a window of time waits for late rows.",
    "every": "How often to look whether a window is over.",
    "reference": "Compared with: baseline, previous or season.",
    "against": "Whose baseline: MODEL/VERSION or 'files GLOB'; the version's own if not given.",
    "season": "How long a season is.",
    "method": "How features are decided: margin, or a name of `qd drift check`.",
    "metric": "What performance is held against.",
    "label_delay": "How long labels are waited for.",
    "detector": "What watches for concept drift.",
    "budget": "Bearable false pages: '1 per 30d'.",
    "severity": "info, warning or critical.",
    "raise": "Bad windows that open an alert: '2 of 3'.",
    "cool_down": "How long nothing opens it again.",
    "escalate_after": "After how long an alert that nobody took on is critical.",
}
_LISTS = {
    "tests": "Such as drift,quality,performance,concept.",
    "columns": "Input columns, separated by commas; all if not given.",
    "segments": "Columns whose values are looked at one by one.",
    "streams": "What detectors watch: errors,scores,latency.",
    "actions": "What else to do: 'pause rollout','request rollback'.",
}
_NUMBERS = {
    "threshold": "The fixed threshold of the method.",
    "delta": "The greatest PSI that is no drift.",
    "tolerance": "How much worse than the reference performance may be.",
    "least": "Performance below which a window is bad whatever the reference says.",
}


def settings_options(function: F) -> F:
    """Give a verb an option for every setting; it receives `settings`, those that were given."""

    @wraps(function)
    def verb(*args: Any, **options: Any) -> Any:
        names = (*_TEXTS, *_LISTS, *_NUMBERS, "clear", "auto_resolve")
        given = {name: options.pop(f"set_{name}") for name in names}
        settings = {name: value for name, value in given.items() if value is not None}
        lists = {name: [word.strip() for word in settings[name].split(",")] for name in _LISTS if name in settings}
        return function(*args, settings={**settings, **lists, **_absolute(settings)}, **options)

    decorated: Any = verb
    for texts, kind in ((_NUMBERS, float), (_LISTS, str), (_TEXTS, str)):
        for name, text in reversed(texts.items()):
            flag = f"--{name.replace('_', '-')}"
            decorated = click.option(flag, f"set_{name}", type=kind, default=None, help=text)(decorated)
    decorated = click.option("--clear", "set_clear", type=int, default=None, help="Good windows that end an alert.")(
        decorated
    )
    words = "--auto-resolve/--no-auto-resolve"
    complete: F = click.option(words, "set_auto_resolve", default=None, help="Whether good windows end an alert.")(
        decorated
    )
    return complete


def _absolute(settings: dict[str, Any]) -> dict[str, str]:
    """Globs as they are meant where the command is given; the process that looks has another directory."""
    import os

    globs = {name: str(settings.get(name, "")) for name in ("target", "against")}
    return {
        name: f"files {os.path.abspath(value.removeprefix('files ').strip())}"  # noqa: PTH100 links stay links
        for name, value in globs.items()
        if value.startswith("files ")
    }


@click.command()
@click.argument("name")
@settings_options
@format_options
@click.pass_obj
def create(session: Session, name: str, settings: dict[str, Any], fmt: Format) -> None:
    """Make a monitor; `qd up` has it look, `qd monitors run --once` does so now."""
    show_record(encode_monitor(session.engine().monitors.create(name, settings)), fmt)


@click.command()
@click.argument("monitor", type=MONITOR)
@settings_options
@format_options
@click.pass_obj
def change(session: Session, monitor: str, settings: dict[str, Any], fmt: Format) -> None:
    """Change how a monitor looks; what is not given stays."""
    show_record(encode_monitor(session.engine().monitors.change(monitor, settings)), fmt)


@click.command()
@click.argument("monitor", type=MONITOR)
@yes_option
@click.pass_obj
def delete(session: Session, monitor: str, *, yes: bool) -> None:
    """Delete a monitor with what it found; its alerts end."""
    confirm("This deletes the monitor with all it found", monitor, yes=yes, sort=("monitor", "delete"))
    session.engine().monitors.delete(monitor)


@click.command()
@click.argument("monitor", type=MONITOR)
@reason_option
@format_options
@click.pass_obj
def pause(session: Session, monitor: str, reason: str, fmt: Format) -> None:
    """Have a monitor look no more until it is resumed."""
    show_record(encode_monitor(session.engine().monitors.pause(monitor, reason=reason)), fmt)


@click.command()
@click.argument("monitor", type=MONITOR)
@click.option("--reason", default="", help="Why; kept in the audit log.")
@format_options
@click.pass_obj
def resume(session: Session, monitor: str, reason: str, fmt: Format) -> None:
    """Have a paused monitor look again; it catches up."""
    show_record(encode_monitor(session.engine().monitors.resume(monitor, reason=reason)), fmt)

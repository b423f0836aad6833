"""`qd monitors`: what watches endpoints and files, and what it found."""

from __future__ import annotations

import click

from engine.cli.groups import verbs

_PLACES = {
    "list": "reading.list_",
    "show": "reading.show",
    "results": "reading.results",
    "result": "reading.result",
    "performance": "reading.performance",
    "create": "changing.create",
    "change": "changing.change",
    "delete": "changing.delete",
    "pause": "changing.pause",
    "resume": "changing.resume",
    "run": "running.run",
    "backtest": "running.backtest",
}


@click.group(cls=verbs("engine.cli.monitors", _PLACES))
def monitors() -> None:
    """What watches endpoints and files, and what it found."""

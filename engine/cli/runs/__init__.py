"""`qd runs`: runs with parameters, metrics and artifacts. Each verb's module loads when the verb is named."""

from __future__ import annotations

import click

from engine.cli.groups import verbs

_VERBS = {
    "aggregate": "aggregating.aggregate",
    "artifacts": "artifacts.artifacts",
    "compare": "showing.compare",
    "count": "listing.count",
    "curves": "curves.curves",
    "delete": "changing.delete",
    "finish": "recording.finish",
    "groups": "grouping.groups",
    "lineage": "showing.lineage",
    "list": "listing.list_",
    "log": "recording.log",
    "metrics": "showing.metrics",
    "note": "changing.note",
    "reap": "changing.reap",
    "rename": "changing.rename",
    "restore": "changing.restore",
    "show": "showing.show",
    "start": "recording.start",
    "tag": "changing.tag",
}


@click.group(cls=verbs("engine.cli.runs", _VERBS))
def runs() -> None:
    """Runs with parameters, metrics and artifacts.

    A run is named by its id or by the beginning of it, at least four hex digits.
    """

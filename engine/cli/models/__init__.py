"""`qd models`: registered models. Each verb's module loads when the verb is named."""

from __future__ import annotations

import click

from engine.cli.groups import verbs

_VERBS = {
    "alias": "changing.alias",
    "allow-pickle": "building.allow_pickle",
    "ask-retraining": "changing.ask_retraining",
    "bench": "benching.bench",
    "build": "building.build",
    "check": "moving.check",
    "create": "changing.create",
    "delete": "changing.delete",
    "export": "building.export",
    "forbid-pickle": "building.forbid_pickle",
    "history": "reading.history",
    "lineage": "reading.lineage",
    "list": "reading.list_",
    "promote": "moving.promote",
    "register": "registering.register",
    "rename": "changing.rename",
    "report": "moving.report",
    "rollback": "moving.rollback",
    "show": "reading.show",
    "tag": "changing.tag",
    "unalias": "changing.unalias",
    "update": "changing.update",
}


@click.group(cls=verbs("engine.cli.models", _VERBS))
def models() -> None:
    """Registered models: gates, promotion, rollback, history."""

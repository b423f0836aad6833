"""`qd endpoints`: what serves predictions. Each verb's module loads when the verb is named."""

from __future__ import annotations

import click

from engine.cli.groups import verbs

_VERBS = {
    "abort": "rollouts.abort",
    "create": "keeping.create",
    "delete": "keeping.delete",
    "deploy": "routing.deploy",
    "export": "exporting.export",
    "history": "reading.history",
    "kill": "routing.kill",
    "list": "reading.list_",
    "pause": "rollouts.pause",
    "planes": "reading.planes",
    "probe": "external.probe",
    "probes": "external.probes",
    "register": "external.register",
    "promote": "rollouts.promote",
    "resume": "rollouts.resume",
    "retire": "routing.retire",
    "revive": "routing.revive",
    "rollback": "routing.rollback",
    "rollouts": "rollouts.rollouts",
    "shadow": "routing.shadow",
    "show": "reading.show",
    "tag": "keeping.tag",
    "traffic": "routing.traffic",
    "undo": "routing.undo",
    "unregister": "external.unregister",
    "update": "keeping.update",
    "verdicts": "rollouts.verdicts",
}


@click.group(cls=verbs("engine.cli.endpoints", _VERBS))
def endpoints() -> None:
    """What serves predictions: versions, shares, rollback, history."""

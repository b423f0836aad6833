"""`qd drift`: comparing data with data, and with what versions were made from. Each verb's module loads when named."""

from __future__ import annotations

import click

from engine.cli.groups import verbs

_VERBS = {
    "baseline": "baselines.baseline",
    "baselines": "baselines.baselines",
    "check": "checking.check",
    "profile": "profiling.profile",
    "report": "checking.report",
    "skew": "skewing.skew",
}


@click.group(cls=verbs("engine.cli.drift", _VERBS))
def drift() -> None:
    """Whether data changed: `qd drift check reference.csv current.csv`."""

"""`qd drift skew`: is production what the model was made from?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engine.cli.drift.asking import How, comparing_options, wanted
from engine.cli.drift.checking import DRIFTED
from engine.cli.drift.showing import show
from engine.cli.live_names import MODEL, VERSION
from engine.cli.output import Format, format_options

if TYPE_CHECKING:
    from engine.cli.session import Session


@click.command()
@click.argument("model", type=MODEL)
@click.argument("version", type=VERSION)
@click.option("--since", default="24h", show_default=True, metavar="TIME", help="Such as 7d (ago) or 2026-11-01.")
@click.option("--endpoint", default="", help="Only of this endpoint.")
@comparing_options
@click.option("--fail-on-drift", is_flag=True, help="Exit 1 when anything drifted.")
@format_options
@click.pass_obj
def skew(  # noqa: PLR0913 one parameter an argument or group of options
    session: Session,
    model: str,
    version: int,
    *,
    since: str,
    endpoint: str,
    how: How,
    fmt: Format,
    fail_on_drift: bool,
) -> int:
    """Compare what a version is asked in production with the data it was made from: training-serving skew."""
    import time

    from engine.core.timetext import parse_time
    from engine.drift.baseline_model import Stretch

    stretch = Stretch(parse_time(since, time.time_ns() // 1_000_000), endpoint=endpoint)
    report = session.engine().drift.skew(model, version, stretch, wanted(how))
    show(report, fmt)
    return DRIFTED if fail_on_drift and report.drift else 0

"""What monitors have raised about a candidate, as the analysis of its rollout reads it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.alerts.model import Severity
from engine.core.text import clean
from engine.deployment.analysis import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.alerts.model import Alert
    from engine.deployment.rollout_model import Rollout

_ACCURACY = ("performance", "concept errors")
"""What is watched by labels: it says that the candidate is wrong more often, whatever its callers ask."""

_MOST_SAID = 300


def alarmed(rollout: Rollout, alerts: Iterable[Alert]) -> Judgement | None:
    """What alerts that were raised since a rollout began mean for it.

    Args:
        rollout: The rollout.
        alerts: Those about its version that are not resolved.

    Returns:
        A failure where labels say that the version is worse, a question to a human where it answers another world than
        its own, or what it says cannot be trusted; `None` where nothing of that kind holds. A silenced alert stops
        nothing, nor does one of severity `info`.
    """
    found = [
        each
        for each in alerts
        if each.silence is None
        and each.severity >= Severity.WARNING
        and each.opened_ms >= rollout.created_ms
        and each.endpoint in ("", rollout.endpoint)
    ]
    worse = [
        each for each in found if each.key.startswith(_ACCURACY) and not each.key.startswith("performance estimate")
    ]
    for verdict, alerts_ in ((Verdict.FAIL, worse), (Verdict.INCONCLUSIVE, found)):
        if alerts_:
            said = clean(alerts_[0].sentence, limit=_MOST_SAID)
            return Judgement(verdict, f"Alert {alerts_[0].id} of the monitor {alerts_[0].monitor}: {said}")
    return None

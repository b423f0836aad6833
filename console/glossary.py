"""The words on the screens, each in a sentence or two: stages, states, tests, numbers."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["TERMS", "Term"]


class Term(NamedTuple):
    """A word of the field, as it is used here.

    Args:
        name: The word as it stands on screens.
        group: What it belongs to.
        meaning: One or two sentences.
    """

    name: str
    group: str
    meaning: str


TERMS: tuple[Term, ...] = (
    Term("Registered", "stages", "A version that exists and serves nobody yet: where each begins."),
    Term("Staging", "stages", "A version that is tried: gates can run on it, and it may serve as shadow or canary."),
    Term(
        "Production", "stages", "The version that answers for the model; by default one, and entering it takes gates."
    ),
    Term("Archived", "stages", "A version out of service; it stays loaded nowhere and can come back by a rollback."),
    Term("gate", "promotion", "A check that must pass before a version enters a stage, such as metric or parity."),
    Term(
        "approval", "promotion", "Somebody's yes to one promotion; bound to the bytes, the report and the policy seen."
    ),
    Term("freeze", "promotion", "A time in which nothing enters a stage. Rolling back stays possible."),
    Term("rollback", "promotion", "The versions go back to where they were before the last promotion, in one step."),
    Term("alias", "promotion", "A name for one version, such as champion; protected ones follow Production only."),
    Term("running", "runs", "The run's process still gives signs of life."),
    Term("lost", "runs", "The run says running, but its process gave no sign of life for a while. It may come back."),
    Term(
        "finished, failed, killed", "runs", "How a run ended: by itself, with an error, or because somebody ended it."
    ),
    Term("generation", "endpoints", "One state of an endpoint's traffic, numbered; every change makes the next."),
    Term(
        "desired, observed", "endpoints", "The generation that was asked for, and the one data planes say they serve."
    ),
    Term("live", "endpoints", "The version that answers whatever no canary takes."),
    Term("canary", "endpoints", "A version that answers a share of the callers, so that few are hurt if it is worse."),
    Term("shadow", "endpoints", "A version that gets a copy of each request; nobody gets its answers."),
    Term("standby", "endpoints", "A version that stays loaded without traffic: the way back is instant."),
    Term("sticky", "endpoints", "The same key gets the same version for as long as the weights do not move it."),
    Term(
        "rollout", "endpoints", "A plan of growing shares; each step ends by a verdict: passed, failed, or for a human."
    ),
    Term("twin", "endpoints", "A compiled copy of a model (ONNX) that answers alike, only sooner; parity proves it."),
    Term("parity", "endpoints", "How far the twin's answers lie from the model's, on rows of its own data."),
    Term("p50, p95, p99", "endpoints", "The latency that half, 95 % or 99 % of the requests do not exceed."),
    Term("capture", "endpoints", "Keeping requests and answers, to compare, to label and to replay."),
    Term(
        "baseline", "monitoring", "What a version was made for: a profile of its data that windows are compared with."
    ),
    Term("window", "monitoring", "A stretch of time or a number of rows that is looked at as a whole."),
    Term("drift", "monitoring", "The data of a window differ from the baseline by more than matters."),
    Term("margin", "monitoring", "Drift is called when a change surely exceeds delta, not when it can be detected."),
    Term("PSI", "monitoring", "Population stability index: how far two distributions lie apart; 0.1 some, 0.25 much."),
    Term("KS", "monitoring", "Kolmogorov-Smirnov: the largest distance between two cumulative distributions."),
    Term("chi2", "monitoring", "Chi-square: whether counts by category differ by more than chance."),
    Term("Wasserstein", "monitoring", "How far values would have to be moved to make one distribution the other."),
    Term("JS", "monitoring", "Jensen-Shannon distance between two distributions, 0 alike to 1 apart."),
    Term(
        "p, q",
        "monitoring",
        "p: how likely so much by chance alone; q: the same, corrected for all that was looked at.",
    ),
    Term("not enough data", "monitoring", "The window has too few rows to tell; neither an alarm nor an all-clear."),
    Term("budget", "monitoring", "How many false pages are bearable, such as 1 per 30d; thresholds follow from it."),
    Term("estimated performance", "monitoring", "Performance told from probabilities, before labels have come."),
    Term(
        "concept drift", "monitoring", "What is true changed for the same data: errors or scores move; see detectors."
    ),
    Term("ADWIN, DDM, HDDM, Page-Hinkley, CUSUM", "monitoring", "Detectors that watch a stream for a change of level."),
    Term("acknowledged", "alerts", "Somebody has taken it on; it is not told again."),
    Term("silence", "alerts", "What matches it is recorded but told to nobody, until it ends."),
    Term("escalated", "alerts", "Nobody took it on in time: it is critical now and told again."),
    Term("audit", "history", "Every change with who, when, why, before and after; chained, so that edits are found."),
    Term("head", "history", "One line that proves the whole audit log up to now; keep it elsewhere."),
    Term("lineage", "history", "What led to a thing and what came of it: data, run, version, endpoint, alert."),
    Term(
        "live, stale, offline", "screen", "Whether the screen follows the workspace, lags, or cannot reach it, and why."
    ),
    Term("cannot write, damaged", "screen", "It can be read but not changed: its disk or file is in trouble."),
    Term("pulse", "screen", "The first screen: what runs, what serves, what waits for somebody."),
)
"""In the order in which the glossary shows them."""

"""Has what comes in, or what is answered, drifted from its reference? One decision a window, spent from a budget."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.alerts.model import Level
from engine.core.text import clean
from engine.drift.methods import parse_method
from engine.drift.model import Decision, Method, Path, Rules, Side
from engine.monitoring.filing import LABEL
from engine.monitoring.looking import Finding, Watched
from engine.monitoring.model import Kind, Verdict
from engine.monitoring.references import LEAST_ROWS, Against, columns_of, learned
from engine.monitoring.spending import spend
from engine.monitoring.truths import Truths, truths_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engine.drift.model import DriftReport, FeatureResult
    from engine.monitoring.batch import Batch
    from engine.monitoring.looking import Look
    from engine.monitoring.memory import Memory
    from engine.monitoring.references import References
    from engine.monitoring.spending import Spent
    from engine.policy.monitors import MonitorSettings
    from engine.profiles.profile import Profile
    from engine.profiles.reference import Reference

MOST_SHOWN = 12
"""Features whose bins a result keeps: those that drifted first; of a quiet window none."""

MOST_SEGMENTS = 20
"""Values of a column that are looked at one by one: those with the most rows."""

LEAST_SEGMENT_ROWS = 100
"""Rows below which a segment is not looked at."""


class Drifting:
    """Compares windows with their reference.

    Args:
        references: Finds it.
        profiled: Counts the rows of a window by the layout of a reference: all of them, though the batch be a sample.
    """

    def __init__(self, references: References, profiled: Callable[[Look, Reference], Profile]) -> None:
        self._references = references
        self._profiled = profiled

    def look(self, look: Look, memory: Memory) -> Iterator[Finding]:
        """Compare a window.

        Args:
            look: The window.
            memory: Holds what was spent of the budget, and the references of segments.

        Yields:
            One finding.

        Raises:
            QuarterdeckError: the reference cannot be read.
        """
        against = self._references.find(look, memory)
        if against.content is None:
            yield _waiting(against.missing, against.next_step)
            return
        current = self._profiled(look, against.content)
        if not current.rows:
            yield _waiting("There were no rows.", "")
            return
        report = _compared(look, against, current, truths_of(look, memory, against, look.batch.columns))
        season = "" if report.drift else self._season(look)
        yield _finding(look, memory, replace(report, sentence=report.sentence + season), _segments(look, memory))

    def _season(self, look: Look) -> str:
        """What would have drifted against all seasons together, which this one explains; empty for nothing."""
        against = self._references.every_season(look)
        if against is None or against.content is None:
            return ""
        drifted = _compared(look, against, self._profiled(look, against.content)).drifted
        if not drifted:
            return ""
        names = ", ".join(clean(each.name, limit=60) for each in drifted[:3])
        return f" Against all seasons together {names} would have drifted: that is the season."


def _compared(look: Look, against: Against, current: Profile, truths: Truths | None = None) -> DriftReport:
    from engine.drift.checking import damage
    from engine.drift.counting import compared
    from engine.drift.deciding import decide, report_of
    from engine.drift.methods import refuse_exact_only

    assert against.content is not None  # noqa: S101 asked before
    rules, beside = _rules(look, against), truths or Truths()
    refuse_exact_only([rules.method])
    counts = [*compared(against.content, current, rules), *beside.counts]
    rules = replace(rules, labels=(*rules.labels, *beside.names))
    sides = against.side, _side(look, current.rows)
    problems = damage(against.content.profile, current)
    return report_of(decide(counts, rules), sides, rules, Path.PROFILE, problems=problems)


def _side(look: Look, rows: int) -> Side:
    window = look.window
    return Side(window.file or f"window of {look.monitor}", rows, window.start_ms, window.end_ms, look.subject.key)


def _rules(look: Look, against: Against) -> Rules:
    """What is asked: the columns that the window has; that one is gone or new is for the test of quality."""
    assert against.content is not None  # noqa: S101 asked before
    settings, wanted = look.settings, look.settings.columns
    known = [each.name for each in against.content.layout.features]
    if not look.window.file:
        seen = set(look.batch.columns) | ({*against.predictions} if _answered(look.batch) else set())
        known = [name for name in known if name in seen and name not in against.labels]
    labels = tuple(name for name in against.labels or (LABEL,) if look.window.file and name in known)
    if not look.batch.labelled:
        known = [name for name in known if name not in labels]
    names = tuple(name for name in known if not wanted or name in {*wanted, *against.predictions, *labels})
    usual = Rules()
    return Rules(
        method=method_of(settings),
        delta=usual.delta if settings.delta is None else settings.delta,
        columns=names,
        predictions=tuple(name for name in against.predictions if name in names),
        labels=tuple(name for name in labels if name in names),
        importance=against.content.importance,
        inflations=against.content.inflations,
    )


def method_of(settings: MonitorSettings) -> Method:
    """How features are decided; a method that is no test has its usual threshold unless one is set."""
    usual = parse_method(settings.method)
    return usual if settings.threshold is None else replace(usual, threshold=settings.threshold)


def _answered(batch: Batch) -> bool:
    return bool(batch.answers) or batch.chances is not None


def _finding(look: Look, memory: Memory, report: DriftReport, segments: Sequence[Mapping[str, object]]) -> Finding:
    from engine.drift.document import document

    tested = [each.q for each in report.features if each.q is not None]
    # The least of the corrected p-values is a p-value of the whole window (Simes, 1986).
    p = min(tested, default=None)
    drifted_segments = [each for each in segments if each["drifted"]]
    spent = None if p is None or look.revised else spend(look, memory, "drift", p)
    level = _level(report, spent)
    told = {
        **document(_shortened(report)),
        "paging": None if spent is None else spent.to_json(),
        "by_segment": segments,
    }
    if report.drift:
        sentence, step = _said(report, drifted_segments), _next_step(look)
        verdict = Verdict.DRIFT
    else:
        sentence, step = report.sentence, ""
        verdict = Verdict.WAITING if _too_few(report) else Verdict.OK
    value = p if p is not None else max((each.effect or 0.0 for each in report.features), default=None)
    watched = Watched("drift", level, sentence, step, value, _evidence(report, pages=level is Level.BAD))
    return Finding(Kind.DRIFT, verdict, sentence, step, value, told, (watched,))


def _level(report: DriftReport, spent: Spent | None) -> Level:
    """What a window says to alerts: a test pages only where the budget of false pages lets it."""
    if report.drift:
        return Level.BAD if spent is None or spent.pages else Level.BETWEEN
    return Level.UNKNOWN if _too_few(report) else Level.GOOD


def _too_few(report: DriftReport) -> bool:
    """Whether most features had too few rows to tell."""
    few, stable = report.counted(Decision.NOT_ENOUGH), report.counted(Decision.STABLE)
    return few > stable


def _said(report: DriftReport, segments: Sequence[Mapping[str, object]]) -> str:
    drifted = report.drifted
    first = [_what(each) for each in drifted[:2]]
    more = f" And {len(drifted) - 2} more features." if len(drifted) > 2 else ""
    worst = f" Most in {segments[0]['segment']}." if segments else ""
    return f"{len(drifted)} of {len(report.features)} features drifted: {' '.join(first)}{more}{worst}"


def _what(feature: FeatureResult) -> str:
    return f"{clean(feature.name, limit=60)}: {clean(feature.changed or feature.reason, limit=200)}"


def _next_step(look: Look) -> str:
    version = look.subject.key
    compare = f"Compare `qd monitors results {look.monitor}` window by window"
    if not version:
        return f"{compare}, and look at where the files come from."
    return f"{compare}; if the change is to stay, retrain {version} or make a new baseline, else look at the callers."


def _evidence(report: DriftReport, *, pages: bool) -> dict[str, object]:
    return {
        "rows": report.rows,
        "reference": report.reference.name,
        "pages": pages,
        "features": [
            {
                "name": clean(each.name, limit=100),
                "effect": each.effect,
                "low": each.effect_low,
                "high": each.effect_high,
                "q": each.q,
                "changed": clean(each.changed, limit=300),
            }
            for each in report.drifted[:MOST_SHOWN]
        ],
    }


def _shortened(report: DriftReport) -> DriftReport:
    """The report with the bins of those features only that somebody will look at."""
    shown = {each.name for each in report.drifted[:MOST_SHOWN]}
    features = (
        each if each.name in shown else replace(each, bins=(), histogram=None, distances={}, new_levels=())
        for each in report.features
    )
    return replace(report, features=tuple(features))


def _segments(look: Look, memory: Memory) -> list[dict[str, object]]:
    """Each segment's window compared with the first one of it that had enough rows: the worst first."""
    found = []
    for column in look.settings.segments:
        for value, part in _parts(look.batch, column):
            name = f"segment {look.part} {column}={value}"
            kept = memory.get(name)
            if kept is None:
                if not look.revised:
                    memory.put(name, learned(part).to_bytes())
                continue
            found.append(_segment(look, kept, f"{column} = {value}", part))
    return sorted(found, key=lambda each: -float(str(each["score"])))


def _parts(batch: Batch, column: str) -> Iterator[tuple[str, Batch]]:
    from collections import Counter

    from engine.monitoring.batch import segment_word

    counts = Counter(segment_word(value) for value in batch.columns.get(column, []))
    for value, rows in counts.most_common(MOST_SEGMENTS):
        if rows >= max(LEAST_SEGMENT_ROWS, LEAST_ROWS):
            yield value, batch.of_segment(column, value)


def _segment(look: Look, kept: bytes, name: str, part: Batch) -> dict[str, object]:
    from engine.drift.checking import compare
    from engine.profiles.profiling import profile
    from engine.profiles.reference import Reference
    from engine.tables.source import open_table

    content = Reference.from_bytes(kept)
    current = profile(open_table(columns_of(part)), content.layout)
    against = Against(content, Side("its first window", content.profile.rows))
    report = compare(content, current, (against.side, _side(look, len(part))), _rules(look, against))
    return {
        "segment": clean(name, limit=100),
        "rows": len(part),
        "drifted": [clean(each.name, limit=100) for each in report.drifted],
        "score": max((each.score for each in report.drifted), default=0.0),
        "sentence": report.sentence,
    }


def _waiting(why: str, step: str) -> Finding:
    return Finding(Kind.DRIFT, Verdict.WAITING, why, step, watched=(Watched("drift", Level.UNKNOWN, why, step),))

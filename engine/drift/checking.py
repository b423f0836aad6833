"""From tables to a report, by profiles or by values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput, NotFound
from engine.core.text import clean
from engine.drift.counting import compared
from engine.drift.deciding import decide, report_of
from engine.drift.model import DriftReport, Path, Rules, Side, Wanted
from engine.drift.words import count

if TYPE_CHECKING:
    from engine.compute.model import Executor
    from engine.drift.baseline_model import Baseline
    from engine.profiles.profile import Profile
    from engine.profiles.reference import Reference
    from engine.tables.model import Table

KEPT = ".qdp"
"""How files end that `qd drift profile --out` has written."""

_MOST_SAID = 80


def check_sources(reference: str, current: str, wanted: Wanted, *, executor: Executor | None = None) -> DriftReport:
    """Compare files with files.

    Args:
        reference: CSV, gzip CSV or Parquet: a file, a folder, a glob; or a kept profile.
        current: The same, but no kept profile.
        wanted: What is asked.
        executor: What reads; this process without.

    Returns:
        The report.

    Raises:
        NotFound: a file is not there.
        InvalidInput: a file cannot be read, a named column is on neither side, or rows are needed of a kept
            profile.
        Conflict: a file changed while it was read.
    """
    from engine.tables.source import open_table

    if reference.lower().endswith(KEPT):
        side = Side(_said(reference), 0)
        return against_reference(kept(reference), side, open_table([current]), current, wanted, executor=executor)
    return check_tables(
        open_table([reference]), open_table([current]), wanted, names=(reference, current), executor=executor
    )


def check_tables(
    reference: Table,
    current: Table,
    wanted: Wanted | None = None,
    *,
    names: tuple[str, str] = ("reference", "current"),
    executor: Executor | None = None,
) -> DriftReport:
    """Compare a table with another.

    Args:
        reference: What was.
        current: What is.
        wanted: What is asked; the usual without.
        names: How the two are called in the report.
        executor: What reads; this process without.

    Returns:
        The report.

    Raises:
        InvalidInput: a table is damaged, or a named column is on neither side.
        Conflict: a file changed while it was read.
    """
    asked = wanted or Wanted()
    content = learned_reference(reference, executor)
    side = Side(_said(names[0]), content.profile.rows)
    if asked.exact or asked.segments or asked.classifier or asked.pca:
        from engine.drift import whole

        return whole.compare(content, (reference, current), (side, _said(names[1])), asked)
    return against_reference(content, side, current, names[1], asked, executor=executor)


def against(
    baseline: Baseline,
    content: Reference,
    current: Table,
    name: str,
    wanted: Wanted,
    *,
    executor: Executor | None = None,
) -> DriftReport:
    """Compare a table with a version's baseline.

    Args:
        baseline: The baseline.
        content: Its content.
        current: What is.
        name: How that is called in the report.
        wanted: What is asked; columns of answers and labels are the baseline's unless it names some.
        executor: What reads; this process without.

    Returns:
        The report.

    Raises:
        InvalidInput: the table is damaged, a named column is on neither side, or the rows of the reference are needed.
        Conflict: a file changed while it was read.
    """
    rules = wanted.rules
    rules = replace(
        rules,
        predictions=rules.predictions or baseline.predictions,
        labels=rules.labels or baseline.labels,
        importance=rules.importance or content.importance,
        inflations={**content.inflations, **rules.inflations},
    )
    side = Side(
        baseline.key,
        content.profile.rows,
        baseline.start_ms,
        baseline.end_ms,
        f"{baseline.model}/{baseline.version}",
        baseline.number,
    )
    return against_reference(content, side, current, name, replace(wanted, rules=rules), executor=executor)


def against_reference(
    content: Reference,
    side: Side,
    current: Table,
    name: str,
    wanted: Wanted,
    *,
    executor: Executor | None = None,
) -> DriftReport:
    """Compare a table with a kept reference.

    Args:
        content: The reference.
        side: What is said of it.
        current: What is.
        name: How that is called in the report.
        wanted: What is asked.
        executor: What reads; this process without.

    Returns:
        The report.

    Raises:
        InvalidInput: the table is damaged, a named column is on neither side, or the rows of the reference are needed.
        Conflict: a file changed while it was read.
    """
    from engine.profiles.profiling import profile

    if wanted.exact or wanted.segments or wanted.classifier or wanted.pca:
        raise InvalidInput(
            "That needs the rows of the reference, and a kept one holds counts.", hint="Name the reference's own files."
        )
    found = profile(current, content.layout, executor)
    sides = (replace(side, rows=content.profile.rows), Side(_said(name), found.rows))
    return compare(content, found, sides, wanted.rules, absent=absent_from(content, current), whole=True)


def compare(
    content: Reference,
    current: Profile,
    sides: tuple[Side, Side] | None = None,
    rules: Rules | None = None,
    *,
    absent: frozenset[str] = frozenset(),
    whole: bool = False,
) -> DriftReport:
    """Compare a profile with a reference: the whole of a drift tick, and pure.

    Args:
        content: The reference.
        current: A profile over its layout.
        sides: What is said of the two; their numbers of rows without.
        rules: By what it is decided; the usual without.
        absent: Columns of the reference that the current data does not have at all.
        whole: With shapes, bins and further distances of every column, not only of those that drifted.

    Returns:
        The report.

    Raises:
        InvalidInput: the profile is over another layout, a named column is on neither side, or a method needs values.
    """
    from engine.drift.methods import refuse_exact_only

    asked = rules or Rules(importance=content.importance)
    refuse_exact_only([asked.method, *asked.methods.values()])
    told = sides or (Side("reference", content.profile.rows), Side("current", current.rows))
    features = decide(compared(content, current, asked, absent=absent), asked, whole=whole)
    return report_of(features, told, asked, Path.PROFILE, problems=damage(content.profile, current))


def damage(reference: Profile, current: Profile) -> tuple[str, ...]:
    """Sentences on rows that could not be read.

    Args:
        reference: What was.
        current: What is.
    """
    sides = (("reference", reference.damaged), ("current data", current.damaged))
    return tuple(f"{count(rows, 'row')} of the {side} could not be read: left out." for side, rows in sides if rows)


def absent_from(content: Reference, current: Table) -> frozenset[str]:
    """Columns of a reference that a table does not have.

    Args:
        content: The reference.
        current: The table.
    """
    return frozenset(content.layout.by_key) - {each.key for each in current.columns}


def learned_reference(table: Table, executor: Executor | None = None, *, distinct: bool = False) -> Reference:
    """Make a reference of a table: it is read twice, once for where bins lie and once to count.

    Args:
        table: The table.
        executor: What reads; this process without.
        distinct: Whether different numbers are told apart too, which no comparison needs.

    Returns:
        The reference.

    Raises:
        InvalidInput: it is damaged, or has no columns.
        Conflict: a file changed while it was read.
    """
    from engine.profiles.learning import learned
    from engine.profiles.profiling import profile
    from engine.profiles.reference import Reference

    if not table.columns:
        raise InvalidInput("The reference has no columns.", hint="Name data with a head.")
    layout = learned(table, executor)
    return Reference(layout, profile(table, layout, executor, distinct=distinct), {})


def kept(path: str) -> Reference:
    """Read a kept profile.

    Args:
        path: What `qd drift profile --out` has written.

    Returns:
        The reference.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is no profile, or damaged.
    """
    import pathlib

    from engine.profiles.reference import Reference

    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise NotFound(f"{_said(path)} cannot be read: {error.strerror}.", hint="Check the name.") from error
    return Reference.from_bytes(data)


def _said(name: str) -> str:
    return clean(name, limit=_MOST_SAID)

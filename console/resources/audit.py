"""The audit log as a list: newest first, however long it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Needs
from console.commanding.shell_words import qd
from console.formats import age, moment, recorded
from console.location import Location, filter_text
from console.resources.resource import Listing, Resource, Shown
from console.resources.typed import kind_of
from console.screens.list import ListView
from console.undoing.acts import UNDO_RECORD
from console.widgets.table import Column, Key
from engine.audit.model import AuditEntry, AuditFilter
from engine.core.query.schema import AUDIT as SCHEMA
from engine.core.timetext import format_time, parse_time

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.views import View
    from engine.api import Engine
    from engine.core.query.evaluator import Stored
    from engine.core.query.quick import Word
    from engine.core.query.schema import Kind

MOST_SEARCHED = 10_000
"""Newest records that a filter looks through; the status line says so when there are more."""

_PAGE = 2_000

_BY_NUMBER = frozenset({"seq", "-seq", "time", "-time"})
"""Orders that the numbers of the records have already."""

LOUD = frozenset({"override"})
"""Verbs that every list shows loudly."""

SHOWN: tuple[Shown[AuditEntry], ...] = (
    Shown(
        Column("seq", "#", width=5, minimum=3, align="right", priority=9),
        lambda entry, _now: (str(entry.seq), "dim"),
        "seq",
    ),
    Shown(
        Column("age", "AGE", width=4, minimum=4, align="right", priority=7),
        lambda entry, now: (age(entry.time_ms, now), "dim"),
        "time",
        lambda entry: entry.time_ms,
    ),
    Shown(
        Column("actor", "WHO", width=8, minimum=6, maximum=20, priority=8),
        lambda entry, _now: (entry.actor + (f" for {entry.on_behalf_of}" if entry.on_behalf_of else ""), ""),
        "actor",
    ),
    Shown(
        Column("verb", "VERB", width=12, minimum=8, maximum=20, priority=8),
        lambda entry, _now: (entry.verb, "loud" if entry.verb in LOUD else "strong"),
        "verb",
    ),
    Shown(
        Column("key", "OBJECT", width=18, minimum=15, maximum=48, weight=2, priority=8, whole=48),
        lambda entry, _now: (recorded(entry), ""),
        "name",
    ),
    Shown(
        Column("reason", "WHY", width=20, minimum=8, weight=4, priority=6),
        lambda entry, _now: (entry.reason, ""),
        "reason",
    ),
    Shown(
        Column("via", "BY", width=7, minimum=7, priority=1),
        lambda entry, _now: (entry.via, "dim"),
        "via",
    ),
    Shown(
        Column("time", "TIME (UTC)", width=20, minimum=20, priority=2),
        lambda entry, _now: (moment(entry.time_ms), "dim"),
        "time",
    ),
)


class AuditSource:
    """Reads the log: its numbers are the order, records are read when they come into view."""

    def columns(self, engine: Engine, location: Location) -> Sequence[Shown[AuditEntry]]:
        """Always the same."""
        del engine, location
        return SHOWN

    def first(self, engine: Engine, location: Location) -> Listing[AuditEntry]:
        """The order is cheap: it is the whole."""
        return self.whole(engine, location)

    def whole(self, engine: Engine, location: Location) -> Listing[AuditEntry]:
        """Every record, or those that pass the filter.

        Raises:
            FilterSyntaxError: the filter does not parse.
            QuarterdeckError: the log cannot be read.
        """
        alone = location.sort if location.sort in _BY_NUMBER else ""
        if location.terms or location.at or location.since or location.name or (location.sort and not alone):
            return self._search(engine, location)
        size = engine.audit.head().size
        return Listing(range(1, size + 1) if alone and not alone.startswith("-") else range(size, 0, -1), {})

    def rows(self, engine: Engine, keys: Sequence[Key], location: Location) -> Mapping[Key, AuditEntry]:
        """Records in view."""
        del location
        return {seq: engine.audit.entry(seq) for seq in keys if isinstance(seq, int)}

    def choices(self, engine: Engine) -> Sequence[str]:
        """There is nothing to choose."""
        del engine
        return ()

    def kind(self, key: str) -> Kind | None:
        """What the schema of records says."""
        return kind_of(SCHEMA, key)

    def values(self, engine: Engine, key: str) -> Sequence[str]:
        """No values are known beforehand."""
        del engine, key
        return ()

    def value(self, item: AuditEntry, shown: Shown[AuditEntry]) -> Stored | None:
        """The column's own value."""
        return shown.value(item) if shown.value is not None else None

    def _search(self, engine: Engine, location: Location) -> Listing[AuditEntry]:
        from engine.core.query.evaluator import evaluate, order
        from engine.core.query.quick import parse_quick, parse_quick_order

        now_ms = engine.clock.now_ms()
        quick = parse_quick(filter_text(location), SCHEMA, now_ms=now_ms)
        where = AuditFilter(
            key=location.name or None,
            since_ms=parse_time(location.since, now_ms) if location.since else None,
        )
        found: list[_Asked] = []
        read, token = 0, None
        while read < MOST_SEARCHED:
            page = engine.audit.page(where, limit=_PAGE, page_token=token)
            read += len(page.items)
            for entry in page.items:
                asked = _Asked(entry)
                if _passes(entry, quick.words) and (quick.predicate is None or evaluate(quick.predicate, asked)):
                    found.append(asked)
            token = page.next_page_token
            if token is None:
                break
        if location.sort:
            found = order(found, parse_quick_order(location.sort, SCHEMA), schema=SCHEMA)
        items: dict[Key, AuditEntry] = {asked.entry.seq: asked.entry for asked in found}
        return Listing(list(items), items, remark=f"newest {MOST_SEARCHED:,} searched" if token else "")


def _passes(entry: AuditEntry, words: Sequence[Word]) -> bool:
    text = f"{entry.actor} {entry.verb} {entry.kind} {entry.key} {recorded(entry)} {entry.reason} {entry.via}"
    return all(word.matches(text) for word in words)


class _Asked:
    """A record as filters see it."""

    def __init__(self, entry: AuditEntry) -> None:
        self.entry = entry
        self.attributes: Mapping[str, str | int] = {
            "actor": entry.actor,
            "verb": entry.verb,
            "kind": entry.kind,
            "name": entry.key,
            "reason": entry.reason,
            "origin": entry.origin,
            "via": entry.via,
            "seq": entry.seq,
            "time": entry.time_ms,
        }
        self.metrics: Mapping[str, float] = {}
        self.params: Mapping[str, str] = {}
        self.tags: Mapping[str, str] = {}
        self.datasets: Sequence[Mapping[str, str]] = ()


def _open(app: ConsoleApp, entry: AuditEntry, _answers: Answers) -> None:
    app.enter(Location("record", str(entry.seq)))


def _diff(app: ConsoleApp, entry: AuditEntry, _answers: Answers) -> None:
    from console.screens.help import Wide
    from console.screens.record import diff_lines

    title = f"{entry.verb} {recorded(entry)}"
    app.open_dialog(Wide(title, diff_lines(entry.before, entry.after, min(app.size.width - 8, 104))))


def _json(app: ConsoleApp, entry: AuditEntry, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, f"record {entry.seq}", entry)


def _that_moment(app: ConsoleApp, entry: AuditEntry, _answers: Answers) -> None:
    app.enter(Location("state", at=format_time(entry.time_ms)))


def _verify(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    app.say("Checking every record…", "dim")
    app.read("audit.verify", app.engine.audit.verify, lambda found: _verified(app, found))


def _verified(app: ConsoleApp, found: object) -> None:
    from engine.audit.model import Verification

    if isinstance(found, Verification):
        good = f"All {found.size:,} records and the tree agree. Head: {found.head.root_hash.hex()[:16]}…"
        app.say(good if found.ok else f"Record {found.first_bad}: {found.problem}", "good" if found.ok else "bad")


ACTIONS: tuple[Action, ...] = (
    Action("open", "Enter", "open", _open, "The record: before, after, who and why."),
    Action("diff", "d", "diff", _diff, "What it changed."),
    Action("state", "s", "state then", _that_moment, "Which version was where at that moment."),
    UNDO_RECORD,
    Action("json", "y", "json", _json, "The record, as JSON."),
    Action(
        "verify",
        "K",
        "verify",
        _verify,
        "Check every record against the tree.",
        needs=Needs.NOTHING,
        twin=lambda _it, _said: qd("audit", "verify"),
    ),
)

AUDIT: Resource[AuditEntry] = Resource(
    name="audit",
    noun="record",
    source=AuditSource(),
    actions=ACTIONS,
    kinds=frozenset({"model", "version", "approval", "policy", "experiment", "run"}),
    empty=("Nothing has been changed yet.", "Every change by anybody will stand here, with who, when and why."),
)


def view(location: Location) -> View:
    """The audit log; a name is an object's, such as `churn/7`; with a time, the log up to then."""
    return ListView(AUDIT, location)

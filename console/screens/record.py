"""Structured values as lines: JSON with looks, and the difference between a before and an after."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from console.formats import moment, recorded
from console.location import is_number
from console.text import Part, wrap
from console.undoing.acts import UNDO_RECORD
from console.views import Page
from console.widgets.document import Line, blank, fields, heading
from engine.core.errors import InvalidInput
from engine.core.plain import plain

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from engine.audit.model import AuditEntry


def json_lines(value: Any, indent: int = 0) -> list[Line]:
    """A JSON value, one member a line, keys and values told apart by their looks."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    return [Line([(" " * indent, ""), *_member(line)]) for line in text.split("\n")]


def _member(line: str) -> list[Part]:
    lead = line[: len(line) - len(line.lstrip())]
    key, colon, rest = line.strip().partition('": ')
    if colon and key.startswith('"'):
        return [(lead, ""), (key + '"', "key"), (": ", "dim"), (rest, "")]
    return [(line, "")]


def show_json(app: ConsoleApp, title: str, value: Any) -> None:
    """Show a thing as JSON in a dialog."""
    from console.screens.help import Wide

    app.open_dialog(Wide(title, json_lines(value)))


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """What differs between two states.

    Args:
        before: The state before; `None` when the thing did not exist.
        after: The state after; `None` when it no longer exists.

    Returns:
        Key, value before and value after; empty text where there was none. Unchanged keys are left out.
    """
    old, new = before or {}, after or {}
    keys = list(dict.fromkeys([*old, *new]))
    return [(key, _text(old, key), _text(new, key)) for key in keys if _text(old, key) != _text(new, key)]


def _text(state: Mapping[str, Any], key: str) -> str:
    if key not in state:
        return ""
    value = state[key]
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)


def diff_lines(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, width: int) -> list[Line]:
    """A before and an after as a diff: what went, what came."""
    lines: list[Line] = []
    room = max(width - 6, 10)
    for key, old, new in changes(before, after):
        lines.append(Line([(f"  {key}", "strong")]))
        lines += [Line([("  - ", "removed"), (part, "removed")]) for part in (wrap(old, room) if old else ())]
        lines += [Line([("  + ", "added"), (part, "added")]) for part in (wrap(new, room) if new else ())]
    return lines or [Line([("  nothing differs", "dim")])]


class Record(Page["AuditEntry"]):
    """One record of the audit log; its name is its number."""

    actions = (UNDO_RECORD,)

    def fetch(self) -> AuditEntry:
        """The record.

        Raises:
            InvalidInput: the name is no number.
            NotFound: there is no such record.
            IntegrityError: it has been damaged.
        """
        if not is_number(self.location.name):
            raise InvalidInput("A record is named by its number.", hint="Type `:record 12`.")
        return self.deck.engine.audit.entry(int(self.location.name))

    def lines(self, data: AuditEntry, width: int) -> Sequence[Line]:
        """Who, what, when, why; then before and after."""
        who = data.actor + (f" for {data.on_behalf_of}" if data.on_behalf_of else "")
        pairs: list[tuple[str, Part]] = [
            ("what", (f"{data.verb} {recorded(data)}", "strong")),
            ("who", (who, "")),
            ("from", (f"{data.origin} by {data.via}", "dim")),
            ("when", (moment(data.time_ms), "")),
            ("why", (data.reason or "no reason given", "" if data.reason else "dim")),
        ]
        lines = [heading(f"Record {data.seq}"), *fields(pairs), blank(), heading("Changed")]
        lines += diff_lines(data.before, data.after, width)
        lines += [blank(), heading("After")]
        return lines + (json_lines(data.after, 2) if data.after is not None else [Line([("  it is gone", "dim")])])

"""One thing with all its fields, laid out for people: what JSON says, with ages, sizes and aligned blocks.

The names of fields carry their units (`created_ms`, `size_bytes`), so one layout serves every thing there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.cli.cells import duration, moment_and_age, short, size, text
from engine.core.text import clean, fit, width

_LINE = 2_000
_CELL = 120
_INDENT = "  "
_MOST_ENTRIES = 40
_SPANS = ("duration_ms", "_age_ms", "expiry_ms", "_keep_ms")
_HEADINGS = {"stage_ms": "since", "size_bytes": "size"}
_PERSON = {"name", "on_behalf_of"}


def heading(name: str) -> str:
    """A field's name as people read it: without its unit, in words."""
    return _HEADINGS.get(name, name.removesuffix("_ms").replace("_bytes", "_size").replace("_", " "))


def reading(name: str, value: object) -> str:
    """A field's value as people read it; its name tells the unit.

    Args:
        name: The field's name, such as `created_ms`.
        value: A JSON value.

    Returns:
        Text, not cleaned.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if name.endswith(_SPANS):
            return duration(value)
        if name.endswith("_ms"):
            return moment_and_age(value)
        if name.endswith("_bytes"):
            return size(value)
    if isinstance(value, Mapping) and set(value) == _PERSON:
        return f"{value['name']} (by {value['on_behalf_of']})" if value["on_behalf_of"] else str(value["name"])
    return short(value) if value not in ("", [], {}) else "-"


def lay_out(document: Mapping[str, Any]) -> Iterator[str]:
    """The lines that show one thing to a person.

    Args:
        document: Field names and JSON values.

    Yields:
        Lines without control characters: plain fields first, then a block for each nested one.
    """
    flat = {name: value for name, value in document.items() if not _is_nested(value)}
    yield from _fields(flat)
    for name, value in document.items():
        if _is_nested(value):
            yield ""
            yield clean(heading(name), limit=_CELL)
            yield from (_INDENT + line for line in _block(value))


def flatten(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """One thing as pairs of field and value, for CSV; nested fields are named `metrics.auc`.

    Args:
        document: Field names and JSON values.
        above: What stands before the names.

    Yields:
        Name and value; not cleaned.
    """
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{above}{name}.")
        else:
            yield above + name, text(value)


def _is_nested(value: object) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and set(value) != _PERSON
    return isinstance(value, list) and any(isinstance(item, (Mapping, list)) for item in value)


def _fields(flat: Mapping[str, Any]) -> Iterator[str]:
    names = {name: clean(heading(name), limit=_CELL) for name in flat}
    longest = max((width(shown) for shown in names.values()), default=0)
    for name, shown in names.items():
        first, *more = clean(reading(name, flat[name]), limit=_LINE, newlines=True).split("\n")
        yield f"{fit(shown, longest)}  {first}".rstrip()
        for line in more:
            yield f"{' ' * longest}  {line}".rstrip()


def _block(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        shown = dict(list(value.items())[:_MOST_ENTRIES])
        yield from lay_out(shown)
        if len(value) > len(shown):
            yield f"… and {len(value) - len(shown)} more; --json shows them all"
        return
    rows = [item for item in value if isinstance(item, Mapping)]
    if len(rows) == len(value):
        yield from _table(rows)
    else:
        yield from (clean(short(item), limit=_LINE) for item in value)


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[clean(reading(name, row.get(name)), limit=_CELL) for name in names] for row in rows]
    table = [[heading(name) for name in names], *cells]
    widths = [max(width(line[place]) for line in table) for place in range(len(names))]
    for line in table:
        yield "  ".join(fit(cell, wide) for cell, wide in zip(line, widths, strict=True)).rstrip()

"""`views.toml`: views under names, by resource. People edit it too: what they wrote stays as they wrote it."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from console.arranging.files import read_text, replace_text, sole_writer
from console.arranging.keeping import SavedView, from_plain, to_plain
from engine.core.errors import InvalidInput
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from console.arranging.keeping import Plain

FILE = "views.toml"

_HEADER = (
    "# Views of lists, kept with ctrl-s and opened with :view NAME. Written by the console, to be edited by anybody.\n"
)


class ViewsFile:
    """Views under names.

    Args:
        folder: The operator's own settings.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def views(self) -> dict[tuple[str, str], SavedView]:
        """All views, by resource and name.

        Raises:
            InvalidInput: the file is broken; the message names the line.
        """
        return {
            (resource, name): from_plain(found)
            for resource, named in self._read(read_text(self._path)).items()
            if isinstance(named, dict)
            for name, found in named.items()
        }

    def put(self, resource: str, name: str, view: SavedView) -> None:
        """Keep a view; one of the same name is replaced, all others and all remarks stay.

        Raises:
            InvalidInput: the file is broken, and nothing was written; or it cannot be written.
        """
        with sole_writer(self._path):
            text = read_text(self._path)
            data = self._read(text)
            wanted = _with(data, resource, name, to_plain(view))
            fresh = _replaced(text or _HEADER, resource, name, _table(resource, name, to_plain(view)))
            if not _says(fresh, wanted):  # somebody wrote it in a form that lines do not tell: their remarks go
                fresh = _HEADER + "".join(
                    "\n" + _table(each, title, found)
                    for each, named in wanted.items()
                    if isinstance(named, dict)
                    for title, found in named.items()
                )
            replace_text(self._path, fresh)

    def _read(self, text: str) -> dict[str, Any]:
        try:
            return tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            problem = clean(str(error), limit=120)
            hint = "Mend that line, or move the file away; nothing in it was changed."
            raise InvalidInput(f"{self._path} is broken: {problem}.", hint=hint) from error


def _with(data: Mapping[str, Any], resource: str, name: str, view: Mapping[str, Plain]) -> dict[str, Any]:
    named = data.get(resource)
    return {**data, resource: {**(named if isinstance(named, dict) else {}), name: dict(view)}}


def _says(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _replaced(text: str, resource: str, name: str, table: str) -> str:
    """The text with one table in the place of its older self, or at the end."""
    lines = text.splitlines(keepends=True)
    heads = [place for place, line in enumerate(lines) if line.lstrip().startswith("[")]
    start = next((place for place in heads if _is_head(lines[place], resource, name)), None)
    if start is None:
        gap = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{gap}\n{table}"
    end = next((place for place in heads if place > start), len(lines))
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1  # blank lines and remarks before the next table belong to that
    return "".join([*lines[:start], table, *lines[end:]])


def _is_head(line: str, resource: str, name: str) -> bool:
    try:
        return tomllib.loads(line) == {resource: {name: {}}}
    except tomllib.TOMLDecodeError:
        return False


def _table(resource: str, name: str, view: object) -> str:
    lines = [f"[{_quoted(resource)}.{_quoted(name)}]"]
    if isinstance(view, dict):
        lines += [f"{_key(key)} = {_value(value)}" for key, value in view.items()]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value).lower()
    return _quoted(str(value))


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _quoted(key)


def _quoted(text: str) -> str:
    """A basic string of TOML: as JSON writes it, but for DEL and halves of surrogate pairs."""
    whole = text.encode("utf-8", "replace").decode()
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")

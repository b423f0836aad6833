"""On which line of a TOML text each key stands; `tomllib` does not tell."""

from __future__ import annotations

import re
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""The way to a value: names of keys, and places in lists from 0."""

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_BARE = re.compile(r"[A-Za-z0-9_\-]+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}' + r"|'''(?:[^']|'(?!''))*+'{3,5}" + r'|"(?:[^"\\]|\\.)*+"' + r"|'[^']*+'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """Find every key.

    Args:
        text: A text that `tomllib` has read without complaint.

    Returns:
        The line, from 1, of each table, key and list element.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """The line of a key, or that of the nearest thing around it; 1 when there is none.

    Args:
        lines: What `key_lines` found.
        path: The way to the key, which may be missing.
    """
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


def written(path: KeyPath) -> str:
    """A path as people write it: `models.churn.production.gates[0].min`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _BARE.fullmatch(part) else f'"{part}"'
            text += f".{name}" if text else name
    return text


class _Scanner:
    """Reads a valid TOML text from front to back; since it is valid, no rule of the grammar is checked again."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._counted = 0
        self._line = 1
        self._tables: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip_blank()

    def _header(self) -> KeyPath:
        is_list = self._text.startswith("[[", self._at)
        start = self._at
        self._at += 2 if is_list else 1
        names = self._key()
        self._at = self._text.index("]", self._at) + (2 if is_list else 1)
        path: KeyPath = ()
        for place, name in enumerate(names):
            path = (*path, name)
            if is_list and place == len(names) - 1:
                self._tables[path] = self._tables.get(path, -1) + 1
            if path in self._tables:
                path = (*path, self._tables[path])
        self._note(path, start)
        return path

    def _pair(self, table: KeyPath) -> None:
        start = self._at
        path = table
        for name in self._key():
            path = (*path, name)
            self._note(path, start)
        self._at = self._text.index("=", self._at) + 1
        self._value(path)

    def _key(self) -> list[str]:
        names: list[str] = []
        while True:
            self._skip_blank()
            quoted = _STRING.match(self._text, self._at)
            bare = _BARE.match(self._text, self._at)
            found = quoted or bare
            if found is None:
                return names
            names.append(_unquoted(found.group()) if quoted else found.group())
            self._at = found.end()
            self._skip_blank()
            if self._text[self._at] != ".":
                return names
            self._at += 1

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        character = self._text[self._at]
        if character == "[":
            self._list(path)
        elif character == "{":
            self._inline_table(path)
        else:
            found = _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            self._at = found.end() if found else self._at

    def _list(self, path: KeyPath) -> None:
        self._at += 1
        place = 0
        while self._more("]"):
            self._note((*path, place), self._at)
            self._value((*path, place))
            place += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while self._more("}"):
            self._pair(path)

    def _more(self, end: str) -> bool:
        """Step over a comma; tell whether another element follows, or step over the end."""
        self._skip_blank()
        if self._text[self._at] == ",":
            self._at += 1
            self._skip_blank()
        if self._text[self._at] == end:
            self._at += 1
            return False
        return True

    def _skip_blank(self) -> None:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _note(self, path: KeyPath, at: int) -> None:
        if at > self._counted:
            self._line += self._text.count("\n", self._counted, at)
            self._counted = at
        self.lines.setdefault(path, self._line)


def _unquoted(raw: str) -> str:
    if raw[0] == "'":
        return raw[1:-1]
    import tomllib  # knows the escapes; only quoted keys need it

    return str(tomllib.loads(f"key = {raw}")["key"])

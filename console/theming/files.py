"""Themes of the operator's own folder: TOML, read with care, since anybody may have written it."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from console.theming.built_in import BUILT_IN, USUAL
from console.theming.theme import COLOURS, GROUNDS, Palette, Rgb, Theme
from engine.core.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.style import Style

FOLDER = "themes"
MOST_BYTES = 65_536
MOST_FILES = 200
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
KNOWN = ("about", "on", "inherits", "colours", "looks")
ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")
"""What a look may be besides coloured; blinking is not among it."""

_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def own_names(config: Path) -> list[str]:
    """Names of the themes in the operator's folder, in order; a folder that cannot be read has none."""
    try:
        found = [path.stem for path in (config / FOLDER).iterdir() if path.suffix == ".toml"]
    except OSError:
        return []
    return sorted(name for name in found if NAME.fullmatch(name))[:MOST_FILES]


def find_theme(name: str, config: Path | None) -> Theme:
    """A theme by its name; the operator's own come before those that come with the console.

    Args:
        name: As typed.
        config: The folder of the operator's settings; `None` when there is none.

    Returns:
        The theme.

    Raises:
        NotFound: there is no such theme.
        InvalidInput: its file cannot be read, or says something a theme cannot be.
    """
    if config is not None and name in own_names(config):
        return _read(name, config)
    if name in BUILT_IN:
        return BUILT_IN[name]
    from engine.core.suggest import did_you_mean

    known = [*BUILT_IN, *(own_names(config) if config is not None else ())]
    hint = did_you_mean(name, known) or f"There are {', '.join(known)}."
    raise NotFound(f"There is no theme {name!r}."[:200], hint=hint)


def _read(name: str, config: Path) -> Theme:
    import tomllib

    path = config / FOLDER / f"{name}.toml"
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) or state.st_size > MOST_BYTES:
            raise InvalidInput(f"The theme file {path} is no file of at most {MOST_BYTES:,} bytes.", hint=_HINT)
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1).decode()
        content = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"The theme file {path} cannot be read: {error}", hint=_HINT) from error
    return parse_theme(name, content, str(path))


_HINT = "Mend it, or choose another with :theme NAME."


def parse_theme(name: str, content: Mapping[str, Any], source: str) -> Theme:
    """A theme from what a file says.

    Args:
        name: Its name.
        content: The decoded TOML: `about`, `on`, `inherits`, `[colours]`, `[looks]`.
        source: Where it stands, for messages.

    Returns:
        The theme.

    Raises:
        InvalidInput: it says something a theme cannot be; the message says where and what.
    """
    reader = _Reader(source)
    reader.known(content, KNOWN, "")
    parent = reader.word(content, "inherits", USUAL)
    if parent not in BUILT_IN:
        raise reader.wrong("inherits", f"{parent!r} is not one of {', '.join(BUILT_IN)}")
    base = BUILT_IN[parent]
    ground = reader.word(content, "on", base.ground)
    if ground not in GROUNDS:
        raise reader.wrong("on", f"{ground!r} is not one of {', '.join(GROUNDS)}")
    return replace(
        base,
        name=name,
        about=reader.word(content, "about", f"from {source}"),
        ground=ground,  # type: ignore[arg-type]  # checked above
        palette={**base.palette, **reader.colours(content)},
        looks={**base.looks, **reader.looks(content)},
    )


class _Reader:
    """Reads values and says what is wrong with them."""

    def __init__(self, source: str) -> None:
        self._source = source

    def wrong(self, key: str, problem: str) -> InvalidInput:
        return InvalidInput(f"{self._source}: {key}: {problem}"[:500], hint=_HINT)

    def known(self, table: Mapping[str, Any], names: tuple[str, ...] | list[str], prefix: str) -> None:
        from engine.core.suggest import did_you_mean

        for key in table:
            if key not in names:
                meant = did_you_mean(key, names) or f"Known are {', '.join(names)}."
                raise self.wrong(f"{prefix}{key}"[:80], f"nothing is called so. {meant}")

    def word(self, content: Mapping[str, Any], key: str, usual: str) -> str:
        value = content.get(key, usual)
        if not isinstance(value, str) or len(value) > 200:
            raise self.wrong(key, "must be a short text")
        return value

    def table(self, content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = content.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, f"must be a table: [{key}]")
        return value

    def colours(self, content: Mapping[str, Any]) -> Palette:
        table = self.table(content, "colours")
        self.known(table, COLOURS, "colours.")
        return {COLOURS.index(key): self._rgb(f"colours.{key}", value) for key, value in table.items()}

    def looks(self, content: Mapping[str, Any]) -> Mapping[str, Style]:
        from console.theme import USUAL_STYLES

        table = self.table(content, "looks")
        self.known(table, [name for name in USUAL_STYLES if name], "looks.")
        return {key: self._look(f"looks.{key}", value) for key, value in table.items()}

    def _rgb(self, key: str, value: object) -> Rgb:
        if not isinstance(value, str) or not _HEX.fullmatch(value):
            raise self.wrong(key, 'must be a colour such as "#ff79c6"')
        return Rgb(*bytes.fromhex(value[1:]))

    def _look(self, key: str, value: object) -> Style:
        from rich.style import Style

        words = value.split() if isinstance(value, str) and len(value) <= 200 else None
        if words is None:
            raise self.wrong(key, 'must be words such as "bold #ff79c6 on #202020"')
        flags: dict[str, bool] = {}
        colours: list[str | None] = [None, None]
        ground = 0
        for word in words:
            if word == "on" and not ground:
                ground = 1
            elif word in ATTRIBUTES and not ground:
                flags[word] = True
            elif (word in COLOURS or _HEX.fullmatch(word)) and colours[ground] is None:
                colours[ground] = word
            else:
                raise self.wrong(key, f"{word!r} is none of {', '.join(ATTRIBUTES)}, a colour, or `on` and a colour")
        return Style(color=colours[0], bgcolor=colours[1], **flags)  # type: ignore[arg-type]  # names of attributes

"""One version of a prompt, and the difference between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.formats import age, moment
from console.resources.prompts import ALIAS
from console.screens.version import parse_key
from console.text import Part, wrap
from console.views import Page
from console.widgets.document import Line, blank, fields, heading
from engine.core.errors import InvalidInput
from engine.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.prompts.model import PromptDiff, PromptVersion

_LOOKS = {"-": "bad", "+": "good", " ": ""}
_LINE = 4_000


class PromptView(Page["PromptVersion"]):
    """The version that the location names, such as `greeting/3`."""

    kinds = frozenset({"prompt", "prompt_version"})
    actions = (ALIAS,)

    def fetch(self) -> PromptVersion:
        """The version.

        Raises:
            InvalidInput: the name is not of the form `greeting/3`.
            NotFound: there is no such version.
        """
        name, number = parse_key(self.location.name)
        return self.deck.engine.prompts.version(name, number)

    def subject(self) -> object | None:
        """The version, wherever the cursor is."""
        return self.data

    def lines(self, data: PromptVersion, width: int) -> Sequence[Line]:
        """What it is, and its template."""
        aliases: list[Part] = [(f"  @{alias}", "link") for alias in data.aliases]
        known: list[tuple[str, Part]] = [
            ("kind", (data.kind.value, "")),
            ("by", (data.created_by, "")),
            ("message", (data.commit_message or "none", "" if data.commit_message else "dim")),
        ]
        known += [(name, (text, "")) for name, text in _settings(data) if text]
        known += [(key, (value, "dim")) for key, value in sorted(data.tags.items())]
        lines = [
            Line([(" ", ""), (data.key, "strong"), *aliases]),
            Line([(f"   {moment(data.created_ms)} ({age(data.created_ms, self.deck.now_ms())})", "dim")]),
            blank(),
            *fields(known),
            blank(),
            heading("Template"),
        ]
        return lines + [Line([(f"  {piece}", "")]) for line in data.text.split("\n") for piece in _pieces(line, width)]


def _settings(version: PromptVersion) -> tuple[tuple[str, str], ...]:
    return (("answers as", version.response_format), ("model", version.model_config))


def _pieces(line: str, width: int) -> Iterator[str]:
    shown = clean(line, limit=_LINE)
    yield from wrap(shown, max(width - 6, 20)) if shown else [""]


class PromptDiffView(Page["PromptDiff"]):
    """The difference that the location names: `greeting/2/3`."""

    kinds = frozenset({"prompt", "prompt_version"})

    def fetch(self) -> PromptDiff:
        """The difference.

        Raises:
            InvalidInput: the name is not of the form `greeting/2/3`.
            NotFound: there is no such version.
        """
        rest, after = parse_key(self.location.name)
        try:
            name, before = parse_key(rest)
        except InvalidInput as error:
            raise InvalidInput("A difference is named PROMPT/BEFORE/AFTER.", hint="Such as greeting/2/3.") from error
        return self.deck.engine.prompts.diff(name, before, after)

    def lines(self, data: PromptDiff, width: int) -> Sequence[Line]:
        """Settings that differ, then the templates line by line."""
        lines = [Line([(f" {data.before.key} ", "bad"), ("→", "dim"), (f" {data.after.key}", "good")]), blank()]
        if data.same:
            return [*lines, Line([("  Nothing differs.", "dim")])]
        for name, before, after in data.settings:
            lines += [heading(name), Line([(f"- {before}", "bad")]), Line([(f"+ {after}", "good")]), blank()]
        for mark, line in data.lines:
            for piece in _pieces(line, width):
                lines.append(Line([(f"{mark} {piece}", _LOOKS[mark])]))
        return lines

"""What is typed in the plain console: its own few words; everything else is the console's one grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = re.compile(r"[0-9]{1,9}(?:-[0-9]{1,9})?(?:,[0-9]{1,9}(?:-[0-9]{1,9})?)*")
MOST_DIGITS = 9
"""Of a row's number; no list has more rows."""

MOST_NUMBERS = 1_000
"""Rows that one line can name."""


class Word(Enum):
    """What a line asks for, when it is one of the plain console's own."""

    NOTHING = "nothing"
    OPEN = "open"
    NEXT = "next"
    PREVIOUS = "previous"
    SHOW = "show"
    FILTER = "filter"
    ACTIONS = "actions"
    HELP = "help"
    NEWS = "news"
    WATCH = "watch"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Plain:
    """One of the plain console's own words.

    Args:
        word: Which.
        text: What follows it.
    """

    word: Word
    text: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """An action of the present screen.

    Args:
        name: The action's name.
        numbers: Rows it is done to, as they were numbered; empty for what the screen is about.
        answers: What was given with `--name value`.
    """

    name: str
    numbers: tuple[int, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)


ALONE = {
    "": Word.NOTHING,
    "next": Word.NEXT,
    "n": Word.NEXT,
    "more": Word.NEXT,
    "previous": Word.PREVIOUS,
    "show": Word.SHOW,
    "actions": Word.ACTIONS,
    "help": Word.HELP,
    "?": Word.HELP,
    "what is new": Word.NEWS,
    "new": Word.NEWS,
    "quit": Word.QUIT,
    "exit": Word.QUIT,
    "q": Word.QUIT,
}
"""Words that stand alone."""

HELP = (
    "A resource shows it: runs, versions churn, run 3f2a, runs metrics.auc>0.9 sort:-auc.",
    "A number opens that row. next and previous page; show says the screen again.",
    "/words filters the list; / alone takes the filter away.",
    "actions lists what can be done here: NAME, or NAME NUMBER, or NAME 2,4-6, with --reason and what else it asks.",
    "back, forward and leave move through screens; home is the first one.",
    "what is new tells what changed since you last asked; watch tells it as it happens, watch 30 for 30 seconds.",
    "quit leaves, and so does the end of input. Ctrl-C gives up what is asked or watched.",
)
"""What `help` says before the screen's own."""


def read_line(line: str) -> Plain | None:
    """Read a line as one of the plain console's own words.

    Args:
        line: As typed.

    Returns:
        The word, or `None` when it is none of them.

    Raises:
        InvalidInput: the number is longer than any of a row.
    """
    text = line.strip().removeprefix(":").strip()
    alone = ALONE.get(" ".join(text.lower().split()))
    if alone is not None:
        return Plain(alone)
    first, _, rest = text.partition(" ")
    number = rest.strip() if first == "open" else text
    if number.isdigit() and number.isascii():
        if len(number) > MOST_DIGITS:
            raise InvalidInput("No list has so many rows.", hint="Type show to hear the numbers.")
        return Plain(Word.OPEN, number)
    if text.startswith("/"):
        return Plain(Word.FILTER, text[1:].strip())
    if first in ("filter", "watch"):
        return Plain(Word.FILTER if first == "filter" else Word.WATCH, rest.strip())
    return None


def read_act(line: str, names: Sequence[str]) -> Act | None:
    """Read a line as an action of the present screen.

    Args:
        line: As typed: the action's name, numbers of rows, `--name value`.
        names: The actions there are.

    Returns:
        The action, or `None` when the line is no such thing: the grammar then says what it is.

    Raises:
        InvalidInput: a quote is never closed, an option has no value, or too many rows are named.
    """
    import shlex

    first = line.strip().removeprefix(":").partition(" ")[0]
    if first not in names:
        return None
    try:
        words = shlex.split(line.strip().removeprefix(":"))[1:]
    except ValueError as error:
        raise InvalidInput("A quote is never closed.", hint="Close it, or put a \\ before it.") from error
    numbers: list[int] = []
    answers: dict[str, str] = {}
    while words:
        word = words.pop(0)
        if word == "--yes":
            answers["yes"] = "y"
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if not equals and not words:
                raise InvalidInput(f"--{name} needs a value.", hint=f"Type --{name} WORD.")
            answers[name] = value if equals else words.pop(0)
        elif _NUMBERS.fullmatch(word):
            numbers += _rows(word)
        else:
            return None
    return Act(first, tuple(dict.fromkeys(numbers)), answers)


def _rows(word: str) -> list[int]:
    rows: list[int] = []
    for piece in word.split(","):
        first, _, last = piece.partition("-")
        low, high = int(first), int(last or first)
        if high - low >= MOST_NUMBERS or len(rows) > MOST_NUMBERS:
            raise InvalidInput(f"One line can name {MOST_NUMBERS} rows.", hint="Name fewer.")
        rows += range(low, high + 1)
    return rows

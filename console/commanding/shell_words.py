"""Lines for the shell that do what actions do; each action names its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from shlex import join


def qd(*words: object) -> str:
    """A `qd` command, quoted for a POSIX shell; whatever names hold, they are read as names.

    Args:
        words: Its words; numbers are written out, a tuple stands for several words, a list for an option with its
            value.
    """
    plain: list[str] = []
    options: list[str] = []
    for word in words:
        if isinstance(word, list):
            options += map(str, word)
        else:
            plain += map(str, word) if isinstance(word, tuple) else [str(word)]
    if any(word.startswith("-") for word in plain[2:]):
        return join(["qd", *plain[:2], *options, "--", *plain[2:]])
    return join(["qd", *plain, *options])


def given(name: str, value: object) -> list[str]:
    """An option with its value, which may be empty; in one word where it begins with `-`.

    Args:
        name: Its name, without dashes.
        value: Its value.
    """
    text = str(value)
    return [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]


def option(name: str, value: str) -> list[str]:
    """An option with its value; nothing where there is no value.

    Args:
        name: Its name, without dashes.
        value: Its value.
    """
    return given(name, value) if value else []


def why(answers: Mapping[str, str]) -> list[str]:
    """The option for the reason that was given, if one was."""
    return option("reason", answers.get("reason", ""))


def tagged(answers: Mapping[str, str]) -> tuple[str, ...] | list[str]:
    """The words that set a tag; one without a value is taken away."""
    key, value = answers["key"], answers["value"]
    return (f"{key}={value}",) if value else option("remove", key)


def several(lines: Iterable[str]) -> str:
    """Commands that are done one after the other, as long as they work."""
    return " && ".join(lines)

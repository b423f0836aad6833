"""Lines for the shell that do what actions do; each action names its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from shlex import join


def qd(*words: object) -> str:
    """A `qd` command, quoted for a POSIX shell.

    Args:
        words: Its words; numbers are written out, and a list or tuple stands for the words in it.
    """
    flat: list[str] = []
    for word in words:
        flat += map(str, word) if isinstance(word, (list, tuple)) else [str(word)]
    return join(["qd", *flat])


def option(name: str, value: str) -> list[str]:
    """An option with its value; nothing where there is no value, and in one word where that begins with `-`.

    Args:
        name: Its name, without dashes.
        value: Its value.
    """
    if not value:
        return []
    return [f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value]


def why(answers: Mapping[str, str]) -> list[str]:
    """The option for the reason that was given, if one was."""
    return option("reason", answers.get("reason", ""))


def tagged(answers: Mapping[str, str]) -> list[str]:
    """The words that set a tag; one without a value is taken away."""
    key, value = answers["key"], answers["value"]
    if not value:
        return option("remove", key)
    return ["--", f"{key}={value}"] if key.startswith("-") else [f"{key}={value}"]


def several(lines: Iterable[str]) -> str:
    """Commands that are done one after the other, as long as they work."""
    return " && ".join(lines)

"""What may name a model: one rule for the registry, which gives names, and the policy, which speaks of them."""

from __future__ import annotations

MAX_MODEL_NAME = 250
"""Longest name of a model, in characters."""

RESERVED = "/@:"
"""Marks that references such as `churn/7` and `churn@champion` use."""


def name_problem(name: str) -> str:
    """Why a text cannot name a model.

    Args:
        name: The text.

    Returns:
        The first reason, to be read after the name; empty when it can.
    """
    reserved = next((mark for mark in RESERVED if mark in name), "")
    problems = {
        "it is empty": not name.strip(),
        f"it has {len(name)} characters": len(name) > MAX_MODEL_NAME,
        "it begins or ends with a space": name != name.strip(),
        "it is made of dots alone": set(name) <= {"."},
        "policies write it for every model": name == "*",
        f"it holds {reserved}, which references such as churn/7 and churn@champion use": bool(reserved),
        "it holds a character that cannot be seen or shown": not _shown_as_is(name),
        "its letters and accents are apart, and another name looks the same": not _composed(name),
    }
    return next((problem for problem, found in problems.items() if found), "")


def _shown_as_is(text: str) -> bool:
    if text.isascii() and text.isprintable():
        return True
    from engine.core.text import clean  # plain ASCII, the usual case, does without

    return clean(text, limit=MAX_MODEL_NAME) == text


def _composed(text: str) -> bool:
    if text.isascii():
        return True
    from unicodedata import is_normalized  # plain ASCII, the usual case, does without

    return is_normalized("NFC", text)


def in_shell(name: str) -> str:
    """A name as a shell command that is suggested may hold it: quoted where a shell would read more into it.

    Args:
        name: Of a model or an endpoint.
    """
    if name.isascii() and name.replace("-", "a").replace("_", "a").replace(".", "a").isalnum():
        return name
    from shlex import quote  # hardly a name needs it

    return quote(name)

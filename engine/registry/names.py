"""The rules of what may name or describe a model; every text in here came from somebody else."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.core.errors import InvalidInput
from engine.core.names import MAX_MODEL_NAME, RESERVED, name_problem

MAX_TEXT = 20_000
"""Longest description, in characters."""

MAX_WORD = 500
"""Longest owner, flavour, format or data name, in characters."""

MAX_TAG_KEY = 250
"""Longest key of a tag, in characters."""

MAX_TAG_VALUE = 100_000
"""Longest value of a tag, in characters."""

_STAGES = frozenset(("registered", "staging", "archived"))  # `production` only ever names what is there: see the policy
_ALIAS = re.compile(r"[A-Za-z0-9_-]{1,255}")
_LIKE_A_VERSION = re.compile(r"v[0-9]+", re.IGNORECASE)


def check_model_name(name: str) -> str:
    """Let a model's name pass, or refuse it.

    Args:
        name: The name asked for.

    Returns:
        The same name.

    Raises:
        InvalidInput: it is empty, too long, begins or ends with a space, or holds `/`, `@`, `:` (references such as
            `churn/7` and `churn@champion` use them) or a character that cannot be seen; or it is `*` or only dots; or
            it is not in Unicode's composed form (NFC), so that another name could look exactly like it.
    """
    problem = name_problem(name)
    if problem:
        from engine.core.text import clean  # only a wrong name needs it

        raise InvalidInput(
            f"{clean(name, limit=60)!r} cannot name a model: {problem}.",
            hint=f"Use up to {MAX_MODEL_NAME} visible characters without {' '.join(RESERVED)}, such as churn-eu.",
        )
    return name


def check_alias(alias: str) -> str:
    """Let an alias pass, or refuse it.

    Args:
        alias: The alias asked for.

    Returns:
        The same alias.

    Raises:
        InvalidInput: it is not 1 to 255 letters, digits, `_` or `-`; or it is `latest`, or looks like a version (`v7`).
    """
    reserved = alias.lower() == "latest" or _LIKE_A_VERSION.fullmatch(alias) is not None
    if not reserved and _ALIAS.fullmatch(alias):
        return alias
    from engine.core.text import clean  # only a wrong alias needs it

    why = "it has a meaning of its own" if reserved else "only letters, digits, _ and - may stand in it, 1 to 255"
    raise InvalidInput(f"{clean(alias, limit=60)!r} cannot be an alias: {why}.", hint="Use one such as champion.")


def check_new_alias(alias: str) -> str:
    """Let an alias pass that is about to be set, or refuse it; one that was set long ago may still be read and removed.

    Args:
        alias: The alias asked for.

    Returns:
        The same alias.

    Raises:
        InvalidInput: as `check_alias` says, or it is called like a stage other than Production, in any letter case:
            `churn@staging` would say that a version is in Staging, and nothing keeps it there.
    """
    if alias.lower() in _STAGES:
        raise InvalidInput(
            f"{alias!r} cannot be an alias: a stage is called so.",
            hint="Use one such as champion; `qd models promote` moves a version to a stage.",
        )
    return check_alias(alias)


def check_word(text: str, what: str, limit: int = MAX_WORD) -> str:
    """Let a stored text pass when it is not too long and can be stored.

    Args:
        text: Any text.
        what: What it is, for the message.
        limit: Most characters it may have.

    Returns:
        The same text.

    Raises:
        InvalidInput: it is too long, or holds a NUL or a lone surrogate.
    """
    if len(text) > limit:
        raise InvalidInput(f"The {what} has {len(text)} characters; at most {limit} are stored.", hint="Shorten it.")
    if "\0" in text or (not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)):
        raise InvalidInput(f"The {what} holds a NUL or is not valid Unicode.", hint="Send it as UTF-8 text.")
    return text


def check_tag(key: str, value: str) -> None:
    """Let a tag pass, or refuse it.

    Args:
        key: 1 to 250 characters.
        value: Up to 100,000 characters.

    Raises:
        InvalidInput: the key is empty, or one of the two is too long or not valid Unicode.
    """
    if not key:
        raise InvalidInput("A tag needs a key.", hint="Write it as KEY=VALUE.")
    check_word(key, "tag's key", MAX_TAG_KEY)
    check_word(value, "tag's value", MAX_TAG_VALUE)


def check_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Let all tags pass, or refuse the first that `check_tag` refuses.

    Raises:
        InvalidInput: as `check_tag` says.
    """
    for key, value in tags.items():
        check_tag(key, value)
    return tags

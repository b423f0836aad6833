"""Secrets that programs log by mistake: found by the names of keys and the looks of values, and never stored.

Nothing is looked at closely before a plain search for the words that every secret has found one: an ordinary batch
costs a few microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from engine.core.errors import PolicyInvalid

if TYPE_CHECKING:
    from engine.tracking.model import Environment

REDACTED = "[redacted]"
"""What stands where a secret stood."""

EVERY_KEY = "*"
"""In the list of allowed keys: nothing is redacted."""

_KEY_WORDS = ("passw", "passphrase", "pwd", "secret", "token", "credential", "key")
_KEY_NAME = re.compile(
    r"passw(?:or)?d|passphrase|(?:^|_)pwd(?:$|_)|secret|credential"
    r"|(?:api|access|private|auth|account|storage|signing|encryption)_?key(?:$|_(?!(?:name|id|path|file)))"
    r"|(?:^|_)(?:[a-z]*auth|access|api|bearer|refresh|session|id|hub|hf|github|gitlab|wandb|slack|service|client|user"
    r"|tracking|security|sas|secret|deploy|personal)_?token$|^token$"
)
"""Keys whose value is a secret. `token` alone is a word of language models (`pad_token`, `max_tokens`), so it counts
only by itself or after a word that says whose."""

_NO_SECRET = frozenset(("", "none", "null", "true", "false", "0", "1"))

_MARKS = (
    "AKIA", "ASIA", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-", "sk-", "hf_", "xox", "qd_", "AIza",
    "eyJ", "PRIVATE KEY", "://", "Bearer ",
)  # fmt: skip
_VALUES = re.compile(
    r"(?<![A-Za-z0-9])(?:A[KS]IA[0-9A-Z]{16}|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|sk-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|xox[abeprs]-[A-Za-z0-9-]{10,}|qd_[\w-]{43}|AIza[\w-]{35}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*)"
    r"|-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:(?!-----END ).)*+(?:-----END [A-Z0-9 ]{0,40}-----)?",
    re.ASCII | re.DOTALL,
)
_IN_URL = re.compile(r"(?<=://)([^\s/:@]{0,200}):[^\s/@]{1,1000}(?=@)")
_BEARER = re.compile(r"(?<=Bearer )[A-Za-z0-9._~+/=-]{16,}")
_OPTION = re.compile(r"(?<![\w-])(-{0,2})([A-Za-z][\w-]{1,60})(=|[ ]{1,4}(?!-))")
_ITS_VALUE = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s=]\S*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_APART = re.compile(r"[^a-z0-9]+")


class _Look(NamedTuple):
    """Where it is worth to look closely.

    Args:
        keys: Some key holds a word that secrets are named by.
        marks: Some value holds a beginning that secrets have.
        options: Some value may be a command line that names a secret.
    """

    keys: bool
    marks: bool
    options: bool


_NOWHERE, _EVERYWHERE = _Look(False, False, False), _Look(True, True, True)  # noqa: FBT003 three flags of a kind


class Redaction:
    """Replaces secrets in what is logged.

    Args:
        allowed: Tells the keys that are kept as they are; asked only when something looks like a secret.
    """

    __slots__ = ("_allowed",)

    def __init__(self, allowed: Callable[[], Collection[str]] = tuple) -> None:
        self._allowed = allowed

    def pairs(self, pairs: Mapping[str, str]) -> Mapping[str, str]:
        """Parameters or tags as they may be kept.

        Args:
            pairs: Key to value.

        Returns:
            The same mapping when nothing in it looks like a secret, else one with secrets replaced.
        """
        if not pairs:
            return pairs
        values = "\n".join(pairs.values())
        look = _Look(
            keys=_hold("\n".join(pairs).lower(), _KEY_WORDS),
            marks=_hold(values, _MARKS),
            options=("=" in values or "--" in values) and _hold(values.lower(), _KEY_WORDS),
        )
        if look == _NOWHERE:
            return pairs
        found = {key: kept for key, value in pairs.items() if (kept := _closely(key, value, look)) != value}
        if not found:
            return pairs
        allowed = self._keys()
        if EVERY_KEY in allowed:
            return pairs
        return {**pairs, **{key: kept for key, kept in found.items() if key not in allowed}}

    def value(self, key: str, value: str) -> str:
        """The value of one key as it may be kept.

        Args:
            key: The key.
            value: Its value.
        """
        return self.pairs({key: value})[key]

    def may_hold(self, text: str) -> bool:
        """Whether keys and values that stand in a text are worth a closer look.

        Args:
            text: Such as a JSON document.
        """
        return _hold(text, _MARKS) or _hold(text.lower(), _KEY_WORDS)

    def environment(self, environment: Environment) -> Environment:
        """Where a run executes, as it may be kept: secrets of the command line replaced.

        Args:
            environment: What was found out. The key to allow is `command_line`.
        """
        line = environment.command_line
        kept = self.value("command_line", line) if line else line
        return environment if kept == line else replace(environment, command_line=kept)

    def _keys(self) -> Collection[str]:
        try:
            return self._allowed()
        except PolicyInvalid:  # a wrong file must neither end a training nor let a secret through
            return ()


def redacted(key: str, value: str) -> str:
    """A value with what looks like a secret replaced.

    Args:
        key: The key it is logged under.
        value: The value.
    """
    return _closely(key, value, _EVERYWHERE)


def _hold(text: str, words: Iterable[str]) -> bool:
    return any(map(text.__contains__, words))


def _closely(key: str, value: str, look: _Look) -> str:
    if look.keys and names_secret(key) and value.strip().lower() not in _NO_SECRET:
        return REDACTED
    if look.marks and _hold(value, _MARKS):
        value = _BEARER.sub(REDACTED, _IN_URL.sub(rf"\1:{REDACTED}", _VALUES.sub(REDACTED, value)))
    if look.options and ("=" in value or "--" in value) and _hold(value.lower(), _KEY_WORDS):
        value = _without_options(value)
    return value


def names_secret(key: str) -> bool:
    """Whether a key is the name of a secret, such as `db.password`, `apiKey` or `HF_TOKEN`.

    Args:
        key: The key.
    """
    if not _hold(key.lower(), _KEY_WORDS):
        return False
    return _KEY_NAME.search(_APART.sub("_", _CAMEL.sub("_", key).lower()).strip("_")) is not None


def _without_options(text: str) -> str:
    """Without the values of `--password x` and `PASSWORD=x`; a name with a space behind it must be an option."""
    kept: list[str] = []
    at = 0
    for found in _OPTION.finditer(text):
        dashes, name, between = found.groups()
        if found.start() < at or not (dashes or between == "=") or not names_secret(name):
            continue
        value = _ITS_VALUE.match(text, found.end())
        if value is not None and value[0].strip("'\"").lower() not in _NO_SECRET:
            kept += (text[at : found.end()], REDACTED)
            at = value.end()
    return "".join((*kept, text[at:])) if kept else text

"""Help for words that are nearly right."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 64
_MOST = 5_000
_CUTOFF = 0.6


def nearest(word: str, candidates: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The candidates most like a word, best first.

    Args:
        word: As the user wrote it; nothing is like a word of over 64 characters.
        candidates: What exists; the first 5,000 are looked at.
        limit: At most how many to return.

    Returns:
        Distinct candidates: those that the word begins, then those spelled alike, minding no case.
    """
    from itertools import islice  # only a wrong word needs it

    if not word or len(word) > _LONGEST:
        return ()
    folded: dict[str, str] = {}
    for candidate in islice(candidates, _MOST):
        folded.setdefault(candidate.lower(), candidate)
    wanted = word.lower()
    begun = sorted((key for key in folded if len(wanted) > 1 and key.startswith(wanted)), key=len)
    found = dict.fromkeys([*begun[:limit], *_alike(wanted, folded, limit)])
    return tuple(folded[key] for key in list(found)[:limit])


def _alike(wanted: str, known: Iterable[str], limit: int) -> list[str]:
    from difflib import get_close_matches  # costs milliseconds at a start

    short = [key for key in known if len(key) <= _LONGEST]
    return get_close_matches(wanted, short, n=max(limit, 1), cutoff=_CUTOFF)


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """A question that names the nearest candidate, such as `Did you mean churn?`; empty when none is near."""
    found = nearest(word, candidates, limit=1)
    if not found:
        return ""
    from engine.core.text import clean  # candidates may be logged names

    return f"Did you mean {clean(found[0])}?"

"""What is told of texts that are sentences: how long, of which characters, of which words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.profiles.levels import LevelCounts, level_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CLASSES = ("letter", "digit", "space", "punctuation", "control", "beyond ASCII")
"""Classes of characters, in the order in which they are counted."""

_LONGEST_WORD = 40


@dataclass(frozen=True, slots=True)
class TextCounts:
    """Of texts of a feature.

    Args:
        lengths: Texts by the binary digits of their length in characters: 0 for none, 1 for one, 2 for 2 and 3, 3 for 4
            to 7 …
        characters: Characters by class, in the order of `CLASSES`.
        words: Words in lower case.
    """

    lengths: Mapping[int, int]
    characters: tuple[int, ...]
    words: LevelCounts

    def __add__(self, other: TextCounts) -> TextCounts:
        lengths = Counter(self.lengths)
        lengths.update(other.lengths)
        pairs = zip(self.characters, other.characters, strict=True)
        return TextCounts(lengths, tuple(one + more for one, more in pairs), self.words + other.words)


def counted(texts: Iterable[tuple[str, int]]) -> TextCounts:
    """Look at texts.

    Args:
        texts: Each with how often it stands there.

    Returns:
        Their counts.
    """
    lengths: Counter[int] = Counter()
    characters: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for text, times in texts:
        lengths[len(text).bit_length()] += times
        for character, number in Counter(text).items():
            characters[character] += number * times
        for word in text.lower().split():
            words[word[:_LONGEST_WORD]] += times
    classes = [0] * len(CLASSES)
    for character, number in characters.items():
        classes[_class_of(character)] += number
    return TextCounts(lengths, tuple(classes), level_counts(words.total(), words))


def _class_of(character: str) -> int:
    if not character.isascii():
        return 5
    tests = (character.isalpha(), character.isdigit(), character.isspace(), character.isprintable())
    return next((place for place, passed in enumerate(tests) if passed), 4)

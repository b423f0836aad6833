"""Profiles as bytes: counts in the smallest words that hold them, names in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.profiles.grid import CELLS
from engine.profiles.layout import FORMAT
from engine.profiles.levels import LevelCounts
from engine.profiles.profile import FeatureProfile, NumberCounts, Profile
from engine.profiles.words import TextCounts

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pack(profile: Profile) -> bytes:
    """The bytes of a profile.

    Args:
        profile: Any.
    """
    from msgspec import msgpack

    features = [[key, *_feature(profile.features[key])] for key in sorted(profile.features)]
    told = [
        FORMAT,
        profile.layout_digest,
        profile.rows,
        profile.damaged,
        sorted(profile.others.items()),
        _levels(profile.distinct_rows),
        features,
    ]
    return msgpack.encode(told)


def unpack(data: bytes) -> Profile:
    """A profile out of its bytes.

    Args:
        data: What `pack` gave.

    Returns:
        The profile.

    Raises:
        InvalidInput: they are none, or of another version.
    """
    from msgspec import DecodeError, msgpack

    try:
        version, digest, rows, damaged, others, distinct, features = msgpack.decode(data)
        if version != FORMAT:
            raise InvalidInput("That profile was written by another version.", hint="Make it anew.")
        built = {key: _built(*rest) for key, *rest in features}
        return Profile(digest, rows, built, damaged, dict(others), _built_levels(distinct))
    except (DecodeError, TypeError, ValueError) as error:
        raise InvalidInput("These bytes are no profile.") from error


def _feature(feature: FeatureProfile) -> list[Any]:
    text = feature.text
    return [
        feature.rows,
        feature.nulls,
        feature.unfit,
        sorted(each for each in feature.types.items() if each[1]),
        _numbers(feature.numbers),
        _levels(feature.levels),
        None if text is None else [sorted(text.lengths.items()), text.characters, _levels(text.words)],
    ]


def _built(*told: Any) -> FeatureProfile:
    rows, nulls, unfit, types, numbers, levels, text = told
    made = (
        None if text is None else TextCounts(dict(text[0]), tuple(text[1]), _built_levels(text[2], LevelCounts(0, {})))
    )
    return FeatureProfile(rows, nulls, unfit, dict(types), _built_numbers(numbers), _built_levels(levels), made)


def _numbers(numbers: NumberCounts | None) -> list[Any] | None:
    if numbers is None:
        return None
    ends = [
        each if isinstance(each, float) or each is None else str(each) for each in (numbers.minimum, numbers.maximum)
    ]
    return [
        numbers.above,
        numbers.below,
        *ends,
        str(numbers.steps),
        _sparse(numbers.cells),
        sorted(numbers.tails.items()),
        numbers.points.tolist(),
    ]


def _built_numbers(told: Any) -> NumberCounts | None:
    import numpy as np

    if told is None:
        return None
    above, below, *ends, steps, cells, tails, points = told
    minimum, maximum = (int(each) if isinstance(each, str) else each for each in ends)
    return NumberCounts(
        above, below, minimum, maximum, int(steps), _dense(*cells), dict(tails), np.array(points, np.int64)
    )  # fmt: skip


def _levels(levels: LevelCounts | None) -> list[Any] | None:
    return None if levels is None else [levels.rows, sorted(levels.counts.items())]


def _built_levels(told: Any, otherwise: Any = None) -> Any:
    return otherwise if told is None else LevelCounts(told[0], dict(told[1]))


def _sparse(counts: NDArray[Any]) -> tuple[bytes, str, bytes]:
    """Places and counts of what is not 0; places are bits where that is shorter."""
    import numpy as np

    places = np.flatnonzero(counts)
    found = counts[places]
    word = np.min_scalar_type(int(found.max()) if len(found) else 0).str.replace("|", "<")
    told = places.astype("<u2").tobytes()
    if len(told) >= CELLS // 8:
        told = np.packbits(counts != 0).tobytes()
    return told, word, found.astype(word).tobytes()


def _dense(places: bytes, word: str, counts: bytes) -> NDArray[Any]:
    import numpy as np

    found = np.zeros(CELLS, np.int64)
    if word not in ("<u1", "<u2", "<u4", "<u8"):
        raise ValueError(word)
    where = np.frombuffer(places, "<u2").astype(np.intp)
    if len(places) == CELLS // 8:
        where = np.flatnonzero(np.unpackbits(np.frombuffer(places, np.uint8)))
    found[where] = np.frombuffer(counts, word)
    return found

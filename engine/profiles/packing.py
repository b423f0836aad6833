"""Profiles as bytes: counts in the smallest words that hold them, names in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.profiles.grid import CELLS
from engine.profiles.layout import FORMAT
from engine.profiles.levels import LevelCounts
from engine.profiles.profile import FeatureProfile, NumberCounts, Profile
from engine.profiles.registers import MOST_RANK, REGISTERS
from engine.profiles.rows import RowCounts
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
        _rows(profile.distinct_rows),
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
        return Profile(digest, rows, built, damaged, dict(others), _built_rows(distinct))
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
    made = None if text is None else TextCounts(dict(text[0]), tuple(text[1]), _built_levels(text[2]))
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
        str(numbers.beside),
        _sparse(numbers.places, numbers.counts),
        sorted(numbers.tails.items()),
        numbers.points.tolist(),
        *([] if numbers.registers is None else [numbers.registers.tobytes()]),
    ]


def _built_numbers(told: Any) -> NumberCounts | None:
    import numpy as np

    if told is None:
        return None
    above, below, *ends, steps, beside, cells, tails, points = told[:9]
    minimum, maximum = (int(each) if isinstance(each, str) else each for each in ends)
    registers = _built_registers(*told[9:])
    tied = np.array(points, np.int64)
    return NumberCounts(
        above, below, minimum, maximum, int(steps), int(beside), *_found(*cells), dict(tails), tied, registers
    )  # fmt: skip


def _built_registers(content: bytes | None = None) -> NDArray[Any] | None:
    import numpy as np

    if content is None:
        return None
    found = np.frombuffer(content, np.uint8)
    if len(found) != REGISTERS or int(found.max()) > MOST_RANK:
        raise ValueError(len(found))
    return found


def _levels(levels: LevelCounts | None) -> list[Any] | None:
    return None if levels is None else [levels.rows, sorted(levels.known.items()), sorted(levels.others.items())]


def _built_levels(told: Any) -> Any:
    return None if told is None else LevelCounts(told[0], dict(told[1]), dict(told[2]))


def _rows(rows: RowCounts | None) -> list[Any] | None:
    if rows is None:
        return None
    return [rows.rows, rows.hashes.astype("<u8").tobytes(), rows.counts.astype("<u8").tobytes()]


def _built_rows(told: Any) -> RowCounts | None:
    import numpy as np

    if told is None:
        return None
    hashes, counts = (np.frombuffer(each, "<u8") for each in told[1:])
    return RowCounts(told[0], hashes.astype(np.uint64), counts.astype(np.int64))


def _sparse(places: NDArray[Any], counts: NDArray[Any]) -> tuple[bytes, str, bytes]:
    """Places and counts in the smallest words; places are bits where that is shorter."""
    import numpy as np

    word = np.min_scalar_type(int(counts.max()) if len(counts) else 0).str.replace("|", "<")
    told = places.astype("<u2").tobytes()
    if len(told) >= CELLS // 8:
        taken = np.zeros(CELLS, bool)
        taken[places] = True
        told = np.packbits(taken).tobytes()
    return told, word, counts.astype(word).tobytes()


def _found(places: bytes, word: str, counts: bytes) -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    if word not in ("<u1", "<u2", "<u4", "<u8"):
        raise ValueError(word)
    where = np.frombuffer(places, "<u2").astype(np.intp)
    if len(places) == CELLS // 8:
        where = np.flatnonzero(np.unpackbits(np.frombuffer(places, np.uint8)))
    found = np.frombuffer(counts, word).astype(np.int64)
    if len(found) != len(where) or (len(where) and int(where.max()) >= CELLS):
        raise ValueError(len(found))
    return where, found

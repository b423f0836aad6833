"""Pure rules of what may be logged: limits, types, and the shape in which a batch is stored."""

from __future__ import annotations

from itertools import repeat
from math import isnan
from operator import index
from typing import TYPE_CHECKING, NamedTuple

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.tracking.model import DatasetInput, MetricPoint, ModelUse

MAX_KEY = 250
"""Longest key of a metric, parameter or tag, in characters."""

MAX_PARAM = 6_000
"""Longest parameter value, in characters."""

MAX_TAG = 8_000
"""Longest tag value, in characters."""

MAX_EXPERIMENT_TAG = 20_000
"""Longest tag value of an experiment, in characters."""

MAX_NAME = 500
"""Longest name of a run, an experiment or a dataset, in characters."""

MAX_NOTE = 100_000
"""Longest note, in characters."""

MAX_SCHEMA = 1_000_000
"""Longest dataset schema, in characters."""

MAX_SOURCE = 64_000
"""Longest text that says where a dataset came from, in characters."""

MAX_PROFILE = 16_000_000
"""Longest text that describes a dataset, in characters."""

NAN = "NaN"
"""How a NaN is stored: SQLite would turn the float into NULL."""

_INT64 = 2**63

StoredValue = float | str
"""A metric value as bound to SQL: a float, or `NAN`."""

LatestRow = tuple[int, int, int, StoredValue]
"""Key id, step, time in ms, value."""


class MetricColumns(NamedTuple):
    """Metric points by column, checked; all four have one length. Made per batch and taken apart at once.

    Args:
        keys: Key of each point.
        values: Value of each point, NaN already as `NAN`.
        steps: Step of each point, 64-bit.
        times_ms: Time of each point, in milliseconds since the epoch, 64-bit.
    """

    keys: Sequence[str]
    values: Sequence[StoredValue]
    steps: Sequence[int]
    times_ms: Sequence[int]


NO_METRICS = MetricColumns((), (), (), ())


def check_text(text: str, what: str, limit: int, *, may_be_empty: bool = True) -> str:
    """Refuse text that cannot be stored or found again.

    Args:
        text: The text.
        what: What it is, for the message.
        limit: Most characters.
        may_be_empty: Whether nothing is something.

    Returns:
        The same text.

    Raises:
        InvalidInput: it is no text, too long, empty though it must not be, or holds a NUL or a lone surrogate.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"{what} must be text, not {type(text).__name__}.")
    if len(text) > limit:
        raise InvalidInput(
            f"{what} has {len(text)} characters; at most {limit} are kept.",
            hint="Shorten it, or log it as an artifact.",
            details={"limit": limit, "length": len(text)},
        )
    if not text and not may_be_empty:
        raise InvalidInput(f"{what} must not be empty.")
    if "\0" in text:
        raise InvalidInput(f"{what} holds a NUL character.", hint="Remove it, or log it as an artifact.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput(f"{what} holds a lone surrogate, which is not Unicode text.", hint="Decode it first.")
    return text


def check_integer(number: object, what: str, *, least: int = -_INT64) -> int:
    """Refuse a number that SQLite cannot hold as an integer.

    Args:
        number: The number; numpy integers are taken.
        what: What it is, for the message.
        least: The least that is taken.

    Returns:
        The same number as an `int`.

    Raises:
        InvalidInput: it is no integer, below `least`, or does not fit 64 bits.
    """
    try:
        whole = index(number)  # type: ignore[arg-type]
    except TypeError as error:
        raise InvalidInput(f"{what} must be an integer, not {type(number).__name__}.") from error
    if not least <= whole < _INT64:
        raise InvalidInput(f"{what} must be from {least} to {_INT64 - 1}.")
    return whole


def check_key(key: str, kind: str) -> str:
    """Refuse a key that cannot be kept.

    Args:
        key: The key.
        kind: `metric`, `param` or `tag`; for the message.

    Returns:
        The same key.

    Raises:
        InvalidInput: as `check_text`, with a limit of `MAX_KEY` characters.
    """
    return check_text(key, f"The {kind} key", MAX_KEY, may_be_empty=False)


def check_pairs(pairs: Mapping[str, str], kind: str, limit: int) -> dict[str, str]:
    """Check parameters or tags.

    Args:
        pairs: Key to value.
        kind: `param` or `tag`.
        limit: Most characters of a value.

    Returns:
        A copy.

    Raises:
        InvalidInput: a key or a value cannot be kept; the message names the key.
    """
    for key, value in pairs.items():
        check_key(key, kind)
        check_text(value, f"The value of the {kind} '{_shown(key)}'", limit)
    return dict(pairs)


def check_input(dataset: DatasetInput) -> DatasetInput:
    """Refuse a dataset that cannot be kept.

    Args:
        dataset: What a run read.

    Returns:
        The same, its number of rows as a plain integer.

    Raises:
        InvalidInput: the name or digest is empty, a text is too long, or the number of rows is none.
    """
    check_text(dataset.name, "The dataset's name", MAX_NAME, may_be_empty=False)
    check_text(dataset.digest, "The dataset's digest", MAX_NAME, may_be_empty=False)
    check_text(dataset.schema, "The dataset's schema", MAX_SCHEMA)
    check_text(dataset.context, "The dataset's context", MAX_NAME)
    check_text(dataset.source_type, "The dataset's source type", MAX_NAME)
    check_text(dataset.source, "The dataset's source", MAX_SOURCE)
    check_text(dataset.profile, "The dataset's profile", MAX_PROFILE)
    check_pairs(dataset.tags, "tag", MAX_TAG)
    if dataset.rows is None:
        return dataset
    from dataclasses import replace  # few datasets tell it

    return replace(dataset, rows=check_integer(dataset.rows, "The dataset's number of rows", least=0))


def check_model_use(model: ModelUse) -> None:
    """Refuse a logged model that cannot be noted.

    Raises:
        InvalidInput: its id is empty or too long, or its step does not fit 64 bits.
    """
    check_text(model.model_id, "The model's id", MAX_NAME, may_be_empty=False)
    check_integer(model.step, "The model's step")


def _shown(key: str) -> str:
    from engine.core.text import clean  # logged keys are hostile

    return clean(key, limit=60)


def metric_columns(points: Iterable[MetricPoint]) -> MetricColumns:
    """Check metric points and turn them into columns.

    Args:
        points: (key, value, step, time_ms) each; numbers may be numpy scalars.

    Returns:
        The columns.

    Raises:
        InvalidInput: a point has not four parts, or a part is of the wrong type or out of range.
    """
    rows = points if isinstance(points, (list, tuple)) else list(points)
    if len(rows) < 2:
        return _one_column(rows[0]) if rows else NO_METRICS
    try:
        keys, values, steps, times_ms = zip(*rows, strict=True)
    except (ValueError, TypeError) as error:
        raise InvalidInput("A metric point is a tuple (key, value, step, time_ms).") from error
    return checked_columns(keys, values, steps, times_ms)


def _one_column(point: MetricPoint) -> MetricColumns:
    """The same for a single point, which comes a thousand times a second from programs that log one by one."""
    if isinstance(point, tuple) and tuple(map(type, point)) == _USUAL_TYPES:
        key, value, step, time_ms = point
        if value == value and -_INT64 <= step < _INT64 and -_INT64 <= time_ms < _INT64:  # noqa: PLR0124 not a NaN
            check_key(key, "metric")
            return MetricColumns((key,), (value,), (step,), (time_ms,))
    if not isinstance(point, (tuple, list)) or len(point) != 4:
        raise InvalidInput("A metric point is a tuple (key, value, step, time_ms).")
    key, value, step, time_ms = point
    return checked_columns([key], [value], [step], [time_ms])


_USUAL_TYPES = (str, float, int, int)


def checked_columns(
    keys: Sequence[str], values: Sequence[object], steps: Sequence[object], times_ms: Sequence[object]
) -> MetricColumns:
    """Check metric columns; they must be of one length.

    Args:
        keys: Key of each point.
        values: Numbers, NaN and infinities included.
        steps: Integers of 64 bits.
        times_ms: Integers of 64 bits, milliseconds since the epoch.

    Returns:
        The columns as they are stored.

    Raises:
        InvalidInput: a part is of the wrong type or out of range.
    """
    if not set(map(type, keys)) <= {str}:
        raise InvalidInput("A metric key must be text.")
    for key in set(keys):
        check_key(key, "metric")
    return MetricColumns(
        keys, _stored_values(values), _integers(steps, "step"), _integers(times_ms, "time in milliseconds")
    )


def series_columns(key: str, steps: object, values: object, times_ms: object) -> MetricColumns:
    """Check one metric's points given as arrays.

    Args:
        key: The metric.
        steps: Integers, shape (n,); a numpy array or any sequence.
        values: Numbers, shape (n,).
        times_ms: Integers, shape (n,), or one integer for all points.

    Returns:
        The columns as they are stored.

    Raises:
        InvalidInput: the lengths differ, or a part is of the wrong type or out of range.
    """
    listed_steps, listed_values = _listed(steps), _listed(values)
    count = len(listed_values)
    times = list(repeat(times_ms, count)) if isinstance(times_ms, int) else _listed(times_ms)
    if not len(listed_steps) == count == len(times):
        raise InvalidInput(
            f"A series needs as many steps and times as values: {len(listed_steps)} steps, {len(times)} times, "
            f"{count} values."
        )
    return checked_columns([key] * count, listed_values, listed_steps, times)


def _listed(column: object) -> Sequence[object]:
    tolist = getattr(column, "tolist", None)  # arrays hand out plain numbers ten times faster than iteration does
    listed = column if tolist is None else tolist()
    if not isinstance(listed, (list, tuple, range)):
        raise InvalidInput("A series needs one-dimensional arrays or sequences.")
    return listed


def _stored_values(values: Sequence[object]) -> Sequence[StoredValue]:
    floats: Sequence[float] = values if set(map(type, values)) <= {float} else _floats(values)  # type: ignore[assignment]
    if any(map(isnan, floats)):
        return [NAN if value != value else value for value in floats]  # noqa: PLR0124 the cheapest test for NaN
    return floats


def _floats(values: Sequence[object]) -> list[float]:
    if any(isinstance(value, (str, bytes)) for value in values):
        raise InvalidInput("A metric value must be a number.", hint="Log texts as parameters or tags.")
    try:
        return [float(value) for value in values]  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InvalidInput("A metric value must be a number.", hint="Log texts as parameters or tags.") from error
    except OverflowError as error:
        raise InvalidInput("A metric value is an integer beyond 1.8e308.", hint="Log it as a parameter.") from error


def _integers(numbers: Sequence[object], what: str) -> Sequence[int]:
    if not set(map(type, numbers)) <= {int}:
        try:
            numbers = [index(number) for number in numbers]  # type: ignore[arg-type]
        except TypeError as error:
            raise InvalidInput(f"A metric's {what} must be an integer.") from error
    integers: Sequence[int] = numbers  # type: ignore[assignment]
    if integers and (min(integers) < -_INT64 or max(integers) >= _INT64):
        raise InvalidInput(f"A metric's {what} must fit 64 bits.")
    return integers


def latest_rows(columns: MetricColumns, key_ids: Mapping[str, int]) -> list[LatestRow]:
    """The latest point of each key of a batch: the one with the greatest (step, time, value), NaN above numbers.

    Args:
        columns: The batch.
        key_ids: Integer id of each key, and maybe of others.

    Returns:
        One row a key.
    """
    keys = columns.keys
    if keys and keys[0] == keys[-1] and len(set(keys)) == 1:
        points = zip(columns.steps, columns.times_ms, columns.values, strict=True)
        return [(key_ids[keys[0]], *_greatest(points, columns.values))]
    ids = map(key_ids.__getitem__, columns.keys)
    rows = list(zip(ids, columns.steps, columns.times_ms, columns.values, strict=True))
    rows.sort(key=_with_nan if NAN in columns.values else None)
    return list({row[0]: row for row in rows}.values())


def _greatest(
    points: Iterable[tuple[int, int, StoredValue]], values: Sequence[StoredValue]
) -> tuple[int, int, StoredValue]:
    if NAN in values:
        return max(points, key=lambda point: (point[0], point[1], *_rank(point[2])))
    return max(points)


def _with_nan(row: LatestRow) -> tuple[int, int, int, int, float]:
    key, step, time_ms, value = row
    return key, step, time_ms, *_rank(value)


def _rank(value: StoredValue) -> tuple[int, float]:
    return (1, 0.0) if isinstance(value, str) else (0, value)


def loaded(value: StoredValue) -> float:
    """A stored metric value as a float."""
    return float(value)

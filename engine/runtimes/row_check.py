"""What a request says, as rows that the model takes: every name, type, width and range checked, nothing echoed."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from engine.core.errors import InvalidInput
from engine.core.text import clean
from engine.runtimes.model import Field, Rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from engine.runtimes.model import Interface

    Numbers = NDArray[np.float64]

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_FLOAT32_MOST = (2 - 2**-23) * 2.0**127
_WHOLE_MOST = 2**53 - 1
_NAMES_SHOWN = 20
_INF = float("inf")


class RowCheck:
    """Makes rows for one model.

    Args:
        interface: What the model takes.

    Attributes:
        numeric: Whether a row is a vector of numbers.
        width: How many inputs there are.
    """

    __slots__ = ("_bounded", "_fields", "_high", "_low", "_missing", "_names", "_plain", "_whole", "numeric", "width")

    def __init__(self, interface: Interface) -> None:
        import numpy as np

        self._fields = interface.inputs
        self._names = {each.name: index for index, each in enumerate(self._fields)}
        self.numeric = interface.numeric
        self._missing = interface.missing
        self._low = np.array([_low(each) for each in self._fields])
        self._high = np.array([_high(each) for each in self._fields])
        self._bounded = bool(np.isfinite(self._low).any() or np.isfinite(self._high).any())
        self._whole = [index for index, each in enumerate(self._fields) if each.dtype in _INTEGERS]
        # Models with nothing but plain numbers are checked by one sum; the common case, and a microsecond.
        self._plain = self.numeric and not self._bounded
        self.width = len(self._fields)

    @property
    def fields(self) -> tuple[Field, ...]:
        """What the model takes, in order."""
        return self._fields

    def flat(self, numbers: list[float]) -> Rows:
        """One row of numbers.

        Args:
            numbers: In the order of the model's inputs.

        Raises:
            InvalidInput: they are too many, too few, or some cannot be.
        """
        if len(numbers) != self.width or not self.numeric:
            self._refuse_width(len(numbers))
        rows = Rows(1, numbers=numbers)
        if not (self._plain and isfinite(sum(numbers))) and rows.matrix is not None:
            self._check(rows.matrix)
        return rows

    def array(self, matrix: Numbers) -> Rows:
        """Rows that are an array of numbers already.

        Args:
            matrix: Shape (rows, inputs), in the order of the model's inputs.

        Raises:
            InvalidInput: its width is another, or some numbers cannot be.
        """
        if matrix.shape[1] != self.width or not self.numeric:
            self._refuse_width(matrix.shape[1])
        self._check(matrix)
        return Rows(len(matrix), matrix)

    def lists(self, rows: Sequence[Any]) -> Rows:
        """Rows as lists of values, in the order of the model's inputs.

        Args:
            rows: A list of values each.

        Raises:
            InvalidInput: a row is no list, its width is another, or some values cannot be.
        """
        import numpy as np

        if self.numeric:
            try:
                numbers = msgspec.convert(rows, list[list[float]])
            except msgspec.ValidationError:
                pass
            else:
                widths = set(map(len, numbers))
                if len(numbers) == 1 and self.width in widths:
                    return self.flat(numbers[0])
                if widths <= {self.width}:
                    return self.array(np.array(numbers, dtype=np.float64).reshape(len(numbers), self.width))
        for index, row in enumerate(rows):
            if not isinstance(row, list):
                raise InvalidInput(f"Row {index} is not a list of values.", hint=self._takes())
            if len(row) != self.width:
                self._refuse_width(len(row), index)
        return self.columns({field.name: [row[at] for row in rows] for at, field in enumerate(self._fields)}, len(rows))

    def records(self, records: Sequence[Any]) -> Rows:
        """Rows as objects by the inputs' names.

        Args:
            records: An object each.

        Raises:
            InvalidInput: one is no object, a name is missing or not known, or some values cannot be.
        """
        for index, record in enumerate(records):
            if not isinstance(record, dict):
                raise InvalidInput(f"Row {index} is not an object of values by name.", hint=self._takes())
            self._check_names(record, f"Row {index}")
        return self.columns({name: [record[name] for record in records] for name in self._names}, len(records))

    def columns(self, columns: Mapping[str, Sequence[Any] | NDArray[Any]], size: int | None = None) -> Rows:
        """Rows as one list or array of values an input.

        Args:
            columns: By the inputs' names.
            size: How many rows there are; what the first column says when it is `None`.

        Raises:
            InvalidInput: a name is missing or not known, the lengths differ, or some values cannot be.
        """
        import numpy as np

        self._check_names(columns, "The request")
        arrays: dict[str, NDArray[Any]] = {}
        for field in self._fields:
            values = columns[field.name]
            size = len(values) if size is None else size
            if len(values) != size:
                raise InvalidInput(f"Input {shown(field)} has {len(values)} rows; the others have {size}.")
            arrays[field.name] = _column(field, values)
        rows = size or 0
        if not self.numeric:
            return Rows(rows, None, {field.name: self._typed(field, arrays[field.name]) for field in self._fields})
        matrix = np.empty((rows, self.width), dtype=np.float64)
        for at, field in enumerate(self._fields):
            matrix[:, at] = arrays[field.name]
        self._check(matrix)
        return Rows(rows, matrix)

    def texts(self, columns: Mapping[str, Sequence[str]], size: int) -> Rows:
        """Rows as text, as CSV has them; an empty text is a missing number.

        Args:
            columns: By the inputs' names.
            size: How many rows there are.

        Raises:
            InvalidInput: a name is missing or not known, or a text is not what its input takes.
        """
        self._check_names(columns, "The request")
        return self.columns({field.name: _parsed(field, columns[field.name]) for field in self._fields}, size)

    def value(self, rows: Rows, name: str) -> Any:
        """The value of an input in the first row; `None` when the model has no such input.

        Args:
            rows: At least one, made by this check.
            name: The input's name.
        """
        at = self._names.get(name)
        if at is None:
            return None
        return rows.columns[name][0] if rows.matrix is None else float(rows.matrix[0, at])

    def _check(self, matrix: Numbers) -> None:
        """Refuse numbers that cannot be; what is fine costs a microsecond or two."""
        # A sum would do, were it not for large numbers: they overflow, which numpy warns of.
        if matrix.size and not (isfinite(matrix.min()) and isfinite(matrix.max())):
            self._check_finite(matrix)
        if self._bounded:
            self._check_bounds(matrix)

    def _check_finite(self, matrix: Numbers) -> None:
        import numpy as np

        infinite = np.isinf(matrix)
        if infinite.any():
            self._refuse_at(infinite, "is infinite")
        if not self._missing:
            absent = np.isnan(matrix)
            if absent.any():
                self._refuse_at(absent, "is missing (null or NaN), and the model takes no missing values")

    def _check_bounds(self, matrix: Numbers) -> None:
        import numpy as np

        below, above = matrix < self._low, matrix > self._high
        if below.any():
            self._refuse_at(below, "is below the least value that the model takes")
        if above.any():
            self._refuse_at(above, "is above the greatest value that the model takes")
        if self._whole:
            whole = matrix[:, self._whole]
            broken = np.zeros(matrix.shape, dtype=bool)
            broken[:, self._whole] = (whole != np.trunc(whole)) & ~np.isnan(whole)
            if broken.any():
                self._refuse_at(broken, "must be a whole number")

    def _typed(self, field: Field, values: NDArray[Any]) -> NDArray[Any]:
        """A column of a model that takes more than numbers, in the type it takes."""
        import numpy as np

        if field.dtype == "str":
            return values
        at = self._names[field.name]
        numbers = values.reshape(len(values), -1)
        for bad, why in (
            (np.isinf(numbers), "is infinite"),
            (np.isnan(numbers) & (not self._missing or field.dtype in _INTEGERS), "is missing (null or NaN)"),
            (numbers < self._low[at], "is below the least value that the model takes"),
            (numbers > self._high[at], "is above the greatest value that the model takes"),
            ((field.dtype in _INTEGERS) & (numbers != np.trunc(numbers)), "must be a whole number"),
        ):
            rows = np.asarray(bad).any(axis=1)
            if rows.any():
                _refuse(field, int(rows.argmax()), why)
        return values.astype(field.dtype)

    def _check_names(self, given: Mapping[str, Any], who: str) -> None:
        if given.keys() == self._names.keys():
            return
        lacking = [name for name in self._names if name not in given]
        if lacking:
            shown_names = ", ".join(clean(name, limit=60) for name in lacking[:_NAMES_SHOWN])
            raise InvalidInput(f"{who} lacks {_count(len(lacking), 'input')}: {shown_names}.", hint=self._takes())
        over = len(given) - len(self._names)
        raise InvalidInput(f"{who} has {_count(over, 'input')} that the model does not know.", hint=self._takes())

    def _refuse_at(self, bad: NDArray[np.bool_], why: str) -> NoReturn:
        import numpy as np

        row, column = (int(each[0]) for each in np.nonzero(bad))
        _refuse(self._fields[column], row, why)

    def _refuse_width(self, width: int, row: int | None = None) -> NoReturn:
        if not self.numeric and row is None:
            raise InvalidInput("The model takes more than numbers: give its inputs by name.", hint=self._takes())
        where = "A row" if row is None else f"Row {row}"
        raise InvalidInput(f"{where} has {width} values; the model takes {self.width}.", hint=self._takes())

    def _takes(self) -> str:
        names = ", ".join(clean(name, limit=60) for name in list(self._names)[:_NAMES_SHOWN])
        more = f" and {self.width - _NAMES_SHOWN} more" if self.width > _NAMES_SHOWN else ""
        return f"It takes {names}{more}."


def shown(field: Field) -> str:
    """An input's name as error messages say it.

    Args:
        field: The input.
    """
    return f"'{clean(field.name, limit=60)}'"


def _column(field: Field, values: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    """One input's values: texts as objects, all else as float64, shape (rows, *shape)."""
    import numpy as np

    if isinstance(values, np.ndarray):
        return _from_array(field, values)
    flat = _spread(field, values) if field.shape else values
    if field.dtype == "str":
        for row, value in enumerate(flat):
            if type(value) is not str:
                _refuse(field, row, "must be text")
        found = np.empty(len(flat), dtype=object)
        found[:] = flat
        return found.reshape(len(values), *field.shape)
    try:
        numbers = np.array(msgspec.convert(flat, list[float]), dtype=np.float64)
    except msgspec.ValidationError:
        numbers = np.array([_number(field, row, value) for row, value in enumerate(flat)], dtype=np.float64)
    return numbers.reshape(len(values), *field.shape)


def _from_array(field: Field, values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    if (values.dtype == object) != (field.dtype == "str"):
        raise InvalidInput(f"Input {shown(field)} must be {'text' if field.dtype == 'str' else 'numbers'}.")
    size = int(np.prod(field.shape, dtype=np.int64))
    if values.size != len(values) * size:
        raise InvalidInput(f"Input {shown(field)} must have {size} values a row.")
    shaped = values.reshape(len(values), *field.shape)
    return shaped if field.dtype == "str" else shaped.astype(np.float64)


def _number(field: Field, row: int, value: Any) -> float:
    if value is None:
        return float("nan")
    if type(value) is bool:
        if field.dtype == "bool":
            return float(value)
        _refuse(field, row, "must be a number, not true or false")
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            _refuse(field, row, "is out of range")
    return _refuse(field, row, "must be a number, not text" if isinstance(value, str) else "must be a number")


def _spread(field: Field, values: Sequence[Any]) -> list[Any]:
    """The values of rows that have a shape, in one list."""
    import numpy as np

    size = int(np.prod(field.shape, dtype=np.int64))
    flat: list[Any] = []
    for row, value in enumerate(values):
        before = len(flat)
        _pour(value, len(field.shape), flat)
        if len(flat) - before != size:
            _refuse(field, row, f"must have {size} values")
    return flat


def _pour(value: Any, depth: int, into: list[Any]) -> None:
    if depth > 0 and isinstance(value, list):
        for each in value:
            _pour(each, depth - 1, into)
    else:
        into.append(value)


def _parsed(field: Field, texts: Sequence[str]) -> Sequence[Any]:
    if field.dtype == "str":
        return texts
    return [_number_of(field, row, text) for row, text in enumerate(texts)]


def _number_of(field: Field, row: int, text: str) -> float | bool | None:
    text = text.strip()
    if not text:
        return None
    if field.dtype == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        _refuse(field, row, "must be a number, not text")


def _refuse(field: Field, row: int, why: str) -> NoReturn:
    raise InvalidInput(f"Row {row} of input {shown(field)} {why}.")


def _low(field: Field) -> float:
    return max(_dtype_bounds(field)[0], -_INF if field.low is None else field.low)


def _high(field: Field) -> float:
    return min(_dtype_bounds(field)[1], _INF if field.high is None else field.high)


def _dtype_bounds(field: Field) -> tuple[float, float]:
    import numpy as np

    if field.dtype in _INTEGERS:
        known = np.iinfo(field.dtype)  # beyond what a float64 tells apart, a number would become its neighbour
        return float(max(known.min, -_WHOLE_MOST)), float(min(known.max, _WHOLE_MOST))
    if field.dtype == "bool":
        return 0.0, 1.0
    return (-_FLOAT32_MOST, _FLOAT32_MOST) if field.dtype == "float32" else (-_INF, _INF)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

"""How rows reach a compiled model: which inputs are numbers, which are texts, and what the model refuses."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable, RowRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from engine.runtimes.model import Interface, Rows

_PLAINLY_FINITE = 1e60  # a sum of squares below this holds no infinity, no NaN and nothing near a limit of float32
GREATEST_SINGLE = 3.4028234663852886e38
"""The greatest float32: estimators of trees refuse what is beyond."""

GREATEST = 1.7976931348623157e308
"""The greatest double."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What stands between rows and a compiled model.

    Args:
        numbers: The places of the inputs that are numbers, in the order of the matrix.
        texts: The places of the inputs that are texts, in order.
        codes: The texts that the model knows; a text's number is its place here, -1 when it is not here.
        no_missing: Places of inputs for which NaN is refused.
        no_infinite: Places of inputs for which infinity, and what is beyond `limit`, is refused.
        limit: The greatest magnitude that is taken.
        strict: Categories that alone are taken, by the input's place.
    """

    numbers: tuple[int, ...]
    texts: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    no_missing: tuple[int, ...] = ()
    no_infinite: tuple[int, ...] = ()
    limit: float = GREATEST_SINGLE
    strict: Mapping[int, tuple[str | float, ...]] = field(default_factory=dict)

    @property
    def positions(self) -> dict[int, int]:
        """The column of each input in the matrix of numbers and then codes, by the input's place."""
        return {place: position for position, place in enumerate((*self.numbers, *self.texts))}

    def to_json(self) -> dict[str, Any]:
        """In JSON values; `from_json` reads it back."""
        return asdict(self) | {"strict": {str(place): list(known) for place, known in self.strict.items()}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Intake:
        """Read what `to_json` wrote.

        Raises:
            NotServable: it is something else.
        """
        try:
            strict = {int(place): tuple(known) for place, known in value["strict"].items()}
            lists = ("numbers", "texts", "codes", "no_missing", "no_infinite")
            return cls(**{name: tuple(value[name]) for name in lists}, limit=float(value["limit"]), strict=strict)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotServable("The built model does not say what it takes.", hint="Build it again.") from error


class Door:
    """Takes rows in for one model and turns away those that it refuses.

    Args:
        interface: What the model takes.
        intake: How.

    Attributes:
        strict: Whether some numbers are categories of which it knows all.
    """

    def __init__(self, interface: Interface, intake: Intake) -> None:
        inputs = interface.inputs
        self._interface = interface
        self._intake = intake
        self._numbers = [inputs[place].name for place in intake.numbers]
        self._texts = [inputs[place].name for place in intake.texts]
        self._codes = {text: float(code) for code, text in enumerate(intake.codes)}
        self._strict_numbers = [
            (column, set(intake.strict[place])) for column, place in _strict(intake, intake.numbers)
        ]
        self.strict = bool(self._strict_numbers)
        self._strict_texts = [(column, set(intake.strict[place])) for column, place in _strict(intake, intake.texts)]

    def numbers(self, rows: Rows) -> NDArray[np.float64]:
        """The numbers of rows.

        Args:
            rows: The rows.

        Returns:
            Shape (rows, numbers), contiguous.

        Raises:
            RowRefused: the model refuses one of them.
        """
        import numpy as np

        if rows.matrix is not None:
            matrix = np.ascontiguousarray(rows.matrix, np.float64)
        else:
            matrix = np.empty((rows.size, len(self._numbers)))
            for column, name in enumerate(self._numbers):
                matrix[:, column] = rows.columns[name]
        self.check_finite(matrix, matrix.reshape(-1))
        for column, known in self._strict_numbers:
            for row, value in enumerate(matrix[:, column].tolist()):
                if value not in known:
                    raise _refused(row, self._numbers[column], "is not one of the categories that the model knows")
        return matrix

    def check_finite(self, matrix: NDArray[np.float64], flat: NDArray[np.float64]) -> None:
        """Refuse missing and infinite numbers where the model does.

        Args:
            matrix: Shape (rows, numbers).
            flat: The same memory, shape (rows * numbers,).

        Raises:
            RowRefused: the model refuses one of them.
        """
        if not flat.dot(flat) < _PLAINLY_FINITE:
            self._refuse_numbers(matrix)

    def texts(self, rows: Rows) -> NDArray[Any]:
        """The texts of rows.

        Args:
            rows: The rows.

        Returns:
            Shape (rows, texts), objects.

        Raises:
            RowRefused: the model refuses one of them.
        """
        import numpy as np

        texts = np.empty((rows.size, len(self._texts)), dtype=object)
        for column, name in enumerate(self._texts):
            texts[:, column] = rows.columns[name]
        for column, known in self._strict_texts:
            for row, value in enumerate(texts[:, column].tolist()):
                if value not in known:
                    raise _refused(row, self._texts[column], "is not one of the categories that the model knows")
        return texts

    def coded(self, rows: Rows) -> NDArray[np.float64]:
        """The numbers of rows, and after them the codes of their texts.

        Args:
            rows: The rows.

        Returns:
            Shape (rows, numbers + texts).

        Raises:
            RowRefused: the model refuses one of them.
        """
        numbers = self.numbers(rows)
        if not self._texts:
            return numbers
        import numpy as np

        code = self._codes.get
        codes = [[code(text, -1.0) for text in row] for row in self.texts(rows).tolist()]
        return np.concatenate([numbers, np.array(codes).reshape(rows.size, -1)], axis=1)

    def _refuse_numbers(self, matrix: NDArray[np.float64]) -> None:
        """Refuse missing and infinite numbers where the model does; few rows hold any."""
        import numpy as np

        intake = self._intake
        for column, place in enumerate(intake.numbers):
            values = matrix[:, column]
            if place in intake.no_missing and np.isnan(values).any():
                raise _refused(int(np.isnan(values).argmax()), self._numbers[column], "is missing (NaN)")
            beyond = np.abs(values) > intake.limit
            if place in intake.no_infinite and beyond.any():
                raise _refused(int(beyond.argmax()), self._numbers[column], "is infinite or too large")


def _strict(intake: Intake, places: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(column, place) for column, place in enumerate(places) if place in intake.strict]


def _refused(row: int, name: str, why: str) -> RowRefused:
    from engine.core.text import clean

    return RowRefused(f"{clean(name, limit=60)} of row {row} {why}.", details={"row": row, "input": name[:200]})

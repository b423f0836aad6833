"""Rows to compare runtimes on: those a model was trained on, those on the edges of its decisions, and random ones."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from engine.runtimes.model import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from engine.runtimes.intake import Intake
    from engine.runtimes.model import Interface

SAMPLE_FILES = ("reference.csv.gz", "reference.csv", "reference.parquet", "input_example.json")
"""Files of a version that hold rows it was trained on, the best first."""

MOST_ROWS = 2_000
"""Most rows of each kind that are compared."""

UNSEEN = "\N{BLACK DIAMOND} never seen"
"""A category that no model knows."""

_SEED = 20_261
_SPARSE = 0.05  # share of the random cells that are missing where the model takes that


def read_samples(data: bytes, name: str, interface: Interface) -> Rows | None:
    """Read rows a model was trained on.

    Args:
        data: The file's bytes.
        name: Its name, one of `SAMPLE_FILES`.
        interface: What the model takes.

    Returns:
        At most `MOST_ROWS` rows; `None` when the file holds no such columns.
    """
    try:
        frame = _frame(data, name)
        names = [each.name for each in interface.inputs]
        if not set(names) <= set(frame.columns):
            if frame.shape[1] != len(names) or any(isinstance(each, str) for each in frame.columns):
                return None
            frame.columns = names
        frame = frame[names].head(MOST_ROWS)
        columns = {
            each.name: frame[each.name].astype(str).to_numpy(object)
            if each.dtype == "str"
            else frame[each.name].to_numpy("float64")
            for each in interface.inputs
        }
    except Exception:  # noqa: BLE001 samples help, and whatever is wrong with them must not stop a build
        return None
    return make_rows(interface, columns) if len(frame) else None


def _frame(data: bytes, name: str) -> Any:
    import pandas as pd

    if name.endswith(".parquet"):
        return pd.read_parquet(io.BytesIO(data))
    if name.endswith(".json"):
        content = json.loads(data)
        if isinstance(content, dict) and "data" in content:
            return pd.DataFrame(content["data"], columns=content.get("columns"))
        return pd.DataFrame(content["inputs"] if isinstance(content, dict) and "inputs" in content else content)
    return pd.read_csv(io.BytesIO(data), compression="gzip" if name.endswith(".gz") else None, nrows=MOST_ROWS)


def make_rows(interface: Interface, columns: Mapping[str, NDArray[Any]]) -> Rows:
    """Rows of columns: one matrix where all are numbers.

    Args:
        interface: What the model takes.
        columns: One array an input, shape (rows,).
    """
    import numpy as np

    size = len(next(iter(columns.values())))
    if not interface.numeric:
        return Rows(size, None, dict(columns))
    return Rows(size, np.stack([columns[each.name] for each in interface.inputs], axis=1).astype(np.float64))


class Sampler:
    """Makes rows inside plausible ranges; the same seed makes the same rows.

    Args:
        interface: What the model takes.
        intake: What it refuses.
        samples: Rows it was trained on, or `None`.
        splits: Numbers at which its answers change, by the input's place.
        centres: What each number is like: its middle and its spread, by the input's place.
        seed: Makes the rows repeatable.
    """

    def __init__(
        self,
        interface: Interface,
        intake: Intake,
        samples: Rows | None,
        splits: Mapping[int, NDArray[np.float64]],
        centres: Mapping[int, tuple[float, float]],
        seed: int = _SEED,
    ) -> None:
        import numpy as np

        self._interface = interface
        self._intake = intake
        self._samples = samples
        self._splits = splits
        self._centres = centres
        self._random = np.random.default_rng(seed)

    def random(self, size: int) -> Rows:
        """Random rows.

        Args:
            size: How many.
        """
        columns = {each.name: self._column(place, size) for place, each in enumerate(self._interface.inputs)}
        return make_rows(self._interface, columns)

    def at_splits(self) -> Rows | None:
        """Rows whose numbers are at thresholds, just below and just above; `None` when there are none."""
        import numpy as np

        around = {place: self._around(place, values) for place, values in self._splits.items() if len(values)}
        around = {place: values for place, values in around.items() if len(values)}
        if not around:
            return None
        size = min(MOST_ROWS, max(64, *(len(values) for values in around.values())))
        columns = {each.name: self._column(place, size) for place, each in enumerate(self._interface.inputs)}
        for place, values in around.items():
            # Each row meets a threshold of every column at once, in an order of its own.
            chosen = self._random.permutation(len(values))[:size]
            columns[self._interface.inputs[place].name][: len(chosen)] = values[chosen]
            rest = size - len(chosen)
            columns[self._interface.inputs[place].name][len(chosen) :] = self._random.choice(values, rest)
        for column in columns.values():
            if column.dtype != object:
                np.nan_to_num(column, copy=False)
        return make_rows(self._interface, columns)

    def _around(self, place: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        values = np.unique(values[np.isfinite(values)])
        values = values[np.abs(values) < self._intake.limit / 2]
        with np.errstate(over="ignore"):
            single = values.astype(np.float32)
            near = [values, np.nextafter(values, np.inf), np.nextafter(values, -np.inf)]
            near += [single.astype(float), np.nextafter(single, np.float32(np.inf)).astype(float)]
        if self._whole(place):
            near = [np.floor(values), np.ceil(values)]
        return np.unique(np.concatenate(near))

    def _whole(self, place: int) -> bool:
        return self._interface.inputs[place].dtype.startswith(("int", "uint", "bool"))

    def _column(self, place: int, size: int) -> NDArray[Any]:
        import numpy as np

        each = self._interface.inputs[place]
        known = self._intake.strict.get(place)
        if each.dtype == "str":
            seen = [] if self._samples is None else sorted(set(self._samples.columns[each.name].tolist()))
            texts = list(known or [*seen, *self._intake.codes, UNSEEN])
            return np.array([texts[index] for index in self._random.integers(len(texts), size=size)], object)
        if known:
            return self._random.choice(np.array(known, float), size)
        if each.dtype == "bool":
            return self._random.integers(0, 2, size).astype(float)
        values = self._numbers(place, size)
        if self._whole(place):
            return np.round(values)
        if place not in self._intake.no_missing and place in self._intake.numbers:
            values[self._random.random(size) < _SPARSE] = np.nan
        return values

    def _numbers(self, place: int, size: int) -> NDArray[np.float64]:
        import numpy as np

        name = self._interface.inputs[place].name
        if self._samples is not None:
            matrix = self._samples.matrix
            seen = matrix[:, place] if matrix is not None else self._samples.columns[name]
            seen = seen[np.isfinite(seen)]
            if len(seen):
                low, high = float(seen.min()), float(seen.max())
                return self._random.uniform(low - 0.1 * (high - low), high + 0.1 * (high - low), size)
        if place in self._centres:
            middle, spread = self._centres[place]
            return self._random.normal(middle, 2.0 * spread, size)
        splits = self._splits.get(place)
        if splits is not None and np.isfinite(splits).any():
            splits = splits[np.isfinite(splits) & (np.abs(splits) < self._intake.limit / 4)]
            if len(splits):
                reach = max(float(np.ptp(splits)), 1.0) / 4
                return self._random.uniform(float(splits.min()) - reach, float(splits.max()) + reach, size)
        return self._random.normal(0.0, 2.0, size)

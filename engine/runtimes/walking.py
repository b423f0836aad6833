"""The direct way through trees, in numpy: all rows go through all trees at once, one level at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runtimes.answers import answers, class_array
from engine.runtimes.intake import Door
from engine.runtimes.model import RuntimeKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.runtimes.forest import Forest
    from engine.runtimes.intake import Intake
    from engine.runtimes.model import Interface, Outputs, Rows

_MOST_CELLS = 4_000_000  # rows times trees that are walked at a time: some hundred megabytes at most


class TreesRuntime:
    """Answers by walking a forest.

    Args:
        interface: What it takes and gives.
        intake: How rows reach it.
        forest: The trees.
    """

    kind = RuntimeKind.TREES

    def __init__(self, interface: Interface, intake: Intake, forest: Forest) -> None:
        self.interface = interface
        self.gathers = True
        self._door = Door(interface, intake)
        self._forest = forest
        self._depth = forest.depth
        self._plain = not forest.unequal.any()
        self._classes = class_array(interface)

    def predict(self, rows: Rows) -> Outputs:
        """Predict.

        Args:
            rows: The rows.

        Returns:
            `predict`, and `predict_proba` for classifiers.

        Raises:
            RowRefused: the model refuses one of them.
        """
        import numpy as np

        coded = self._door.coded(rows)
        at_once = max(1, _MOST_CELLS // len(self._forest.roots))
        parts = [self._sums(coded[start : start + at_once]) for start in range(0, rows.size, at_once)]
        sums = np.concatenate(parts) if parts else np.empty((0, len(self._forest.start)))
        return answers(sums / self._forest.divisor, self._forest.link, self._classes)

    def close(self) -> None:
        """Nothing is held."""

    def _sums(self, coded: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        forest = self._forest
        width = forest.values.shape[1]
        found = self._leaves(coded)
        sums = np.repeat(forest.start[None, :], len(coded), axis=0)
        # One tree after the other, for equal sums must stay equal: floating-point addition is in the trees' order.
        for tree, target in enumerate(forest.targets.tolist()):
            sums[:, target : target + width] += forest.values[found[:, tree]]
        return sums

    def _leaves(self, coded: NDArray[np.float64]) -> NDArray[np.int32]:
        """The leaf that each row reaches in each tree, shape (rows, trees)."""
        import numpy as np

        forest = self._forest
        at = np.repeat(forest.roots[None, :], len(coded), axis=0)
        missing = bool(np.isnan(coded).any())
        for _ in range(self._depth):
            seen = np.take_along_axis(coded, forest.feature[at], axis=1)
            lefts = seen <= forest.threshold[at]
            if not self._plain:
                lefts = np.where(forest.unequal[at], seen != forest.threshold[at], lefts)
            if missing:
                lefts |= np.isnan(seen) & forest.missing_left[at]
            at = np.where(lefts, forest.left[at], forest.right[at])
        return at

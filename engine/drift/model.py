"""What a comparison is asked and what it answers: one contract for the exact path and for profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from engine.core.frozen import frozen
from engine.stats.margin import DELTA, DETECTABLE

SCHEMA_VERSION = 1
"""Version of the JSON document of a report; fields are added under it, never renamed or removed."""

USUAL_METHOD = "margin"
"""How features are decided unless the caller says otherwise."""

SCHEMA = "schema"
"""The method of columns that only one side has."""

MISSING_LEVEL = "(missing)"
OTHER_LEVELS = "(other levels)"
NEW_LEVELS = "(new levels)"
BELOW_ALL = "-infinity"
ABOVE_ALL = "+infinity"
OTHER_TYPE = "(another type)"
"""How bins are called that hold no ordinary values."""


class Decision(StrEnum):
    """What is said of a feature."""

    DRIFT = "drift"
    STABLE = "stable"
    NOT_ENOUGH = "not enough data"
    """Neither: too few rows to find a change worth finding, and none so great that it shows anyway."""
    LEFT_OUT = "left out"
    """Nothing to compare; the reason says why."""


class Role(StrEnum):
    """What a column is to the model."""

    FEATURE = "feature"
    PREDICTION = "prediction"
    LABEL = "label"


class Path(StrEnum):
    """How the numbers were made."""

    PROFILE = "profile"
    """From mergeable counts: streams and data of any size; quantities of ordered values carry a bound."""
    EXACT = "exact"
    """From the values themselves, in memory."""


@frozen
class Method:
    """How a feature is decided.

    Args:
        name: `margin`, or one of `engine.drift.methods.METHODS`.
        threshold: The fixed threshold that the quantity must pass to be drift; `None` decides by the corrected p-value,
            which only tests have.
    """

    name: str = USUAL_METHOD
    threshold: float | None = None

    def __str__(self) -> str:
        return self.name if self.threshold is None else f"{self.name}>{self.threshold:g}"


@frozen
class Rules:
    """How a whole comparison is decided.

    Args:
        method: For every feature that has none of its own.
        methods: Methods of single features, by name.
        delta: The greatest PSI that is no drift, for the margin test.
        level: The share of false discoveries allowed over the features of one comparison, in (0, 1).
        power: The least power to find `detectable`; with less, "stable" becomes "not enough data".
        detectable: The PSI that a comparison must be able to find.
        inflation: By how much rows that depend on each other inflate the variance of shares; 1 for independent ones.
        inflations: The same of single features, by name.
        columns: The columns to compare; empty for all.
        predictions: Columns that hold what the model answered.
        labels: Columns that hold what turned out to be true.
        importance: How much the model relies on each feature, by name; shares of 1, or any positive weights.
    """

    method: Method = field(default_factory=Method)
    methods: Mapping[str, Method] = field(default_factory=dict)
    delta: float = DELTA
    level: float = 0.05
    power: float = 0.8
    detectable: float = DETECTABLE
    inflation: float = 1.0
    inflations: Mapping[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    predictions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    importance: Mapping[str, float] = field(default_factory=dict)

    def method_of(self, feature: str) -> Method:
        """How one feature is decided."""
        return self.methods.get(feature, self.method)

    def role_of(self, column: str) -> Role:
        """What a column is to the model."""
        if column in self.predictions:
            return Role.PREDICTION
        return Role.LABEL if column in self.labels else Role.FEATURE


@frozen
class Wanted:
    """What is asked of a comparison.

    Args:
        rules: How it is decided.
        exact: From the values themselves, and not from profiles.
        segments: Columns within each value of which to look too.
        classifier: Ask a classifier to tell the two sides apart.
        pca: Ask whether numbers are related as they were.
    """

    rules: Rules = field(default_factory=Rules)
    exact: bool = False
    segments: tuple[str, ...] = ()
    classifier: bool = False
    pca: bool = False


@frozen
class Bin:
    """A bin of the table under a feature.

    Args:
        label: What falls into it, in words; may hold logged text.
        reference: How many values of the reference do.
        current: How many values of the current data do.
        low: Least value, where the bin is a range of numbers.
        high: Greatest value, where it is one.
    """

    label: str
    reference: int
    current: int
    low: float | None = None
    high: float | None = None


@frozen
class Histogram:
    """Two shapes over equally wide bars, to be drawn over each other.

    Args:
        low: Where the first bar begins.
        high: Where the last bar ends; what lies outside is in the first or the last bar.
        reference: Shares of the reference by bar.
        current: Shares of the current data by bar.
    """

    low: float
    high: float
    reference: tuple[float, ...]
    current: tuple[float, ...]


@frozen
class FeatureResult:
    """What was found of one column.

    Args:
        name: The column; may hold logged text. A second column of the same name is called `name (2)`.
        kind: What its values are: a word of `engine.profiles.model.FeatureKind`.
        decision: What is said of it.
        method: By what it was decided, such as `margin` or `psi>0.2`; `schema` when the columns themselves differ.
        exact: Whether `effect` is the quantity itself and no approximation.
        bound: Greatest error of `effect` where it is not exact.
        n_ref: Rows of the reference.
        n_cur: Rows of the current data.
        nulls_ref: Share of missing values in the reference.
        nulls_cur: Share of missing values in the current data.
        effect: The method's quantity, such as the PSI; of the margin test: less what chance explains.
        effect_low: Least effect that the data do not speak against, at 95 %.
        effect_high: Greatest such effect.
        p: Probability of an effect at least this great if nothing worth telling had changed; of tests only.
        q: `p`, corrected for the number of features looked at.
        threshold: What `effect` is held against: the margin, or the fixed threshold.
        power: Probability to have found a change worth finding, had there been one.
        importance: Share of the model's reliance on it, where it is known.
        score: Where it stands in the ranking: importance times the lower end of the effect.
        reason: The decision in one sentence.
        changed: What changed, in one sentence; empty when nothing is known to have.
        role: What the column is to the model.
        distances: Further quantities by the names of `engine.drift.methods.METHODS`.
        new_levels: Levels that the reference does not have, the most frequent first; logged text.
        bins: The table that was compared.
        histogram: The two shapes, of numbers.
    """

    name: str
    kind: str
    decision: Decision
    method: str = ""
    exact: bool = True
    bound: float = 0.0
    n_ref: int = 0
    n_cur: int = 0
    nulls_ref: float = 0.0
    nulls_cur: float = 0.0
    effect: float | None = None
    effect_low: float | None = None
    effect_high: float | None = None
    p: float | None = None
    q: float | None = None
    threshold: float | None = None
    power: float | None = None
    importance: float | None = None
    score: float = 0.0
    reason: str = ""
    changed: str = ""
    role: Role = Role.FEATURE
    distances: Mapping[str, float] = field(default_factory=dict)
    new_levels: tuple[str, ...] = ()
    bins: tuple[Bin, ...] = ()
    histogram: Histogram | None = None

    @property
    def drift(self) -> bool:
        """Whether it has drifted; what is not known to have has not."""
        return self.decision is Decision.DRIFT


@frozen
class Telling:
    """A feature by which two sets of rows can be told apart.

    Args:
        name: The feature; may hold logged text.
        weight: How much it tells: what the quantity loses when the feature is shuffled.
    """

    name: str
    weight: float


@frozen
class DatasetResult:
    """What was found of all columns at once.

    Args:
        method: `domain classifier` or `pca reconstruction`.
        decision: What is said of the rows as a whole.
        value: The classifier's ROC-AUC on rows it has not seen, or the ratio of reconstruction errors.
        threshold: What `value` would reach by chance, at the comparison's level.
        p: Probability of at least this value if both came from one world, by permutation.
        rows: How many rows of each side were used.
        telling: The most telling features, the best first.
        reason: The decision in one sentence.
    """

    method: str
    decision: Decision
    value: float | None = None
    threshold: float | None = None
    p: float | None = None
    rows: int = 0
    telling: tuple[Telling, ...] = ()
    reason: str = ""


@frozen
class SegmentResult:
    """What was found within one segment.

    Args:
        column: The column that tells segments apart.
        value: Its value in this one; logged text.
        n_ref: Its rows in the reference.
        n_cur: Its rows in the current data.
        drifted: Names of the features that drifted within it, the worst first.
        score: The greatest score of its features.
        reason: What is to be said of it, in one sentence.
    """

    column: str
    value: str
    n_ref: int
    n_cur: int
    drifted: tuple[str, ...] = ()
    score: float = 0.0
    reason: str = ""


@frozen
class Side:
    """One side of a comparison.

    Args:
        name: Where it came from, such as a file or `churn/7 baseline 2`; may hold logged text.
        rows: How many rows.
        start_ms: When its first row came, where it is a window of traffic, in ms since the epoch.
        end_ms: When the window ended, likewise.
        version: The model version it belongs to, such as `churn/7`; else empty.
        baseline: The baseline's number, where it is one; else 0.
    """

    name: str
    rows: int
    start_ms: int | None = None
    end_ms: int | None = None
    version: str = ""
    baseline: int = 0


@frozen
class DriftReport:
    """The answer of a comparison.

    Args:
        reference: What it was compared with.
        current: What was looked at.
        features: Every column of either side, those that matter most first.
        decided_by: The rules in one sentence.
        sentence: The answer in one sentence.
        path: How the numbers were made.
        level: The share of false discoveries allowed.
        dataset: What was found of all columns at once, where it was asked for.
        segments: The worst segments first, where they were asked for.
        problems: What could not be read as it should, in sentences.
        schema_version: Version of the document.
    """

    reference: Side
    current: Side
    features: tuple[FeatureResult, ...]
    decided_by: str
    sentence: str
    path: Path = Path.PROFILE
    level: float = 0.05
    dataset: tuple[DatasetResult, ...] = ()
    segments: tuple[SegmentResult, ...] = ()
    problems: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

    @property
    def drifted(self) -> tuple[FeatureResult, ...]:
        """The features that drifted, those that matter most first."""
        return tuple(feature for feature in self.features if feature.drift)

    @property
    def drift(self) -> bool:
        """Whether anything drifted: a feature, or the rows as a whole."""
        return bool(self.drifted) or any(each.decision is Decision.DRIFT for each in self.dataset)

    @property
    def rows(self) -> int:
        """Rows of the current data."""
        return self.current.rows

    def feature(self, name: str) -> FeatureResult | None:
        """What was found of one column; `None` when neither side has it."""
        return next((feature for feature in self.features if feature.name == name), None)

    def counted(self, decision: Decision) -> int:
        """How many features have a decision."""
        return sum(feature.decision is decision for feature in self.features)

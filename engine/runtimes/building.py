"""Makes a version's files ready to serve: the quickest runtime that provably answers as the model does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable
from engine.runtimes.model import FOLDED, Interface, ParityReport, Rows, RuntimeKind
from engine.runtimes.parity import TOLERANCE, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from engine.runtimes.columns import Prepared
    from engine.runtimes.forest import Forest
    from engine.runtimes.intake import Intake
    from engine.runtimes.model import Field, Outputs, Runtime

    Files = Mapping[str, Callable[[], bytes]]
    Progress = Callable[[str, int, int], None]

_ENDINGS = {
    ".skops": "skops",
    ".onnx": "onnx",
    ".joblib": "joblib",
    ".pkl": "pickle",
    ".pickle": "pickle",
}
_STEPS = 5


@dataclass(frozen=True, slots=True)
class BuiltRuntime:
    """What a build made.

    Args:
        kind: How it answers.
        interface: What it takes and gives.
        file_format: `folded`, `onnx`, `skops`, `joblib` or `pickle`.
        data: The file to load; the model's own bytes where nothing was made of them.
        source: The name of the model's own file.
        parity: One report a runtime that was tried, in that order.
    """

    kind: RuntimeKind
    interface: Interface
    file_format: str
    data: bytes
    source: str
    parity: tuple[ParityReport, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """A model in memory, and what it answers itself.

    Args:
        model: The fitted model.
        interface: What it takes and gives.
        intake: How rows reach what is compiled of it.
        prepared: Its preprocessing, or `None` when that cannot be folded.
        unfolded: Why not.
        forest: Its trees, when it is made of trees that can be read.
        answers: Rows and its own answers, by where the rows come from.
    """

    model: Any
    interface: Interface
    intake: Intake
    prepared: Prepared | None
    unfolded: str
    forest: Forest | None
    answers: Mapping[str, tuple[Rows, Outputs]] = field(default_factory=dict)


def find_model(names: Sequence[str]) -> tuple[str, str]:
    """The model's own file among a version's files.

    Args:
        names: The files' paths.

    Returns:
        Its path and format: a skops file before an ONNX file before a pickle.

    Raises:
        NotServable: there is none, or nobody can tell which.
    """
    for ending, file_format in _ENDINGS.items():
        found = sorted(name for name in names if name.lower().endswith(ending))
        best = [name for name in found if name.rpartition("/")[2] == f"model{ending}"] or found
        if len(best) == 1:
            return best[0], file_format
        if best:
            raise NotServable(
                f"The version has {len(best)} files that end in {ending}.", hint="Keep one model a version."
            )
    raise NotServable(
        "The version has no model file that can be served.",
        hint="Log the model as skops or ONNX: model.skops or model.onnx.",
    )


def build(
    files: Files, declared: Sequence[Field] = (), *, allow_pickle: bool = False, progress: Progress | None = None
) -> BuiltRuntime:
    """Make a version ready to serve.

    Args:
        files: What reads each file, by its path; called for the files that are needed.
        declared: The inputs that the version's signature names; may be empty.
        allow_pickle: Whether somebody answers for a pickled model.
        progress: Told what happens, steps done and steps in all; may raise to stop the build.

    Returns:
        The quickest runtime that passed its parity report; the model itself when none did.

    Raises:
        NotServable: there is no model among the files, or it cannot be read or answer; the hint says what to do.
        IntegrityError: a file's bytes have changed; raised by what reads it.
    """
    tell = progress or _quiet
    source, file_format = find_model(list(files))
    tell("reading the model", 0, _STEPS)
    data = files[source]()
    if file_format == "onnx":
        from engine.runtimes.native import describe_onnx

        interface = describe_onnx(data)
        report = ParityReport(RuntimeKind.ONNX, True, TOLERANCE, ())  # noqa: FBT003 the field's place
        return BuiltRuntime(RuntimeKind.ONNX, interface, "onnx", data, source, (report,))
    if file_format != "skops":
        if not allow_pickle:
            raise NotServable(
                "The model is pickled, and a pickle is code.",
                hint="Log it as skops or ONNX, or let an approver run `qd models allow-pickle MODEL VERSION`.",
            )
        from engine.runtimes.isolated import describe_pickle

        interface = describe_pickle(data, tuple(declared))
        report = ParityReport(RuntimeKind.ISOLATED, True, TOLERANCE, ())  # noqa: FBT003 the field's place
        return BuiltRuntime(RuntimeKind.ISOLATED, interface, file_format, data, source, (report,))
    truth = ask_model(data, files, declared, tell)
    return _first_accepted(truth, data, source, tell)


def _quiet(_what: str, _done: int, _all: int) -> None:
    """Nobody listens."""


def ask_model(data: bytes, files: Files, declared: Sequence[Field], progress: Progress) -> Truth:
    """Read a skops model and let it answer the rows that runtimes are compared on.

    Args:
        data: The model's bytes.
        files: The version's files, for rows it was trained on.
        declared: The inputs that the signature names; may be empty.
        progress: Told what happens.

    Returns:
        The model with its answers.

    Raises:
        NotServable: the bytes are no trusted model, or it cannot answer.
    """
    from engine.runtimes.describing import describe, read_inputs, read_intake, try_prepare, with_texts
    from engine.runtimes.estimator import EstimatorRuntime, read_skops

    model = read_skops(data)
    if not hasattr(model, "predict"):
        raise NotServable(f"A {type(model).__name__} predicts nothing.", hint="Log a fitted estimator or pipeline.")
    plain = read_inputs(model, declared)
    prepared, unfolded = try_prepare(model, len(plain))
    inputs = with_texts(plain, prepared)
    draft = Interface(inputs, ())
    samples = _samples(files, draft)
    first = _first(samples, draft, prepared)
    interface = describe(model, inputs, first)
    intake = read_intake(model, interface, prepared, first)
    interface = replace(interface, missing=len(intake.no_missing) < len(intake.numbers))
    forest = _forest(prepared, intake)
    progress("asking the model itself", 1, _STEPS)
    asked = _questions(interface, intake, samples, forest, prepared)
    itself = EstimatorRuntime(interface, model)
    answers = {name: (rows, itself.predict(rows)) for name, rows in asked.items()}
    return Truth(model, interface, intake, prepared, unfolded, forest, answers)


def _samples(files: Files, interface: Interface) -> Rows | None:
    from engine.runtimes.sampling import SAMPLE_FILES, read_samples

    for wanted in SAMPLE_FILES:
        for name in sorted(files):
            if name.rpartition("/")[2] == wanted:
                found = read_samples(files[name](), wanted, interface)
                if found is not None:
                    return found
    return None


def _first(samples: Rows | None, interface: Interface, prepared: Prepared | None) -> Rows:
    """One row that makes sense: the first that the model was trained on, else zeros and first categories."""
    import numpy as np

    from engine.runtimes.sampling import make_rows

    if samples is not None:
        if samples.matrix is not None:
            return Rows(1, samples.matrix[:1])
        return Rows(1, None, {name: values[:1] for name, values in samples.columns.items()})
    known: dict[int, Any] = {}
    for column in prepared.columns if prepared is not None else ():
        if column.category is not None:
            known.setdefault(column.source, column.category)
    columns: dict[str, NDArray[Any]] = {}
    for place, each in enumerate(interface.inputs):
        if each.dtype == "str":
            columns[each.name] = np.array([known.get(place, "")], object)
        else:
            columns[each.name] = np.array([float(known.get(place, 0.0))])
    return make_rows(interface, columns)


def _forest(prepared: Prepared | None, intake: Intake) -> Forest | None:
    from engine.runtimes.forest_reading import read_forest

    if prepared is None:
        return None
    codes = {text: code for code, text in enumerate(intake.codes)}
    try:
        return read_forest(prepared, intake.positions, codes)
    except NotServable:
        return None


def _questions(
    interface: Interface, intake: Intake, samples: Rows | None, forest: Forest | None, prepared: Prepared | None
) -> dict[str, Rows]:
    from engine.runtimes.sampling import MOST_ROWS, Sampler

    splits: dict[int, NDArray[np.float64]] = {}
    if forest is not None:
        asks = ~forest.leaves & ~forest.unequal
        for position, place in enumerate(intake.numbers):
            splits[place] = forest.threshold[asks & (forest.feature == position)]
    sampler = Sampler(interface, intake, samples, splits, _centres(prepared))
    asked = {} if samples is None else {"training": samples}
    at_splits = sampler.at_splits()
    if at_splits is not None:
        asked["thresholds"] = at_splits
    asked["random"] = sampler.random(MOST_ROWS // 2)
    return asked


def _centres(prepared: Prepared | None) -> dict[int, tuple[float, float]]:
    """What each number is like, as its scaler has seen it: the input that it maps to 0, and to 1."""
    centres: dict[int, tuple[float, float]] = {}
    for column in () if prepared is None else prepared.columns:
        if column.category is None and column.steps:
            import numpy as np

            zero, one = column.apply(np.array([0.0, 1.0])).tolist()
            centres[column.source] = (-zero / (one - zero), abs(1.0 / (one - zero)))
    return centres


def _first_accepted(truth: Truth, data: bytes, source: str, progress: Progress) -> BuiltRuntime:
    reports: list[ParityReport] = []
    for step, (kind, make) in enumerate(_WAYS.items(), start=2):
        progress(f"trying {kind}", step, _STEPS)
        try:
            made, file_format = make(truth)
            report = compare(_loaded(kind, made, truth.interface), truth.answers)
        except NotServable as error:
            reports.append(ParityReport(kind, False, TOLERANCE, (), error.message))  # noqa: FBT003 the field's place
            continue
        reports.append(report)
        if report.accepted:
            return BuiltRuntime(kind, truth.interface, file_format, made, source, tuple(reports))
    reports.append(ParityReport(RuntimeKind.SKLEARN, True, TOLERANCE, ()))  # noqa: FBT003 the field's place
    return BuiltRuntime(RuntimeKind.SKLEARN, truth.interface, "skops", data, source, tuple(reports))


def _loaded(kind: RuntimeKind, data: bytes, interface: Interface) -> Runtime:
    if kind is RuntimeKind.TWIN:
        from engine.runtimes.sessions import TwinRuntime

        return TwinRuntime(interface, data)
    from engine.runtimes.folded import read_folded

    return read_folded(data, interface)


def _linear(truth: Truth) -> tuple[bytes, str]:
    from engine.runtimes.folded import write_folded
    from engine.runtimes.linear import read_linear

    return write_folded(read_linear(_prepared(truth), truth.intake), truth.intake), FOLDED


def _prepared(truth: Truth) -> Prepared:
    if truth.prepared is None:
        raise NotServable(truth.unfolded)
    _check_single(truth)
    return truth.prepared


def _check_single(truth: Truth) -> None:
    if truth.interface.outputs[0].shape:
        raise NotServable("It predicts several things at once.")


def make_twin(truth: Truth) -> tuple[bytes, str]:
    """Make a model's ONNX twin; whether it may serve is for the parity report to say.

    Args:
        truth: The model.

    Returns:
        The twin's bytes and their format.

    Raises:
        NotServable: there is no way to make one.
    """
    _check_single(truth)
    if truth.forest is not None:
        from engine.runtimes.forest_onnx import write_forest

        try:
            return write_forest(truth.forest, truth.intake, truth.interface), "onnx"
        except NotServable:
            pass  # what has no graph of ours may have one of skl2onnx's
    from engine.runtimes.converting import convert

    return convert(truth.model, truth.intake, truth.interface), "onnx"


def _trees(truth: Truth) -> tuple[bytes, str]:
    if truth.forest is None:
        raise NotServable(truth.unfolded or "It is not made of trees that can be read.")
    from engine.runtimes.folded import write_folded

    return write_folded(truth.forest, truth.intake), FOLDED


_WAYS: Mapping[RuntimeKind, Callable[[Truth], tuple[bytes, str]]] = {
    RuntimeKind.LINEAR: _linear,
    RuntimeKind.TWIN: make_twin,
    RuntimeKind.TREES: _trees,
}


def export_twin(
    files: Files, declared: Sequence[Field] = (), *, progress: Progress | None = None
) -> tuple[bytes, ParityReport]:
    """A version as an ONNX file for use elsewhere, whatever serves it here.

    Args:
        files: What reads each file, by its path.
        declared: The inputs that the version's signature names; may be empty.
        progress: Told what happens.

    Returns:
        The ONNX file and how it compares with the model; the caller decides on a refused one.

    Raises:
        NotServable: the version has no model from which one could be made.
        IntegrityError: a file's bytes have changed.
    """
    tell = progress or _quiet
    source, file_format = find_model(list(files))
    data = files[source]()
    if file_format == "onnx":
        return data, ParityReport(RuntimeKind.ONNX, True, TOLERANCE, ())  # noqa: FBT003 the field's place
    if file_format != "skops":
        raise NotServable("A pickled model is not converted.", hint="Log it as skops or ONNX.")
    truth = ask_model(data, files, declared, tell)
    tell("converting", 2, _STEPS)
    twin, _ = make_twin(truth)
    return twin, compare(_loaded(RuntimeKind.TWIN, twin, truth.interface), truth.answers)

"""Looks at a model file without running anything of it: what it would import, how large it would become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.core.errors import NotServable

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 4 << 30
"""Most bytes that an archive may unpack to."""

MOST_RATIO = 1_000
"""Most bytes that one stored byte may unpack to, above `SMALL_BYTES` in all."""

SMALL_BYTES = 64 << 20
"""An archive that unpacks to less is no bomb, however well it was packed."""

_MOST_SAID = 50

MOST_OPCODES = 20_000_000
"""Most opcodes of a pickle that are looked at."""

_TRUSTED = (
    "sklearn._loss.",
    "sklearn.calibration.",
    "sklearn.cluster.",
    "sklearn.compose.",
    "sklearn.covariance.",
    "sklearn.cross_decomposition.",
    "sklearn.decomposition.",
    "sklearn.discriminant_analysis.",
    "sklearn.dummy.",
    "sklearn.ensemble.",
    "sklearn.feature_extraction.",
    "sklearn.feature_selection.",
    "sklearn.gaussian_process.",
    "sklearn.impute.",
    "sklearn.isotonic.",
    "sklearn.kernel_approximation.",
    "sklearn.kernel_ridge.",
    "sklearn.linear_model.",
    "sklearn.metrics._dist_metrics.",
    "sklearn.mixture.",
    "sklearn.model_selection.",
    "sklearn.multiclass.",
    "sklearn.multioutput.",
    "sklearn.naive_bayes.",
    "sklearn.neighbors.",
    "sklearn.neural_network.",
    "sklearn.pipeline.",
    "sklearn.preprocessing.",
    "sklearn.random_projection.",
    "sklearn.semi_supervised.",
    "sklearn.svm.",
    "sklearn.tree.",
    "numpy.dtypes.",
)
_TRUSTED_EXACTLY = frozenset(
    {
        "numpy.dtype",
        "numpy.ndarray",
        "numpy.random._generator.Generator",
        "numpy.random._mt19937.MT19937",
        "numpy.random._pcg64.PCG64",
        "numpy.random.mtrand.RandomState",
        "scipy.sparse._csr.csr_matrix",
    }
)
_HARMLESS = frozenset(
    {
        "_codecs encode",
        "builtins bytearray",
        "builtins bytes",
        "builtins complex",
        "builtins dict",
        "builtins frozenset",
        "builtins list",
        "builtins set",
        "builtins slice",
        "builtins tuple",
        "collections OrderedDict",
        "collections defaultdict",
        "copyreg _reconstructor",
        "builtins object",
        "joblib.numpy_pickle NumpyArrayWrapper",
        "numpy dtype",
        "numpy ndarray",
        "numpy._core.multiarray _reconstruct",
        "numpy._core.multiarray scalar",
        "numpy.core.multiarray _reconstruct",
        "numpy.core.multiarray scalar",
        "numpy.random._pickle __bit_generator_ctor",
        "numpy.random._pickle __generator_ctor",
        "numpy.random._pickle __randomstate_ctor",
        "numpy.random._mt19937 MT19937",
        "scipy.sparse._csr csr_matrix",
    }
)
_DANGEROUS = (  # how the names of modules and functions begin that pickles which run something import
    "_posixsubprocess ",
    "asyncio.subprocess ",
    "builtins __import__",
    "builtins breakpoint",
    "builtins compile",
    "builtins eval",
    "builtins exec",
    "builtins getattr",
    "builtins open",
    "code ",
    "commands ",
    "ctypes",
    "functools partial",
    "http",
    "importlib",
    "io ",
    "marshal ",
    "multiprocessing",
    "nt ",
    "operator ",
    "os ",
    "pathlib",
    "pickle ",
    "pip",
    "posix ",
    "pty ",
    "runpy ",
    "shutil ",
    "socket ",
    "subprocess ",
    "sys ",
    "tempfile",
    "threading ",
    "timeit ",
    "types ",
    "urllib",
    "webbrowser ",
)
_ONNX_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What was found in a model file.

    Args:
        format: What it was taken for: `pickle`, `skops`, `onnx` or `other`.
        size_bytes: Its size.
        findings: What speaks against it, each a sentence; cleaned.
        safe: Whether nothing does, for a file of its format; a pickle is code, and safe only as far as it is known.
        dangerous: Of the findings, those that nobody's word makes good: all of them, but of a pickle those alone that
            reach for the system.
    """

    format: str
    size_bytes: int
    findings: tuple[str, ...]
    safe: bool
    dangerous: tuple[str, ...] = ()


def scan(data: bytes, name: str) -> ScanReport:
    """Look at a model file.

    Args:
        data: Its bytes.
        name: Its name; its ending tells the format where the bytes do not.

    Returns:
        What was found. Nothing of the file is run or imported.
    """
    dangerous: list[str] = []
    if data[:4] == b"PK\x03\x04":
        kind, findings = "skops", _skops(data)
    elif name.endswith(".onnx"):
        kind, findings = "onnx", _onnx(data)
    elif name.endswith((".pkl", ".pickle", ".joblib", ".pt", ".bin")) or data[:1] == b"\x80":
        kind, (dangerous, findings) = "pickle", _pickle(data)
    else:
        kind, findings = "other", []
    if kind != "pickle":
        dangerous, findings = findings, []
    from engine.core.text import clean

    said = tuple(clean(each, limit=300) for each in (*dangerous, *findings)[:_MOST_SAID])
    return ScanReport(kind, len(data), said, not said, said[: len(dangerous)])


def check_types(data: bytes) -> list[str]:
    """The types that a skops file names, beyond those that skops trusts itself; every one is of a known family.

    Args:
        data: The file's bytes.

    Returns:
        Their names, to be trusted.

    Raises:
        NotServable: the bytes are no sound skops file, unpack to too much, or name another type.
    """
    problems = _archive(data)
    if problems:
        raise NotServable(problems[0])
    types = _types(data)
    foreign = [each for each in types if not _trusted(each)]
    if foreign:
        from engine.core.text import clean

        named = ", ".join(clean(each, limit=80) for each in foreign[:3])
        raise NotServable(
            f"The model holds types that are not trusted: {named}.",
            hint="Build it of scikit-learn's own types, or log it as ONNX.",
        )
    return types


def _trusted(name: str) -> bool:
    return name in _TRUSTED_EXACTLY or name.startswith(_TRUSTED)


def _types(data: bytes) -> list[str]:
    import skops.io

    try:
        return list(skops.io.get_untrusted_types(data=data))
    except Exception as error:  # a damaged file breaks anywhere in it
        raise NotServable("The file is no sound skops file.", hint="Log the model again.") from error


def _skops(data: bytes) -> list[str]:
    problems = _archive(data)
    if problems:
        return problems
    try:
        types = _types(data)
    except NotServable as error:
        return [error.message]
    return [f"It holds the type {each}, which is not trusted." for each in types if not _trusted(each)]


def _archive(data: bytes) -> list[str]:
    """What speaks against unpacking an archive; it is judged by its list of contents alone."""
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return ["The file is no sound skops file: it is damaged or cut off."]
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_BYTES or (unpacked > SMALL_BYTES and unpacked > MOST_RATIO * max(len(data), 1)):
        return [f"It would unpack to {unpacked} bytes."]
    if any(member.filename.startswith("/") or ".." in member.filename.split("/") for member in members):
        return ["A name inside of it leads out of its folder."]
    return []


def _pickle(data: bytes) -> tuple[list[str], list[str]]:
    """What a pickle would import, found by reading its opcodes: what reaches for the system, and the rest."""
    dangerous: dict[str, None] = {}
    findings: dict[str, None] = {}
    try:
        for found in _imports(data):
            if found is None:
                findings["It imports a name that is computed while it runs."] = None
            elif found not in _HARMLESS and not _harmless_estimator(found):
                kept = dangerous if found.startswith(_DANGEROUS) else findings
                kept[f"It imports {found.replace(' ', '.')}."] = None
    except (ValueError, IndexError, UnicodeDecodeError, OverflowError) as error:
        # What joblib writes holds arrays between the opcodes, and ends here; nobody can tell what comes after.
        findings[f"It cannot be read to its end ({type(error).__name__})."] = None
    return list(dangerous), list(findings)


def _harmless_estimator(found: str) -> bool:
    module, _, name = found.partition(" ")
    return f"{module}.".startswith(_TRUSTED) and "." not in name


def _imports(data: bytes) -> Iterator[str | None]:
    """`module name` of every import of a pickle; `None` where it cannot be told without running it.

    Raises:
        ValueError: the bytes are no pickle to their end, or have too many opcodes.
    """
    import pickletools

    texts: list[str | None] = []  # the last texts pushed: STACK_GLOBAL takes two of them
    memo: dict[int, str | None] = {}
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if count > MOST_OPCODES:
            raise ValueError("too many opcodes")
        name = opcode.name
        if name in ("GLOBAL", "INST"):
            yield str(argument)
            texts.append(None)
        elif name == "STACK_GLOBAL":
            module, attribute = (texts[-2], texts[-1]) if len(texts) > 1 else (None, None)
            yield None if module is None or attribute is None else f"{module} {attribute}"
            texts.append(None)
        elif name.startswith("EXT"):
            yield None
        elif "GET" in name and isinstance(argument, int):
            texts.append(memo.get(argument))
        elif name == "MEMOIZE":
            memo[len(memo)] = texts[-1] if texts else None
        elif "PUT" in name and isinstance(argument, int):
            memo[argument] = texts[-1] if texts else None
        elif name not in ("PROTO", "FRAME", "MARK"):
            texts.append(argument if isinstance(argument, str) else None)
        del texts[:-4]


def _onnx(data: bytes) -> list[str]:
    """What speaks against an ONNX file: files beside it, operators of somebody else's library."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError, TypeError):
        return ["The file is no sound ONNX model: it is damaged or cut off."]
    findings = {
        f"It uses operators of {each.domain}." for each in model.opset_import if each.domain not in _ONNX_DOMAINS
    }
    for graph in _graphs(model.graph):
        if any(each.data_location == onnx.TensorProto.EXTERNAL for each in graph.initializer):
            findings.add("It reads weights from a file beside it.")
        findings |= {f"It uses operators of {node.domain}." for node in graph.node if node.domain not in _ONNX_DOMAINS}
    return sorted(findings)


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    yield from _graphs(inner)

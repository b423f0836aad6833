"""The gate `scan`: nothing in the version's files runs code, unpacks to a bomb, or reaches outside of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.gates.model import Facts, GateResult, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.gates.trial_model import ScannedFile
    from engine.policy.served import ScanGate

_SHOWN = 3
_MOST_KEPT = 100


def run(spec: ScanGate, facts: Facts) -> GateResult:
    """Judge what was found in every file of the version.

    A pickle is code: it fails, whatever it holds, unless the policy allows pickles and an approver answers for these
    bytes. Even then one that imports what reaches for the system fails.

    Args:
        spec: Whether pickles may pass, and the largest file that is looked at.
        facts: What is known of the version.

    Returns:
        The answer: the value counts what speaks against the version. The findings of the first hundred files that have
        any, or that could, are in the evidence.

    Raises:
        QuarterdeckError: nobody could look into the files.
    """
    files = facts.tried.scanned(spec.max_bytes)
    pickles = [each for each in files if each.format == "pickle"]
    answered = bool(pickles) and spec.allow_pickle and facts.tried.pickle_allowed()
    against = [text for each in files for text in _against(each, answered=answered)]
    evidence = {
        "files": [_plain(each) for each in files if each.findings or each.format != "other"][:_MOST_KEPT],
        "pickle_allowed": answered,
    }
    status = Status.FAIL if against else Status.PASS
    message = _failed(against, pickles, spec) if against else _passed(files, pickles)
    return GateResult(
        spec.gate, status, message, value=len(against), threshold=0, margin=-len(against), evidence=evidence
    )


def _against(file: ScannedFile, *, answered: bool) -> list[str]:
    if file.format != "pickle":
        return [f"{file.path}: {each}" for each in file.findings]
    if answered:
        return [f"{file.path}: {each}" for each in file.dangerous]
    return [f"{file.path}: {each}" for each in file.findings or ("It is pickled, and a pickle is code.",)]


def _failed(against: list[str], pickles: Sequence[ScannedFile], spec: ScanGate) -> str:
    more = f" And {len(against) - _SHOWN} more." if len(against) > _SHOWN else ""
    way = ""
    if pickles and not any(each.dangerous for each in pickles):
        way = (
            " An approver may answer for the pickle with `qd models allow-pickle`."
            if spec.allow_pickle
            else " Log the model as skops or ONNX."
        )
    return f"{' '.join(against[:_SHOWN])}{more}{way}"


def _passed(files: Sequence[ScannedFile], pickles: Sequence[ScannedFile]) -> str:
    looked = "1 file was" if len(files) == 1 else f"{len(files)} files were"
    if not pickles:
        return f"{looked} looked through; nothing speaks against them."
    doubts = sum(len(each.findings) for each in pickles)
    return f"{looked} looked through; an approver answers for the pickle ({doubts} findings)."


def _plain(file: ScannedFile) -> dict[str, object]:
    return {
        "path": file.path,
        "format": file.format,
        "size_bytes": file.size_bytes,
        "findings": list(file.findings),
        "dangerous": list(file.dangerous),
    }

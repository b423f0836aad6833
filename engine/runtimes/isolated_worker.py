"""The process that holds a pickled model: it gives up what it may do, then loads it, then answers."""

from __future__ import annotations

import os
import sys
from typing import Any

from engine.runtimes.frames import FOREVER, pack, receive, rows_from_message, send

_NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000  # CLONE_NEWUSER | CLONE_NEWNET
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_KILL = 9


def main() -> None:
    """Speak over standard input and output until the other side ends."""
    answers = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)  # what the model prints must not come between the answers
    try:
        greeting = receive(0, FOREVER)
        _give_up(int(greeting["memory_bytes"]))
        model = _load(greeting["model"])
        send(answers, pack(_describe(model)), FOREVER)
        _answer(model, answers)
    except (EOFError, OSError):
        return


def _give_up(memory_bytes: int) -> None:
    """Memory, files, core dumps and, where the system lets us, the network."""
    import ctypes
    import resource

    for what, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_AS, memory_bytes),
    ):
        _, hard = resource.getrlimit(what)
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (most, most))
    if sys.platform == "linux":
        system = ctypes.CDLL(None)
        system.prctl(_DIE_WITH_PARENT, _KILL)
        system.unshare(_NEW_USER_AND_NETWORK)  # refused in some containers; the limits hold all the same


def _load(data: bytes) -> Any:
    import io
    import warnings

    import joblib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return joblib.load(io.BytesIO(data))


def _describe(model: Any) -> dict[str, Any]:
    from engine.runtimes.describing import classes_of

    names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    classes = [each if isinstance(each, (str, bool, int, float)) else str(each) for each in classes_of(model)]
    return {
        "predicts": hasattr(model, "predict"),
        "names": names,
        "size": int(getattr(model, "n_features_in_", 0) or len(names)),
        "classes": classes,
        "probabilities": bool(classes) and hasattr(model, "predict_proba"),
    }


def _answer(model: Any, answers: int) -> None:
    from engine.core.errors import PredictionFailed
    from engine.runtimes.estimator import EstimatorRuntime
    from engine.runtimes.frames import array_to_message
    from engine.runtimes.model import Field, Interface

    runtime: EstimatorRuntime | None = None
    while True:
        asked = receive(0, FOREVER)
        if "inputs" in asked:
            sides = [tuple(Field(name, dtype) for name, dtype in asked[side]) for side in ("inputs", "outputs")]
            runtime = EstimatorRuntime(Interface(sides[0], sides[1], tuple(asked["classes"])), model)
            continue
        if runtime is None:
            return
        try:
            made = runtime.predict(rows_from_message(asked))
            said: dict[str, Any] = {"made": {name: array_to_message(values) for name, values in made.items()}}
        except PredictionFailed as error:
            said = {"code": error.code, "message": error.message}
        send(answers, pack(said), FOREVER)

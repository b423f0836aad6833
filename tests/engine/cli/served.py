"""A model so small that it is made anew wherever something has to be served."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import engine


@cache
def small_model() -> bytes:
    """A fitted model of one input, as a skops file."""
    import skops.io
    from sklearn.linear_model import LogisticRegression

    return bytes(skops.io.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1])))


def register_small(workspace: Path, *, versions: int = 1) -> None:
    """Register so many versions of the model `small`; their bytes differ by a file beside the model."""
    with engine.open(workspace) as opened:
        for number in range(versions):
            with opened.runs.start("small", "run", capture=False) as run:
                run.log_bytes(small_model(), "model/model.skops")
                run.log_bytes(str(number).encode(), "model/number.txt")
            opened.models.register("small", run_id=run.id, artifact_path="model")


def serve_small(workspace: Path) -> None:
    """An endpoint `small` with version 1 live; version 2 is there to be tried."""
    register_small(workspace, versions=2)
    with engine.open(workspace) as opened:
        opened.endpoints.create("small", "small")
        opened.endpoints.deploy("small", 1, reason="first")

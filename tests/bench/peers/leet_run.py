"""Logs one run of eight curves into a folder, offline, for `wandb leet` to open. Runs in the anchors' environment."""

from __future__ import annotations

import math
import sys

import wandb  # type: ignore[import-not-found]  # another environment's

if __name__ == "__main__":
    folder, steps = sys.argv[1], int(sys.argv[2])
    run = wandb.init(project="anchor", dir=folder, mode="offline")
    for step in range(steps):
        run.log({f"m{curve}": math.sin(step / 100 + curve) for curve in range(8)})
    run.finish()

"""The runs of the big workspace: the same for the same number, however many are asked for.

Every run has 10 parameters, 10 metrics and 3 tags. `m0` to `m8` are uniform in [0, 1); `p1` is one of five letters, so
that `metrics.m1 < 0.5 AND params.p1 = 'x'` finds one run in ten. `p9` says whether `m9` is below one half, so that
asking for both the wrong way round finds nothing although each half finds many: the worst question for an index.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from engine.tracking.model import MetricPoint, RunImport, RunStatus

BEGIN_MS = 1_750_000_000_000
"""When the oldest run began; the newest of 100,000 began ten weeks later."""

BETWEEN_MS = 60_000
SEED = 20_261_103

LONG_RUN = "f" * 31 + "0"
"""Id of the run with the longest history."""

LONG_KEY = "loss"
LONG_POINTS = 1_000_000
LONG_RUNS = 3
"""Further runs with long histories of all ten metrics."""

LONG_RUN_POINTS = 20_000
CHUNK = 50_000

PARAM_KEYS = tuple(f"p{number}" for number in range(10))
METRIC_KEYS = tuple(f"m{number}" for number in range(10))
P1 = ("x", "y", "z", "u", "v")
FAMILIES = ("forest", "boosting", "linear", "network", "bayes", "nearest", "kernel")
COLOURS = ("amber", "azure", "coral", "ivory", "jade", "ochre", "olive", "pearl", "scarlet", "teal")
BIRDS = ("condor", "falcon", "heron", "ibis", "kestrel", "osprey", "plover", "raven", "swift", "wren")
EXPERIMENTS = tuple(f"{task}-{team}" for task in ("churn", "credit", "demand", "fraud", "rain") for team in "abcd")
USERS = ("ada", "emmy", "grace", "katherine", "mary", "sofia")
STATUSES = (*[RunStatus.FINISHED] * 17, RunStatus.FAILED, RunStatus.FAILED, RunStatus.KILLED)


def sample_runs(count: int, first: int = 0) -> Iterator[RunImport]:
    """Runs number `first` to `count`."""
    for number in range(first, count):
        yield sample_run(number)


def sample_run(number: int) -> RunImport:
    """One run."""
    rng = random.Random(SEED + number)
    begun = BEGIN_MS + number * BETWEEN_MS + rng.randrange(BETWEEN_MS)
    ended = begun + rng.randrange(5_000, 7_200_000)
    values = [rng.random() for _ in METRIC_KEYS]
    params = {key: f"{rng.random():.4f}" for key in PARAM_KEYS}
    params |= {
        "p1": rng.choice(P1),
        "p2": str(rng.randrange(1, 64)),
        "p3": rng.choice(FAMILIES),
        "p9": "low" if values[9] < 0.5 else "high",
    }
    return RunImport(
        experiment=EXPERIMENTS[number % len(EXPERIMENTS)],
        name=f"{rng.choice(COLOURS)}-{rng.choice(BIRDS)}-{number:06d}",
        run_id=f"{rng.getrandbits(124):031x}e",
        status=rng.choice(STATUSES),
        start_ms=begun,
        end_ms=ended,
        user=rng.choice(USERS),
        params=params,
        metrics=[(key, value, 0, ended) for key, value in zip(METRIC_KEYS, values, strict=True)],
        tags={"family": params["p3"], "team": rng.choice("abcd"), "ticket": f"ML-{rng.randrange(100_000)}"},
    )


def long_run(number: int, after: int) -> RunImport:
    """A run for a long history, without its points; number 0 is the longest. after: the runs that began before."""
    begun = BEGIN_MS + (after + number) * BETWEEN_MS
    return RunImport(
        experiment=EXPERIMENTS[0],
        name="long-history" if number == 0 else f"long-history-{number}",
        run_id=f"{LONG_RUN[:-1]}{number:x}",
        start_ms=begun,
        end_ms=begun + LONG_POINTS,
        user=USERS[0],
    )


def long_history(number: int) -> Iterator[list[MetricPoint]]:
    """The points of a long run, in chunks."""
    rng = random.Random(SEED - 1 - number)
    keys = (LONG_KEY,) if number == 0 else METRIC_KEYS
    points = LONG_POINTS if number == 0 else LONG_RUN_POINTS
    for key in keys:
        value = 5.0
        for begin in range(0, points, CHUNK):
            chunk: list[MetricPoint] = []
            for step in range(begin, min(points, begin + CHUNK)):
                value = 0.9999 * value + 0.05 * (rng.random() - 0.5)  # noise around a slow descent
                chunk.append((key, value, step, BEGIN_MS + step))
            yield chunk

"""The process in which versions are tried: it ends when it should, and says why when it should not have."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import pytest

from engine.core.errors import IntegrityError, NotServable, PredictionFailed
from engine.gates.trial_process import TrialProcess
from engine.runtimes.building import build
from tests.engine.gates.bakery import skops_of


@pytest.fixture
def process() -> Iterator[TrialProcess]:
    with TrialProcess(lambda: None) as made:
        yield made


def trials() -> set[int]:
    """The processes that this one has started."""
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def load(process: TrialProcess, folder: Path) -> None:
    """Load a small model."""
    made = build({"model.skops": lambda: skops_of("linear")})
    path = folder / "built"
    path.write_bytes(made.data)
    process.ask(
        "load",
        60,
        path=str(path),
        kind=made.kind.value,
        file_format=made.file_format,
        interface=asdict(made.interface),
        digest=sha256(made.data).hexdigest(),
    )


def test_a_loaded_model_answers_until_it_is_closed(tmp_path: Path) -> None:
    before = trials()
    with TrialProcess(lambda: None) as process:
        load(process, tmp_path)
        assert process.ask("prepare", 60, rows=3, records="[]", samples=None) == "made-up rows"
        told = process.ask("round", 60, for_s=0.05)
        assert told["calls"] == sum(told["buckets"].values()) >= 20
        assert process.ask("weigh", 60)["resident_bytes"] > 1_000_000
        assert len(trials() - before) == 1
    assert trials() == before


def test_what_takes_too_long_is_stopped(process: TrialProcess, tmp_path: Path) -> None:
    load(process, tmp_path)
    process.ask("prepare", 60, rows=1, records="[]", samples=None)
    began_s = time.monotonic()
    with pytest.raises(PredictionFailed, match=r"longer than 0\.3 s"):
        process.ask("round", 0.3, for_s=60.0)
    assert time.monotonic() - began_s < 5


def test_a_process_that_dies_says_how(tmp_path: Path) -> None:
    before = trials()
    with TrialProcess(lambda: None) as process:
        load(process, tmp_path)
        (pid,) = trials() - before
        os.kill(pid, signal.SIGSEGV)
        with pytest.raises(PredictionFailed, match="ended \\(signal 11\\)"):
            process.ask("weigh", 60)
        with pytest.raises(PredictionFailed):
            process.ask("weigh", 1)


class Enough(Exception):
    """Nobody wants to know any more."""


def test_whoever_waits_may_stop_it_and_nothing_is_left(tmp_path: Path) -> None:
    before = trials()
    asked: list[bool] = []

    def waiting() -> None:
        if asked:
            raise Enough

    with pytest.raises(Enough), TrialProcess(waiting) as process:
        load(process, tmp_path)
        process.ask("prepare", 60, rows=1, records="[]", samples=None)
        asked.append(True)
        process.ask("round", 60, for_s=60.0)
    assert trials() == before


def test_other_bytes_than_were_promised_are_not_loaded(process: TrialProcess, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"other")
    with pytest.raises(IntegrityError):
        process.ask("scan", 60, path=str(path), digest="0" * 64, name="model.onnx")
    with pytest.raises(IntegrityError):
        process.ask("scan", 60, path=str(tmp_path / "gone"), digest="0" * 64, name="model.onnx")


def test_nothing_loaded_is_nothing_to_call(process: TrialProcess) -> None:
    with pytest.raises(NotServable):
        process.ask("prepare", 60, rows=1, records="[]", samples=None)


def test_a_process_that_breaks_on_what_it_is_told_goes_on(process: TrialProcess, tmp_path: Path) -> None:
    with pytest.raises(PredictionFailed, match="broke while it was tried"):
        process.ask("load", 60, path=str(tmp_path), kind="no such kind", file_format="", interface={}, digest="")
    with pytest.raises(NotServable):
        process.ask("round", 60, for_s=0.1)

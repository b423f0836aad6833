from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from engine.serving.counting import Sums, Whose
from engine.serving.sharing import Shared, Standing, files, forget

if TYPE_CHECKING:
    from pathlib import Path

LIVE = Whose("churn", "churn", 1, "live")
CANARY = Whose("churn", "churn", 2, "canary")


def left(folder: Path, group: int, worker: int, data: bytes) -> None:
    (folder / f"{group}-{worker}.sums").write_bytes(data)


def told(folder: Path, group: int) -> bytes:
    return files(folder, group)[0].read_bytes()


def test_a_worker_tells_its_own_sums_and_those_that_others_left(tmp_path: Path) -> None:
    shared = Shared(tmp_path, 7)
    shared.publish({LIVE: Sums(5, 1, 2, {3: 5}, 900), CANARY: Sums(1, latency={0: 1})}, Standing())
    left(tmp_path, 7, 1, told(tmp_path, 7))  # another worker, or one that has ended
    found = shared.all({LIVE: Sums(10, latency={3: 1, 4: 9}, latency_us=100)})
    assert found == {LIVE: Sums(15, 1, 2, {3: 6, 4: 9}, 1000), CANARY: Sums(1, latency={0: 1})}


def test_its_own_file_is_not_counted_twice(tmp_path: Path) -> None:
    shared, own = Shared(tmp_path, 7), {LIVE: Sums(5)}
    shared.publish(own, Standing())
    assert shared.all(own) == own


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x91\x92\xa1a\x80", b"\x05"], ids=["empty", "none", "other", "number"]
)
def test_a_broken_file_counts_nothing(tmp_path: Path, data: bytes) -> None:
    left(tmp_path, 7, 1, data)
    assert Shared(tmp_path, 7).all({LIVE: Sums(5)}) == {LIVE: Sums(5)}


def test_other_groups_are_left_alone(tmp_path: Path) -> None:
    Shared(tmp_path, 7).publish({LIVE: Sums(5)}, Standing())
    assert Shared(tmp_path, 77).all({}) == {}
    forget(tmp_path, 77)
    assert len(files(tmp_path, 7)) == 1
    forget(tmp_path, 7)
    assert files(tmp_path, 7) == []


def test_a_folder_that_is_gone_harms_nobody(tmp_path: Path) -> None:
    shared = Shared(tmp_path / "gone", 7)
    shared.publish({LIVE: Sums(5)}, Standing())
    assert shared.all({LIVE: Sums(5)}) == {LIVE: Sums(5)}


def test_how_all_stand_is_told_of_those_that_live(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    shared = Shared(tmp_path, 7)
    shared.publish({}, Standing(3, 8))
    for worker in (os.getppid(), ended.pid):
        left(tmp_path, 7, worker, told(tmp_path, 7))
    left(tmp_path, 7, 10**30, told(tmp_path, 7))
    assert shared.standing(Standing(2, 0)) == Standing(5, 8)
    assert Shared(tmp_path, 77).standing(Standing(2, 0)) == Standing(2, 0)


def test_what_waits_is_told_though_nothing_was_answered_meanwhile(tmp_path: Path) -> None:
    shared = Shared(tmp_path, 7)
    for waiting in (3, 0):
        shared.publish({}, Standing(waiting))
        left(
            tmp_path,
            7,
            os.getppid(),
            next(each for each in files(tmp_path, 7) if str(os.getpid()) in each.name).read_bytes(),
        )
        assert shared.standing(Standing()) == Standing(waiting)

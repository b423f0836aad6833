from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.serving.counting import Sums, Whose
from engine.serving.sharing import Shared, files, forget

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
    shared.publish({LIVE: Sums(5, 1, 2, {3: 5}, 900), CANARY: Sums(1, latency={0: 1})})
    left(tmp_path, 7, 1, told(tmp_path, 7))  # another worker, or one that has ended
    found = shared.all({LIVE: Sums(10, latency={3: 1, 4: 9}, latency_us=100)})
    assert found == {LIVE: Sums(15, 1, 2, {3: 6, 4: 9}, 1000), CANARY: Sums(1, latency={0: 1})}


def test_its_own_file_is_not_counted_twice(tmp_path: Path) -> None:
    shared, own = Shared(tmp_path, 7), {LIVE: Sums(5)}
    shared.publish(own)
    assert shared.all(own) == own


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x91\x92\xa1a\x80", b"\x05"], ids=["empty", "none", "other", "number"]
)
def test_a_broken_file_counts_nothing(tmp_path: Path, data: bytes) -> None:
    left(tmp_path, 7, 1, data)
    assert Shared(tmp_path, 7).all({LIVE: Sums(5)}) == {LIVE: Sums(5)}


def test_other_groups_are_left_alone(tmp_path: Path) -> None:
    Shared(tmp_path, 7).publish({LIVE: Sums(5)})
    assert Shared(tmp_path, 77).all({}) == {}
    forget(tmp_path, 77)
    assert len(files(tmp_path, 7)) == 1
    forget(tmp_path, 7)
    assert files(tmp_path, 7) == []


def test_a_folder_that_is_gone_harms_nobody(tmp_path: Path) -> None:
    shared = Shared(tmp_path / "gone", 7)
    shared.publish({LIVE: Sums(5)})
    assert shared.all({LIVE: Sums(5)}) == {LIVE: Sums(5)}

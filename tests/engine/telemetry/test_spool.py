"""The data plane's end of the spool: never waits, stays within its bounds, and counts what it gives up."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.telemetry import spool as spool_module
from engine.telemetry.model import CaptureCount
from engine.telemetry.spool import Spool
from engine.telemetry.spool_files import SpoolFile, total_bytes
from tests.engine.telemetry.traffic import (
    NOW_S,
    ORIGIN,
    counted,
    prediction,
    requests,
    spooled,
    store_all,
    telemetry_database,
    until,
    window,
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 KB, where this user may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root mounts")
    words = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if subprocess.run(words, check=False, capture_output=True).returncode != 0:
        pytest.skip("nothing may be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def waiting(spool: Spool) -> int:
    return sum(each.sent for each in spool.counts())


def test_predictions_beyond_the_bound_are_dropped_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "MAX_WAITING", 100)
    spool = Spool(tmp_path / "spool", "plane", flush_s=30)
    kept = [spool.put_prediction(prediction(number)) for number in range(250)]
    assert kept == [True] * 100 + [False] * 150
    spool.close()
    assert spool.counts() == (CaptureCount(1, 3, 250, 100, 150),)
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    assert counted(database.path) == {(1, 3): (250, 100, 150)}


def test_the_bound_is_one_of_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "MAX_WAITING_BYTES", 100_000)
    monkeypatch.setattr(spool_module, "ENOUGH_BYTES", 10**9)
    spool = Spool(tmp_path / "spool", "plane", flush_s=30)
    assert spool.put_prediction(prediction(inputs=b" " * 60_000))
    assert not spool.put_prediction(prediction(inputs=[[1.0]], outputs={}), size_bytes=50_000)
    assert spool.put_prediction(prediction(inputs=[[1.0]]))
    spool.close()
    assert spool.counts() == (CaptureCount(1, 3, 3, 2, 1),)


@pytest.mark.parametrize("kind", ["deep", "of nobody"])
def test_what_nobody_expects_is_dropped_and_what_comes_later_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    strange = ORIGIN._replace(model=len)  # type: ignore[arg-type] # as a mistake of ours would have it
    odd = {"deep": prediction(inputs=deep), "of nobody": prediction(origin=strange)}
    spool = Spool(tmp_path / "spool", "plane", flush_s=0.01)
    for number in range(3):
        spool.put_prediction(odd[kind])
        until(lambda: waiting(spool) == 2 * number + 1)  # noqa: B023 called before the next round
        spool.put_prediction(prediction(number))
        until(lambda: waiting(spool) == 2 * number + 2)  # noqa: B023 as above
    spool.close()
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    assert counted(database.path)[1, 3] == (6, 3, 3)
    assert capsys.readouterr().err.count("The capture spool goes on") == (kind == "of nobody")


def test_a_request_that_is_too_long_is_dropped_and_harms_no_other(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "plane", flush_s=0.01)
    spool.put_prediction(prediction(1))
    spool.put_prediction(prediction(2, inputs=b'"' + b"x" * (4 << 20) + b'"'))
    spool.put_prediction(prediction(3, inputs=b'"' + b"x" * (4 << 19) + b'"'))
    spool.close()
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    assert counted(database.path) == {(1, 3): (3, 2, 1)}


def test_much_is_written_before_its_time(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "plane", flush_s=60)
    for number in range(8):
        spool.put_prediction(prediction(number, inputs=b" " * 50_000))
    until(lambda: waiting(spool) > 0, seconds=10)
    spool.close()


def test_after_the_end_everything_is_dropped_and_nothing_raises(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "plane")
    spool.close()
    assert not spool.put_prediction(prediction())
    spool.put_window(window())
    spool.close()


def test_values_of_any_kind_are_written_as_json(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "plane", flush_s=0.01)
    spool.put_prediction(prediction(inputs=np.array([[41.5, np.nan]]), outputs={"predict": np.array([1, 2])}))
    spool.close()
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    with database.snapshot() as view:
        found = view.execute("SELECT inputs, outputs FROM prediction").fetchone()
    assert found == (b"[[41.5,null]]", b'{"predict":[1,2]}')


def test_a_full_disk_costs_predictions_and_no_sums(small_disk: Path, tmp_path: Path) -> None:
    spool = Spool(small_disk / "spool", "plane", flush_s=0.01)
    database = telemetry_database(tmp_path / "telemetry.db")
    sent = 0

    def send() -> None:
        nonlocal sent
        for _ in range(20):
            spool.put_prediction(prediction(sent, inputs=b"[[" + b"1," * 500 + b"1]]"))
            sent += 1
        spool.put_window(window(requests=20))

    until(lambda: send() or os.statvfs(small_disk).f_bavail < 6)  # type: ignore[func-returns-value] # and then asks
    for _ in range(5):
        send()
    while_full = sent
    store_all(database, small_disk / "spool")
    until(lambda: waiting(spool) == while_full or store_all(database, small_disk / "spool").run())
    send()
    until(lambda: waiting(spool) == sent)
    spool.close()
    store_all(database, small_disk / "spool")
    found = counted(tmp_path / "telemetry.db")[1, 3]
    assert found[0] == sent
    assert found[2] > 0
    assert requests(tmp_path / "telemetry.db") == sent


def test_who_stores_nothing_loses_the_oldest_predictions_and_no_sums(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "plane", flush_s=0.001, max_bytes=400_000)
    sent = 0
    for _ in range(60):
        for _ in range(20):
            sent += 1
            spool.put_prediction(prediction(sent, inputs=b"[[" + b"1," * 500 + b"1]]"))
        spool.put_window(window(requests=20))
        until(lambda: waiting(spool) == sent)  # noqa: B023 called before the next round
        assert total_bytes(tmp_path / "spool") < 500_000
    spool.close()
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    _, stored, dropped = counted(database.path)[1, 3]
    assert (stored + dropped, requests(database.path)) == (sent, sent)
    assert stored > 0 < dropped
    with database.snapshot() as view:
        newest, oldest = view.execute("SELECT max(time_ms), min(time_ms) FROM prediction").fetchone()
    assert newest == NOW_S * 1000 + sent
    assert oldest > NOW_S * 1000 + dropped / 2
    assert spooled(tmp_path / "spool") == []


def test_a_file_that_loses_its_predictions_while_it_is_stored_counts_each_once(tmp_path: Path) -> None:
    from engine.telemetry import thinning
    from engine.telemetry.intake import Intake

    spool = Spool(tmp_path / "spool", "plane", flush_s=0.001)
    for number in range(30):
        spool.put_prediction(prediction(number, inputs=b"1" * 300_000))  # a frame each, and half a run each
        until(lambda number=number: waiting(spool) == number + 1)  # type: ignore[misc] # a default
    spool.close()
    intake = Intake(telemetry_database(tmp_path / "telemetry.db"), tmp_path / "spool")
    intake.run()
    stored = counted(tmp_path / "telemetry.db")[1, 3][1]
    assert 0 < stored < 30
    assert thinning.thin(tmp_path / "spool", 10**9) > 0
    while intake.run():
        pass
    assert counted(tmp_path / "telemetry.db") == {(1, 3): (30, stored, 30 - stored)}
    assert spooled(tmp_path / "spool") == []


def test_a_file_whose_writer_lives_is_left_alone(tmp_path: Path) -> None:
    from engine.telemetry import thinning

    spool = Spool(tmp_path / "spool", "plane", flush_s=0.001)
    spool.put_prediction(prediction())
    until(lambda: waiting(spool) == 1)
    assert thinning.thin(tmp_path / "spool", 10**9) == 0
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    assert spooled(tmp_path / "spool") == ["plane-00000001.spool"]
    spool.put_prediction(prediction(1))
    spool.close()
    store_all(database, tmp_path / "spool")
    assert counted(database.path) == {(1, 3): (2, 2, 0)}
    assert spooled(tmp_path / "spool") == []


def test_a_deleted_folder_is_made_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "plane", flush_s=0.001)
    spool.put_prediction(prediction())
    until(lambda: waiting(spool) == 1)
    shutil.rmtree(tmp_path / "spool")
    spool.put_prediction(prediction(1))
    spool.close()
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    assert counted(database.path) == {(1, 3): (1, 1, 0)}


@pytest.mark.parametrize("plane", ["gate-1:4711", "../../etc/passwd", "", "a" * 300, "é\n\x00"])
def test_no_plane_writes_anywhere_else(tmp_path: Path, plane: str) -> None:
    spool = Spool(tmp_path / "spool", plane, flush_s=0.001)
    spool.put_window(window())
    until(lambda: spooled(tmp_path / "spool") != [])
    spool.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["spool"]


def test_two_planes_of_one_name_never_share_a_file(tmp_path: Path) -> None:
    files = [SpoolFile(tmp_path, "plane", max_bytes=1 << 20) for _ in range(3)]
    for each in files:
        each.write(b"\x94\x90\x90\x90\x90")
    assert spooled(tmp_path) == [f"plane-0000000{number}.spool" for number in (1, 2, 3)]
    for each in files:
        each.close()


def test_sums_wait_for_room_for_hours_and_stay_exact(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    spool = Spool(tmp_path / "spool", "plane", flush_s=0.001)
    for second in range(7000):
        spool.put_window(window(NOW_S + second, requests=3))
    time.sleep(0.05)
    (tmp_path / "spool").unlink()
    spool.close()
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    assert [requests(database.path, step) for step in (1, 60, 3600)] == [21_000] * 3


def test_a_report_that_is_none_harms_no_other(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "plane", flush_s=0.01)
    spool.put_window(window(requests=2**70))
    spool.put_window(window()._replace(latency="nonsense"))  # type: ignore[arg-type] # on purpose
    spool.put_window(window(requests=7)._replace(latency={-1: 3, 33: 7, 10**6: 1}))
    spool.close()
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    assert requests(database.path) == 7

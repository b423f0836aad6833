"""Whatever is killed, cut short or in the way: nothing is stored twice, and stored + dropped = sent."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.telemetry.intake import Intake
from engine.telemetry.model import CaptureCount
from engine.telemetry.spool import Spool
from tests.builders import empty_workspace
from tests.engine.telemetry.traffic import (
    CANARY,
    ORIGIN,
    WriterProcess,
    counted,
    prediction,
    requests,
    spooled,
    store_all,
    telemetry_database,
    until,
    window,
)

PLANE = """
import sys, time
from pathlib import Path
from engine.telemetry.spool import Spool
from tests.engine.telemetry.traffic import prediction, window
spool = Spool(Path(sys.argv[1]), sys.argv[2], flush_s=0.01)
number = 0
print("ready", flush=True)
while True:
    for _ in range(50):
        spool.put_prediction(prediction(number, request_id=f"{sys.argv[2]}-{number}"))
        number += 1
    spool.put_window(window(requests=50))
    time.sleep(0.002)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return empty_workspace(tmp_path / "workspace").path


def test_a_report_is_stored_once_and_its_file_goes(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "gate-1:4711", flush_s=0.01)
    for number in range(1000):
        assert spool.put_prediction(prediction(number, CANARY if number % 10 == 0 else ORIGIN))
    spool.put_window(window(requests=1000))
    spool.close()
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    store_all(database, tmp_path / "spool")
    assert counted(database.path) == {(1, 3): (900, 900, 0), (1, 4): (100, 100, 0)}
    assert [requests(database.path, step) for step in (1, 60, 3600)] == [1000] * 3
    assert spooled(tmp_path / "spool") == []
    assert spool.counts() == (CaptureCount(1, 3, 900, 900, 0), CaptureCount(1, 4, 100, 100, 0))


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_stores_everything_once(workspace: Path) -> None:
    spool = Spool(workspace / "spool", "plane", flush_s=0.005)
    draw = random.Random(7)
    sent = 0
    for _ in range(20):
        with WriterProcess(workspace) as writer:
            until((workspace / "capture.lock").exists)
            for _ in range(draw.randrange(5, 60)):
                for _ in range(40):
                    sent += spool.put_prediction(prediction(sent))
                spool.put_window(window(requests=40))
            subprocess.run(["sleep", f"{draw.random() * 0.35:.3f}"], check=True)
            writer.kill()
    spool.close()
    with WriterProcess(workspace) as last:
        until(lambda: spooled(workspace / "spool") == [])
        assert last.end() == 0
    assert counted(workspace / "telemetry.db") == {(1, 3): (sent, sent, 0)}
    assert requests(workspace / "telemetry.db") == sent


@pytest.mark.slow
def test_planes_killed_at_any_moment_leave_only_whole_frames(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    draw = random.Random(3)
    for _ in range(10):
        words = [sys.executable, "-c", PLANE, str(folder), "plane"]  # the same name again, as after a restart
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(engine.__file__).parents[1]) as plane:
            assert plane.stdout is not None
            assert plane.stdout.readline() == "ready\n"
            until(lambda: any(entry.stat().st_size > 5000 for entry in folder.glob("*.spool")))
            subprocess.run(["sleep", f"{draw.random() * 0.2:.3f}"], check=True)
            plane.kill()
    database = telemetry_database(tmp_path / "telemetry.db")
    intake = store_all(database, folder)
    found = counted(database.path)
    assert found[1, 3][0] == found[1, 3][1] > 0
    assert intake.unreadable == 0
    assert spooled(folder) == []


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_is_read_to_its_last_whole_frame(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    sizes = data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=6))
    ends = [0]
    spool = Spool(folder / "spool", "plane", flush_s=0.0005)
    path = folder / "spool" / "plane-00000001.spool"
    for size in sizes:
        for number in range(size):
            spool.put_prediction(prediction(number))
        done = sum(sizes[: len(ends)])
        until(lambda done=done: sum(each.sent for each in spool.counts()) == done)  # type: ignore[misc] # a default
        ends.append(path.stat().st_size)
    spool.close()
    cut = data.draw(st.integers(0, ends[-1]))
    os.truncate(path, cut)
    database = telemetry_database(folder / "telemetry.db")
    database.migrate()
    store_all(database, folder / "spool")
    found = counted(database.path).get((1, 3), (0, 0, 0))
    at_least = sum(size for size, end in zip(sizes, ends[1:], strict=True) if end <= cut)
    assert at_least <= found[1] <= sum(sizes)
    assert spooled(folder / "spool") == []
    database.close()


def test_damage_in_the_middle_costs_one_frame(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", "plane", flush_s=0.001)
    path = tmp_path / "spool" / "plane-00000001.spool"
    ends = []
    for number in range(3):
        spool.put_prediction(prediction(number))
        until(lambda number=number: sum(each.sent for each in spool.counts()) == number + 1)  # type: ignore[misc] # same
        ends.append(path.stat().st_size)
    spool.close()
    with path.open("r+b") as stream:
        stream.seek(ends[0] + 30)
        stream.write(b"XXXX")
    database = telemetry_database(tmp_path / "telemetry.db")
    store_all(database, tmp_path / "spool")
    assert counted(database.path) == {(1, 3): (2, 2, 0)}


class _Interleaving:
    """One data plane after another, one writer after another, over a folder that may be in the way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = telemetry_database(folder / "telemetry.db")
        self.sent = self.windows = self.planes = 0
        self._begin()

    def _begin(self) -> None:
        self.spool = Spool(self.folder / "spool", "plane", flush_s=0.0005)

    def predict(self, count: int) -> None:
        for _ in range(count):
            self.spool.put_prediction(prediction(self.sent, request_id="é" * 40))
            self.sent += 1

    def odd(self, count: int) -> None:
        """What cannot be kept is dropped and counted, whatever it is."""
        odd = (object(), {1: object()}, float("nan"), b"", "\ud800")
        for number in range(count):
            self.spool.put_prediction(prediction(self.sent, inputs=odd[number % len(odd)]))
            self.spool.put_prediction(prediction(self.sent, request_id="\ud800", time_ms=2**80))
            self.sent += 2

    def report(self, count: int) -> None:
        self.spool.put_window(window(requests=count))
        self.windows += count

    def block(self, _count: int) -> None:
        """The folder goes, and a file stands where it should be: nothing can be written."""
        self.flushed()
        self.store(0)
        self.spool.close()
        shutil.rmtree(self.folder / "spool", ignore_errors=True)
        (self.folder / "spool").write_text("in the way")
        self._begin()

    def clear(self, _count: int) -> None:
        place = self.folder / "spool"
        if place.is_file():
            place.unlink()

    def store(self, _count: int) -> None:
        if (self.folder / "spool").is_dir():
            store_all(self.database, self.folder / "spool")

    def restart(self, _count: int) -> None:
        self.clear(0)
        self.spool.close()
        self._begin()

    def flushed(self) -> None:
        self.clear(0)
        self.spool.close()
        self._begin()

    def end(self) -> None:
        self.clear(0)
        self.spool.close()
        self.store(0)


STEP = st.tuples(
    st.sampled_from(["predict", "predict", "odd", "report", "block", "clear", "store", "restart"]), st.integers(1, 30)
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEP, max_size=20))
def test_whatever_happens_in_whatever_order_stored_and_dropped_are_sent(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    run = _Interleaving(tmp_path_factory.mktemp("interleaved"))
    for name, count in steps:
        getattr(run, name)(count)
    run.end()
    if run.sent or run.windows:
        found = counted(run.database.path).get((1, 3), (0, 0, 0))
        assert found[0] == run.sent
        assert requests(run.database.path) == run.windows
    run.database.close()


def test_a_file_that_takes_the_name_and_place_of_one_that_went_is_stored_too(tmp_path: Path) -> None:
    database = telemetry_database(tmp_path / "telemetry.db")
    intake = Intake(database, tmp_path / "spool")
    for round_ in range(1, 6):
        spool = Spool(tmp_path / "spool", "plane", flush_s=0.001)
        spool.put_prediction(prediction(round_))
        spool.close()
        assert spooled(tmp_path / "spool") == ["plane-00000001.spool"]
        while intake.run() or spooled(tmp_path / "spool"):
            pass
        assert counted(database.path) == {(1, 3): (round_, round_, 0)}

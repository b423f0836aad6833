"""Each file that a glob finds is a window: looked at once, again when it changed, and damaged ones say so."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from engine.monitoring.filing import SeenFiles, watched_files
from engine.monitoring.memory import Memory
from engine.monitoring.model import Kind, Verdict
from tests.engine.monitoring.town import Town


@pytest.fixture
def folder(town: Town, tmp_path: Path) -> Path:
    made = tmp_path / "parts"
    made.mkdir()
    write(town, made / "reference" / "all.csv", 2_000, seed=1)
    return made


def write(town: Town, path: Path, rows: int, *, seed: int, shift: float = 0.0) -> None:
    """Write rows of one world, or of one that has moved, some time ago."""
    random = Random(seed)
    path.parent.mkdir(exist_ok=True)
    lines = [f"{random.gauss(shift, 1)},{random.choice('abc')}" for _ in range(rows)]
    path.write_text("\n".join(["x,letter", *lines]) + "\n")
    age(town, path)


def age(town: Town, path: Path) -> None:
    now_s = town.clock.now_ms() // 1_000 - 60
    os.utime(path, (now_s, now_s))


def watch(town: Town, folder: Path, *tests: str) -> None:
    files = {"target": f"files {folder}/*.csv", "against": f"files {folder}/reference/*.csv"}
    town.monitors.create("watch", {**files, "tests": list(tests or ("drift",))})


def test_each_file_is_looked_at_once_in_the_order_of_their_names(town: Town, folder: Path) -> None:
    for day in (2, 1, 3):
        write(town, folder / f"day-{day}.csv", 500, seed=day, shift=2.0 if day == 3 else 0.0)
    watch(town, folder)
    found = town.run()
    assert [Path(each.window.file).name for each in found] == ["day-1.csv", "day-2.csv", "day-3.csv"]
    assert [each.verdict for each in found] == [Verdict.OK, Verdict.OK, Verdict.DRIFT]
    assert [each.paged for each in found] == [(), (), ("opened",)]
    assert town.run() == ()


def test_a_file_that_changed_is_looked_at_again(town: Town, folder: Path) -> None:
    write(town, folder / "day-1.csv", 500, seed=1)
    watch(town, folder)
    town.run()
    town.clock.advance(1_000)
    write(town, folder / "day-1.csv", 600, seed=1, shift=2.0)
    (again,) = town.run()
    assert (again.revision, again.rows, again.verdict) == (1, 600, Verdict.DRIFT)


def test_a_file_that_may_still_be_written_waits(town: Town, folder: Path) -> None:
    path = folder / "day-1.csv"
    write(town, path, 500, seed=1)
    now_s = town.clock.now_ms() // 1_000
    os.utime(path, (now_s, now_s))
    watch(town, folder)
    assert town.run() == ()
    town.clock.advance(20_000)
    assert len(town.run()) == 1


def test_a_damaged_file_says_so_and_the_others_are_looked_at(town: Town, folder: Path) -> None:
    (folder / "day-1.parquet").write_bytes(b"PAR1 and no more")
    age(town, folder / "day-1.parquet")
    write(town, folder / "day-2.csv", 500, seed=2)
    watch(town, folder)
    town.monitors.change("watch", {"target": f"files {folder}/day-*"})
    assert [each.verdict for each in town.run()] == [Verdict.FAILED, Verdict.OK]


def test_files_have_quality_and_performance_too(town: Town, folder: Path) -> None:
    random = Random(1)
    chances = [random.random() for _ in range(400)]
    rows = [f"{each:.4f},{int(each > 0.5)},{1 - each:.4f},{each:.4f},{int(random.random() < each)}" for each in chances]
    (folder / "day-1.csv").write_text("\n".join(["x,prediction,prediction of 0,prediction of 1,label", *rows]) + "\n")
    age(town, folder / "day-1.csv")
    watch(town, folder, "quality", "performance")
    quality, performance = sorted(town.run(), key=lambda each: each.kind != Kind.QUALITY)
    assert quality.verdict is Verdict.OK
    assert performance.report["labelled"] == 400
    assert 0.6 < float(str(performance.value)) < 1


def test_nothing_there_is_no_trouble(town: Town, folder: Path) -> None:
    watch(town, folder)
    town.monitors.change("watch", {"target": f"files {folder}/nothing/*"})
    assert town.run() == ()
    assert town.monitors.get("watch").problem == ""


def test_a_season_explains_what_would_alarm_against_the_whole_year(town: Town, folder: Path) -> None:
    for year in (1, 2, 3, 4):
        for part, shift in (("summer", 2.0), ("winter", -2.0)):
            write(town, folder / f"{year}-{part}.csv", 300, seed=10 * year + len(part), shift=shift)
    watch(town, folder)
    against = {"target": f"files {folder}/4-*.csv", "against": f"files {folder}/[123]-*.csv"}
    town.monitors.change("watch", {**against, "method": "psi", "threshold": 0.2})
    assert [each.verdict for each in town.run()] == [Verdict.DRIFT] * 2
    town.monitors.create("calm", {**against, "against": f"files {folder}/[123]-{{part}}.csv", "tests": ["drift"]})
    calm = town.run("calm")
    assert [each.verdict for each in calm] == [Verdict.OK] * 2
    assert all("x would have drifted: that is the season" in each.sentence for each in calm)


def test_equal_files_are_of_equal_quality(town: Town, folder: Path) -> None:
    for day in range(6):
        write(town, folder / f"day-{day}.csv", 200, seed=day)
    watch(town, folder, "quality")
    assert [each.verdict for each in town.run()] == [Verdict.OK] * 6


def test_a_back_test_takes_files_of_its_time_alone(town: Town, folder: Path) -> None:
    write(town, folder / "day-1.csv", 200, seed=1)
    town.clock.advance(3_600_000)
    write(town, folder / "day-2.csv", 200, seed=2)
    watch(town, folder)
    since_ms = town.clock.now_ms() - 1_800_000
    assert [Path(each.window.file).name for each in town.monitors.backtest("watch").results] == [
        "day-1.csv",
        "day-2.csv",
    ]
    assert town.monitors.backtest("watch", since_ms=since_ms).windows == 1


def remembered(town: Town) -> list[str]:
    with town.database.snapshot() as view:
        return [part for (part,) in view.execute("SELECT part FROM monitor_memory WHERE part LIKE 'file %'")]


def test_files_that_are_gone_are_forgotten_and_new_again_when_they_come_back(town: Town, folder: Path) -> None:
    for day in (1, 2, 3):
        write(town, folder / f"day-{day}.csv", 200, seed=day)
    watch(town, folder)
    town.run()
    assert len(remembered(town)) == 3
    (folder / "day-1.csv").rename(folder / "away")
    assert town.run() == ()
    assert len(remembered(town)) == 2
    (folder / "away").rename(folder / "day-1.csv")
    (found,) = town.run()
    assert Path(found.window.file).name == "day-1.csv"
    assert len(remembered(town)) == 3


def test_a_disk_that_is_away_makes_no_file_new(town: Town, folder: Path) -> None:
    write(town, folder / "day-1.csv", 200, seed=1)
    watch(town, folder)
    town.run()
    folder.rename(folder.with_name("away"))
    assert town.run() == ()
    folder.with_name("away").rename(folder)
    assert town.run() == ()


def test_of_too_many_files_the_newest_are_watched(tmp_path: Path) -> None:
    for name in ("b.csv", "c.csv", "a.csv"):
        (tmp_path / name).touch()
    assert [each.name for each in watched_files("*.csv", tmp_path, most=2)] == ["b.csv", "c.csv"]


def test_what_a_file_costs_does_not_depend_on_how_many_there_are() -> None:
    memory = Memory()
    files = SeenFiles(memory)
    for number in range(3_000):
        files.put(f"day-{number}.csv", [number, 1, 1])
        changed = memory.changed()
        assert len(changed) == 1
        assert all(content is not None and len(content) < 50 for content in changed.values())


def test_a_name_that_is_no_unicode_is_remembered() -> None:
    memory = Memory()
    SeenFiles(memory).put("\udcff.csv", [1, 2, 3])
    assert SeenFiles(memory).get("\udcff.csv") == [1, 2, 3]
    assert all(part.isascii() for part in memory.changed())

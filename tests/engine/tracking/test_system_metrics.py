"""Samples of the machine: what they say, how they reach the run, and that they never get in its way."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.core.errors import Busy, Conflict, InvalidInput
from engine.core.keys import in_order, is_system
from engine.tracking.machine import Machine
from engine.tracking.model import RunStatus
from engine.tracking.sampling import INTERVAL_S, VARIABLE, Sampler, interval
from engine.tracking.service import Runs

LIMIT_S = 20.0
SOON_S = 0.001

MEMINFO = "MemTotal:       1000000 kB\nMemFree:  100 kB\nMemAvailable:    250000 kB\nHugePages_Total:       0\n"
NETWORK = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier\n"
    "    lo: {0} 1 0 0 0 0 0 0 {0} 1 0 0 0 0 0 0\n"
    "  eth0:{1} 1 0 0 0 0 0 0 2000000 1 0 0 0 0 0 0\n"
)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "stat").write_text("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1\n")
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "net" / "dev").write_text(NETWORK.format(1_000_000, 5_000_000))
    return tmp_path


def test_a_machine_tells_its_use_since_the_last_reading(proc: Path) -> None:
    machine = Machine(proc)
    first = machine.read()
    assert "cpu_utilization_percentage" not in first
    assert first["system_memory_usage_percentage"] == 75.0
    assert first["system_memory_usage_megabytes"] == 768.0
    assert first["network_receive_megabytes"] == first["network_transmit_megabytes"] == 0.0
    (proc / "stat").write_text("cpu  150 0 125 750 125 0 0 0 50 0\n")
    (proc / "net" / "dev").write_text(NETWORK.format(1_500_000, 7_000_000))
    second = machine.read()
    assert second["cpu_utilization_percentage"] == 50.0
    assert (second["network_receive_megabytes"], second["network_transmit_megabytes"]) == (2.5, 0.5)


def test_names_are_those_that_mlflow_logs(proc: Path) -> None:
    machine = Machine(proc)
    machine.begin()
    (proc / "stat").write_text("cpu  150 0 125 750 125 0 0 0 50 0\n")
    assert set(machine.read()) == {
        "cpu_utilization_percentage",
        "system_memory_usage_megabytes",
        "system_memory_usage_percentage",
        "disk_usage_percentage",
        "disk_usage_megabytes",
        "disk_available_megabytes",
        "network_receive_megabytes",
        "network_transmit_megabytes",
    }


@pytest.mark.parametrize(
    ("file", "content"), [("stat", "cpu x"), ("meminfo", ""), ("net/dev", "lo: 1"), ("meminfo", "MemTotal: 0 kB\n")]
)
def test_what_cannot_be_read_is_left_out_and_not_asked_again(proc: Path, file: str, content: str) -> None:
    (proc / file).write_text(content)
    machine = Machine(proc)
    found = machine.read()
    assert found
    (proc / file).unlink()
    assert set(machine.read()) >= set(found) - {"cpu_utilization_percentage"}


def test_without_the_kernels_tables_only_the_disk_is_known(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "nothing")
    machine.read()
    assert {key.partition("_")[0] for key in machine.read()} == {"disk"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it in /proc")
def test_this_machine_is_read() -> None:
    machine = Machine()
    machine.read()
    deadline = time.monotonic() + LIMIT_S
    found = machine.read()
    while "cpu_utilization_percentage" not in found and time.monotonic() < deadline:
        found = machine.read()
    assert 0 <= found["cpu_utilization_percentage"] <= 100
    assert 0 < found["system_memory_usage_percentage"] < 100
    assert 0 <= found["disk_usage_percentage"] <= 100


class CardError(Exception):
    """As the library's own."""


def _broken(_handle: object) -> object:
    raise CardError


def test_cards_are_told_by_number_without_what_they_do_not_tell(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = SimpleNamespace(
        NVMLError=CardError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda place: place,
        nvmlDeviceGetMemoryInfo=lambda _handle: SimpleNamespace(used=4_000_000, total=8_000_000),
        nvmlDeviceGetUtilizationRates=lambda handle: SimpleNamespace(gpu=30 + handle),
        nvmlDeviceGetPowerUsage=_broken,
        nvmlDeviceGetEnforcedPowerLimit=_broken,
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    found = Machine(proc).read()
    assert {key: value for key, value in found.items() if key.startswith("gpu")} == {
        "gpu_0_memory_usage_percentage": 50.0,
        "gpu_0_memory_usage_megabytes": 4.0,
        "gpu_0_utilization_percentage": 30,
        "gpu_1_memory_usage_percentage": 50.0,
        "gpu_1_memory_usage_megabytes": 4.0,
        "gpu_1_utilization_percentage": 31,
    }


@pytest.mark.parametrize(
    ("asked", "variable", "seconds"),
    [
        (None, "", INTERVAL_S),
        (None, "on", INTERVAL_S),
        (None, "off", None),
        (None, " OFF ", None),
        (None, "0", None),
        (None, "2.5", 2.5),
        (0, "5", None),
        (0.0, "5", None),
        (30, "off", 30.0),
    ],
)
def test_the_argument_wins_over_the_environment(asked: float | None, variable: str, seconds: float | None) -> None:
    assert interval(asked, {VARIABLE: variable}) == seconds


@pytest.mark.parametrize(("asked", "variable"), [(None, "often"), (None, "nan"), (-1, ""), (0.01, ""), (None, "inf")])
def test_a_wrong_interval_is_refused_by_name(asked: float | None, variable: str) -> None:
    with pytest.raises(InvalidInput, match="system_metrics_s" if asked is not None else VARIABLE):
        interval(asked, {VARIABLE: variable})


class Log:
    """Collects samples; raises the errors it is given first."""

    def __init__(self, *errors: Exception) -> None:
        self.samples: list[tuple[int, Mapping[str, float]]] = []
        self.enough = threading.Event()
        self._errors = list(errors)

    def __call__(self, values: Mapping[str, float], step: int) -> None:
        self.samples.append((step, values))
        if self._errors:
            raise self._errors.pop(0)
        if len(self.samples) >= 4:
            self.enough.set()


def make_sampler(log: Log, proc: Path, over: Callable[[], bool] = lambda: False) -> Sampler:
    return Sampler(log, over, name="sampler-of-a-test", interval_s=SOON_S, machine=Machine(proc))


def wait_until_gone() -> None:
    for thread in threading.enumerate():
        if thread.name == "sampler-of-a-test":
            thread.join(LIMIT_S)
            assert not thread.is_alive()


def test_it_samples_until_it_is_stopped_and_notes_the_first_failure_only(
    proc: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(Busy("The disk is slow."), Busy("The disk is slow."))
    sampler = make_sampler(log, proc)
    with caplog.at_level(logging.WARNING, "quarterdeck"):
        sampler.start()
        assert log.enough.wait(LIMIT_S)
        sampler.stop()
    sampler.stop()
    assert [step for step, _ in log.samples] == list(range(len(log.samples)))
    assert all(is_system(key) for _, values in log.samples for key in values)
    assert [record.message for record in caplog.records] == ["A sample of the machine was not kept: The disk is slow."]


@pytest.mark.parametrize("error", [Conflict("The run is deleted."), RuntimeError("closed")])
def test_it_ends_when_there_is_nothing_to_log_to(proc: Path, error: Exception) -> None:
    log = Log(error)
    make_sampler(log, proc).start()
    wait_until_gone()
    assert len(log.samples) == 1


def test_it_ends_when_the_run_is_over(proc: Path) -> None:
    log = Log()
    make_sampler(log, proc, over=lambda: bool(log.samples)).start()
    wait_until_gone()
    assert len(log.samples) == 1


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_stops_without_a_thread(proc: Path) -> None:
    sampler = make_sampler(Log(), proc)
    sampler.start()
    child = os.fork()
    if child == 0:
        try:
            sampler.stop()
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    sampler.stop()


def test_a_run_logs_the_machine_beside_its_own_metrics(runs: Runs) -> None:
    with runs.start("churn", system_metrics_s=0.1) as run:
        run.log_metric("auc", 0.9)
        deadline = time.monotonic() + LIMIT_S
        while not any(map(is_system, runs.get(run.id).metrics)) and time.monotonic() < deadline:
            threading.Event().wait(0.02)
    found = runs.get(run.id)
    assert found.status is RunStatus.FINISHED
    assert in_order(found.metrics)[0] == "auc"
    assert "system/disk_usage_percentage" in found.metrics
    assert not [each for each in threading.enumerate() if each.name == f"sampler-{run.id[:8]}"]


@pytest.mark.parametrize("how", [{"system_metrics_s": 0}, {"status": RunStatus.SCHEDULED}])
def test_a_run_that_does_not_want_it_or_waits_has_no_sampler(runs: Runs, how: dict[str, Any]) -> None:
    run = runs.start("churn", **how)
    assert not [each for each in threading.enumerate() if each.name == f"sampler-{run.id[:8]}"]
    run.finish()


def test_a_run_is_sampled_unless_somebody_says_otherwise(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    with runs.start("churn") as run:
        assert [each for each in threading.enumerate() if each.name == f"sampler-{run.id[:8]}"]
    monkeypatch.setenv(VARIABLE, "often")
    with pytest.raises(InvalidInput, match=VARIABLE):
        runs.start("churn")
    assert runs.count() == 1


def test_metrics_of_the_machine_stand_last() -> None:
    assert in_order(["system/cpu", "zeta", "auc", "systematic"]) == ["auc", "systematic", "zeta", "system/cpu"]


def test_a_comparison_shows_metrics_of_the_machines_last(runs: Runs) -> None:
    for value in (0.1, 0.2):
        with runs.start("churn", system_metrics_s=0) as run:
            run.log_metrics({"zeta": 1.0, "auc": value, "system/cpu_utilization_percentage": value})
    compared = runs.compare([run.run_id for run in runs.page().items])
    assert [row.key for row in compared.metrics] == ["auc", "zeta", "system/cpu_utilization_percentage"]

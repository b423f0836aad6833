"""What a machine is doing: processor, memory, disk, network and graphics cards, under the names that MLflow uses.

Linux tells it in `/proc`; elsewhere only the disk is known without a library of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MEGA = 1e6
_PROC = Path("/proc")


class _Ticks(NamedTuple):
    """Time of all processors since the start, in ticks."""

    busy: int
    total: int


class Machine:
    """Reads how busy this machine is; shares of time are of the time since the last reading.

    Args:
        proc: Where the kernel tells.
    """

    def __init__(self, proc: Path = _PROC) -> None:
        self._proc = proc
        self._ticks: _Ticks | None = None
        self._traffic: tuple[int, int] | None = None
        self._cards: _Cards | None = None
        self._sources: list[Callable[[], dict[str, float]]] = [
            self._processor,
            self._memory,
            self._disk,
            self._network,
            self._graphics,
        ]

    def begin(self) -> None:
        """Note where shares of time and sums begin: what the first reading is compared with. Cheap, for every run."""
        self._from((self._processor, self._network))

    def read(self) -> dict[str, float]:
        """What is known now, by name without prefix.

        Returns:
            Percentages 0 to 100, megabytes of 10⁶ bytes, watts. Without a beginning the first reading knows no share
            of time. A source that cannot be read once is not asked again.
        """
        return {key: round(value, 1) for key, value in self._from(tuple(self._sources)).items()}

    def _from(self, sources: Sequence[Callable[[], dict[str, float]]]) -> dict[str, float]:
        found: dict[str, float] = {}
        for source in sources:
            try:
                found.update(source())
            except Exception:  # noqa: BLE001 odd kernels and drivers raise anything; the training must not suffer
                self._sources.remove(source)
        return found

    def _processor(self) -> dict[str, float]:
        now = _ticks((self._proc / "stat").read_text(encoding="ascii"))
        before, self._ticks = self._ticks, now
        if before is None or now.total <= before.total:
            return {}
        share = (now.busy - before.busy) / (now.total - before.total)
        return {"cpu_utilization_percentage": min(max(share, 0.0), 1.0) * 100}

    def _memory(self) -> dict[str, float]:
        lines = (line.split() for line in (self._proc / "meminfo").read_text(encoding="ascii").splitlines())
        kilobytes = {words[0]: int(words[1]) for words in lines if len(words) > 1}
        total, free = kilobytes["MemTotal:"], kilobytes["MemAvailable:"]
        return {
            "system_memory_usage_megabytes": (total - free) * 1024 / _MEGA,
            "system_memory_usage_percentage": (total - free) / total * 100,
        }

    def _disk(self) -> dict[str, float]:
        disk = os.statvfs(os.sep)
        used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
        free = disk.f_bavail * disk.f_frsize
        return {
            "disk_usage_percentage": used / (used + free) * 100,
            "disk_usage_megabytes": used / _MEGA,
            "disk_available_megabytes": free / _MEGA,
        }

    def _network(self) -> dict[str, float]:
        received, sent = _traffic((self._proc / "net" / "dev").read_text(encoding="ascii"))
        if self._traffic is None:
            self._traffic = (received, sent)
        return {
            "network_receive_megabytes": (received - self._traffic[0]) / _MEGA,
            "network_transmit_megabytes": (sent - self._traffic[1]) / _MEGA,
        }

    def _graphics(self) -> dict[str, float]:
        if self._cards is None:
            self._cards = _Cards()
        return self._cards.read()


def _ticks(stat: str) -> _Ticks:
    """The first line of `/proc/stat`: user nice system idle iowait irq softirq steal, then guests, counted already."""
    numbers = [int(word) for word in stat.split("\n", 1)[0].split()[1:9]]
    return _Ticks(sum(numbers) - numbers[3] - numbers[4], sum(numbers))


def _traffic(table: str) -> tuple[int, int]:
    """Bytes received and sent by all interfaces since the start, of `/proc/net/dev`."""
    rows = [line.rpartition(":")[2].split() for line in table.splitlines() if ":" in line]
    return sum(int(row[0]) for row in rows), sum(int(row[8]) for row in rows)


class _Cards:
    """Graphics cards, where `pynvml` is installed and finds some.

    Raises:
        ImportError: it is not installed.
        Exception: it finds no driver.
    """

    def __init__(self) -> None:
        import warnings
        from importlib import import_module

        with warnings.catch_warnings():  # the package was renamed, which is not the training program's business
            warnings.simplefilter("ignore")
            self._nvml = import_module("pynvml")
        self._nvml.nvmlInit()
        count = self._nvml.nvmlDeviceGetCount()
        self._handles = [self._nvml.nvmlDeviceGetHandleByIndex(place) for place in range(count)]

    def read(self) -> dict[str, float]:
        """Use, memory and power of each card; what a card does not tell is left out."""
        found: dict[str, float] = {}
        for place, handle in enumerate(self._handles):
            for part in (self._memory, self._use, self._power):
                try:
                    told = part(handle)
                except self._nvml.NVMLError:
                    continue
                found.update({f"gpu_{place}_{key}": value for key, value in told.items()})
        return found

    def _memory(self, handle: object) -> dict[str, float]:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
        return {
            "memory_usage_percentage": memory.used / memory.total * 100,
            "memory_usage_megabytes": memory.used / _MEGA,
        }

    def _use(self, handle: object) -> dict[str, float]:
        return {"utilization_percentage": self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu}

    def _power(self, handle: object) -> dict[str, float]:
        milliwatts = self._nvml.nvmlDeviceGetPowerUsage(handle)
        most = self._nvml.nvmlDeviceGetEnforcedPowerLimit(handle)
        return {"power_usage_watts": milliwatts / 1000, "power_usage_percentage": milliwatts / most * 100}

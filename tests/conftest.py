"""Where tests write: in memory where there is room, so that no test waits for a disk. And what none of them needs.

What a test asserts does not depend on it. A process that is killed leaves what the operating system has, on a disk as
in memory; disks that are full, broken or read-only are mounted by their own tests or made by failing calls; and no test
can cut the power, which is all that waiting for the disk is for. The tests of the database layer and of many processes
on one workspace write to the disk all the same (`pytest.mark.disk`), since file systems differ in more than speed.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

MEMORY = Path("/dev/shm")  # noqa: S108 pytest makes a folder of this user's own in it
DISK = tempfile.gettempdir()
ROOM_BYTES = 4 << 30
"""Several times what the whole suite leaves lying about at once."""


def pytest_configure(config: pytest.Config) -> None:
    """Choose the place, unless whoever starts the tests has chosen that of `tmp_path`."""
    if _has_room(MEMORY):
        tempfile.tempdir = str(MEMORY)
        if config.option.basetemp is None:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    # Threads of OpenMP that have nothing to do turn in circles for others to come: ten times the work on a shared core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # A run that a busy machine holds up for ten seconds would log what no test expects.
    os.environ["QUARTERDECK_SYSTEM_METRICS"] = "off"
    _choose_examples()
    # Nobody's own settings and memory: not read by a test's processes, and not written.
    own = tempfile.mkdtemp(prefix="qd-own-")
    os.environ["XDG_CONFIG_HOME"], os.environ["XDG_STATE_HOME"] = f"{own}/config", f"{own}/state"
    config.add_cleanup(partial(shutil.rmtree, own, ignore_errors=True))
    gc.disable()  # until everything is loaded and collected: nothing of it becomes garbage


def pytest_collection_finish() -> None:
    """Leave half a million objects that live to the end out of every later search for garbage."""
    gc.freeze()
    gc.enable()


def _choose_examples() -> None:
    """Let property tests draw the same examples every time, and `make fuzz` (`QD_FUZZ=1`) new and many more ones.

    A change must not be refused for what another one did: an example that nobody has drawn before belongs to whoever
    looks for it. On a busy machine, an example may take any time, and so may the tables of all characters that
    Hypothesis makes in a fresh checkout.
    """
    slow = [HealthCheck.too_slow]
    settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=slow)
    settings.register_profile("new", max_examples=500, deadline=None, print_blob=True, suppress_health_check=slow)
    settings.load_profile("new" if os.environ.get("QD_FUZZ") else "same")


def _has_room(place: Path) -> bool:
    try:
        found = os.statvfs(place)
        told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    except (OSError, AttributeError):  # not Linux
        return False
    spare = min(found.f_bavail * found.f_frsize, int(told["MemAvailable"].split()[0]) * 1024)
    return os.access(place, os.W_OK) and not found.f_flag & os.ST_NOEXEC and spare >= ROOM_BYTES


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The folder of one test; of one that is marked so, on the disk."""
    if request.node.get_closest_marker("disk") is None:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="qd-test-", dir=DISK, ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()

"""Real file systems that are full, read-only or closed to us: one clear sentence, the right exit code, nothing lost."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import engine
from engine.core.errors import QuarterdeckError, WorkspaceFull, WorkspaceReadOnly
from engine.tracking.model import RunQuery, RunStatus
from tests.bench.pty.session import PtySession

ROOT = Path(__file__).parents[2]
NOBODY = 65_534
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # newer Pythons warn of threads

READING: tuple[tuple[str, ...], ...] = (
    ("experiments", "list", "--json"),
    ("runs", "list", "--json"),
    ("runs", "list", "--filter", "metrics.loss > 0", "--json"),
    ("models", "list", "--json"),
    ("versions", "list", "--json"),
    ("approvals", "list", "--json"),
    ("audit", "list", "--json"),
    ("audit", "verify"),
    ("policy", "check"),
    ("db", "check", "--deep"),
    ("db", "stats"),
)
WRITING: tuple[tuple[str, ...], ...] = (
    ("experiments", "create", "more"),
    ("experiments", "rename", "kept", "more"),
    ("runs", "start", "--experiment", "kept"),
    ("models", "create", "more"),
)


class Disk:
    """A small file system of its own.

    Args:
        path: Where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.workspace = path / "workspace"

    def remount(self, how: str) -> None:
        """Make it `ro` or `rw`."""
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.path)], check=True, timeout=30)

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.path / "filler").open("ab", buffering=0) as filler:
            for size in (65_536, 4_096, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError:
                    continue

    def free(self) -> None:
        """Make room again."""
        (self.path / "filler").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "quarterdeck-test", str(place)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    made = Disk(place)
    engine.create(made.workspace)
    with engine.open(made.workspace) as opened:
        opened.experiments.create("kept")
        with opened.runs.start("kept", capture=False) as run:
            run.log_metric("loss", 0.5)
            run.log_bytes(b"model", "model/weights")
    yield made
    subprocess.run(["umount", "-l", str(place)], check=True, timeout=30)


def qd(disk: Disk, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one command line on the disk's workspace."""
    command = [sys.executable, "-m", "console", "--workspace", str(disk.workspace), *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What a refused command said: one line, no traceback, no jargon of the database."""
    assert done.returncode == 1, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("qd: ")
    assert not re.search(r"Traceback|sqlite|internal error|disk I/O|unable to open", lines[0])
    return lines[0]


def test_a_disk_that_fills_up_keeps_every_acknowledged_batch(disk: Disk) -> None:
    acknowledged = 0
    reserve = disk.path / "reserve"
    reserve.write_bytes(b"x" * 400_000)
    with engine.open(disk.workspace) as opened:
        run = opened.runs.start("kept", "long", capture=False, status=RunStatus.SCHEDULED)
        with pytest.raises(WorkspaceFull, match="nothing was written"):
            while True:
                run.log_batch([("loss", step / 3, step, acknowledged) for step in range(400)])
                acknowledged += 1
        with pytest.raises(WorkspaceFull):
            run.log_bytes(b"x" * 5_000_000, "big")
        assert opened.runs.count(RunQuery(experiment="kept")) == 2
    disk.fill()
    with engine.open(disk.workspace) as opened:
        assert len(opened.runs.metric_points(run.id, "loss", limit=50_000).items) == acknowledged * 400
        assert all(finding.ok for finding in opened.maintenance.check(deep=True))
        disk.free()
        reserve.unlink()
        opened.runs.log_batch(run.id, metrics=[("loss", 0.0, 1_000, 0)])
        assert [artifact.path for artifact in opened.runs.artifacts(run.id)] == []
    assert list(disk.path.rglob("*.part")) == []


def test_on_a_full_disk_everything_can_be_read_and_nothing_is_half_written(disk: Disk) -> None:
    disk.fill()
    for words in READING:
        done = qd(disk, *words)
        assert (done.returncode, done.stderr) == (0, ""), words
    for words in WRITING:
        assert "No space is left" in one_sentence(qd(disk, *words)), words
    assert "No space is left" in one_sentence(qd(disk, "db", "backup", str(disk.path / "backup")))
    assert "No space is left" in one_sentence(qd(disk, "init", str(disk.path / "another")))
    assert sorted(path.name for path in disk.path.iterdir() if path.name.startswith("backup")) == []
    disk.free()
    assert qd(disk, "init", str(disk.path / "another")).returncode == 0
    assert qd(disk, *WRITING[0]).returncode == 0


def test_a_backup_that_runs_out_of_space_among_the_artifacts_leaves_nothing(disk: Disk) -> None:
    with engine.open(disk.workspace) as opened:
        run = opened.runs.start("kept", capture=False, status=RunStatus.SCHEDULED)
        run.log_bytes(os.urandom(3_000_000), "big")
        with pytest.raises(WorkspaceFull, match="the backup"):
            opened.maintenance.backup(disk.path / "backup")
    assert sorted(path.name for path in disk.path.iterdir()) == ["workspace"]


def test_a_restore_that_runs_out_of_space_changes_nothing(disk: Disk, tmp_path: Path) -> None:
    with engine.open(disk.workspace) as opened:
        opened.maintenance.backup(tmp_path / "backup")
        opened.experiments.create("since")
        disk.fill()
        with pytest.raises(WorkspaceFull):
            opened.maintenance.restore(tmp_path / "backup", reason="try")
        assert opened.experiments.get("since").name == "since"
        disk.free()
        opened.maintenance.restore(tmp_path / "backup", reason="try")
        assert [each.name for each in opened.experiments.page().items] == ["kept"]
        assert all(finding.ok for finding in opened.maintenance.check(deep=True))


def leave_a_log_behind(disk: Disk) -> None:
    """Be killed right after a write."""
    script = (
        "import os, sys, engine\nengine.open(sys.argv[1]).experiments.create('in the log')\nos.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(disk.workspace)], cwd=ROOT, check=False, timeout=60)


@pytest.mark.parametrize("in_log", [False, True], ids=["closed", "with a log"])
def test_a_read_only_file_system_can_be_read_and_says_why_it_cannot_be_written(disk: Disk, in_log: bool) -> None:
    if in_log:
        leave_a_log_behind(disk)
    disk.remount("ro")
    for words in READING:
        for option in ((), ("--readonly",)):
            done = qd(disk, *option, *words)
            assert (done.returncode, done.stderr) == (0, ""), words
    assert ("in the log" in qd(disk, "experiments", "list").stdout) is in_log
    for words in WRITING:
        assert "read-only file system" in one_sentence(qd(disk, *words)), words
    assert qd(disk, "--readonly", *WRITING[0]).returncode == 4
    assert "Read-only file system" in one_sentence(qd(disk, "db", "backup", str(disk.path / "backup")))
    assert "Read-only file system" in one_sentence(qd(disk, "init", str(disk.path / "another")))
    disk.remount("rw")
    assert qd(disk, *WRITING[0]).returncode == 0


def test_a_backup_is_taken_from_a_read_only_file_system(disk: Disk, tmp_path: Path) -> None:
    disk.remount("ro")
    assert qd(disk, "db", "backup", str(tmp_path / "backup")).returncode == 0
    with engine.open(tmp_path / "backup") as copy:
        assert all(finding.ok for finding in copy.maintenance.check(deep=True))


def test_the_console_opens_a_read_only_file_system(disk: Disk) -> None:
    disk.remount("ro")
    command = [
        sys.executable,
        "-m",
        "console",
        "--workspace",
        str(disk.workspace),
        "--readonly",
        "console",
        "experiments",
    ]
    with PtySession(command) as session:
        session.until_text("kept")
        session.send("q")
        assert session.wait() == 0


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that other users can get at."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_somebody_else(act: Callable[[], object]) -> str:
    """What an act ends with for a user who owns nothing here: `ok`, or the error's name and message."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "broken"
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            act()
            said = "ok"
        except QuarterdeckError as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with closing(os.fdopen(reading)) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def source_is_closed() -> bool:
    """Whether another user cannot reach the product's own files, so that nothing could be loaded as them."""
    here = Path(engine.__file__)
    return os.getuid() == 0 and any(not folder.stat().st_mode & stat.S_IXOTH for folder in here.parents)


@pytest.mark.skipif(source_is_closed(), reason="this checkout can be read by root alone")
def test_a_workspace_without_permission_is_named(tmp_path: Path) -> None:
    with reachable_folder() as folder:
        made = engine.create(folder / "workspace")

        def look() -> None:
            with engine.open(made.path) as opened:
                opened.experiments.page()

        def write() -> None:
            with engine.open(made.path) as opened:
                opened.experiments.create("more")

        look()  # loads what it needs, while everything may be read
        write()
        made.path.chmod(0o000)
        assert as_somebody_else(look) == (
            f"WorkspaceReadOnly: The workspace {made.path} cannot be opened: Permission denied. Check its permissions."
        )
        made.path.chmod(0o555)
        assert as_somebody_else(look) == "ok"
        assert as_somebody_else(write).startswith("WorkspaceReadOnly: ")
        assert "may not be written by this user" in as_somebody_else(write)
        made.path.chmod(0o755)


def test_artifacts_that_cannot_be_written_are_named(disk: Disk) -> None:
    with engine.open(disk.workspace) as opened:
        run = opened.runs.start("kept", capture=False, status=RunStatus.SCHEDULED)
        run.log_bytes(b"first", "a")
        objects = disk.workspace / "artifacts" / "objects"
        (disk.workspace / "artifacts").rename(disk.workspace / "aside")
        run.log_bytes(b"second", "b")
        assert len(list(objects.rglob("*"))) == 2
        findings = {finding.check: finding for finding in opened.maintenance.check()}
        assert "missing" in findings["artifacts"].message
        with pytest.raises(QuarterdeckError, match="cannot be read"):
            opened.runs.read_artifact(run.id, "a")
    disk.remount("ro")
    with engine.open(disk.workspace) as opened, pytest.raises(WorkspaceReadOnly, match="The artifact folder"):
        opened.runs.log_bytes(run.id, b"third", "c")

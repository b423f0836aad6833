"""Jobs of a workspace: the operations."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from engine.core.access import Role
from engine.core.errors import Conflict, InvalidInput, NotFound, PermissionDenied, WorkspaceError
from engine.core.paging import Page, decode_number, encode_token
from engine.core.text import clean
from engine.db.disk import disk_errors
from engine.jobs import folder as files
from engine.jobs.model import Job, line_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.workspace import Workspace

MOST_KEPT = 200
"""Jobs kept; of those that have ended the oldest go."""

COMMAND_LINE = (sys.executable, "-P", "-m", "engine.cli")

TAIL_BYTES = 1 << 18
"""How much of a log is read, from its end."""


class Jobs:
    """Long work on a workspace, in processes of its own.

    Args:
        workspace: Where it is.
        access: Who asks.
        clock: Tells the time.
        program: What reads the command lines; the command line of this installation.
    """

    def __init__(
        self, workspace: Workspace, access: Access, clock: Clock, program: Sequence[str] = COMMAND_LINE
    ) -> None:
        self._workspace = workspace
        self._access = access
        self._clock = clock
        self._program = tuple(program)

    @property
    def _place(self) -> Path:
        return self._workspace.path / "jobs"

    @property
    def moved_ns(self) -> int:
        """When a job last began or was forgotten, in nanoseconds since the epoch; 0 when there never was one."""
        try:
            return self._place.stat().st_mtime_ns
        except OSError:
            return 0

    def start(self, words: Sequence[str], title: str = "", *, typed: bool = False) -> Job:
        """Run a command by itself: it goes on when who asked has left.

        Args:
            words: What stands behind `qd`, such as `("monitors", "backtest", "loans", "--since", "7d")`. The command
                asks for roles itself, as it would in a shell.
            title: What it does; the command line by default.
            typed: Whether somebody typed the line, so that it may be none: the program reads it first.

        Returns:
            The job, running.

        Raises:
            InvalidInput: this is no command that can run by itself; the nearest word is named where it was typed.
            PermissionDenied: the actor is not a writer.
            ReadOnlyMode: the session is read-only.
            WorkspaceFull: no space is left.
            WorkspaceError: the disk failed, or no process could be started.
        """
        self._access.require(Role.WRITER, "start a job")
        line = line_of(words)
        if typed:
            self._have_read(line)
        with disk_errors(self._place, "the folder of jobs"):
            self._place.mkdir(mode=0o700, exist_ok=True)
            self._forget_oldest()
            folder = self._new_folder()
            asked = {
                "words": line,
                "title": clean(title, limit=files.LONGEST) or " ".join(line),
                "actor": self._access.actor.name,
                "started_ms": self._clock.now_ms(),
            }
            files.write(folder / files.ASKED, asked)
        self._begin(folder, line)
        return self.get(int(folder.name))

    def page(self, *, limit: int = MOST_KEPT, page_token: str | None = None) -> Page[Job]:
        """The jobs there are, newest first.

        Args:
            limit: At most so many.
            page_token: The token of the page before.

        Raises:
            InvalidInput: the limit is not above 0, or the token is none of this list's.
        """
        if limit < 1:
            raise InvalidInput("The limit must be above 0.")
        before = None if page_token is None else decode_number(page_token)
        try:
            numbers = sorted((each for each in self._numbers() if before is None or each < before), reverse=True)
        except OSError:
            return Page((), None)
        found = (files.job_of(self._place / str(number)) for number in numbers[:limit])
        token = encode_token(numbers[limit - 1]) if len(numbers) > limit else None
        return Page(tuple(job for job in found if job is not None), token)

    def get(self, id: int) -> Job:  # noqa: A002 the field's word
        """One job.

        Raises:
            NotFound: there is none of this number.
        """
        found = files.job_of(self._place / str(id))
        if found is None:
            raise NotFound(f"There is no job {id}.", hint="`qd jobs list` shows those there are.")
        return found

    def log(self, id: int) -> str:  # noqa: A002
        """What a job has printed, cleaned; of a long log the end.

        Raises:
            NotFound: there is none of this number.
        """
        self.get(id)
        try:
            with (self._place / str(id) / files.LOG).open("rb") as file:
                file.seek(max(file.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
                text = file.read(TAIL_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(clean(line, limit=files.LONGEST) for line in text.split("\n"))

    def cancel(self, id: int) -> Job:  # noqa: A002
        """Ask a job to end: it is interrupted as by ctrl-c, and ended when it does not hear.

        Returns:
            The job as it is now; it takes a moment to end.

        Raises:
            NotFound: there is none of this number.
            Conflict: it has ended already.
            PermissionDenied: it is somebody else's, and the actor no operator; or another user's of this machine.
            ReadOnlyMode: the session is read-only.
        """
        from engine.jobs.running import cancel

        job = self.get(id)
        self._require_of(job, "end somebody else's job")
        try:
            asked = not job.state.over and cancel(self._place / str(id))
        except PermissionError as error:
            raise PermissionDenied(
                f"Job {id} belongs to another user of this machine.", hint="Ask them, or the administrator."
            ) from error
        if not asked:
            raise Conflict(f"Job {id} has ended already: {self.get(id).state.value}.")
        return self.get(id)

    def forget(self, id: int) -> None:  # noqa: A002
        """Remove what is kept of a job that has ended.

        Raises:
            NotFound: there is none of this number.
            Conflict: it still runs.
            PermissionDenied: it is somebody else's, and the actor no operator.
            ReadOnlyMode: the session is read-only.
        """
        job = self.get(id)
        self._require_of(job, "forget somebody else's job")
        if not job.state.over:
            raise Conflict(f"Job {id} still runs.", hint=f"End it first: `qd jobs cancel {id}`.")
        shutil.rmtree(self._place / str(id), ignore_errors=True)

    def _numbers(self) -> list[int]:
        return [int(each.name) for each in self._place.iterdir() if each.name.isdecimal() and each.name.isascii()]

    def _require_of(self, job: Job, operation: str) -> None:
        own = job.actor == self._access.actor.name
        self._access.require(Role.WRITER if own else Role.OPERATOR, operation)

    def _have_read(self, line: Sequence[str]) -> None:
        """Have the program read a line without doing it: what words there are is known only there."""
        import subprocess

        command = [*self._program, "jobs", "check", "--", *line]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 a list of words; no shell
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().removeprefix("qd: ")
            raise InvalidInput(clean(said, limit=files.LONGEST) or "This is no command.")

    def _begin(self, folder: Path, line: Sequence[str]) -> None:
        import subprocess

        as_user = ("--as", self._access.actor.name) if self._access.actor.on_behalf_of else ()
        command = (*self._program, "--workspace", str(self._workspace.path), *as_user, *line)
        done = subprocess.run(  # noqa: S603 a list of words; no shell
            [sys.executable, "-P", "-m", "engine.jobs.running", str(folder), *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            check=False,
        )
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise WorkspaceError(
                "No process could be started for the job.", hint=clean(done.stderr.decode(errors="replace")[-200:])
            )

    def _new_folder(self) -> Path:
        number = max(self._numbers(), default=0)
        while True:
            number += 1
            try:
                (self._place / str(number)).mkdir(mode=0o700)
            except FileExistsError:  # somebody else was quicker
                continue
            return self._place / str(number)

    def _forget_oldest(self) -> None:
        for job in self.page(limit=10 * MOST_KEPT).items[MOST_KEPT - 1 :]:
            if job.state.over:
                shutil.rmtree(self._place / str(job.id), ignore_errors=True)

"""What stands beside the parts: what they are made of, which are done, and what it takes to go on."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import Busy, Conflict, IntegrityError, InvalidInput
from engine.db.disk import disk_errors, sync
from engine.scoring.model import Format, InputFile, OnError, Part, RefusedRow, State, Written
from engine.scoring.writing import UNFINISHED
from engine.tables.heads import shown
from engine.tables.model import Cut, FileKind

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

NAME = "manifest.json"
LOCK = ".scoring.lock"

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that is known of an output.

    Args:
        scoring: The run's number in the workspace.
        model: The model's name.
        version: The version's number.
        digest: The version's digest, 64 hex digits.
        runtime: How it answers.
        file_digest: SHA-256 of the built model, 64 hex digits.
        format: Of the parts.
        columns: What is carried along.
        on_error: What becomes of refused rows.
        state: How the run stands.
        inputs: The files that are read.
        parts: The parts, in order.
    """

    scoring: int
    model: str
    version: int
    digest: str
    runtime: str
    file_digest: str
    format: Format
    columns: tuple[str, ...]
    on_error: OnError
    state: State
    inputs: tuple[InputFile, ...]
    parts: tuple[Part, ...]

    def totals(self) -> dict[str, int]:
        """Rows read, written and refused, of the parts that are done."""
        done = [each.written for each in self.parts if each.written is not None]
        return {
            "rows_read": sum(each.rows_read for each in done),
            "rows": sum(each.rows for each in done),
            "refused": sum(each.refused for each in done),
            "parts_done": len(done),
        }


class Folder:
    """The folder of an output, held by one run at a time.

    Args:
        path: Where it is; made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = -1

    def take(self) -> Self:
        """Make the folder and hold it.

        Returns:
            Itself; leave it as a context manager.

        Raises:
            Busy: another run writes there.
            InvalidInput: something else than a folder is there.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: it may not be written.
            WorkspaceError: the disk failed.
        """
        if self.path.exists() and not self.path.is_dir():
            raise InvalidInput(f"{shown(self.path)} is no folder.", hint="Choose another --out.")
        with disk_errors(self.path, "the output"):
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise Busy(f"Another run writes into {shown(self.path)}.", hint="Wait for it, or stop it.") from error
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._lock)  # the file stays: who has it open already must not hold another one than the next

    def foreign(self) -> str | None:
        """The name of something in the folder that no run has written, or `None`."""
        ours = (NAME, NAME + UNFINISHED, LOCK)
        names = sorted(each.name for each in self.path.iterdir())
        return next((name for name in names if name not in ours and not _is_part(name)), None)

    def clear(self, *, keep: frozenset[str] = frozenset()) -> None:
        """Remove what runs have written.

        Args:
            keep: Names that stay.

        Raises:
            WorkspaceReadOnly: it may not be removed.
            WorkspaceError: the disk failed.
        """
        with disk_errors(self.path, "the output"):
            for each in list(self.path.iterdir()):
                ours = _is_part(each.name) or each.name in (NAME, NAME + UNFINISHED)
                if ours and each.name not in keep:
                    each.unlink()

    def read(self) -> Manifest | None:
        """The manifest, or `None` where there is none.

        Raises:
            IntegrityError: it is damaged.
        """
        try:
            return _manifest(json.loads((self.path / NAME).read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(
                f"{shown(self.path / NAME)} is no manifest of ours.", hint="Begin anew, with --restart."
            ) from error

    def write(self, manifest: Manifest) -> None:
        """Put a manifest in the place of the earlier one, at once and for good.

        Args:
            manifest: The manifest.

        Raises:
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: it may not be written.
            WorkspaceError: the disk failed.
        """
        told = {"manifest": _FORMAT, **asdict(manifest), **manifest.totals()}
        beside = self.path / (NAME + UNFINISHED)
        with disk_errors(self.path / NAME, "the manifest"):
            beside.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
            sync(beside)
            sync(self.path)  # the parts' names, before anything says that they are there
            beside.replace(self.path / NAME)
            sync(self.path)

    def sound(self, part: Part) -> bool:
        """Whether a part that was written is still what it was.

        Args:
            part: The part.
        """
        if part.written is None:
            return False
        path = self.path / part.name
        try:
            if path.stat().st_size != part.written.size_bytes:
                return False
            with path.open("rb") as stream:
                hasher = sha256()
                while block := stream.read(1 << 20):
                    hasher.update(block)
        except OSError:
            return False
        return hasher.hexdigest() == part.written.digest


def continued(kept: Manifest, wanted: Manifest) -> Manifest:
    """What an interrupted run has left to do, if it is the same run.

    Args:
        kept: Its manifest.
        wanted: What is asked for now; its inputs and parts are not looked at.

    Returns:
        The manifest to go on with.

    Raises:
        Conflict: another version, model file or set of options was asked for then.
    """
    for name, words in (
        ("digest", "another version"),
        ("file_digest", "another build of the version"),
        ("format", "another --format"),
        ("columns", "other --columns"),
        ("on_error", "another --on-error"),
    ):
        if getattr(kept, name) != getattr(wanted, name):
            raise Conflict(
                f"The run to go on with is of {kept.model}/{kept.version} and had {words}.",
                hint="Ask for the same, or begin anew with --restart.",
            )
    return replace(kept, state=State.RUNNING)


def _is_part(name: str) -> bool:
    stem, _, ending = name.removesuffix(UNFINISHED).partition(".")
    return stem.startswith("part-") and stem[5:].isdigit() and ending in tuple(each.value for each in Format)


def _manifest(told: dict[str, Any]) -> Manifest:
    if told["manifest"] != _FORMAT:
        raise ValueError("written by another version")
    return Manifest(
        **{name: told[name] for name in ("scoring", "model", "version", "digest", "runtime", "file_digest")},
        format=Format(told["format"]),
        columns=tuple(told["columns"]),
        on_error=OnError(told["on_error"]),
        state=State(told["state"]),
        inputs=tuple(InputFile(**{**each, "kind": FileKind(each["kind"])}) for each in told["inputs"]),
        parts=tuple(_part(each) for each in told["parts"]),
    )


def _part(told: dict[str, Any]) -> Part:
    written = told["written"]
    if written is not None:
        examples = tuple(RefusedRow(**each) for each in written["examples"])
        written = Written(**{**written, "examples": examples})
    return Part(told["name"], told["file"], Cut(**told["cut"]), written)

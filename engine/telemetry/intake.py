"""From the spool into the database: a piece of a file and how far it goes in one transaction, so exactly once."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from engine.core.access import Actor
from engine.core.errors import InvalidInput, WorkspaceMissing, WorkspaceReplaced
from engine.telemetry import store
from engine.telemetry.batching import sum_of
from engine.telemetry.spool_reading import SpoolReader

if TYPE_CHECKING:
    from pathlib import Path

    from engine.db.database import Database
    from engine.db.transaction import Transaction
    from engine.telemetry.frames import Frame
    from engine.telemetry.model import Source
    from engine.telemetry.spool_reading import Numbered, Piece

ACTOR = Actor("capture", via="capture")


class Intake:
    """Stores what waits in a spool. One process of a workspace does this at a time.

    Args:
        database: The telemetry database; made when it is missing.
        spool: `Workspace.spool`.
    """

    def __init__(self, database: Database, spool: Path) -> None:
        self._database = database
        self._reader = SpoolReader(spool)
        self._gone: list[bytes] = []
        self._ready = self._tidied = False
        self.stored = 0
        self.unreadable = 0

    @property
    def waiting_bytes(self) -> int:
        """About how many bytes of the spool are not stored."""
        return self._reader.waiting_bytes()

    def run(self) -> bool:
        """Store the next piece of each file.

        Returns:
            Whether there was anything.

        Raises:
            QuarterdeckError: the database cannot take it now; nothing is lost, and the next run begins there again.
            OSError: the spool cannot be read.
        """
        any_found = False
        try:
            paths = self._reader.paths()
            if paths and not self._ready:
                self._database.migrate()
                self._ready = True
            for path in paths:
                piece = self._reader.next_frames(path, self._stored_frames)
                if piece.frames:
                    self._store(piece)
                    any_found = True
                elif piece.ended and self._reader.remove(path):
                    self._gone.append(piece.file)
            if self._ready:
                self._tidy()
        except (WorkspaceMissing, WorkspaceReplaced):
            self._reader.forget()
            self._database.close()  # the next run makes another, or takes the one that is there
            self._ready = False
            raise
        except BaseException:
            self._reader.forget()
            raise
        return any_found

    def _stored_frames(self, file: bytes) -> int:
        with self._database.snapshot() as view:
            return store.stored_frames(view, file)

    def _store(self, piece: Piece) -> None:
        try:
            self._store_whole(piece.file, piece.frames)
        except (sqlite3.IntegrityError, InvalidInput):
            for each in piece.frames:  # one of them cannot be stored, ever: the others are
                try:
                    self._store_whole(piece.file, (each,))
                except (sqlite3.IntegrityError, InvalidInput):
                    self._store_whole(piece.file, (each._replace(frame=None),))

    def _store_whole(self, file: bytes, frames: tuple[Numbered, ...]) -> None:
        readable = [each.frame for each in frames if each.frame is not None]
        with self._database.transaction(ACTOR) as tx:
            store.add_windows(tx, (delta for frame in readable for delta in frame.windows), sum_of)
            for frame in readable:
                _keep(tx, frame)
            store.set_stored_frames(tx, file, frames[-1].number + 1)
        self.stored += sum(len(frame.predictions) for frame in readable)
        self.unreadable += len(frames) - len(readable)

    def _tidy(self) -> None:
        """Forget removed files; at first also those that were removed just before the last process was killed."""
        if not self._tidied:
            with self._database.snapshot() as view:
                known = store.known_files(view)
            if known:
                self._gone.extend(known - self._reader.identities())
            self._tidied = True
        if self._gone:
            with self._database.transaction(ACTOR) as tx:
                store.forget_files(tx, self._gone)
            self._gone.clear()


def _keep(tx: Transaction, frame: Frame) -> None:
    store.insert_predictions(tx, frame)
    stored: dict[Source, int] = {}
    for each in frame.predictions:
        source = frame.origins[each.origin][:2]
        stored[source] = stored.get(source, 0) + 1
    store.add_counts(tx, frame.counts, stored)

"""Files that come in parts: begun, taken part by part, and made one; a restart in between loses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.artifacts import upload_store
from engine.artifacts.roots import resolve_root
from engine.core.access import Role
from engine.core.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.artifacts.model import Blob
    from engine.artifacts.store import ArtifactStore, Incoming
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.core.ids import Ids
    from engine.db.database import Database
    from engine.db.transaction import Snapshot

MAX_PARTS = 10_000
"""Most parts of a file."""

LIFETIME_MS = 7 * 86_400_000
"""How long an upload may take, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is coming in parts.

    Args:
        upload_id: What names it, 32 hex digits; whoever began it may go on with it.
        path: Where the whole file shall be, as `resolve_root` takes it.
        expires_ms: When it is given up, in milliseconds since the epoch.
    """

    upload_id: str
    path: str
    expires_ms: int


class Uploads:
    """Takes files in parts.

    Args:
        database: The control database.
        access: Who acts, with which role.
        artifacts: Where the bytes go.
        clock: Tells when an upload is given up.
        ids: Makes upload ids.
    """

    def __init__(self, database: Database, access: Access, artifacts: ArtifactStore, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._access = access
        self._artifacts = artifacts
        self._clock = clock
        self._ids = ids

    def create(self, path: str) -> Upload:
        """Begin an upload; those whose time is over are given up.

        Args:
            path: Where the whole file shall be, as `resolve_root` takes it.

        Returns:
            The upload.

        Raises:
            InvalidInput: the path leads nowhere.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not a writer.
        """
        actor = self._access.require_still(Role.WRITER, "artifacts upload")
        resolve_root(path)
        upload_id = self._ids.new()
        with self._database.transaction(actor) as tx:
            expires_ms = tx.now_ms + LIFETIME_MS
            upload_store.delete_expired(tx)
            upload_store.insert(tx, upload_id, path, expires_ms)
            known = upload_store.known(tx)
        for each in self._artifacts.uploads_with_parts() - known:
            self._artifacts.drop_parts(each)
        return Upload(upload_id, path, expires_ms)

    def check_part(self, upload_id: str, number: int) -> None:
        """Refuse a part before its bytes come.

        Args:
            upload_id: The upload.
            number: The part's, from 1.

        Raises:
            NotFound: there is no such upload, or it is somebody else's or over.
            InvalidInput: the number is out of range.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not a writer.
        """
        self._access.require_still(Role.WRITER, "artifacts upload")
        if not 1 <= number <= MAX_PARTS:
            raise InvalidInput(f"A part's number is from 1 to {MAX_PARTS}.")
        with self._database.snapshot() as snapshot:
            self._find(snapshot, upload_id)

    def keep_part(self, upload_id: str, number: int, incoming: Incoming) -> Blob:
        """Keep a part whose bytes have come; an earlier one of its number is replaced.

        Args:
            upload_id: The upload.
            number: The part's, from 1.
            incoming: Its bytes.

        Returns:
            Its digest and size, durable.

        Raises:
            NotFound: there is no such upload, or it is somebody else's or over.
            InvalidInput: the number is out of range.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not a writer.
            WorkspaceFull: no space is left.
            WorkspaceError: the disk failed.
        """
        self.check_part(upload_id, number)
        blob = incoming.keep_part(upload_id, number)
        with self._database.transaction(self._access.actor) as tx:
            upload_store.put_part(tx, self._find(tx, upload_id).row_id, number, blob)
        return blob

    def join(self, upload_id: str, path: str, parts: Sequence[tuple[int, str]]) -> Blob:
        """Make one file of the parts; they stay until `close`.

        Args:
            upload_id: The upload.
            path: Where the whole file shall be; as it was begun.
            parts: Number and digest of each, in any order; the digest may stand in quotes.

        Returns:
            The digest and size of the whole, durable.

        Raises:
            NotFound: there is no such upload, or it is somebody else's or over.
            InvalidInput: there are no parts, one has not come or is another, or the upload is of another path.
            IntegrityError: a part's bytes have changed since it came.
            WorkspaceFull: no space is left.
            WorkspaceError: the disk failed.
        """
        with self._database.snapshot() as snapshot:
            upload = self._find(snapshot, upload_id)
            here = upload_store.parts(snapshot, upload.row_id)
        if upload.path != path:
            raise InvalidInput("The upload was begun for another path.", hint="Complete it as it was begun.")
        wanted = sorted((number, digest.strip('"')) for number, digest in parts)
        if not wanted or len({number for number, _ in wanted}) < len(wanted):
            raise InvalidInput("The parts must be named once each.", hint="Send number and ETag of every part.")
        for number, digest in wanted:
            if number not in here or here[number][0] != digest:
                raise InvalidInput(f"Part {number} has not come, or has another ETag.", hint="Send it again.")
        return self._artifacts.join_parts(upload_id, [(number, here[number][0]) for number, _ in wanted])

    def close(self, upload_id: str) -> None:
        """End an upload, whole or not; its parts are removed.

        Args:
            upload_id: The upload.

        Raises:
            NotFound: there is no such upload, or it is somebody else's.
            ReadOnlyMode: the session is read-only.
            PermissionDenied: the actor is not a writer.
        """
        actor = self._access.require_still(Role.WRITER, "artifacts upload")
        with self._database.transaction(actor) as tx:
            upload_store.delete(tx, self._find(tx, upload_id).row_id)
        self._artifacts.drop_parts(upload_id)

    def _find(self, snapshot: Snapshot, upload_id: str) -> upload_store.UploadRow:
        found = upload_store.find(snapshot, upload_id)
        if found is None or found.actor != self._access.actor.name or found.expires_ms <= self._clock.now_ms():
            raise NotFound("There is no such upload.", hint="Begin a new one.")
        return found

"""Whether a token that somebody shows is good; for the server, at each request."""

from __future__ import annotations

from hmac import compare_digest
from threading import Lock
from typing import TYPE_CHECKING

from engine.tokens import store
from engine.tokens.model import TokenState

if TYPE_CHECKING:
    from engine.core.access import Actor
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.tokens.model import Token

USED_EVERY_MS = 60_000
"""How exactly it is kept when a token was last used, in milliseconds."""


class TokenCheck:
    """Checks tokens against what the database says at that moment, so that a revocation counts at once.

    Safe to use from several threads.

    Args:
        database: The control database.
        clock: Tells the time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = Lock()
        self._used: dict[int, int] = {}

    def good(self, digest: bytes) -> Token | None:
        """The token of a digest, if it is live.

        Args:
            digest: `digest_of` what was shown.

        Returns:
            The token; `None` when it is not known, revoked or expired.

        Raises:
            WorkspaceError: the database cannot be read.
        """
        now_ms = self._clock.now_ms()
        with self._database.snapshot() as snapshot:
            found = store.by_digest(snapshot, digest, now_ms)
        # The index has compared hashes of secrets of 256 bits; what its timing tells of a hash leads to no secret.
        if found is None or not compare_digest(found[0], digest) or found[1].state is not TokenState.LIVE:
            return None
        token = found[1]
        if token.last_used_ms is None or now_ms - token.last_used_ms >= USED_EVERY_MS:
            with self._lock:
                self._used[token.id] = now_ms
        return token

    def keep_used(self, actor: Actor) -> None:
        """Write down which tokens were used since the last call; nothing is written when none needs it.

        Args:
            actor: In whose name.

        Raises:
            Busy: another process held the database too long.
            WorkspaceError: the database cannot be written.
        """
        with self._lock:
            used, self._used = self._used, {}
        if used:
            with self._database.transaction(actor) as tx:
                store.note_used(tx, used.items())

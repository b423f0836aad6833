"""Tokens, and the pure rules of them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.core.text import clean

PREFIX = "qd_"
"""How every token begins, so that people and scanners of secrets know one when they see it."""

SECRET_BYTES = 32
"""Random bytes of a token: 256 bits cannot be guessed, so a plain hash keeps them safe at rest."""

MAX_NAME = 128
"""Longest name of a token or of its user, in characters."""

MAX_LIFE_MS = 10 * 365 * 86_400_000
"""Longest life that may be asked for, in milliseconds; a token without an end is made by giving none."""


class TokenState(Enum):
    """How a token stands."""

    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept: everything but the token itself.

    Args:
        id: Its number.
        name: What it is for, in the words of whoever made it.
        user: Who acts with it; the policy's role of that user holds too.
        scope: The most it allows.
        created_ms: When it was made, in milliseconds since the epoch.
        created_by: Who made it.
        expires_ms: From when on it is refused, or `None`.
        revoked_ms: When it was revoked, or `None`.
        last_used_ms: When it was last used, to about a minute; `None` when never.
        state: How it stood when it was read.
    """

    id: int
    name: str
    user: str
    scope: Role
    created_ms: int
    created_by: str
    expires_ms: int | None
    revoked_ms: int | None
    last_used_ms: int | None
    state: TokenState


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made.

    Args:
        token: What is kept of it.
        secret: The token itself; it is shown this once and kept nowhere.
    """

    token: Token
    secret: str


def state_at(now_ms: int, *, expires_ms: int | None, revoked_ms: int | None) -> TokenState:
    """How a token stands.

    Args:
        now_ms: The moment asked about, in milliseconds since the epoch.
        expires_ms: From when on it is refused, or `None`.
        revoked_ms: When it was revoked, or `None`.
    """
    if revoked_ms is not None:
        return TokenState.REVOKED
    return TokenState.EXPIRED if expires_ms is not None and now_ms >= expires_ms else TokenState.LIVE


def written(random: bytes) -> str:
    """A token as it is handed out.

    Args:
        random: `SECRET_BYTES` random bytes.
    """
    return PREFIX + base64.urlsafe_b64encode(random).decode().rstrip("=")


def digest_of(secret: str) -> bytes:
    """What is kept of a token: its SHA-256, 32 bytes.

    Args:
        secret: The token as it was handed out.
    """
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def check_name(text: str, what: str) -> None:
    """Refuse what cannot name a token or its user.

    Args:
        text: The name.
        what: What it names, for the message.

    Raises:
        InvalidInput: it is empty, too long, or not shown as it is.
    """
    if not text or len(text) > MAX_NAME or clean(text, limit=MAX_NAME) != text or text != text.strip():
        raise InvalidInput(
            f"{clean(text, limit=40)!r} cannot name {what}.", hint=f"Use up to {MAX_NAME} visible characters."
        )


def check_life(expires_in_ms: int | None) -> None:
    """Refuse a life that is none.

    Args:
        expires_in_ms: How long the token lives, in milliseconds; `None` for without end.

    Raises:
        InvalidInput: it is not above 0, or above `MAX_LIFE_MS`.
    """
    if expires_in_ms is not None and not 0 < expires_in_ms <= MAX_LIFE_MS:
        raise InvalidInput("A token lives longer than nothing and at most ten years.", hint="Give it 90d.")

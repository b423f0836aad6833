"""What the holder of a token may do at this moment, also long after the request began."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from engine.core.errors import Unauthenticated

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.core.access import Role
    from engine.tokens.checking import TokenCheck
    from engine.tokens.model import Token

TRUST_S = 1.0
"""How long a token that was found good is taken to be so, in seconds; each request looks anew."""


class Standing:
    """Finds the role of a token's user: by the policy of the moment, and at most as the token's scope says.

    Args:
        token: The token, just found good.
        digest: Its digest.
        tokens: Checks it again.
        server: The workspace, for its policy.
    """

    __slots__ = ("_digest", "_seen_s", "_server", "_token", "_tokens")

    def __init__(self, token: Token, digest: bytes, tokens: TokenCheck, server: Engine) -> None:
        self._token = token
        self._digest = digest
        self._tokens = tokens
        self._server = server
        self._seen_s = time.monotonic()

    def seen(self) -> None:
        """Note that the token was found good just now."""
        self._seen_s = time.monotonic()

    def __call__(self) -> Role:
        """The role.

        Raises:
            Unauthenticated: the token was revoked or has expired meanwhile.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        if time.monotonic() - self._seen_s > TRUST_S:
            if self._tokens.good(self._digest) is None:
                raise Unauthenticated("The token was revoked or has expired meanwhile.", hint="Ask for another one.")
            self.seen()
        return min(self._token.scope, self._server.policy.role_of(self._token.user))

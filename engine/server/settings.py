"""How a server is set up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.db.connection import Durability

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server is set up.

    Args:
        host: The address it listens on.
        port: The port; 0 takes a free one.
        durability: What a commit waits for before a request is answered.
        require_tokens: Whether every request needs a token; always true beyond loopback and behind a proxy.
        behind_proxy: Whether a proxy stands before it: it ends TLS, and what it says in `X-Forwarded-For` and
            `X-Forwarded-Proto` is believed.
        proxies: Addresses and networks where that proxy may be, besides this machine.
        tls_certificate: PEM file of the certificate chain, or `None` for plain HTTP.
        tls_key: PEM file of its key.
        allowed_hosts: Names, besides its own address and loopback names, that a `Host` header may give.
        max_body_bytes: Most bytes of a body that is read whole.
        max_inflated_bytes: Most bytes of a compressed body once inflated.
        max_header_bytes: Most bytes of a request's head.
        max_connections: Most connections at once.
        max_connections_per_address: Most of them of one address; this machine and the proxies may have all.
        max_unread_bytes: Most bytes of answers that wait for slow readers, of all connections together.
        idle_s: Seconds until a connection that says nothing is closed.
        head_s: Seconds a client has to send a request's head.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    durability: Durability = Durability.FULL
    require_tokens: bool = False
    behind_proxy: bool = False
    proxies: tuple[str, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    allowed_hosts: tuple[str, ...] = ()
    max_body_bytes: int = 32 * MIB
    max_inflated_bytes: int = 64 * MIB
    max_header_bytes: int = 64 * 1024
    max_connections: int = 512
    max_connections_per_address: int = 128
    max_unread_bytes: int = 128 * MIB
    idle_s: float = 75.0
    head_s: float = 10.0

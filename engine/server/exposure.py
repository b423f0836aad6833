"""What a server must have before others than this machine can reach it: tokens, and a line nobody reads along."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.db.disk import disk_errors

if TYPE_CHECKING:
    from pathlib import Path

    from engine.api import Engine
    from engine.server.settings import Settings

TOKEN_FILE = "server-token"  # noqa: S105 the name of a file, no secret
"""Where the first token of a workspace is written, in the workspace."""

_OWNER_ONLY = 0o600


def is_loopback(address: str) -> bool:
    """Whether an IP address is of this machine alone.

    Args:
        address: The address, as text; a zone after `%` is not looked at.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inside = getattr(found, "ipv4_mapped", None)
    return bool((inside or found).is_loopback)


def reaches_beyond(host: str) -> bool:
    """Whether an address to listen on can be reached from other machines; also when nobody can tell.

    Args:
        host: An address or a name, as given with `--host`.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return True
    return not all(is_loopback(str(address[0])) for *_, address in found)


def secured(settings: Settings) -> Settings:
    """The settings with what its address demands.

    Args:
        settings: As they were given.

    Returns:
        The same, with tokens required where others can reach the server.

    Raises:
        InvalidInput: others could read along, or the TLS files cannot be used.
    """
    _check_files(settings)
    beyond = reaches_beyond(settings.host)
    if beyond and settings.tls_certificate is None and not settings.behind_proxy:
        raise InvalidInput(
            f"{settings.host[:100]} can be reached from other machines, and tokens would cross the network readably.",
            hint="Give --tls-cert and --tls-key, or --behind-proxy when a proxy before it ends TLS.",
        )
    return replace(settings, require_tokens=settings.require_tokens or beyond or settings.behind_proxy)


def _check_files(settings: Settings) -> None:
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise InvalidInput("TLS needs a certificate and its key.", hint="Give both --tls-cert and --tls-key.")
    import ssl  # only with TLS

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "they do not fit together"
        raise InvalidInput(
            f"The TLS files cannot be used: {reason}.",
            hint="Give PEM files: the chain with --tls-cert, its key without a password with --tls-key.",
        ) from error


def make_first_token(engine: Engine) -> Path | None:
    """Make a token of scope admin for the server's own user, unless there is one; written where only they can read.

    Args:
        engine: The workspace.

    Returns:
        The file it was written to; `None` when a token was there already.

    Raises:
        ReadOnlyMode: the engine was opened read-only.
        WorkspaceReadOnly: the file cannot be written.
        WorkspaceFull: no space is left.
    """
    path = engine.workspace.path / TOKEN_FILE
    made = engine.tokens.create_first("first start of the server")
    if made is None:
        return None
    with disk_errors(path, "the first token"):
        path.unlink(missing_ok=True)  # never through a link, nor into a file that others have open
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(descriptor, _OWNER_ONLY)
            file.write(made.secret + "\n")
    sys.stderr.write(f"Requests need a token; a first one, of scope admin, is in {path}\n")
    return path

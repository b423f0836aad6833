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
from engine.server.proxies import Proxies, is_loopback

if TYPE_CHECKING:
    from pathlib import Path

    from engine.api import Engine
    from engine.server.settings import Settings

TOKEN_FILE = "server-token"  # noqa: S105 the name of a file, no secret
"""Where the first token of a workspace is written, in the workspace."""

_OWNER_ONLY = 0o600


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


def listens_everywhere(host: str) -> bool:
    """Whether an address to listen on stands for all of this machine, so that nobody can use it as one to go to.

    Args:
        host: An address or a name, as given with `--host`.
    """
    try:
        return ip_address(host.partition("%")[0]).is_unspecified
    except ValueError:
        return False


def public_name(settings: Settings) -> str:
    """What others call the server: where it listens everywhere, by the name of this machine.

    Args:
        settings: The address.
    """
    if not listens_everywhere(settings.host):
        return settings.host
    return socket.gethostname().lower() or "localhost"


def secured(settings: Settings) -> Settings:
    """The settings with what its address demands.

    Args:
        settings: As they were given.

    Returns:
        The same, with tokens required where others can reach the server.

    Raises:
        InvalidInput: others could read along, the address or that of a proxy is none, or the TLS files cannot be used.
    """
    _check_files(settings)
    _check_address(settings.host)
    Proxies(settings)
    behind_proxy = settings.behind_proxy or bool(settings.proxies)
    beyond = reaches_beyond(settings.host)
    if beyond and settings.tls_certificate is None:
        _check_line(settings, behind_proxy=behind_proxy)
    tokens = settings.require_tokens or beyond or behind_proxy
    return replace(settings, require_tokens=tokens, behind_proxy=behind_proxy)


def _check_address(host: str) -> None:
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise InvalidInput(
            f"{host[:100]!r} is not an address of this machine: it cannot be resolved.",
            hint="Give --host 127.0.0.1, or another address of this machine.",
        ) from error


def _check_line(settings: Settings, *, behind_proxy: bool) -> None:
    """Refuse a line in plain text that somebody else than a known proxy could use."""
    if not behind_proxy:
        raise InvalidInput(
            f"{settings.host[:100]} can be reached from other machines, and tokens would cross the network readably.",
            hint="Give --tls-cert and --tls-key, or --behind-proxy when a proxy before it ends TLS.",
        )
    if not settings.proxies:
        raise InvalidInput(
            f"{settings.host[:100]} can be reached past the proxy, and tokens would cross the network readably.",
            hint="Leave --host out when the proxy is on this machine; else say where it is with --proxy-from ADDRESS.",
        )


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

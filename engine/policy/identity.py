"""Who sits at the keyboard, and whether they may act under another name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.core.access import Actor
from engine.core.errors import InvalidInput, PermissionDenied

if TYPE_CHECKING:
    from engine.policy.model import Policy

MAX_NAME = 128
"""Longest name that may be given with `--as`, in characters."""

_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9]{1,15})?")
_SSH_VARIABLES = ("SSH_CONNECTION", "SSH_CLIENT")


def current_actor(environ: Mapping[str, str], *, via: str, policy: Policy | None, as_user: str | None = None) -> Actor:
    """Find out who acts.

    Args:
        environ: Environment variables; only those that sshd sets are read, and only for where the session comes from.
        via: The front used: `cli`, `console`, `api` or `http`.
        policy: Says who may use another name; `None` refuses every other name.
        as_user: The name given with `--as`, or `None`.

    Returns:
        The operating system's user; or `as_user`, on behalf of that user.

    Raises:
        PermissionDenied: the policy does not let this user act under another name.
        InvalidInput: `as_user` cannot be a name.
    """
    user = os_user()
    origin = _origin(environ)
    if as_user is None or as_user == user:
        return Actor(user, origin, via)
    if policy is None or not policy.may_act_as(user):
        raise PermissionDenied(
            f"{user} may not act under another name.",
            hint='An admin can allow it with allow_as = ["…"] under [access] in quarterdeck.toml.',
        )
    return Actor(_checked(as_user), origin, via, on_behalf_of=user)


def os_user() -> str:
    """The name of this process's real user as the operating system knows it; environment variables could lie.

    Returns:
        The name, or `uid-1234` for a user without one, as in containers.
    """
    import pwd  # not on every platform, and not needed to import us

    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def _origin(environ: Mapping[str, str]) -> str:
    for variable in _SSH_VARIABLES:
        if environ.get(variable):
            address = environ[variable].split(" ", 1)[0]
            return f"ssh:{address}" if _ADDRESS.fullmatch(address) else "ssh:unknown"
    return "local"


def _checked(name: str) -> str:
    from engine.core.text import clean  # only --as needs these
    from engine.policy.model import EVERYONE

    plain = clean(name, limit=MAX_NAME + 1)
    if not name.strip() or len(name) > MAX_NAME or name == EVERYONE or plain != name or name != name.strip():
        hint = f"Use up to {MAX_NAME} visible characters."
        raise InvalidInput(f"{clean(name, limit=40)!r} cannot be a user's name.", hint=hint)
    return name

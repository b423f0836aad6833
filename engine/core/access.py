"""Who acts, what their role allows, and how every service asks."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from engine.core.errors import PermissionDenied, PolicyInvalid, ReadOnlyMode
from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Callable


class Role(IntEnum):
    """What somebody may do; each role may do all that the ones before it may.

    A viewer reads. A writer logs: runs, logged models, traces, prompts, new versions that wait in Registered. An
    operator also renames, deletes and moves versions between stages; an approver says yes to that; an admin does all.
    """

    VIEWER = 1
    WRITER = 2
    OPERATOR = 3
    APPROVER = 4
    ADMIN = 5

    @property
    def label(self) -> str:
        """The role's name as written in policies and on screens."""
        return self.name.lower()


@frozen
class Actor:
    """Somebody, or something, that acts.

    Args:
        name: Operating-system user name, or the name given with `--as`.
        origin: Where from: `local`, or `ssh:203.0.113.7` when the session came over SSH.
        via: The front used: `cli`, `console`, `api` or `http`.
        on_behalf_of: The real user's name when `--as` was used, else empty.
    """

    name: str
    origin: str = "local"
    via: str = "api"
    on_behalf_of: str = ""


class Access:
    """The standing of one engine: who uses it, with which role, and whether it may write at all.

    Args:
        actor: Who acts.
        role: The actor's role in this workspace, or what finds it out: it is then asked anew for every change, so that
            a role lost while a session is open is lost.
        read_only: True when the engine was opened read-only; no role overrides it.
    """

    __slots__ = ("_actor", "_given", "_known", "_read_only")

    def __init__(self, actor: Actor, role: Role | Callable[[], Role], read_only: bool = False) -> None:
        self._actor = actor
        self._known = role if isinstance(role, Role) else None
        self._given = role
        self._read_only = read_only

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self._actor

    @property
    def read_only(self) -> bool:
        """True when the engine was opened read-only."""
        return self._read_only

    @property
    def role(self) -> Role:
        """The actor's role in this workspace, to be shown: the last one known while `quarterdeck.toml` is wrong.

        Raises:
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        try:
            return self._now()
        except PolicyInvalid:
            if self._known is None:
                raise
            return self._known

    def require(self, role: Role, operation: str) -> Actor:
        """Let an operation pass, or refuse it.

        Args:
            role: The least role that may do it.
            operation: What it is called, such as `models promote`; for the message.

        Returns:
            The actor, to be written into the audit log.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor's role of this moment is too low.
            PolicyInvalid: `quarterdeck.toml` is wrong, so nobody can tell.
        """
        self._check_writable(operation)
        return self._checked(self._now(), role, operation)

    def require_still(self, role: Role, operation: str) -> Actor:
        """The same for what goes on for hours, such as logging: a wrong file must not end a training.

        Args:
            role: The least role that may do it.
            operation: What it is called; for the message.

        Returns:
            The actor.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor's role, the last one known while the policy is wrong, is too low.
            PolicyInvalid: `quarterdeck.toml` is wrong, and no role was known before.
        """
        self._check_writable(operation)
        return self._checked(self.role, role, operation)

    def require_to_see(self, role: Role, operation: str) -> None:
        """The same for looking at what is not for everybody; a session that is read-only may.

        Args:
            role: The least role that may see it.
            operation: What it is called; for the message.

        Raises:
            PermissionDenied: the actor's role of this moment is too low.
            PolicyInvalid: `quarterdeck.toml` is wrong, so nobody can tell.
        """
        self._checked(self._now(), role, operation)

    def _now(self) -> Role:
        given = self._given
        self._known = known = given if isinstance(given, Role) else given()
        return known

    def _check_writable(self, operation: str) -> None:
        if self.read_only:
            raise ReadOnlyMode(
                f"{operation} is refused: this session is read-only.",
                hint="Open the workspace without --readonly to make changes.",
            )

    def _checked(self, has: Role, needed: Role, operation: str) -> Actor:
        if has < needed:
            raise PermissionDenied(
                f"{operation} needs the role {needed.label}; {self.actor.name} is {has.label}.",
                hint="Ask an admin to change [roles] in quarterdeck.toml.",
            )
        return self.actor

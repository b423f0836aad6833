from __future__ import annotations

import os
import pwd

import pytest

from engine.core.access import Actor
from engine.core.errors import InvalidInput, PermissionDenied
from engine.policy.identity import current_actor, os_user
from engine.policy.model import Policy

USER = os_user()


def test_the_actor_is_the_operating_systems_user_whatever_the_environment_says() -> None:
    lies = {"USER": "mallory", "LOGNAME": "mallory", "SUDO_USER": "mallory", "HOME": "/home/mallory"}
    actor = current_actor(lies, via="cli", policy=Policy())
    assert actor == Actor(pwd.getpwuid(os.getuid()).pw_name, "local", "cli")


def test_a_user_without_a_name_is_known_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 987_654)
    assert os_user() == "uid-987654"


@pytest.mark.parametrize(
    ("environ", "origin"),
    [
        ({}, "local"),
        ({"SSH_CONNECTION": ""}, "local"),
        ({"SSH_CONNECTION": "203.0.113.7 52022 10.0.0.1 22"}, "ssh:203.0.113.7"),
        ({"SSH_CLIENT": "2001:db8::1 52022 22"}, "ssh:2001:db8::1"),
        ({"SSH_CONNECTION": "fe80::1%eth0 1 fe80::2 22"}, "ssh:fe80::1%eth0"),
        ({"SSH_CONNECTION": "203.0.113.7 1 2 3", "SSH_CLIENT": "198.51.100.1 1 2"}, "ssh:203.0.113.7"),
        ({"SSH_CONNECTION": "\x1b[31mred 1 2 3"}, "ssh:unknown"),
        ({"SSH_CONNECTION": "a" * 10_000}, "ssh:unknown"),
    ],
)
def test_the_origin_is_where_the_ssh_session_comes_from(environ: dict[str, str], origin: str) -> None:
    assert current_actor(environ, via="console", policy=Policy()).origin == origin


def test_another_name_is_refused_unless_the_policy_lets_this_user() -> None:
    for policy in (Policy(), Policy(allow_as=("somebody-else",))):
        with pytest.raises(PermissionDenied, match="may not act under another name"):
            current_actor({}, via="cli", policy=policy, as_user="bob")


@pytest.mark.parametrize("allow_as", [(USER,), ("*",)])
def test_another_name_keeps_the_real_one_beside_it(allow_as: tuple[str, ...]) -> None:
    actor = current_actor({}, via="cli", policy=Policy(allow_as=allow_as), as_user="bob")
    assert (actor.name, actor.on_behalf_of) == ("bob", USER)


def test_ones_own_name_needs_no_permission() -> None:
    assert current_actor({}, via="cli", policy=Policy(), as_user=USER) == Actor(USER, "local", "cli")


@pytest.mark.parametrize("name", ["", "  ", "*", " bob", "bob\n", "b\x1b[31mob", "b\u202eob", "x" * 129, "\ud800"])
def test_a_name_that_cannot_be_a_users_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a user's name"):
        current_actor({}, via="cli", policy=Policy(allow_as=("*",)), as_user=name)

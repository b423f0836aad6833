from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from engine.core.access import Role
from engine.core.errors import PolicyInvalid
from engine.policy.file import PolicyFile

ADMIN = '[roles]\nadmin = ["ada"]\n'
OTHER = '[roles]\nadmin = ["bob"]\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "quarterdeck.toml"


def test_a_policy_is_read_again_when_its_file_changes(path: Path) -> None:
    policy_file = PolicyFile(path)
    assert policy_file.read().missing
    path.write_text(ADMIN)
    assert policy_file.read().role_of("ada") is Role.ADMIN
    path.write_text(OTHER)
    assert policy_file.read().role_of("ada") is Role.VIEWER


def test_an_unchanged_file_is_read_once(path: Path) -> None:
    path.write_text(ADMIN)
    policy_file = PolicyFile(path)
    assert policy_file.read() is policy_file.read()


def test_a_change_within_one_tick_of_the_clock_and_of_the_same_length_is_seen(path: Path) -> None:
    policy_file = PolicyFile(path)
    for turn in range(20):
        path.write_text(ADMIN if turn % 2 else OTHER)
        assert policy_file.read().role_of("ada") is (Role.ADMIN if turn % 2 else Role.VIEWER)


def test_a_file_replaced_by_another_with_the_same_time_stamp_is_seen(path: Path) -> None:
    policy_file = PolicyFile(path)
    path.write_text(ADMIN)
    os.utime(path, ns=(10**18, 10**18))
    assert policy_file.read().role_of("ada") is Role.ADMIN
    other = path.with_suffix(".part")
    other.write_text(OTHER)
    os.utime(other, ns=(10**18, 10**18))
    other.replace(path)
    assert policy_file.read().role_of("ada") is Role.VIEWER


def test_a_wrong_file_fails_every_time_until_it_is_mended(path: Path) -> None:
    path.write_text(ADMIN)
    policy_file = PolicyFile(path)
    policy_file.read()
    path.write_text("[roles\n")
    for _ in range(3):
        with pytest.raises(PolicyInvalid):
            policy_file.read()
    path.write_text(OTHER)
    assert policy_file.read().role_of("bob") is Role.ADMIN


def test_a_file_that_is_gone_fails_instead_of_asking_for_nothing(path: Path) -> None:
    path.write_text(ADMIN)
    policy_file = PolicyFile(path)
    policy_file.read()
    path.unlink()
    with pytest.raises(PolicyInvalid, match="was there before and is gone"):
        policy_file.read()
    path.write_text(OTHER)
    assert policy_file.read().role_of("bob") is Role.ADMIN


def test_a_file_that_an_editor_has_emptied_and_not_yet_written_is_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text(ADMIN)
    policy_file = PolicyFile(path)
    policy_file.read()
    path.write_text("")
    monkeypatch.setattr("time.sleep", lambda _seconds: path.write_text(OTHER))
    assert policy_file.read().role_of("ada") is Role.VIEWER


def test_threads_see_one_of_the_two_policies_while_the_file_is_replaced(path: Path) -> None:
    def replace(text: str) -> None:
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)

    replace(ADMIN)
    policy_file = PolicyFile(path)
    seen: list[tuple[Role, Role]] = []

    def look() -> None:
        for _ in range(30):
            policy = policy_file.read()
            seen.append((policy.role_of("ada"), policy.role_of("bob")))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(6):
        replace(OTHER if turn % 2 else ADMIN)
    for thread in threads:
        thread.join(30)
    assert len(seen) == 120
    assert set(seen) <= {(Role.ADMIN, Role.VIEWER), (Role.VIEWER, Role.ADMIN)}

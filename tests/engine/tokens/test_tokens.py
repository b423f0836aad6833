"""Tokens: made once, kept as hashes, capped, refused from the moment they are revoked or have expired."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.api import Engine
from engine.core.access import Actor, Role
from engine.core.clock import ManualClock
from engine.core.errors import AlreadyExists, Conflict, InvalidInput, NotFound, PermissionDenied, ReadOnlyMode
from engine.tokens.checking import USED_EVERY_MS, TokenCheck
from engine.tokens.model import MAX_NAME, SECRET_BYTES, TokenState, digest_of, state_at, written
from tests.builders import empty_workspace

DAY_MS = 86_400_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def opened(tmp_path: Path, clock: ManualClock) -> Engine:
    return engine.open(empty_workspace(tmp_path / "workspace").path, clock=clock)


@pytest.fixture
def check(opened: Engine, clock: ManualClock) -> TokenCheck:
    return TokenCheck(opened.database, clock)


def test_a_token_is_shown_once_and_kept_as_a_hash(opened: Engine) -> None:
    made = opened.tokens.create("ci", user="bot", scope=Role.WRITER)
    assert re.fullmatch(r"qd_[A-Za-z0-9_-]{43}", made.secret)
    assert (made.token.name, made.token.user, made.token.scope) == ("ci", "bot", Role.WRITER)
    opened.close()
    for file in opened.workspace.path.iterdir():
        if file.is_file():
            assert made.secret.encode() not in file.read_bytes(), file.name


def test_a_token_is_good_until_it_expires(opened: Engine, check: TokenCheck, clock: ManualClock) -> None:
    made = opened.tokens.create("ci", expires_in_ms=DAY_MS)
    found = check.good(digest_of(made.secret))
    assert found is not None
    assert found.id == made.token.id
    clock.advance(DAY_MS - 1)
    assert check.good(digest_of(made.secret)) is not None
    clock.advance(1)
    assert check.good(digest_of(made.secret)) is None
    assert [each.state for each in opened.tokens.page().items] == [TokenState.EXPIRED]


def test_a_token_revoked_by_another_process_is_refused_at_once(opened: Engine, check: TokenCheck) -> None:
    made = opened.tokens.create("ci")
    assert check.good(digest_of(made.secret)) is not None
    with engine.open(opened.workspace.path) as other:
        revoked = other.tokens.revoke(made.token.id, reason="leaked")
    assert revoked.state is TokenState.REVOKED
    assert check.good(digest_of(made.secret)) is None


@pytest.mark.parametrize("wrong", ["", "qd_", "qd_" + "A" * 43, "\udcff", "x" * 10_000])
def test_what_is_no_token_is_refused(opened: Engine, check: TokenCheck, wrong: str) -> None:
    opened.tokens.create("ci")
    assert check.good(digest_of(wrong)) is None


def test_every_change_is_audited_without_the_secret(opened: Engine) -> None:
    made = opened.tokens.create("ci", user="bot", scope=Role.OPERATOR)
    opened.tokens.revoke(made.token.id, reason="leaked")
    revoke, create = opened.audit.page().items
    assert (create.verb, create.kind, create.key) == ("create", "token", "1")
    assert create.after == {"name": "ci", "user": "bot", "scope": "operator", "expires_ms": None}
    assert (revoke.verb, revoke.reason) == ("revoke", "leaked")


def test_the_last_use_is_kept_about_once_a_minute(opened: Engine, check: TokenCheck, clock: ManualClock) -> None:
    made = opened.tokens.create("ci")
    actor = opened.access.actor

    def last_used() -> int | None:
        check.keep_used(actor)
        return opened.tokens.page().items[0].last_used_ms

    assert last_used() is None
    first_ms = clock.now_ms()
    check.good(digest_of(made.secret))
    assert last_used() == first_ms
    clock.advance(USED_EVERY_MS - 1)
    check.good(digest_of(made.secret))
    assert last_used() == first_ms
    clock.advance(1)
    check.good(digest_of(made.secret))
    assert last_used() == first_ms + USED_EVERY_MS


def test_the_first_token_is_made_once_and_again_when_no_admin_token_is_left(opened: Engine) -> None:
    first = opened.tokens.create_first("first")
    assert first is not None
    assert first.token.scope is Role.ADMIN
    assert opened.tokens.create_first("first") is None
    opened.tokens.revoke(first.token.id)
    opened.tokens.create("ci", scope=Role.WRITER)
    assert opened.tokens.create_first("first") is not None


def test_a_name_is_of_one_live_token_and_free_again_when_it_ends(opened: Engine, clock: ManualClock) -> None:
    first = opened.tokens.create("ci", expires_in_ms=DAY_MS)
    with pytest.raises(AlreadyExists, match=f"qd tokens revoke {first.token.id}"):
        opened.tokens.create("ci", user="other")
    clock.advance(DAY_MS)
    second = opened.tokens.create("ci")
    opened.tokens.revoke(second.token.id)
    opened.tokens.create("ci")
    assert [each.verb for each in opened.audit.page().items] == ["create", "revoke", "create", "create"]


def test_the_first_token_takes_another_name_when_its_own_is_taken(opened: Engine) -> None:
    opened.tokens.create("first", scope=Role.WRITER)
    made = opened.tokens.create_first("first")
    assert made is not None
    assert (made.token.name, made.token.scope) == ("first 2", Role.ADMIN)


def test_tokens_are_listed_newest_first_in_pages(opened: Engine) -> None:
    for number in range(5):
        opened.tokens.create(f"t{number}")
    names: list[str] = []
    token: str | None = None
    while True:
        page = opened.tokens.page(limit=2, page_token=token)
        names += [each.name for each in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert names == ["t4", "t3", "t2", "t1", "t0"]


WRONG: dict[str, Callable[[Engine], object]] = {
    "no name": lambda opened: opened.tokens.create(""),
    "a long name": lambda opened: opened.tokens.create("x" * (MAX_NAME + 1)),
    "a name with an escape": lambda opened: opened.tokens.create("a\x1b[2J"),
    "a user with a line feed": lambda opened: opened.tokens.create("ci", user="a\nb"),
    "no user": lambda opened: opened.tokens.create("ci", user=""),
    "no life": lambda opened: opened.tokens.create("ci", expires_in_ms=0),
    "an endless life": lambda opened: opened.tokens.create("ci", expires_in_ms=2**62),
    "no limit": lambda opened: opened.tokens.page(limit=0),
    "a strange page": lambda opened: opened.tokens.page(page_token="nope"),  # noqa: S106 the place in a list
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused(opened: Engine, case: str) -> None:
    with pytest.raises(InvalidInput):
        WRONG[case](opened)
    assert opened.tokens.page().items == ()


@pytest.mark.parametrize("number", [0, -1, 2, 2**63])
def test_an_unknown_token_cannot_be_revoked(opened: Engine, number: int) -> None:
    opened.tokens.create("ci")
    with pytest.raises(NotFound):
        opened.tokens.revoke(number)


def test_a_token_is_revoked_once(opened: Engine) -> None:
    made = opened.tokens.create("ci")
    opened.tokens.revoke(made.token.id)
    with pytest.raises(Conflict):
        opened.tokens.revoke(made.token.id)


@pytest.mark.parametrize("change", ["create", "revoke"])
def test_only_admins_make_and_revoke_tokens(opened: Engine, change: str) -> None:
    made = opened.tokens.create("ci")
    changes: dict[str, Callable[[Engine], object]] = {
        "create": lambda as_other: as_other.tokens.create("mine", scope=Role.ADMIN),
        "revoke": lambda as_other: as_other.tokens.revoke(made.token.id),
    }
    with pytest.raises(PermissionDenied):
        changes[change](opened.acting(Actor("eve"), Role.APPROVER))
    with engine.open(opened.workspace.path, read_only=True) as reading, pytest.raises(ReadOnlyMode):
        changes[change](reading)
    assert [each.state for each in opened.tokens.page().items] == [TokenState.LIVE]


@settings(deadline=None)
@given(st.integers(0, 10), st.none() | st.integers(0, 10), st.none() | st.integers(0, 10))
def test_a_token_is_live_only_when_nothing_speaks_against_it(
    now_ms: int, expires_ms: int | None, revoked_ms: int | None
) -> None:
    live = revoked_ms is None and (expires_ms is None or now_ms < expires_ms)
    assert (state_at(now_ms, expires_ms=expires_ms, revoked_ms=revoked_ms) is TokenState.LIVE) is live


@settings(deadline=None)
@given(st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES))
def test_every_token_is_a_word_that_a_header_can_carry(random: bytes) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", written(random))
    assert len(digest_of(written(random))) == 32


def test_only_admins_see_who_has_tokens(opened: Engine) -> None:
    with pytest.raises(PermissionDenied):
        opened.acting(Actor("eve"), Role.APPROVER).tokens.page()
    with engine.open(opened.workspace.path, read_only=True) as reading:
        assert reading.tokens.page().items == ()

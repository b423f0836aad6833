from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.policy.model import STAGE_WORDS, DateFreeze, Policy, StagePolicy, WeeklyFreeze
from engine.policy.reader import parse_size
from engine.registry.model import Stage

MINUTE_MS = 60_000
WEEK_MS = 7 * 24 * 60 * MINUTE_MS
MONDAY_MS = 1_795_996_800_000  # 2026-11-30T00:00:00Z, a Monday

ROLES = {Role.ADMIN: ("ops",), Role.APPROVER: ("alice", "ops"), Role.OPERATOR: ("*",), Role.VIEWER: ("guest",)}


@pytest.mark.parametrize(
    ("user", "role"),
    [("ops", Role.ADMIN), ("alice", Role.APPROVER), ("anybody", Role.OPERATOR), ("guest", Role.VIEWER)],
)
def test_a_named_user_has_their_highest_role_and_everybody_else_that_of_the_star(user: str, role: Role) -> None:
    assert Policy(roles=ROLES).role_of(user) is role


def test_without_roles_everybody_is_admin_and_with_empty_ones_nobody_is() -> None:
    assert Policy().role_of("anybody") is Role.ADMIN
    assert Policy(roles={}).role_of("anybody") is Role.VIEWER


@pytest.mark.parametrize(("approvers", "allowed"), [((), True), (("alice",), False), (("bob",), True), (("*",), True)])
def test_approvers_are_those_listed_or_everybody(approvers: tuple[str, ...], allowed: bool) -> None:
    assert StagePolicy(approvers=approvers).may_approve("bob") is allowed


@pytest.mark.parametrize("alias", ["production", "Production", "champion", "CHAMPION"])
def test_letter_case_does_not_get_around_a_protected_alias(alias: str) -> None:
    assert Policy().protects(alias)


def test_the_alias_production_is_protected_whatever_the_policy_says() -> None:
    policy = Policy(protected_aliases=())
    assert policy.protects("production")
    assert not policy.protects("champion")


def test_the_policy_speaks_of_the_registrys_stages() -> None:
    assert tuple(stage.value.lower() for stage in Stage) == STAGE_WORDS


@pytest.mark.parametrize(("offset", "frozen"), [(-1, False), (0, True), (9, True), (10, False)])
def test_a_date_freeze_holds_from_its_start_until_before_its_end(offset: int, frozen: bool) -> None:
    window = DateFreeze(1_000, 1_010)
    assert window.ends_at(1_000 + offset) == (1_010 if frozen else None)


@given(
    start=st.integers(0, 10_079),
    end=st.integers(0, 10_079),
    week=st.integers(-3_000, 3_000),
    moment=st.integers(0, WEEK_MS - 1),
)
def test_a_weekly_freeze_is_the_set_of_its_minutes(start: int, end: int, week: int, moment: int) -> None:
    minutes = set(range(start, end)) if start < end else set(range(start, 10_080)) | set(range(end))
    if start == end:
        return
    now_ms = MONDAY_MS + week * WEEK_MS + moment
    ends_ms = WeeklyFreeze(start, end).ends_at(now_ms)
    assert (ends_ms is not None) == (moment // MINUTE_MS in minutes)
    if ends_ms is not None:
        assert now_ms < ends_ms <= now_ms + WEEK_MS
        assert (ends_ms - MONDAY_MS) // MINUTE_MS % 10_080 == end
        assert WeeklyFreeze(start, end).ends_at(ends_ms) is None
        assert WeeklyFreeze(start, end).ends_at(ends_ms - 1) == ends_ms


def test_of_several_freezes_the_one_that_ends_last_is_named() -> None:
    short, long, over = DateFreeze(0, 10, "short"), DateFreeze(0, 20, "long"), DateFreeze(0, 5, "over")
    policy = StagePolicy(freeze=(short, long, over))
    assert policy.frozen(7) == (long, 20)
    assert policy.frozen(20) is None


@pytest.mark.parametrize(
    ("text", "size"),
    [("50MB", 50_000_000), ("50 MiB", 52_428_800), ("1.5gb", 1_500_000_000), ("7", 7), (" 7 B ", 7), ("2kB", 2_000)],
)
def test_sizes_are_read_in_decimal_and_binary_units(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "1 MBB", "1e3", "５MB", "1" * 16])  # noqa: RUF001 - a full-width digit
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_size(text)

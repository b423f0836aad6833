"""Traffic as it is told: of late, step by step, and in all since a rollout's step began."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.api import Engine
from engine.core.clock import ManualClock
from engine.core.errors import InvalidInput, NotFound
from engine.telemetry.histogram import bucket_of
from engine.telemetry.model import MINUTES_KEPT_S, NOTHING, SECONDS_KEPT_S, CaptureCount, Label, Totals
from tests.builders import empty_workspace
from tests.engine.telemetry.desk import Desk
from tests.engine.telemetry.traffic import CANARY, NOW_S, prediction, window


def test_without_a_database_every_answer_is_empty_and_none_is_made(opened: Engine) -> None:
    telemetry = opened.telemetry
    assert telemetry.live(1) == ()
    assert telemetry.series(1, (NOW_S - 60) * 1000) == ()
    assert telemetry.counts() == ()
    assert telemetry.totals(1, 3) == NOTHING
    assert telemetry.labels("r-1") == ()
    assert telemetry.rows(1) == ()
    assert telemetry.stats().predictions == 0
    assert not telemetry.changed()
    assert not opened.workspace.telemetry_db.exists()


def test_a_read_only_session_reads_and_makes_nothing(opened: Engine, desk: Desk) -> None:
    with engine.open(opened.workspace.path, read_only=True) as reader:
        assert reader.telemetry.counts() == ()
        desk.report([window()], [prediction()])
        assert reader.telemetry.counts() == (CaptureCount(1, 3, 1, 1, 0),)
        assert reader.telemetry.get("r-0").request_id == "r-0"


def test_live_tells_each_deployment_apart(desk: Desk) -> None:
    slow = {bucket_of(250): 90, bucket_of(40_000): 10}
    desk.report(
        [
            window(NOW_S - 1, 100, latency=slow, errors=5),
            window(NOW_S - 10, 100, latency=slow),
            window(NOW_S - 11, 1000),
            window(NOW_S, 1000),
            window(NOW_S - 3, 20, CANARY, compared=20, agreed=19, delta=0.5, delta_squares=0.25),
        ]
    )
    live, canary = desk.telemetry.live(1)
    assert (live.deployment, live.share, live.generation, live.rps, live.last_rps) == (3, "live", 12, 20.0, 100)
    assert live.error_rate == pytest.approx(5 / 200)
    assert live.p50_ms == pytest.approx(0.25, rel=0.05)
    assert live.p95_ms == live.p99_ms == pytest.approx(40, rel=0.05)
    assert live.last_ms == (NOW_S - 1) * 1000
    assert (canary.share, canary.totals.compared, canary.totals.agreed, canary.last_rps) == ("canary", 20, 19, 0)
    assert desk.telemetry.live(1, seconds=2)[0].rps == 50.0
    assert desk.telemetry.live(2) == ()


def test_reports_of_several_planes_are_one_sum(desk: Desk) -> None:
    for plane in ("one", "two", "three"):
        desk.report([window(NOW_S - 2, 7), window(NOW_S - 2, 3, errors=1, refused=2, unmirrored=1)], plane=plane)
    totals = desk.telemetry.totals(1, 3)
    assert (totals.requests, totals.errors, totals.refused, totals.unmirrored) == (30, 3, 6, 3)
    assert totals.latency == {33: 30}
    assert totals.latency_us == 250 * 30


def test_totals_begin_where_a_step_of_a_rollout_did(desk: Desk) -> None:
    older, newer = CANARY._replace(generation=11), CANARY
    desk.report([window(NOW_S - 5, 1, older), window(NOW_S - 4, 10, newer), window(NOW_S, 100, newer)])
    assert desk.telemetry.totals(1, 4).requests == 111
    assert desk.telemetry.totals(1, 4, 12).requests == 110
    assert desk.telemetry.totals(1, 4, 12, (NOW_S - 3) * 1000).requests == 100
    assert desk.telemetry.totals(1, 3) == NOTHING


@pytest.mark.parametrize("age_s", [SECONDS_KEPT_S, MINUTES_KEPT_S, 400 * 24 * 3600])
def test_totals_of_long_ago_come_from_longer_windows(desk: Desk, age_s: int) -> None:
    desk.report([window(NOW_S - age_s, 5), window(NOW_S, 5)])
    assert desk.telemetry.totals(1, 3, 0, (NOW_S - age_s) * 1000).requests == 10


@pytest.mark.parametrize("step_s", [1, 5, 60, 300, 3600, 86_400])
def test_a_series_has_every_request_in_its_step(desk: Desk, step_s: int) -> None:
    seconds = [NOW_S - each for each in (0, 1, 59, 61, 3000, 7000)]
    desk.report([window(second, 3) for second in seconds])
    found = desk.telemetry.series(1, (NOW_S - 7200) * 1000, step_s)
    expected: dict[int, int] = {}
    for second in seconds:
        expected[second - second % step_s] = expected.get(second - second % step_s, 0) + 3
    assert {each.start_ms // 1000: each.totals.requests for each in found} == expected


@pytest.mark.parametrize("step_s", [0, -1, 86_401])
def test_a_step_out_of_range_is_refused(opened: Engine, step_s: int) -> None:
    with pytest.raises(InvalidInput, match="step"):
        opened.telemetry.series(1, NOW_S * 1000, step_s)


def test_too_many_steps_are_refused(opened: Engine) -> None:
    with pytest.raises(InvalidInput, match="longer steps"):
        opened.telemetry.series(1, 0, 1)


@pytest.mark.parametrize("seconds", [0, 3601])
def test_looking_back_too_far_is_refused(opened: Engine, seconds: int) -> None:
    with pytest.raises(InvalidInput, match="seconds"):
        opened.telemetry.live(1, seconds=seconds)


def test_endpoints_may_be_named(desk: Desk) -> None:
    desk.engine.models.create("churn")
    endpoint = desk.engine.endpoints.create("asked", "churn")
    origin = CANARY._replace(endpoint=endpoint.row_id)
    desk.report([window(NOW_S - 1, 4, origin)])
    assert desk.telemetry.live("asked")[0].totals.requests == 4
    assert desk.telemetry.live("asked") == desk.telemetry.live(endpoint.row_id)
    with pytest.raises(NotFound):
        desk.telemetry.live("nobody")


def test_who_watches_learns_of_every_commit_and_of_nothing_else(desk: Desk) -> None:
    changed = desk.telemetry.changed
    assert not changed()
    desk.report([window()])
    assert [changed() for _ in range(3)] == [True, False, False]
    desk.telemetry.live(1)
    assert not changed()
    desk.report([window()])
    assert changed()
    for ending in ("", "-wal", "-shm"):
        path = desk.engine.workspace.telemetry_db
        path.with_name(path.name + ending).unlink(missing_ok=True)
    assert changed()
    assert not changed()
    assert desk.telemetry.live(1) == ()
    desk.report([window(NOW_S - 1)])
    assert changed()
    assert desk.telemetry.live(1) != ()
    desk.telemetry.label([Label("r-1", 1)])
    assert changed()
    desk.engine.close()
    assert [changed() for _ in range(2)] == [True, False]


def test_another_role_sees_the_same(desk: Desk) -> None:
    from engine.core.access import Actor, Role

    desk.report([window(NOW_S - 1)], [prediction()])
    acting = desk.engine.acting(Actor("vera", via="http"), Role.VIEWER)
    assert acting.telemetry.live(1) == desk.telemetry.live(1)


@settings(max_examples=25, deadline=None)
@given(
    deltas=st.lists(
        st.tuples(st.integers(0, 7000), st.integers(0, 50), st.dictionaries(st.integers(0, 158), st.integers(1, 9))),
        max_size=12,
    ),
    cut=st.integers(0, 12),
)
def test_windows_of_every_length_hold_the_same_sums_however_they_came(
    tmp_path_factory: pytest.TempPathFactory, deltas: list[tuple[int, int, dict[int, int]]], cut: int
) -> None:
    path = empty_workspace(tmp_path_factory.mktemp("sums") / "w").path
    with engine.open(path, clock=ManualClock(NOW_S * 1000)) as opened:
        desk = Desk(opened)
        reports = [window(NOW_S - age, count, latency=latency, errors=count // 2) for age, count, latency in deltas]
        desk.report(reports[:cut])
        desk.report(reports[cut:])
        sums: list[Totals] = []
        for step_s in (1, 60, 3600):
            series = opened.telemetry.series(1, (NOW_S - 7200) * 1000, step_s)
            assert sum(each.totals.requests for each in series) == sum(count for _, count, _ in deltas)
            assert sum(sum(each.totals.latency.values()) for each in series) == sum(
                sum(latency.values()) for *_, latency in deltas
            )
            sums.append(opened.telemetry.totals(1, 3, 0, (NOW_S - step_s * 7000) * 1000))
        assert sums[1] == sums[2]


def test_a_damaged_database_is_told_and_not_repaired(desk: Desk, tmp_path: Path) -> None:
    from engine.core.errors import WorkspaceCorrupt

    desk.engine.workspace.telemetry_db.write_bytes(b"no database at all" * 1000)
    with pytest.raises(WorkspaceCorrupt):
        desk.telemetry.live(1)
    assert desk.engine.workspace.telemetry_db.read_bytes().startswith(b"no database")

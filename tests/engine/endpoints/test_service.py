from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing

import pytest

from engine.core.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    NotFound,
    NotServable,
    PermissionDenied,
    PolicyRefused,
    ReadOnlyMode,
)
from engine.endpoints.model import Cause, RouteWish, Share, State
from engine.endpoints.service import Endpoints
from engine.registry.lineage import EdgeKind, NodeKind
from engine.registry.model import Stage
from tests.engine.endpoints.desk import Desk, ToldBuilds

DEMANDS = "[models.churn.production]\napprovals = 1\n"
NAMES = ["a/b", "a@b", "a:b", "", " ", "\x1b[31mred", "..", "*", "x" * 251, "a\0b", "\ud800", "e\u0301"]

CHANGES: dict[str, Callable[[Endpoints], object]] = {
    "create": lambda e: e.create("other", "churn"),
    "update": lambda e: e.update("churn", owner="bob"),
    "tag": lambda e: e.set_tag("churn", "k", "v"),
    "delete": lambda e: e.delete("churn", force=True),
    "deploy": lambda e: e.deploy("churn", 2, reason="r"),
    "traffic": lambda e: e.traffic("churn", {2: 10}, reason="r"),
    "shadow": lambda e: e.shadow("churn", 2, reason="r"),
    "unshadow": lambda e: e.shadow("churn", 2, on=False, reason="r"),
    "retire": lambda e: e.retire("churn", 2, reason="r"),
    "roll_back": lambda e: e.roll_back("churn", reason="r"),
    "undo": lambda e: e.undo("churn", reason="r"),
    "kill": lambda e: e.kill("churn", reason="r"),
    "revive": lambda e: e.revive("churn", reason="r"),
    "acknowledge": lambda e: e.acknowledge("churn", "p:1", 1),
}
ROUTING: dict[str, Callable[[Endpoints, str, int | None], object]] = {
    "deploy": lambda e, why, expect: e.deploy("churn", 3, reason=why, expect=expect),
    "traffic": lambda e, why, expect: e.traffic("churn", {2: 10}, reason=why, expect=expect),
    "shadow": lambda e, why, expect: e.shadow("churn", 3, reason=why, expect=expect),
    "unshadow": lambda e, why, expect: e.shadow("churn", 3, on=False, reason=why, expect=expect),
    "retire": lambda e, why, expect: e.retire("churn", 3, reason=why, expect=expect),
    "roll_back": lambda e, why, expect: e.roll_back("churn", reason=why, expect=expect),
    "undo": lambda e, why, expect: e.undo("churn", reason=why, expect=expect),
    "kill": lambda e, why, expect: e.kill("churn", reason=why, expect=expect),
    "revive": lambda e, why, expect: e.revive("churn", reason=why, expect=expect),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_viewer_changes_nothing(desk: Desk, change: str) -> None:
    desk.endpoint()
    with pytest.raises(PermissionDenied, match="operator"):
        CHANGES[change](desk.engine("mallory").endpoints)
    assert desk.shares() == {1: ("live", 1000)}


@pytest.mark.parametrize("change", CHANGES)
def test_a_read_only_session_changes_nothing(desk: Desk, change: str) -> None:
    desk.endpoint()
    with pytest.raises(ReadOnlyMode):
        CHANGES[change](desk.engine("bob", read_only=True).endpoints)


@pytest.mark.parametrize("verb", ROUTING)
@pytest.mark.parametrize("why", ["", "  ", "\n\t", "x" * 4_001, "a\0b"])
def test_every_change_of_routes_needs_a_reason(desk: Desk, verb: str, why: str) -> None:
    desk.endpoint()
    with pytest.raises(InvalidInput, match="reason"):
        ROUTING[verb](desk.endpoints, why, None)
    assert len(desk.endpoints.history("churn").items) == 1


@pytest.mark.parametrize("verb", ROUTING)
def test_two_operators_at_once_do_not_overwrite_each_other(desk: Desk, verb: str) -> None:
    desk.endpoint()
    desk.endpoints.deploy("churn", 2, share=Share.CANARY, weight=100, reason="one")
    with pytest.raises(Conflict, match="generation 2 now, not 1") as caught:
        ROUTING[verb](desk.endpoints, "two", 1)
    assert caught.value.details == {"generation": 2, "expected": 1}
    assert len(desk.endpoints.history("churn").items) == 2


@pytest.mark.parametrize("verb", ROUTING)
def test_what_does_not_exist_is_not_found(desk: Desk, verb: str) -> None:
    desk.versions(3)
    with pytest.raises(NotFound, match="no endpoint churn"):
        ROUTING[verb](desk.endpoints, "x", None)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_could_not_be_shown_or_written_is_refused(desk: Desk, name: str) -> None:
    desk.versions(1)
    with pytest.raises(InvalidInput):
        desk.endpoints.create(name, "churn")
    with pytest.raises(NotFound):
        desk.endpoints.get(name)


@pytest.mark.parametrize("key", ["", "Client", "header:", "header:a b", "field:", "field:a\nb", "cookie:x", "header:ü"])
def test_a_key_that_no_request_has_is_refused(desk: Desk, key: str) -> None:
    desk.versions(1)
    with pytest.raises(InvalidInput, match="one version"):
        desk.endpoints.create("churn", "churn", key=key)


@pytest.mark.parametrize("capture", [-0.1, 1.1, float("nan"), float("inf")])
def test_more_than_all_requests_cannot_be_captured(desk: Desk, capture: float) -> None:
    desk.versions(1)
    with pytest.raises(InvalidInput, match="0 to 1"):
        desk.endpoints.create("churn", "churn", capture=capture)


def test_a_name_is_taken_once_and_by_no_other_model(desk: Desk) -> None:
    desk.versions(1)
    desk.versions(1, model="risk")
    desk.endpoints.create("churn", "churn")
    for taken in ("churn", "risk"):
        with pytest.raises(AlreadyExists):
            desk.endpoints.create(taken, "churn")


def test_an_endpoint_is_described_and_tagged(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.update("churn", description="d", owner="o")
    found = desk.endpoints.set_tag("churn", "team", "risk")
    assert (found.description, found.owner, found.tags) == ("d", "o", {"team": "risk"})
    assert desk.endpoints.set_tag("churn", "team", None).tags == {}
    assert found.desired is not None
    assert found.desired.number == 1


def test_how_requests_are_treated_is_a_generation_of_its_own(desk: Desk) -> None:
    desk.endpoint()
    found = desk.endpoints.update("churn", key="header:x-user", capture=0.5)
    assert found.desired is not None
    assert (found.desired.number, found.desired.cause, found.key) == (2, Cause.SETTINGS, "header:x-user")
    assert desk.endpoints.update("churn", key="header:x-user").desired == found.desired


def test_a_secret_in_a_tag_is_not_kept(desk: Desk) -> None:
    desk.versions(1)
    made = desk.endpoints.create("churn", "churn", tags={"api_key": "s3cr3t-s3cr3t"})
    assert "s3cr3t" not in made.tags["api_key"]


def test_lists_are_filtered_ordered_and_paged(desk: Desk) -> None:
    desk.versions(1)
    for name in ("a", "b", "c"):
        desk.endpoints.create(name, "churn", tags={"team": name})
    desk.endpoints.deploy("b", 1, reason="r")
    assert [each.name for each in desk.endpoints.page("tags.team != 'a'").items] == ["b", "c"]
    assert [each.name for each in desk.endpoints.page("generation > 0").items] == ["b"]
    first = desk.endpoints.page(order_by=["name desc"], limit=2)
    rest = desk.endpoints.page(order_by=["name desc"], limit=2, page_token=first.next_page_token)
    assert [each.name for each in (*first.items, *rest.items)] == ["c", "b", "a"]


def test_a_version_of_another_model_is_not_found_here(desk: Desk) -> None:
    desk.endpoint(1)
    desk.versions(5, model="risk")
    with pytest.raises(NotFound, match="churn has no version 5"):
        desk.endpoints.deploy("churn", 5, reason="r")


def test_a_version_that_cannot_be_built_is_not_routed(desk: Desk) -> None:
    desk.endpoint()
    engine = desk.engine()
    builds = engine.__dict__["builds"]
    assert isinstance(builds, ToldBuilds)
    builds.refused[engine.models.version("churn", 2).digest] = NotServable("Nothing here can answer with it.")
    with pytest.raises(NotServable):
        engine.endpoints.deploy("churn", 2, reason="r")
    assert len(desk.endpoints.history("churn").items) == 1


def test_what_is_refused_is_not_built_first(desk: Desk) -> None:
    desk.endpoint()
    engine = desk.engine()
    builds = engine.__dict__["builds"]
    with pytest.raises(Conflict):
        engine.endpoints.deploy("churn", 1, share=Share.CANARY, weight=10, reason="r")
    assert builds.asked == []


def test_an_archived_version_is_refused_unless_it_is_loaded(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.deploy("churn", 2, reason="r")
    for version in (1, 3):
        desk.engine().promotions.promote("churn", version, to=Stage.ARCHIVED, reason="old")
    with pytest.raises(Conflict, match="archived"):
        desk.endpoints.deploy("churn", 3, reason="r")
    desk.endpoints.deploy("churn", 1, reason="back")
    assert desk.shares()[1] == ("live", 1000)


@pytest.mark.parametrize(
    ("policy", "stage", "passes"),
    [
        ("", Stage.REGISTERED, True),
        (DEMANDS, Stage.REGISTERED, False),
        (DEMANDS, Stage.STAGING, True),
        (DEMANDS + '[deployment]\ntraffic_from = "registered"\n', Stage.REGISTERED, True),
        ('[deployment]\ntraffic_from = "staging"\n', Stage.REGISTERED, False),
        ('[deployment]\ntraffic_from = "production"\n', Stage.STAGING, False),
    ],
)
def test_the_policy_says_from_which_stage_versions_answer(
    desk: Desk, policy: str, stage: Stage, *, passes: bool
) -> None:
    desk.endpoint(2)
    if stage is not Stage.REGISTERED:
        desk.engine().promotions.promote("churn", 2, to=stage, reason="r")
    desk.set_policy(policy)
    desk.endpoints.shadow("churn", 2, reason="a shadow answers nobody")
    if passes:
        desk.endpoints.traffic("churn", {2: 10}, reason="r")
        assert desk.shares()[2] == ("canary", 10)
        return
    for verb in ("deploy", "traffic"):
        with pytest.raises(PolicyRefused, match="may answer callers"):
            if verb == "deploy":
                desk.endpoints.deploy("churn", 2, reason="r")
            else:
                desk.endpoints.traffic("churn", {2: 10}, reason="r")
    refused = [each["attempt"]["verb"] for each in desk.audited("refuse")]
    assert refused == ["deploy", "traffic"]


def test_doing_the_same_again_changes_nothing(desk: Desk) -> None:
    desk.endpoint()
    assert desk.endpoints.deploy("churn", 1, reason="again").number == 1
    desk.endpoints.kill("churn", reason="r")
    assert desk.endpoints.kill("churn", reason="again").number == 2
    assert len(desk.endpoints.history("churn").items) == 2


def test_undoing_restores_what_was_and_undoing_that_restores_the_change(desk: Desk) -> None:
    desk.endpoint()
    before = desk.shares()
    desk.endpoints.deploy("churn", 2, share=Share.CANARY, weight=125, reason="r")
    after = desk.shares()
    desk.endpoints.undo("churn", reason="r")
    assert desk.shares() == before
    desk.endpoints.undo("churn", reason="r")
    assert desk.shares() == after


def test_a_kill_refuses_everything_until_it_is_revived(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.kill("churn", reason="fire")
    assert desk.endpoints.desired()[0].killed
    desk.endpoints.deploy("churn", 2, reason="still killed")
    assert desk.endpoints.desired()[0].killed
    desk.endpoints.revive("churn", reason="out")
    assert not desk.endpoints.desired()[0].killed
    assert desk.shares()[2] == ("live", 1000)


def test_an_endpoint_that_routes_is_deleted_only_by_force_or_after_retiring_all(desk: Desk) -> None:
    desk.endpoint()
    with pytest.raises(Conflict, match="cannot be deleted"):
        desk.endpoints.delete("churn")
    desk.endpoints.kill("churn", reason="r")
    desk.endpoints.retire("churn", 1, reason="r")
    desk.endpoints.delete("churn", reason="gone")
    with pytest.raises(NotFound):
        desk.endpoints.get("churn")
    desk.endpoints.create("churn", "churn")
    desk.endpoints.deploy("churn", 1, reason="r")
    desk.endpoints.delete("churn", force=True)
    assert desk.endpoints.page().items == ()


def test_what_is_routed_cannot_be_deleted(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.deploy("churn", 2, reason="r")
    models = desk.engine("root").models
    for version in (1, 2):
        with pytest.raises(Conflict, match=f"deployed to churn.*retire churn {version}"):
            models.delete_version("churn", version)
    with pytest.raises(Conflict, match="served by churn"):
        models.delete("churn")
    models.delete_version("churn", 3)


def test_a_version_that_is_no_longer_routed_may_go_and_its_past_stays(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.deploy("churn", 2, reason="r")
    desk.endpoints.retire("churn", 1, reason="r")
    desk.engine("root").models.delete_version("churn", 1)
    gone = next(each for each in desk.endpoints.deployments("churn") if each.version == 1)
    assert (gone.state, gone.key) == (State.RETIRED, "churn/1")
    with pytest.raises(Conflict, match="deleted"):
        desk.endpoints.undo("churn", reason="r")
    with pytest.raises(Conflict, match="go back"):
        desk.endpoints.roll_back("churn", reason="r")


def test_renaming_a_model_keeps_its_endpoints(desk: Desk) -> None:
    desk.endpoint()
    desk.engine("root").models.rename("churn", "churn-eu")
    found = desk.endpoints.get("churn")
    assert (found.model, found.deployments[0].key) == ("churn-eu", "churn-eu/1")


def test_every_change_is_audited_with_what_was_and_what_is(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.deploy("churn", 2, share=Share.CANARY, weight=125, reason="try")
    entry = next(each for each in desk.engine().audit.page().items if (each.kind, each.verb) == ("endpoint", "deploy"))
    assert json.loads(json.dumps(entry.before)) == {
        "generation": 1,
        "killed": False,
        "routes": [["churn/1", "live", 1000]],
    }
    assert json.loads(json.dumps(entry.after)) == {
        "generation": 2,
        "killed": False,
        "routes": [["churn/1", "live", 875], ["churn/2", "canary", 125]],
    }
    assert (entry.reason, entry.actor) == ("try", "bob")


def test_every_change_is_news(desk: Desk) -> None:
    desk.versions(2)
    with closing(desk.engine().feed()) as feed:
        desk.endpoints.create("churn", "churn")
        desk.endpoints.deploy("churn", 1, reason="r")
        desk.endpoints.acknowledge("churn", "p:1", 1)
        changes = feed.poll()
        assert changes is not None
        told = [(each.change, each.key) for each in changes.events if each.kind == "endpoint"]
    assert told == [("created", "churn"), ("routed", "churn"), ("acknowledged", "churn")]


def test_the_past_is_known_by_time(desk: Desk) -> None:
    desk.endpoint()
    between = desk.clock.now_ms()
    desk.clock.advance(1_000)
    desk.endpoints.deploy("churn", 2, reason="r")
    assert [each.number for each in desk.endpoints.at(between)] == [1]
    assert [each.number for each in desk.endpoints.at(desk.clock.now_ms())] == [2]
    assert desk.endpoints.at(0) == ()


def test_history_is_paged_newest_first(desk: Desk) -> None:
    desk.endpoint()
    for weight in range(1, 6):
        if weight == 1:
            desk.endpoints.deploy("churn", 2, share=Share.CANARY, weight=1, reason="r")
        else:
            desk.endpoints.traffic("churn", {2: weight}, reason="r")
    numbers: list[int] = []
    token: str | None = None
    while True:
        page = desk.endpoints.history("churn", limit=2, page_token=token)
        numbers += [each.number for each in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert numbers == [6, 5, 4, 3, 2, 1]
    with pytest.raises(InvalidInput):
        desk.endpoints.history("churn", page_token="x" * 9)


def test_a_version_knows_where_it_is_routed(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.create("beside", "churn")
    desk.endpoints.deploy("beside", 1, reason="r")
    desk.endpoints.deploy("beside", 2, share=Share.SHADOW, reason="r")
    assert [(each.endpoint, each.share) for each in desk.endpoints.of_version("churn", 1)] == [
        ("beside", Share.LIVE),
        ("churn", Share.LIVE),
    ]
    assert [each.endpoint for each in desk.endpoints.of_version("churn", 2)] == ["beside"]
    assert desk.endpoints.of_version("churn", 3) == ()


def test_a_plan_says_what_would_change_and_changes_nothing(desk: Desk) -> None:
    desk.endpoint()
    plan = desk.endpoints.plan("churn", RouteWish(Cause.DEPLOY, 2, Share.CANARY, 100))
    assert plan.changes == ("churn/1: live 100 % → live 90 %", "churn/2: not loaded → canary 10 %")
    assert (plan.allowed, plan.danger, plan.expect) == (True, 2, 1)
    assert desk.endpoints.plan("churn", RouteWish(Cause.DEPLOY, 2, Share.SHADOW)).danger == 1
    assert desk.endpoints.plan("churn", RouteWish(Cause.KILL)).danger == 3
    refused = desk.endpoints.plan("churn", RouteWish(Cause.RETIRE, 1))
    assert (refused.allowed, refused.changes) == (False, ())
    assert "takes traffic" in refused.blockers[0]
    assert len(desk.endpoints.history("churn").items) == 1
    with pytest.raises(InvalidInput):
        desk.endpoints.plan("churn", RouteWish(Cause.STEP))


def test_a_lineage_ends_where_the_version_is_served(desk: Desk) -> None:
    desk.endpoint()
    desk.endpoints.create("beside", "churn")
    desk.endpoints.deploy("beside", 2, reason="r")
    desk.endpoints.deploy("beside", 1, share=Share.SHADOW, reason="r")
    found = desk.engine().models.lineage("version", "churn/1")
    served = {node.id.key: node.detail for node in found.nodes if node.id.kind is NodeKind.ENDPOINT}
    assert served == {"beside": "shadow", "churn": "live"}
    assert {edge.source.key for edge in found.edges if edge.kind is EdgeKind.SERVED_BY} == {"churn/1"}


@pytest.mark.parametrize(
    ("name", "written"), [("churn-eu", "churn-eu"), ("$(reboot)", "'$(reboot)'"), ("a;b", "'a;b'")]
)
def test_a_command_that_is_suggested_runs_no_part_of_a_name(desk: Desk, name: str, written: str) -> None:
    desk.endpoint(2, name)
    with pytest.raises(Conflict) as refused:
        desk.endpoints.traffic(name, {2: 10}, reason="r")
    assert refused.value.hint == f"Deploy it: qd endpoints deploy {written} 2."

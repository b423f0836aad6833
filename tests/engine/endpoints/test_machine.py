"""Any run of verbs, by the service itself, against a model of routes that shares no code with it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.core.errors import QuarterdeckError
from engine.endpoints.model import Generation, Share
from tests.engine.endpoints.desk import Desk

VERSIONS = 4
Routes = dict[int, tuple[str, int]]


class Endpoint(RuleBasedStateMachine):
    """An endpoint with versions that are deployed, weighed, given up and restored."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.desk = Desk(self.folder)
        self.desk.endpoint(VERSIONS, live=None)
        self.expected: Routes = {}
        self.killed = False
        self.past: list[tuple[Routes, bool]] = []
        self.stored: list[Generation] = []

    @initialize()
    def first(self) -> None:
        self.desk.endpoints.deploy("churn", 1, reason="first")
        self.become({1: ("live", 0)})

    def become(self, routes: Routes, *, killed: bool | None = None) -> None:
        off = self.killed if killed is None else killed
        if (routes, off) != (self.expected, self.killed) or not self.past:
            self.past.append((routes, off))
        self.expected, self.killed = routes, off

    def live(self) -> int:
        return next(version for version, (share, _) in self.expected.items() if share == "live")

    def taken(self, *, but: int = 0) -> int:
        return sum(weight for version, (_, weight) in self.expected.items() if version != but)

    def trimmed(self, newest: list[int], routes: Routes) -> Routes:
        """Only two may stand by, those that do so since last."""
        standing = [version for version, (share, _) in routes.items() if share == "standby"]
        order = [*newest, *(version for version in standing if version not in newest)]
        return {version: got for version, got in routes.items() if got[0] != "standby" or version in order[:2]}

    @rule(version=st.integers(1, VERSIONS))
    def go_live(self, version: int) -> None:
        self.desk.endpoints.deploy("churn", version, reason="r")
        before = self.live()
        if before != version:
            rest = {other: got for other, got in self.expected.items() if other not in (version, before)}
            standing = self.in_order(rest)
            self.become(self.trimmed([before, *standing], {version: ("live", 0), before: ("standby", 0), **rest}))

    def in_order(self, routes: Routes) -> list[int]:
        """Who stands by, the newest first, as the last generation says."""
        newest = self.desk.endpoints.history("churn", limit=2).items[-1 if len(self.past) > 1 else 0]
        named = {each.id: each.version for each in self.desk.endpoints.deployments("churn")}
        order = [named[route.deployment] for route in newest.routes if route.share is Share.STANDBY]
        return [version for version in order if routes.get(version, ("",))[0] == "standby"]

    @rule(version=st.integers(1, VERSIONS), weight=st.integers(-1, 1_001))
    def try_as_canary(self, version: int, weight: int) -> None:
        fits = 1 <= weight <= 999 - self.taken(but=version) and version != self.live()
        if self.passes(
            lambda: self.desk.endpoints.deploy("churn", version, share=Share.CANARY, weight=weight, reason="r")
        ):
            assert fits
            self.become({**self.expected, version: ("canary", weight)})
        else:
            assert not fits

    @rule(version=st.integers(1, VERSIONS))
    def mirror(self, version: int) -> None:
        if self.passes(lambda: self.desk.endpoints.shadow("churn", version, reason="r")):
            assert version != self.live()
            self.become({**self.expected, version: ("shadow", 0)})
        else:
            assert version == self.live()

    @rule(version=st.integers(1, VERSIONS), weight=st.integers(1, 999))
    def weigh(self, version: int, weight: int) -> None:
        routed = version in self.expected
        fits = (routed and (version == self.live() and weight == 1_000 - self.taken())) or (
            routed and version != self.live() and weight <= 999 - self.taken(but=version)
        )
        if self.passes(lambda: self.desk.endpoints.traffic("churn", {version: weight}, reason="r")):
            assert fits
            if version != self.live():
                self.become({**self.expected, version: ("canary", weight)})
        else:
            assert not fits

    @rule(version=st.integers(1, VERSIONS))
    def retire(self, version: int) -> None:
        share = self.expected.get(version, ("", 0))[0]
        alone = self.killed and len(self.expected) == 1
        if alone:
            return  # the machine keeps its endpoint alive
        if self.passes(lambda: self.desk.endpoints.retire("churn", version, reason="r")):
            assert share in ("standby", "shadow")
            self.become({other: got for other, got in self.expected.items() if other != version})
        else:
            assert share not in ("standby", "shadow")

    @rule()
    def kill(self) -> None:
        self.desk.endpoints.kill("churn", reason="r")
        self.become(self.expected, killed=True)

    @rule()
    def revive(self) -> None:
        self.desk.endpoints.revive("churn", reason="r")
        self.become(self.expected, killed=False)

    @precondition(lambda self: len(self.past) > 1)
    @rule()
    def undo(self) -> None:
        self.desk.endpoints.undo("churn", reason="r")
        routes, killed = self.past[-2]
        self.become(routes, killed=killed)

    @rule()
    def roll_back(self) -> None:
        canaries = [version for version, (share, _) in self.expected.items() if share == "canary"]
        before = self.live()
        done = self.passes(lambda: self.desk.endpoints.roll_back("churn", reason="r"))
        shown = self.desk.shares()
        if canaries:
            assert done
            assert next(version for version, (share, _) in shown.items() if share == "live") == before
        elif done:
            assert shown.get(before, ("standby", 0))[0] == "standby"
            assert before != next(version for version, (share, _) in shown.items() if share == "live")
        assert not any(share == "canary" for share, _ in shown.values()) or not done
        self.become({version: (share, 0 if share == "live" else weight) for version, (share, weight) in shown.items()})

    def passes(self, act: object) -> bool:
        try:
            act()  # type: ignore[operator]
        except QuarterdeckError:
            return False
        return True

    @invariant()
    def routes_are_as_expected(self) -> None:
        if not self.past:
            return
        shown = self.desk.shares()
        bare = {version: (share, 0 if share == "live" else weight) for version, (share, weight) in shown.items()}
        assert bare == self.expected
        assert sum(weight for _, weight in shown.values()) == 1_000
        assert [share for share, _ in shown.values()].count("live") == 1

    @invariant()
    def generations_are_only_ever_added(self) -> None:
        found = list(reversed(self.desk.endpoints.history("churn", limit=1_000).items))
        assert found[: len(self.stored)] == self.stored
        assert [each.number for each in found] == list(range(1, len(found) + 1))
        assert len(found) == len(self.past)
        self.stored = found

    @invariant()
    def planes_are_told_what_people_are_shown(self) -> None:
        (desired,) = self.desk.endpoints.desired()
        told = {each.version: each.route.share.value for each in desired.deployments}
        assert told == {version: share for version, (share, _) in self.expected.items()}
        assert desired.killed is self.killed

    def teardown(self) -> None:
        self.desk.database.close()
        shutil.rmtree(self.folder)


TestEndpoint = Endpoint.TestCase
TestEndpoint.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)

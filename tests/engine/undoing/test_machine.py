"""Any order of changes, undos and redos by one person goes back and forth through the very states that were."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.engine.undoing.workshop import Workshop

WORDS = st.sampled_from(["", "a", "b", "\u202e[/x]"])
NAMES = st.sampled_from(["one", "two", "three"])


class Undoings(RuleBasedStateMachine):
    """A model, an experiment and an endpoint, and the states that they were in."""

    @initialize()
    def open(self) -> None:
        self._folder = TemporaryDirectory()
        self._desk = Workshop(Path(self._folder.name))
        self._engine = self._desk.engine("root")
        self._desk.endpoint(2)
        self._engine.models.set_alias("churn", "candidate", 1)
        self._engine.experiments.create("zero")
        self._first = self._engine.audit.head().size
        self._past: list[Any] = []
        self._future: list[Any] = []

    def _look(self) -> Any:
        engine = self._engine
        model, endpoint = engine.models.get("churn"), engine.endpoints.get("churn")
        experiments = [(each.name, dict(each.tags)) for each in engine.experiments.page().items if each.id != 1]
        return (
            (model.description, dict(model.tags), dict(model.aliases)),
            sorted(experiments),
            (self._desk.shares(), endpoint.desired is not None and endpoint.desired.killed),
            tuple(each.stage for each in engine.models.versions("churn").items),
        )

    def _do(self, change: Any) -> None:
        before = self._look()
        self._desk.clock.advance(1_000)
        change()
        if self._look() != before:
            self._past.append(before)
            self._future.clear()

    def _experiment(self) -> str:
        return next(each.name for each in self._engine.experiments.page().items if each.name != "default")

    @rule(words=WORDS)
    def describe(self, words: str) -> None:
        self._do(lambda: self._engine.models.update("churn", description=words))

    @rule(key=NAMES, value=st.none() | WORDS)
    def tag(self, key: str, value: str | None) -> None:
        self._do(lambda: self._engine.models.set_tag("churn", key, value))

    @rule(version=st.integers(1, 2))
    def point(self, version: int) -> None:
        self._do(lambda: self._engine.models.set_alias("churn", "candidate", version))

    @rule(name=NAMES)
    def rename(self, name: str) -> None:
        self._do(lambda: self._engine.experiments.rename(self._experiment(), name))

    @rule(value=st.none() | WORDS)
    def tag_experiment(self, value: str | None) -> None:
        self._do(lambda: self._engine.experiments.set_tag(self._experiment(), "team", value))

    @rule(version=st.integers(1, 2))
    def deploy(self, version: int) -> None:
        self._do(lambda: self._engine.endpoints.deploy("churn", version, reason="try"))

    @rule()
    def switch(self) -> None:
        endpoints = self._engine.endpoints
        desired = endpoints.get("churn").desired
        assert desired is not None
        verb = endpoints.revive if desired.killed else endpoints.kill
        self._do(lambda: verb("churn", reason="switch"))

    @precondition(lambda self: self._past)
    @rule()
    def undo(self) -> None:
        now = self._look()
        self._desk.clock.advance(1_000)
        plan = self._engine.undoing.latest()
        assert plan is not None
        assert plan.blockers == ()
        self._engine.undoing.undo(plan.record.seq, expected=plan.expect)
        assert self._look() == self._past.pop()
        self._future.append(now)

    @precondition(lambda self: self._future)
    @rule()
    def redo(self) -> None:
        now = self._look()
        self._desk.clock.advance(1_000)
        plan = self._engine.undoing.redoable()
        assert plan is not None
        assert plan.blockers == ()
        self._engine.undoing.undo(plan.record.seq, expected=plan.expect)
        assert self._look() == self._future.pop()
        self._past.append(now)

    @invariant()
    def the_log_is_sound(self) -> None:
        assert self._engine.audit.verify().ok

    def teardown(self) -> None:
        """Let go of the workspace."""
        if hasattr(self, "_desk"):
            self._desk.database.close()
            self._folder.cleanup()


Undoings.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestUndoings = Undoings.TestCase

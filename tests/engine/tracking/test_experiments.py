"""Experiments: named once, changed by people under audit, deleted and restored together with their runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.audit.service import AuditLog
from engine.core.access import Role
from engine.core.clock import ManualClock
from engine.core.errors import (
    AlreadyExists,
    Conflict,
    FilterSyntaxError,
    InvalidInput,
    NotFound,
    PermissionDenied,
    ReadOnlyMode,
)
from engine.db.database import Database
from engine.tracking.experiments import Experiments
from engine.tracking.model import RunQuery
from engine.tracking.service import Runs
from tests.builders import make_access


def names(experiments: Experiments, text: str = "", **options: object) -> list[str]:
    return [each.name for each in experiments.page(text, **options).items]  # type: ignore[arg-type]


def test_an_experiment_is_made_and_found(experiments: Experiments, clock: ManualClock, audit: AuditLog) -> None:
    made = experiments.create("churn", {"team": "a"})
    assert made == experiments.get("churn")
    assert (made.name, made.lifecycle, made.tags, made.run_count) == ("churn", "active", {"team": "a"}, 0)
    assert made.created_ms == made.updated_ms == clock.now_ms()
    (entry,) = audit.page().items
    assert (entry.verb, entry.kind, entry.key, entry.after) == (
        "create",
        "experiment",
        "churn",
        {"name": "churn", "tags": {"team": "a"}},
    )


def test_a_name_is_taken_once_also_by_a_deleted_experiment(experiments: Experiments) -> None:
    experiments.create("churn")
    experiments.create("other")
    with pytest.raises(AlreadyExists):
        experiments.create("churn")
    with pytest.raises(AlreadyExists):
        experiments.rename("other", "churn")
    experiments.delete("churn")
    with pytest.raises(AlreadyExists):
        experiments.create("churn")


@pytest.mark.parametrize("name", ["", "x" * 501, "nul\0", "\ud800"])
def test_names_that_cannot_be_kept_are_refused(experiments: Experiments, name: str) -> None:
    experiments.create("there")
    with pytest.raises(InvalidInput):
        experiments.create(name)
    with pytest.raises(InvalidInput):
        experiments.rename("there", name)


def test_a_wrong_name_gets_a_suggestion(experiments: Experiments) -> None:
    experiments.create("churn")
    for ask in (experiments.get, experiments.delete, experiments.restore):
        with pytest.raises(NotFound, match="Did you mean churn"):
            ask("chrun")


def test_renaming_and_tagging_are_audited_and_change_the_time(
    experiments: Experiments, clock: ManualClock, audit: AuditLog
) -> None:
    experiments.create("old")
    clock.advance(1_000)
    assert experiments.rename("old", "new").updated_ms == clock.now_ms()
    assert experiments.set_tag("new", "team", "a").tags == {"team": "a"}
    assert experiments.set_tag("new", "team", "b").tags == {"team": "b"}
    assert experiments.set_tag("new", "team", None).tags == {}
    changes = [(entry.verb, entry.before, entry.after) for entry in reversed(audit.page().items)]
    assert changes[1:] == [
        ("rename", {"name": "old"}, {"name": "new"}),
        ("tag", {"team": None}, {"team": "a"}),
        ("tag", {"team": "a"}, {"team": "b"}),
        ("tag", {"team": "b"}, {"team": None}),
    ]


def test_changing_nothing_leaves_no_trace(experiments: Experiments, audit: AuditLog) -> None:
    experiments.create("e", {"k": "v"})
    experiments.rename("e", "e")
    experiments.set_tag("e", "k", "v")
    experiments.set_tag("e", "missing", None)
    assert audit.head().size == 1


def test_deleting_takes_the_runs_along_and_restoring_brings_back_only_those(
    experiments: Experiments, runs: Runs, clock: ManualClock
) -> None:
    kept, gone = (runs.start("e", name, capture=False) for name in ("kept", "gone"))
    for run in (kept, gone):
        run.finish()
    runs.delete(gone.id)
    clock.advance(1)
    assert experiments.delete("e").lifecycle == "deleted"
    assert runs.count(RunQuery(lifecycle="deleted")) == 2
    assert sum(runs.by_status().values()) == runs.count()
    with pytest.raises(Conflict, match="already"):
        experiments.delete("e")
    with pytest.raises(Conflict, match="deleted"):
        runs.start("e")
    restored = experiments.restore("e")
    assert (restored.lifecycle, restored.run_count) == ("active", 1)
    assert [run.name for run in runs.page().items] == ["kept"]
    with pytest.raises(Conflict, match="not deleted"):
        experiments.restore("e")


def test_lists_are_newest_first_and_page_by_page(experiments: Experiments, clock: ManualClock) -> None:
    for number in range(5):
        experiments.create(str(number))
        clock.advance(number % 2)
    everything = names(experiments)
    assert sorted(everything) == ["0", "1", "2", "3", "4"]
    found: list[str] = []
    token = None
    while True:
        page = experiments.page(limit=2, page_token=token)
        found += [each.name for each in page.items]
        token = page.next_page_token
        if token is None:
            break
    assert found == everything


def test_deleted_experiments_are_listed_when_asked_for(experiments: Experiments) -> None:
    experiments.create("a")
    experiments.create("b")
    experiments.delete("a")
    assert names(experiments) == ["b"]
    assert sorted(names(experiments, include_deleted=True)) == ["a", "b"]
    assert names(experiments, "lifecycle_stage = 'deleted'", include_deleted=True) == ["a"]


def test_lists_are_filtered_by_age(experiments: Experiments, clock: ManualClock) -> None:
    experiments.create("old")
    clock.advance(3 * 86_400_000)
    experiments.create("new")
    assert [each.name for each in experiments.page("last_update_time > '1d'").items] == ["new"]
    assert [each.name for each in experiments.page("creation_time < '2d'").items] == ["old"]


def test_lists_are_filtered_by_name_and_tags(experiments: Experiments) -> None:
    experiments.create("churn-a", {"team": "x"})
    experiments.create("churn-b", {"team": "y"})
    experiments.create("loan")
    assert sorted(names(experiments, "name LIKE 'churn%'")) == ["churn-a", "churn-b"]
    assert names(experiments, "tags.team = 'y'") == ["churn-b"]
    assert names(experiments, "tags.team IS NULL") == ["loan"]
    with pytest.raises(FilterSyntaxError):
        names(experiments, "metrics.auc > 1")


@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": 10_001}, {"page_token": "x"}, {"page_token": "WzFd"}])
def test_wrong_limits_and_tokens_are_refused(experiments: Experiments, options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        names(experiments, **options)  # type: ignore[arg-type]


OPERATIONS: dict[str, Callable[[Experiments], object]] = {
    "create": lambda experiments: experiments.create("new"),
    "rename": lambda experiments: experiments.rename("e", "new"),
    "tag": lambda experiments: experiments.set_tag("e", "k", "v"),
    "delete": lambda experiments: experiments.delete("e"),
    "restore": lambda experiments: experiments.restore("e"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_change_asks_for_the_role(
    experiments: Experiments, database: Database, clock: ManualClock, operation: str
) -> None:
    experiments.create("e")
    for access, refusal in ((make_access(Role.VIEWER), PermissionDenied), (make_access(read_only=True), ReadOnlyMode)):
        with pytest.raises(refusal):
            OPERATIONS[operation](Experiments(database, access, clock))
    assert names(experiments) == ["e"]

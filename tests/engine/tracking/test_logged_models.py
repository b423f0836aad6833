"""Logged models: begun, described, measured, finished, found, deleted; their files; and what beside a run they are."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan

import pytest

from engine.artifacts.store import ArtifactStore
from engine.audit.model import AuditFilter
from engine.audit.service import AuditLog
from engine.core.access import Role
from engine.core.clock import ManualClock
from engine.core.errors import Conflict, FilterSyntaxError, InvalidInput, NotFound, PermissionDenied
from engine.core.ids import CountingIds
from engine.db.database import Database
from engine.db.workspace import Workspace
from engine.tracking.experiments import Experiments
from engine.tracking.logged_model_model import (
    LoggedModel,
    LoggedModelKey,
    LoggedModelQuery,
    LoggedModelStatus,
    ModelMetric,
    NewLoggedModel,
)
from engine.tracking.logged_models import LoggedModels
from engine.tracking.model import ModelUse, RunLinks, RunReport
from engine.tracking.service import Runs
from tests.builders import make_access


def service(database: Database, clock: ManualClock, role: Role = Role.OPERATOR) -> LoggedModels:
    artifacts = ArtifactStore(Workspace(database.path.parent))
    return LoggedModels(database, make_access(role), artifacts, clock, CountingIds())


@pytest.fixture
def models(database: Database, clock: ManualClock) -> LoggedModels:
    return service(database, clock)


@pytest.fixture
def run(runs: Runs) -> str:
    started = runs.start("trials", "first")
    started.finish()
    return started.id


@pytest.fixture
def experiment(runs: Runs, run: str) -> int:
    return runs.get(run).experiment_id


def make(models: LoggedModels, experiment: int, name: str = "trees", **more: object) -> LoggedModel:
    return models.create(NewLoggedModel(experiment, name, **more))  # type: ignore[arg-type]


def names(models: LoggedModels, filter_text: str = "", **more: object) -> list[str]:
    return [each.name for each in models.page(LoggedModelQuery(filter_text, **more)).items]  # type: ignore[arg-type]


def test_a_model_is_what_was_said_of_it(models: LoggedModels, experiment: int, run: str) -> None:
    made = make(models, experiment, run_id=run, model_type="clf", params={"depth": "3"}, tags={"team": "risk"})
    found = models.get(made.model_id)
    assert found == made
    assert (found.name, found.model_type, found.run_id, found.experiment) == ("trees", "clf", run, "trials")
    assert (found.status, found.lifecycle) == (LoggedModelStatus.PENDING, "active")
    assert (found.params, found.tags, found.metrics) == ({"depth": "3"}, {"team": "risk"}, ())


def test_a_model_without_a_name_gets_one(models: LoggedModels, experiment: int) -> None:
    made = make(models, experiment, "")
    assert made.name == f"model-{made.model_id[2:10]}"


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "50%", 'a"b', "a'b", "x" * 501, "a\0b"])
def test_a_name_that_references_could_not_carry_is_refused(models: LoggedModels, experiment: int, name: str) -> None:
    with pytest.raises(InvalidInput):
        make(models, experiment, name)


def test_a_model_needs_an_experiment_and_a_run_that_are_there(
    models: LoggedModels, experiments: Experiments, runs: Runs, experiment: int, run: str
) -> None:
    with pytest.raises(NotFound):
        make(models, experiment + 1)
    with pytest.raises(NotFound):
        make(models, experiment, run_id="f" * 32)
    runs.delete(run)
    with pytest.raises(Conflict):
        make(models, experiment, run_id=run)
    experiments.delete("trials")
    with pytest.raises(Conflict):
        make(models, experiment)


@pytest.mark.parametrize("status", LoggedModelStatus)
def test_a_model_says_how_far_it_has_come(models: LoggedModels, experiment: int, status: LoggedModelStatus) -> None:
    made = make(models, experiment)
    found = models.set_status(made.model_id, status, "more of that")
    assert (found.status, found.status_message) == (status, "more of that")


def test_params_are_written_once_and_tags_are_replaced(models: LoggedModels, experiment: int) -> None:
    model_id = make(models, experiment, params={"a": "1"}, tags={"t": "1"}).model_id
    models.log_params(model_id, {"a": "1", "b": "2"})
    with pytest.raises(Conflict):
        models.log_params(model_id, {"b": "3", "c": "4"})
    models.set_tags(model_id, {"t": "2", "u": "3"})
    models.delete_tag(model_id, "u")
    with pytest.raises(NotFound):
        models.delete_tag(model_id, "u")
    found = models.get(model_id)
    assert (found.params, found.tags) == ({"a": "1", "b": "2"}, {"t": "2"})


def test_secrets_in_params_and_tags_are_not_stored(models: LoggedModels, experiment: int) -> None:
    made = make(models, experiment, params={"api_key": "hunter2"})
    models.log_params(made.model_id, {"password": "hunter2"})
    models.set_tags(made.model_id, {"secret": "hunter2"})
    assert "hunter2" not in repr(models.get(made.model_id))


def test_what_a_run_measures_is_kept_once_with_its_data(models: LoggedModels, experiment: int, run: str) -> None:
    model_id = make(models, experiment).model_id
    measured = [
        ModelMetric(model_id, "auc", 0.5, 0, 1, "cars", "d1"),
        ModelMetric(model_id, "auc", 0.7, 1, 2),
        ModelMetric(model_id, "loss", nan, 1, 2),
    ]
    models.log_metrics(run, measured)
    models.log_metrics(run, measured)
    found = models.get(model_id).metrics
    assert [(each.key, each.step, each.data_name, each.run_id) for each in found] == [
        ("auc", 1, "", run),
        ("auc", 0, "cars", run),
        ("loss", 1, "", run),
    ]
    assert isnan(found[2].value)


@pytest.mark.parametrize(
    "metric",
    [
        ModelMetric("", "", 0.5, 0, 1),
        ModelMetric("", "k" * 251, 0.5, 0, 1),
        ModelMetric("", "k", 0.5, 2**63, 1),
        ModelMetric("", "k", 0.5, 0, -(2**64)),
        ModelMetric("", "k", 0.5, 0, 1, "n" * 501),
        ModelMetric("", "k", 0.5, 0, 1, "n", "d\0"),
    ],
    ids=lambda metric: repr(metric)[:60],
)
def test_a_measurement_that_cannot_be_kept_is_refused(
    models: LoggedModels, experiment: int, run: str, metric: ModelMetric
) -> None:
    from dataclasses import replace

    model_id = make(models, experiment).model_id
    with pytest.raises(InvalidInput):
        models.log_metrics(run, [replace(metric, model_id=model_id)])
    assert models.get(model_id).metrics == ()


def test_measurements_of_an_unknown_model_are_refused_whole(models: LoggedModels, experiment: int, run: str) -> None:
    model_id = make(models, experiment).model_id
    with pytest.raises(NotFound):
        models.log_metrics(run, [ModelMetric(model_id, "k", 1.0, 0, 1), ModelMetric("m-none", "k", 1.0, 0, 1)])
    assert models.get(model_id).metrics == ()


def test_a_report_that_fails_after_its_measurements_keeps_none_of_them(
    models: LoggedModels, runs: Runs, experiment: int, run: str
) -> None:
    model_id = make(models, experiment).model_id
    measured = (ModelMetric(model_id, "auc", 0.5, 3, 1),)
    with pytest.raises(InvalidInput):  # what fails comes last: the run would be its own parent
        runs.report(run, RunReport([("auc", 0.5, 3, 1)], measured=measured, parent_run_id=run))
    assert models.get(model_id).metrics == ()
    assert runs.get(run).metrics == {}
    with pytest.raises(NotFound):
        runs.report(run, RunReport([("auc", 0.5, 3, 1)], measured=(*measured, ModelMetric("m-none", "auc", 0.5, 3, 1))))
    assert models.get(model_id).metrics == ()
    assert runs.get(run).metrics == {}
    runs.report(run, RunReport([("auc", 0.5, 3, 1)], measured=measured))
    assert [(each.key, each.step, each.run_id) for each in models.get(model_id).metrics] == [("auc", 3, run)]
    assert runs.get(run).metrics == {"auc": 0.5}


@pytest.fixture
def shelf(models: LoggedModels, runs: Runs, clock: ManualClock, run: str) -> LoggedModels:
    """Three models of one experiment and one of another."""
    experiment = runs.get(run).experiment_id
    for name, auc, data in (("low", 0.2, "cars"), ("high", 0.9, "cars"), ("other", 0.6, "bikes")):
        made = make(models, experiment, name, run_id=run, params={"depth": str(len(name))}, tags={"team": name})
        models.log_metrics(run, [ModelMetric(made.model_id, "auc", auc, 0, 1, data, "d1")])
        clock.advance(1_000)
    models.log_metrics(run, [ModelMetric(made.model_id, "auc", 0.1, 1, 2, "cars", "d2")])
    away = runs.start("elsewhere")
    away.finish()
    make(models, runs.get(away.id).experiment_id, "away")
    return models


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["away", "other", "high", "low"]),
        ("name = 'high'", ["high"]),
        ("name LIKE '%h%' AND metrics.auc > 0.5", ["other", "high"]),
        ("metrics.auc < 0.3", ["other", "low"]),
        ("metrics.auc > 0.8 OR params.depth = '3'", ["high", "low"]),
        ("params.depth > 4", ["other"]),
        ("tags.team IN ('low', 'high')", ["high", "low"]),
        ("tags.team != 'low'", ["other", "high"]),
        ("status = 'PENDING'", ["away", "other", "high", "low"]),
        ("source_run_id IS NULL", ["away"]),
        ("creation_timestamp > 0 AND attributes.name = 'low'", ["low"]),
    ],
)
def test_models_are_found_by_what_is_known_of_them(shelf: LoggedModels, text: str, expected: list[str]) -> None:
    assert names(shelf, text) == expected


@pytest.mark.parametrize(
    ("data", "text", "expected"),
    [
        ((("cars", ""),), "", ["other", "high", "low"]),
        ((("cars", "d1"),), "", ["high", "low"]),
        ((("bikes", ""), ("cars", "d1")), "", ["other", "high", "low"]),
        ((("bikes", ""),), "metrics.auc > 0.5", ["other"]),
        ((("cars", ""),), "metrics.auc > 0.5", ["high"]),
        ((("none", ""),), "", []),
    ],
)
def test_only_measurements_on_the_given_data_count(
    shelf: LoggedModels, data: tuple[tuple[str, str], ...], text: str, expected: list[str]
) -> None:
    assert names(shelf, text, data=data) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ((LoggedModelKey("metrics.auc DESC"),), ["high", "low", "other", "away"]),
        ((LoggedModelKey("metrics.auc ASC"),), ["other", "low", "high", "away"]),
        ((LoggedModelKey("metrics.auc DESC", ("bikes", "")),), ["other", "away", "high", "low"]),
        ((LoggedModelKey("name ASC"),), ["away", "high", "low", "other"]),
        ((LoggedModelKey("creation_timestamp ASC"),), ["low", "high", "other", "away"]),
    ],
)
def test_models_are_sorted_by_their_newest_measurement(
    shelf: LoggedModels, keys: tuple[LoggedModelKey, ...], expected: list[str]
) -> None:
    assert names(shelf, order_by=keys) == expected


def test_pages_follow_one_another_and_belong_to_one_question(shelf: LoggedModels, experiment: int) -> None:
    first = shelf.page(LoggedModelQuery(limit=3))
    assert first.next_page_token is not None
    second = shelf.page(LoggedModelQuery(limit=3, page_token=first.next_page_token))
    assert [each.name for each in (*first.items, *second.items)] == ["away", "other", "high", "low"]
    assert second.next_page_token is None
    for other in (
        LoggedModelQuery("name != 'x'", page_token=first.next_page_token),
        LoggedModelQuery(experiment_ids=(experiment,), page_token=first.next_page_token),
        LoggedModelQuery(data=(("cars", ""),), page_token=first.next_page_token),
        LoggedModelQuery("", (), None, (), "active", 100, "nonsense"),
    ):
        with pytest.raises(InvalidInput):
            shelf.page(other)


def test_a_search_stays_in_its_experiments(shelf: LoggedModels, experiment: int) -> None:
    assert names(shelf, experiment_ids=(experiment,)) == ["other", "high", "low"]
    assert names(shelf, experiment_ids=()) == []
    assert names(shelf, experiment_ids=(-1,)) == []


@pytest.mark.parametrize("text", ["name", "nonsense = 'x'", "metrics.auc > 'x'", "datasets.name = 'x'"])
def test_a_filter_that_means_nothing_is_refused(models: LoggedModels, text: str) -> None:
    with pytest.raises(FilterSyntaxError):
        models.page(LoggedModelQuery(text))


@pytest.mark.parametrize("query", [LoggedModelQuery(limit=0), LoggedModelQuery(lifecycle="gone")], ids=repr)
def test_a_query_out_of_bounds_is_refused(models: LoggedModels, query: LoggedModelQuery) -> None:
    with pytest.raises(InvalidInput):
        models.page(query)


def test_a_deleted_model_is_gone_until_it_is_restored(models: LoggedModels, audit: AuditLog, experiment: int) -> None:
    model_id = make(models, experiment).model_id
    models.files.keep_bytes(model_id, b"x", "MLmodel")
    models.delete(model_id)
    for attempt in (
        lambda: models.get(model_id),
        lambda: models.delete(model_id),
        lambda: models.set_tags(model_id, {"a": "b"}),
        lambda: models.artifacts(model_id),
        lambda: models.open_artifact(model_id, "MLmodel"),
        lambda: models.files.keep_bytes(model_id, b"x", "y"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert models.get(model_id, include_deleted=True).lifecycle == "deleted"
    assert (names(models), names(models, lifecycle="deleted"), names(models, lifecycle="all")) == (
        [],
        ["trees"],
        ["trees"],
    )
    models.restore(model_id)
    with models.open_artifact(model_id, "MLmodel") as stream:
        assert stream.read() == b"x"
    with pytest.raises(Conflict):
        models.restore(model_id)
    entries = audit.page(AuditFilter(kind="logged_model")).items
    assert [(entry.verb, entry.key) for entry in entries] == [("restore", model_id), ("delete", model_id)]


def test_a_model_is_all_of_its_files(models: LoggedModels, experiment: int) -> None:
    model_id = make(models, experiment).model_id
    with pytest.raises(NotFound):
        models.manifest(model_id)
    for path in ("MLmodel", "data/weights.bin"):
        models.files.keep_bytes(model_id, path.encode(), path)
    whole = models.manifest(model_id)
    assert ([each.path for each in whole.entries], whole.is_dir) == (["MLmodel", "data/weights.bin"], True)
    assert [each.path for each in models.artifacts(model_id)] == ["MLmodel", "data"]
    models.files.keep_bytes(model_id, b"other", "MLmodel")
    assert models.manifest(model_id).digest != whole.digest


def test_a_run_has_the_models_it_made_and_those_it_read(
    models: LoggedModels, runs: Runs, experiment: int, run: str
) -> None:
    told = make(models, experiment, "told", run_id=run)
    untold = make(models, experiment, "untold", run_id=run)
    read = make(models, experiment, "read")
    runs.link(
        run,
        RunLinks(models_made=[ModelUse(told.model_id, 5)], models_read=[ModelUse(read.model_id), ModelUse("m-away")]),
    )
    found = [(each.model_id, each.role, each.step, each.model and each.model.name) for each in models.of_run(run)]
    assert found == [
        (untold.model_id, "output", 0, "untold"),
        (told.model_id, "output", 5, "told"),
        (read.model_id, "input", 0, "read"),
        ("m-away", "input", 0, None),
    ]
    models.delete(untold.model_id)
    assert models.of_run(run[:8])[0].model_id == told.model_id


@pytest.mark.parametrize("least", [Role.WRITER, Role.OPERATOR])
def test_writers_log_and_operators_delete(
    database: Database, clock: ManualClock, models: LoggedModels, experiment: int, run: str, least: Role
) -> None:
    model_id = make(models, experiment).model_id
    below = service(database, clock, Role(least - 1))
    operations: dict[Role, list[Callable[[], object]]] = {
        Role.WRITER: [
            lambda: make(below, experiment),
            lambda: below.set_status(model_id, LoggedModelStatus.READY),
            lambda: below.log_params(model_id, {"a": "b"}),
            lambda: below.set_tags(model_id, {"a": "b"}),
            lambda: below.delete_tag(model_id, "a"),
            lambda: below.log_metrics(run, []),
            lambda: below.files.keep_bytes(model_id, b"x", "y"),
        ],
        Role.OPERATOR: [
            lambda: below.delete(model_id),
            lambda: below.restore(model_id),
            lambda: below.files.remove(model_id, "y"),
        ],
    }
    for operation in operations[least]:
        with pytest.raises(PermissionDenied):
            operation()
    assert below.get(model_id).tags == {}

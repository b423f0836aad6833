"""The life of a run through the client: create, log, end, delete, restore; params, tags, nesting, names."""

from __future__ import annotations

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunStatus, RunTag

from tests.clients.mlflow.wire import refused


def test_the_fluent_api_logs_a_whole_run(client: MlflowClient, experiment: str) -> None:
    with mlflow.start_run(experiment_id=experiment, run_name="whole", tags={"a": "1"}, description="what it is") as run:
        mlflow.log_param("p", 1)
        mlflow.log_params({"lr": 0.1, "deep": {"nested": True}})
        mlflow.log_metric("m", 0.5)
        mlflow.log_metrics({"x": 1.0, "y": 2.0}, step=3)
        mlflow.set_tag("t", "v")
        mlflow.set_tags({"u": 1, "w": "2"})
    found = client.get_run(run.info.run_id)
    assert (found.info.run_name, found.info.status, found.info.lifecycle_stage) == ("whole", "FINISHED", "active")
    assert found.info.end_time >= found.info.start_time
    assert found.info.artifact_uri == f"mlflow-artifacts:/{experiment}/{run.info.run_id}/artifacts"
    assert found.data.params == {"p": "1", "lr": "0.1", "deep": "{'nested': True}"}
    assert found.data.metrics == {"m": 0.5, "x": 1.0, "y": 2.0}
    assert {key: found.data.tags[key] for key in ("a", "t", "u", "w")} == {"a": "1", "t": "v", "u": "1", "w": "2"}
    assert found.data.tags["mlflow.note.content"] == "what it is"
    assert found.data.tags["mlflow.runName"] == "whole"
    assert found.data.tags["mlflow.source.type"] == "LOCAL"


def test_a_new_run_is_running_and_empty(client: MlflowClient, experiment: str) -> None:
    made = client.create_run(experiment, start_time=1234, run_name="fresh", tags={"a": "b"})
    assert (made.info.status, made.info.start_time, made.info.end_time) == ("RUNNING", 1234, None)
    found = client.get_run(made.info.run_id)
    assert found.info.experiment_id == experiment
    assert found.data.tags == {"a": "b", "mlflow.runName": "fresh"}
    assert found.data.params == found.data.metrics == {}
    assert found.inputs.dataset_inputs == []


def test_run_ids_are_32_hex_digits(run: str) -> None:
    assert len(run) == 32
    assert int(run, 16) >= 0


def test_a_run_without_a_name_gets_a_speaking_one(client: MlflowClient, run: str) -> None:
    found = client.get_run(run)
    assert found.info.run_name.count("-") == 2
    assert found.data.tags["mlflow.runName"] == found.info.run_name


def test_the_name_may_come_as_a_tag(client: MlflowClient, experiment: str) -> None:
    made = client.create_run(experiment, tags={"mlflow.runName": "by tag"})
    assert client.get_run(made.info.run_id).info.run_name == "by tag"


def test_two_different_names_are_refused(client: MlflowClient, experiment: str) -> None:
    said = refused(client.create_run, experiment, run_name="a", tags={"mlflow.runName": "b"})
    assert said.code == "INVALID_PARAMETER_VALUE"
    assert "Both 'run_name' argument and 'mlflow.runName' tag are specified" in said.message


def test_the_user_comes_from_the_tag(client: MlflowClient, experiment: str) -> None:
    made = client.create_run(experiment, tags={"mlflow.user": "grace"})
    assert client.get_run(made.info.run_id).data.tags["mlflow.user"] == "grace"


@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"])
def test_every_status_can_be_set(client: MlflowClient, run: str, status: str) -> None:
    client.update_run(run, status=status)
    assert client.get_run(run).info.status == status


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_an_ended_run_has_its_status_and_end(client: MlflowClient, run: str, status: str) -> None:
    client.set_terminated(run, status, end_time=5678)
    info = client.get_run(run).info
    assert (info.status, info.end_time) == (status, 5678)
    assert RunStatus.is_terminated(RunStatus.from_string(info.status))


def test_an_exception_fails_the_run(client: MlflowClient, experiment: str) -> None:
    with pytest.raises(ZeroDivisionError), mlflow.start_run(experiment_id=experiment) as run:
        raise ZeroDivisionError
    assert client.get_run(run.info.run_id).info.status == "FAILED"


def test_an_ended_run_can_be_resumed(client: MlflowClient, run: str) -> None:
    client.set_terminated(run)
    with mlflow.start_run(run_id=run):
        assert client.get_run(run).info.status == "RUNNING"
        mlflow.log_metric("later", 1)
    found = client.get_run(run)
    assert (found.info.status, found.data.metrics) == ("FINISHED", {"later": 1.0})


def test_an_ended_run_still_takes_data(client: MlflowClient, run: str) -> None:
    client.set_terminated(run)
    client.log_metric(run, "after", 2.0)
    client.log_param(run, "after", "x")
    assert client.get_run(run).data.metrics == {"after": 2.0}


def test_rename_by_update_and_by_tag(client: MlflowClient, run: str) -> None:
    client.update_run(run, name="second")
    found = client.get_run(run)
    assert (found.info.run_name, found.data.tags["mlflow.runName"]) == ("second", "second")
    client.set_tag(run, "mlflow.runName", "third")
    found = client.get_run(run)
    assert (found.info.run_name, found.data.tags["mlflow.runName"]) == ("third", "third")


def test_nested_runs_know_their_parent(client: MlflowClient, experiment: str) -> None:
    with mlflow.start_run(experiment_id=experiment) as parent:
        children = []
        for number in range(2):
            with mlflow.start_run(experiment_id=experiment, nested=True, run_name=f"child {number}") as child:
                mlflow.log_metric("m", number)
                children.append(child.info.run_id)
    for child_id in children:
        assert client.get_run(child_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert client.get_parent_run(child_id).info.run_id == parent.info.run_id
    found = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert sorted(one.info.run_id for one in found) == sorted(children)


def test_an_unknown_run_does_not_exist(client: MlflowClient) -> None:
    for action in (
        lambda: client.get_run("f" * 32),
        lambda: client.log_metric("f" * 32, "m", 1.0),
        lambda: client.log_param("f" * 32, "p", 1),
        lambda: client.set_tag("f" * 32, "t", 1),
        lambda: client.log_batch("f" * 32, metrics=[Metric("m", 1.0, 1, 0)]),
        lambda: client.delete_run("f" * 32),
        lambda: client.restore_run("f" * 32),
        lambda: client.update_run("f" * 32, "FINISHED"),
    ):
        said = refused(action)
        assert (said.code, said.status) == ("RESOURCE_DOES_NOT_EXIST", 404)
        assert f"Run with id={'f' * 32} not found" in said.message


# --- deletion


def test_a_deleted_run_is_still_read(client: MlflowClient, run: str) -> None:
    client.log_metric(run, "m", 1.0)
    client.log_param(run, "p", "1")
    client.delete_run(run)
    found = client.get_run(run)
    assert found.info.lifecycle_stage == "deleted"
    assert (found.data.metrics, found.data.params) == ({"m": 1.0}, {"p": "1"})
    assert [point.value for point in client.get_metric_history(run, "m")] == [1.0]


def test_a_deleted_run_takes_nothing(client: MlflowClient, run: str) -> None:
    client.set_tag(run, "there", "1")
    client.delete_run(run)
    for action in (
        lambda: client.log_metric(run, "m", 1.0),
        lambda: client.log_param(run, "p", "1"),
        lambda: client.set_tag(run, "t", "1"),
        lambda: client.delete_tag(run, "there"),
        lambda: client.log_batch(run, metrics=[Metric("m", 1.0, 1, 0)]),
        lambda: client.update_run(run, "FINISHED"),
    ):
        said = refused(action)
        assert (said.code, said.status) == ("INVALID_PARAMETER_VALUE", 400)
        assert f"The run {run} must be in the 'active' state. Current state is deleted." in said.message


def test_deletion_and_restoration_can_be_repeated(client: MlflowClient, run: str) -> None:
    client.delete_run(run)
    client.delete_run(run)
    client.restore_run(run)
    client.restore_run(run)
    client.log_metric(run, "m", 1.0)
    found = client.get_run(run)
    assert (found.info.lifecycle_stage, found.data.metrics) == ("active", {"m": 1.0})


def test_a_deleted_run_is_found_only_when_asked_for(client: MlflowClient, run: str) -> None:
    experiment = client.get_run(run).info.experiment_id
    client.delete_run(run)
    active, deleted, both = (len(client.search_runs([experiment], run_view_type=view)) for view in (1, 2, 3))
    assert (active, deleted, both) == (0, 1, 1)


def test_a_deleted_run_is_not_resumed(client: MlflowClient, run: str) -> None:
    client.delete_run(run)
    with pytest.raises(mlflow.exceptions.MlflowException, match="deleted"):
        mlflow.start_run(run_id=run)


# --- params are written once


@pytest.mark.parametrize(
    "value", ["1", "", "ünïcödé", "a\nb\tc", "x" * 6000, "{'a': [1, 2]}", "NaN", "'; DROP TABLE run;--"]
)
def test_a_param_comes_back_as_it_was_logged(client: MlflowClient, run: str, value: str) -> None:
    client.log_param(run, "p", value)
    assert client.get_run(run).data.params == {"p": value}


def test_the_same_value_again_is_fine(client: MlflowClient, run: str) -> None:
    for _ in range(2):
        client.log_param(run, "p", "1")
        client.log_batch(run, params=[Param("p", "1"), Param("q", "2")])
    assert client.get_run(run).data.params == {"p": "1", "q": "2"}


def test_another_value_is_refused_with_both_told(client: MlflowClient, run: str) -> None:
    client.log_param(run, "p", "1")
    with pytest.raises(mlflow.exceptions.MlflowException) as caught:
        client.log_param(run, "p", "2")
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert (
        f"Changing param values is not allowed. Param with key='p' was already logged with value='1' "
        f"for run ID='{run}'. Attempted logging new value '2'."
    ) in caught.value.message
    assert client.get_run(run).data.params == {"p": "1"}


def test_another_value_in_a_batch_stores_nothing_of_the_batch(client: MlflowClient, run: str) -> None:
    client.log_param(run, "p", "1")
    said = refused(
        client.log_batch,
        run,
        metrics=[Metric("m", 1.0, 1, 0)],
        params=[Param("q", "1"), Param("p", "2")],
        tags=[RunTag("t", "1")],
    )
    assert said.code == "INVALID_PARAMETER_VALUE"
    assert "Changing param values is not allowed. Params were already logged=" in said.message
    assert "{'key': 'p', 'old_value': '1', 'new_value': '2'}" in said.message
    found = client.get_run(run)
    assert (found.data.params, found.data.metrics) == ({"p": "1"}, {})
    assert "t" not in found.data.tags


def test_a_key_twice_in_a_batch_is_refused(client: MlflowClient, run: str) -> None:
    said = refused(client.log_batch, run, params=[Param("p", "1"), Param("p", "2")])
    assert said.code == "INVALID_PARAMETER_VALUE"
    assert "Duplicate parameter keys have been submitted: ['p']" in said.message


def test_a_long_value_is_cut_at_6000(client: MlflowClient, run: str) -> None:
    client.log_param(run, "p", "x" * 7000)
    client.log_batch(run, params=[Param("q", "y" * 6001)])
    assert client.get_run(run).data.params == {"p": "x" * 6000, "q": "y" * 6000}


def test_a_long_value_logged_again_is_the_same_value(client: MlflowClient, run: str) -> None:
    client.log_param(run, "p", "x" * 7000)
    client.log_param(run, "p", "x" * 7000)
    assert client.get_run(run).data.params == {"p": "x" * 6000}


# --- tags


def test_a_tag_is_replaced_and_deleted(client: MlflowClient, run: str) -> None:
    client.set_tag(run, "t", "1")
    client.set_tag(run, "t", "2")
    assert client.get_run(run).data.tags["t"] == "2"
    client.delete_tag(run, "t")
    assert "t" not in client.get_run(run).data.tags
    said = refused(client.delete_tag, run, "t")
    assert (said.code, said.status) == ("RESOURCE_DOES_NOT_EXIST", 404)
    assert f"No tag with name: t in run with id {run}" in said.message


def test_a_long_tag_is_cut_at_8000(client: MlflowClient, run: str) -> None:
    client.set_tag(run, "t", "x" * 9000)
    assert len(client.get_run(run).data.tags["t"]) == 8000


def test_the_last_of_a_tag_twice_in_a_batch_stays(client: MlflowClient, run: str) -> None:
    client.log_batch(run, tags=[RunTag("t", "1"), RunTag("t", "2")])
    assert client.get_run(run).data.tags["t"] == "2"


@pytest.mark.parametrize("key", ["a.b", "a/b", "a b", "a-b_c", "UPPER", "a:b", "k" * 250])
def test_usual_keys_are_taken_everywhere(client: MlflowClient, run: str, key: str) -> None:
    client.log_batch(run, metrics=[Metric(key, 1.0, 1, 0)], params=[Param(key, "1")], tags=[RunTag(key, "1")])
    found = client.get_run(run)
    assert (found.data.metrics[key], found.data.params[key], found.data.tags[key]) == (1.0, "1", "1")
    assert len(client.get_metric_history(run, key)) == 1


# --- batches


def test_a_batch_holds_at_most_what_it_may(client: MlflowClient, run: str) -> None:
    client.log_batch(
        run,
        metrics=[Metric(f"m{number % 7}", float(number), number, number) for number in range(800)],
        params=[Param(f"p{number}", str(number)) for number in range(100)],
        tags=[RunTag(f"t{number}", str(number)) for number in range(100)],
    )
    found = client.get_run(run)
    assert (len(found.data.metrics), len(found.data.params)) == (7, 100)
    assert found.data.metrics["m1"] == 799.0


def test_the_client_splits_what_is_too_many(client: MlflowClient, experiment: str) -> None:
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_params({f"p{number}": number for number in range(250)})
        mlflow.log_metrics({f"m{number}": float(number) for number in range(1500)})
        mlflow.set_tags({f"t{number}": number for number in range(150)})
    found = client.get_run(run.info.run_id)
    assert (len(found.data.params), len(found.data.metrics)) == (250, 1500)
    assert sum(key.startswith("t") for key in found.data.tags) == 150


def test_logging_without_waiting_arrives_in_the_end(client: MlflowClient, experiment: str) -> None:
    with mlflow.start_run(experiment_id=experiment) as run:
        for step in range(50):
            mlflow.log_metric("m", step, step=step, synchronous=False)
        mlflow.log_params({"p": 1}, synchronous=False).wait()
        mlflow.flush_async_logging()
    assert len(client.get_metric_history(run.info.run_id, "m")) == 50
    assert client.get_run(run.info.run_id).data.params == {"p": "1"}

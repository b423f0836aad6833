"""Experiments through the client: create, read, search, tags, rename, delete, restore."""

from __future__ import annotations

import uuid

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from tests.clients.mlflow.wire import Call, refused


def test_the_default_experiment_has_id_0(client: MlflowClient) -> None:
    default = client.get_experiment("0")
    assert (default.name, default.lifecycle_stage) == ("Default", "active")
    assert client.get_experiment_by_name("Default").experiment_id == "0"


def test_a_run_without_an_experiment_goes_to_the_default_one() -> None:
    mlflow.set_experiment("Default")
    with mlflow.start_run() as run:
        assert run.info.experiment_id == "0"


def test_a_created_experiment_is_found_by_id_and_by_name(client: MlflowClient, name: str) -> None:
    made = client.create_experiment(name, tags={"team": "a", "empty": ""})
    found = client.get_experiment(made)
    assert found.name == name
    assert found.lifecycle_stage == "active"
    assert found.tags == {"team": "a", "empty": ""}
    assert found.creation_time > 1_600_000_000_000
    assert found.last_update_time >= found.creation_time
    assert found.artifact_location == f"mlflow-artifacts:/{made}"
    assert client.get_experiment_by_name(name).experiment_id == made


def test_ids_are_decimal_numbers(experiment: str) -> None:
    assert experiment.isdigit()


@pytest.mark.parametrize("end", ["ünïcödé 実験", "/slash", "'quotes' and \"doubles\"", "a#b?c=d&e;f", "x" * 487])
def test_a_name_may_be_nearly_anything(client: MlflowClient, name: str, end: str) -> None:
    made = client.create_experiment(name + end)
    assert client.get_experiment(made).name == name + end
    assert client.get_experiment_by_name(name + end).experiment_id == made


def test_a_name_is_taken_once(client: MlflowClient, experiment: str) -> None:
    name = client.get_experiment(experiment).name
    said = refused(client.create_experiment, name)
    assert (said.code, said.status) == ("RESOURCE_ALREADY_EXISTS", 400)
    assert name in said.message
    assert "already exists" in said.message


def test_a_name_of_a_deleted_experiment_stays_taken(client: MlflowClient, experiment: str) -> None:
    name = client.get_experiment(experiment).name
    client.delete_experiment(experiment)
    assert refused(client.create_experiment, name).code == "RESOURCE_ALREADY_EXISTS"
    assert client.get_experiment_by_name(name).lifecycle_stage == "deleted"


def test_a_name_that_is_unknown_gives_none(client: MlflowClient) -> None:
    assert client.get_experiment_by_name("no such experiment") is None


def test_an_unknown_id_does_not_exist(client: MlflowClient) -> None:
    said = refused(client.get_experiment, "987654321")
    assert (said.code, said.status) == ("RESOURCE_DOES_NOT_EXIST", 404)
    assert "No Experiment with id=987654321 exists" in said.message


def test_an_id_that_is_no_number_is_refused(client: MlflowClient) -> None:
    said = refused(client.get_experiment, "abc")
    assert (said.code, said.status) == ("INVALID_PARAMETER_VALUE", 400)
    assert "Invalid experiment ID 'abc'. Experiment ID must be a valid integer." in said.message


def test_set_experiment_creates_then_finds(client: MlflowClient, name: str) -> None:
    first = mlflow.set_experiment(name)
    again = mlflow.set_experiment(name)
    assert first.experiment_id == again.experiment_id == client.get_experiment_by_name(name).experiment_id


def test_set_experiment_refuses_a_deleted_one(client: MlflowClient, experiment: str) -> None:
    name = client.get_experiment(experiment).name
    client.delete_experiment(experiment)
    with pytest.raises(mlflow.exceptions.MlflowException, match="deleted experiment"):
        mlflow.set_experiment(name)


def test_rename(client: MlflowClient, experiment: str, name: str) -> None:
    before = client.get_experiment(experiment)
    client.rename_experiment(experiment, f"renamed-{name}")
    after = client.get_experiment(experiment)
    assert after.name == f"renamed-{name}"
    assert after.last_update_time >= before.last_update_time
    assert client.get_experiment_by_name(before.name) is None


def test_rename_to_a_taken_name_is_refused(client: MlflowClient, experiment: str, name: str) -> None:
    client.create_experiment(f"other-{name}")
    said = refused(client.rename_experiment, experiment, f"other-{name}")
    assert said.status == 400


def test_tags_are_set_replaced_and_deleted(client: MlflowClient, experiment: str) -> None:
    client.set_experiment_tag(experiment, "k", "1")
    client.set_experiment_tag(experiment, "k", "2")
    client.set_experiment_tag(experiment, "long", "v" * 20_000)
    assert client.get_experiment(experiment).tags == {"k": "2", "long": "v" * 20_000}
    client.delete_experiment_tag(experiment, "long")
    assert client.get_experiment(experiment).tags == {"k": "2"}
    said = refused(client.delete_experiment_tag, experiment, "long")
    assert (said.code, said.status) == ("RESOURCE_DOES_NOT_EXIST", 404)


def test_set_experiment_tags_of_the_fluent_api(client: MlflowClient, name: str) -> None:
    made = mlflow.set_experiment(name)
    mlflow.set_experiment_tags({"a": "1", "b": "2"})
    assert client.get_experiment(made.experiment_id).tags == {"a": "1", "b": "2"}


def test_deleted_and_restored(client: MlflowClient, experiment: str) -> None:
    client.delete_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    client.restore_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "active"


def test_deletion_takes_the_runs_along_and_restoration_brings_them_back(client: MlflowClient, run: str) -> None:
    experiment = client.get_run(run).info.experiment_id
    client.delete_experiment(experiment)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    client.restore_experiment(experiment)
    assert client.get_run(run).info.lifecycle_stage == "active"


def test_a_deleted_experiment_takes_no_change(client: MlflowClient, experiment: str) -> None:
    client.delete_experiment(experiment)
    said = refused(client.create_run, experiment)
    assert said.code == "INVALID_PARAMETER_VALUE"
    assert f"The experiment {experiment} must be in the 'active' state. Current state is deleted." in said.message
    assert refused(client.set_experiment_tag, experiment, "a", "b").status == 400
    assert refused(client.delete_experiment, experiment).status == 404


def test_restoring_an_active_one_is_refused(client: MlflowClient, experiment: str) -> None:
    said = refused(client.restore_experiment, experiment)
    assert (said.code, said.status) == ("RESOURCE_DOES_NOT_EXIST", 404)


@pytest.fixture(scope="module")
def family() -> tuple[str, list[str]]:
    """A prefix, and the ids of five experiments that begin with it: a, b, B2, c (deleted), d."""
    client = MlflowClient()
    prefix = f"family{uuid.uuid4().hex[:8]}"
    tags = {
        "a": {"team": "red", "size": "1"},
        "b": {"team": "blue"},
        "B2": {"team": "Red"},
        "c": {},
        "d": {"odd key": "x"},
    }
    ids = [client.create_experiment(f"{prefix}-{name}", tags=value) for name, value in tags.items()]
    client.delete_experiment(ids[3])
    return prefix, ids


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("", "a b B2 d"),
        ("name = 'family-a'", "a"),
        ("attribute.name = 'family-a'", "a"),
        ("attribute.name != 'family-a'", "b B2 d"),
        ("name LIKE 'family-b%'", "b"),
        ("name ILIKE 'family-b%'", "b B2"),
        ("tags.team = 'red'", "a"),
        ("tag.team ILIKE 'red'", "a B2"),
        ("tags.team != 'red'", "b B2"),
        ("tags.`odd key` = 'x'", "d"),
        ("tags.team = 'red' AND tags.size = '1'", "a"),
        ("creation_time > 0", "a b B2 d"),
        ("last_update_time < 10", ""),
        pytest.param("name IN ('family-a', 'family-d')", "a d", marks=pytest.mark.quarterdeck_only),
        pytest.param("(name = 'family-a' OR name = 'family-d')", "a d", marks=pytest.mark.quarterdeck_only),
    ],
)
def test_search_by_filter(client: MlflowClient, family: tuple[str, list[str]], condition: str, expected: str) -> None:
    mine = f"name ILIKE 'family-%' AND {condition}" if condition else "name ILIKE 'family-%'"
    wanted = mine.replace("family", family[0])
    found = client.search_experiments(filter_string=wanted, order_by=["experiment_id ASC"])
    assert " ".join(one.name.removeprefix(f"{family[0]}-") for one in found) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["name ASC"], "B2 a b d"),
        (["name DESC"], "d b a B2"),
        (["experiment_id ASC"], "a b B2 d"),
        (["experiment_id DESC"], "d B2 b a"),
        (["creation_time ASC", "experiment_id ASC"], "a b B2 d"),
        (["attribute.name DESC"], "d b a B2"),
    ],
)
def test_search_in_order(client: MlflowClient, family: tuple[str, list[str]], order: list[str], expected: str) -> None:
    found = client.search_experiments(filter_string=f"name ILIKE '{family[0]}-%'", order_by=order)
    assert " ".join(one.name.removeprefix(f"{family[0]}-") for one in found) == expected


@pytest.mark.parametrize(
    ("view", "expected"),
    [(ViewType.ACTIVE_ONLY, "a b B2 d"), (ViewType.DELETED_ONLY, "c"), (ViewType.ALL, "a b B2 c d")],
)
def test_view_types(client: MlflowClient, family: tuple[str, list[str]], view: int, expected: str) -> None:
    found = client.search_experiments(view, filter_string=f"name ILIKE '{family[0]}-%'", order_by=["experiment_id"])
    assert " ".join(one.name.removeprefix(f"{family[0]}-") for one in found) == expected


def test_pages_follow_their_tokens(client: MlflowClient, family: tuple[str, list[str]]) -> None:
    seen: list[str] = []
    token = None
    for _ in range(4):
        page = client.search_experiments(
            filter_string=f"name ILIKE '{family[0]}-%'", order_by=["name"], max_results=2, page_token=token
        )
        seen += [one.name for one in page]
        token = page.token
        if not token:
            break
    assert seen == [f"{family[0]}-{end}" for end in ("B2", "a", "b", "d")]
    assert token is None


def test_the_newest_experiment_comes_first_unless_told_otherwise(client: MlflowClient, name: str) -> None:
    ids = [client.create_experiment(f"{name}-{number}") for number in range(3)]
    assert [one.experiment_id for one in client.search_experiments(max_results=3)] == ids[::-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filter_string": "bogus"}, "Invalid clause(s) in filter string"),
        ({"filter_string": "foo = 'x'"}, "Invalid attribute key 'foo'"),
        ({"filter_string": "name > 'x'"}, "Invalid comparator '>'"),
        ({"order_by": ["foo"]}, "Invalid attribute key 'foo'"),
        ({"max_results": 0}, "It must be a positive integer"),
        ({"max_results": -1}, "It must be a positive integer"),
        ({"max_results": 50_001}, "It must be at most 50000"),
        ({"page_token": "!!!"}, "page token"),
    ],
)
def test_a_bad_search_is_refused(client: MlflowClient, options: dict[str, object], words: str) -> None:
    said = refused(client.search_experiments, **options)
    assert (said.code, said.status) == ("INVALID_PARAMETER_VALUE", 400)
    assert words in said.message


def test_search_by_get(api: Call, experiment: str) -> None:
    answer = api("GET", "experiments/search", params={"max_results": 1})
    assert answer.status_code == 200
    assert len(answer.json()["experiments"]) == 1


def test_a_tag_key_may_hold_dots_slashes_and_blanks(client: MlflowClient, experiment: str) -> None:
    client.set_experiment_tag(experiment, "a.b/c d", "1")
    assert client.get_experiment(experiment).tags == {"a.b/c d": "1"}

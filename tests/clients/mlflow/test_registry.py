"""The model registry through the client: models, versions, tags, aliases, stages, latest versions, search."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import mlflow
import pytest
from mlflow import MlflowClient

from tests.clients.mlflow.wire import Call, refused

BAD = ("INVALID_PARAMETER_VALUE", 400)
NONE = ("RESOURCE_DOES_NOT_EXIST", 404)
ours = pytest.mark.quarterdeck_only


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered model with versions.

    Args:
        name: Its name.
        run: The run that its versions come from.
        source: Where the files of the versions are.
    """

    name: str
    run: str
    source: str


@pytest.fixture
def model(client: MlflowClient, name: str, run: str) -> Registered:
    """A model with three versions, all in no stage."""
    client.create_registered_model(name, tags={"team": "red"}, description="what it is")
    client.log_text(run, "{}", "model/MLmodel")
    source = f"{client.get_run(run).info.artifact_uri}/model"
    for _ in range(3):
        client.create_model_version(name, source, run)
    return Registered(name, run, source)


def stages(client: MlflowClient, name: str) -> dict[int, str]:
    """Version to stage."""
    return {int(one.version): one.current_stage for one in client.search_model_versions(f"name = '{name}'")}


# --- models


def test_a_registered_model_comes_back(client: MlflowClient, name: str) -> None:
    made = client.create_registered_model(name, tags={"a": "1"}, description="d")
    found = client.get_registered_model(name)
    assert (found.name, found.description, found.tags) == (name, "d", {"a": "1"})
    assert found.creation_timestamp == made.creation_timestamp > 1_600_000_000_000
    assert found.last_updated_timestamp >= found.creation_timestamp
    assert (found.latest_versions, found.aliases) == ([], {})


def test_a_name_is_taken_once(client: MlflowClient, model: Registered) -> None:
    said = refused(client.create_registered_model, model.name)
    assert (said.code, said.status) == ("RESOURCE_ALREADY_EXISTS", 400)
    assert f"Registered Model (name={model.name}) already exists" in said.message


@pytest.mark.parametrize("name", ["a/b", "a:b"])
def test_a_name_that_a_uri_cannot_hold_is_refused(client: MlflowClient, name: str) -> None:
    said = refused(client.create_registered_model, name)
    assert (said.code, said.status) == BAD
    assert f"Invalid model name '{name}'. Names cannot contain '/' or ':'." in said.message


@pytest.mark.parametrize("end", [" with blanks", ".dots.", "ünïcödé", "'quotes'", "%2e", "a" * 200])
def test_a_name_may_be_nearly_anything(client: MlflowClient, name: str, end: str) -> None:
    client.create_registered_model(name + end)
    assert client.get_registered_model(name + end).name == name + end
    client.delete_registered_model(name + end)


def test_what_is_unknown_does_not_exist(client: MlflowClient) -> None:
    for action in (
        lambda: client.get_registered_model("nope"),
        lambda: client.update_registered_model("nope", "d"),
        lambda: client.rename_registered_model("nope", "nope2"),
        lambda: client.delete_registered_model("nope"),
        lambda: client.set_registered_model_tag("nope", "k", "v"),
        lambda: client.delete_registered_model_tag("nope", "k"),
        lambda: client.get_model_version_by_alias("nope", "a"),
        lambda: client.get_latest_versions("nope"),
        lambda: client.create_model_version("nope", "s3://bucket/x"),
    ):
        said = refused(action)
        assert (said.code, said.status) == NONE
        assert "Registered Model with name=nope not found" in said.message


def test_description_and_name_change(client: MlflowClient, model: Registered) -> None:
    changed = client.update_registered_model(model.name, "second")
    assert changed.description == "second"
    client.set_registered_model_alias(model.name, "champion", "2")
    client.rename_registered_model(model.name, f"{model.name}-new")
    assert refused(client.get_registered_model, model.name).status == 404
    found = client.get_registered_model(f"{model.name}-new")
    assert (found.description, found.tags, found.aliases) == ("second", {"team": "red"}, {"champion": "2"})
    assert client.get_model_version(f"{model.name}-new", "2").name == f"{model.name}-new"


def test_renaming_to_a_taken_name_is_refused(client: MlflowClient, model: Registered) -> None:
    client.create_registered_model(f"{model.name}-other")
    said = refused(client.rename_registered_model, model.name, f"{model.name}-other")
    assert (said.code, said.status) == ("RESOURCE_ALREADY_EXISTS", 400)
    assert refused(client.rename_registered_model, model.name, "a/b").code == BAD[0]


def test_a_deleted_model_is_gone_with_its_versions(client: MlflowClient, model: Registered) -> None:
    client.delete_registered_model(model.name)
    assert refused(client.get_registered_model, model.name).status == 404
    assert refused(client.get_model_version, model.name, "1").status == 404
    assert list(client.search_model_versions(f"name = '{model.name}'")) == []
    assert refused(client.delete_registered_model, model.name).status == 404


def test_a_deleted_name_can_be_taken_again(client: MlflowClient, model: Registered) -> None:
    client.set_registered_model_alias(model.name, "champion", "1")
    client.delete_registered_model(model.name)
    client.create_registered_model(model.name)
    found = client.get_registered_model(model.name)
    assert (found.tags, found.aliases, found.latest_versions) == ({}, {}, [])
    # Ours goes on counting: a name and a number never mean two things.
    assert int(client.create_model_version(model.name, model.source, model.run).version) in (1, 4)


def test_tags_of_a_model(client: MlflowClient, model: Registered) -> None:
    client.set_registered_model_tag(model.name, "k", "1")
    client.set_registered_model_tag(model.name, "k", "v" * 50_000)
    assert client.get_registered_model(model.name).tags == {"team": "red", "k": "v" * 50_000}
    client.delete_registered_model_tag(model.name, "k")
    client.delete_registered_model_tag(model.name, "k")
    assert client.get_registered_model(model.name).tags == {"team": "red"}


# --- versions


def test_a_version_comes_back(client: MlflowClient, model: Registered) -> None:
    made = client.create_model_version(
        model.name, model.source, model.run, tags={"a": "1"}, description="d", run_link="http://example.org/run"
    )
    found = client.get_model_version(model.name, "4")
    assert (int(made.version), int(found.version)) == (4, 4)
    assert (found.name, found.source, found.run_id) == (model.name, model.source, model.run)
    assert (found.current_stage, found.status, found.description) == ("None", "READY", "d")
    assert (found.tags, found.aliases, found.run_link) == ({"a": "1"}, [], "http://example.org/run")
    assert found.last_updated_timestamp >= found.creation_timestamp > 1_600_000_000_000


def test_an_unknown_version_does_not_exist(client: MlflowClient, model: Registered) -> None:
    for action in (
        lambda: client.get_model_version(model.name, "99"),
        lambda: client.update_model_version(model.name, "99", "d"),
        lambda: client.delete_model_version(model.name, "99"),
        lambda: client.get_model_version_download_uri(model.name, "99"),
        lambda: client.transition_model_version_stage(model.name, "99", "Staging"),
        lambda: client.set_model_version_tag(model.name, "99", "k", "v"),
        lambda: client.set_registered_model_alias(model.name, "champion", "99"),
    ):
        said = refused(action)
        assert (said.code, said.status) == NONE
        assert f"Model Version (name={model.name}, version=99) not found" in said.message


def test_a_version_that_is_no_number_is_refused(client: MlflowClient, model: Registered) -> None:
    said = refused(client.get_model_version, model.name, "x")
    assert (said.code, said.status) == BAD
    assert "Parameter 'version' must be an integer, got 'x'." in said.message


def test_description_tags_and_download_uri_of_a_version(client: MlflowClient, model: Registered) -> None:
    client.update_model_version(model.name, "1", "better")
    client.set_model_version_tag(model.name, "1", "k", "1")
    client.set_model_version_tag(model.name, "1", "k", "2")
    found = client.get_model_version(model.name, "1")
    assert (found.description, found.tags) == ("better", {"k": "2"})
    client.delete_model_version_tag(model.name, "1", "k")
    client.delete_model_version_tag(model.name, "1", "k")
    assert client.get_model_version(model.name, "1").tags == {}
    uri = client.get_model_version_download_uri(model.name, "1")  # where the files are, not what they came from
    assert [file.path.rpartition("/")[2] for file in mlflow.artifacts.list_artifacts(artifact_uri=uri)] == ["MLmodel"]


def test_numbers_of_deleted_versions_are_not_used_again(client: MlflowClient, model: Registered) -> None:
    client.delete_model_version(model.name, "2")
    assert refused(client.get_model_version, model.name, "2").status == 404
    assert int(client.create_model_version(model.name, model.source, model.run).version) == 4
    assert sorted(stages(client, model.name)) == [1, 3, 4]


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd",
        "file:///etc",
        "dummy-source",
        "{root}/../x",
        "{root}/%2e%2e/x",
        "mlflow-artifacts:/9/other/artifacts/x",
    ],
)
def test_a_source_outside_of_its_run_is_refused(client: MlflowClient, model: Registered, source: str) -> None:
    root = client.get_run(model.run).info.artifact_uri
    said = refused(client.create_model_version, model.name, source.format(root=root), model.run)
    assert (said.code, said.status) == BAD
    assert "Invalid model version source" in said.message


def test_a_source_in_a_run_needs_the_run(client: MlflowClient, model: Registered) -> None:
    said = refused(client.create_model_version, model.name, model.source)
    assert said.code == BAD[0]
    assert "The run_id request parameter must identify the resource that contains the source." in said.message


# --- aliases


def test_an_alias_points_to_one_version(client: MlflowClient, model: Registered) -> None:
    client.set_registered_model_alias(model.name, "champion", "1")
    client.set_registered_model_alias(model.name, "Other_alias-2", "1")
    client.set_registered_model_alias(model.name, "champion", "2")
    assert int(client.get_model_version_by_alias(model.name, "champion").version) == 2
    assert client.get_registered_model(model.name).aliases == {"champion": "2", "Other_alias-2": "1"}
    assert client.get_model_version(model.name, "1").aliases == ["Other_alias-2"]
    client.delete_registered_model_alias(model.name, "champion")
    client.delete_registered_model_alias(model.name, "champion")
    said = refused(client.get_model_version_by_alias, model.name, "champion")
    assert said.status == 400
    assert "Registered model alias champion not found." in said.message


def test_an_alias_goes_with_its_version(client: MlflowClient, model: Registered) -> None:
    client.set_registered_model_alias(model.name, "champion", "2")
    client.delete_model_version(model.name, "2")
    assert client.get_registered_model(model.name).aliases == {}


@pytest.mark.parametrize(
    ("alias", "words"),
    [
        ("latest", "'latest' alias name (case insensitive) is reserved."),
        ("Latest", "'latest' alias name (case insensitive) is reserved."),
        ("v1", "Version alias name 'v1' is reserved."),
        ("a b", "Invalid alias name: 'a b'."),
        ("a/b", "Invalid alias name: 'a/b'."),
        ("x" * 256, "exceeds the maximum length of 255 characters"),
    ],
)
def test_a_bad_alias_is_refused(client: MlflowClient, model: Registered, alias: str, words: str) -> None:
    said = refused(client.set_registered_model_alias, model.name, alias, "1")
    assert (said.code, said.status) == BAD
    assert words in said.message


# --- stages


@pytest.mark.parametrize("stage", ["Staging", "staging", "Archived", "None"])
def test_a_version_enters_a_stage(client: MlflowClient, model: Registered, stage: str) -> None:
    moved = client.transition_model_version_stage(model.name, "1", stage)
    assert moved.current_stage == stage.capitalize()
    assert client.get_model_version(model.name, "1").current_stage == stage.capitalize()


def test_production_archives_what_was_there_when_asked(client: MlflowClient, model: Registered) -> None:
    client.transition_model_version_stage(model.name, "1", "Production")
    client.transition_model_version_stage(model.name, "2", "Production", archive_existing_versions=True)
    assert stages(client, model.name) == {1: "Archived", 2: "Production", 3: "None"}


def test_two_versions_share_a_stage_when_not_asked_to_archive(client: MlflowClient, model: Registered) -> None:
    client.transition_model_version_stage(model.name, "1", "Staging")
    client.transition_model_version_stage(model.name, "2", "Staging", archive_existing_versions=False)
    assert stages(client, model.name) == {1: "Staging", 2: "Staging", 3: "None"}


def test_a_version_goes_back_and_forth(client: MlflowClient, model: Registered) -> None:
    for stage in ("Staging", "Production", "Archived", "Staging", "None", "Production"):
        assert client.transition_model_version_stage(model.name, "1", stage).current_stage == stage


def test_an_unknown_stage_is_refused(client: MlflowClient, model: Registered) -> None:
    said = refused(client.transition_model_version_stage, model.name, "1", "Bogus")
    assert (said.code, said.status) == BAD
    assert (
        "Invalid Model Version stage: Bogus. Value must be one of None, Staging, Production, Archived." in said.message
    )


def test_the_latest_version_of_each_stage(client: MlflowClient, model: Registered) -> None:
    client.transition_model_version_stage(model.name, "1", "Production")
    client.transition_model_version_stage(model.name, "2", "Staging")
    latest = {one.current_stage: int(one.version) for one in client.get_latest_versions(model.name)}
    assert latest == {"Production": 1, "Staging": 2, "None": 3}
    assert [int(one.version) for one in client.get_latest_versions(model.name, ["Staging"])] == [2]
    assert client.get_latest_versions(model.name, ["Archived"]) == []
    held = {one.current_stage: int(one.version) for one in client.get_registered_model(model.name).latest_versions}
    assert held == latest
    said = refused(client.get_latest_versions, model.name, ["Bogus"])
    assert "Invalid Model Version stage: Bogus" in said.message


def test_latest_versions_by_get(api: Call, client: MlflowClient, model: Registered) -> None:
    answer = api("GET", "registered-models/get-latest-versions", params={"name": model.name})
    assert [one["version"] for one in answer.json()["model_versions"]] == ["3"]


@ours
def test_archiving_for_a_stage_that_is_not_active_is_the_askers_error(
    api: Call, client: MlflowClient, model: Registered
) -> None:
    body = {"name": model.name, "version": "1", "stage": "Archived", "archive_existing_versions": True}
    answer = api("POST", "model-versions/transition-stage", json=body)
    assert answer.status_code == 400


# --- search


@pytest.fixture(scope="module")
def shelf() -> str:
    """Four models with a common prefix; `a` has two versions, `b` one."""
    client = MlflowClient()
    prefix = f"shelf{uuid.uuid4().hex[:8]}"
    tags = {"a": {"team": "red"}, "b": {"team": "blue"}, "B2": {"team": "Red"}, "c": {}}
    for name, value in tags.items():
        client.create_registered_model(f"{prefix}-{name}", tags=value)
    run = client.create_run("0").info
    for name, version in (("a", "1"), ("a", "2"), ("b", "1")):
        client.create_model_version(f"{prefix}-{name}", f"{run.artifact_uri}/{name}", run.run_id, tags={"nr": version})
    return prefix


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("", "B2 a b c"),
        ("name = 'shelf-a'", "a"),
        ("name != 'shelf-a'", "B2 b c"),
        ("name LIKE 'shelf-b%'", "b"),
        ("name ILIKE 'shelf-b%'", "B2 b"),
        ("tags.team = 'red'", "a"),
        ("tag.team = 'red'", "a"),
        ("tags.`team` = 'red'", "a"),
        ("tags.team ILIKE 'red'", "B2 a"),
        ("tags.team LIKE 'b%'", "b"),
        ("tag.`none` != 'x'", ""),
        ("tags.team != 'red'", "B2 b"),
        ("tags.team = 'red' AND name = 'shelf-b'", ""),
        ("tag.`mlflow.prompt.is_prompt` != 'true'", "B2 a b c"),
    ],
)
def test_models_by_filter(client: MlflowClient, shelf: str, condition: str, expected: str) -> None:
    wanted = f"name ILIKE 'shelf-%' AND {condition}" if condition else "name ILIKE 'shelf-%'"
    found = client.search_registered_models(wanted.replace("shelf", shelf))
    assert " ".join(one.name.removeprefix(f"{shelf}-") for one in found) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["name ASC"], "B2 a b c"),
        (["name DESC"], "c b a B2"),
        (["last_updated_timestamp ASC", "name"], "B2 c a b"),
        (["last_updated_timestamp DESC", "name ASC"], "b a c B2"),
        (["timestamp DESC"], "b a c B2"),
    ],
)
def test_models_in_order(client: MlflowClient, shelf: str, order: list[str], expected: str) -> None:
    found = client.search_registered_models(f"name ILIKE '{shelf}-%'", order_by=order)
    assert " ".join(one.name.removeprefix(f"{shelf}-") for one in found) == expected


def test_pages_of_models(client: MlflowClient, shelf: str) -> None:
    first = client.search_registered_models(f"name ILIKE '{shelf}-%'", max_results=3)
    second = client.search_registered_models(f"name ILIKE '{shelf}-%'", max_results=3, page_token=first.token)
    assert [one.name.removeprefix(f"{shelf}-") for one in [*first, *second]] == ["B2", "a", "b", "c"]
    assert not second.token


def test_found_models_carry_their_latest_versions(client: MlflowClient, shelf: str) -> None:
    [found] = client.search_registered_models(f"name = '{shelf}-a'")
    assert [int(one.version) for one in found.latest_versions] == [2]
    assert found.tags == {"team": "red"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("name = 'shelf-a'", "a2 a1"),
        ("name ILIKE 'shelf-%'", "a2 a1 b1"),
        ("name LIKE 'shelf-a%' AND version_number = 1", "a1"),
        ("name ILIKE 'shelf-%' AND version_number > 1", "a2"),
        ("name ILIKE 'shelf-%' AND version_number <= 1", "a1 b1"),
        ("name ILIKE 'shelf-%' AND version_number != 1", "a2"),
        ("name ILIKE 'shelf-%' AND tags.nr = '1'", "a1 b1"),
        ("name ILIKE 'shelf-%' AND tags.nr LIKE '2%'", "a2"),
        ("name ILIKE 'shelf-%' AND source_path LIKE '%/b'", "b1"),
        ("name ILIKE 'shelf-%' AND run_id = 'none'", ""),
        ("name ILIKE 'shelf-%' AND run_id IN ('none', 'neither')", ""),
        ("name = 'none'", ""),
    ],
)
def test_versions_by_filter(client: MlflowClient, shelf: str, condition: str, expected: str) -> None:
    found = client.search_model_versions(
        condition.replace("shelf", shelf), order_by=["name ASC", "version_number DESC"]
    )
    assert " ".join(f"{one.name.removeprefix(f'{shelf}-')}{one.version}" for one in found) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["name DESC", "version_number ASC"], "b1 a1 a2"),
        (["version_number DESC", "name ASC"], "a2 a1 b1"),
        (["creation_timestamp ASC", "version_number"], "a1 a2 b1"),
        (["last_updated_timestamp DESC", "name DESC"], "b1 a2 a1"),
    ],
)
def test_versions_in_order(client: MlflowClient, shelf: str, order: list[str], expected: str) -> None:
    found = client.search_model_versions(f"name ILIKE '{shelf}-%'", order_by=order)
    assert " ".join(f"{one.name.removeprefix(f'{shelf}-')}{one.version}" for one in found) == expected


def test_pages_of_versions(client: MlflowClient, shelf: str) -> None:
    condition, order = f"name ILIKE '{shelf}-%'", ["name", "version_number"]
    first = client.search_model_versions(condition, max_results=2, order_by=order)
    second = client.search_model_versions(condition, max_results=2, order_by=order, page_token=first.token)
    assert [one.name.removeprefix(f"{shelf}-") + str(one.version) for one in [*first, *second]] == ["a1", "a2", "b1"]
    assert not second.token


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filter_string": "bogus"}, "Invalid clause(s) in filter string: bogus"),
        ({"filter_string": "foo = 'x'"}, "Invalid attribute key 'foo' specified."),
        ({"filter_string": "name > 'x'"}, "Invalid comparator for attribute: >"),
        ({"page_token": "bad"}, "page token"),
        ({"order_by": ["foo"]}, "'foo' specified."),
    ],
)
def test_a_bad_search_is_refused(client: MlflowClient, options: dict[str, object], words: str) -> None:
    for search in (client.search_registered_models, client.search_model_versions):
        said = refused(search, **options)
        assert (said.code, said.status) == BAD
        assert words in said.message


def test_the_fluent_searches(shelf: str) -> None:
    assert len(mlflow.search_registered_models(filter_string=f"name ILIKE '{shelf}-%'")) == 4
    assert len(mlflow.search_model_versions(filter_string=f"name = '{shelf}-a'")) == 2

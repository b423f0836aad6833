"""Search through the client: every kind of key, operator and order, as the client's own server answers them.

The expected names were recorded from that server with the same runs; a blank in a name is written `~`.
"""

from __future__ import annotations

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from tests.clients.mlflow.search_world import World
from tests.clients.mlflow.wire import refused

ours = pytest.mark.quarterdeck_only

FILTERS = [
    ("metrics.acc > 0.5", "alpha2 beta_x"),
    ("metrics.acc >= 0.5", "alpha2 Alpha beta_x"),
    ("metrics.acc = 0.5", "Alpha"),
    ("metrics.acc != 0.5", "delta alpha2 beta_x beta%y"),
    ("metrics.acc < 0", "delta"),
    ("metric.acc <= 0.7", "delta alpha2 Alpha beta_x"),
    ("metrics.loss > 0", "Gamma Alpha"),
    ("metrics.loss < 0", "eps~ilon beta%y"),
    ("metrics.loss != 1", "Gamma eps~ilon alpha2 beta%y"),
    ("metrics.loss >= 1e308", "Gamma"),
    ("metrics.loss = -1", "beta%y"),
    ("metrics.loss = -1.0", "beta%y"),
    ("metrics.`deep/er key` = 3", "delta"),
    ('metrics."deep/er key" > 2.5', "delta"),
    ("metrics.acc > 1e-3", "alpha2 Alpha beta_x"),
    ("metrics.none > 0", ""),
    ("params.lr = '0.1'", "eps~ilon Alpha"),
    ("param.lr = '0.1'", "eps~ilon Alpha"),
    ("parameter.lr = '0.1'", "eps~ilon Alpha"),
    ("parameters.lr = '0.1'", "eps~ilon Alpha"),
    ('params.lr = "0.1"', "eps~ilon Alpha"),
    ("params.lr != '0.1'", "zeta'q alpha2 beta_x beta%y"),
    ("params.opt = 'adam'", "Alpha"),
    ("params.opt ILIKE 'ADAM'", "alpha2 Alpha"),
    ("params.opt LIKE 'a%'", "Alpha"),
    ("params.opt LIKE 'A%'", "alpha2"),
    ("params.opt ILIKE 'a%'", "alpha2 Alpha"),
    ("params.opt LIKE '_dam'", "alpha2 Alpha"),
    ("params.opt = ''", "Gamma"),
    ("params.opt != ''", "alpha2 Alpha beta_x"),
    ("params.note LIKE '50\\% of%'", ""),
    ("params.note LIKE '%a_b'", "eps~ilon"),
    ("params.note LIKE '%50% of%'", "eps~ilon"),
    ("params.`odd key` = 'x'", "Alpha"),
    ("params.\"odd key\" = 'x'", "Alpha"),
    ("params.opt IS NULL", "delta eps~ilon zeta'q beta%y"),
    ("params.opt IS NOT NULL", "Gamma alpha2 Alpha beta_x"),
    ("params.none IS NULL", "Gamma delta eps~ilon zeta'q alpha2 Alpha beta_x beta%y"),
    ("tags.team = 'red'", "Alpha beta_x"),
    ("tag.team = 'red'", "Alpha beta_x"),
    ("tags.team != 'red'", "Gamma delta zeta'q alpha2"),
    ("tags.team ILIKE 'RED'", "delta Alpha beta_x"),
    ("tags.team LIKE 'r%'", "Alpha beta_x"),
    ("tags.team = ''", "Gamma"),
    ("tags.team IS NULL", "eps~ilon beta%y"),
    ("tags.team IS NOT NULL", "Gamma delta zeta'q alpha2 Alpha beta_x"),
    ("tags.`a.b` = '1'", "Alpha"),
    ("tags.a.b = '1'", "Alpha"),
    ("tags.none != 'x'", ""),
    ('tags.team = "it\'s"', "zeta'q"),
    ("tags.mlflow.runName = 'Alpha'", "Alpha"),
    ("attributes.status = 'FINISHED'", "eps~ilon zeta'q alpha2 Alpha"),
    ("attribute.status = 'RUNNING'", "beta%y"),
    ("attr.status != 'FINISHED'", "Gamma delta beta_x beta%y"),
    ("run.status = 'FAILED'", "beta_x"),
    ("status = 'KILLED'", "Gamma"),
    ("status = 'finished'", ""),
    ("status LIKE 'F%'", "eps~ilon zeta'q alpha2 Alpha beta_x"),
    ("status ILIKE 'f%'", "eps~ilon zeta'q alpha2 Alpha beta_x"),
    ("attributes.run_name = 'Alpha'", "Alpha"),
    ("run_name LIKE 'alpha%'", "alpha2"),
    ("run_name ILIKE 'alpha%'", "alpha2 Alpha"),
    ("run_name = 'eps ilon'", "eps~ilon"),
    ("run_name LIKE 'beta_%'", "beta_x beta%y"),
    ("run_name LIKE '%\\%%'", ""),
    ("attributes.`run name` = 'Gamma'", "Gamma"),
    ("attributes.\"Run name\" = 'Gamma'", "Gamma"),
    ("attributes.start_time > 80", "alpha2 Alpha beta_x beta%y"),
    ("start_time >= 80", "zeta'q alpha2 Alpha beta_x beta%y"),
    ("attributes.created < 60", "Gamma"),
    ("start_time = 100", "Alpha"),
    ("start_time != 100", "Gamma delta eps~ilon zeta'q alpha2 beta_x beta%y"),
    ("end_time > 100", "Alpha beta_x"),
    ("end_time < 80", "Gamma eps~ilon"),
    ("end_time = 105", "Alpha"),
    ("end_time != 105", "Gamma eps~ilon zeta'q alpha2 beta_x"),
    ("attributes.run_id = '{Alpha}'", "Alpha"),
    ("run_id != '{Alpha}'", "Gamma delta eps~ilon zeta'q alpha2 beta_x beta%y"),
    ("run_id IN ('{Alpha}', '{Gamma}')", "Gamma Alpha"),
    ("run_id NOT IN ('{Alpha}', '{Gamma}')", "delta eps~ilon zeta'q alpha2 beta_x beta%y"),
    ("attributes.run_id IN ('{delta}')", "delta"),
    ("artifact_uri LIKE 'mlflow-artifacts:/%'", "Gamma delta eps~ilon zeta'q alpha2 Alpha beta_x beta%y"),
    ("artifact_uri LIKE '%{beta_x}%'", "beta_x"),
    ("dataset.name = 'wine'", "alpha2 Alpha"),
    ("datasets.name = 'wine'", "alpha2 Alpha"),
    ("dataset.name != 'wine'", "zeta'q alpha2"),
    ("dataset.name LIKE 'w%'", "alpha2 Alpha"),
    ("dataset.name ILIKE 'w%'", "zeta'q alpha2 Alpha"),
    ("dataset.name IN ('bikes', 'Wine')", "zeta'q alpha2"),
    ("dataset.name NOT IN ('wine')", "zeta'q alpha2"),
    ("dataset.digest = 'd1'", "alpha2 Alpha"),
    ("dataset.digest ILIKE 'd1'", "zeta'q alpha2 Alpha"),
    ("dataset.context = 'train'", "zeta'q alpha2 Alpha"),
    ("dataset.context = 'eval'", "alpha2"),
    ("dataset.name = 'wine' AND dataset.context = 'train'", "alpha2 Alpha"),
    ("dataset.name = 'bikes' AND dataset.context = 'eval'", "alpha2"),
    ("metrics.acc > 0.5 AND params.lr = '0.01'", "alpha2"),
    ("metrics.acc > 0 and tags.team = 'red' and status = 'FINISHED'", "Alpha"),
    ("params.lr = '0.1' AND params.opt = 'adam' AND metrics.acc >= 0.5 AND metrics.loss = 1", "Alpha"),
    ("tags.team = 'red' AND tags.team != 'red'", ""),
    ("  metrics.acc   >   0.5  ", "alpha2 beta_x"),
    ("metrics.acc>0.5", "alpha2 beta_x"),
    ("params.lr='0.1' AND tags.team='red'", "Alpha"),
    ("params.lr LIKE '%'", "eps~ilon zeta'q alpha2 Alpha beta_x beta%y"),
]

RICHER = [
    ("params.opt = 'sgd' OR params.opt = 'adam'", "Alpha beta_x"),
    ("(params.opt = 'sgd' OR params.opt = 'adam') AND metrics.acc > 0.6", "beta_x"),
    ("run_name IN ('Alpha', 'delta')", "delta Alpha"),
    ("params.opt IN ('adam', 'sgd')", "Alpha beta_x"),
    ("tags.team NOT IN ('red', 'blue')", "Gamma delta zeta'q"),
    ("params.lr > 0.05", "eps~ilon zeta'q Alpha beta_x beta%y"),
    ("params.lr >= 1 AND metrics.acc > 0", "beta_x"),
    ("NOT tags.team = 'red'", "Gamma delta eps~ilon zeta'q alpha2 beta%y"),
    ("tags.team IN ('red', 'blue') OR metrics.acc > 0.6", "alpha2 Alpha beta_x"),
    ("start_time < '2000-01-01' AND start_time >= 100", "Alpha beta_x beta%y"),
    ("start_time > '2000-01-01T12:00:00Z'", ""),
]

ORDERS = [
    (["metrics.acc"], "delta Alpha beta_x alpha2 beta%y zeta'q eps~ilon Gamma"),
    (["metrics.acc ASC"], "delta Alpha beta_x alpha2 beta%y zeta'q eps~ilon Gamma"),
    (["metrics.acc DESC"], "beta_x alpha2 Alpha delta beta%y zeta'q eps~ilon Gamma"),
    (["metrics.loss ASC"], "eps~ilon beta%y Alpha Gamma alpha2 beta_x zeta'q delta"),
    (["metrics.loss DESC"], "Gamma Alpha beta%y eps~ilon alpha2 beta_x zeta'q delta"),
    (["metric.acc desc"], "beta_x alpha2 Alpha delta beta%y zeta'q eps~ilon Gamma"),
    (["params.lr"], "alpha2 Alpha eps~ilon beta_x beta%y zeta'q delta Gamma"),
    (["params.lr ASC"], "alpha2 Alpha eps~ilon beta_x beta%y zeta'q delta Gamma"),
    (["params.lr DESC"], "zeta'q beta%y beta_x Alpha eps~ilon alpha2 delta Gamma"),
    (["params.opt ASC"], "Gamma alpha2 Alpha beta_x beta%y zeta'q eps~ilon delta"),
    (["params.opt DESC"], "beta_x Alpha alpha2 Gamma beta%y zeta'q eps~ilon delta"),
    (["tags.team ASC"], "Gamma delta alpha2 zeta'q beta_x Alpha beta%y eps~ilon"),
    (["tags.team DESC"], "beta_x Alpha zeta'q alpha2 delta Gamma beta%y eps~ilon"),
    (["start_time ASC"], "Gamma delta eps~ilon zeta'q alpha2 Alpha beta_x beta%y"),
    (["start_time DESC"], "beta%y beta_x Alpha alpha2 zeta'q eps~ilon delta Gamma"),
    (["attributes.start_time asc"], "Gamma delta eps~ilon zeta'q alpha2 Alpha beta_x beta%y"),
    (["end_time ASC"], "Gamma eps~ilon zeta'q alpha2 Alpha beta_x beta%y delta"),
    (["end_time DESC"], "beta_x Alpha alpha2 zeta'q eps~ilon Gamma beta%y delta"),
    (["run_name ASC"], "Alpha Gamma alpha2 beta%y beta_x delta eps~ilon zeta'q"),
    (["attributes.run_name DESC"], "zeta'q eps~ilon delta beta_x beta%y alpha2 Gamma Alpha"),
    (["status ASC"], "beta_x Alpha alpha2 zeta'q eps~ilon Gamma beta%y delta"),
    (["status DESC"], "delta beta%y Gamma Alpha alpha2 zeta'q eps~ilon beta_x"),
    (["tags.team ASC", "metrics.acc DESC"], "Gamma delta alpha2 zeta'q beta_x Alpha beta%y eps~ilon"),
    (["params.lr DESC", "start_time ASC"], "zeta'q beta%y beta_x eps~ilon Alpha alpha2 Gamma delta"),
    (["metrics.`deep/er key` DESC"], "delta beta%y beta_x Alpha alpha2 zeta'q eps~ilon Gamma"),
    (["metrics.none ASC"], "beta%y beta_x Alpha alpha2 zeta'q eps~ilon delta Gamma"),
    (["created ASC"], "Gamma delta eps~ilon zeta'q alpha2 Alpha beta_x beta%y"),
    (["tags.`a.b` DESC"], "Alpha beta%y beta_x alpha2 zeta'q eps~ilon delta Gamma"),
    (["params.`odd key`"], "Alpha beta%y beta_x alpha2 zeta'q eps~ilon delta Gamma"),
]

WRONG = [
    ("bogus", "Invalid clause(s) in filter string: 'bogus'"),
    ("metrics.acc > 'x'", "Expected numeric value type for metric. Found 'x'"),
    ("params.lr = 5", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 5"),
    ("tags.team = 5", "Expected a quoted string value for tag (e.g. 'my-value'). Got value 5"),
    ("foo.x = 1", "Invalid entity type 'foo'. Valid values are"),
    ("attributes.foo = 'x'", "Invalid attribute key 'foo' specified. Valid keys are"),
    ("status > 'x'", "Invalid comparator '>' not one of"),
    ("start_time = 'x'", "Expected numeric value type for numeric attribute: start_time. Found 'x'"),
    ("metrics.acc LIKE 'a%'", "Expected numeric value type for metric. Found 'a%'"),
    ("metrics.acc = ", "Invalid clause(s) in filter string"),
    ("metrics.acc", "Invalid clause(s) in filter string"),
    ("= 5", "Invalid clause(s) in filter string"),
    ("params.lr = 'unterminated", "Invalid clause(s) in filter string"),
]


@pytest.fixture(scope="module")
def world() -> World:
    return World(MlflowClient())


def names(runs: list[object]) -> str:
    """Their names, with `~` for a blank."""
    return " ".join(run.info.run_name.replace(" ", "~") for run in runs)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("condition", "expected"), FILTERS)
def test_a_filter_finds_what_the_clients_own_server_finds(
    client: MlflowClient, world: World, condition: str, expected: str
) -> None:
    found = client.search_runs([world.first], world.fill(condition), order_by=["start_time ASC"])
    assert names(found) == expected


@ours
@pytest.mark.parametrize(("condition", "expected"), RICHER)
def test_a_filter_may_say_more_than_the_clients_own_server_takes(
    client: MlflowClient, world: World, condition: str, expected: str
) -> None:
    assert names(client.search_runs([world.first], condition, order_by=["start_time ASC"])) == expected


@pytest.mark.parametrize(("order", "expected"), ORDERS)
def test_numbers_come_first_then_nan_then_what_is_missing(
    client: MlflowClient, world: World, order: list[str], expected: str
) -> None:
    assert names(client.search_runs([world.first], order_by=order)) == expected


@pytest.mark.parametrize(("condition", "words"), WRONG)
def test_a_wrong_filter_is_refused_with_the_clients_words(
    client: MlflowClient, world: World, condition: str, words: str
) -> None:
    said = refused(client.search_runs, [world.first], condition)
    assert (said.code, said.status) == ("INVALID_PARAMETER_VALUE", 400)
    assert words in said.message


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("foo.x", "Invalid entity type 'foo'"),
        ("metrics.m UP", "Invalid ordering key in order_by clause 'metrics.m UP'"),
    ],
)
def test_a_wrong_order_is_refused(client: MlflowClient, world: World, order: str, words: str) -> None:
    said = refused(client.search_runs, [world.first], order_by=[order])
    assert said.code == "INVALID_PARAMETER_VALUE"
    assert words in said.message


def test_without_an_order_the_newest_comes_first(client: MlflowClient, world: World) -> None:
    expected = "beta%y beta_x Alpha alpha2 zeta'q eps~ilon delta Gamma"
    assert names(client.search_runs([world.first])) == expected


def test_runs_that_began_at_once_come_by_their_ids(client: MlflowClient, experiment: str) -> None:
    made = [client.create_run(experiment, start_time=5).info.run_id for _ in range(6)]
    assert [run.info.run_id for run in client.search_runs([experiment])] == sorted(made)


def test_many_experiments_are_one_list(client: MlflowClient, world: World) -> None:
    found = client.search_runs([world.first, world.second], "metrics.acc >= 0.5", order_by=["metrics.acc ASC"])
    assert names(found) == "eta Alpha theta beta_x alpha2"


def test_no_experiment_and_an_unknown_one_hold_nothing(client: MlflowClient) -> None:
    assert client.search_runs(["987654321"]) == []


@pytest.mark.parametrize("size", [1, 3, 8, 50])
@pytest.mark.parametrize(
    "order", [[], ["metrics.acc DESC"], ["params.opt ASC"], ["metrics.loss ASC", "tags.team DESC"]]
)
def test_pages_put_together_are_the_whole_list(client: MlflowClient, world: World, size: int, order: list[str]) -> None:
    whole = names(client.search_runs([world.first], order_by=order))
    seen: list[object] = []
    token = None
    for _ in range(9):
        page = client.search_runs([world.first], order_by=order, max_results=size, page_token=token)
        assert len(page) <= size
        seen += page
        token = page.token
        if not token:
            break
    assert not token
    assert names(seen) == whole


@pytest.mark.parametrize("size", [0, -1, 50_001])
def test_a_wrong_page_size_is_refused(client: MlflowClient, world: World, size: int) -> None:
    said = refused(client.search_runs, [world.first], max_results=size)
    assert (said.code, said.status) == ("INVALID_PARAMETER_VALUE", 400)


@pytest.mark.parametrize("token", ["bad", "!!!", "e30="])
def test_a_wrong_token_is_refused(client: MlflowClient, world: World, token: str) -> None:
    said = refused(client.search_runs, [world.first], page_token=token)
    assert (said.code, said.status) == ("INVALID_PARAMETER_VALUE", 400)


def test_deleted_runs_are_searched_apart(client: MlflowClient, experiment: str) -> None:
    kept, gone = (client.create_run(experiment, run_name=name, start_time=1).info.run_id for name in ("kept", "gone"))
    client.log_metric(kept, "m", 1.0)
    client.log_metric(gone, "m", 2.0)
    client.delete_run(gone)
    found = {
        view: names(client.search_runs([experiment], "metrics.m > 0", run_view_type=view, order_by=["metrics.m"]))
        for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL)
    }
    assert found == {ViewType.ACTIVE_ONLY: "kept", ViewType.DELETED_ONLY: "gone", ViewType.ALL: "kept gone"}


def test_found_runs_carry_all_their_data(client: MlflowClient, world: World) -> None:
    [found] = client.search_runs([world.first], "run_name = 'Alpha'")
    assert found.data.metrics == {"acc": 0.5, "loss": 1.0}
    assert found.data.params == {"lr": "0.1", "opt": "adam", "odd key": "x"}
    assert found.data.tags == {"team": "red", "a.b": "1", "mlflow.runName": "Alpha"}
    assert [one.dataset.name for one in found.inputs.dataset_inputs] == ["wine"]


def test_the_fluent_search_gives_a_table(world: World) -> None:
    table = mlflow.search_runs([world.first], "metrics.acc > 0.5", order_by=["metrics.acc DESC"])
    assert list(table["tags.mlflow.runName"]) == ["beta_x", "alpha2"]
    assert list(table["params.lr"]) == ["1", "0.01"]


def test_the_fluent_search_goes_by_names_of_experiments(client: MlflowClient, world: World) -> None:
    name = client.get_experiment(world.second).name
    assert len(mlflow.search_runs(experiment_names=[name])) == 2
    assert mlflow.search_runs(experiment_names=[name], output_format="list", max_results=1)[0].info.run_name == "theta"


def test_the_latest_value_is_what_is_compared(client: MlflowClient, run: str) -> None:
    experiment = client.get_run(run).info.experiment_id
    client.log_metric(run, "m", 5.0, timestamp=1, step=1)
    client.log_metric(run, "m", 1.0, timestamp=2, step=2)
    client.log_metric(run, "m", 9.0, timestamp=3, step=0)
    assert len(client.search_runs([experiment], "metrics.m = 1")) == 1
    assert len(client.search_runs([experiment], "metrics.m > 1")) == 0

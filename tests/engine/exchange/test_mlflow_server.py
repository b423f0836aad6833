"""Importing from a tracking server: pages, files by its proxy, and answers that are not to be trusted."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator

import pytest

from engine.api import Engine
from engine.core.errors import InvalidInput, Unreachable
from engine.exchange import mlflow_client
from engine.exchange.importing import Importer
from engine.exchange.mlflow_server import MlflowServer
from engine.exchange.model import ImportReport
from engine.registry.model import Stage
from tests.engine.exchange.mlflow_files import CHILD, RUN
from tests.engine.exchange.stub import API, FILES, Answer, Stub, found, serving

Import = Callable[..., ImportReport]


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def url(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(mlflow_client, "_FIRST_WAIT_S", 0.001)
    with serving(stub) as url:
        yield url


def test_everything_comes_along(bring: Import, opened: Engine, url: str) -> None:
    report = bring(url)
    assert (report.equal, report.skipped) == (True, ())
    run = opened.runs.get(RUN)
    assert (run.experiment, run.name, run.params, run.tags) == ("sweep", "first", {"lr": "0.1"}, {"t": "1"})
    assert opened.runs.history(RUN, "loss").total == 2
    assert opened.runs.read_artifact(RUN, "plots/roc curve.txt") == b"curve"
    assert [(each.name, each.context) for each in run.inputs] == [("cars", "train")]
    version = opened.models.version("churn", 1)
    assert (version.stage, version.aliases, version.run_id) == (Stage.PRODUCTION, ("champion",), RUN)
    assert [file.path for file in opened.models.files("churn", 1)] == ["roc curve.txt"]
    assert bring(url).stored == {}


def more_runs(stub: Stub, count: int, **info: object) -> None:
    for number in range(count):
        run = copy.deepcopy(stub.runs[0])
        run["info"] |= {"run_id": f"{number + 1:032x}", "start_time": 6_000 + number, **info}
        stub.runs.append(run)


def test_runs_say_which_models_they_made_and_read(bring: Import, opened: Engine, stub: Stub, url: str) -> None:
    more_runs(stub, 1)
    made, also, other = (f"m-{number:032x}" for number in range(1, 4))
    stub.runs[0]["outputs"] = {"model_outputs": [{"model_id": made, "step": 3}, {"model_id": also}]}
    stub.runs[0]["inputs"]["model_inputs"] = [{"model_id": other}]
    stub.runs[1]["outputs"] = {"model_outputs": [{"model_id": made, "step": "7"}]}
    info = {"experiment_id": "1", "name": "trees", "creation_timestamp_ms": 6_000, "status": "LOGGED_MODEL_READY"}
    models = [{"info": {**info, "model_id": each, "source_run_id": RUN}} for each in (made, also)]
    models.append({"info": {**info, "model_id": other}})
    stub.special["/api/2.0/mlflow/logged-models/search"] = lambda _: found(models=models)
    assert bring(url, files=False).equal
    used = {
        run: sorted((each.model_id, each.role, each.step) for each in opened.logged_models.of_run(run))
        for run in (RUN, f"{1:032x}")
    }
    assert used[f"{1:032x}"] == [(made, "output", 7)]
    assert used[RUN] == sorted([(made, "output", 3), (also, "output", 0), (other, "input", 0)])
    assert bring(url, files=False).stored == {}


def test_every_page_is_read(bring: Import, opened: Engine, stub: Stub, url: str) -> None:
    more_runs(stub, 6)
    assert bring(url, files=False).equal
    assert opened.runs.count() == 7


def test_words_and_texts_stand_for_numbers(bring: Import, opened: Engine, stub: Stub, url: str) -> None:
    words = (("a", "NaN"), ("b", "Infinity"), ("c", "-Infinity"))
    metrics = [{"key": key, "value": word, "timestamp": "7", "step": "3"} for key, word in words]
    stub.runs[0]["data"]["metrics"] = metrics
    stub.history = {each["key"]: [each] for each in stub.runs[0]["data"]["metrics"]}
    assert bring(url, files=False).equal
    kept = opened.runs.get(RUN).metrics
    assert math.isnan(kept["a"])
    assert (kept["b"], kept["c"]) == (math.inf, -math.inf)


def test_files_elsewhere_are_told_of(bring: Import, stub: Stub, url: str) -> None:
    stub.runs[0]["info"]["artifact_uri"] = "s3://bucket/1"
    report = bring(url)
    assert [(each.kind, each.key) for each in report.skipped] == [("artifacts", RUN)]
    assert report.equal


def test_a_mirror_looks_at_what_runs_and_at_what_is_new(opened: Engine, stub: Stub, url: str) -> None:
    more_runs(stub, 6, status="FINISHED", start_time=1)
    stub.runs[1]["info"]["status"] = "RUNNING"
    source = MlflowServer(url)
    importer = Importer(opened, source)
    importer.step()
    stub.asked.clear()
    assert importer.step() == {}
    assert [path for _, path in stub.asked].count(f"{API}/metrics/get-history") == 0
    assert len(stub.asked) < 15
    stub.runs[1]["info"] |= {"status": "FINISHED", "end_time": 8_000}
    late = copy.deepcopy(stub.runs[0])
    late["info"] |= {"run_id": CHILD, "start_time": 900_000}
    stub.runs.append(late)
    assert importer.step() == {"runs": 1, "changed runs": 1, "metrics": 2}
    assert opened.runs.get(stub.runs[1]["info"]["run_id"]).end_ms == 8_000
    source.close()


def test_paths_that_lead_out_are_left_out(bring: Import, opened: Engine, stub: Stub, url: str) -> None:
    names = ["../../etc/passwd", "/etc/passwd", "a\\b", "a\x00b", "ok"]
    stub.special[FILES] = lambda _: found(files=[{"path": name, "is_dir": False} for name in names])
    stub.files = {f"1/{RUN}/artifacts/ok": b"1", f"1/{RUN}/artifacts/plots/ok": b"2"}
    report = bring(url)
    assert [file.path for file in opened.runs.get(RUN).artifacts] == ["ok"]
    assert report.skipped_counts == {"artifact": 8}


def test_folders_without_end_are_not_walked(bring: Import, stub: Stub, url: str) -> None:
    stub.special[FILES] = lambda _: found(files=[{"path": "again", "is_dir": True}])
    report = bring(url)
    assert report.skipped_counts == {"artifacts": 2}
    assert "without end" in report.skipped[0].why


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (f"{API}/experiments/search", (200, b"<html>hello</html>")),
        (f"{API}/experiments/search", (200, b"[1]")),
        (f"{API}/experiments/search", found(experiments="none")),
        (f"{API}/experiments/search", (401, b'{"message": "who?"}')),
        (f"{API}/experiments/search", (503, b"")),
        (f"{API}/experiments/search", (200, b"[" * 100_000)),
        (f"{API}/runs/search", (200, b'{"runs": [], "next_page_token": "again"}')),
        (f"{API}/runs/search", (200, b'{"runs": [], "next_page_token": 7}')),
        (f"{API}/metrics/get-history", (500, b"\x1b[31m")),
    ],
    ids=["html", "list", "text", "refused", "busy", "deep", "one token for ever", "no token", "broken"],
)
def test_a_server_that_answers_nonsense_is_refused_in_one_sentence(
    bring: Import, stub: Stub, url: str, path: str, answer: Answer
) -> None:
    stub.special[path] = lambda _: answer
    with pytest.raises(Unreachable) as refused:
        bring(url)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "run",
    [{}, {"info": []}, {"info": {"run_id": 7}, "data": 3}, {"info": {"run_id": CHILD, "experiment_id": "9"}}],
)
def test_a_run_of_another_shape_leaves_the_rest_alone(
    bring: Import, opened: Engine, stub: Stub, url: str, run: dict[str, object]
) -> None:
    stub.special[f"{API}/runs/search"] = lambda _: found(runs=[run, stub.runs[0], "text"])
    report = bring(url, files=False)
    assert report.equal
    assert report.skipped_counts == {"run": 1}
    assert opened.runs.count() == 1


def test_a_hiccup_is_asked_again(bring: Import, stub: Stub, url: str) -> None:
    answers = iter([(503, b""), (429, b"")])
    usual = stub.answer

    def sometimes(asked: object) -> Answer:
        del stub.special[f"{API}/runs/search"]
        answer = next(answers, None)
        if answer is None:
            return usual("POST", f"{API}/runs/search", asked)  # type: ignore[arg-type]
        stub.special[f"{API}/runs/search"] = sometimes
        return answer

    stub.special[f"{API}/runs/search"] = sometimes
    assert bring(url).equal


def test_nobody_there_is_said_in_one_sentence(bring: Import, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_client, "_FIRST_WAIT_S", 0.001)
    with serving(stub) as url:
        pass
    with pytest.raises(Unreachable, match="does not answer"):
        bring(url)
    for nonsense in ("http://", "http://[", "https://\x00"):
        with pytest.raises((InvalidInput, Unreachable)):
            bring(nonsense)

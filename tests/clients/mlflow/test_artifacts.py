"""Files through the client: log, list, read back, delete; and what the artifact proxy must refuse."""

from __future__ import annotations

import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import mlflow
import numpy as np
import pytest
import requests
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts, load_dict, load_text
from PIL import Image

from tests.clients.mlflow.wire import Call

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
ours = pytest.mark.quarterdeck_only


def listed(client: MlflowClient, run: str, path: str | None = None) -> list[tuple[str, bool, int | None]]:
    """(path, is a folder, size) of what a folder of a run holds."""
    return [(one.path, one.is_dir, one.file_size) for one in client.list_artifacts(run, path)]


def root(client: MlflowClient, run: str) -> str:
    """The proxy's path of a run's files."""
    where: str = client.get_run(run).info.artifact_uri
    return where.removeprefix("mlflow-artifacts:/")


def test_a_file_is_logged_listed_and_read_back(client: MlflowClient, run: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\nwörld")
    client.log_artifact(run, str(tmp_path / "notes.txt"))
    client.log_artifact(run, str(tmp_path / "notes.txt"), "deep/er")
    assert listed(client, run) == [("deep", True, None), ("notes.txt", False, 12)]
    assert listed(client, run, "deep") == [("deep/er", True, None)]
    assert listed(client, run, "deep/er") == [("deep/er/notes.txt", False, 12)]
    got = download_artifacts(run_id=run, artifact_path="deep/er/notes.txt", dst_path=str(tmp_path / "got"))
    assert Path(got).read_text() == "hello\nwörld"


def test_a_folder_comes_back_as_it_was(client: MlflowClient, run: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "a" / "b").mkdir(parents=True)
    contents = {"one.bin": os.urandom(70_000), "a/two.txt": b"2", "a/b/three.json": b"{}", "a/empty": b""}
    for path, data in contents.items():
        (source / path).write_bytes(data)
    client.log_artifacts(run, str(source), "folder")
    got = Path(client.download_artifacts(run, "folder", str(tmp_path)))
    assert {str(one.relative_to(got)): one.read_bytes() for one in got.rglob("*") if one.is_file()} == contents


@pytest.mark.parametrize(
    "file", ["ünïcödé 実験.txt", "with blank", "a+b&c=d.txt", "100%.txt", "a,b;c.txt", "quote'd.txt"]
)
def test_a_file_name_may_be_nearly_anything(client: MlflowClient, run: str, tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_text("x")
    client.log_artifact(run, str(tmp_path / file))
    assert [path for path, _, _ in listed(client, run)] == [file]
    assert Path(client.download_artifacts(run, file, str(tmp_path))).read_text() == "x"


def test_a_large_file_comes_back_bit_for_bit(client: MlflowClient, run: str, tmp_path: Path) -> None:
    data = os.urandom(1024) * (12 * 1024)
    (tmp_path / "large.bin").write_bytes(data)
    client.log_artifact(run, str(tmp_path / "large.bin"))
    assert listed(client, run) == [("large.bin", False, len(data))]
    assert Path(client.download_artifacts(run, "large.bin", str(tmp_path / "got"))).read_bytes() == data


def test_a_file_logged_again_is_replaced(client: MlflowClient, run: str) -> None:
    client.log_text(run, "first, and longer", "f.txt")
    client.log_text(run, "second", "f.txt")
    assert load_text(f"runs:/{run}/f.txt") == "second"
    assert listed(client, run) == [("f.txt", False, 6)]


def test_text_and_dictionaries(client: MlflowClient, run: str) -> None:
    client.log_text(run, "<b>hello</b>", "page.html")
    client.log_dict(run, {"a": [1, 2]}, "d/data.json")
    client.log_dict(run, {"a": {"b": "c"}}, "d/data.yaml")
    assert load_text(f"runs:/{run}/page.html") == "<b>hello</b>"
    assert load_dict(f"runs:/{run}/d/data.json") == {"a": [1, 2]}
    assert load_text(f"runs:/{run}/d/data.yaml").strip() == "a:\n  b: c"


def test_a_figure(client: MlflowClient, run: str, tmp_path: Path) -> None:
    figure, axes = plt.subplots()
    axes.plot([0, 1], [2, 3])
    client.log_figure(run, figure, "plots/line.png")
    plt.close(figure)
    with Image.open(client.download_artifacts(run, "plots/line.png", str(tmp_path))) as picture:
        assert picture.size == (640, 480)


def test_images_by_name_and_by_step(client: MlflowClient, run: str) -> None:
    picture = np.zeros((4, 6, 3), dtype=np.uint8)
    client.log_image(run, picture, "p.png")
    for step in range(2):
        client.log_image(run, picture, key="training", step=step, synchronous=True)
    assert ("p.png", False) in [(path, folder) for path, folder, _ in listed(client, run)]
    found = [path for path, _, _ in listed(client, run, "images")]
    assert len([path for path in found if path.endswith(".png")]) == 2
    assert len([path for path in found if path.endswith(".webp")]) == 2
    assert client.get_run(run).data.tags["mlflow.loggedImages"] == "True"


def test_a_table_grows_and_is_loaded(client: MlflowClient, experiment: str) -> None:
    mlflow.set_experiment(experiment_id=experiment)
    with mlflow.start_run() as run:
        mlflow.log_table({"q": ["a", "b"], "score": [1, 2]}, "t.json")
        mlflow.log_table({"q": ["c"], "score": [3]}, "t.json")
    table = mlflow.load_table("t.json", run_ids=[run.info.run_id], extra_columns=["run_id"])
    assert list(table["q"]) == ["a", "b", "c"]
    assert set(table["run_id"]) == {run.info.run_id}
    [tag] = json.loads(client.get_run(run.info.run_id).data.tags["mlflow.loggedArtifacts"])
    assert tag == {"path": "t.json", "type": "table"}


def test_the_fluent_functions_log_into_the_active_run(client: MlflowClient, experiment: str, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_text("x")
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_artifacts(str(tmp_path / "d"), artifact_path="d")
        mlflow.log_text("t", "t.txt")
        assert mlflow.get_artifact_uri("d/f").endswith(f"{run.info.run_id}/artifacts/d/f")
    assert listed(client, run.info.run_id) == [("d", True, None), ("t.txt", False, 1)]


def test_an_empty_run_and_an_unknown_folder_hold_nothing(client: MlflowClient, run: str) -> None:
    assert listed(client, run) == []
    assert listed(client, run, "none") == []


def test_listing_a_file_gives_nothing(client: MlflowClient, run: str) -> None:
    client.log_text(run, "x", "a/f.txt")
    assert listed(client, run, "a/f.txt") == []


def test_an_unknown_file_does_not_exist(api: Call, client: MlflowClient, run: str, tmp_path: Path) -> None:
    answer = api("GET", f"{PROXY}/{root(client, run)}/none.txt")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    with pytest.raises(Exception, match=r"none\.txt|404|No such"):
        client.download_artifacts(run, "none.txt", str(tmp_path))


def test_files_and_folders_are_deleted(api: Call, client: MlflowClient, run: str) -> None:
    for path in ("keep.txt", "gone.txt", "folder/a.txt", "folder/b/c.txt"):
        client.log_text(run, "x", path)
    for path in ("gone.txt", "folder", "none"):
        assert api("DELETE", f"{PROXY}/{root(client, run)}/{path}").status_code == 200
    assert listed(client, run) == [("keep.txt", False, 1)]


def test_the_browser_reads_files_too(api: Call, client: MlflowClient, run: str) -> None:
    client.log_text(run, "<script>alert(1)</script>", "a/page.html")
    answer = api("GET", "/get-artifact", params={"run_id": run, "path": "a/page.html"})
    assert (answer.status_code, answer.text) == (200, "<script>alert(1)</script>")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert api("GET", "/get-artifact", params={"run_id": run, "path": "none"}).status_code == 404
    assert api("GET", "/get-artifact", params={"run_id": "f" * 32, "path": "x"}).status_code == 404


def test_a_run_is_listed_without_the_proxy(api: Call, client: MlflowClient, run: str) -> None:
    client.log_text(run, "hello", "a/b.txt")
    answer = api("GET", "artifacts/list", params={"run_id": run}).json()
    assert answer == {"root_uri": f"mlflow-artifacts:/{root(client, run)}", "files": [{"path": "a", "is_dir": True}]}
    answer = api("GET", "artifacts/list", params={"run_id": run, "path": "a"}).json()
    assert answer["files"] == [{"path": "a/b.txt", "is_dir": False, "file_size": 5}]


def test_a_download_is_an_attachment_of_a_guessed_type(api: Call, client: MlflowClient, run: str) -> None:
    client.log_text(run, "<html></html>", "page.html")
    answer = api("GET", f"{PROXY}/{root(client, run)}/page.html")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-length"] == "13"


@ours
def test_a_part_of_a_file_can_be_asked_for(api: Call, client: MlflowClient, run: str) -> None:
    client.log_text(run, "0123456789", "digits")
    where = f"{PROXY}/{root(client, run)}/digits"
    answer = api("GET", where, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.text, answer.headers["content-range"]) == (206, "234", "bytes 2-4/10")
    assert api("GET", where, headers={"Range": "bytes=-3"}).text == "789"
    assert api("GET", where, headers={"Range": "bytes=50-"}).status_code == 416


BAD_PATHS = [
    "..%2f..%2fetc/passwd",
    "%2e%2e/%2e%2e/etc/passwd",
    "%252e%252e/%252e%252e/etc/passwd",
    "..%252f..%252fetc%252fpasswd",
    "%2e%2e",
]


@pytest.mark.parametrize("path", BAD_PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_path_out_of_the_store_is_refused(url: str, method: str, path: str) -> None:
    with requests.Session() as session:
        request = session.prepare_request(requests.Request(method, url, data=b"x" if method == "PUT" else None))
        request.url = f"{url}{PROXY}/{path}"
        answer = session.send(request, timeout=30)
    assert answer.status_code in (400, 403, 404)
    assert "root:" not in answer.text


@ours
@pytest.mark.parametrize("path", ["%2fetc/passwd", "a%5c..%5c..%5cb", "a%00b", "C:%5cx", "file:%2f%2f%2fetc%2fpasswd"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_odd_path_is_refused(url: str, method: str, path: str) -> None:
    answer = requests.request(method, f"{url}{PROXY}/{path}", data=b"x" if method == "PUT" else None, timeout=30)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("path", ["../x", "%2e%2e/x", "/etc", "file:///etc", "a/../../x"])
def test_listing_out_of_the_store_is_refused(api: Call, run: str, path: str) -> None:
    for answer in (
        api("GET", PROXY, params={"path": path}),
        api("GET", "artifacts/list", params={"run_id": run, "path": path}),
        api("GET", "/get-artifact", params={"run_id": run, "path": path}),
    ):
        assert answer.status_code == 400, answer.text
        assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@ours
def test_a_large_file_goes_up_in_parts(
    client: MlflowClient, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(5 * 1024**2))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * 1024**2))
    data = os.urandom(1024) * (12 * 1024) + b"end"
    (tmp_path / "large.bin").write_bytes(data)
    client.log_artifact(run, str(tmp_path / "large.bin"), "folder")
    assert listed(client, run, "folder") == [("folder/large.bin", False, len(data))]
    assert Path(client.download_artifacts(run, "folder/large.bin", str(tmp_path / "got"))).read_bytes() == data

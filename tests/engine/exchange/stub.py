"""A tracking server of a few canned answers, in this process: what it holds can be changed, and it can misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.engine.exchange.mlflow_files import RUN

Answer = tuple[int, bytes]
Asked = Mapping[str, Any]

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"


def found(**fields: Any) -> Answer:
    """An answer with these fields."""
    return 200, json.dumps(fields).encode()


class Stub:
    """What the server holds, and what it was asked.

    Attributes:
        runs: The runs, as `runs/search` gives them.
        history: Points by metric key.
        files: Bytes by path in the artifact proxy.
        special: Answers that take the place of the usual ones, by path.
        asked: Method and path of every request.
    """

    def __init__(self) -> None:
        info = {"run_id": RUN, "run_name": "first", "experiment_id": "1", "user_id": "grace", "status": "FINISHED",
                "start_time": 5_000, "end_time": 9_000, "lifecycle_stage": "active",
                "artifact_uri": f"mlflow-artifacts:/1/{RUN}/artifacts"}  # fmt: skip
        metrics = [{"key": "loss", "value": 1.0, "timestamp": 5_200, "step": 1}]
        data = {"metrics": metrics, "params": [{"key": "lr", "value": "0.1"}], "tags": [{"key": "t", "value": "1"}]}
        dataset = {"name": "cars", "digest": "d1", "source_type": "local", "source": "{}", "schema": "{}"}
        inputs = {"dataset_inputs": [{"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "train"}]}]}
        self.runs: list[dict[str, Any]] = [{"info": info, "data": data, "inputs": inputs}]
        self.history: dict[str, list[dict[str, Any]]] = {
            "loss": [{"key": "loss", "value": 2.0, "timestamp": 5_100, "step": 0}, metrics[0]]
        }
        self.files: dict[str, bytes] = {f"1/{RUN}/artifacts/plots/roc curve.txt": b"curve"}
        self.special: dict[str, Callable[[Asked], Answer]] = {}
        self.asked: list[tuple[str, str]] = []

    def answer(self, method: str, path: str, asked: Asked) -> Answer:
        """Answer a request."""
        self.asked.append((method, path))
        if path in self.special:
            return self.special[path](asked)
        if path.startswith(f"{FILES}/"):
            data = self.files.get(unquote(path.removeprefix(f"{FILES}/")))
            return (404, b"{}") if data is None else (200, data)
        folder = f"mlflow-artifacts:/1/{RUN}/artifacts/plots"
        usual: dict[str, Callable[[Asked], Answer]] = {
            f"{API}/experiments/search": lambda _: found(experiments=[_EXPERIMENT]),
            f"{API}/runs/search": self._search,
            f"{API}/runs/get": lambda one: found(run=next(run for run in self.runs if _id(run) == one["run_id"])),
            f"{API}/metrics/get-history": self._history,
            f"{API}/registered-models/search": lambda _: found(registered_models=[_MODEL]),
            f"{API}/model-versions/search": lambda _: found(model_versions=[_VERSION]),
            f"{API}/model-versions/get-download-uri": lambda _: found(artifact_uri=folder),
            FILES: self._list,
        }  # fmt: skip
        return usual[path](asked) if path in usual else (404, b'{"error_code": "ENDPOINT_NOT_FOUND"}')

    def _search(self, asked: Asked) -> Answer:
        wanted = [run for run in self.runs if _matches(run, str(asked.get("filter", "")))]
        begin = int(asked.get("page_token") or 0)
        page = wanted[begin : begin + 2]
        more = {"next_page_token": str(begin + 2)} if len(wanted) > begin + 2 else {}
        return found(runs=page, **more)

    def _history(self, asked: Asked) -> Answer:
        points = self.history[asked["metric_key"]]
        begin = int(asked.get("page_token") or 0)
        more = {"next_page_token": str(begin + 1)} if len(points) > begin + 1 else {}
        return found(metrics=points[begin : begin + 1], **more)

    def _list(self, asked: Asked) -> Answer:
        folder = f"{asked['path']}/" if asked.get("path") else ""
        below = {path.removeprefix(folder) for path in self.files if path.startswith(folder)}
        folders = {path.split("/", 1)[0] for path in below if "/" in path}
        files = [{"path": name, "is_dir": True} for name in sorted(folders)]
        files += [{"path": path, "is_dir": False, "file_size": 5} for path in sorted(below) if "/" not in path]
        return found(files=files)


_EXPERIMENT = {"experiment_id": "1", "name": "sweep", "lifecycle_stage": "active", "creation_time": 1_000,
               "last_update_time": "2000", "tags": [{"key": "team", "value": "risk"}]}  # fmt: skip
_MODEL = {"name": "churn", "creation_timestamp": 6_000, "last_updated_timestamp": 7_000, "description": "who",
          "aliases": [{"alias": "champion", "version": "1"}]}  # fmt: skip
_VERSION = {"name": "churn", "version": "1", "current_stage": "Production", "creation_timestamp": 6_500,
            "last_updated_timestamp": 6_900, "run_id": RUN, "source": "models:/m-1", "status": "READY"}  # fmt: skip


def _id(run: Mapping[str, Any]) -> str:
    return str(run["info"]["run_id"])


def _matches(run: Mapping[str, Any], text: str) -> bool:
    if text.startswith("attributes.start_time > "):
        return bool(run["info"]["start_time"] > int(text.rpartition(" ")[2]))
    return not text or run["info"]["status"] == "RUNNING"


@contextmanager
def serving(stub: Stub) -> Iterator[str]:
    """The stub's address while it listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            status, data = stub.answer(method, parts.path, json.loads(body) if body else query)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's word
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()

"""A live MLflow tracking server as a source."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from math import nan
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from engine.core.errors import Unreachable
from engine.exchange.intake import kept_experiment, kept_input, kept_run, measured, text_or, whole
from engine.exchange.mlflow_client import FILES, MlflowClient
from engine.exchange.mlflow_logged_models import kept_logged_model
from engine.exchange.mlflow_models import kept_models
from engine.exchange.model import SourceRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.exchange.mlflow_logged_models import SourceLoggedModel
    from engine.exchange.model import SkippedList, SourceModel
    from engine.exchange.source import FileTree
    from engine.tracking.model import ExperimentImport, MetricPoint

RUNS_PER_PAGE = 100
FULL_PASS_EVERY = 20
"""While following, one pass in so many looks at every run; the others at running and new ones."""

_AT_ONCE = 8
_HISTORY_PAGE = 25_000
_LIST_PAGE = 1_000
_MODELS_PAGE = 50
_NO_SUCH_PATH = 404
_PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"
_RECENT_MS = 600_000
_DEEPEST = 64
_MOST_FILES = 100_000
_WORDS = {"NaN": nan, "Infinity": float("inf"), "-Infinity": float("-inf")}


class MlflowServer:
    """Reads what a tracking server tells; nothing is ever sent that changes it.

    Args:
        url: Its address.

    Raises:
        InvalidInput: it is no address.
        Unreachable: it does not answer.
    """

    def __init__(self, url: str) -> None:
        self.name = url
        self._client = MlflowClient(url)
        self._experiments: dict[str, str] = {}
        self._running: set[str] = set()
        self._made_by: dict[str, set[tuple[str, int]]] = {}
        self._read_by: dict[str, set[str]] = {}
        self._newest_ms = 0
        self._passes = 0
        try:
            self._client.post("/experiments/search", {"max_results": 1})
        except Unreachable:
            self._client.close()
            raise

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def mark(self) -> object:
        """A server has nothing cheap that tells of every change."""
        return None

    def experiments(self, skipped: SkippedList) -> Sequence[ExperimentImport]:
        """Every experiment that can be kept.

        Raises:
            Unreachable: the server cannot be asked.
        """
        asked = {"max_results": _LIST_PAGE, "view_type": "ALL"}
        found = []
        for page in self._client.pages("POST", "/experiments/search", "experiments", asked):
            for each in page:
                kept = kept_experiment({**each, "tags": _pairs(each.get("tags"))}, skipped)
                if kept is not None:
                    self._experiments[str(each.get("experiment_id"))] = kept.name
                    found.append(kept)
        return found

    def run_count(self) -> int:
        """A server does not count its runs."""
        return 0

    def runs(self, seen: Mapping[str, str], skipped: SkippedList) -> Iterator[Sequence[SourceRun]]:
        """Groups of runs: all of them, or in most passes of a mirror those that run or have begun lately.

        Raises:
            Unreachable: the server cannot be asked.
        """
        filters = [""]
        if seen and self._passes % FULL_PASS_EVERY:
            filters = ["attributes.status = 'RUNNING'", f"attributes.start_time > {self._newest_ms - _RECENT_MS}"]
        self._passes += 1
        was_running, self._running = self._running, set()
        told: set[str] = set()
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="import") as pool:
            for filter_text in filters:
                for page in self._searched(filter_text):
                    fresh = [each for each in page if _run_id(each) not in told]
                    told.update(_run_id(each) for each in fresh)
                    yield self._group(fresh, seen, skipped, pool)
            ended = [self._client.get("/runs/get", {"run_id": run_id}).get("run", {}) for run_id in was_running - told]
            yield self._group([each for each in ended if isinstance(each, dict)], seen, skipped, pool)

    def logged_models(self, skipped: SkippedList) -> Sequence[SourceLoggedModel]:
        """Every logged model that can be kept; none where the server does not know of them.

        Raises:
            Unreachable: the server cannot be asked.
        """
        found = []
        asked = {"experiment_ids": sorted(self._experiments), "max_results": _MODELS_PAGE}
        try:
            for page in self._client.pages("POST", "/logged-models/search", "models", asked):
                found += [kept for each in page if (kept := self._logged_model(each, skipped)) is not None]
        except Unreachable as error:
            if error.details.get("status") == _NO_SUCH_PATH:
                return []
            raise
        return found

    def _logged_model(self, each: Mapping[str, Any], skipped: SkippedList) -> SourceLoggedModel | None:
        info, data = _mapping(each.get("info")), _mapping(each.get("data"))
        experiment = self._experiments.get(str(info.get("experiment_id")))
        if experiment is None:
            skipped.add("logged model", str(info.get("model_id"))[:250], "Its experiment is not there.")
            return None
        model_id, run_id = text_or(info.get("model_id")), text_or(info.get("source_run_id"))
        values = {
            **info,
            "artifact_location": info.get("artifact_uri"),
            "params": _pairs(data.get("params")),
            "tags": _pairs(info.get("tags")),
            "made_by": self._made_by.get(model_id, ()) if self._made_by else [(run_id, 0)] if run_id else (),
            "read_by": self._read_by.get(model_id, ()),
        }
        given = data.get("metrics")
        metrics = [
            (one.get("key"), _measured(one.get("value", 0.0)), one.get("step", 0), one.get("timestamp"),
             one.get("run_id"), one.get("dataset_name"), one.get("dataset_digest"))
            for one in (given if isinstance(given, list) else ())
            if isinstance(one, dict)
        ]  # fmt: skip
        return kept_logged_model(experiment, values, metrics, skipped)

    def models(self, skipped: SkippedList) -> Sequence[SourceModel]:
        """Every registered model that can be kept, with its versions.

        Raises:
            Unreachable: the server cannot be asked.
        """
        rows: dict[str, list[Mapping[str, Any]]] = {
            "registered_models": [],
            "registered_model_tags": [],
            "registered_model_aliases": [],
            "model_versions": [],
            "model_version_tags": [],
        }
        for each in self._registered("registered-models", "registered_models"):
            name = each.get("name")
            rows["registered_models"].append(_row(each, ("description",), name))
            for key, value in _pairs(each.get("tags")):
                rows["registered_model_tags"].append({"name": name, "key": key, "value": value})
            for alias, number in _pairs(each.get("aliases"), "alias", "version"):
                rows["registered_model_aliases"].append({"name": name, "alias": alias, "version": whole(number)})
        for each in self._registered("model-versions", "model_versions"):
            self._add_version(each, rows)
        return kept_models(rows, skipped)

    def _registered(self, path: str, items: str) -> Iterator[dict[str, Any]]:
        """Registered models or versions, each once; some servers tell of prompts only where they are asked for."""
        told: set[tuple[str, str]] = set()
        for filter_text in ("", _PROMPTS):
            asked = {"max_results": _LIST_PAGE, "filter": filter_text}
            for page in self._client.pages("GET", f"/{path}/search", items, asked):
                for each in page:
                    key = (str(each.get("name")), str(each.get("version")))
                    if key not in told:
                        told.add(key)
                        yield each

    def tree(self, root: str) -> FileTree | str:
        """The files below a root, or why they cannot be reached."""
        parts = urlsplit(root)
        if parts.scheme != "mlflow-artifacts":
            return "The server does not hand its files out; import from its database or folder to bring them along."
        return RemoteTree(self._client, unquote(parts.path).strip("/"))

    def _searched(self, filter_text: str) -> Iterator[list[dict[str, Any]]]:
        asked = {
            "experiment_ids": sorted(self._experiments),
            "run_view_type": "ALL",
            "max_results": RUNS_PER_PAGE,
            "order_by": ["attributes.start_time ASC"],
            "filter": filter_text,
        }
        if self._experiments:
            yield from self._client.pages("POST", "/runs/search", "runs", asked)

    def _group(
        self,
        page: Sequence[Mapping[str, Any]],
        seen: Mapping[str, str],
        skipped: SkippedList,
        pool: ThreadPoolExecutor,
    ) -> list[SourceRun]:
        changed = []
        for each in page:
            info = _mapping(each.get("info"))
            if info.get("status") == "RUNNING" and info.get("lifecycle_stage") != "deleted":
                self._running.add(_run_id(each))
            self._newest_ms = max(self._newest_ms, whole(info.get("start_time")) or 0)
            self._note_models(each)
            if seen.get(_run_id(each)) != _stamp(each):
                changed.append(each)
        asked = [(_run_id(each), key) for each in changed for key in _latest(each)]
        histories = dict(zip(asked, pool.map(lambda one: self._history(*one), asked), strict=True))
        kept = (self._kept(each, histories, skipped) for each in changed)
        return [run for run in kept if run is not None]

    def _note_models(self, run: Mapping[str, Any]) -> None:
        """Runs say which models they made and read; models are asked for later."""
        run_id = _run_id(run)
        for made in _models(run, "outputs", "model_outputs"):
            self._made_by.setdefault(text_or(made.get("model_id")), set()).add((run_id, _whole_or(made.get("step"), 0)))
        for read in _models(run, "inputs", "model_inputs"):
            self._read_by.setdefault(text_or(read.get("model_id")), set()).add(run_id)

    def _history(self, run_id: str, key: str) -> list[MetricPoint]:
        asked = {"run_id": run_id, "metric_key": key, "max_results": _HISTORY_PAGE}
        pages = self._client.pages("GET", "/metrics/get-history", "metrics", asked)
        return [_point(key, point) for page in pages for point in page]

    def _kept(
        self, each: Mapping[str, Any], histories: Mapping[tuple[str, str], list[MetricPoint]], skipped: SkippedList
    ) -> SourceRun | None:
        info, data = _mapping(each.get("info")), _mapping(each.get("data"))
        run_id = _run_id(each)
        experiment = self._experiments.get(str(info.get("experiment_id")))
        if experiment is None:
            skipped.add("run", run_id, "Its experiment is not there, or could not be kept.")
            return None
        given = (kept_input(run_id, one, skipped) for one in _inputs(each))
        values = {
            **info,
            "run_id": run_id,
            "params": _pairs(data.get("params")),
            "tags": _pairs(data.get("tags")),
            "inputs": tuple(dataset for dataset in given if dataset is not None),
        }
        latest = _latest(each)
        points = [point for key in latest for point in histories[run_id, key]]
        run = kept_run(experiment, values, points, skipped)
        if run is None:
            return None
        return SourceRun(run, text_or(info.get("artifact_uri")), _stamp(each), latest)

    def _add_version(self, each: Mapping[str, Any], rows: dict[str, list[Mapping[str, Any]]]) -> None:
        name, number = each.get("name"), whole(each.get("version"))
        row = _row(each, ("description", "user_id", "current_stage", "source", "run_id", "run_link"), name)
        source = text_or(each.get("source"))
        root = self._download_uri(str(name), number) if source.startswith(("models:/", "runs:/")) else source
        rows["model_versions"].append({**row, "version": number, "storage_location": root})
        for key, value in _pairs(each.get("tags")):
            rows["model_version_tags"].append({"name": name, "version": number, "key": key, "value": value})

    def _download_uri(self, name: str, number: int | None) -> str:
        try:
            answer = self._client.get("/model-versions/get-download-uri", {"name": name, "version": str(number)})
        except Unreachable:
            return ""
        return text_or(answer.get("artifact_uri"))


class RemoteTree:
    """The files below a root of a server's artifact proxy.

    Args:
        client: The server.
        root: The root's path in the proxy.
    """

    def __init__(self, client: MlflowClient, root: str) -> None:
        self._client = client
        self._root = root

    def paths(self) -> list[tuple[str, int]]:
        """Path below the root and size in bytes of every file.

        Raises:
            Unreachable: the server cannot be asked, or tells of folders without end.
        """
        found: list[tuple[str, int]] = []
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            path = "/".join(part for part in (self._root, folder) if part)
            for each in next(self._client.pages("GET", FILES, "files", {"path": path})):
                below = "/".join(part for part in (folder, text_or(each.get("path"))) if part)
                if each.get("is_dir") is True:
                    waiting.append(below)
                else:
                    found.append((below, _whole_or(each.get("file_size"), 0)))
            if folder.count("/") > _DEEPEST or len(found) + len(waiting) > _MOST_FILES:
                raise Unreachable("The server tells of folders without end.")
        return sorted(found)

    def fetch(self, path: str, scratch: Path) -> Path:
        """A copy of a file, under a name of our own.

        Args:
            path: One of the paths given.
            scratch: A folder for the copy.

        Raises:
            Unreachable: the server cannot be asked.
            OSError: the copy cannot be written.
        """
        to = scratch / os.urandom(8).hex()
        self._client.download(f"{self._root}/{path}", to)
        return to


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _run_id(run: Mapping[str, Any]) -> str:
    info = _mapping(run.get("info"))
    return text_or(info.get("run_id") or info.get("run_uuid"))


def _pairs(value: object, key: str = "key", to: str = "value") -> list[tuple[Any, Any]]:
    given = value if isinstance(value, list) else ()
    return [(each.get(key), each.get(to)) for each in given if isinstance(each, dict)]


def _point(key: str, point: Mapping[str, Any]) -> MetricPoint:
    """A point as the server writes it; what is wrong in it is left out later."""
    value = _measured(point.get("value", 0.0))
    return key, value, _whole_or(point.get("step"), 0), whole(point.get("timestamp"))  # type: ignore[return-value]


def _measured(value: object) -> object:
    if isinstance(value, str):
        return _WORDS.get(value, value)
    return measured(value)


def _whole_or(value: object, instead: int) -> int:
    found = whole(value)
    return instead if found is None else found


def _latest(run: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for key, value in _pairs(_mapping(run.get("data")).get("metrics")):
        number = _measured(0.0 if value is None else value)
        if isinstance(key, str) and isinstance(number, (int, float)):
            found[key] = float(number)
    return found


def _inputs(run: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    given = _mapping(run.get("inputs")).get("dataset_inputs")
    for each in given if isinstance(given, list) else ():
        dataset = _mapping(_mapping(each).get("dataset"))
        yield {**dataset, "tags": _pairs(_mapping(each).get("tags"))}


def _models(run: Mapping[str, Any], side: str, key: str) -> Iterator[Mapping[str, Any]]:
    given = _mapping(run.get(side)).get(key)
    for each in given if isinstance(given, list) else ():
        yield _mapping(each)


def _row(each: Mapping[str, Any], wanted: Sequence[str], name: object) -> dict[str, Any]:
    return {
        **{column: each.get(column) for column in wanted},
        "name": name,
        "creation_time": each.get("creation_timestamp"),
        "last_updated_time": each.get("last_updated_timestamp"),
    }


def _stamp(run: Mapping[str, Any]) -> str:
    import json
    from hashlib import sha256

    return sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()

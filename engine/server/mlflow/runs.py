"""The life of a run: created, read, updated, deleted and restored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.server.answers import JsonAnswer
from engine.server.mlflow.decoding import Shape, missing, needed
from engine.server.mlflow.experiments import Tag
from engine.server.mlflow.names import check_key, speaking_name
from engine.server.mlflow.shapes import (
    NAME_TAG,
    NOTE_TAG,
    PARENT_TAG,
    USER_TAG,
    experiment_key,
    run_info_json,
    run_json,
    status_of,
    tags_of,
)
from engine.server.routes import Body, Route
from engine.tracking.model import Environment, RunReport, RunStart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.responses import Response

    from engine.api import Engine
    from engine.server.call import Call

_RUNS = "/api/2.0/mlflow/runs"
_EMPTY = b"{}"
_QUICK = 100
"""Most tags of a run that is stored within a few milliseconds."""

_QUICK_CHARACTERS = 32_768
"""Most characters that are looked through for secrets within a few milliseconds."""

_COMMIT_TAG, _DIRTY_TAG, _SOURCE_TAG = "mlflow.source.git.commit", "mlflow.source.git.dirty", "mlflow.source.name"


class OfRun(msgspec.Struct):
    """What is asked of one run; older clients call its id `run_uuid`."""

    run_id: str | None = None
    run_uuid: str | None = None

    @property
    def run(self) -> str:
        """The run's id.

        Raises:
            InvalidInput: none is given.
        """
        return self.run_id or needed(self.run_uuid, "run_id")


class _Create(msgspec.Struct):
    experiment_id: str | None = None
    user_id: str | None = None
    run_name: str | None = None
    start_time: int | None = None
    tags: list[Tag] = msgspec.field(default_factory=list)


class _Update(OfRun):
    status: str | int | None = None
    end_time: int | None = None
    run_name: str | None = None


_CREATE, _UPDATE, _OF_RUN = Shape(_Create), Shape(_Update), Shape(OfRun)


def is_short(texts: Iterable[str]) -> bool:
    """Whether texts are looked through and stored within a few milliseconds.

    Args:
        texts: The values of params and tags.
    """
    return sum(map(len, texts)) <= _QUICK_CHARACTERS


async def create(call: Call) -> Response:
    """Start a run."""
    given = await _CREATE.body(call)
    if not given.experiment_id:
        raise missing("experiment_id")
    tags = tags_of((check_key(tag.key, "key"), tag.value) for tag in given.tags)
    tagged = tags.pop(NAME_TAG, "")
    if given.run_name and tagged and given.run_name != tagged:
        raise InvalidInput(
            f"Both 'run_name' argument and '{NAME_TAG}' tag are specified, but with different values "
            f"(run_name='{given.run_name[:40]}', {NAME_TAG}='{tagged[:40]}')."
        )
    start = RunStart(
        experiment=experiment_key(given.experiment_id),
        name=given.run_name or tagged or speaking_name(),
        note=tags.pop(NOTE_TAG, ""),
        tags=tags,
        user=given.user_id or tags.get(USER_TAG, ""),
        start_ms=given.start_time or None,
        environment=_environment(tags),
    )
    quick = len(tags) <= _QUICK and is_short(tags.values())
    record = await call.write(lambda: call.engine.runs.create(_below(call.engine, start)), quick=quick)
    return JsonAnswer({"run": run_json(record)})


def _below(engine: Engine, start: RunStart) -> RunStart:
    """The same start below the parent that its tag names; a parent that is not here stays a tag."""
    parent = start.tags.get(PARENT_TAG)
    if not parent or not engine.runs.knows(parent):
        return start
    tags = {key: value for key, value in start.tags.items() if key != PARENT_TAG}
    return replace(start, tags=tags, parent_run_id=parent)


def _environment(tags: Mapping[str, str]) -> Environment | None:
    """Where a run executes, as far as its client tells."""
    commit, source = tags.get(_COMMIT_TAG), tags.get(_SOURCE_TAG)
    if not commit and not source:
        return None
    dirty = {"true": True, "false": False}.get(tags.get(_DIRTY_TAG, "").lower())
    return Environment(
        git_commit=commit or None,
        git_dirty=dirty,
        python="",
        packages={},
        seed=None,
        host="",
        command_line=source or "",
        pid=0,
    )


async def get(call: Call) -> Response:
    """One run."""
    run = _OF_RUN.query(call).run
    return JsonAnswer({"run": run_json(await call.read(lambda: call.engine.runs.record(run)))})


async def update(call: Call) -> Response:
    """Change how a run stands, when it ended, or its name."""
    given = await _UPDATE.body(call)
    run = given.run
    report = RunReport(
        name=given.run_name or None,
        status=None if given.status is None else status_of(str(given.status)),
        end_ms=given.end_time,
    )
    await call.write(lambda: call.engine.runs.report(run, report), quick=True)
    record = await call.read(lambda: call.engine.runs.record(run))  # apart: it may have many thousands of metrics
    return JsonAnswer({"run_info": run_info_json(record.run)})


async def delete(call: Call) -> Response:
    """Delete a run; one that is deleted stays so."""
    run = (await _OF_RUN.body(call)).run
    await call.write(lambda: _moved(call.engine, run, "deleted"))
    return JsonAnswer(_EMPTY)


async def restore(call: Call) -> Response:
    """Restore a run; one that is not deleted stays so."""
    run = (await _OF_RUN.body(call)).run
    await call.write(lambda: _moved(call.engine, run, "active"))
    return JsonAnswer(_EMPTY)


def _moved(engine: Engine, run: str, lifecycle: str) -> None:
    if engine.runs.record(run).run.lifecycle == lifecycle:
        return
    if lifecycle == "deleted":
        engine.runs.delete(run)
    else:
        engine.runs.restore(run)


ROUTES = (
    Route("POST", f"{_RUNS}/create", create, role=Role.WRITER),
    Route("GET", f"{_RUNS}/get", get, body=Body.NONE),
    Route("POST", f"{_RUNS}/update", update, role=Role.WRITER),
    Route("POST", f"{_RUNS}/delete", delete, role=Role.OPERATOR),
    Route("POST", f"{_RUNS}/restore", restore, role=Role.OPERATOR),
)

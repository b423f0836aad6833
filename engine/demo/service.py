"""Makes the demo's workspace, once, and starts what moves in it: a training run and traffic."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from engine import api
from engine.core.access import Access, Actor
from engine.core.errors import Conflict
from engine.core.ids import RandomIds
from engine.db.database import Database
from engine.db.workspace import find_workspace
from engine.demo.endpoints import open_endpoints
from engine.demo.story import POLICY, Summary, tell_story, train_all
from engine.demo.traffic import REPLAYED, Labels, ask, data_plane, questions
from engine.demo.watching import look_once, open_monitors
from engine.policy.file import PolicyFile
from engine.registry.model import Stage
from engine.tracking.model import RunQuery

if TYPE_CHECKING:
    from engine.api import Engine
    from engine.demo.story import Progress

_MARK = "demo.json"
_VERSION = 1


def demo_directory(workspace: str | None) -> Path:
    """Where the demo lives: the named directory, else beside the user's own workspace, never in it.

    Args:
        workspace: The directory given with `--workspace`, or `None`.

    Returns:
        The directory, existing or not.
    """
    if workspace is not None:
        return find_workspace(workspace, environ=os.environ, cwd=Path.cwd()).path
    places = {name: os.environ[name] for name in ("HOME", "XDG_DATA_HOME") if name in os.environ}
    own = find_workspace(None, environ=places, cwd=Path("/"))
    return own.path.with_name("quarterdeck-demo")


def make_demo(directory: Path, progress: Progress, *, live: bool = True) -> Summary:
    """Make the demo's workspace, or find it made; repeat it as often as you like.

    Args:
        directory: Where.
        progress: Told what happens, steps done and steps in all.
        live: Whether to leave a run training, and endpoints answering, in the background.

    Returns:
        What is there now.

    Raises:
        Conflict: there is a workspace that is not the demo's, or a demo that was interrupted.
        WorkspaceReadOnly: the directory cannot be written.
        WorkspaceFull: no space is left.
        WorkspaceError: the disk failed.
    """
    mark = directory / _MARK
    if not mark.is_file():
        if (directory / "control.db").exists():
            raise Conflict(
                f"{directory} holds a workspace that is not a finished demo.",
                hint="Name another directory with --workspace, or remove that one.",
            )
        _make(directory, progress)
        mark.write_text(json.dumps({"demo": _VERSION}) + "\n", encoding="utf-8")
    with api.open(directory) as engine:
        if live and not _live_run(engine):
            _start(directory, "engine.demo.live")
        if live and not engine.endpoints.planes():
            _start(directory, "engine.demo.traffic")
        return summarise(engine)


def _make(directory: Path, progress: Progress) -> None:
    building = directory.with_name(directory.name + ".building")
    _remove(building)
    workspace = api.create(building)
    with api.open(building) as engine:
        workspace.policy_file.write_text(POLICY.format(user=engine.access.actor.name), encoding="utf-8")
    with api.open(building) as engine:
        runs = train_all(engine, progress)
        tell_story(engine, lambda name: _cast(engine, name), runs, progress)
        progress("making versions ready to serve", 0, 1)
        open_endpoints(engine)
        open_monitors(engine)
    # Built aside and renamed: an interrupted demo leaves nothing that looks like a finished one.
    directory.parent.mkdir(parents=True, exist_ok=True)
    if directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
    building.rename(directory)
    _replay(directory, progress)


def _replay(directory: Path, progress: Progress) -> None:
    """Ask the endpoints what held-out rows are, so that there is traffic to look at."""
    progress("serving and replaying", 0, REPLAYED)
    with api.open(directory) as engine:
        labels = Labels(engine, after_s=0.0)
        with data_plane(directory, port=0) as url:
            ask(url, islice(questions(), REPLAYED), told=labels.told)
        labels.say()  # once everything is stored: the data plane has ended
        progress("serving and replaying", REPLAYED, REPLAYED)
        look_once(engine)


def _cast(engine: Engine, name: str) -> Engine:
    """The same workspace in the hands of one of the demo's people; the audit log names the demo as their origin."""
    policy_file = PolicyFile(engine.workspace.policy_file)
    access = Access(Actor(name, origin="demo"), policy_file.read().role_of(name))
    database = Database(engine.workspace.control_db)
    return api.Engine(
        engine.workspace, database, policy_file=policy_file, access=access, clock=engine.clock, ids=RandomIds()
    )


def _remove(building: Path) -> None:
    import shutil

    shutil.rmtree(building, ignore_errors=True)


def _live_run(engine: Engine) -> str:
    running = engine.runs.page(RunQuery(filter="attributes.status = 'running'", limit=10)).items
    return next((run.run_id for run in running if run.name == "network-live" and run.state == "running"), "")


def _start(directory: Path, module: str) -> None:
    subprocess.Popen(  # noqa: S603 our own interpreter and module; the directory is one argument, not a shell word
        [sys.executable, "-m", module, str(directory)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def summarise(engine: Engine) -> Summary:
    """Count what a demo workspace holds.

    Args:
        engine: The workspace.

    Returns:
        The numbers.

    Raises:
        WorkspaceError: the workspace cannot be read.
    """
    models = engine.models.page(limit=100).items
    versions = [version for model in models for version in engine.models.versions(model.name, limit=100).items]
    reports = [
        (version, engine.gates.latest(version.model, version.version, to=Stage.PRODUCTION)) for version in versions
    ]
    return Summary(
        workspace=str(engine.workspace.path),
        runs=engine.runs.count(RunQuery()),
        models=len(models),
        versions=len(versions),
        production=tuple(f"{model.name}/{number}" for model in models for number in model.production),
        waiting_approvals=len(engine.approvals.page(state="open").items),
        failing=tuple(
            f"{version.model}/{version.version}"
            for version, report in reports
            if report is not None and not report.passed and version.stage is not Stage.PRODUCTION
        ),
        live_run=_live_run(engine),
        endpoints=tuple(each.name for each in engine.endpoints.page().items),
        served=next((plane.url for plane in engine.endpoints.planes()), ""),
    )

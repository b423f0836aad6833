"""Every operation of the engine can be reached from the command line and from the console, or says why not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import pytest

import console
import engine
import engine.cli
from engine.api import Engine
from tests.contract.reach import SAME, operations, used

FOR_PROGRAMS: Mapping[str, str] = {
    "artifacts.open": "bytes are reached through the run or version they belong to, which checks who may",
    "artifacts.path_of": "same",
    "artifacts.put_bytes": "same",
    "artifacts.put_file": "same",
    "artifacts.verify": "same; `db check --deep` verifies all of them",
    "audit.entries_for": "the past of one object, for replaying; people list by kind and key",
    "drift.at_registration": "registering does it, and the process that runs monitors",
    "drift.make_missing": "same, for versions that programs register over HTTP",
    "drift.reference": "what a comparison reads; people look at `drift.baselines`",
    "monitors.due": "the process that runs monitors asks it",
    "monitors.look": "same",
    "monitors.end_undeclared": "same, and `qd monitors run`",
    "experiments.ensure_default": "a starting server's experiment of runs that name none",
    "past.control": "part of `Engine.at`, by which every list and screen reads the past",
    "past.telemetry": "same",
    "past.close": "part of closing the workspace",
    "storage.obstacle": "asked once a second by the console, which says so and turns changes off",
    "storage.try_writing": "same, after a change failed",
    "lineages.thing": "how the root of a tree is found",
    "experiments.find": "`experiments.get` for programs, to which no experiment is an answer",
    "experiments.get_by_id": "programs name experiments by their keys; people by their names",
    "experiments.search": "`experiments.page` for programs: in any order, without counting runs",
    "alerts.of_version": "what the analysis of rollouts reads",
    "alerts.advance": "time passes in the process that runs monitors",
    "analyst.settle": "the analysis process, before it ends",
    "analyst.tick": "the analysis process, four times a second",
    "promotions.finish": "the end of a rollout, for the analyst",
    "endpoints.acknowledge": "what a data plane says",
    "endpoints.desired": "what a data plane asks",
    "endpoints.prepare": "part of promotion",
    "gates.gather": "part of asking for an approval",
    "models.newest": "a model as the server answers it; people list its versions",
    "prompts.has": "tells the server whether a name is a prompt's or a model's",
    "models.resolve": "how a reference is read; every verb that takes a version uses it",
    "models.at": "part of `promotions.at`",
    "webhooks.by": "how a front says what its receivers call the headers",
    "tokens.create_first": "made by the server where it demands tokens and there is none",
    "traces.record": "programs send spans, over OTLP",
    "traces.report": "same, of whole traces",
    "traces.start": "same",
    "traces.end": "same",
    "traces.rename": "same",
    "traces.link": "same",
    "traces.get_all": "several at once, for programs",
    "traces.summaries": "same",
    "traces.assessments": "part of `traces.get`",
    "traces.assessment": "same",
    "traces.assess": "programs and judges assess, over HTTP",
    "traces.change_assessment": "same",
    "traces.delete_assessment": "same",
    "traces.complete": "the checked half of `assess`",
    "traces.delete": "of one experiment by time or list, for programs; people delete one or prune",
    "runs.beat": "a running program's sign of life",
    "runs.complete_environment": "a running program's slow half of its start",
    "runs.create": "`runs.start` for a program that reports by the run's id, over HTTP",
    "runs.knows": "part of translating what programs say",
    "runs.link": "`runs.log_input` for programs: many at once, by whole ids, and models too",
    "runs.record": "`runs.get` for programs: by its whole id, with the steps and times of its latest values",
    "runs.records": "the same of a page of `runs.page`",
    "runs.encoded": "the same as another server's clients want it",
    "runs.report": "all that a program says of its run at once, by its whole id; people do one thing at a time",
    "runs.sample": "a metric thinned for other front ends; ours draw `runs.history`",
    "runs.series": "`runs.metric_points` for programs: by time, by whole ids",
    "runs.import_runs": "for programs that make many runs at once; `qd import` merges",
    "runs.import_experiments": "part of `qd import`, through engine.exchange",
    "runs.merge_runs": "same",
    "runs.link_runs": "same",
    "runs.export_runs": "part of `qd export`, and of the comparison after an import",
    "runs.redacted": "same",
    "runs.latest_values": "part of the comparison after an import",
    "runs.log_columns": "the checked half of `log_batch`",
    "runs.now_ms": "the clock of a running program",
    "runs.artifact_manifest": "part of registering a version",
    "artifacts.adopt": "how bytes that come over HTTP are kept; what they belong to has the operations",
    "artifacts.drop_parts": "same",
    "artifacts.holds": "same",
    "artifacts.incoming": "same",
    "artifacts.is_known_sound": "part of downloading, of what this process need not hash again",
    "artifacts.join_parts": "how bytes that come over HTTP are kept; what they belong to has the operations",
    "artifacts.open_sound": "same",
    "artifacts.sweep": "a starting server's, of what a killed one has left",
    "artifacts.open_unchecked": "same",
    "artifacts.part_path": "same",
    "artifacts.remember_sound": "part of downloading",
    "artifacts.uploads_with_parts": "how bytes that come over HTTP are kept",
    "logged_models.now_ms": "the clock of a running program",
    "logged_models.artifacts": "what a training leaves behind comes and goes over HTTP; `runs show` lists the models",
    "logged_models.create": "same",
    "logged_models.delete": "same",
    "logged_models.delete_tag": "same",
    "logged_models.get": "same",
    "logged_models.log_metrics": "same",
    "logged_models.log_params": "same",
    "logged_models.manifest": "same",
    "logged_models.open_artifact": "same",
    "logged_models.page": "same",
    "logged_models.restore": "same",
    "logged_models.set_status": "same",
    "logged_models.set_tags": "same",
    "probing.health": "part of `probing.get`",
    "builds.pickle_allowed": "part of `builds.build`, and of the gate that scans files",
    "telemetry.changed": "tells a live screen whether to look again",
    "telemetry.counts": "part of `telemetry.stats`",
    "telemetry.rows": "captured rows for gates, which ask another version the same",
    "telemetry.totals": "what the analysis of rollouts compares; people look at `telemetry.live`",
    "builds.get": "part of `endpoints.desired`; people run `models build`, which shows what is there",
    "builds.load": "part of serving",
    "builds.path": "same",
    "uploads.check_part": "large files come in parts over HTTP only",
    "uploads.close": "same",
    "uploads.create": "same",
    "uploads.join": "same",
    "uploads.keep_part": "same",
    "runs.read_artifact": "whole bytes in memory, for programs; fronts use the stream of `open_artifact`",
}
"""Operations that neither front has, each with its reason."""

NOT_ON_THE_COMMAND_LINE: Mapping[str, str] = {
    "past.after": "the console's } through the changes of what is shown; `audit list` lists them",
    "past.before": "same, {",
    "past.change_at": "what the console says of the moment it shows",
    "lineages.fan": "a branch that is opened; `lineage` prints the whole tree",
    "runs.by_status": "what the console's first screen counts; a command counts by a filter",
    "rollouts.open_of": "`endpoints rollouts NAME` lists the open one first",
    "telemetry.series": "drawn as lines by the console; over HTTP for other programs",
    "traces.keys": "the order behind the console's virtual table; a list on the command line is a page",
    "traces.rows": "the visible rows of that table",
    "runs.keys": "the order behind the console's virtual table; a list on the command line is a page",
    "runs.rows": "the visible rows of that table",
    "runs.grouped": "the groups of that table, whose runs open in place; `runs groups` is a page of them",
    "runs.group_rows": "the visible groups of that table",
    "runs.log_bytes": "`runs artifacts put` stores files",
    "models.register": "`models register` takes any source: `register_from`",
}

NOT_IN_THE_CONSOLE: Mapping[str, str] = {
    "models.lineage": "the lineage screen is a tree that opens: `lineages.fan`, which knows alerts too",
    "runs.groups": "its lists group in place: `runs.grouped`, of which it reads what is in view",
    "runs.count": "its lists know how long they are; the first screen counts by status",
    "gates.check": "a job of `qd models check`: it goes on when the console is left",
    "monitors.backtest": "same, of `qd monitors backtest`",
    "builds.build": "same, of `qd models build`",
    "builds.export": "writes a file where the command line runs",
    "processes.stop_up": "a console may run on it; ended where it was started, or with `qd up stop`",
    "telemetry.import_labels": "a file, at a command line or by a timer",
    "scoring.get": "what it left is told by the manifest beside its answers",
    "scoring.page": "same",
    "scoring.run": "reads and writes files where the command line runs, for as long as it takes",
    "telemetry.label": "programs say what was true, over HTTP",
    "models.register_from": "a run's page registers what that run made; `qd models register` takes other sources",
    "prompts.resolve": "how a reference is read; screens go from list to version",
    "prompts.create": "prompts are written in files and programs; the console reads and compares them",
    "prompts.register": "same",
    "prompts.update": "same",
    "prompts.update_version": "same",
    "prompts.set_tag": "same",
    "prompts.set_version_tag": "same",
    "prompts.remove_alias": "rare, and `qd prompts` has it; the console gives aliases",
    "prompts.delete": "same",
    "prompts.delete_version": "same",
    "traces.count": "the list says how many there are",
    "traces.measure": "charts of browsers ask for it, over HTTP",
    "traces.summary": "a row of the list is the whole summary",
    "traces.prune": "upkeep, by age, at a command line or by a timer",
    "webhooks.create": "set up once, at a command line; its secret is not for a screen",
    "webhooks.delete": "same",
    "webhooks.deliveries": "same",
    "webhooks.events": "same",
    "webhooks.get": "same",
    "webhooks.page": "same",
    "webhooks.test": "same",
    "webhooks.update": "same",
    "tokens.create": "shows a secret once, which a screen that may be shared or recorded must not",
    "tokens.page": "set up once, at a command line, like the server they are for",
    "tokens.revoke": "same",
    "audit.consistency": "a proof is for the auditor's program, not for a screen",
    "audit.inclusion": "same",
    "gates.get": "the promotion screen shows the newest report of a version",
    "maintenance.restore": "replaces what the console shows, from a path; too much for a key",
    "approvals.inbox": "the approvals screen is the inbox: it lists what is open",
    "models.files": "the run's page lists and opens its artifacts",
    "runs.artifacts": "`runs.get` brings them with the run",
    "runs.log_batch": "programs and scripts log; the console watches",
    "runs.log_bytes": "same",
    "runs.log_files": "same",
    "runs.log_input": "same",
    "runs.start": "same",
    "runs.metric_points": "raw points are for programs; the console draws `runs.history`",
    "models.check_files": "the gate `integrity` reads them again before every promotion",
}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = engine.create(tmp_path_factory.mktemp("operations") / "workspace").path
    with engine.open(path) as opened:
        return sorted(operations(opened))


SERVICES = frozenset(name for name, member in vars(Engine).items() if isinstance(member, cached_property))
FRONTS = {
    "command line": (Path(engine.cli.__file__).parent, NOT_ON_THE_COMMAND_LINE),
    "console": (Path(console.__file__).parent, NOT_IN_THE_CONSOLE),
}


def test_there_are_operations_to_look_for(everything: list[str]) -> None:
    assert {"runs.page", "models.register", "promotions.promote", "approvals.approve", "audit.verify"} <= set(
        everything
    )
    assert set(SAME) < SERVICES


@pytest.mark.parametrize("front", FRONTS)
def test_every_operation_is_reached_or_exempt(everything: list[str], front: str) -> None:
    folder, exempt = FRONTS[front]
    reached = used(folder, SERVICES)
    missing = [each for each in everything if each not in reached and each not in exempt and each not in FOR_PROGRAMS]
    assert missing == [], f"not in the {front}; add a verb or an action, or a reason here"


@pytest.mark.parametrize("front", FRONTS)
def test_no_exemption_has_outlived_its_reason(everything: list[str], front: str) -> None:
    folder, exempt = FRONTS[front]
    reached = used(folder, SERVICES)
    assert [each for each in exempt if each in reached] == [], f"the {front} has these after all"
    assert [each for each in (*exempt, *FOR_PROGRAMS) if each not in everything] == [], "no such operation any more"


def test_every_exemption_gives_its_reason() -> None:
    for table in (FOR_PROGRAMS, NOT_ON_THE_COMMAND_LINE, NOT_IN_THE_CONSOLE):
        assert [each for each, reason in table.items() if not reason] == []

"""Every sort of change that the code writes into the audit log is in the registry, with an inverse or a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.alerts.model import Change
from engine.deployment.rollout_model import RolloutState
from engine.endpoints.model import Cause
from engine.registry.approval_model import Verdict
from engine.undoing.inverse import Inverse, Never, Part
from engine.undoing.registry import REGISTRY, answer, why_final

SOURCES = Path(engine.__file__).parent
WRITERS = {"record", "record_audit", "write_audit", "_record", "_record_model", "_record_version", "_tell", "_switch"}
"""What writes a record, or hands a verb on to what does."""

DYNAMIC = {
    "endpoint": {cause.value for cause in Cause},
    "rollout": {"begin", "step", "pause"} | {state.value for state in RolloutState if not state.open},
    "alert": {"open", "worsen", "escalate", "acknowledge", "reopen", "resolve"},
    "approval": {verdict.value for verdict in Verdict},
    "promotion": {"promote", "override", "roll back", "roll out"},
    "version": {"promote", "override", "roll back", "archive", "demote"},
    "experiment": {"delete", "restore"},
    "run": {"delete", "restore"},
    "logged_model": {"delete", "restore"},
    "monitor": {"pause", "resume"},
    "trace": {"delete"},
}
"""Verbs that come out of enumerations and arguments, by kind."""

KINDS_OF_FILES = {
    "tracking/logged_models.py": "logged_model",
    "tracking/files.py": "run",
    "tracking/changing.py": "run",
    "tracking/logged_model_importing.py": "logged_model",
    "registry/approval_reading.py": "approval",
    "registry/approvals.py": "approval",
}


def _literal(node: ast.expr | None) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*_literal(node.body), *_literal(node.orelse)]
    return []


def _written() -> Iterator[tuple[str, str, str]]:
    """File, kind and verb of every record whose words stand in the code."""
    for file in sorted(SOURCES.rglob("*.py")):
        name = file.relative_to(SOURCES).as_posix()
        if name.startswith(("audit/", "undoing/", "cli/", "server/")):
            continue
        text = file.read_text(encoding="utf-8")
        # Each process that collects tests comes here: what names no writer is not worth a tree.
        for node in ast.walk(ast.parse(text)) if any(f"{writer}(" in text for writer in WRITERS) else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in WRITERS:
                words = {each.arg: each.value for each in node.keywords}
                kinds = _literal(words.get("kind")) or [KINDS_OF_FILES.get(name, "")]
                yield from ((name, kind, verb) for kind in kinds for verb in _literal(words.get("verb")) if kind)


WRITTEN = sorted(set(_written()))
SORTS = sorted({(kind, verb) for _, kind, verb in WRITTEN} | {(k, v) for k, verbs in DYNAMIC.items() for v in verbs})


def test_there_are_records_to_look_for() -> None:
    assert len(WRITTEN) > 50
    assert {("run", "rename"), ("model", "set alias"), ("token", "revoke"), ("approval", "use")} <= set(SORTS)


@pytest.mark.parametrize(("kind", "verb"), SORTS)
def test_a_sort_of_change_is_in_the_registry(kind: str, verb: str) -> None:
    found = REGISTRY.get((kind, verb))
    assert found is not None, f"say in engine/undoing how `{verb} {kind}` is undone, or why it cannot be"


@pytest.mark.parametrize(("kind", "verb"), REGISTRY)
def test_what_cannot_be_undone_says_so_in_a_sentence(kind: str, verb: str) -> None:
    found = answer(kind, verb)
    found = found.alone if isinstance(found, Part) else found
    if isinstance(found, Never):
        assert found.why[0].isupper(), found.why
        assert found.why.endswith(".")
    else:
        assert (kind, found.becomes) in REGISTRY or found.becomes in {"silence", "unsilence"}


def test_nothing_stands_in_the_registry_that_nobody_writes() -> None:
    alone = {"rename", "tag", "update", "set alias", "remove alias", "note", "delete", "create", "remove-artifact"}
    unknown = [(kind, verb) for kind, verb in REGISTRY if (kind, verb) not in SORTS and verb not in alone]
    assert unknown == []


def test_refusals_of_every_kind_changed_nothing() -> None:
    assert isinstance(answer("version", "refuse"), Never)
    assert "nothing was changed" in why_final("endpoint", "refuse")


def test_the_changes_of_an_alert_are_those_of_its_model() -> None:
    assert len(DYNAMIC["alert"]) == len(Change)


@pytest.mark.parametrize(
    ("kind", "verb", "said"),
    [
        ("version", "delete", "never given again"),
        ("model", "delete", "gone for good"),
        ("token", "revoke", "refused for ever"),
        ("monitor", "delete", "only its settings come back"),
        ("run", "delete", ""),
        ("promotion", "promote", ""),
        ("model", "set alias", ""),
    ],
)
def test_people_are_told_beforehand(kind: str, verb: str, said: str) -> None:
    told = why_final(kind, verb)
    assert said in told if said else isinstance(answer(kind, verb), Inverse | Part)

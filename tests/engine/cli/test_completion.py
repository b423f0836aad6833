"""Shell completion: our words, and the names that are in the workspace now."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine.cli import main
from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import COMMAND, Qd


def _complete(line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the shell would offer for the last word of a line."""
    monkeypatch.setenv("_QD_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - (0 if line.endswith(" ") else 1)))
    capsys.readouterr()
    assert main([]) == 0
    return [offer.split(",", 1)[1] for offer in capsys.readouterr().out.splitlines() if offer]


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("qd mod", ["models"]),
        ("qd models pro", ["promote"]),
        ("qd runs artifacts ", ["get", "list", "put"]),
        ("qd runs list --ex", ["--experiment"]),
        ("qd experiments show ", ["churn"]),
        ("qd runs list --experiment ch", ["churn"]),
        ("qd models show ", ["churn"]),
        ("qd models check churn ", ["3", "2", "1"]),
        ("qd models promote churn 1 --to prod", ["production"]),
        ("qd models promote churn 1 --to P", ["Production"]),
        ("qd versions show churn/", ["churn/3", "churn/2", "churn/1"]),
        ("qd versions show churn@", ["churn@best"]),
        ("qd models unalias churn ", ["best"]),
        ("qd approvals list --state app", ["approved"]),
        ("qd approvals show ", ["1"]),
        ("qd models show nosuch", []),
    ],
)
def test_words_and_live_names_complete(
    sample: Sample,
    line: str,
    offers: list[str],
    qd: Qd,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (sample.path / "quarterdeck.toml").write_text("[models.churn.production]\napprovals = 1\n")
    qd("models", "alias", "churn", "best", "1")
    qd("approvals", "request", "churn", "2", "--to", "production", "--reason", "better")
    assert _complete(line, capsys, monkeypatch) == offers


def test_runs_and_metrics_complete(
    sample: Sample, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sample.runs[0] in _complete(f"qd runs show {sample.runs[0][:5]}", capsys, monkeypatch)
    assert _complete(f"qd runs metrics {sample.runs[0]} a", capsys, monkeypatch) == ["auc"]


def test_names_come_from_the_workspace_named_on_the_line(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = engine.create(tmp_path / "other").path
    with engine.open(other) as opened:
        opened.models.create("fraud")
    assert _complete(f"qd --workspace {other} models show ", capsys, monkeypatch) == ["fraud"]


def test_without_a_workspace_nothing_is_offered_and_nothing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "none"))
    assert _complete("qd models show ", capsys, monkeypatch) == []
    assert capsys.readouterr().err == ""


def test_names_that_could_harm_the_shell_are_not_offered(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.open(workspace) as opened:
        for name in ("fine", "bad\x1b]52;c;x\x07", "two\nlines", "\u202eturned"):
            opened.experiments.create(name)
    assert _complete("qd experiments show ", capsys, monkeypatch) == ["fine"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(qd: Qd, workspace: Path, shell: str) -> None:
    assert "_QD_COMPLETE" in qd("completion", shell).out


def test_a_real_bash_completes_through_the_script(sample: Sample, qd: Qd, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "qd"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    program.chmod(0o755)
    script = (
        f"{qd('completion', 'bash').out}\n"
        "COMP_WORDS=(qd models show ch); COMP_CWORD=3; _qd_completion qd; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(sys.modules["engine"].__path__[0]).parent,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
    )
    assert done.stdout.split() == ["churn"], done.stderr


def test_a_missing_shell_is_asked_for_in_one_sentence(qd: Qd) -> None:
    assert qd("completion", code=2).err.endswith("Choose from: bash, zsh, fish. Try `qd completion --help`.\n")

"""`qd endpoints register`, `probe`, `probes`, `unregister` and `export`, and the units of `qd up`."""

from __future__ import annotations

import csv
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import engine
from engine.db.workspace import Workspace
from engine.supervision import systemd
from tests.engine.cli.conftest import Sample
from tests.engine.cli.driver import Qd
from tests.engine.probing.fake import V2, Answer, served

NAMES = ("ours", "theirs")
NO_PARTS = ("--no-server", "--no-serve", "--no-analysis", "--no-prober", "--no-monitors")


def test_an_external_endpoint_is_registered_probed_shown_changed_and_forgotten(qd: Qd, sample: Sample) -> None:
    with served(V2) as fake:
        made = qd("endpoints", "register", "theirs", "--url", fake.url, "--owner", "risk", "--tag", "team=risk")
        assert "qd endpoints probe theirs" in made.err
        assert "ok" in qd("endpoints", "probe", "theirs").out
        qd("endpoints", "create", "ours", "churn")
        listed = qd("endpoints", "list").out
        ours, their = (next(line for line in listed.splitlines() if line.startswith(each)) for each in NAMES)
        assert "own" in ours
        assert all(word in their for word in ("external", "Healthy", fake.url, " ms"))
        rows = {row["name"]: row for row in csv.DictReader(qd("endpoints", "list", "--csv").out.splitlines())}
        assert (rows["ours"]["kind"], rows["ours"]["url"], rows["ours"]["latency_us"]) == ("own", "", "")
        assert (rows["theirs"]["kind"], rows["theirs"]["url"]) == ("external", fake.url)
        assert int(rows["theirs"]["latency_us"]) > 0
        assert "name: triton" in qd("endpoints", "probe", "theirs").out
        fake.answers["/v2/health/ready"] = (500, b"", {})
        failed = qd("endpoints", "probe", "theirs", code=1)
    assert "It answered 500; 200 is expected." in failed.err
    shown = qd("endpoints", "show", "theirs").out
    assert "Degraded" in shown
    assert "newest probes" in shown
    changed = qd("endpoints", "register", "theirs", "--change", "--interval", "5s", "--json").json
    assert (changed["interval_ms"], changed["owner"], changed["tags"]) == (5_000, "risk", {"team": "risk"})
    assert len(qd("endpoints", "probes", "theirs", "--csv").rows) == 4
    qd("endpoints", "unregister", "theirs", "--reason", "gone")
    assert qd("endpoints", "show", "theirs", code=1).err.startswith("qd: There is no endpoint theirs.")


def test_external_endpoints_are_left_out_where_ours_are_searched(qd: Qd, sample: Sample) -> None:
    qd("endpoints", "create", "churn", "churn")
    qd("endpoints", "create", "other", "churn")
    qd("endpoints", "register", "theirs", "--url", "http://127.0.0.1:9")
    kinds = [each["kind"] for each in qd("endpoints", "list", "--json").json["items"]]
    assert kinds == ["own", "own", "external"]
    found = qd("endpoints", "list", "--filter", "name = 'churn'", "--json").json["items"]
    assert [each["name"] for each in found] == ["churn"]
    first = qd("endpoints", "list", "--limit", "1", "--json").json
    assert [each["name"] for each in first["items"]] == ["churn"]


def test_what_is_missing_or_wrong_is_told(qd: Qd, workspace: Path) -> None:
    assert "needs a URL" in qd("endpoints", "register", "theirs", code=2).err
    assert (
        "QD_PROBE_"
        in qd(
            "endpoints", "register", "theirs", "--url", "http://a.example", "--header", "authorization=s3cret", code=2
        ).err
    )
    assert "no external endpoint" in qd("endpoints", "probe", "nobody", code=1).err


def test_hostile_answers_do_not_reach_the_terminal(qd: Qd, workspace: Path) -> None:
    answers: dict[str, Answer] = {"/ping": (200, b"", {}), "/version": (200, b"\x1b]0;owned\x07\x1b[2J\x9b31m", {})}
    with served(answers) as fake:
        qd("endpoints", "register", "theirs", "--url", fake.url, "--protocol", "mlflow")
        out = qd("endpoints", "probe", "theirs").out
    assert "\x1b" not in out
    assert "\x9b" not in out


def test_a_manifest_is_written_once_unless_forced(qd: Qd, sample: Sample, tmp_path: Path) -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    with engine.open(sample.path) as opened:
        with opened.runs.start("small", "run", capture=False) as run:
            run.log_bytes(skops.io.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1])), "model/model.skops")
        opened.models.register("small", run_id=run.id, artifact_path="model")
        opened.endpoints.create("small", "small")
        opened.endpoints.deploy("small", 1, reason="first")
    out = tmp_path / "small.yaml"
    words = ("endpoints", "export", "small", "--format", "kserve", "--out", out)
    assert "qd models export small/1 --onnx" in qd(*words).err
    model = yaml.safe_load(out.read_text())["spec"]["predictor"]["model"]
    assert model["storageUri"] == "pvc://quarterdeck-models/small/1"
    assert "--force" in qd(*words, code=1).err
    qd(*words, "--force")
    assert qd("endpoints", "export", "small", "--format", "kserve").out == out.read_text()
    assert "--image" in qd("endpoints", "export", "small", "--format", "k8s", code=2).err


def test_a_unit_is_printed_or_written_and_nothing_is_started(
    qd: Qd, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    printed = qd("up", "--install-systemd", "--print", "--no-server", "--serve-port", "9000").out
    assert not (tmp_path / "config").exists()
    written = qd("up", "--no-server", "--serve-port", "9000", "--install-systemd")
    (path,) = (tmp_path / "config" / "systemd" / "user").iterdir()
    assert written.out.strip() == str(path)
    assert path.name == systemd.unit_name(Workspace(workspace))
    assert path.read_text() == printed
    command = next(line for line in printed.splitlines() if line.startswith("ExecStart="))
    words = shlex.split(command.removeprefix("ExecStart="))
    assert words[:6] == [sys.executable, "-m", "engine.cli", "--workspace", str(workspace), "up"]
    assert words[6:9] == ["--no-server", "--host", "127.0.0.1"]
    assert "systemctl --user enable --now" in written.err.replace("daemon-reload && ", "")
    assert qd("up", "status", code=1).err.startswith("qd: `qd up` does not run")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here to say")
@pytest.mark.parametrize("folder", ["plain", 'a "b" $HOME %h \\n', "ünï 'q'; x"])
def test_systemd_takes_the_unit_as_it_is(tmp_path: Path, folder: str) -> None:
    here = tmp_path / "units"
    here.mkdir(mode=0o700)
    path = here / "quarterdeck-1.service"
    path.write_text(systemd.unit(Workspace(tmp_path / folder), ("--no-server", "--serve-port", "9000")))
    command = ["systemd-analyze", "verify", "--user", "--man=no", "--recursive-errors=no", str(path)]
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(here)}
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, env=environ)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    path.write_text(path.read_text().replace("KillMode=mixed", "KillMode=mixd"))
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, env=environ)
    assert "kill mode" in said.stderr, "it does read what it is given"


def test_a_unit_quotes_what_systemd_would_read_otherwise(tmp_path: Path) -> None:
    text = systemd.unit(Workspace(tmp_path / 'a "b" $HOME %h \\n'), ())
    command = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    assert '/a \\"b\\" $$HOME %%h \\\\n"' in command
    assert "%%h" in next(line for line in text.splitlines() if line.startswith("Description="))
    with pytest.raises(engine.errors.InvalidInput):
        systemd.unit(Workspace(tmp_path / "a\nExecStartPre=/bin/x"), ())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("up", "--print"), "--print goes with --install-systemd."),
        (("up", *NO_PARTS), "Nothing is left to run."),
        (("up", "logs", "serve"), "There is no log of serve."),
        (("up", "logs", "../control"), "There is no log of"),
        (("up", "stop"), "`qd up` does not run on this workspace."),
    ],
)
def test_what_cannot_be_is_told(qd: Qd, workspace: Path, words: tuple[str, ...], told: str) -> None:
    answer = qd(*words, code=2 if "--" in words[1] else 1)
    assert told in answer.err

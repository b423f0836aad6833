"""`qd labels` and `qd telemetry`."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from tests.engine.cli.driver import Qd
from tests.engine.telemetry.desk import Desk
from tests.engine.telemetry.traffic import NOW_S, ORIGIN, prediction, window


@pytest.fixture
def asked(workspace: Path) -> Path:
    """A workspace whose endpoint `asked` answered three requests."""
    with engine.open(workspace) as opened:
        opened.models.create("churn")
        origin = ORIGIN._replace(endpoint=opened.endpoints.create("asked", "churn").row_id)
        numbers = (1, 2, 3)
        Desk(opened).report(
            [window(NOW_S - 1, 3, origin)],
            [prediction(number, origin, status=500 if number == 3 else 200) for number in numbers],
        )
    return workspace


def test_labels_come_from_a_file_and_are_shown(qd: Qd, asked: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("request_id,label\nr-1,1\nr-2,gold\nr-9,0\n")
    told = qd("labels", "import", path)
    assert told.out == ""
    assert "3 labels: 3 new, 0 known already; 1 wait" in told.err
    assert qd("labels", "import", path, "--json").json == {"given": 3, "stored": 0, "repeated": 3, "waiting": 0}
    assert [each["value"] for each in qd("labels", "show", "r-1", "--json").json["items"]] == [1]
    assert "gold" in qd("labels", "show", "r-2").out
    qd("labels", "add", "r-1", "2.5", "--time", "2030-01-01")
    assert [each["value"] for each in qd("telemetry", "show", "r-1", "--json").json["labels"]] == [1, 2.5]


def test_a_wrong_file_is_refused_with_its_lines(qd: Qd, asked: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("request_id,label\n,1\n\x1b[31m,2\n")
    refused = qd("labels", "import", path, code=2)
    assert "2 of 2 rows of labels.csv are wrong, the first on line 2" in refused.err
    assert "\x1b" not in refused.err
    qd("labels", "import", tmp_path / "nothing.csv", code=1)
    assert qd("labels", "show", "r-1", "--json").json == {"items": []}


def test_predictions_are_listed_page_by_page(qd: Qd, asked: Path) -> None:
    first = qd("telemetry", "predictions", "asked", "--limit", "2", "--json").json
    assert [each["request_id"] for each in first["items"]] == ["r-3", "r-2"]
    token = first["next_page_token"]
    rest = qd("telemetry", "predictions", "asked", "--limit", "2", "--page-token", token, "--json").json
    assert [each["request_id"] for each in rest["items"]] == ["r-1"]
    failed = qd("telemetry", "predictions", "asked", "--failed", "--json").json["items"]
    assert [each["status"] for each in failed] == [500]
    answered = qd("telemetry", "predictions", "asked", "--answered", "--version", "7", "--since", "1h", "--csv")
    assert [row[0] for row in answered.rows] == ["request_id", "r-2", "r-1"]
    assert "churn/7" in qd("telemetry", "predictions", "asked").out
    qd("telemetry", "predictions", "nobody", code=1)
    qd("telemetry", "predictions", "asked", "--page-token", "x", code=2)


def test_traffic_and_counts_are_told(qd: Qd, asked: Path) -> None:
    (live,) = qd("telemetry", "traffic", "asked", "--seconds", "3600", "--json").json["items"]
    assert (live["deployment"], live["totals"]["requests"]) == (3, 3)
    assert "0.0 %" in qd("telemetry", "traffic", "asked", "--seconds", "3600").out
    stats = qd("telemetry", "stats", "--json").json
    assert stats["counts"][0]["sent"] == stats["counts"][0]["stored"] == stats["predictions"] == 3
    assert stats["writer"]["alive"] is False
    assert "dropped" in qd("telemetry", "stats").out
    assert [row[2:] for row in qd("telemetry", "stats", "--csv").rows] == [
        ["sent", "stored", "dropped"],
        ["3", "3", "0"],
    ]


def test_a_backup_may_leave_telemetry_out(qd: Qd, asked: Path, tmp_path: Path) -> None:
    assert qd("db", "backup", tmp_path / "whole", "--json").json["telemetry_bytes"] > 0
    assert qd("db", "backup", tmp_path / "small", "--no-telemetry", "--json").json["telemetry_bytes"] == 0
    assert qd("db", "stats", "--json").json["telemetry_bytes"] > 0
    assert "telemetry" in qd("db", "check").out

"""Labels: late, repeated, revised, of requests nobody captured, and from files that may be wrong anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.api import Engine
from engine.core.clock import ManualClock
from engine.core.errors import Conflict, InvalidInput, NotFound, PermissionDenied, ReadOnlyMode
from engine.telemetry.label_rules import value_of, value_text
from engine.telemetry.model import Label, LabelReport
from tests.builders import empty_workspace
from tests.engine.telemetry.desk import Desk
from tests.engine.telemetry.traffic import NOW_S, prediction

HEAD = "request_id,label,time\n"


def values(opened: Engine, request_id: str) -> list[object]:
    return [each.value for each in opened.telemetry.labels(request_id)]


def test_a_label_finds_its_prediction(desk: Desk, clock: ManualClock) -> None:
    desk.report(predictions=[prediction(1), prediction(2)])
    clock.advance(5_000)
    report = desk.telemetry.label([Label("r-1", 1), Label("r-2", "gold", NOW_S * 1000)])
    assert report == LabelReport(given=2, stored=2, repeated=0, waiting=0)
    (label,) = desk.telemetry.get("r-1").labels
    assert (label.value, label.time_ms, label.received_ms) == (1, NOW_S * 1000 + 5_500, NOW_S * 1000 + 5_500)
    assert label.source
    assert desk.telemetry.get("r-2").labels[0].time_ms == NOW_S * 1000


def test_a_label_waits_for_a_prediction_that_comes_later(desk: Desk) -> None:
    assert desk.telemetry.label([Label("r-1", 1)]).waiting == 1
    assert desk.telemetry.stats().waiting_labels == 1
    desk.report(predictions=[prediction(1)])
    assert desk.telemetry.get("r-1").labels[0].value == 1
    assert desk.telemetry.stats().waiting_labels == 0


@pytest.mark.parametrize("time_ms", [None, NOW_S * 1000], ids=["no time", "time"])
def test_the_same_label_again_changes_nothing(opened: Engine, time_ms: int | None) -> None:
    opened.telemetry.label([Label("r-1", 1, time_ms)])
    again = opened.telemetry.label([Label("r-1", 1, time_ms), Label("r-1", 1.0, time_ms)])
    assert (again.stored, again.repeated) == (0, 2)
    assert values(opened, "r-1") == [1]


def test_a_revision_keeps_both_and_the_later_holds(opened: Engine, clock: ManualClock) -> None:
    opened.telemetry.label([Label("r-1", 0)])
    clock.advance(1_000)
    opened.telemetry.label([Label("r-1", 1)])
    opened.telemetry.label([Label("r-1", 2, 1_000)])
    assert values(opened, "r-1") == [2, 0, 1]


@pytest.mark.parametrize("value", ["gold", "", 0, 1, 2.5, True, False, "1", "true", "ü" * 1000])
def test_values_keep_their_kind(opened: Engine, value: str | float | bool) -> None:
    if value == "":
        with pytest.raises(InvalidInput, match="has no value"):
            opened.telemetry.label([Label("r-1", value)])
        return
    opened.telemetry.label([Label("r-1", value)])
    (found,) = values(opened, "r-1")
    assert found == value
    assert isinstance(found, bool) == isinstance(value, bool)
    assert isinstance(found, str) == isinstance(value, str)


@pytest.mark.parametrize(
    "label",
    [
        Label("", 1),
        Label("a" * 201, 1),
        Label("a\nb", 1),
        Label("\ud800", 1),
        Label(5, 1),  # type: ignore[arg-type] # as JSON may say
        Label("r", "\x1b[31m"),
        Label("r", "x" * 1001),
        Label("r", float("nan")),
        Label("r", float("inf")),
        Label("r", 10**400),
        Label("r", None),  # type: ignore[arg-type] # same
        Label("r", [1]),  # type: ignore[arg-type] # same
        Label("r", 1, 0),
        Label("r", 1, -5),
        Label("r", 1, 2**60),
        Label("r", 1, True),  # noqa: FBT003 as JSON may say
    ],
)
def test_one_wrong_label_refuses_all(opened: Engine, label: Label) -> None:
    with pytest.raises(InvalidInput, match="Label 2 has"):
        opened.telemetry.label([Label("r-1", 1), label])
    assert not opened.workspace.telemetry_db.exists() or values(opened, "r-1") == []


def test_too_many_at_once_are_refused(opened: Engine) -> None:
    with pytest.raises(InvalidInput, match="in parts"):
        opened.telemetry.label([Label("r", 1)] * 10_001)


def test_who_may_not_log_may_not_label(opened: Engine, tmp_path: Path) -> None:
    from engine.core.access import Actor, Role

    viewer = opened.acting(Actor("vera"), Role.VIEWER)
    with pytest.raises(PermissionDenied):
        viewer.telemetry.label([Label("r", 1)])
    with engine.open(opened.workspace.path, read_only=True) as reader, pytest.raises(ReadOnlyMode):
        reader.telemetry.import_labels(tmp_path / "labels.csv")
    assert not opened.workspace.telemetry_db.exists()


def test_a_file_is_imported_once_however_often(desk: Desk, tmp_path: Path) -> None:
    desk.report(predictions=[prediction(number) for number in range(3)])
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + f'r-0,1,\nr-1,gold,2026-01-02\n\nr-9,true,{NOW_S * 1000}\n"r-2","a,b",\n', encoding="utf-8")
    told: list[tuple[int, int]] = []
    first = desk.telemetry.import_labels(path, progress=lambda done, total: told.append((done, total)))
    assert first == LabelReport(given=4, stored=4, repeated=0, waiting=1)
    assert told[-1] == (path.stat().st_size,) * 2
    assert desk.telemetry.import_labels(str(path)) == LabelReport(given=4, stored=0, repeated=4, waiting=0)
    assert values(desk.engine, "r-9") == [True]
    assert values(desk.engine, "r-2") == ["a,b"]
    assert "labels.csv" in desk.telemetry.labels("r-0")[0].source


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "columns request_id and label"),
        ("id,label\nr,1\n", "columns request_id and label"),
        ("request_id,label,label\nr,1,2\n", "columns request_id and label"),
        ('"request_id,label\n', "columns request_id and label"),
        (HEAD + "r-1,1,\n,1,\n", "line 3: it has no request id"),
        (HEAD + "r-1,,\n", "line 2: it has no value"),
        (HEAD + "r-1,1\n", "line 2: it has 2 cells, not 3"),
        (HEAD + "r-1,1,soon\n", "line 2: it has a time"),
        (HEAD + "r-1,1,99999999999999999999\n", "line 2: it has a time"),
        (HEAD + 'r-1,"1,\n', "line 2:"),
        (HEAD + "r-1,\x001,\n", "line 2:"),
        (HEAD + "r-1," + "x" * 200_000 + ",\n", "line 2:"),
    ],
)
def test_a_file_with_a_wrong_row_stores_nothing(opened: Engine, tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=told):
        opened.telemetry.import_labels(path)
    assert values(opened, "r-1") == []


def test_wrong_rows_are_named_by_line(opened: Engine, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(HEAD.encode() + b"r-1,1,\n" + b"r-\xff,1,\n" + b"r-2,2,x\n" * 50)
    with pytest.raises(InvalidInput) as caught:
        opened.telemetry.import_labels(path)
    assert (caught.value.details["wrong"], caught.value.details["rows"]) == (51, 52)
    lines = caught.value.details["lines"]
    assert isinstance(lines, list)
    assert len(lines) == 20
    assert lines[0] == "line 3: it has control characters in its request id"
    assert "\xff" not in str(caught.value)


def test_what_is_no_file_is_refused(opened: Engine, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        opened.telemetry.import_labels(tmp_path / "nothing.csv")
    with pytest.raises(InvalidInput, match="cannot be read"):
        opened.telemetry.import_labels(tmp_path)


def test_a_file_that_changes_while_it_is_read_stores_nothing(opened: Engine, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + "".join(f"r-{number},1,\n" for number in range(12_000)))
    passes = 0

    def change(done: int, total: int) -> None:
        nonlocal passes
        passes += done == total
        if passes == 1:
            with path.open("a") as stream:
                stream.write("late,1,\n")

    with pytest.raises(Conflict, match="changed while"):
        opened.telemetry.import_labels(path, progress=change)
    assert opened.telemetry.stats().labels == 0


def test_a_large_file_is_one_change(opened: Engine, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("\ufeffLabel, REQUEST_ID\n" + "".join(f"{number % 2},r-{number}\n" for number in range(30_000)))
    assert opened.telemetry.import_labels(path).stored == 30_000
    assert values(opened, "r-29999") == [1]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1), ("-1.5", -1.5), ("1e3", 1000), (".5", 0.5), ("true", True), ("False", False), ("TRUE", "TRUE"),
        ("gold", "gold"), ("1_000", "1_000"), ("nan", "nan"), ("inf", "inf"), ("1e999", "1e999"), ("0x10", "0x10"),
        ("٣", "٣"), ("1 2", "1 2"), ("12345678901234567890", "12345678901234567890"),
    ],
)  # fmt: skip
def test_a_cell_means_a_number_only_where_it_reads_like_one(cell: str, value: object) -> None:
    found = value_of(cell)
    assert found == value
    assert {type(found), type(value)} in ({str}, {bool}, {float}, {float, int})


@given(st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_number_is_the_same_label_however_it_is_written(number: float) -> None:
    assert value_text(number) == value_text(float(number)) or abs(number) >= 2**53


ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from([0, 1, "x"]), st.sampled_from([None, 1_000, 2_000])),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, cut=st.integers(0, 12))
def test_labels_end_the_same_in_one_call_or_two_or_twice(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str | float, int | None]], cut: int
) -> None:
    path = empty_workspace(tmp_path_factory.mktemp("labels") / "w").path
    labels = [Label(*row) for row in rows]
    with engine.open(path, clock=ManualClock(NOW_S * 1000)) as opened:
        reports = [opened.telemetry.label(part) for part in (labels[:cut], labels[cut:], labels)]
        assert [each.stored + each.repeated for each in reports] == [each.given for each in reports]
        assert reports[2].stored == 0
        distinct = {(request, value, time or 0) for request, value, time in rows}
        assert sum(each.stored for each in reports) == len(distinct) == opened.telemetry.stats().labels

"""Undo and redo over our own API."""

from __future__ import annotations

from tests.engine.server.wire import Wire

API = "/api/qd/v1/undoing"


def test_a_change_is_planned_undone_and_done_again(wire: Wire) -> None:
    wire.engine.experiments.create("one")
    wire.engine.experiments.rename("one", "two")
    seq = wire.engine.audit.head().size
    plan = wire.call("GET", f"{API}/plan?seq={seq}").json
    assert (plan["changes"], plan["blockers"]) == ([{"field": "name", "now": "two", "then": "one"}], [])
    done = wire.call("POST", f"{API}/undo", {"seq": seq, "reason": "typo", "expected": plan["expect"]})
    assert (done.status, done.json["undoes"], done.json["redo"]) == (200, seq, False)
    assert wire.engine.experiments.get("one").name == "one"
    redo = wire.call("GET", f"{API}/redoable").json
    assert redo["record"]["seq"] == done.json["seq"]
    assert wire.call("POST", f"{API}/undo", {"seq": redo["asked"]}).json["redo"] is True
    assert wire.engine.experiments.get("two").name == "two"
    assert wire.engine.audit.verify().ok


def test_what_changed_since_is_a_409_that_names_the_later_record(wire: Wire) -> None:
    wire.engine.experiments.create("one")
    for old, new in (("one", "two"), ("two", "three")):
        wire.engine.experiments.rename(old, new)
    last = wire.engine.audit.head().size
    told = wire.call("POST", f"{API}/undo", {"seq": last - 1})
    assert told.status == 409
    assert f"in record {last}" in str(told.json)
    assert wire.call("POST", f"{API}/undo", {"seq": last, "expected": "0" * 16}).status == 409


def test_what_is_no_record_is_told(wire: Wire) -> None:
    assert wire.call("GET", f"{API}/plan?seq=99999").status == 404
    assert wire.call("POST", f"{API}/undo", {"seq": -1}).status == 404
    assert wire.call("POST", f"{API}/undo", {"seq": "one"}).status == 400
    assert wire.call("POST", f"{API}/undo", {"seq": 1, "reason": "x" * 901}).status == 400

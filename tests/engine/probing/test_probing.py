"""Registering endpoints that somebody else serves, and keeping what was found there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import (
    AlreadyExists,
    InvalidInput,
    NotFound,
    PermissionDenied,
    QuarterdeckError,
    ReadOnlyMode,
)
from engine.probing.model import ExternalChange, HealthState, Protocol
from engine.probing.service import Probing
from tests.engine.endpoints.desk import Desk
from tests.engine.probing.fake import V2, served


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.database.close()


def probing(desk: Desk, name: str = "bob", *, read_only: bool = False) -> Probing:
    return desk.engine(name, read_only=read_only).probing


def audited(desk: Desk) -> list[tuple[str, str, str]]:
    found = desk.engine().audit.page(limit=100).items
    return [(each.verb, each.kind, each.key) for each in reversed(found) if each.kind == "external endpoint"]


def test_what_was_registered_is_found_by_its_name(desk: Desk) -> None:
    headers, tags = {"Authorization": "QD_PROBE_TOKEN"}, {"team": "risk"}
    made = probing(desk).register(
        "theirs", "https://10.0.0.7:8443/serving/", protocol=Protocol.MLFLOW, headers=headers, tags=tags, owner="risk"
    )
    found = probing(desk).get("theirs")
    assert found.endpoint == made
    assert made.url == "https://10.0.0.7:8443/serving"
    assert (made.headers, made.tags, made.created_by) == (headers, tags, "bob")
    assert found.health.state is HealthState.UNKNOWN
    assert probing(desk).health("theirs") == found.health


def test_every_change_is_audited(desk: Desk) -> None:
    service = probing(desk)
    service.register("theirs", "http://a.example")
    service.update("theirs", ExternalChange(url="http://b.example/", model="churn"))
    service.update("theirs", ExternalChange(url="http://b.example"))
    service.delete("theirs", reason="gone")
    assert audited(desk) == [(verb, "external endpoint", "theirs") for verb in ("register", "update", "unregister")]


def test_only_what_is_given_is_changed(desk: Desk) -> None:
    service = probing(desk)
    service.register("theirs", "http://a.example", interval_ms=5_000, owner="risk", tags={"a": "1"})
    changed = service.update("theirs", ExternalChange(timeout_ms=100, tags={"b": "2"}))
    assert (changed.url, changed.interval_ms, changed.owner) == ("http://a.example", 5_000, "risk")
    assert (changed.timeout_ms, changed.tags) == (100, {"b": "2"})
    assert service.get("theirs").endpoint == changed


def test_a_secret_in_a_tag_is_not_kept(desk: Desk) -> None:
    service = probing(desk)
    service.register("theirs", "http://a.example", tags={"password": "hunter2hunter2"})
    service.update("theirs", ExternalChange(tags={"api_key": "sk-hunter2hunter2"}))
    kept = f"{service.get('theirs')} {desk.engine().audit.page(limit=100)}"
    assert "hunter2" not in kept


def test_a_name_is_ours_or_somebody_elses_never_both(desk: Desk) -> None:
    desk.endpoint(1, "churn")
    probing(desk).register("theirs", "http://a.example")
    for taken in ("churn", "theirs"):
        with pytest.raises(AlreadyExists):
            probing(desk).register(taken, "http://b.example")
    with pytest.raises(AlreadyExists):
        desk.endpoints.create("theirs", "churn")
    probing(desk).delete("theirs")
    desk.endpoints.create("theirs", "churn")


def test_only_operators_change_anything_and_nobody_does_when_read_only(desk: Desk) -> None:
    probing(desk).register("theirs", "http://a.example")
    for service, refusal in (
        (probing(desk, "mallory"), PermissionDenied),
        (probing(desk, "bob", read_only=True), ReadOnlyMode),
    ):
        with pytest.raises(refusal):
            service.register("more", "http://b.example")
        with pytest.raises(refusal):
            service.update("theirs", ExternalChange(model="x"))
        with pytest.raises(refusal):
            service.delete("theirs")
        with pytest.raises(refusal):
            service.probe_now("theirs")
        assert service.get("theirs").endpoint.model == ""
        assert len(service.page().items) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://a.example"},
        {"url": "http://"},
        {"url": "http://a.example:99999"},
        {"url": "http://a b.example"},
        {"url": "http://a.example/?token=x"},
        {"url": "http://user:password@a.example"},
        {"url": "http://169.254.169.254/latest/meta-data"},
        {"url": "http://[fe80::1]/"},
        {"url": "http://[::ffff:169.254.169.254]/"},
        {"url": "http://[64:ff9b::a9fe:a9fe]/"},
        {"url": "http://0.0.0.0/"},
        {"url": "http://ä.example"},
        {"url": "http://a.example/" + "x" * 3_000},
        {"url": "http://a.example\r\nx: y"},
        {"interval_ms": 10},
        {"timeout_ms": 10**9},
        {"expected_status": 42},
        {"headers": {"authorization": "Bearer s3cret"}},
        {"headers": {"authorization": "AWS_SECRET_ACCESS_KEY"}},
        {"headers": {"bad name": "QD_PROBE_X"}},
        {"headers": {"Host": "QD_PROBE_X"}},
        {"headers": {f"x-{number}": "QD_PROBE_X" for number in range(30)}},
        {"name": "a/b"},
        {"name": ""},
        {"model": "x\0"},
        {"tags": {"": "x"}},
        {"description": "x" * 30_000},
    ],
    ids=str,
)
def test_what_cannot_be_probed_is_refused_and_not_echoed_at_length(desk: Desk, fields: dict[str, Any]) -> None:
    given = {"name": "theirs", "url": "http://a.example", **fields}
    with pytest.raises(InvalidInput) as refused:
        probing(desk).register(given.pop("name"), given.pop("url"), **given)
    assert "s3cret" not in str(refused.value)
    assert len(str(refused.value)) < 600
    assert probing(desk).page().items == ()


@pytest.mark.parametrize("name", ["nobody", "\ud800", "", "x" * 9_999])
def test_an_unknown_name_is_not_found(desk: Desk, name: str) -> None:
    service = probing(desk)
    for act in (service.get, service.history, service.hours, service.probe_now, service.delete, service.health):
        with pytest.raises(NotFound) as missing:
            act(name)
        assert len(str(missing.value)) < 300


def test_a_near_name_is_suggested(desk: Desk) -> None:
    probing(desk).register("theirs", "http://a.example")
    with pytest.raises(NotFound, match="theirs"):
        probing(desk).get("theirz")


def test_pages_go_on_where_they_ended(desk: Desk) -> None:
    service = probing(desk)
    for number in range(5):
        service.register(f"e{number}", "http://a.example")
    first = service.page(limit=3)
    rest = service.page(limit=3, page_token=first.next_page_token)
    assert [each.endpoint.name for each in (*first.items, *rest.items)] == [f"e{number}" for number in range(5)]
    assert rest.next_page_token is None
    for wrong in ({"limit": 0}, {"limit": 10**6}, {"page_token": "!"}, {"page_token": "MQ"}):
        with pytest.raises(InvalidInput):
            service.page(**wrong)


def test_what_a_probe_finds_is_kept_with_its_hour(desk: Desk) -> None:
    service = probing(desk)
    with served(V2) as fake:
        service.register("theirs", fake.url, model="churn")
        assert service.probe_now("theirs").ok
        desk.clock.advance(1_000)
        fake.answers["/v2/health/ready"] = (500, b"", {})
        second = service.probe_now("theirs")
    assert second.status == 500
    newest = service.history("theirs", limit=1)
    assert newest.items == (second,)
    assert [each.ok for each in service.history("theirs", page_token=newest.next_page_token).items] == [True]
    (hour,) = service.hours("theirs")
    assert (hour.probes, hour.failures) == (2, 1)
    assert hour.max_latency_us is not None
    assert hour.mean_latency_us is not None
    assert 0 < hour.mean_latency_us <= hour.max_latency_us
    assert service.hours("theirs", since_ms=hour.start_ms + 1) == ()
    assert service.get("theirs").health.state is HealthState.DEGRADED


def test_an_endpoint_that_takes_a_freed_name_has_no_past(desk: Desk) -> None:
    service = probing(desk)
    with served(V2) as fake:
        service.register("theirs", fake.url)
        service.probe_now("theirs")
        service.delete("theirs")
        service.register("theirs", fake.url)
    assert service.history("theirs").items == ()


def test_nothing_is_made_by_looking(desk: Desk) -> None:
    service = probing(desk)
    service.register("theirs", "http://a.example")
    service.get("theirs")
    assert service.history("theirs").items == ()
    assert service.hours("theirs") == ()
    assert not desk.workspace.telemetry_db.exists()


def test_a_damaged_telemetry_database_is_a_plain_error(desk: Desk) -> None:
    service = probing(desk)
    service.register("theirs", "http://127.0.0.1:9")
    desk.workspace.telemetry_db.write_bytes(b"no database" * 1_000)
    with pytest.raises(QuarterdeckError):
        service.probe_now("theirs")
    (watched,) = service.page().items
    assert watched.health.state is HealthState.UNKNOWN
    assert watched.health.words.startswith("What was found there cannot be read: ")

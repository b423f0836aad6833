from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.access import Actor
from engine.core.errors import FilterSyntaxError, InvalidInput, NotFound
from engine.core.paging import decode_token, encode_token
from engine.core.query import MODELS, VERSIONS, evaluate, order, unparse, unparse_order_by
from engine.registry import model_store, search_store, store
from engine.registry.model import Stage, Version
from tests.engine.registry.desk import Desk
from tests.property.query_strategies import Thing, filters, orders, things

if TYPE_CHECKING:
    from engine.core.query import Filter, OrderBy

ACTOR = Actor("ada")


@pytest.fixture
def stocked(desk: Desk) -> Desk:
    for model, auc in (("churn", 0.7), ("churn", 0.9), ("loan", math.nan), ("loan", 0.8)):
        run_id = desk.run(metrics={"auc": auc}, params={"depth": str(int(auc * 10)) if auc == auc else "x"})  # noqa: PLR0124
        desk.models.register(model, run_id=run_id, owner="ada" if model == "churn" else "bob")
        desk.clock.advance(1_000)
    desk.move(2, Stage.PRODUCTION)
    return desk


@pytest.mark.parametrize(
    ("asked", "order_by", "expected"),
    [
        ("", (), ["churn/2", "churn/1", "loan/2", "loan/1"]),
        ("metrics.auc > 0.75", ("metrics.auc",), ["loan/2", "churn/2"]),
        ("", ("metrics.auc DESC",), ["churn/2", "loan/2", "churn/1", "loan/1"]),
        ("stage = 'Production'", (), ["churn/2"]),
        ("stage != 'production' AND model = 'churn'", (), ["churn/1"]),
        ("params.depth >= 8", ("params.depth DESC",), ["churn/2", "loan/2"]),
        ("owner ILIKE 'B%'", ("version",), ["loan/1", "loan/2"]),
        ("version = 1 OR size_bytes > 1000", ("created DESC",), ["loan/1", "churn/1"]),
        ("status = 'READY'", ("name DESC", "version DESC", "name"), ["loan/2", "loan/1", "churn/2", "churn/1"]),
    ],
)
def test_versions_are_found_in_the_filter_language(
    stocked: Desk, asked: str, order_by: tuple[str, ...], expected: list[str]
) -> None:
    assert [each.key for each in stocked.models.versions(None, asked, order_by).items] == expected


def test_versions_of_one_model_are_its_own(stocked: Desk) -> None:
    assert [each.key for each in stocked.models.versions("loan").items] == ["loan/2", "loan/1"]
    assert stocked.models.versions("loan", "metrics.auc > 0.85").items == ()
    with pytest.raises(NotFound, match="Did you mean churn"):
        stocked.models.versions("chrun")


def test_a_model_without_a_tag_differs_from_every_value_of_it(stocked: Desk) -> None:
    stocked.models.set_tag("loan", "kind", "prompt")
    assert [each.name for each in stocked.models.page("tags.kind != 'prompt'").items] == ["churn"]
    assert [each.name for each in stocked.models.page("tags.kind = 'prompt'").items] == ["loan"]
    assert [each.name for each in stocked.models.page("", ("name DESC",)).items] == ["loan", "churn"]


def test_pages_continue_where_the_last_one_ended_whatever_is_registered_in_between(stocked: Desk) -> None:
    found, token = [], None
    while True:
        page = stocked.models.versions(None, order_by=("metrics.auc DESC",), limit=1, page_token=token)
        found += [each.key for each in page.items]
        token = page.next_page_token
        if token is None:
            break
        stocked.models.register("aaa", run_id=stocked.run(metrics={"auc": 1.0}))
    assert found == ["churn/2", "loan/2", "churn/1", "loan/1"]


def test_a_token_of_another_query_is_refused(stocked: Desk) -> None:
    token = stocked.models.versions(limit=1).next_page_token
    assert token is not None
    for attempt in (
        lambda: stocked.models.versions("loan", page_token=token),
        lambda: stocked.models.versions(None, "version > 0", page_token=token),
        lambda: stocked.models.versions(None, order_by=("version",), page_token=token),
        lambda: stocked.models.page(page_token=token),
    ):
        with pytest.raises(InvalidInput, match="page token"):
            attempt()


@pytest.mark.parametrize("position", [[], ["a"], ["a", 1, 2], [2**70, 1], ["\ud800", 1], [[], 1], [{}, 1], [1], None])
def test_a_forged_token_is_refused(stocked: Desk, position: list[object] | None) -> None:
    page = stocked.models.versions(limit=1)
    assert page.next_page_token is not None
    genuine = decode_token(page.next_page_token)
    assert isinstance(genuine, list)
    forged = encode_token(position if position is None else [genuine[0], *position])
    with pytest.raises(InvalidInput, match="page token"):
        stocked.models.versions(limit=1, page_token=forged)


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_limit_out_of_range_is_refused(desk: Desk, limit: int) -> None:
    for attempt in (desk.models.page, desk.models.versions):
        with pytest.raises(InvalidInput, match="limit"):
            attempt(limit=limit)


def test_a_filter_that_does_not_parse_names_the_column(desk: Desk) -> None:
    with pytest.raises(FilterSyntaxError) as caught:
        desk.models.versions(None, "metrics.auc >")
    assert caught.value.details["column"] == 14
    with pytest.raises(FilterSyntaxError):
        desk.models.page("metrics.auc > 1")


def test_more_sort_keys_than_are_kept_are_refused(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="at most 20 keys"):
        desk.models.versions(None, order_by=tuple(f"metrics.m{place}" for place in range(20)))


def test_a_filter_of_many_parts_is_answered(desk: Desk) -> None:
    desk.register()
    asked = " OR ".join(f"version = {place}" for place in range(1_000))
    assert len(desk.models.versions(None, asked).items) == 1


def _fill(desk: Desk, rows: list[Thing]) -> dict[str, Thing]:
    """Store versions that look like these things; gives by key what each is for the evaluator."""
    blank = Version(
        row_id=0, model="m", version=0, stage=Stage.REGISTERED, stage_ms=0, run_id=None, artifact_path="", digest="",
        size_bytes=0, flavor="", format="", signature=None, data_name="", data_digest="", owner="", description="",
        created_ms=0, updated_ms=0, created_by="",
    )  # fmt: skip
    known: dict[str, Thing] = {}
    with desk.database.transaction(ACTOR) as tx:
        model_id = model_store.insert_model(tx, name="m", description="", owner="")
        for number, row in enumerate(rows, start=1):
            stage = list(Stage)[number % 4]
            text = {name: str(row.attributes[name] or "") for name in ("source_path", "owner", "description", "digest")}
            run_id = row.attributes["run_id"]
            version = replace(
                blank, version=number, stage=stage, run_id=None if run_id is None else str(run_id),
                artifact_path=text["source_path"], owner=text["owner"], description=text["description"],
                digest=text["digest"], size_bytes=int(row.attributes["size_bytes"] or 0),
                created_ms=int(row.attributes["creation_timestamp"] or 0),
                updated_ms=int(row.attributes["last_updated_timestamp"] or 0),
                params=row.params, metrics=row.metrics, tags=row.tags,
            )  # fmt: skip
            store.insert_version(tx, model_id, version, ())
            attributes = {
                **text, "name": "m", "run_id": version.run_id, "stage": stage.value.lower(), "status": "ready",
                "version_number": number, "size_bytes": version.size_bytes, "creation_timestamp": version.created_ms,
                "last_updated_timestamp": version.updated_ms,
            }  # fmt: skip
            known[version.key] = replace(row, attributes=attributes, datasets=())
    return known


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    rows=st.lists(things(VERSIONS), min_size=1, max_size=6),
    tree=st.none() | filters(VERSIONS),
    keys=orders(VERSIONS),
    limit=st.integers(1, 4),
)
def test_sql_finds_and_orders_what_the_plain_evaluator_does(
    rows: list[Thing], tree: Filter | None, keys: tuple[OrderBy, ...], limit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        known = _fill(desk, rows)
        fitting = {key: row for key, row in known.items() if tree is None or evaluate(tree, row)}
        names = {id(row): key for key, row in fitting.items()}
        expected = [names[id(row)] for row in order(fitting.values(), keys, schema=VERSIONS)]
        found: list[str] = []
        token: str | None = None
        while True:
            page = desk.models.versions(None, unparse(tree), (unparse_order_by(keys),), limit=limit, page_token=token)
            found += [each.key for each in page.items]
            token = page.next_page_token
            if token is None:
                break
        desk.database.close()
    assert found == expected


def test_what_can_be_asked_of_models_and_versions_is_what_the_stores_know() -> None:
    for schema, subject in ((MODELS, search_store.MODELS), (VERSIONS, search_store.VERSIONS)):
        assert {attribute.name for attribute in schema.attributes} == set(subject.attributes)
        assert set(schema.entities) == set(subject.tables)

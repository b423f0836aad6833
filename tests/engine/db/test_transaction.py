"""What no column can hold is refused in words, wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.access import Actor
from engine.core.errors import InvalidInput
from engine.db.database import Database
from tests.builders import make_database

pytestmark = pytest.mark.disk


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = make_database(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(("value", "problem"), [("\ud800", "not valid Unicode"), (2**63, "does not fit 64 bits")])
def test_a_value_that_sqlite_cannot_hold_is_invalid_input(database: Database, value: object, problem: str) -> None:
    with database.snapshot() as snapshot, pytest.raises(InvalidInput, match=problem):
        snapshot.execute("SELECT ?", (value,))
    sql = "INSERT INTO event (time_ms, kind, change, key) VALUES (0, 'a', 'b', ?)"
    with pytest.raises(InvalidInput, match=problem), database.transaction(Actor("ada")) as tx:
        tx.executemany(sql, [("kept",), (value,)])
    with database.snapshot() as snapshot:
        assert snapshot.execute("SELECT count(*) FROM event").fetchone() == (0,)

"""A forger with the database file and any SQL they like; checked through real SQLite."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from engine.audit.model import TreeHead, Verification
from engine.audit.service import AuditLog, record
from engine.core.access import Actor
from engine.core.clock import ManualClock
from engine.core.errors import IntegrityError
from engine.db.database import Database

Fill = Callable[[int], None]

SIZE = 21
TEXT_COLUMNS = ("actor", "origin", "via", "on_behalf_of", "verb", "kind", "key", "before", "after", "reason")


@pytest.fixture
def kept(database: Database, log: AuditLog, fill: Fill) -> TreeHead:
    """The head of a log of `SIZE` records, whose file is closed and complete."""
    fill(SIZE)
    head = log.head()
    database.close()
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return head


@contextmanager
def forger(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection without the seat belts."""
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        connection.commit()


def verify(path: Path, kept: TreeHead | None = None) -> Verification:
    clock = ManualClock()
    database = Database(path, clock=clock)
    try:
        return AuditLog(database, clock).verify(kept)
    finally:
        database.close()


def cell(db: sqlite3.Connection, rng: random.Random, seq: int) -> int | None:
    column = rng.choice((*TEXT_COLUMNS, "time_ms", "leaf_hash"))
    value = rng.choice(("forged", b"ann", -1, 0.5, "", '{"a": 1}'))
    changed = db.execute(f"UPDATE audit SET {column} = ? WHERE seq = ? AND {column} IS NOT ?", (value, seq, value))
    if not changed.rowcount:
        db.execute("UPDATE audit SET reason = 'forged' WHERE seq = ?", (seq,))
    return seq


def undecodable(db: sqlite3.Connection, rng: random.Random, seq: int) -> int | None:
    column = rng.choice(TEXT_COLUMNS)
    db.execute(f"UPDATE audit SET {column} = CAST(x'ff' AS TEXT) WHERE seq = ?", (seq,))
    return seq


def same_text_as_bytes(db: sqlite3.Connection, rng: random.Random, seq: int) -> int | None:
    db.execute("UPDATE audit SET verb = CAST(verb AS BLOB) WHERE seq = ?", (seq,))
    return seq


def deleted(db: sqlite3.Connection, rng: random.Random, seq: int) -> int | None:
    db.execute("DELETE FROM audit WHERE seq = ?", (seq,))
    return seq


def deleted_and_closed_up(db: sqlite3.Connection, rng: random.Random, seq: int) -> int | None:
    db.execute("DELETE FROM audit WHERE seq = ?", (seq,))
    db.execute("UPDATE audit SET seq = -seq WHERE seq > ?", (seq,))
    db.execute("UPDATE audit SET seq = -seq - 1 WHERE seq < 0")
    return seq


def swapped(db: sqlite3.Connection, rng: random.Random, seq: int) -> int | None:
    other = seq % SIZE + 1
    db.execute("UPDATE audit SET seq = -1 WHERE seq = ?", (seq,))
    db.execute("UPDATE audit SET seq = ? WHERE seq = ?", (seq, other))
    db.execute("UPDATE audit SET seq = ? WHERE seq = -1", (other,))
    return min(seq, other)


def copied(db: sqlite3.Connection, rng: random.Random, seq: int) -> int | None:
    target = rng.choice((0, -5, SIZE + 1, SIZE + 9))
    columns = f"time_ms, {', '.join(TEXT_COLUMNS)}, leaf_hash"
    db.execute(
        f"INSERT INTO audit (seq, {columns}) SELECT ?, {columns} FROM audit WHERE seq = ?",
        (target, seq),
    )
    return min(target, SIZE + 1)


def subtree(db: sqlite3.Connection, rng: random.Random, seq: int) -> int | None:
    level = rng.randrange(1, SIZE.bit_length())
    where = (level, rng.randrange(SIZE >> level))
    change = rng.choice(
        (
            "DELETE FROM audit_node",
            "UPDATE audit_node SET hash = zeroblob(32)",
            "UPDATE audit_node SET hash = CAST(hash AS TEXT)",
            "UPDATE audit_node SET idx = CAST(x'ff' AS TEXT)",
            "UPDATE audit_node SET level = 60",
        )
    )
    db.execute(f"{change} WHERE level = ? AND idx = ?", where)
    return None


def foreign_subtree(db: sqlite3.Connection, rng: random.Random, seq: int) -> int | None:
    db.execute("INSERT INTO audit_node VALUES (?, ?, zeroblob(32))", (rng.choice((-1, 0, 1, 30)), SIZE + seq))
    return None


def stored_head(db: sqlite3.Connection, rng: random.Random, seq: int) -> int | None:
    db.execute(
        rng.choice(
            (
                "DELETE FROM audit_head",
                "UPDATE audit_head SET size = size + 1",
                "UPDATE audit_head SET size = 'many'",
                "UPDATE audit_head SET edge = zeroblob(length(edge))",
                "UPDATE audit_head SET edge = CAST(edge AS TEXT)",
                "UPDATE audit_head SET edge = x''",
            )
        )
    )
    return None


EDITS = (
    cell,
    undecodable,
    same_text_as_bytes,
    deleted,
    deleted_and_closed_up,
    swapped,
    copied,
    subtree,
    foreign_subtree,
    stored_head,
)


@pytest.mark.parametrize("edit", EDITS)
def test_edits_of_the_file_are_found(
    edit: Callable[[sqlite3.Connection, random.Random, int], int | None],
    kept: TreeHead,
    database: Database,
    tmp_path: Path,
) -> None:
    rng = random.Random(edit.__name__)
    for number in range(30):
        path = tmp_path / f"{number}.db"
        shutil.copyfile(database.path, path)
        with forger(path) as connection:
            named = edit(connection, rng, rng.randrange(1, SIZE + 1))
        alone, against = verify(path), verify(path, kept)
        assert not alone.ok, number
        assert not against.ok, number
        assert alone.problem
        if named is not None:
            assert alone.first_bad == against.first_bad == named


def test_a_log_written_anew_is_found_against_a_kept_head_only(kept: TreeHead, tmp_path: Path) -> None:
    path = tmp_path / "anew.db"
    anew = Database(path, clock=ManualClock())
    anew.migrate()
    for number in range(SIZE):
        with anew.transaction(Actor("ann")) as tx:
            record(tx, verb="tag", kind="version", key=f"churn/{number}", before=None, after=None)
    anew.close()
    assert verify(path).ok
    found = verify(path, kept)
    assert (found.ok, found.first_bad) == (False, None)
    assert f"first {SIZE} records" in found.problem


def test_an_empty_log_in_place_of_a_kept_one_is_found(kept: TreeHead, tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    empty = Database(path)
    empty.migrate()
    empty.close()
    assert verify(path).ok
    assert verify(path, kept).first_bad == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET reason = 'forged' WHERE seq = 1",
        "DELETE FROM audit WHERE seq = 3",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 2",
        "INSERT INTO audit VALUES (9, 1, 'ann', '', '', '', 'tag', 'run', 'a', NULL, NULL, '', zeroblob(32))",
        "UPDATE audit_node SET hash = zeroblob(32)",
        "DELETE FROM audit_node",
        "INSERT OR REPLACE INTO audit_node VALUES (1, 0, zeroblob(32))",
        "DELETE FROM audit_head",
        "INSERT OR REPLACE INTO audit_head VALUES (1, 0, x'')",
        "UPDATE audit_head SET size = 1",
        "UPDATE audit_head SET edge = x''",
    ],
)
def test_mistaken_statements_are_refused_by_the_database(
    database: Database, log: AuditLog, fill: Fill, statement: str
) -> None:
    fill(3)
    with pytest.raises(sqlite3.IntegrityError), database.transaction(Actor("ann")) as tx:
        tx.execute(statement)
    assert log.verify().ok


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM audit_head",
        "UPDATE audit_head SET edge = x''",
        "UPDATE audit_head SET size = 3, edge = substr(edge, 1, 64)",
        "DROP TABLE audit_node; CREATE TABLE audit_node (level, idx, hash NOT NULL CHECK (0))",
    ],
)
def test_a_damaged_log_is_not_continued(database: Database, kept: TreeHead, damage: str) -> None:
    with forger(database.path) as connection:
        connection.executescript(damage)

    def write_two() -> None:
        with database.transaction(Actor("ann")) as tx:
            for key in "ab":
                record(tx, verb="tag", kind="run", key=key, before=None, after=None)

    with pytest.raises(IntegrityError, match="qd audit verify"):
        write_two()
    assert not verify(database.path, kept).ok


def test_damaged_states_are_reported_by_reading(database: Database, log: AuditLog, kept: TreeHead) -> None:
    with forger(database.path) as connection:
        connection.execute("UPDATE audit SET after = '[1' WHERE seq = 2")
        connection.execute("UPDATE audit SET after = '[1]' WHERE seq = 3")
    for seq in (2, 3):
        with pytest.raises(IntegrityError, match=f"Record {seq} of the audit log has been damaged"):
            log.entry(seq)


def test_proofs_over_missing_hashes_are_refused(database: Database, log: AuditLog, kept: TreeHead) -> None:
    with forger(database.path) as connection:
        connection.execute("DELETE FROM audit_node WHERE level = 3")
        connection.execute("DELETE FROM audit WHERE seq = 2")
    for prove in (log.inclusion, log.consistency):
        with pytest.raises(IntegrityError):
            prove(1)

"""Schema changes: never edited once released, and every older database with rows in it is brought up to date."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

import engine
from engine.core.clock import ManualClock
from engine.core.errors import ReadOnlyMode, WorkspaceError, WorkspaceTooNew
from engine.db.database import Database
from engine.db.migrations import TELEMETRY, migrations
from tests.contract.operations import prepare
from tests.faults import Faults

HASHES = Path(__file__).with_name("migration_hashes.json")
"""SHA-256 of every migration, by file name. A new migration adds a line (`QD_WRITE_HASHES=1`); a line never changes."""

LATEST = len(migrations())


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the newest schema with rows in nearly every table."""
    folder = tmp_path_factory.mktemp("full")
    prepare(folder)
    return folder / "workspace" / "control.db"


def older(full: Path, target: Path, version: int) -> Path:
    """A database as Quarterdeck left it when that schema was the newest, with the rows that it could hold."""
    with closing(sqlite3.connect(target, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode=WAL")
        for migration in migrations()[:version]:
            raw.executescript(migration.statements())
            raw.execute("INSERT INTO schema_migration VALUES (?, ?, 0)", (migration.version, migration.name))
        raw.execute("ATTACH ? AS newest", (str(full),))
        triggers = raw.execute("SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            raw.execute(f"DROP TRIGGER main.{name}")
        for table in tables(raw):
            if table != "schema_migration":
                columns = ", ".join(row[1] for row in raw.execute(f"PRAGMA main.table_info({table})"))
                raw.execute(f"DELETE FROM main.{table}")
                raw.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newest.{table}")
        for _, sql in triggers:
            raw.execute(sql)
        raw.execute(f"PRAGMA user_version={version:d}")
    return target


def tables(raw: sqlite3.Connection) -> list[str]:
    sql = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    return [name for (name,) in raw.execute(sql)]


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as raw:
        return {table: sorted(raw.execute(f"SELECT * FROM {table}"), key=repr) for table in tables(raw)}


def narrowed(rows: list[tuple[object, ...]], *, to: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The columns that were there before: later migrations add theirs at the end."""
    return sorted((row[: len(to[0])] for row in rows), key=repr) if to else rows


def schema(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as raw:
        return dict(raw.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def test_no_migration_is_edited_after_it_was_written_down() -> None:
    found = {each.path.name: sha256(each.path.read_bytes()).hexdigest() for each in migrations()}
    beside = migrations(TELEMETRY)
    found |= {f"telemetry/{each.path.name}": sha256(each.path.read_bytes()).hexdigest() for each in beside}
    if os.environ.get("QD_WRITE_HASHES"):
        HASHES.write_text(json.dumps(found, indent=2) + "\n")
    assert found == json.loads(HASHES.read_text())


def test_migrations_are_numbered_without_gaps() -> None:
    assert [migration.version for migration in migrations()] == list(range(1, LATEST + 1))


@pytest.mark.parametrize("version", range(1, LATEST + 1))
def test_every_older_database_is_brought_up_to_date_and_keeps_its_rows(
    full: Path, tmp_path: Path, version: int
) -> None:
    path = older(full, tmp_path / "control.db", version)
    before = contents(path)
    with closing(Database(path)) as database:
        database.migrate()
    after = contents(path)
    applied = {row[0]: row for row in after.pop("schema_migration")}
    assert set(applied) == set(range(1, LATEST + 1))
    assert {number: row for number, row in applied.items() if number <= version} == {  # type: ignore[operator]
        row[0]: row for row in before.pop("schema_migration")
    }
    assert {table: narrowed(after[table], to=rows) for table, rows in before.items()} == before
    assert schema(path) == schema(full)


@pytest.mark.parametrize("version", range(1, LATEST))
def test_an_older_database_is_not_changed_by_a_read_only_session(full: Path, tmp_path: Path, version: int) -> None:
    path = older(full, tmp_path / "control.db", version)
    before = path.read_bytes()
    with closing(Database(path, read_only=True)) as database, pytest.raises(ReadOnlyMode, match="older Quarterdeck"):
        database.migrate()
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", [0, 1, LATEST - 1])
def test_whichever_statement_of_a_migration_fails_the_schema_is_one_that_was_released(
    full: Path, tmp_path: Path, version: int
) -> None:
    before, newest = tmp_path / "before.db", schema(full)
    if version:
        older(full, before, version)
    old = schema(before) if version else {}
    for number in range(1, 1_000):
        path = tmp_path / f"{number}.db"
        if version:
            shutil.copyfile(before, path)
        faults = Faults()
        with closing(Database(path, connect=faults.connect)) as database:
            faults.arm(number)
            try:
                database.migrate()
            except WorkspaceError:
                assert faults.hit
            faults.disarm()
            if not faults.hit:
                break
            if path.exists():
                assert user_version(path) == len(applied(path))
                assert schema(path) in (old, newest)
            if number % 10 < 2:  # what all go on from is one of these two, and going on is most of the work
                database.migrate()
                assert schema(path) == newest
    assert number > 10


def user_version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("PRAGMA user_version").fetchone()[0])


def applied(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as raw:
        if "schema_migration" not in tables(raw):
            assert tables(raw) == []
            return []
        return [version for (version,) in raw.execute("SELECT version FROM schema_migration ORDER BY version")]


def test_an_older_workspace_works_after_it_was_opened(full: Path, tmp_path: Path) -> None:
    shutil.copytree(full.parent, tmp_path / "workspace")
    (tmp_path / "workspace" / "control.db").unlink()
    older(full, tmp_path / "workspace" / "control.db", 3)
    with engine.open(tmp_path / "workspace", clock=ManualClock()) as opened:
        assert opened.runs.count() > 0
        assert opened.audit.verify().ok
        assert opened.models.page().items == ()


def test_a_newer_database_is_refused_and_not_changed(full: Path, tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    shutil.copyfile(full, path)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"PRAGMA user_version={LATEST + 1}")
    before = path.read_bytes()
    for read_only in (False, True):
        with closing(Database(path, read_only=read_only)) as database:
            with pytest.raises(WorkspaceTooNew, match=f"schema {LATEST + 1}; this Quarterdeck knows up to {LATEST}"):
                database.migrate()
            with pytest.raises(WorkspaceTooNew), database.snapshot():
                pass
    assert path.read_bytes() == before

"""A workspace that is deleted, moved or replaced while it is open: said, and never written past."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.core.access import Actor
from engine.core.errors import WorkspaceMissing, WorkspaceReplaced
from engine.db.database import Database
from tests.builders import make_database

pytestmark = pytest.mark.disk

ADA = Actor("ada")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = make_database(tmp_path)
    emit(made, "old")
    assert keys(made) == ["old"]
    yield made
    made.close()


def emit(database: Database, key: str) -> None:
    with database.transaction(ADA) as tx:
        tx.emit(kind="run", change="created", key=key)


def keys(database: Database) -> list[str]:
    with database.snapshot() as snapshot:
        return [row[0] for row in snapshot.execute("SELECT key FROM event ORDER BY id")]


def another(tmp_path: Path) -> Path:
    """Another workspace, with one event, closed."""
    with closing(make_database(tmp_path / "other")) as made:
        emit(made, "new")
    return made.path.parent


def replace_workspace(database: Database, tmp_path: Path) -> None:
    """Put another workspace where this one is, as somebody with `mv` does."""
    place = database.path.parent
    other = another(tmp_path)
    place.rename(tmp_path / "aside")
    other.rename(place)


def test_a_deleted_workspace_is_missed_by_writers_and_readers(database: Database) -> None:
    shutil.rmtree(database.path.parent)
    with pytest.raises(WorkspaceMissing, match="not there") as caught:
        emit(database, "lost")
    assert caught.value.exit_code == 3
    with pytest.raises(WorkspaceMissing, match="not there"):
        keys(database)
    assert not database.path.exists()


def test_a_deleted_database_is_not_made_again_by_a_first_write(tmp_path: Path) -> None:
    with closing(make_database(tmp_path)) as database:
        database.path.unlink()
        with pytest.raises(WorkspaceMissing):
            emit(database, "lost")
        assert not database.path.exists()


def test_a_workspace_that_was_moved_and_put_back_goes_on(database: Database, tmp_path: Path) -> None:
    place = database.path.parent
    place.rename(tmp_path / "aside")
    with pytest.raises(WorkspaceMissing):
        emit(database, "lost")
    (tmp_path / "aside").rename(place)
    emit(database, "kept")
    assert keys(database) == ["old", "kept"]


def test_a_replaced_workspace_is_told_once_and_then_used(database: Database, tmp_path: Path) -> None:
    replace_workspace(database, tmp_path)
    with pytest.raises(WorkspaceReplaced, match="replaced while it was open"):
        emit(database, "lost")
    assert keys(database) == ["new"]
    emit(database, "kept")
    assert keys(database) == ["new", "kept"]
    with closing(Database(tmp_path / "aside" / "control.db")) as old:
        assert keys(old) == ["old"]


def test_a_workspace_replaced_in_the_middle_of_a_write_is_not_written(database: Database, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceReplaced), database.transaction(ADA) as tx:
        replace_workspace(database, tmp_path)
        tx.emit(kind="run", change="created", key="into the old file")
    with closing(Database(tmp_path / "aside" / "control.db")) as old:
        assert keys(old) == ["old"]


def test_a_feed_tells_that_its_workspace_was_replaced(database: Database, tmp_path: Path) -> None:
    with closing(database.feed()) as feed:
        replace_workspace(database, tmp_path)
        for _ in range(2):
            with pytest.raises(WorkspaceReplaced, match="Watch it anew"):
                feed.poll()
    with closing(database.feed()) as fresh:
        assert fresh.poll() is None


def test_a_feed_tells_that_its_workspace_is_gone(database: Database) -> None:
    with closing(database.feed()) as feed:
        shutil.rmtree(database.path.parent)
        with pytest.raises(WorkspaceMissing):
            feed.poll()

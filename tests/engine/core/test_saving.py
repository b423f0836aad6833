"""Files are written whole, or not at all, and never over another by accident."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.core.errors import AlreadyExists, InvalidInput
from engine.core.saving import new_file, save


def test_a_file_is_written_and_nothing_else_left(tmp_path: Path) -> None:
    save(tmp_path / "a.svg", b"x")
    assert (tmp_path / "a.svg").read_bytes() == b"x"
    assert os.listdir(tmp_path) == ["a.svg"]  # noqa: PTH208 hidden ones too


def test_its_mode_is_that_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    save(tmp_path / "a.svg", b"x")
    assert (tmp_path / "a.svg").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("there", ["file", "link", "dead link"])
def test_what_is_there_is_replaced_only_when_asked(tmp_path: Path, there: str) -> None:
    target, other = tmp_path / "a.svg", tmp_path / "other"
    other.write_bytes(b"old")
    if there == "file":
        target.write_bytes(b"old")
    else:
        target.symlink_to(other if there == "link" else tmp_path / "missing")
    with pytest.raises(AlreadyExists, match=r"a\.svg is there already"):
        save(target, b"new")
    assert other.read_bytes() == b"old"
    save(target, b"new", replace=True)
    assert target.read_bytes() == b"new"
    assert not target.is_symlink()
    assert other.read_bytes() == b"old"


def test_a_name_taken_meanwhile_is_not_lost(tmp_path: Path) -> None:
    target = tmp_path / "a.svg"
    with pytest.raises(AlreadyExists), new_file(target) as stream:
        stream.write(b"mine")
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


def test_after_an_error_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_file(tmp_path / "a.svg") as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["folder", "missing/a.svg", "file/a.svg"])
def test_a_place_where_no_file_can_be_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match=name.rpartition("/")[2]):
        save(tmp_path / name, b"x", replace=True)

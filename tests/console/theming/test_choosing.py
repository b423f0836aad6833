"""Who chooses the theme."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.own import Own
from console.theming.choosing import choose, ground_of, remember, remembered
from engine.core.errors import InvalidInput, NotFound


@pytest.fixture
def own(tmp_path: Path) -> Own:
    return Own(tmp_path / "config", tmp_path / "state")


def test_what_was_asked_for_comes_first_then_memory_then_the_workspace(own: Own) -> None:
    assert choose("", own, "").name == "ansi"
    assert choose("", own, "light").name == "light"
    remember(own.state, "safe")
    assert choose("", own, "light").name == "safe"
    assert choose("mono", own, "light").name == "mono"
    assert choose("", None, "light").name == "light"


@pytest.mark.parametrize(
    ("said", "ground"),
    [("15;0", "dark"), ("0;15", "light"), ("0;default;15", "light"), ("", ""), ("x;y", ""), ("0;99", "")],
)
def test_the_terminal_may_say_what_its_background_is(own: Own, said: str, ground: str) -> None:
    assert ground_of({"COLORFGBG": said}) == ground
    assert choose("auto", own, "", {"COLORFGBG": said}).name == (ground or "ansi")


def test_a_memory_that_cannot_be_read_is_none(own: Own) -> None:
    own.state.mkdir()
    for content in (b"\xff\xfe", b"../../x", b"", b"x" * 9_999):
        (own.state / "theme").write_bytes(content)
        assert remembered(own.state) == ""
    remember(own.state, "dark")
    assert remembered(own.state) == "dark"


def test_a_memory_that_cannot_be_kept_is_told(own: Own) -> None:
    own.state.write_text("in the way")
    with pytest.raises(InvalidInput):
        remember(own.state, "dark")


def test_an_unknown_name_is_refused(own: Own) -> None:
    with pytest.raises(NotFound):
        choose("nope", own, "")

"""Themes of the operator's own folder, whoever wrote them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.theming.built_in import BUILT_IN
from console.theming.files import MOST_BYTES, find_theme, own_names, parse_theme
from console.theming.theme import Rgb
from engine.core.errors import InvalidInput, NotFound


def write(config: Path, name: str, text: str) -> None:
    (config / "themes").mkdir(exist_ok=True)
    (config / "themes" / f"{name}.toml").write_text(text)


def test_a_theme_of_ones_own_takes_the_rest_from_the_one_it_inherits(tmp_path: Path) -> None:
    write(
        tmp_path,
        "dusk",
        'inherits = "dark"\n[colours]\nred = "#ff5555"\n[looks]\nproduction = "bold underline #ff79c6 on #202020"\n',
    )
    theme = find_theme("dusk", tmp_path)
    assert theme.ground == "dark"
    assert theme.palette[1] == Rgb(255, 85, 85)
    assert theme.palette[2] == BUILT_IN["dark"].palette[2]
    look = theme.looks["production"]
    assert (look.bold, look.underline, look.blink) == (True, True, None)
    assert look.color is not None
    assert look.color.name == "#ff79c6"
    assert own_names(tmp_path) == ["dusk"]


def test_ones_own_comes_before_one_that_comes_with_the_console(tmp_path: Path) -> None:
    write(tmp_path, "dark", 'about = "mine"')
    assert find_theme("dark", tmp_path).about == "mine"
    assert find_theme("dark", None) is BUILT_IN["dark"]


def test_an_unknown_theme_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as told:
        find_theme("drak", tmp_path)
    assert "dark" in told.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not toml at all", "cannot be read"),
        ('inherits = "nothing"', "inherits"),
        ('on = "mars"', "on"),
        ("surprise = 1", "surprise"),
        ('[colours]\nredd = "#ff0000"', "colours.redd"),
        ('[colours]\nred = "red"', "colours.red"),
        ("colours = 3", "colours"),
        ('[looks]\nproduktion = "bold"', "looks.produktion"),
        ('[looks]\ngood = "blink red"', "blink"),
        ('[looks]\ngood = "link https://example.org"', "link"),
        ('[looks]\ngood = "red green"', "green"),
        ("[looks]\ngood = 7", "looks.good"),
        ('about = "' + "x" * 300 + '"', "about"),
        ("a = " + "[" * 5_000 + "]" * 5_000, "cannot be read"),
        ("x" * (MOST_BYTES + 1), "bytes"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, "odd", text)
    with pytest.raises(InvalidInput) as told:
        find_theme("odd", tmp_path)
    assert "odd.toml" in told.value.message
    assert said in told.value.message
    assert len(told.value.message) < 1_000


def test_a_file_that_is_none_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "endless.toml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "themes" / "pipe.toml")
    (tmp_path / "themes" / "gone.toml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "themes" / "raw.toml").write_bytes(b"\xff\xfe\x00")
    for name in ("endless", "pipe", "gone", "raw"):
        with pytest.raises(InvalidInput):
            find_theme(name, tmp_path)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a" * 99, "\x1b[31m", "Dark"])
def test_a_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    write(tmp_path, "dusk", "")
    with pytest.raises(NotFound):
        find_theme(name, tmp_path)


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["#ff0000", "bold red", "dark"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["about", "on", "inherits", "colours", "looks"]) | st.text(max_size=8)


TABLES = st.dictionaries(st.sampled_from(["red", "good"]), VALUES, max_size=2)


@given(st.dictionaries(KEYS, VALUES | TABLES, max_size=4))
def test_whatever_a_file_says_it_is_a_theme_or_a_sentence(content: dict[str, Any]) -> None:
    try:
        theme = parse_theme("odd", content, "odd.toml")
    except InvalidInput as error:
        assert len(error.message) < 1_000  # noqa: PT017 - either outcome is right
    else:
        assert all(not style.blink and not style.link for style in theme.looks.values())

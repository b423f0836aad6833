"""What README shows is there, is of a size that loads, and tells nothing of the machine it was made on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from tests.screenshots.cast import COLUMNS, MOST_BYTES, ROWS
from tests.screenshots.shots import SHOTS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "screenshots"
PATHS = re.compile(r"/(?:root|work|tmp|home)\b")
LONGEST_S = 75


def _shown() -> list[str]:
    return re.findall(r"\]\((screenshots/[^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_the_readme_shows_pictures_and_a_session() -> None:
    assert len({each for each in _shown() if each.endswith(".png")}) >= 6
    assert {"screenshots/session.svg", "screenshots/session.cast"} <= set(_shown())


def test_the_folder_holds_what_is_made_and_nothing_else() -> None:
    made = {f"{shot.name}.png" for shot in SHOTS} | {"session.svg", "session.cast"}
    assert {each.name for each in FOLDER.iterdir()} == made


@pytest.mark.parametrize("name", sorted(shot.name for shot in SHOTS))
def test_a_picture_is_large_enough_to_read_and_small_enough_to_load(name: str) -> None:
    with Image.open(FOLDER / f"{name}.png") as picture:
        assert picture.width >= 800
    assert (FOLDER / f"{name}.png").stat().st_size < 300_000


def test_the_animated_picture_stands_alone() -> None:
    text = (FOLDER / "session.svg").read_text(encoding="utf-8")
    assert len(text.encode()) <= MOST_BYTES
    assert PATHS.search(text) is None
    tags = {each.tag.rpartition("}")[2] for each in ET.fromstring(text).iter()}  # noqa: S314 our own file
    assert tags <= {"svg", "g", "title", "style", "rect", "circle", "text", "defs", "use", "path"}
    assert "url(" not in text
    assert "@import" not in text


def test_the_recording_can_be_played() -> None:
    lines = (FOLDER / "session.cast").read_text(encoding="utf-8").splitlines()
    header = json.loads(lines[0])
    assert (header["version"], header["width"], header["height"]) == (2, COLUMNS, ROWS)
    events = [json.loads(line) for line in lines[1:]]
    times = [at for at, _, _ in events]
    assert times == sorted(times)
    assert 20 < times[-1] < LONGEST_S
    assert {kind for _, kind, _ in events} == {"o"}
    assert PATHS.search("".join(data for _, _, data in events)) is None

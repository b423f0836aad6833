"""The pages of docs/ say what is so: made ones are fresh, examples are valid and complete, recipes run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.policy.parse import read_policy
from tests.docs.pages import FOLDER, PAGES

_KNOWN = re.compile(r"Known: (.*)\.")
_LINK = re.compile(r"\]\(([^)#:]+)\)")
UNKNOWN = "no such key at all"
BEYOND = {"weekly", "from", "to"}
"""Keys of a freeze: one form or the other."""


def _blocks(page: str, language: str) -> list[str]:
    text = (FOLDER / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_made_page_is_fresh(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "stale: run `make docs`"


@pytest.mark.parametrize("name", sorted(each.name for each in FOLDER.glob("*.md")))
def test_links_lead_somewhere(name: str) -> None:
    for target in _LINK.findall((FOLDER / name).read_text(encoding="utf-8")):
        assert (FOLDER / target).exists(), target


def test_the_example_of_the_configuration_is_valid() -> None:
    (example,) = _blocks("configuration.md", "toml")
    _, problems = read_policy(tomllib.loads(example), "0" * 64)
    assert problems == []


def test_the_example_of_the_configuration_names_every_key() -> None:
    (example,) = _blocks("configuration.md", "toml")
    data = tomllib.loads(example)
    tables = list(_tables(data))
    for table in tables:
        table[UNKNOWN] = 0
    _, problems = read_policy(data, "0" * 64)
    asked = [each for each in problems if each.path[-1] == UNKNOWN and "is not known" in each.message]
    assert len(asked) >= 20
    for problem in asked:
        here: Any = data
        for part in problem.path[:-1]:
            here = here[part]
        found = _KNOWN.search(problem.hint)
        assert found is not None, problem
        missing = set(found[1].split(", ")) - set(here) - BEYOND
        if problem.path[0] != "models":  # the example shows one stage and one rollout
            assert missing == set(), problem.path


def _tables(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for value in data.values():
        if isinstance(value, dict):
            yield from _tables(value)
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, dict):
                    yield from _tables(each)
    if isinstance(data, dict):
        yield data


def test_the_recipes_run(tmp_path: Path) -> None:
    script = "set -eu\n" + "\n".join(_blocks("recipes.md", "sh"))
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environ.pop("QUARTERDECK_HOME", None)
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "drift.html").stat().st_size > 1_000
    assert "0.93" in done.stdout

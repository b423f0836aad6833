"""The house rules, held over every file of the source; and each rule seen to refuse what it is there to refuse."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.architecture import rules

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("engine", "console") for path in (ROOT / folder).rglob("*.py"))
OF_ENGINE = [path for path in SOURCES if path.is_relative_to(ROOT / "engine")]
OF_CONSOLE = [path for path in SOURCES if path.is_relative_to(ROOT / "console")]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a file, read once for all rules: a thousand files, and as many tests, would each cost more."""
    return ast.parse(path.read_text(encoding="utf-8"))


def breaking(paths: list[Path], rule: Callable[[Path], list[str]]) -> dict[str, list[str]]:
    """What the rule finds, by file; files that keep it are left out."""
    return {relative(path): found for path in paths if (found := rule(path))}


def test_there_are_sources_to_hold_the_rules_over() -> None:
    assert len(OF_ENGINE) > 300
    assert len(OF_CONSOLE) > 100


def test_sql_stands_and_runs_only_in_stores() -> None:
    others = [path for path in SOURCES if not rules.may_hold_sql(relative(path))]
    assert breaking(others, lambda path: rules.sql_in(parsed(path))) == {}


def test_a_store_is_imported_only_from_its_own_folder() -> None:
    def foreign(path: Path) -> list[str]:
        return rules.foreign_stores(parsed(path), ".".join(path.relative_to(ROOT).parent.parts))

    assert breaking(SOURCES, foreign) == {}


def test_the_console_uses_the_front_door() -> None:
    assert breaking(OF_CONSOLE, lambda path: rules.below_the_front_door(parsed(path))) == {}


def test_heavy_libraries_wait_in_the_function_that_needs_them() -> None:
    assert breaking(OF_ENGINE, lambda path: rules.heavy_at_start(parsed(path), relative(path))) == {}


def test_files_and_functions_stay_small() -> None:
    assert breaking(SOURCES, lambda path: rules.too_long(path.read_text(encoding="utf-8"))) == {}


def test_the_console_starts_the_command_line_from_one_place() -> None:
    users = [relative(path) for path in OF_CONSOLE if "engine.cli" in rules.imports_in(parsed(path))]
    assert users == ["console/__main__.py"]


def in_tracking(tree: ast.Module) -> list[str]:
    return rules.foreign_stores(tree, "engine.tracking")


@pytest.mark.parametrize(
    ("rule", "source", "breaks"),
    [
        (rules.sql_in, 'x = "SELECT a FROM b"', True),
        (rules.sql_in, 'x = f"SELECT {a} FROM {b} WHERE c = ?"', True),
        (rules.sql_in, 'x = "insert or ignore into a values (?)"', True),
        (rules.sql_in, 'x = "WITH a (b) AS (SELECT 1) SELECT b"', True),
        (rules.sql_in, 'x = "PRAGMA user_version"', True),
        (rules.sql_in, "tx.execute(made_elsewhere)", True),
        (rules.sql_in, 'def f():\n    "SELECT a FROM b"\n', False),
        (rules.sql_in, 'x = "Choose a version from the list"', False),
        (in_tracking, "from engine.registry import store", True),
        (in_tracking, "from engine.registry.store import model", True),
        (in_tracking, "import engine.registry.model_store as x", True),
        (in_tracking, "def f():\n    from engine.registry import approval_store", True),
        (in_tracking, "from . import run_store", True),
        (in_tracking, "from engine.tracking import run_store", False),
        (in_tracking, "from engine.registry.model import Stage", False),
        (rules.below_the_front_door, "import sqlite3", True),
        (rules.below_the_front_door, "from engine.db.database import Database", True),
        (rules.below_the_front_door, "from engine.tracking.service import Runs", True),
        (rules.below_the_front_door, "from engine.tracking import run_store", True),
        (rules.below_the_front_door, "def f():\n    import engine.registry.service", True),
        (rules.below_the_front_door, "from engine.tracking.model import Run", False),
        (rules.below_the_front_door, "from engine.core.query.tree import Filter", False),
        (rules.heavy_at_start, "import numpy as np", True),
        (rules.heavy_at_start, "class A:\n    import pandas", True),
        (rules.heavy_at_start, "try:\n    from sklearn.tree import X\nexcept ImportError:\n    pass", True),
        (rules.heavy_at_start, "if TYPE_CHECKING:\n    import numpy as np", False),
        (rules.heavy_at_start, "def f():\n    import numpy as np", False),
    ],
)
def test_each_rule_refuses_what_it_is_for(rule: Callable[[ast.Module], list[str]], source: str, breaks: bool) -> None:
    assert bool(rule(ast.parse(source))) is breaks


def test_the_rule_for_lengths_refuses_what_it_is_for() -> None:
    body = "    x = 1\n"
    assert rules.too_long("def f():\n" + body * 59) == []
    assert rules.too_long("def f():\n" + body * 60) == ["f"]
    assert rules.too_long("x = 1\n" * 601) == ["the file"]

"""The house rules that no import contract can say: where SQL stands, who reads a store, what a start may load."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("engine", "console") for path in (ROOT / folder).rglob("*.py"))
SQL = re.compile(
    r"^\s*(?:SELECT\s.+\sFROM|INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(?:TABLE|INDEX|TRIGGER)"
    r"|DROP\s+TABLE|WITH\s+(?:RECURSIVE\s+)?\w+\s+AS\s*\(|PRAGMA\s+\w+)\b",
    re.IGNORECASE | re.DOTALL,
)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def may_hold_sql(name: str) -> bool:
    return name.startswith(("engine/db/", "engine/audit/")) or name.endswith(("/store.py", "_store.py"))


def sql_texts(tree: ast.AST) -> list[str]:
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and SQL.match(node.value)
    ]


def imported_modules(tree: ast.AST) -> list[str]:
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            found.extend(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_sql_stands_only_in_stores(path: Path) -> None:
    found = sql_texts(ast.parse(path.read_text(encoding="utf-8")))
    assert not found or may_hold_sql(relative(path)), f"SQL outside a store: {found}"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_store_is_imported_only_from_its_own_folder(path: Path) -> None:
    folder = ".".join(path.relative_to(ROOT).parent.parts)
    foreign = [
        name
        for name in imported_modules(ast.parse(path.read_text(encoding="utf-8")))
        if re.search(r"^engine\.\w+\.(?:\w+_)?store(?:\.|$)", name)
        and not name.startswith((f"{folder}.", "engine.artifacts."))
    ]
    assert not foreign


def test_the_rule_for_sql_can_fail() -> None:
    assert sql_texts(ast.parse('x = "SELECT a FROM b"')) == ["SELECT a FROM b"]
    assert sql_texts(ast.parse('def f():\n    "SELECT a FROM b"\n')) == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 600
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert not long

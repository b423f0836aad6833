"""Which operations of the engine a front uses, read from its source."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from engine.api import Engine

SAME = {"run_reading": "runs"}
"""Services that are a part of another one."""
INSIDE = ("view", "snapshot", "tx")
"""Parameters of what works inside a caller's transaction: parts of operations, not operations."""


def operations(engine: Engine) -> Iterator[str]:
    """Every public operation of every service, such as `runs.page`.

    Args:
        engine: Any engine; its services are looked at, not used.
    """
    for name, member in vars(Engine).items():
        if isinstance(member, cached_property) and name not in SAME and not name.startswith("_"):
            service = getattr(engine, name)
            for method, function in inspect.getmembers(type(service), inspect.isfunction):
                inside = any(parameter in INSIDE for parameter in inspect.signature(function).parameters)
                if not method.startswith("_") and not inside:
                    yield f"{name}.{method}"


def used(folder: Path, services: frozenset[str]) -> set[str]:
    """What the files below a folder take from services: `….runs.page`, also through `service = ….runs`.

    Args:
        folder: A package.
        services: Names of services.
    """
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = dict(_aliases(tree, services))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                service = _service(node.value, services, names)
                if service is not None:
                    found.add(f"{SAME.get(service, service)}.{node.attr}")
    return found


def _service(node: ast.expr, services: frozenset[str], names: dict[str, str]) -> str | None:
    if isinstance(node, ast.Attribute) and node.attr in services:
        return node.attr
    return names.get(node.id) if isinstance(node, ast.Name) else None


def _aliases(tree: ast.Module, services: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Local names that stand for a service."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _assigned(target, node.value, services)


def _assigned(target: ast.expr, value: ast.expr, services: frozenset[str]) -> Iterator[tuple[str, str]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _assigned(one, its, services)
    elif isinstance(target, ast.Name) and isinstance(value, ast.Attribute) and value.attr in services:
        yield target.id, value.attr

"""Every route of the server, and what it takes, read from the server's own table."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

import engine
from engine.api import Engine
from engine.server.dialects import table
from engine.server.measures import Measures
from engine.server.mlflow.decoding import Shape
from engine.server.native.dialect import Operation
from engine.server.routes import Body, Route
from tests.bench.fuzz.shapes import Maker, maker

_OWN = "engine.server"


@dataclass(frozen=True, slots=True)
class Target:
    """One route to send requests to.

    Args:
        method: Its method.
        path: Its template.
        body: What it takes as body.
        makers: How what it takes is made; several when its handler knows several shapes, none when it knows none.
    """

    method: str
    path: str
    body: Body
    makers: tuple[Maker, ...]


def prepared(workspace: Path) -> Path:
    """Make a workspace whose webhooks may go to this machine, where nobody listens.

    Args:
        workspace: Where.
    """
    made = engine.create(workspace).path
    with (made / "quarterdeck.toml").open("a", encoding="utf-8") as policy:
        policy.write('\n[webhooks]\nallow_private = ["127.0.0.1"]\n')
    return made


def targets(workspace: Path) -> tuple[Target, ...]:
    """All of them.

    Args:
        workspace: Any workspace; its services' signatures are read.
    """
    measures = Measures(clients=lambda: 0, queue=lambda: 0)
    with engine.open(workspace) as opened:
        return tuple(_target(route, opened) for dialect in table(measures).dialects for route in dialect.routes)


def _target(route: Route, opened: Engine) -> Target:
    handler: Any = route.handler
    kinds = [handler.signature(opened).request] if isinstance(handler, Operation) else _kinds(handler)
    return Target(route.method, route.path, route.body, tuple(maker(kind) for kind in dict.fromkeys(kinds)))


def _kinds(handler: Any) -> Iterator[type[msgspec.Struct]]:
    """The structs that the code of a handler names, itself or in what it calls."""
    yield from _named(handler)
    for value in _globals(handler):
        if isinstance(value, types.FunctionType) and value.__module__.startswith(_OWN):
            yield from _named(value)


def _named(function: Any) -> Iterator[type[msgspec.Struct]]:
    for value in _globals(function):
        if isinstance(value, Shape):
            yield value._kind  # noqa: SLF001 the fuzzer reads what the handler gives to the decoder
        elif isinstance(value, type) and issubclass(value, msgspec.Struct):
            yield value


def _globals(function: Any) -> Iterator[Any]:
    if isinstance(function, types.FunctionType):
        for code in _codes(function.__code__):
            yield from (function.__globals__[name] for name in code.co_names if name in function.__globals__)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)

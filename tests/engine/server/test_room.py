"""Large bodies of many clients at once: bounded together, refused with a word when too many, and given back."""

from __future__ import annotations

import gzip
import socket
import time
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import engine
from engine.core.errors import Overloaded
from engine.server import room
from engine.server.room import UNCOUNTED_BYTES, Held, Room
from engine.server.run import ThreadedServer
from engine.server.settings import Settings
from tests.builders import empty_workspace
from tests.engine.server.wire import Wire

MIB = 1 << 20


def test_what_was_taken_is_given_back_when_it_is_forgotten() -> None:
    space = Room(MIB)
    held = Held(space)
    held.grow(MIB // 2)
    held.grow(MIB)
    assert space.left_bytes == 0
    with pytest.raises(Overloaded):
        Held(space).grow(MIB // 2)
    del held
    assert space.left_bytes == MIB


def test_short_bodies_are_not_counted() -> None:
    space = Room(0)
    Held(space).grow(UNCOUNTED_BYTES)
    with pytest.raises(Overloaded):
        Held(space).grow(UNCOUNTED_BYTES + 1)
    assert space.left_bytes == 0


def test_bodies_that_are_too_many_are_told_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.Room.__init__, "__defaults__", (4 * MIB,))
    with (
        engine.open(empty_workspace(tmp_path / "workspace").path, via="http") as opened,
        ThreadedServer(opened, Settings(port=0)) as url,
        Wire(url, opened) as wire,
    ):
        with ExitStack() as stack:
            for _ in range(4):
                hoard(stack, url)
            until = time.monotonic() + 20
            while (answer := wire.mlflow("POST", "experiments/create", {"name": "x" * MIB})).status != 429:
                assert time.monotonic() < until
            assert answer.headers["retry-after"] == "1"
            assert wire.mlflow("POST", "experiments/create", {"name": "short"}).status == 200
        until = time.monotonic() + 20
        while wire.mlflow("POST", "experiments/create", {"name": "x" * MIB}).status != 400:  # too long a name
            assert time.monotonic() < until


def test_what_inflates_counts_as_what_comes_out_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.Room.__init__, "__defaults__", (4 * MIB,))
    spans = ExportTraceServiceRequest()
    spans.resource_spans.add().scope_spans.add().spans.add(name="x" * 3 * MIB)
    body = gzip.compress(spans.SerializeToString())
    told = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    with (
        engine.open(empty_workspace(tmp_path / "workspace").path, via="http") as opened,
        ThreadedServer(opened, Settings(port=0)) as url,
        Wire(url, opened) as wire,
    ):
        assert len(body) < UNCOUNTED_BYTES
        assert wire.send("POST", "/v1/traces", body, told).status == 503
        assert wire.send("POST", "/v1/traces", b"", told | {"content-encoding": "identity"}).status == 200


def hoard(stack: ExitStack, url: str) -> None:
    """Send most of a body, and no more."""
    parts = urlsplit(url)
    connection = stack.enter_context(closing(socket.create_connection((parts.hostname or "", parts.port or 0), 20)))
    head = b"POST /api/2.0/mlflow/runs/log-batch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    connection.sendall(head + b"content-length: 2000000\r\n\r\n" + b" " * (MIB - 1))

"""A gigabyte up and down: how fast against a plain copy through a socket into a file, and how much memory it takes."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.bench.measures.raw import start_run
from tests.bench.places import Places
from tests.bench.results import Row
from tests.clients import server

SIZE = 1 << 30
PIECE = 1 << 20
LOOK_S = 0.05


def measure(places: Places) -> Iterator[Row]:
    """Up, down, and the plain copies."""
    with places.scratch() as folder:
        source = folder / "source"
        with source.open("wb") as file:
            for _ in range(SIZE // PIECE):
                file.write(os.urandom(PIECE))
        copied_s = _plain_copy(source, folder / "copy")
        (folder / "copy").unlink()
        started = server.start(folder / "workspace")
        run = start_run(started.url)
        path = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/big.bin"
        with Memory(started.process.pid) as memory:
            up_s = _up(started.port, path, source)
            down_s = _down(started.port, path)
        server.stop(started)
    for what, taken in (("up", up_s), ("down", down_s)):
        detail = f"{SIZE / taken / 1e6:,.0f} MB/s against {SIZE / copied_s / 1e6:,.0f} MB/s"
        share = copied_s / taken * 100
        yield Row(
            f"1 GB artifact {what}, of a plain copy through a socket", share, "%", 60, at_least=True, detail=detail
        )
    yield Row("1 GB artifact up and down: memory grows by", memory.grown_mb, "MB", 50)


class Memory:
    """Watches the resident memory of a process while in its block."""

    def __init__(self, pid: int) -> None:
        self._path = Path(f"/proc/{pid}/statm")
        self._first = self._most = self._now()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look)

    @property
    def grown_mb(self) -> float:
        """By how much it grew at most."""
        return (self._most - self._first) / 1e6

    def _now(self) -> int:
        return int(self._path.read_text().split()[1]) * 4096

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            with suppress(OSError):
                self._most = max(self._most, self._now())

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()


def _plain_copy(source: Path, target: Path) -> float:
    """Seconds that a file takes through a loopback socket into another file, durable at the end."""
    listener = socket.create_server(("127.0.0.1", 0))

    def take() -> None:
        connection, _ = listener.accept()
        with connection, target.open("wb") as file:
            while piece := connection.recv(PIECE):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())

    taker = threading.Thread(target=take)
    began = time.perf_counter()
    taker.start()
    with socket.create_connection(listener.getsockname()) as connection, source.open("rb") as file:
        connection.sendfile(file)
        connection.shutdown(socket.SHUT_WR)
        taker.join()
    listener.close()
    return time.perf_counter() - began


def _up(port: int, path: str, source: Path) -> float:
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection, source.open("rb") as file:
        head = f"PUT {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/octet-stream\r\n"
        connection.sendall(f"{head}content-length: {SIZE}\r\nconnection: close\r\n\r\n".encode())
        connection.sendfile(file)
        assert connection.recv(PIECE).startswith(b"HTTP/1.1 200"), "the upload was refused"
    return time.perf_counter() - began


def _down(port: int, path: str) -> float:
    began = time.perf_counter()
    got = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode())
        while piece := connection.recv(PIECE):
            got += len(piece)
    assert got >= SIZE, "not all came down"
    return time.perf_counter() - began

"""A workspace with trained models, and a data plane on it that runs as `qd serve` does: a process with a socket."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import api
from engine.registry.model import Signature
from engine.tracking.model import RunImport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from engine.api import Engine

START_S = 20.0
"""How long a data plane may take to start on a busy machine, in seconds."""

FEATURES = 4


def trained(seed: int = 0, *, kind: str = "gb") -> Any:
    """A small classifier of `FEATURES` inputs named a, b, c and d."""
    import pandas as pd
    from sklearn.datasets import make_classification
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    rows, labels = make_classification(300, FEATURES, n_informative=3, n_redundant=0, random_state=seed)
    frame = pd.DataFrame(rows, columns=list("abcd"))
    models = {
        "gb": lambda: GradientBoostingClassifier(n_estimators=20, random_state=seed),
        "linear": LogisticRegression,
        "svc": SVC,
    }
    return models[kind]().fit(frame, labels)


class Shop:
    """A workspace with models.

    Args:
        path: Where to make it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        api.create(path)
        self.engine: Engine = api.open(path)

    def register(self, model: Any, name: str = "churn") -> int:
        """Register a version of a trained model, built; its number."""
        import skops.io

        return self.register_bytes(skops.io.dumps(model), "model/model.skops", name)

    def register_bytes(self, data: bytes, file: str, name: str = "churn", *, build: bool = True) -> int:
        """Register a version that is this file, built unless told otherwise; its number."""
        now_ms = self.engine.clock.now_ms()
        run_id = os.urandom(16).hex()
        imported = RunImport("default", "trained", run_id=run_id, start_ms=now_ms, end_ms=now_ms)
        self.engine.runs.import_runs([imported])
        self.engine.runs.log_bytes(run_id, data, file)
        version = self.engine.models.register(name, run_id=run_id, signature=Signature(()))
        if build:
            self.engine.builds.build(name, version.version)
        return version.version

    def serve(self, *words: str, python: tuple[str, ...] = ()) -> Served:
        """What starts `qd serve` with these words on a free port."""
        return Served(self.path, words, python)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Args:
        status: Its HTTP status.
        headers: By name, in lower case.
        body: Its body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Its body, decoded."""
        return json.loads(self.body)


@dataclass(slots=True)
class Served:
    """A running `qd serve`.

    Args:
        path: The workspace.
        words: After `serve --port 0`.
        python: Options of the interpreter.
    """

    path: Path
    words: tuple[str, ...]
    python: tuple[str, ...] = ()
    port: int = 0
    said: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] = field(init=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        command = [
            sys.executable,
            *self.python,
            "-m",
            "engine.cli",
            "--workspace",
            str(self.path),
            "serve",
            "--port",
            "0",
            *self.words,
        ]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if "answers predictions at" in line:
                self.port = int(line.rstrip().rpartition(":")[2])
                return self
        raise AssertionError("".join(self.said))

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()

    def child(self, module: str) -> int:
        """The number of the process that runs a module beside it; 0 while there is none."""
        return child_of(self.process.pid, module)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        wait_s: float = 10,
    ) -> Reply:
        """Send a request; a body that is no bytes goes as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=wait_s)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, data, {"content-type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


def child_of(parent: int, module: str) -> int:
    """The number of the process of another that runs a module; 0 while there is none."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, its_parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if state != "Z" and int(its_parent) == parent and module.encode() in words:
            return int(entry.name)
    return 0


def until(holds: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Wait until something holds, looking at it again and again.

    Raises:
        AssertionError: it never did.
    """
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)

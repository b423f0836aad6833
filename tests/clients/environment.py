"""The environment of the real client: mlflow, in a place of its own, since the product must never depend on it.

`python -m tests.clients.environment` makes it ahead of the tests, as `make test` does; a test that finds none makes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints-clients.txt"
PLACE = ROOT / ".venv-clients"
WANTED = (
    "mlflow",
    "skops",
    "scikit-learn",
    "pandas",
    "pillow",
    "opentelemetry-exporter-otlp-proto-http",
    "pytest",
    "schemathesis",
    "tritonclient[http]",
)
LONGEST_INSTALL_S = 900


class NoClients(Exception):
    """The client environment cannot be made; the message tells what pip said and how to give a ready one."""


@cache
def client_python() -> Path:
    """The interpreter that has the client; made from `constraints-clients.txt` when there is none.

    Returns:
        `$QD_CLIENTS/bin/python` when that variable is set, else that of `.venv-clients` in the checkout.

    Raises:
        NoClients: the given environment has no interpreter, or none can be made here.
    """
    if given := os.environ.get("QD_CLIENTS"):
        python = Path(given) / "bin" / "python"
        if not python.exists():
            raise NoClients(f"QD_CLIENTS names {given}, which has no bin/python; give an environment with mlflow in it")
        return python
    python = PLACE / "bin" / "python"
    PLACE.mkdir(exist_ok=True)
    with (PLACE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # parallel test processes make it once
        if not _is_current():
            _make(python)
    return python


def _digest() -> str:
    return hashlib.sha256(CONSTRAINTS.read_bytes() + repr(WANTED).encode()).hexdigest()


def _is_current() -> bool:
    made_from = PLACE / ".made-from"
    return made_from.exists() and made_from.read_text() == _digest()


def _make(python: Path) -> None:
    venv.create(PLACE, with_pip=True, symlinks=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    try:
        subprocess.run(
            [*install, "--constraint", str(CONSTRAINTS), *WANTED],
            check=True,
            capture_output=True,
            text=True,
            timeout=LONGEST_INSTALL_S,
        )
    except subprocess.CalledProcessError as failure:
        raise NoClients(
            f"pip could not install the clients of {CONSTRAINTS.name} into {PLACE.name}; "
            f"set QD_CLIENTS to an environment that has them:\n{failure.stderr[-2000:]}"
        ) from failure
    except subprocess.TimeoutExpired as failure:
        raise NoClients(
            f"pip took more than {LONGEST_INSTALL_S} s to install {CONSTRAINTS.name}; try again"
        ) from failure
    (PLACE / ".made-from").write_text(_digest())


if __name__ == "__main__":
    sys.stdout.write(f"{client_python()}\n")

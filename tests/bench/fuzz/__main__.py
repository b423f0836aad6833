"""Fuzzes a server of its own, and tells what it found.

    python -m tests.bench.fuzz [--seed N] [--requests N] [--seconds S]

The same seed draws the same requests, but for the ids that the server makes; a finding tells the bytes that were sent.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.bench.fuzz.campaign import campaign
from tests.bench.fuzz.routes import prepared, targets
from tests.clients.server import running_server


def main() -> int:
    """Fuzz and print; 1 when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fuzz", description="Fuzz the server.")
    parser.add_argument("--seed", type=int, default=3, help="what every request is drawn from")
    parser.add_argument("--requests", type=int, default=5_000, help="how many")
    parser.add_argument("--seconds", type=float, default=600, help="stop after as long")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = prepared(Path(folder) / "workspace")
        routes = targets(workspace)
        with running_server(workspace) as server:
            found = campaign(
                server.port, routes, seed=options.seed, requests=options.requests, longest_s=options.seconds
            )
            said = server.said()
    for finding in found.findings:
        print(finding)
    labels = [f"{each.method} {each.path}" for each in routes]
    print("never answered 200:", *(label for label in labels if not found.reached[label]), sep="\n  ")
    print(said[-3_000:])
    print(
        f"seed {found.seed}: {found.sent:,} requests in {found.seconds:.1f} s, {dict(sorted(found.statuses.items()))}"
    )
    return int(bool(found.findings))


if __name__ == "__main__":
    raise SystemExit(main())

"""Many requests over several connections, and what was wrong with the answers."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.fuzz.connection import Answer, Broken, Connection, Hung
from tests.bench.fuzz.known import Known
from tests.bench.fuzz.planting import plant
from tests.bench.fuzz.requests import Request, request
from tests.bench.fuzz.routes import Target
from tests.bench.fuzz.words import Words

CONNECTIONS = 8
LONGEST_REFUSAL = 2_000
"""Bytes of a refusal: what it tells of the request is short."""

_REPLANTED = 300
"""Requests until there is one of everything again."""

_SPARED = 0.7
"""How often what deletes gives way to another route, so that there is something left."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An answer that was wrong, or none.

    Args:
        kind: What was wrong.
        request: What was sent.
        said: What came back.
    """

    kind: str
    request: Request
    said: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.request.label}\n    sent {self.request.raw[:3_000]!r}\n    said {self.said}"


@dataclass(slots=True)
class Outcome:
    """What a campaign has seen.

    Args:
        seed: What it was drawn from.
        statuses: How many answers of each status.
        reached: How many requests at each route were answered 200.
        findings: What was wrong.
        seconds: How long it took.
    """

    seed: int
    statuses: Counter[int] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def sent(self) -> int:
        """How many requests were answered or should have been."""
        return sum(self.statuses.values()) + self.lost

    @property
    def failed(self) -> int:
        """Answers of 500 and more."""
        return sum(count for status, count in self.statuses.items() if status >= 500)

    @property
    def lost(self) -> int:
        """Requests without an answer."""
        return sum(finding.kind in ("broken", "hung") for finding in self.findings)


def campaign(port: int, targets: Sequence[Target], *, seed: int, requests: int, longest_s: float = 3_600) -> Outcome:
    """Send requests to a server, each connection to all routes in turn.

    Args:
        port: Where it listens on this machine.
        targets: Its routes.
        seed: What every request is drawn from: the same seed draws the same ones, but for ids that the server makes.
        requests: How many, over all connections.
        longest_s: Stop after as long, in seconds.
    """
    outcome = Outcome(seed)
    began = time.monotonic()
    until = began + longest_s
    share = -(-requests // CONNECTIONS)
    threads = [
        threading.Thread(target=_talk, args=(port, targets, outcome, _Share(f"{seed}/{number}", share, until)))
        for number in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = time.monotonic() - began
    return outcome


@dataclass(frozen=True, slots=True)
class _Share:
    seed: str
    requests: int
    until: float


def _talk(port: int, targets: Sequence[Target], outcome: Outcome, share: _Share) -> None:
    rng = random.Random(share.seed)
    words = Words(rng, Known(rng))
    order = list(targets)
    with Connection(port) as connection:
        for number in range(share.requests):
            if time.monotonic() > share.until:
                return
            if number % _REPLANTED == 0:
                plant(connection, words)
            if number % len(order) == 0:
                rng.shuffle(order)
            target = order[number % len(order)]
            while _deletes(target) and rng.random() < _SPARED:
                target = rng.choice(order)
            _judge(outcome, request(words, target, f"127.0.0.1:{port}"), connection, words.known)


def _deletes(target: Target) -> bool:
    return target.method == "DELETE" or any(word in target.path for word in ("delete", "rename", "prune", "revoke"))


def _judge(outcome: Outcome, asked: Request, connection: Connection, known: Known) -> None:
    try:
        answer = connection.send(asked.method, asked.raw)
    except Broken as error:
        outcome.findings.append(Finding("broken", asked, str(error)))
        return
    except Hung as error:
        outcome.findings.append(Finding("hung", asked, str(error)))
        return
    known.learn(answer.body)
    outcome.statuses[answer.status] += 1
    if answer.status == 200:
        outcome.reached[asked.label] += 1
    if wrong := _wrong(answer):
        outcome.findings.append(Finding(wrong, asked, f"{answer.status} {answer.body[:600]!r}"))


def _wrong(answer: Answer) -> str | None:
    if answer.status >= 500:
        return "failed"
    if answer.status >= 400 and len(answer.body) > LONGEST_REFUSAL:
        return "long refusal"
    if b"Traceback (most recent" in answer.body:
        return "traceback"
    return None

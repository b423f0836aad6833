"""What a long-running process tells of itself."""

from __future__ import annotations

import json
from dataclasses import asdict

from engine.core.frozen import frozen

HISTORY_S = 60
"""How many seconds of its past a server tells."""


@frozen
class ServerOwner:
    """Who serves a workspace.

    Args:
        pid: The process.
        user: The operating system's user it runs as.
        url: Where it answers.
        started_ms: When it started, in milliseconds since the epoch.
        durability: What a commit waits for: `full` or `relaxed`.
        version: The version of Quarterdeck.
    """

    pid: int
    user: str
    url: str
    started_ms: int
    durability: str
    version: str

    def to_json(self) -> str:
        """As kept in the lock file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServerOwner:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        import msgspec  # only who looks for a server needs it

        return msgspec.json.decode(text, type=cls)


@frozen
class Refusal:
    """Requests that were refused, or that failed, in the same way.

    Args:
        method: Their method.
        path: The pattern of their route; of those that no route answers, the path of the last one, cleaned and cut.
        status: The answer's status, 400 or more.
        code: The error's code, as in answers; empty when there was none.
        count: How many since the server started, as long as they are among the last kinds.
        last_ms: When the last one was, in milliseconds since the epoch.
        known: Whether there is such a route.
    """

    method: str
    path: str
    status: int
    code: str
    count: int
    last_ms: int
    known: bool = True


@frozen
class ServerStatus:
    """How a server does; latencies in milliseconds over its last minutes, `None` before the first one.

    Args:
        updated_ms: When it said so, in milliseconds since the epoch.
        clients: Open connections.
        requests: Requests answered since it started.
        requests_by_second: Requests answered in each of the last seconds, the newest last; at most `HISTORY_S`.
        client_errors: Answers of 400 to 499.
        server_errors: Answers of 500 and more.
        request_p50_ms: Median time from a request's head to its answer.
        request_p99_ms: The same for all but one in a hundred.
        queue: Writes waiting for their group.
        writes: Writes done.
        commits: Durable commits that kept them.
        commit_p50_ms: Median time of a group: its writes and its commit.
        commit_p99_ms: The same for all but one in a hundred.
        errors: The last failures nobody foresaw, the newest first; texts are not cleaned.
        turned_away: Connections refused since it started because there were too many, of all or of their address.
        refusals: The last kinds of answers of 400 and more, the latest first.
        slow: Requests and groups of writes that took a second or more since it started.
        slow_last: What the last of them were, the newest first.
    """

    updated_ms: int
    clients: int
    requests: int
    requests_by_second: tuple[int, ...]
    client_errors: int
    server_errors: int
    request_p50_ms: float | None
    request_p99_ms: float | None
    queue: int
    writes: int
    commits: int
    commit_p50_ms: float | None
    commit_p99_ms: float | None
    errors: tuple[str, ...]
    turned_away: int = 0
    refusals: tuple[Refusal, ...] = ()
    slow: int = 0
    slow_last: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As kept in the status file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ServerStatus:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        import msgspec  # only who looks for a server needs it

        return msgspec.json.decode(text, type=cls)


@frozen
class RunningServer:
    """A server that is there now.

    Args:
        owner: Who serves.
        status: How it does; `None` in its first moments.
    """

    owner: ServerOwner
    status: ServerStatus | None

"""News: what changed, never how. Written in the transaction that made the change, read by live screens."""

from __future__ import annotations

from engine.core.frozen import frozen


@frozen
class Event:
    """Something in the workspace changed.

    Args:
        id: Its place in the ring, growing.
        time_ms: When, in milliseconds since the epoch.
        kind: The kind of thing: `experiment`, `run`, `logged_model`, `model`, `version`, `prompt`,
            `prompt version`, `trace`, `endpoint`, `approval`, `promotion`, `audit`, `workspace`.
        change: What happened to it, such as `created`, `logged`, `stage`.
        key: Its public name: a run id, a model name, `churn/7` for a version.
        row_id: Its integer key where it has one that tables use (runs), else `None`.
    """

    id: int
    time_ms: int
    kind: str
    change: str
    key: str
    row_id: int | None = None


@frozen
class Changes:
    """What has changed since a reader last looked, each thing once.

    Args:
        events: The latest event of each (kind, change, key), oldest first.
        missed: True when the ring had dropped events unseen: re-read everything shown.
    """

    events: tuple[Event, ...]
    missed: bool = False

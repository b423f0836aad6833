"""Who may look: leases that run out, and fences that keep out whoever has lost one. Pure."""

from __future__ import annotations

from engine.monitoring.store import Lease

LEASE_MS = 30_000
"""How long a lease lasts after its holder was last heard of, in milliseconds."""


def taken(held: Lease | None, owner: str, now_ms: int, lasts_ms: int) -> Lease | None:
    """Take a lease, or hold it for longer.

    Args:
        held: As it stands; `None` when nobody ever held it.
        owner: Who wants it.
        now_ms: The time, in milliseconds since the epoch.
        lasts_ms: For how long, in milliseconds.

    Returns:
        The lease; `None` while somebody else holds it. A new holder has a greater fence than all before. One that runs
        out in a future too far was taken by a clock that has been set right since: it is over.
    """
    over = held is None or not now_ms < held.expires_ms <= now_ms + 2 * max(LEASE_MS, lasts_ms)
    if held is not None and held.owner != owner and not over:
        return None
    fence = 1 if held is None else held.fence + (held.owner != owner or over)
    return Lease(owner, fence, now_ms + lasts_ms)

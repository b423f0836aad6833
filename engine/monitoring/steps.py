"""Profiles by minute, hour and day: requests are counted once as they come, and a window is a sum of them.

Every request is added to its minute, its hour and its day together with the number of the last one counted, so none
counts twice and none is made from another; one that comes late is added like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.core.timetext import SECOND_MS
from engine.monitoring import captured_store, step_store
from engine.monitoring.batch import gathered
from engine.monitoring.references import columns_of
from engine.monitoring.step_store import STEPS_S, StepKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.core.access import Actor
    from engine.db.database import Database
    from engine.db.transaction import Snapshot, Transaction
    from engine.monitoring.batch import Batch
    from engine.monitoring.model import Subject, Window
    from engine.monitoring.targets import Followed
    from engine.profiles.profile import Profile
    from engine.profiles.reference import Reference

AT_ONCE = 5_000
"""Requests that one transaction counts."""

KEPT_S = {60: 7 * 86_400, 3_600: 90 * 86_400}
"""How long minutes and hours are kept, in seconds; days are kept for ever."""

_FORGOTTEN_AT_ONCE = 500


def counted(database: Database, actor: Actor, followed: Followed, reference: Reference) -> int:
    """Count what came since the last time into profiles, all of it.

    Args:
        database: The telemetry database.
        actor: As whom it is written.
        followed: A version's requests.
        reference: By whose layout.

    Returns:
        How many requests were counted.

    Raises:
        QuarterdeckError: the database cannot be written now.
    """
    requests = 0
    for endpoint in followed.range.endpoints:
        key = key_of(followed.subject, endpoint, reference)
        where = followed.range._replace(endpoints=(endpoint,))
        while True:
            with database.transaction(actor) as tx:
                found = _count(tx, key, where, followed, reference)
            requests += found
            if found < AT_ONCE:
                break
    return requests


def key_of(subject: Subject, endpoint: int, reference: Reference) -> StepKey:
    """Whose profiles a version's requests at an endpoint are counted into.

    Args:
        subject: The version.
        endpoint: The endpoint's row id.
        reference: By whose layout.
    """
    return StepKey(endpoint, subject.model, subject.version or 0, reference.layout.digest, subject.share)


def _count(tx: Transaction, key: StepKey, where: captured_store.Range, followed: Followed, reference: Reference) -> int:
    after = step_store.progress(tx, key)
    rows = list(captured_store.after(tx, where, after, AT_ONCE))
    if not rows:
        return 0
    batch = gathered(rows, followed.names.__getitem__)
    minutes = {start_s: profile_of(part, reference) for start_s, part in _minutes(batch)}
    for step_s in STEPS_S:
        parts: dict[int, list[Profile]] = {}
        for start_s, profile in minutes.items():
            parts.setdefault(start_s // step_s * step_s, []).append(profile)
        for start_s, found in parts.items():
            before = step_store.step(tx, key, step_s, start_s)
            whole = _sum(found if before is None else [*found, _read(before)])
            step_store.put_step(tx, key, step_s, start_s, (whole.rows, whole.to_bytes()))
    step_store.put_progress(tx, key, rows[-1].id)
    for step_s, kept_s in KEPT_S.items():
        step_store.forget(tx, step_s, tx.now_ms // SECOND_MS - kept_s, _FORGOTTEN_AT_ONCE)
    return len(rows)


def _minutes(batch: Batch) -> Iterator[tuple[int, Batch]]:
    """The rows of each minute, by its beginning in seconds."""
    import numpy as np

    starts = batch.times // (60 * SECOND_MS) * 60
    every = np.unique(starts).tolist()
    if len(every) == 1:
        yield every[0], batch
        return
    for start_s in every:
        yield start_s, batch.where(starts == start_s)


def _sum(parts: Sequence[Profile]) -> Profile:
    from engine.profiles.profile import Profile

    return parts[0] if len(parts) == 1 else Profile.sum(parts)


def profile_of(batch: Batch, reference: Reference) -> Profile:
    """Count rows by the layout of a reference.

    Args:
        batch: The rows.
        reference: The reference.
    """
    from engine.profiles.profile import empty
    from engine.profiles.profiling import profile
    from engine.tables.source import open_table

    if not len(batch):
        return empty(reference.layout)
    return profile(open_table(columns_of(batch)), reference.layout)


def summed(view: Snapshot, followed: Followed, window: Window, reference: Reference) -> Profile | None:
    """A window's profile as the sum of stored ones.

    Args:
        view: Of the telemetry database.
        followed: A version's requests.
        window: The window.
        reference: By whose layout.

    Returns:
        The sum; `None` when the window is not one of whole minutes, or not all requests were counted yet.
    """
    from engine.profiles.profile import empty

    places = covering(window)
    if places is None:
        return None
    found: list[Profile] = [empty(reference.layout)]
    for endpoint in followed.range.endpoints:
        key = key_of(followed.subject, endpoint, reference)
        where = followed.range._replace(endpoints=(endpoint,))
        if captured_store.newest_of(view, where) > step_store.progress(view, key):
            return None
        found += [_read(each) for each in step_store.between(view, key, places)]
    return _sum(found)


def covering(window: Window) -> tuple[tuple[int, int], ...] | None:
    """Days, hours and minutes that make up a window: as few as can be.

    Args:
        window: The window.

    Returns:
        Lengths and beginnings in seconds; `None` for a window that is not one of whole minutes.
    """
    if window.last or window.file or window.start_ms % (60 * SECOND_MS) or window.end_ms % (60 * SECOND_MS):
        return None
    at_s, end_s = window.start_ms // SECOND_MS, window.end_ms // SECOND_MS
    found: list[tuple[int, int]] = []
    while at_s < end_s:
        step_s = next(each for each in STEPS_S if at_s % each == 0 and at_s + each <= end_s)
        found.append((step_s, at_s))
        at_s += step_s
    return tuple(found)


def _read(content: bytes) -> Profile:
    from engine.profiles.profile import Profile

    return Profile.from_bytes(content)

"""How monitors see: which requests are a target's, and what looks at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.monitoring import captured_store as store
from engine.monitoring.filing import files_seen
from engine.monitoring.memory import FILES_SINCE
from engine.monitoring.steps import counted
from engine.monitoring.targets import ANSWERING, followed, target_of
from engine.monitoring.watching import Watcher
from engine.monitoring.windows import closed, cut, first_start
from engine.telemetry.opening import looking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from engine.core.access import Actor
    from engine.db.database import Database
    from engine.db.transaction import Snapshot
    from engine.monitoring.looking import Test
    from engine.monitoring.memory import Memory
    from engine.monitoring.model import Kind, Monitor
    from engine.monitoring.references import References
    from engine.monitoring.targets import Followed, Target
    from engine.monitoring.watching import Seen

MOST_MOMENTS = 20_000
"""How often a back-test looks at most."""

_EVERYTHING = 10_000_000


class Eyes:
    """Finds a target's requests, and looks at them.

    Args:
        endpoints: The names of endpoints by row id: of the one of a name, or of all for `None`.
        production: The versions of a model that are in Production.
        folder: The workspace's directory, where globs begin.
    """

    def __init__(
        self,
        endpoints: Callable[[str | None], Mapping[int, str]],
        production: Callable[[str], tuple[int, ...]],
        folder: Path,
    ) -> None:
        self._folder = folder
        self._endpoints = endpoints
        self._production = production

    def seen(
        self, view: Snapshot | None, monitor: Monitor, tests: Mapping[Kind, Test], memory: Memory, now_ms: int
    ) -> Iterator[Seen]:
        """Look at what is new.

        Args:
            view: Of the telemetry database; `None` while there is none.
            monitor: The monitor.
            tests: What looks, by kind.
            memory: What it remembers.
            now_ms: The time, in milliseconds since the epoch: labels that came later are not known.

        Yields:
            What each window has shown.

        Raises:
            NotFound: the target is not there any more.
            QuarterdeckError: something cannot be read.
        """
        target = target_of(monitor.settings.target)
        if target.kind == "files":
            yield from files_seen(
                monitor, self._folder, tests, memory, now_ms, since_ms=int(memory.said(FILES_SINCE, 0))
            )
            return
        if view is None:
            self._names(target)  # which says so when there is no such endpoint
            return
        watcher = Watcher(monitor.name, monitor.settings, monitor.created_ms, tests, memory)
        yield from watcher.look(view, self._followed(view, monitor, now_ms), now_ms)

    def counted(self, telemetry: Database, monitor: Monitor, actor: Actor, references: References) -> None:
        """Count what came since the last time into profiles by minute, for monitors of time that compare baselines.

        Args:
            telemetry: The telemetry database.
            monitor: The monitor.
            actor: As whom it is written.
            references: Finds baselines.

        Raises:
            QuarterdeckError: a database cannot be read or written now.
        """
        settings = monitor.settings
        target = target_of(settings.target)
        if target.kind == "files" or settings.window.rows or settings.reference != "baseline":
            return
        with looking(telemetry) as view:
            found = () if view is None else self._followed(view, monitor, 0)
        for each in found:
            against = references.of_version(settings.against or each.subject.key)
            if against.content is not None:
                counted(telemetry, actor, each, against.content)

    def moments(self, view: Snapshot | None, monitor: Monitor, since_ms: int, until_ms: int) -> Iterator[int]:
        """When a monitor would have looked: as soon as each window was over, and at the end.

        Args:
            view: Of the telemetry database; `None` while there is none.
            monitor: The monitor.
            since_ms: From when, in milliseconds since the epoch.
            until_ms: Until when.

        Yields:
            At most `MOST_MOMENTS` times, in order.
        """
        if view is None or target_of(monitor.settings.target).kind == "files":
            yield until_ms
            return
        settings, found = monitor.settings, self._followed(view, monitor, until_ms)
        ranges = [each.range for each in found]
        first_ms = min((ms for each in ranges if (ms := store.earliest_ms(view, each)) is not None), default=None)
        if first_ms is not None and settings.window.ms:
            start_ms = first_start(settings.step, max(first_ms, since_ms))
            for place, window in enumerate(closed(settings.window, settings.step, start_ms, until_ms)):
                if place == MOST_MOMENTS:
                    return
                yield window.end_ms + settings.lateness_ms
        elif first_ms is not None:
            counted = sorted(row for each in ranges for row in store.counted(view, each, 0, _EVERYTHING))
            yield from (each.end_ms for each in cut(counted, settings.window, settings.step, 0)[0][:MOST_MOMENTS])
        yield until_ms

    def _followed(self, view: Snapshot, monitor: Monitor, now_ms: int) -> tuple[Followed, ...]:
        target = target_of(monitor.settings.target)
        names = self._names(target)
        origins = store.origins(view, ANSWERING)
        upto = store.newest(view)[0], store.labels_at(view, now_ms)
        if target.kind == "stage":
            versions = self._production(target.name)
            return followed([row for row in origins if row.model == target.name], upto, names, versions)
        return followed(origins, upto, names, None)

    def _names(self, target: Target) -> dict[int, str]:
        return dict(self._endpoints(target.name if target.kind == "endpoint" else None))

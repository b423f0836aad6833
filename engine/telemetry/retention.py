"""Forgetting in small steps: seconds after hours, minutes after a month, predictions as the policy says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.telemetry import retention_store as store
from engine.telemetry.intake import ACTOR
from engine.telemetry.model import MINUTES_KEPT_S, SECONDS_KEPT_S

if TYPE_CHECKING:
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Transaction
    from engine.policy.model import Policy

ROWS_A_STEP = 2_000
"""Rows that one transaction deletes at most."""

_STEPS = 20


class Retention:
    """Keeps the telemetry database within what the policy allows.

    Args:
        database: The telemetry database.
        clock: Tells the time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def run(self, policy: Policy) -> bool:
        """Forget a bounded number of rows.

        Args:
            policy: Says how long and how many bytes of predictions are kept.

        Returns:
            Whether there is more to forget.

        Raises:
            QuarterdeckError: the database cannot do it now.
        """
        with self._database.snapshot() as view:
            endpoints = store.endpoints(view)
        now_ms = self._clock.now_ms()
        self._forget_windows(endpoints, now_ms // 1000)
        before_ms = now_ms - policy.telemetry_keep_ms
        return all(self._step(endpoints, before_ms, policy) for _ in range(_STEPS))

    def _forget_windows(self, endpoints: tuple[int, ...], now_s: int) -> None:
        with self._database.transaction(ACTOR) as tx:
            for endpoint in endpoints:
                store.forget_windows(tx, endpoint, 1, now_s - SECONDS_KEPT_S)
                store.forget_windows(tx, endpoint, 60, now_s - MINUTES_KEPT_S)

    def _step(self, endpoints: tuple[int, ...], before_ms: int, policy: Policy) -> bool:
        """Delete up to `ROWS_A_STEP` rows; whether there were so many."""
        with self._database.transaction(ACTOR) as tx:
            return _forget(tx, endpoints, before_ms, policy.telemetry_max_bytes) >= ROWS_A_STEP


def _forget(tx: Transaction, endpoints: tuple[int, ...], before_ms: int, max_bytes: int) -> int:
    left = ROWS_A_STEP
    for endpoint in endpoints:
        left -= store.forget_predictions(tx, endpoint, before_ms, left)
    left -= store.forget_labels(tx, before_ms, left)
    if left and store.used_bytes(tx) > max_bytes:
        left -= store.forget_first_predictions(tx, left)
    return ROWS_A_STEP - left

"""What a connection has learned of the server: ids and page tokens that exist, so that requests reach deep code."""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Mapping

_MOST = 40
_LONGEST_ANSWER = 65_536
_NEVER = 0.05
_LEARNED = re.compile(
    rb'"(run_id|experiment_id|trace_id|model_id|next_page_token|upload_id|assessment_id|webhook_id)":"([^"\\]{1,400})"'
)

FIRST: Mapping[str, tuple[str, ...]] = {
    "run_id": ("0" * 32, "unknown"),
    "experiment_id": ("0", "1", "99999999999999999"),
    "trace_id": ("tr-" + "0" * 32,),
    "model_id": ("m-" + "0" * 32,),
    "next_page_token": ("eyJvIjoxfQ",),
    "upload_id": ("0" * 32,),
    "assessment_id": ("a-" + "0" * 32,),
    "webhook_id": ("1", "0" * 32),
    "source": ("runs:/unknown/model",),
    "file": ("0/unknown/artifacts/model",),
}
"""What is tried where nothing is learned."""


class Known:
    """Ids by the field that holds them; old ones make room for new ones.

    Args:
        rng: Draws among them.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._pools: dict[str, deque[str]] = {field: deque(maxlen=_MOST) for field in FIRST}

    def learn(self, answer: bytes) -> None:
        """Keep the ids that an answer names.

        Args:
            answer: Its body; long ones are left aside.
        """
        if len(answer) <= _LONGEST_ANSWER:
            for field, value in _LEARNED.findall(answer)[:_MOST]:
                self.keep(field.decode(), value.decode(errors="replace"))

    def keep(self, field: str, value: str) -> None:
        """Keep an id that is known otherwise.

        Args:
            field: One of `FIRST`.
            value: The id.
        """
        pool = self._pools[field]
        if value not in pool and (field != "trace_id" or value.startswith("tr-")):
            pool.append(value)

    def one(self, field: str) -> str:
        """An id of a field that exists, or did; one that never was, before any is learned and now and then.

        Args:
            field: One of `FIRST`.
        """
        pool = self._pools[field]
        first = FIRST[field]
        if not pool or self._rng.random() < _NEVER:
            return first[self._rng.randrange(len(first))]
        return pool[self._rng.randrange(len(pool))]

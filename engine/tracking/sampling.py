"""Samples of the machine a run executes on, logged with the run, from a daemon thread."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from engine.core.errors import Conflict, InvalidInput, NotFound, QuarterdeckError
from engine.core.keys import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.tracking.machine import Machine

INTERVAL_S = 10.0
"""Seconds between two samples."""

LEAST_S = 0.1
"""Fewest seconds between two samples."""

VARIABLE = "QUARTERDECK_SYSTEM_METRICS"
"""The environment variable that changes it: seconds, or `off`."""

_OFF = frozenset({"off", "no", "false", "none", "0"})
_STOP_WITHIN_S = 5.0


def interval(asked: float | None, environ: Mapping[str, str] = os.environ) -> float | None:
    """How often the machine is sampled.

    Args:
        asked: Seconds as the program says, 0 for never; `None` leaves it to the environment.
        environ: Environment variables.

    Returns:
        Seconds between two samples; `None` for never.

    Raises:
        InvalidInput: it is no number of seconds of at least 0.1.
    """
    text = environ.get(VARIABLE, "").strip().lower() if asked is None else str(asked)
    if not text or text == "on":
        return INTERVAL_S
    if text in _OFF:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if seconds == 0:
        return None
    if not LEAST_S <= seconds <= threading.TIMEOUT_MAX:
        where = "system_metrics_s" if asked is not None else VARIABLE
        raise InvalidInput(
            f"{where} is {text[:40]!r}, no number of seconds.", hint=f"Give at least {LEAST_S:g}, or 0 for none."
        )
    return seconds


class Sampler:
    """Logs samples until it is stopped, or the run is over or gone, or the process ends.

    Nothing it meets reaches the training program: the first failure is noted with `logging`, and it goes on.

    Args:
        log: Logs metrics at a step.
        over: Whether the run is known to be over.
        name: Of its thread.
        interval_s: Seconds between two samples.
        machine: What is sampled; this machine when `None`.
    """

    def __init__(
        self,
        log: Callable[[Mapping[str, float], int], None],
        over: Callable[[], bool],
        *,
        name: str,
        interval_s: float = INTERVAL_S,
        machine: Machine | None = None,
    ) -> None:
        self._log = log
        self._over = over
        self._interval_s = interval_s
        self._machine = machine
        self._noted = False
        self._process = os.getpid()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End. Safe to call again, and in a forked process, which has no such thread."""
        if self._process != os.getpid():
            return
        self._stopped.set()
        if self._thread is not threading.current_thread():
            self._thread.join(_STOP_WITHIN_S)

    def _live(self) -> None:
        from engine.tracking.machine import Machine  # read here, not while a run starts

        machine = self._machine or Machine()
        machine.begin()
        step = 0
        while not self._stopped.wait(self._interval_s) and not self._over():
            values = {f"{SYSTEM}{key}": value for key, value in machine.read().items()}
            if not values:
                return
            try:
                self._log(values, step)
            except (Conflict, NotFound):
                return  # deleted, or the workspace was replaced
            except QuarterdeckError as error:
                self._note(error)  # a full disk or a busy workspace now may be well at the next sample
            except Exception as error:  # noqa: BLE001 whatever it is, such as a closed engine: not the training's business
                self._note(error)
                return
            step += 1

    def _note(self, error: Exception) -> None:
        if self._noted:
            return
        self._noted = True
        import logging  # only something that failed needs it

        logging.getLogger("quarterdeck").warning("A sample of the machine was not kept: %s", error)

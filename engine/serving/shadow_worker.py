"""The process that scores copies for shadows: whenever nobody else wants the processor, and never otherwise.

A process and not a thread: what holds the interpreter while a request waits for it is part of that request's latency,
however low its priority.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.complaints import Complaints
from engine.runtimes.frames import FOREVER, outputs_from_message, pack, receive, rows_from_message, send
from engine.runtimes.model import Interface, Rows, RuntimeKind
from engine.serving.comparing import Comparison, Copy, compare

if TYPE_CHECKING:
    from engine.runtimes.model import Runtime

_NICE = 10
"""While a model is loaded, which should end some time on a busy machine."""


def main() -> None:
    """Speak over standard input and output until the other side ends."""
    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not come between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: whoever started this ends it
    with suppress(OSError):
        os.nice(_NICE)
    scorer = Scorer()
    with suppress(EOFError, OSError):
        while True:
            send(answers, pack(scorer.answer(receive(0, FOREVER))), FOREVER)
    scorer.close()


class Scorer:
    """The shadows that are loaded, and what is asked of them."""

    def __init__(self) -> None:
        self._models: dict[str, Runtime] = {}
        self._complaints = Complaints()

    def answer(self, asked: dict[str, Any]) -> Any:
        """Do what is asked: load one, forgetting those that are not to be kept, or score copies.

        Args:
            asked: The message.

        Returns:
            Why it could not be loaded, empty when it was; or a `Comparison` as a list.
        """
        if "load" in asked:
            return self._load(asked)
        return list(self._score(asked["key"], asked["name"], asked["copies"]))

    def _load(self, asked: dict[str, Any]) -> str:
        import msgspec

        from engine.runtimes.loading import load
        from engine.serving.control import warm

        for key in self._models.keys() - set(asked["keep"]):
            self._models.pop(key).close()
        _in_time()
        try:
            interface = msgspec.convert(asked["interface"], Interface)
            kind, digest = RuntimeKind(asked["kind"]), asked["digest"]
            runtime = load(Path(asked["path"]), kind, asked["format"], interface, digest=digest)
            warm(runtime)
        except Exception as error:  # noqa: BLE001 a model's file may make a library raise anything
            return f"{type(error).__name__}: {error}"
        finally:
            _behind_all()
        self._models[asked["load"]] = runtime
        return ""

    def _score(self, key: str, name: str, packed: list[bytes]) -> Comparison:
        from time import perf_counter

        began_s = perf_counter()
        try:
            return compare(self._models[key], [_copy(each) for each in packed])
        except Exception as error:  # noqa: BLE001 what a model answers may be of any shape, and the next copies wait
            self._complaints.say(f"the shadow {name}", error)
            latency_us = (perf_counter() - began_s) * 1e6 / len(packed)
            return Comparison(len(packed), latency_us, failed=len(packed))

    def close(self) -> None:
        """Let go of all."""
        for each in self._models.values():
            each.close()


def _copy(packed: bytes) -> Copy:
    import msgspec

    numbers, rows, outputs = msgspec.msgpack.decode(packed)
    made = rows_from_message(rows) if numbers is None else Rows(1, numbers=numbers)
    return Copy(made, outputs_from_message(outputs))


def _behind_all() -> None:
    """Run from now on only when nothing else wants to, where the system knows such a thing."""
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _in_time() -> None:
    """Have a share of the processor again, if a small one."""
    with suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


if __name__ == "__main__":
    main()

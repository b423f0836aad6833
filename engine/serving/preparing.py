"""From what a request says to the version that answers it and the rows for that version."""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput

if TYPE_CHECKING:
    from engine.runtimes.model import Rows
    from engine.serving.calls import Answer, Call, Dialect
    from engine.serving.table import Served, Table, Target

PIN = b"x-pin-version"
"""The header that asks for one version, such as `7` or `churn/7`."""

_VALUE_BYTES = 12


class Prediction:
    """One request on its way through.

    Args:
        call: The request.
        dialect: How it is worded.
        table: The table it runs on.
        began_s: When it came, by `perf_counter`; now, when it is `None`.

    Attributes:
        pinned: Whether it asks for a version by name.
        said: What its body says.
        served: The endpoint.
        target: Who answers.
        rows: The rows for that version.
        kept: The rows as they are captured, where that was found out beside the event loop; see `captured_rows`.
        answer: The answer, once there is one.
    """

    __slots__ = ("answer", "began_s", "call", "dialect", "kept", "pinned", "rows", "said", "served", "table", "target")

    served: Served
    rows: Rows | None
    target: Target | None

    def __init__(self, call: Call, dialect: Dialect, table: Table, began_s: float | None = None) -> None:
        self.call = call
        self.dialect = dialect
        self.table = table
        self.began_s = perf_counter() if began_s is None else began_s
        self.pinned = False
        self.said: Any = None
        self.target = self.rows = None
        self.kept: tuple[object, int] | None = None
        self.answer: Answer | None = None

    def find(self) -> Served:
        """Find the endpoint.

        Raises:
            NotFound: no such endpoint is served.
            InvalidInput: several are, and the request does not say which.
            Overloaded: it is still being loaded.
        """
        self.served = served = self.table.find(self.call.endpoint)
        return served


def prepared(task: Prediction) -> tuple[Target, Rows]:
    """Who answers, and the rows for it.

    Args:
        task: The request, its endpoint found; what is found out of it is put there as soon as it is known.

    Raises:
        NotFound: no such version is served.
        Overloaded: the endpoint cannot answer.
        InvalidInput: the body is none that the version takes.
    """
    call, dialect, served = task.call, task.dialect, task.served
    live = served.answering()
    task.said = said = dialect.read(call)
    version = call.version
    if version is None and (pin := call.values.get(PIN)) is not None:
        version = pin.decode("latin-1")
    if version is not None:
        task.pinned, task.target = True, (target := served.pinned(version))
    elif not served.layout:
        task.target = target = live
    elif served.key_kind != "field":
        task.target = target = served.of_key(_key(served, call))
    else:
        return _by_field(task, live)
    task.rows = rows = dialect.rows(said, target.loaded.check)
    if not rows.size:
        raise InvalidInput("The request has no rows.")
    return target, rows


def prepared_and_kept(task: Prediction) -> tuple[Target, Rows]:
    """The same for a large request, and what is captured of it.

    Args:
        task: The request.

    Raises:
        NotFound: no such endpoint or version is served.
        Overloaded: the endpoint cannot answer.
        InvalidInput: the body is none that the version takes.
    """
    task.find()
    target, rows = prepared(task)
    if task.served.capture:
        task.kept = captured_rows(task, rows)
    return target, rows


def captured_rows(task: Prediction, rows: Rows) -> tuple[object, int]:
    """The rows as they are captured, and about how long they are as JSON where they are not given so.

    Args:
        task: The request.
        rows: Its rows.
    """
    text = task.dialect.text(task.said)
    if text:  # spares the spool's thread to make it anew
        return text, 0
    if rows.numbers is not None:
        return [rows.numbers], len(rows.numbers) * _VALUE_BYTES
    if rows.matrix is not None:
        return rows.matrix, rows.matrix.size * _VALUE_BYTES
    values = [list(each) for each in zip(*(column.tolist() for column in rows.columns.values()), strict=True)]
    return values, len(task.call.body)  # texts may be of any length


def is_fault(task: Prediction, target: Target) -> bool:
    """Whether a version refused what the live one takes: its fault, then, and none of the caller's.

    Args:
        task: The request.
        target: Who refused it.
    """
    if task.rows is not None or task.said is None:
        return False
    live = task.served.live
    if live is None or live is target:
        return False
    with suppress(Exception):  # whatever a request does to the check of the live version is not this one's fault
        task.dialect.rows(task.said, live.loaded.check)
        return True
    return False


def _by_field(task: Prediction, live: Target) -> tuple[Target, Rows]:
    """Who answers where a value of the request decides it, be it an input or a parameter beside the inputs."""
    served, dialect, said = task.served, task.dialect, task.said
    value = dialect.parameters(said).get(served.key_name)
    task.target = live  # to blame until somebody else is chosen
    rows = dialect.rows(said, live.loaded.check)
    if not rows.size:
        raise InvalidInput("The request has no rows.")
    if value is None:
        value = live.loaded.check.value(rows, served.key_name)
    key = task.call.client.encode() if value is None else repr(value).encode("utf-8", "surrogatepass")
    task.target = target = served.of_key(key)
    if target is not live and target.loaded.runtime.interface != live.loaded.runtime.interface:
        rows = dialect.rows(said, target.loaded.check)
    task.rows = rows
    return target, rows


def _key(served: Served, call: Call) -> bytes:
    """What keeps a caller on one version; without it, the address does."""
    if served.key_kind == "header":
        return call.header(served.key_name.encode("latin-1")) or call.client.encode()
    return call.request_id if served.key_kind == "request" else call.client.encode()

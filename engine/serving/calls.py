"""One request as the data plane has it, and one answer."""

from __future__ import annotations

from itertools import count
from os import urandom
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.core.errors import QuarterdeckError
    from engine.runtimes.model import Outputs, Rows
    from engine.runtimes.row_check import RowCheck
    from engine.serving.table import Target

    Raw = Sequence[tuple[bytes, bytes]]

JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")

ONLY_JSON: tuple[tuple[bytes, bytes], ...] = (JSON,)
"""The headers of most answers."""

_ID_BYTES = 128
_IN_IDS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+=@")


REQUEST_ID = b"x-request-id"
"""The header that brings a request's id."""


def is_id(given: bytes) -> bool:
    """Whether something can be the id of a request.

    Args:
        given: What a request says that its id is.
    """
    return 0 < len(given) <= _ID_BYTES and _IN_IDS.issuperset(given)


class RequestIds:
    """Makes ids for requests that bring none: unlike any other process's, and cheap."""

    def __init__(self) -> None:
        self._start = urandom(8).hex().encode()
        self._count = count()

    def make(self) -> bytes:
        """An id that no other request has."""
        return b"%b-%x" % (self._start, next(self._count))


class Call:
    """One request, its head read as far as somebody asks.

    Args:
        method: The HTTP method.
        path: The decoded path.
        headers: Names in lower case, and values.
        client: The address it comes from; empty when nobody can tell.

    Attributes:
        values: The headers by name, the last one where one was said twice.
        body: The body, once it was read.
        endpoint: The endpoint or model that the path names, or `None`.
        version: The version that the path names, or `None`.
        request_id: The id it brought or was given.
    """

    __slots__ = ("body", "client", "endpoint", "headers", "method", "path", "request_id", "values", "version")

    def __init__(self, method: str, path: str, headers: Raw, client: str) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.client = client
        self.values = dict(headers)
        self.body = b""
        self.endpoint: str | None = None
        self.version: str | None = None
        self.request_id = b""

    def header(self, name: bytes) -> bytes | None:
        """The value of a header, the last one when it was said twice; `None` when it was not said.

        Args:
            name: Its name, in lower case.
        """
        return self.values.get(name)

    def identify(self, ids: RequestIds) -> None:
        """Take the id that the request brought, if it can be one; else make one.

        Args:
            ids: Makes them.
        """
        given = self.values.get(REQUEST_ID)
        self.request_id = given if given is not None and is_id(given) else ids.make()


class Answer(NamedTuple):
    """An answer with all that it says.

    Args:
        status: The HTTP status.
        body: The body.
        headers: Its own headers; the length of the body, the request's id and who answered are added.
        target: Who answered; `None` when nobody did.
        request_id: The request's id; empty when it has none.
        kept: The predictions as they are captured, a JSON object of lists by output; empty when still to be made.
    """

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ONLY_JSON
    target: Target | None = None
    request_id: bytes = b""
    kept: bytes = b""

    def all_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Every header that goes out."""
        by = () if self.target is None else self.target.headers
        named = ((b"x-request-id", self.request_id),) if self.request_id else ()
        return (*self.headers, *by, *named, (b"content-length", b"%d" % len(self.body)))


class Dialect(Protocol):
    """How one protocol words a prediction; it knows nothing of routes."""

    def read(self, call: Call) -> Any:
        """What the body says, decoded but not yet compared with any model.

        Raises:
            InvalidInput: it is not what this protocol sends.
        """
        ...

    def parameters(self, said: Any) -> Mapping[str, Any]:
        """What was said beside the rows, by name.

        Args:
            said: What `read` gave.
        """
        ...

    def rows(self, said: Any, check: RowCheck) -> Rows:
        """The rows.

        Args:
            said: What `read` gave.
            check: That of the version which is to answer.

        Raises:
            InvalidInput: the version cannot take them.
        """
        ...

    def text(self, said: Any) -> bytes:
        """The rows as the JSON text of a list of lists, where the body had them nearly so; empty where it did not.

        Args:
            said: What `read` gave, and `rows` has taken.
        """
        ...

    def answer(self, call: Call, said: Any, target: Target, outputs: Outputs) -> Answer:
        """Word the predictions.

        Args:
            call: The request.
            said: What `read` gave.
            target: Who predicted.
            outputs: The predictions.

        Raises:
            InvalidInput: outputs are asked for that the version does not have.
        """
        ...

    def failure(self, error: QuarterdeckError) -> bytes:
        """Word an error.

        Args:
            error: What went wrong.
        """
        ...

"""Heads that were answered before: a client that keeps its connection sends the same bytes again and again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from engine.serving.calls import REQUEST_ID, Call, is_id

if TYPE_CHECKING:
    from engine.serving.calls import Dialect, RequestIds

_KEPT = 512
_LONGEST_HEAD = 2_048
_LONGEST_BODY = 64 << 10
_END = b"\r\n\r\n"
_FRESH = re.compile(rb"\r\nx-request-id: ([^\r\n]+)", re.IGNORECASE)
"""The one header that may be another in every request of a client."""

_OF_ONE = frozenset(
    (b"content-encoding", b"expect", b"te", b"trailer", b"traceparent", b"transfer-encoding", b"upgrade")
)
"""Headers of requests that go the long way: they ask for something else than an answer, or come once only."""


class Known(NamedTuple):
    """What a head says.

    Args:
        call: The request as it was read, without its body and its id.
        dialect: How it is worded.
        length: Of its body, in bytes.
    """

    call: Call
    dialect: Dialect
    length: int

    def again(self, body: bytes, request_id: bytes | None, client: str, ids: RequestIds) -> Call:
        """The same request anew.

        Args:
            body: Its body.
            request_id: The id that it brings; `None` when it brings none.
            client: The address it comes from.
            ids: Makes an id for it.
        """
        before = self.call
        call = Call.__new__(Call)
        call.method, call.path, call.headers, call.values = before.method, before.path, before.headers, before.values
        call.endpoint, call.version = before.endpoint, before.version
        call.client, call.body = client, body
        if request_id is None:
            call.request_id = ids.make()
        else:
            call.request_id = request_id
            call.headers = [*before.headers, (REQUEST_ID, request_id)]
            call.values = {**before.values, REQUEST_ID: request_id}
        return call


class Heads:
    """Remembers heads by their bytes: what was parsed, bounded and routed once means the same the next time."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}

    def find(self, data: bytes) -> tuple[Known, bytes, bytes | None] | None:
        """What is known of a request.

        Args:
            data: What came on a connection where no request was under way.

        Returns:
            What its head says, its body, and the id that it brings, if any; `None` when the head is another, or when it
            is not one request and whole.
        """
        head, _, body = data.partition(_END)
        known, request_id = self._known.get(head), None
        if known is None:
            head, request_id = _without_id(head)
            known = self._known.get(head) if request_id is not None else None
        return None if known is None or len(body) != known.length else (known, body, request_id)

    def remember(self, data: bytes, length: int, call: Call, dialect: Dialect) -> None:
        """Remember a head, unless it is one that will not come again; its id is left out, for the next has another.

        Args:
            data: What came: this one request and nothing else.
            length: Bytes of its body, as they were counted.
            call: The request as it was read.
            dialect: How it is worded.
        """
        head, _, body = data.partition(_END)
        if len(body) != length or not 0 < length <= _LONGEST_BODY or len(head) > _LONGEST_HEAD:
            return
        said = [value for name, value in call.headers if name == b"content-length"]
        if said != [b"%d" % length] or not _OF_ONE.isdisjoint(call.values):
            return
        headers = call.headers
        if REQUEST_ID in call.values:
            head, request_id = _without_id(head)
            headers = [each for each in headers if each[0] != REQUEST_ID]
            if request_id is None or len(headers) != len(call.headers) - 1:
                return
        if len(self._known) >= _KEPT:  # whoever invents heads has others go the long way once more, nothing else
            self._known.clear()
        kept = Call(call.method, call.path, headers, "")
        kept.endpoint, kept.version = call.endpoint, call.version
        self._known[head] = Known(kept, dialect, length)


def _without_id(head: bytes) -> tuple[bytes, bytes | None]:
    """A head without the line of its id, and that id; `None` when it has none, or none that can be one."""
    found = _FRESH.search(head)
    if found is None or not is_id(found[1]):
        return head, None
    return head[: found.start()] + head[found.end() :], found[1]

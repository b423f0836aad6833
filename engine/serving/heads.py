"""Heads that were answered before: a client that keeps its connection sends the same bytes again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.serving.calls import Call

if TYPE_CHECKING:
    from engine.serving.calls import Dialect, RequestIds

_KEPT = 512
_LONGEST_HEAD = 2_048
_LONGEST_BODY = 64 << 10
_END = b"\r\n\r\n"
_OF_ONE = frozenset(
    (
        b"content-encoding",
        b"expect",
        b"te",
        b"trailer",
        b"traceparent",
        b"transfer-encoding",
        b"upgrade",
        b"x-request-id",
    )
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

    def again(self, body: bytes, client: str, ids: RequestIds) -> Call:
        """The same request anew.

        Args:
            body: Its body.
            client: The address it comes from.
            ids: Makes its id.
        """
        before = self.call
        call = Call.__new__(Call)
        call.method, call.path, call.headers, call.values = before.method, before.path, before.headers, before.values
        call.endpoint, call.version = before.endpoint, before.version
        call.client, call.body, call.request_id = client, body, ids.make()
        return call


class Heads:
    """Remembers heads by their bytes: what was parsed, bounded and routed once means the same the next time."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}

    def find(self, data: bytes) -> tuple[Known, bytes] | None:
        """What is known of a request.

        Args:
            data: What came on a connection where no request was under way.

        Returns:
            What its head says, and its body; `None` when the head is another, or when it is not one request and whole.
        """
        head, _, body = data.partition(_END)
        known = self._known.get(head)
        return None if known is None or len(body) != known.length else (known, body)

    def remember(self, data: bytes, length: int, call: Call, dialect: Dialect) -> None:
        """Remember a head, unless it is one that will not come again.

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
        if len(self._known) >= _KEPT:  # whoever invents heads has others go the long way once more, nothing else
            self._known.clear()
        kept = Call(call.method, call.path, call.headers, "")
        kept.endpoint, kept.version = call.endpoint, call.version
        self._known[head] = Known(kept, dialect, length)

"""One request being answered: what a handler may ask of it, and the three ways to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, get_args, get_origin

import msgspec
from starlette.requests import ClientDisconnect

from engine.core.errors import InvalidInput, TooLarge
from engine.server.answers import said
from engine.server.room import UNCOUNTED_BYTES, Held

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.requests import Request

    from engine.api import Engine
    from engine.server.work import Work

T = TypeVar("T")


class Call:
    """One request being answered.

    Args:
        request: The request.
        path: The values of the path's parameters.
        engine: The workspace as the caller may use it.
        work: Where operations run.
        max_body_bytes: Most bytes of a body that is read whole.
        max_inflated_bytes: Most bytes of a compressed body once inflated.
    """

    __slots__ = ("_held", "_max_body_bytes", "_work", "engine", "max_inflated_bytes", "path", "request")

    def __init__(
        self,
        request: Request,
        path: Mapping[str, str],
        engine: Engine,
        work: Work,
        *,
        max_body_bytes: int,
        max_inflated_bytes: int,
    ) -> None:
        self.request = request
        self.path = path
        self.engine = engine
        self._work = work
        self._held: Held | None = None
        self._max_body_bytes = max_body_bytes
        self.max_inflated_bytes = max_inflated_bytes

    @property
    def ending(self) -> bool:
        """Whether the server has been told to stop: an answer without an end must find one."""
        return self._work.ending

    async def read(self, operation: Callable[[], T]) -> T:
        """Run an operation that only reads, on a reader's thread.

        Raises:
            QuarterdeckError: as the operation says.
            Overloaded: too many wait.
        """
        return await self._work.read(operation)

    async def write(self, operation: Callable[[], T], *, quick: bool = False) -> T:
        """Run an operation that writes shortly, in the next group; returns when the group is durable.

        Args:
            operation: What to do.
            quick: Whether it takes less than some milliseconds whatever it is given; such ones need no other thread.

        Raises:
            QuarterdeckError: as the operation says, or as the commit of its group says.
            Overloaded: too many wait.
        """
        return await self._work.write(operation, quick=quick)

    async def act(self, operation: Callable[[], T]) -> T:
        """Run an operation that takes long before it writes (gates, hashing), in a transaction of its own.

        Raises:
            QuarterdeckError: as the operation says.
            Overloaded: too many wait.
        """
        return await self._work.act(operation)

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            TooLarge: it has more bytes than are taken.
            ClientDisconnect: the client has gone; there is nobody to be answered.
            Overloaded: the bodies of all requests take too much memory.
        """
        receive = self.request.receive
        pieces: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            more = message.get("more_body", False)
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._max_body_bytes:
                raise TooLarge(f"The body has more than {self._max_body_bytes} bytes.", hint="Send less at once.")
            if size > UNCOUNTED_BYTES:
                self.hold(size)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def hold(self, size_bytes: int) -> None:
        """Count what the request takes in memory, until it is answered.

        Args:
            size_bytes: How much, in all.

        Raises:
            Overloaded: the bodies of all requests take too much memory.
        """
        if self._held is None:
            self._held = Held(self._work.room)
        self._held.grow(size_bytes)

    def stream(self) -> AsyncIterator[bytes]:
        """The body piece by piece."""
        return self.request.stream()

    async def json(self, kind: type[T]) -> T:
        """The body as JSON of a type; numbers may be written as texts, unknown fields are ignored.

        Args:
            kind: A msgspec struct, or any type msgspec knows.

        Returns:
            The value.

        Raises:
            InvalidInput: it is no JSON, or not of that type; the message names the field.
            TooLarge: it has more bytes than are taken.
        """
        body = await self.body()
        try:
            return msgspec.json.decode(body or b"{}", type=kind, strict=False)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidInput(said(f"The request is not valid: {error}.")) from error

    def query(self, kind: type[T]) -> T:
        """The query string as a type; a parameter given several times is a list where the type has one.

        Args:
            kind: A msgspec struct.

        Returns:
            The value.

        Raises:
            InvalidInput: it is not of that type; the message names the parameter.
        """
        lists = {field.encode_name for field in msgspec.structs.fields(kind) if _is_list(field.type)}  # type: ignore[arg-type]
        pairs = self.request.query_params
        given = {name: pairs.getlist(name) if name in lists else pairs[name] for name in pairs}
        try:
            return msgspec.convert(given, type=kind, strict=False)
        except (msgspec.ValidationError, RecursionError) as error:
            raise InvalidInput(said(f"The query is not valid: {error}.")) from error


def _is_list(annotation: object) -> bool:
    members = get_args(annotation)
    return get_origin(annotation) in (list, tuple) or any(get_origin(member) in (list, tuple) for member in members)

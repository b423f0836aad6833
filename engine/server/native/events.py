"""News of the workspace as server-sent events: what changed, for whoever keeps a screen or a cache up to date."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import msgspec
from starlette.responses import StreamingResponse

from engine.core.errors import InvalidInput, Overloaded, QuarterdeckError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from engine.core.events import Changes
    from engine.db.feed import ChangeFeed
    from engine.server.call import Call

LISTENERS = 64
"""Most listeners at once."""

LOOK_S = 0.1
"""How often the workspace is looked at for each of them, in seconds."""

SIGN_OF_LIFE_S = 15.0
"""How often a silent stream says that it is there, in seconds; proxies close what says nothing."""

_LAST = 2**63 - 1  # of the ids that SQLite counts

_listening = 0


class Wanted(msgspec.Struct):
    """What `events` takes: the id of the last event known; news from now on without one."""

    after: Annotated[int, msgspec.Meta(ge=0, le=_LAST)] | None = None


async def news(call: Call) -> Response:
    """Stream what changes, by any process, until the listener goes.

    Each message has the id of its event, and as data `{"kind", "change", "key", "time_ms"}`; a message of the type
    `missed` says that events were dropped unseen, so that everything is to be read anew. `Last-Event-ID` goes on from
    there.
    """
    if _listening >= LISTENERS:
        raise Overloaded(f"{LISTENERS} listen already.", hint="Try again later.", details={"retry_after_s": 30})
    after = call.query(Wanted).after
    last = call.request.headers.get("last-event-id")
    if last is not None:
        if not last.isdecimal() or len(last) > 18:
            raise InvalidInput("Last-Event-ID is not the id of an event.", hint="Leave it out to begin anew.")
        after = int(last)
    feed = await call.read(lambda: call.engine.feed(after))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_messages(feed, call), media_type="text/event-stream", headers=headers)


async def _messages(feed: ChangeFeed, call: Call) -> AsyncIterator[str]:
    global _listening  # noqa: PLW0603 one count for the process, on one event loop
    _listening += 1
    silent_s = 0.0
    try:
        yield ": here\n\n"
        while not call.ending:
            changes = await asyncio.to_thread(feed.poll)
            silent_s = 0.0 if changes else silent_s + LOOK_S
            if changes or silent_s >= SIGN_OF_LIFE_S:
                _ = call.engine.access.role  # refuses once a token is revoked or has expired
            if changes:
                yield _told(changes)
            elif silent_s >= SIGN_OF_LIFE_S:
                silent_s = 0.0
                yield ": still here\n\n"
            await asyncio.sleep(LOOK_S)
    except QuarterdeckError as error:
        yield f"event: error\ndata: {json.dumps({'code': error.code, 'message': error.message})}\n\n"
    finally:
        _listening -= 1
        feed.close()


def _told(changes: Changes) -> str:
    messages = ["event: missed\ndata: {}\n\n"] if changes.missed else []
    for event in changes.events:
        # JSON escapes line feeds, so that no key can end a message or forge another.
        data = json.dumps({"kind": event.kind, "change": event.change, "key": event.key, "time_ms": event.time_ms})
        messages.append(f"id: {event.id}\ndata: {data}\n\n")
    return "".join(messages)

"""Webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.server.answers import JsonAnswer
from engine.server.routes import Body, Route
from engine.webhooks.model import WebhookChange
from engine.webhooks.sending import STANDARD_NAMES, Sender

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response

    from engine.server.call import Call
    from engine.webhooks.model import Webhook

HEADER_NAMES = ("x-mlflow-delivery-id", "x-mlflow-timestamp", "x-mlflow-signature")
"""What its receivers look for; they are signed as Standard Webhooks says."""

_PATH = "/api/2.0/mlflow/webhooks"
_ACTIVE, _DISABLED = "ACTIVE", "DISABLED"

# Its clients fail on words that they do not know, so events of ours alone are not told.
_KNOWN = {
    "registered_model": ("created",),
    "model_version": ("created",),
    "model_version_tag": ("set", "deleted"),
    "model_version_alias": ("created", "deleted"),
    "prompt": ("created",),
    "prompt_version": ("created",),
    "prompt_tag": ("set", "deleted"),
    "prompt_version_tag": ("set", "deleted"),
    "prompt_alias": ("created", "deleted"),
}


def sender() -> Sender:
    """Sends messages under both sets of header names."""
    return Sender((STANDARD_NAMES, HEADER_NAMES))


class Event(msgspec.Struct):
    """An event, such as `REGISTERED_MODEL` and `CREATED`."""

    entity: str = ""
    action: str = ""

    @property
    def word(self) -> str:
        """The event as we write it."""
        return f"{self.entity.lower()}.{self.action.lower()}"


class Given(msgspec.Struct):
    """What making or changing a webhook takes."""

    name: str | None = None
    url: str | None = None
    events: list[Event] | None = None
    description: str | None = None
    secret: str | None = None
    status: str | None = None


class Listing(msgspec.Struct):
    """What listing takes."""

    max_results: int = 100
    page_token: str = ""


class Testing(msgspec.Struct):
    """What testing takes."""

    event: Event | None = None


async def create(call: Call) -> Response:
    """Make a webhook."""
    given = await call.json(Given)
    change = _change(given)
    for field in ("name", "url", "events"):
        if not getattr(change, field):
            raise InvalidInput(f"Missing value for required parameter '{field}'.")

    def make() -> Webhook:
        made = call.engine.webhooks.create(
            change.name or "",
            change.url or "",
            change.events or (),
            secret=change.secret or "",
            description=change.description or "",
        )
        return call.engine.webhooks.update(made.id, WebhookChange(active=False)) if change.active is False else made

    return JsonAnswer({"webhook": _json(await call.write(make))})


async def listed(call: Call) -> Response:
    """List webhooks."""
    given = call.query(Listing)
    page = await call.read(
        lambda: call.engine.webhooks.page(limit=given.max_results, page_token=given.page_token or None)
    )
    told = {"webhooks": [_json(each) for each in page.items if _told(each.events)]}
    return JsonAnswer(told | ({"next_page_token": page.next_page_token} if page.next_page_token else {}))


async def get(call: Call) -> Response:
    """Show one webhook."""
    found = await call.read(lambda: call.engine.webhooks.get(call.path["webhook_id"]))
    return JsonAnswer({"webhook": _json(found)})


async def update(call: Call) -> Response:
    """Change a webhook."""
    change = _change(await call.json(Given))
    changed = await call.write(lambda: call.engine.webhooks.update(call.path["webhook_id"], change))
    return JsonAnswer({"webhook": _json(changed)})


async def delete(call: Call) -> Response:
    """Delete a webhook."""
    await call.write(lambda: call.engine.webhooks.delete(call.path["webhook_id"]))
    return JsonAnswer(b"{}")


async def test(call: Call) -> Response:
    """Send a webhook a message that tells of nothing."""
    given = await call.json(Testing)
    event = given.event.word if given.event else None
    outcome = await call.act(lambda: call.engine.webhooks.by(sender()).test(call.path["webhook_id"], event))
    told: dict[str, object] = {"success": outcome.delivered}
    if outcome.status is not None:
        told["response_status"] = outcome.status
    if outcome.problem:
        told["error_message"] = outcome.problem
    return JsonAnswer({"result": told})


def _change(given: Given) -> WebhookChange:
    if given.status not in (None, _ACTIVE, _DISABLED):
        raise InvalidInput(f"The status must be {_ACTIVE} or {_DISABLED}.")
    return WebhookChange(
        name=given.name or None,
        url=given.url or None,
        events=tuple(event.word for event in given.events) if given.events else None,
        description=given.description,
        secret=given.secret,
        active=None if given.status is None else given.status == _ACTIVE,
    )


def _told(events: Iterable[str]) -> list[dict[str, str]]:
    parted = (event.partition(".") for event in events)
    return [
        {"entity": entity.upper(), "action": action.upper()}
        for entity, _, action in parted
        if action in _KNOWN.get(entity, ())
    ]


def _json(webhook: Webhook) -> dict[str, Any]:
    told: dict[str, Any] = {
        "webhook_id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "events": _told(webhook.events),
        "status": _ACTIVE if webhook.active else _DISABLED,
        "creation_timestamp": webhook.created_ms,
        "last_updated_timestamp": webhook.updated_ms,
    }
    return told | ({"description": webhook.description} if webhook.description else {})


ROUTES = (
    Route("POST", _PATH, create, role=Role.ADMIN),
    Route("GET", _PATH, listed, role=Role.ADMIN, body=Body.NONE),
    Route("GET", f"{_PATH}/{{webhook_id}}", get, role=Role.ADMIN, body=Body.NONE),
    Route("PATCH", f"{_PATH}/{{webhook_id}}", update, role=Role.ADMIN),
    Route("DELETE", f"{_PATH}/{{webhook_id}}", delete, role=Role.ADMIN),
    Route("POST", f"{_PATH}/{{webhook_id}}/test", test, role=Role.ADMIN),
)

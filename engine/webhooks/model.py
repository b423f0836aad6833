"""Webhooks, their messages, and the pure rules of both."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from engine.core.errors import InvalidInput
from engine.core.text import clean

if TYPE_CHECKING:
    from engine.policy.webhooks import WebhookPolicy

EVENTS: Mapping[str, tuple[str, ...]] = {
    "registered_model": ("created", "renamed", "deleted", "retraining_asked"),
    "model_version": ("created", "deleted", "stage_changed"),
    "model_version_tag": ("set", "deleted"),
    "model_version_alias": ("created", "deleted"),
    "promotion": ("made", "refused"),
    "approval": ("changed",),
    "prompt": ("created",),
    "prompt_version": ("created",),
    "prompt_tag": ("set", "deleted"),
    "prompt_version_tag": ("set", "deleted"),
    "prompt_alias": ("created", "deleted"),
    "alert": ("opened", "worsened", "escalated", "acknowledged", "reopened", "resolved"),
}
"""What may be listened for: actions by entity, written `entity.action`."""

PROGRAMS = ("command", "mailto")
"""Schemes of what is told by a program of this machine: one that the policy names, or a mail."""

MAX_URL = 2_000
MAX_DESCRIPTION = 5_000
MAX_SECRET = 500

WAITS_MS = (5_000, 30_000, 120_000, 600_000, 1_800_000, 7_200_000, 21_600_000)
"""How long to wait after each failed attempt, in milliseconds; after the last one more attempt, then no more."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_MAIL = re.compile(r"[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}")
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\]")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Somebody who wants to be told.

    Args:
        id: Its name for programs, 32 hex digits.
        name: Its name for people.
        url: Where messages are sent.
        events: What it listens for, as `entity.action`.
        description: What it is for.
        active: Whether messages are sent.
        signed: Whether it has a secret, with which messages are signed; the secret itself is never shown.
        created_ms: When it was made, in milliseconds since the epoch.
        created_by: Who made it.
        updated_ms: When it was last changed.
    """

    id: str
    name: str
    url: str
    events: tuple[str, ...]
    description: str
    active: bool
    signed: bool
    created_ms: int
    created_by: str
    updated_ms: int


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """What of a webhook is to be changed; `None` leaves it as it is.

    Args:
        name: Its name for people.
        url: Where messages are sent.
        events: What it listens for.
        description: What it is for.
        secret: The secret that signs; empty for none.
        active: Whether messages are sent.
    """

    name: str | None = None
    url: str | None = None
    events: tuple[str, ...] | None = None
    description: str | None = None
    secret: str | None = None
    active: bool | None = None


class DeliveryState(Enum):
    """How a message stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one webhook.

    Args:
        id: Its name, the same at each attempt; receivers tell repeats by it.
        event: What happened.
        created_ms: When the message was made, in milliseconds since the epoch.
        state: How it stands.
        attempts: How often it was tried.
        due_ms: When it is tried next, while it waits.
        status: The HTTP status of the last answer; `None` without one.
        problem: Why the last attempt failed; empty when none did.
    """

    id: str
    event: str
    created_ms: int
    state: DeliveryState
    attempts: int
    due_ms: int
    status: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message as it is sent.

    Args:
        delivery_id: Its name.
        url: Where to.
        secret: What signs it; empty for nothing.
        payload: JSON.
        attempts: How often it was tried before.
    """

    delivery_id: str
    url: str
    secret: str
    payload: str
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt.

    Args:
        status: The HTTP status; `None` without an answer.
        problem: Why it failed; empty when it did not.
        final: Whether trying again is of no use.
    """

    status: int | None
    problem: str = ""
    final: bool = False

    @property
    def delivered(self) -> bool:
        """Whether it was taken."""
        return not self.problem


def check(change: WebhookChange, allowed: WebhookPolicy) -> None:
    """Refuse what cannot be of a webhook.

    Args:
        change: What is given.
        allowed: Whom messages may be brought to.

    Raises:
        InvalidInput: a name, URL, event or secret cannot be one, or the description cannot be stored.
    """
    if change.name is not None and not _NAME.fullmatch(change.name):
        raise InvalidInput(
            f"{clean(change.name, limit=70)!r} cannot name a webhook.",
            hint="Use up to 63 letters, digits, dots, underscores and hyphens, a letter or digit at both ends.",
        )
    if change.url is not None:
        check_url(change.url, allowed)
    if change.events is not None:
        _check_events(change.events)
    if change.description is not None and len(change.description) > MAX_DESCRIPTION:
        raise InvalidInput(f"The description has more than {MAX_DESCRIPTION} characters.")
    if change.secret is not None and len(change.secret) > MAX_SECRET:
        raise InvalidInput(f"The secret has more than {MAX_SECRET} characters.")
    if "\0" in (change.description or "") + (change.secret or ""):
        raise InvalidInput("The description or the secret holds a NUL character.", hint="Remove it.")


def check_url(url: str, allowed: WebhookPolicy) -> None:
    """Refuse a URL that messages cannot or must not be sent to; addresses behind names are looked at when sending.

    Args:
        url: The URL.
        allowed: Whom messages may be brought to; its private hosts also without TLS.

    Raises:
        InvalidInput: it is none, or not of TLS, of a private address, of a program that the policy does not name, or
            of no mail address.
    """
    from engine.webhooks.addresses import problem_of

    if len(url) > MAX_URL or _UNSEEN.search(url):
        raise InvalidInput("The URL is too long, or holds characters that a URL cannot hold.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidInput("The URL cannot be read.", hint="Write https://host/path.") from error
    if parts.scheme in PROGRAMS:
        _check_program(parts.scheme, url.partition(":")[2], allowed)
        return
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or port == 0:
        raise InvalidInput("The URL must be one of HTTPS.", hint="Write https://host/path.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidInput("The URL must have neither credentials nor a fragment.", hint="Messages are signed instead.")
    if host in allowed.allow_private:
        return
    hint = f'An admin can allow it: [webhooks] allow_private = ["{host[:80]}"] in quarterdeck.toml.'
    if parts.scheme != "https":
        raise InvalidInput("Messages are sent over TLS only.", hint=hint)
    if why := problem_of(host):
        raise InvalidInput(f"Messages are not sent to {host[:80]}: {why}.", hint=hint)


def _check_program(scheme: str, rest: str, allowed: WebhookPolicy) -> None:
    if scheme == "command" and rest not in allowed.commands:
        raise InvalidInput(
            f"The policy names no command {clean(rest, limit=60)!r}.",
            hint='An admin can: [webhooks.commands] NAME = ["/path/of/program"] in quarterdeck.toml.',
        )
    if scheme == "mailto" and not all(_MAIL.fullmatch(each) for each in rest.split(",")):
        raise InvalidInput("These are no mail addresses.", hint="Write mailto:ops@example.org,night@example.org.")


def _check_events(events: tuple[str, ...]) -> None:
    if not events:
        raise InvalidInput("A webhook must listen for something.", hint=f"Such as {_known()[0]}.")
    for event in events:
        if event not in _known():
            raise InvalidInput(
                f"There is no event {clean(event, limit=60)!r}.", hint="See `qd webhooks events` for all of them."
            )


def _known() -> tuple[str, ...]:
    return tuple(f"{entity}.{action}" for entity, actions in EVENTS.items() for action in actions)


def signature(secret: str, delivery_id: str, timestamp_s: int, payload: str) -> str:
    """The signature of a message, as Standard Webhooks says: version 1, HMAC-SHA256 in base64.

    Args:
        secret: The webhook's secret.
        delivery_id: The message's name.
        timestamp_s: When it is sent, in seconds since the epoch.
        payload: The body.
    """
    signed = f"{delivery_id}.{timestamp_s}.{payload}".encode()
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, "sha256").digest()).decode()


def after_attempt(outcome: Outcome, *, attempts: int, now_ms: int) -> tuple[DeliveryState, int]:
    """How a message stands after an attempt.

    Args:
        outcome: What came of it.
        attempts: How often it was tried, this one too.
        now_ms: The time, in milliseconds since the epoch.

    Returns:
        Its state, and when to try next if it waits.
    """
    if outcome.delivered:
        return DeliveryState.DELIVERED, now_ms
    if outcome.final or attempts > len(WAITS_MS):
        return DeliveryState.FAILED, now_ms
    return DeliveryState.WAITING, now_ms + WAITS_MS[attempts - 1]


def envelope(event: str, time_text: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a message.

    Args:
        event: What happened, as `entity.action`.
        time_text: When, in ISO 8601.
        data: The facts.
    """
    entity, _, action = event.partition(".")
    return {"entity": entity, "action": action, "timestamp": time_text, "data": dict(data)}

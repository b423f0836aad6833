"""How changes of monitors, alerts, silences, external endpoints, webhooks and tokens are undone."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.core.access import Role
from engine.core.errors import NotFound
from engine.core.plain import plain
from engine.undoing.inverse import Answer, Case, Inverse, Lead, Never, Part, State, final, touched

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAID_BY_MONITOR = Never("A monitor found it; what was found stays found.")
_SILENCE_FIELDS = ("monitor", "key", "model", "endpoint", "until_ms")
_NOT_TOLD = ("row_id", "name", "created_ms", "updated_ms", "created_by")
"""Fields of an external endpoint that the audit log leaves out."""


def _monitor(case: Case) -> State:
    from engine.policy.monitors import written_settings

    found = case.services.monitors.get(case.key)
    return {"settings": written_settings(found.settings), "paused": found.paused}


def _settings_only(case: Case) -> tuple[State, State]:
    return {"settings": case.before.get("settings")}, {"settings": case.after.get("settings")}


def _monitor_settings(case: Case) -> State:
    from engine.policy.monitors import written_settings

    return {"settings": written_settings(case.services.monitors.get(case.key).settings)}


def _set_monitor(case: Case, _why: str) -> None:
    was, become = case.after.get("settings") or {}, case.before.get("settings") or {}
    case.services.monitors.change(case.key, {**dict.fromkeys(was), **become})


def _make_monitor(case: Case, why: str) -> None:
    case.services.monitors.create(case.key, case.before.get("settings") or {})
    if case.before.get("paused"):
        case.services.monitors.pause(case.key, reason=case.before["paused"] or why)


def _paused(case: Case) -> State:
    return {"paused": case.services.monitors.get(case.key).paused}


def _pause_again(case: Case, why: str) -> None:
    case.services.monitors.pause(case.key, reason=case.before.get("paused") or why)


def _alert(case: Case) -> State:
    found = case.services.alerts.get(int(case.key))
    return {"state": found.state.value, "owner": found.owner}


def _whose(case: Case) -> tuple[State, State]:
    """Only who looks after it; what the monitor found meanwhile is no conflict."""
    known = ("state", "owner")
    return {key: case.before.get(key) for key in known}, {key: case.after.get(key) for key in known}


def _was_taken(case: Case) -> str:
    owner = case.before.get("owner")
    return f"{owner} had taken it on before; {owner} can take it on again." if owner else ""


def _not_mine(case: Case) -> str:
    owner, me = case.before.get("owner"), case.services.access.actor.name
    if not owner:
        return "Nobody had taken it on before."
    return "" if owner == me else f"{owner} had taken it on, and only {owner} can take it on again."


def _silence_number(case: Case) -> int:
    return int(case.key.removeprefix("silence "))


def _silence(case: Case) -> State:
    number = _silence_number(case)
    found = next((each for each in case.services.alerts.silences() if each.id == number), None)
    return None if found is None else {field: getattr(found, field) for field in _SILENCE_FIELDS}


def _silence_again(case: Case, why: str) -> None:
    case.services.alerts.silence(**{field: case.before[field] for field in _SILENCE_FIELDS}, reason=why)


def _would_be_over(case: Case) -> str:
    return "" if case.before.get("until_ms", 0) > case.services.clock.now_ms() else "It would have ended by now."


def _external(case: Case) -> State:
    told = asdict(case.services.probing.get(case.key).endpoint)
    facts: dict[str, Any] = plain({key: value for key, value in told.items() if key not in _NOT_TOLD})
    return facts


def _restore_external(case: Case, _why: str) -> None:
    from engine.probing.model import ExternalChange

    fields = {field.partition(".")[0] for field in touched(case.before, case.after)}
    case.services.probing.update(case.key, ExternalChange(**_given(case, fields)))


def _register_external(case: Case, _why: str) -> None:
    case.services.probing.register(case.key, case.before["url"], **_given(case, set(case.before) - {"url"}))


def _given(case: Case, fields: set[str]) -> dict[str, Any]:
    """Fields of a record as the operations take them."""
    from engine.probing.model import Protocol

    given = {field: case.before[field] for field in fields}
    return given | ({"protocol": Protocol(given["protocol"])} if "protocol" in given else {})


def _webhook(case: Case) -> State:
    from urllib.parse import urlsplit

    found = case.services.webhooks.get(case.key)
    parts = urlsplit(found.url)
    return {
        "name": found.name,
        "place": f"{parts.scheme}://{parts.netloc}" if parts.netloc else found.url,
        "events": list(found.events),
        "active": found.active,
        "signed": found.signed,
    }


def _restore_webhook(case: Case, _why: str) -> None:
    from engine.webhooks.model import WebhookChange

    fields = touched(case.before, case.after)
    given = {key: case.before[key] for key in fields}
    if "events" in given:
        given["events"] = tuple(given["events"])
    case.services.webhooks.update(case.key, WebhookChange(**given))


def _kept_secret(case: Case) -> str:
    fields = touched(case.before, case.after)
    if {"place", "signed"} & set(fields):
        return "Its old address or secret is not in the audit log, which keeps no secrets; give it anew."
    return "" if fields else "Only its description, address or secret changed, which the audit log does not keep."


def _token(case: Case) -> State:
    number, after = int(case.key), None
    while True:
        page = case.services.tokens.page(limit=1_000, page_token=after)
        found = next((each for each in page.items if each.id == number), None)
        if found is not None or page.next_page_token is None:
            break
        after = page.next_page_token
    if found is None or found.revoked_ms is not None:
        raise NotFound(f"The token {number} is revoked already.")
    return {"name": found.name, "user": found.user, "scope": found.scope.label, "expires_ms": found.expires_ms}


_SILENCES = (
    Lead("silence", frozenset(("unsilence",)), after=False),
    Lead("alert", frozenset(("silence",)), after=False),
)
"""What lets time pass for alerts in its own transaction."""

WATCHED: Mapping[tuple[str, str], Answer] = {
    ("monitor", "create"): Inverse(
        Role.OPERATOR,
        _monitor_settings,
        lambda case, _why: case.services.monitors.delete(case.key),
        becomes="delete",
        states=lambda case: (None, {"settings": case.after.get("settings")}),
    ),
    ("monitor", "change"): Inverse(
        Role.OPERATOR,
        _monitor_settings,
        _set_monitor,
        becomes="change",
        states=_settings_only,
    ),
    ("monitor", "delete"): Inverse(
        Role.OPERATOR,
        _monitor,
        _make_monitor,
        becomes="create",
        loses="What a deleted monitor had found is gone, and its alerts have ended; only its settings come back.",
    ),
    ("monitor", "pause"): Inverse(
        Role.OPERATOR,
        _paused,
        lambda case, why: case.services.monitors.resume(case.key, reason=why),
        becomes="resume",
    ),
    ("monitor", "resume"): Inverse(Role.OPERATOR, _paused, _pause_again, becomes="pause"),
    ("alert", "open"): _SAID_BY_MONITOR,
    ("alert", "worsen"): _SAID_BY_MONITOR,
    ("alert", "escalate"): Part(_SILENCES, Never("Nobody took the alert on in time; take it on now.")),
    ("alert", "acknowledge"): Inverse(
        Role.OPERATOR,
        _alert,
        lambda case, why: case.services.alerts.give_back(int(case.key), reason=why),
        becomes="reopen",
        states=_whose,
        refuse=_was_taken,
    ),
    ("alert", "reopen"): Part(
        _SILENCES,
        Inverse(
            Role.OPERATOR,
            _alert,
            lambda case, why: case.services.alerts.acknowledge(int(case.key), reason=why),
            becomes="acknowledge",
            states=_whose,
            refuse=_not_mine,
        ),
    ),
    ("alert", "resolve"): Part(
        (Lead("monitor", frozenset(("delete",)), after=True, said="Its monitor was deleted."),),
        Never("A resolved alert stays resolved; its monitor opens a new one if it is still bad."),
    ),
    ("alert", "silence"): Inverse(
        Role.OPERATOR,
        _silence,
        lambda case, _why: case.services.alerts.unsilence(_silence_number(case)),
        becomes="unsilence",
    ),
    ("silence", "unsilence"): Inverse(
        Role.OPERATOR,
        lambda _case: None,
        _silence_again,
        becomes="silence",
        refuse=_would_be_over,
    ),
    ("external endpoint", "register"): Inverse(
        Role.OPERATOR,
        _external,
        lambda case, why: case.services.probing.delete(case.key, reason=why),
        becomes="unregister",
    ),
    ("external endpoint", "update"): Inverse(Role.OPERATOR, _external, _restore_external, becomes="update"),
    ("external endpoint", "unregister"): Inverse(
        Role.OPERATOR,
        _external,
        _register_external,
        becomes="register",
        loses="What probes had found at a forgotten endpoint does not come back.",
    ),
    ("webhook", "create"): Inverse(
        Role.ADMIN,
        _webhook,
        lambda case, _why: case.services.webhooks.delete(case.key),
        becomes="delete",
        danger=final,
    ),
    ("webhook", "update"): Inverse(
        Role.ADMIN,
        _webhook,
        _restore_webhook,
        becomes="update",
        refuse=_kept_secret,
        loses="A changed address or secret of a webhook does not come back: the audit log keeps no secrets.",
    ),
    ("webhook", "delete"): Never("A deleted webhook's address and secret are gone; make a new one."),
    ("token", "create"): Inverse(
        Role.ADMIN,
        _token,
        lambda case, why: case.services.tokens.revoke(int(case.key), reason=why),
        becomes="revoke",
        danger=final,
    ),
    ("token", "revoke"): Never("A revoked token is refused for ever; make a new one."),
    ("workspace", "restore"): Never("A restore replaced the workspace; what was replaced is kept beside it."),
}
"""By kind and verb."""

"""The approvals inbox: requests, what they ask for, and the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field
from console.commanding.shell_words import qd, why
from console.formats import DECISIONS, STAGES, age, duration, pill
from console.location import Location
from console.resources.memory import Facts, MemorySource, all_pages
from console.resources.resource import Resource, Shown
from console.screens.list import ListView
from console.widgets.table import Column
from engine.core.access import Role
from engine.core.query.schema import Attribute, Kind, Schema
from engine.core.query.tree import Entity, OrderBy
from engine.core.query.tree import Field as Key
from engine.registry.approval_model import ApprovalRequest, ApprovalState
from engine.registry.model import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from console.app import ConsoleApp
    from console.views import View
    from engine.api import Engine

SCHEMA = Schema(
    name="approvals",
    attributes=(
        Attribute("id", Kind.NUMBER),
        Attribute("model", Kind.TEXT, ("name",)),
        Attribute("version", Kind.NUMBER),
        Attribute("to", Kind.WORD, ("stage",)),
        Attribute("state", Kind.WORD, ("status",)),
        Attribute("requester", Kind.TEXT, ("user",)),
        Attribute("reason", Kind.TEXT),
        Attribute("created", Kind.TIME),
    ),
    entities=frozenset(),
    ties=(OrderBy(Key(Entity.ATTRIBUTE, "id"), descending=True),),
)
"""What can be asked of requests."""

SHOWN: tuple[Shown[ApprovalRequest], ...] = (
    Shown(
        Column("id", "#", width=3, minimum=3, align="right", priority=9),
        lambda request, _now: (str(request.id), "dim"),
        "id",
    ),
    Shown(
        Column("ref", "VERSION", width=16, minimum=16, maximum=40, weight=2, priority=9, whole=160),
        lambda request, _now: (request.ref, "name"),
        "model",
    ),
    Shown(
        Column("to", "TO", width=12, minimum=12, priority=8),
        lambda request, _now: pill(STAGES, request.to.value),
        "to",
    ),
    Shown(
        Column("state", "STATE", width=11, minimum=11, priority=8),
        lambda request, _now: pill(DECISIONS, request.state.value),
        "state",
    ),
    Shown(
        Column("have", "HAVE", width=4, minimum=4, align="right", priority=7),
        lambda request, _now: (f"{len(request.approvers)}/{request.need}", "" if request.missing else "good"),
        value=lambda request: len(request.approvers),
        kind=Kind.NUMBER,
    ),
    Shown(
        Column("requester", "BY", width=6, minimum=6, maximum=20, priority=6),
        lambda request, _now: (request.requested_by.name, ""),
        "requester",
    ),
    Shown(
        Column("created", "AGE", width=4, minimum=4, align="right", priority=4),
        lambda request, now: (age(request.created_ms, now), "dim"),
        "created",
    ),
    Shown(
        Column("left", "LEFT", width=7, minimum=6, align="right", priority=4),
        lambda request, now: (duration(max(request.expires_ms - now, 0)) if request.state.active else "", "dim"),
        value=lambda request: request.expires_ms if request.state.active else None,
        kind=Kind.TIME,
    ),
    Shown(
        Column("reason", "REASON", width=20, minimum=14, weight=4, priority=7),
        lambda request, _now: (("OVERRIDE " if request.override else "") + request.reason, ""),
        "reason",
    ),
)


def facts(request: ApprovalRequest) -> Facts:
    """A request as filters see it."""
    return Facts(
        {
            "id": request.id,
            "model": request.model,
            "version": request.version,
            "to": request.to.value.lower(),
            "state": request.state.value,
            "requester": request.requested_by.name,
            "reason": request.reason,
            "created": request.created_ms,
        }
    )


def _fetch(engine: Engine, _location: Location) -> Iterable[ApprovalRequest]:
    """What waits comes first, then what is decided; the newest first in both."""
    requests = all_pages(lambda token: engine.approvals.page(None, limit=1_000, page_token=token))
    return sorted(requests, key=lambda request: (not request.state.active, -request.id))


# --- what can be done to requests


def _open(app: ConsoleApp, request: ApprovalRequest, _answers: Answers) -> None:
    app.enter(Location("promotion", f"{request.ref}/{request.to.value.lower()}"))


def _approve(app: ConsoleApp, request: ApprovalRequest, answers: Answers) -> None:
    app.act(
        lambda: app.engine.approvals.approve(request.id, answers["reason"]),
        lambda done: app.say(f"Request {done.id} approved: {len(done.approvers)} of {done.need}. Undo: V revokes."),
        f"qd approvals approve {request.id}",
    )


def _reject(app: ConsoleApp, request: ApprovalRequest, answers: Answers) -> None:
    app.act(
        lambda: app.engine.approvals.reject(request.id, answers["reason"]),
        lambda done: app.say(f"Request {done.id} rejected."),
        f"qd approvals reject {request.id}",
    )


def _revoke(app: ConsoleApp, request: ApprovalRequest, answers: Answers) -> None:
    app.act(
        lambda: app.engine.approvals.revoke(request.id, answers["reason"]),
        lambda done: app.say(f"Your approval of request {done.id} is taken back."),
        f"qd approvals revoke {request.id}",
    )


def _withdraw(app: ConsoleApp, request: ApprovalRequest, answers: Answers) -> None:
    app.act(
        lambda: app.engine.approvals.withdraw(request.id, answers["reason"]),
        lambda done: app.say(f"Request {done.id} withdrawn."),
        f"qd approvals withdraw {request.id}",
    )


def _json(app: ConsoleApp, request: ApprovalRequest, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, f"request {request.id}", request)


def _pending(request: ApprovalRequest) -> str | None:
    if request.state.active:
        return None
    why = f": {request.problem}" if request.problem else ""
    return f"Request {request.id} is {request.state.value}{why}; nothing can be decided any more."


def _open_only(request: ApprovalRequest) -> str | None:
    if request.state is ApprovalState.APPROVED:
        return f"Request {request.id} has all its approvals."
    return _pending(request)


def care(request: ApprovalRequest) -> Danger:
    """How much care a decision takes: Production asks first."""
    return Danger.PRODUCTION if request.to is Stage.PRODUCTION else Danger.REVERSIBLE


def _facts(request: ApprovalRequest) -> Sequence[str]:
    override = ["OVERRIDE: it would go past failing gates, freezes or missing approvals."] if request.override else []
    return [
        f"{request.ref} → {request.to.value}, asked for by {request.requested_by.name}: {request.reason}",
        *override,
        f"bytes {request.bound.digest[:16]}…  gate report {request.report_id}",
        f"approvals: {len(request.approvers)} of {request.need}",
    ]


ACTIONS: tuple[Action, ...] = (
    Action("open", "Enter", "plan", _open, "Gates, approvals and changes of the promotion."),
    Action(
        "approve",
        "a",
        "approve",
        _approve,
        "Approve the request.",
        danger=care,
        role=Role.APPROVER,
        enabled=_open_only,
        consequences=_facts,
        ask=lambda _request: (Field("reason", "reason"),),
        twin=lambda it, said: qd("approvals", "approve", it.id, why(said)),
    ),
    Action(
        "reject",
        "x",
        "reject",
        _reject,
        "Reject the request.",
        danger=Danger.REVERSIBLE,
        role=Role.APPROVER,
        enabled=_pending,
        consequences=_facts,
        ask=lambda _request: (Field("reason", "reason"),),
        twin=lambda it, said: qd("approvals", "reject", it.id, why(said)),
    ),
    Action(
        "revoke",
        "V",
        "revoke",
        _revoke,
        "Take your own approval back before it is used.",
        danger=Danger.REVERSIBLE,
        role=Role.APPROVER,
        enabled=_pending,
        ask=lambda _request: (Field("reason", "reason"),),
        twin=lambda it, said: qd("approvals", "revoke", it.id, why(said)),
    ),
    Action(
        "withdraw",
        "W",
        "withdraw",
        _withdraw,
        "Take your own request back.",
        danger=Danger.REVERSIBLE,
        role=Role.OPERATOR,
        enabled=_pending,
        ask=lambda _request: (Field("reason", "reason", required=False),),
        twin=lambda it, said: qd("approvals", "withdraw", it.id, why(said)),
    ),
    Action("json", "y", "json", _json, "Everything about it, as JSON.", hint=False),
)

APPROVALS: Resource[ApprovalRequest] = Resource(
    name="approvals",
    noun="request",
    source=MemorySource(_fetch, lambda request: request.id, SHOWN, facts, SCHEMA),
    actions=ACTIONS,
    kinds=frozenset({"approval", "version", "policy"}),
    empty=(
        "Nothing waits for approval, and nothing ever did.",
        "Ask for one:  e on a promotion, or  qd approvals request MODEL N --to production --reason …",
    ),
)


def view(location: Location) -> View:
    """The inbox: what waits first, then what is decided; `/state=open` shows the first alone."""
    return ListView(APPROVALS, location)

"""Planning a promotion or a rollback: gates, approvals, what changes and what stands in the way; then doing it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field
from console.commanding.shell_words import given, qd, why
from console.formats import DECISIONS, STAGES, age, delta, duration, moment, number, pill
from console.location import Location
from console.resources.approvals import ACTIONS as REQUEST_ACTIONS
from console.screens.gate_lines import report_lines
from console.screens.version import parse_key
from console.text import Part, table, wrap
from console.views import Page, problem
from console.widgets.document import Line, blank, heading
from engine.core.access import Role
from engine.deployment.model import Kind, PromotionPlan
from engine.registry.approval_model import ApprovalRequest
from engine.registry.model import Stage, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.app import ConsoleApp
    from engine.core.events import Changes

ROLLBACK = "rollback"
"""Stands in a location where else the stage stands."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be planned.

    Args:
        model: The model.
        version: The version; `None` for a rollback, which finds it.
        to: The stage.
    """

    model: str
    version: int | None
    to: Stage


def wanted(name: str) -> Wanted:
    """Read `churn/7/production` or `churn/rollback`.

    Raises:
        InvalidInput: it is neither, or there is no such stage.
    """
    rest, _, last = name.rpartition("/")
    if last == ROLLBACK:
        return Wanted(rest, None, Stage.PRODUCTION)
    model, version = parse_key(rest)
    return Wanted(model, version, Stage.parse(last))


def _words(plan: PromotionPlan) -> str:
    if plan.kind is Kind.ROLLBACK:
        return f"Roll back {plan.version.model} to version {plan.version.version}"
    verb = "OVERRIDE: " if plan.kind is Kind.OVERRIDE else ""
    return f"{verb}Promote {plan.version.key} to {plan.to.value}"


# --- what can be done here


def _promote(app: ConsoleApp, plan: PromotionPlan, answers: Answers) -> None:
    engine, version, reason = app.engine, plan.version, answers["reason"]
    shell = shell_of(plan, reason)
    if plan.kind is not Kind.ROLLBACK and plan.report.skipped:  # these gates run first, which takes a while
        seen, stage = plan.expect.generation, plan.expect.stage
        expect = [] if seen is None else ["--expect-generation", str(seen)]
        expect += [] if stage is None else ["--expect-stage", stage.value.lower()]
        app.jobs.start(
            f"promote {version.key} to {plan.to.value}", [*shlex.split(shell)[1:], *expect], _left(app, plan)
        )
        return

    def carry_out() -> object:
        if plan.kind is Kind.ROLLBACK:
            return engine.promotions.roll_back(version.model, reason=reason, expect=plan.expect)
        return engine.promotions.promote(
            version.model,
            version.version,
            to=plan.to,
            reason=reason,
            expect=plan.expect,
            override=plan.kind is Kind.OVERRIDE,
        )

    app.act(carry_out, _left(app, plan), shell)


def _left(app: ConsoleApp, plan: PromotionPlan) -> Callable[[object], None]:
    """What follows once it is done: nothing is left to plan, so back to where the operator came from."""
    version = plan.version
    where = app.view.location if isinstance(app.view, PromotionView) else None

    def done(_done: object) -> None:
        if isinstance(app.view, PromotionView) and app.view.location == where:
            if not app.navigator.up():
                app.navigator.replace(Location("versions", version.model))
            app.show_here()
        undo = "z rolls back" if plan.to is Stage.PRODUCTION else "p, then t, moves it back"
        app.say(f"Done: {version.key} is in {plan.to.value}. Undo: {undo}.")

    return done


def shell_of(plan: PromotionPlan, reason: str) -> str:
    """The shell command that does the same."""
    version, why = plan.version, shlex.quote(reason)
    if plan.kind is Kind.ROLLBACK:
        return f"qd models rollback {shlex.quote(version.model)} --reason {why}"
    override = " --override" if plan.kind is Kind.OVERRIDE else ""
    to = plan.to.value.lower()
    return f"qd models promote {shlex.quote(version.model)} {version.version} --to {to} --reason {why}{override}"


def _blocked(plan: PromotionPlan) -> str | None:
    return plan.blockers[0] if plan.blockers else None


def _rerun(app: ConsoleApp, plan: PromotionPlan, _answers: Answers) -> None:
    version, to = plan.version, plan.to
    words = ("models", "check", version.model, str(version.version), "--to", to.value.lower())
    app.jobs.start(f"gates of {version.key} for {to.value}", words, lambda _job: _told(app))


def _told(app: ConsoleApp) -> None:
    app.say("Every gate passes.")
    if isinstance(app.view, PromotionView):
        app.view.load()


def _request(app: ConsoleApp, plan: PromotionPlan, answers: Answers) -> None:
    version, to = plan.version, plan.to
    app.act(
        lambda: app.engine.approvals.request(version.model, version.version, to=to, reason=answers["reason"]),
        lambda request: app.say(f"Request {request.id} waits for {request.need} approvals. Undo: W withdraws it."),
        f"qd approvals request {version.model} {version.version} --to {to.value.lower()}",
    )


def _requestable(plan: PromotionPlan) -> str | None:
    if plan.kind is Kind.ROLLBACK:
        return "A rollback needs no approval."
    if plan.request is not None and plan.request.state.active:
        return f"Request {plan.request.id} is {plan.request.state.value} already."
    return None if plan.need else f"{plan.to.value} asks for no approvals."


def _target(app: ConsoleApp, plan: PromotionPlan, _answers: Answers) -> None:
    stages = [Stage.STAGING, Stage.PRODUCTION, Stage.ARCHIVED]
    following = stages[(stages.index(plan.to) + 1) % len(stages)] if plan.to in stages else Stage.STAGING
    app.replace(Location("promotion", f"{plan.version.key}/{following.value.lower()}"))


def _no_rollback(plan: PromotionPlan) -> str | None:
    return "A rollback leads to Production only." if plan.kind is Kind.ROLLBACK else None


def _override(app: ConsoleApp, _plan: PromotionPlan, _answers: Answers) -> None:
    if isinstance(app.view, PromotionView):
        app.view.override = not app.view.override
        app.view.load()


def _roll_back(app: ConsoleApp, plan: PromotionPlan, _answers: Answers) -> None:
    app.enter(Location("promotion", f"{plan.version.model}/{ROLLBACK}"))


def _json(app: ConsoleApp, plan: PromotionPlan, _answers: Answers) -> None:
    from console.screens.record import show_json

    show_json(app, _words(plan), plan)


def _care(plan: PromotionPlan) -> Danger:
    return Danger(plan.danger)


def _consequences(plan: PromotionPlan) -> Sequence[str]:
    return (_words(plan), *(f"• {change}" for change in plan.changes))


def _on_request(action: Action) -> Action:
    """An action on a request, offered on a plan."""
    from dataclasses import replace

    def of(plan: PromotionPlan) -> ApprovalRequest | None:
        return plan.request

    def enabled(plan: PromotionPlan) -> str | None:
        request = of(plan)
        return "No approval has been asked for; e asks." if request is None else action.enabled(request)

    danger = action.danger
    return replace(
        action,
        run=lambda app, plan, answers: action.run(app, of(plan), answers),
        enabled=enabled,
        danger=(lambda plan: danger(of(plan))) if callable(danger) else danger,
        consequences=lambda plan: action.consequences(of(plan)),
        ask=lambda plan: action.ask(of(plan)),
        twin=lambda plan, answers: action.twin(of(plan), answers),
    )


class PromotionView(Page[PromotionPlan]):
    """The plan that the location names."""

    kinds = frozenset({"version", "approval", "policy", "model"})
    actions = (
        Action(
            "promote",
            "p",
            "do it",
            _promote,
            "Carry the plan out.",
            danger=_care,
            role=Role.OPERATOR,
            enabled=_blocked,
            consequences=_consequences,
            ask=lambda _plan: (Field("reason", "reason"),),
            object_name=lambda plan: plan.version.model,
            twin=lambda it, said: shell_of(it, said["reason"]),
        ),
        Action(
            "gates",
            "r",
            "run gates",
            _rerun,
            "Run the gates again and keep the evidence.",
            danger=Danger.REVERSIBLE,
            twin=lambda it, _said: qd(
                "models", "check", it.version.model, it.version.version, given("to", it.to.value.lower())
            ),
        ),
        Action(
            "request",
            "e",
            "ask approval",
            _request,
            "Ask for approval.",
            danger=Danger.REVERSIBLE,
            role=Role.OPERATOR,
            enabled=_requestable,
            ask=lambda _plan: (Field("reason", "reason"),),
            twin=lambda it, said: qd(
                "approvals",
                "request",
                it.version.model,
                it.version.version,
                given("to", it.to.value.lower()),
                why(said),
            ),
        ),
        *(
            _on_request(action)
            for action in REQUEST_ACTIONS
            if action.name in ("approve", "reject", "withdraw", "revoke")
        ),
        Action("target", "t", "target", _target, "Plan for the next stage instead.", enabled=_no_rollback),
        Action(
            "rollback",
            "z",
            "roll back",
            _roll_back,
            "Plan the way back to the previous Production version.",
            plans=True,
        ),
        Action("override", "O", "override", _override, "Plan an override, and back.", enabled=_no_rollback, hint=False),
        Action("json", "y", "json", _json, "The whole plan, as JSON.", hint=False),
    )

    override = False
    """Whether an override is planned."""

    def fetch(self) -> PromotionPlan:
        """The plan; the gates run afresh.

        Raises:
            InvalidInput: the name is none of a plan.
            NotFound: no such model or version.
            Conflict: there is nothing to go back to.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        wish, promotions = wanted(self.location.name), self.deck.engine.promotions
        if wish.version is None:
            return promotions.plan_roll_back(wish.model)
        return promotions.plan(wish.model, wish.version, to=wish.to, override=self.override)

    def changed(self, changes: Changes) -> None:
        """Only news of this model, its approvals and the policy count."""
        model = wanted(self.location.name).model
        if changes.missed or any(
            event.kind in ("approval", "policy") or event.key.partition("/")[0] == model
            for event in changes.events
            if event.kind in self.kinds
        ):
            self.load()

    def failed(self, error: Exception) -> None:
        """A plan that cannot be made any more is not kept: nobody shall act on it."""
        self.data = None
        self.deck.keep(error)
        self.document.show(lambda width: problem(error, width))
        self.deck.frame_changed()

    def subject(self) -> object | None:
        """The plan, wherever the cursor is."""
        return self.data

    def lines(self, data: PromotionPlan, width: int) -> Sequence[Line]:
        """From → to, what stands in the way, gates, approvals, what changes."""
        now_ms = self.deck.now_ms()
        return [
            *_head(data, width),
            *_obstacles(data, width),
            blank(),
            *report_lines(data.report, now_ms, width),
            blank(),
            *_approvals(data, now_ms, width),
            blank(),
            *_changes(data, width),
        ]


def _head(plan: PromotionPlan, width: int) -> list[Line]:
    version = plan.version
    verb: Part = (f" {plan.kind.value.upper()} ", "loud" if plan.kind is Kind.OVERRIDE else "title-selected")
    line: list[Part] = [verb, (f" {version.key}  ", "strong"), pill(STAGES, version.stage.value), ("  →  ", "dim")]
    lines = [Line([*line, pill(STAGES, plan.to.value)])]
    facts = f"   bytes {version.digest[:16]}…   {version.flavor} {version.format}".rstrip()
    lines.append(Line([(facts[:width], "dim")]))
    return lines


def _obstacles(plan: PromotionPlan, width: int) -> list[Line]:
    if plan.allowed:
        return [Line([("   Nothing stands in the way. ", "good"), ("p", "key"), (" does it.", "dim")])]
    lines = []
    for blocker in plan.blockers:
        first, *rest = wrap(blocker, max(width - 6, 20))
        lines.append(Line([("   ✗ ", "bad"), (first, "bad")]))
        lines += [Line([(f"     {part}", "bad")]) for part in rest]
    return lines + _way_out(plan)


def _way_out(plan: PromotionPlan) -> list[Line]:
    """The key that asks for approval or gives it, where that is what is missing."""
    request = plan.request
    if plan.kind is Kind.ROLLBACK or plan.have >= plan.need:
        return []
    if request is None or not request.state.active:
        return [Line([("     ", ""), ("e", "key"), (" asks for approval", "dim")])]
    return [Line([("     ", ""), ("a", "key"), (f" approves request {request.id}", "dim")])]


def _approvals(plan: PromotionPlan, now_ms: int, width: int) -> list[Line]:
    lines = [heading("Approvals", f"{plan.have} of {plan.need}" if plan.need else "none needed")]
    request = plan.request
    if request is None:
        return [*lines, Line([("  ", ""), ("e", "key"), (" asks for approval", "dim")])] if plan.need else lines
    left = f"  {duration(request.expires_ms - now_ms)} left" if request.state.active else ""
    lines.append(
        Line(
            [
                ("  ", ""),
                pill(DECISIONS, request.state.value),
                (f"  request {request.id} by {request.requested_by.name}{left}", ""),
            ]
        )
    )
    look = "warn" if request.problem else "dim"
    lines += [Line([(f"    {text}", look)]) for text in wrap(request.problem or request.reason, max(width - 6, 20))]
    for decision in request.decisions:
        look = "good" if decision.verdict.value == "approve" else "bad"
        said: list[Part] = [("    ", ""), (decision.verdict.value, look), (f" {decision.by.name}", "strong")]
        lines.append(Line([*said, (f"  {age(decision.time_ms, now_ms)} ago  {decision.reason}", "dim")]))
    return lines


def _changes(plan: PromotionPlan, width: int) -> list[Line]:
    lines = [heading("What changes")]
    for change in plan.changes:
        first, *rest = wrap(change, max(width - 6, 20))
        lines.append(Line([("  • ", "mark"), (first, "")]))
        lines += [Line([(f"    {part}", "")]) for part in rest]
    for replaced in plan.replaces:
        lines += [blank(), *_against(replaced, plan.version)]
    return lines


def _against(old: Version, new: Version) -> list[Line]:
    """The version that goes beside the one that comes: metrics, size, owner."""
    title = heading(f"{old.key} → {new.key}", f"in {old.stage.value} since {moment(old.stage_ms)}")
    rows: list[list[Part]] = []
    for key in sorted({*old.metrics, *new.metrics}):
        before, after = old.metrics.get(key), new.metrics.get(key)
        change = after - before if before is not None and after is not None else None
        rows.append([(f"  {key}", ""), (number(before), "dim"), (number(after), "strong"), delta(change)])
    for key in sorted({*old.params, *new.params}):
        was, now = old.params.get(key, "–"), new.params.get(key, "–")  # noqa: RUF001 a dash for nothing
        if was != now:
            rows.append([(f"  {key}", ""), (was, "removed"), (now, "added"), ("", "")])
    return [title, *(Line(row) for row in table(rows, right=frozenset({1, 2, 3})))]

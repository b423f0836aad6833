"""What can be done to an endpoint, from the list and from its own screen: one declaration for both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from shlex import join, quote
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field
from console.commanding.shell_words import given, option, qd, why
from console.endpoints.changing import apply, follow
from console.endpoints.standing import Standing
from console.endpoints.words import percent
from engine.core.access import Role
from engine.core.errors import InvalidInput
from engine.core.percent import parse_percent
from engine.deployment.rollout_model import RolloutState
from engine.endpoints.model import WHOLE, Cause, RouteWish, Share

if TYPE_CHECKING:
    from console.app import ConsoleApp
    from console.endpoints.detail import Detail
    from console.endpoints.plan_dialog import Planned
    from console.tasks import Progress
    from engine.endpoints.model import Deployment

MOST_TYPED = 8
"""Most shares that a dialog has lines for; the command line takes any number."""

_VERSION = "version"


def standing_of(subject: Standing | Detail) -> Standing:
    """How the endpoint stands, whether its row or its whole screen is the subject."""
    return subject if isinstance(subject, Standing) else subject.standing


def generation_seen(subject: Standing | Detail) -> int:
    """The newest generation when the operator was asked; 0 before the first."""
    desired = standing_of(subject).endpoint.desired
    return 0 if desired is None else desired.number


def _chosen(app: ConsoleApp) -> Deployment | None:
    """The deployment under the cursor of an endpoint's screen; `None` elsewhere."""
    from console.screens.endpoint import EndpointView

    return app.view.chosen if isinstance(app.view, EndpointView) else None


# --- changes of routes


def _propose(  # noqa: PLR0913 what a dialog needs; each call names all of it
    app: ConsoleApp,
    standing: Standing,
    *,
    title: str,
    label: str,
    fields: list[Field],
    wish: Callable[[Mapping[str, str]], RouteWish],
    typed: Answers,
    first: str = "reason",
    refuses: bool = False,
    act: Callable[[ConsoleApp, Planned], None] = apply,
) -> None:
    from console.endpoints.plan_dialog import PlanDialog, Proposal

    def answered(planned: Planned | None) -> None:
        if planned is None:
            app.say(f"{label.capitalize()}: nothing was changed.", "dim")
        else:
            act(app, planned)

    name, endpoints = standing.name, app.engine.endpoints
    filled = [replace(field, value=typed.get(field.name, field.value)) for field in fields]
    proposal = Proposal(title, label, filled, wish, lambda asked: endpoints.plan(name, asked), name, first)
    app.open_dialog(PlanDialog(proposal, refuses=refuses), answered)


def _reason(value: str = "") -> Field:
    return Field("reason", "reason", value)


def _traffic(app: ConsoleApp, subject: Standing | Detail, typed: Answers) -> None:
    standing = standing_of(subject)
    routed = _shiftable(standing)[:MOST_TYPED]
    fields = [Field(str(each.version), _said(each), f"{each.weight / 10:g}", required=False) for each in routed]
    live = standing.live
    if live is not None:
        fields.append(Field(str(live.version), _said(live), "", required=False))
    numbers = [each.version for each in (*routed, *([live] if live else []))]
    _propose(
        app,
        standing,
        typed=typed,
        title=f"Traffic of {standing.name}: percentages; the live version takes the rest",
        label="shift",
        fields=[*fields, _reason()],
        wish=lambda answers: RouteWish(
            Cause.TRAFFIC, weights=typed_weights(answers, numbers, live.version if live else None)
        ),
        first=fields[0].name,
    )


def _said(deployment: Deployment) -> str:
    return f"{deployment.version} {deployment.share.value if deployment.share else ''} %"


def _shiftable(standing: Standing) -> list[Deployment]:
    """The deployments that may get a share: all that are loaded but the live one."""
    return [each for each in standing.endpoint.deployments if each.share not in (None, Share.LIVE)]


def typed_weights(answers: Mapping[str, str], versions: list[int], live: int | None) -> dict[int, int]:
    """Read typed percentages.

    Args:
        answers: What was typed, by version number as text; an empty one is left out.
        versions: The versions that were asked for.
        live: The live version; its line may stay empty, it takes the rest.

    Returns:
        Shares in 0.1 % by version.

    Raises:
        InvalidInput: one is no percentage, or together they are not 100 %.
    """
    weights = {version: parse_percent(text) for version in versions if (text := answers.get(str(version), ""))}
    total = sum(weights.values())
    if live in weights and total != WHOLE:
        raise InvalidInput(f"Together these are {percent(total)}; leave the live version's line empty for the rest.")
    if total > WHOLE or (live not in weights and total == WHOLE):
        raise InvalidInput(f"Together these are {percent(total)}; the live version must keep something.")
    return weights


def _nothing_to_shift(subject: Standing | Detail) -> str | None:
    if _shiftable(standing_of(subject)):
        return None
    return "Only one version is loaded, it takes everything; D deploys another."


def _roll_back(app: ConsoleApp, subject: Standing | Detail, typed: Answers) -> None:
    """A canary that is being rolled out is given up with its rollout, which would else only wait for a human."""
    standing = standing_of(subject)
    rollout, candidate = standing.rollout, standing.candidate
    going = rollout is not None and candidate is not None and candidate.id == rollout.candidate
    canary = candidate is not None and candidate.share is Share.CANARY
    _propose(
        app,
        standing,
        typed=typed,
        title=f"Roll {standing.name} back",
        label="roll back",
        fields=[_reason("rolled back by hand")],
        wish=lambda _answers: RouteWish(Cause.ROLL_BACK),
        first="",
        act=_abort_planned if going and canary else apply,
    )


def _abort_planned(app: ConsoleApp, planned: Planned) -> None:
    rollouts, name, reason = app.engine.rollouts, planned.plan.endpoint, planned.answers["reason"]

    def carry_out(progress: Progress) -> int:
        progress("recording")
        return rollouts.abort(name, reason=reason, expect=planned.plan.expect).generation

    shell = f"qd endpoints abort {quote(name)} --reason {quote(reason)}"
    follow(app, name, f"abort the rollout of {name}", carry_out, shell, "p begins another.")


def _undo(app: ConsoleApp, subject: Standing | Detail, typed: Answers) -> None:
    standing = standing_of(subject)
    _propose(
        app,
        standing,
        typed=typed,
        title=f"Undo the last change of {standing.name}",
        label="undo",
        fields=[_reason("undone by hand")],
        wish=lambda _answers: RouteWish(Cause.UNDO),
        first="",
    )


def _kill(app: ConsoleApp, subject: Standing | Detail, typed: Answers) -> None:
    standing = standing_of(subject)
    _propose(
        app,
        standing,
        typed=typed,
        title=f"Kill {standing.name}: refuse every request",
        label="kill",
        fields=[_reason()],
        wish=lambda _answers: RouteWish(Cause.KILL),
        refuses=True,
    )


def _revive(app: ConsoleApp, subject: Standing | Detail, typed: Answers) -> None:
    standing = standing_of(subject)
    _propose(
        app,
        standing,
        typed=typed,
        title=f"Let {standing.name} answer again",
        label="revive",
        fields=[_reason()],
        wish=lambda _answers: RouteWish(Cause.REVIVE),
    )


def _not_killed(subject: Standing | Detail) -> str | None:
    return "It is killed already; V revives it." if standing_of(subject).killed else _never_routed(subject)


def _killed(subject: Standing | Detail) -> str | None:
    return None if standing_of(subject).killed else "It is not killed."


def _never_routed(subject: Standing | Detail) -> str | None:
    return None if standing_of(subject).desired else "Nothing was ever deployed to it; D deploys a version."


def _loaded(subject: Standing | Detail) -> str | None:
    if any(each.share in (Share.STANDBY, Share.SHADOW, Share.CANARY) for each in _shiftable(standing_of(subject))):
        return None
    return "Only what is live is loaded, and that stays."


def _number(answers: Mapping[str, str]) -> int:
    text = answers.get(_VERSION, "")
    if not text.isascii() or not text.isdigit():
        raise InvalidInput("The version is a number, such as 7.")
    return int(text)


def _suggested(app: ConsoleApp, standing: Standing) -> str:
    """The version under the cursor unless it is the live one, else the one on its way."""
    chosen = _chosen(app)
    found = standing.candidate if chosen is None or chosen.share is Share.LIVE else chosen
    return "" if found is None else str(found.version)


def _retire(app: ConsoleApp, subject: Standing | Detail, typed: Answers) -> None:
    standing = standing_of(subject)
    idle = next((each for each in _shiftable(standing) if each.share is Share.STANDBY), None)
    number = _suggested(app, standing) or (str(idle.version) if idle else "")
    _propose(
        app,
        standing,
        typed=typed,
        title=f"Unload a version from {standing.name}",
        label="unload",
        fields=[Field(_VERSION, _VERSION, number), _reason()],
        wish=lambda answers: RouteWish(Cause.RETIRE, _number(answers)),
        first="reason" if number else _VERSION,
    )


def _shadow(app: ConsoleApp, subject: Standing | Detail, typed: Answers) -> None:
    """On for what is no shadow, off for what is."""
    standing = standing_of(subject)
    shadows = {each.version for each in standing.endpoint.deployments if each.share is Share.SHADOW}

    def wish(answers: Mapping[str, str]) -> RouteWish:
        number = _number(answers)
        return RouteWish(Cause.SHADOW, number) if number in shadows else RouteWish(Cause.DEPLOY, number, Share.SHADOW)

    number = _suggested(app, standing)
    _propose(
        app,
        standing,
        typed=typed,
        title=f"Shadow behind {standing.name}: on, or off where it is one",
        label="shadow",
        fields=[Field(_VERSION, _VERSION, number), _reason()],
        wish=wish,
        first="reason" if number else _VERSION,
    )


def _deploy(app: ConsoleApp, subject: Standing | Detail, typed: Answers) -> None:
    from console.endpoints.deploying import choose_version

    choose_version(app, standing_of(subject), typed)


# --- rollouts


def _promote(app: ConsoleApp, subject: Standing | Detail, answers: Answers) -> None:
    name, rollouts = standing_of(subject).name, app.engine.rollouts
    number, plan, reason = _number(answers), answers["plan"], answers["reason"]
    seen = generation_seen(subject)

    def carry_out(progress: Progress) -> int:
        progress("making it ready")
        return rollouts.start(name, number, plan=plan, reason=reason, expect=seen).generation

    words = ["endpoints", "promote", name, str(number), *(["--plan", plan] if plan else []), "--reason", reason]
    model, title = standing_of(subject).endpoint.model, f"roll out {name} {number}"

    def built() -> bool:
        return app.engine.builds.get(app.engine.models.version(model, number).digest) is not None

    def came(ready: object) -> None:
        if ready:
            follow(app, name, title, carry_out, join(["qd", *words]), "x aborts it.")
        else:  # it is built first, which takes a while: not in this process
            app.jobs.start(title, [*words, "--expect", str(seen)])

    app.read("promote.built", built, came)


def _promote_fields(subject: Standing | Detail) -> list[Field]:
    candidate = standing_of(subject).candidate
    return [
        Field(_VERSION, _VERSION, "" if candidate is None else str(candidate.version)),
        Field("plan", "plan (or policy's)", required=False),
        _reason(),
    ]


def _promotable(subject: Standing | Detail) -> str | None:
    rollout = standing_of(subject).rollout
    if rollout is not None:
        return f"Version {rollout.version} is being rolled out; x aborts it first."
    return _never_routed(subject)


def _on_rollout(verb: str, undo: str) -> Callable[[ConsoleApp, Standing | Detail, Answers], None]:
    def run(app: ConsoleApp, subject: Standing | Detail, answers: Answers) -> None:
        name, reason, rollouts = standing_of(subject).name, answers["reason"], app.engine.rollouts
        skip = answers.get("skip") == "yes"
        seen = generation_seen(subject)
        verbs = {
            "pause": lambda: rollouts.pause(name, reason=reason, expect=seen),
            "resume": lambda: rollouts.resume(name, reason=reason, skip=skip, expect=seen),
            "abort": lambda: rollouts.abort(name, reason=reason),  # whatever its step is meanwhile, it is not wanted
        }

        def carry_out(progress: Progress) -> int:
            progress("recording")
            return verbs[verb]().generation

        skipping = " --skip" if skip else ""
        lines = {
            "pause": f"qd endpoints pause {quote(name)}",
            "resume": f"qd endpoints resume {quote(name)}{skipping}",
            "abort": f"qd endpoints abort {quote(name)}",
        }
        shell = f"{lines[verb]} --reason {quote(reason)}"
        follow(app, name, f"{verb} the rollout of {name}", carry_out, shell, undo)

    return run


def _running(subject: Standing | Detail) -> str | None:
    rollout = standing_of(subject).rollout
    if rollout is None:
        return "No rollout is open; p begins one."
    return None if rollout.state is RolloutState.RUNNING else "It is paused already; R resumes it."


def _paused(subject: Standing | Detail) -> str | None:
    rollout = standing_of(subject).rollout
    if rollout is None:
        return "No rollout is open; p begins one."
    return None if rollout.state is RolloutState.PAUSED else "It is not paused; P pauses it."


def _rolling(subject: Standing | Detail) -> str | None:
    return None if standing_of(subject).rollout is not None else "No rollout is open; p begins one."


def _rollout_words(subject: Standing | Detail) -> tuple[str, ...]:
    rollout = standing_of(subject).rollout
    if rollout is None:
        return ()
    step = f"{rollout.version} against {rollout.live_version}, step {rollout.step + 1}: {rollout.current.words}"
    return (step, f"the plan: {rollout.policy.plan}", *([rollout.note] if rollout.note else []))


def _routing(verb: str, subject: Standing | Detail, said: Answers) -> str:
    """The line of a change of routes, as far as it has been said; its dialog knows the rest."""
    shares = tuple(f"{version}={share}" for version, share in said.items() if version.isdigit())
    version = (said[_VERSION],) if said.get(_VERSION) else ()
    share = {"shadow": ["--shadow"], "canary": given("canary", said.get("weight", "5"))}.get(said.get("share", ""), [])
    sure = ["--yes"] if verb == "kill" else []
    return qd("endpoints", verb, standing_of(subject).name, version, shares, share, why(said), sure)


ROUTING: tuple[Action, ...] = (
    Action(
        "traffic", "t", "traffic", _traffic, "Shift traffic between loaded versions, by typed percentages.",
        danger=Danger.PRODUCTION, role=Role.OPERATOR, enabled=_nothing_to_shift, dialog=True, takes=("reason",),
        twin=lambda it, said: _routing("traffic", it, said),
    ),
    Action(
        "rollback", "z", "roll back", _roll_back, "Give up the canaries, else go back to what was live.",
        danger=Danger.PRODUCTION, role=Role.OPERATOR, enabled=_never_routed, dialog=True, takes=("reason",),
        twin=lambda it, said: _routing("rollback", it, said),
    ),
    Action(
        "promote", "p", "promote", _promote, "Roll a version out by steps, each compared with the live one.",
        danger=Danger.PRODUCTION, role=Role.OPERATOR, enabled=_promotable, ask=_promote_fields,
        warning="LIVE TRAFFIC",
        consequences=lambda _subject: (
            "Its share grows by the plan; it is taken back at once where it is worse than the live one.",
        ),
        twin=lambda it, said: qd(
            "endpoints", "promote", standing_of(it).name, said["version"], option("plan", said["plan"]), why(said)
        ),
    ),
    Action(
        "deploy", "D", "deploy", _deploy, "Choose a version, make it ready, and give it a share.",
        danger=Danger.PRODUCTION, role=Role.OPERATOR, dialog=True, takes=("version", "share", "weight", "reason"),
        twin=lambda it, said: _routing("deploy", it, said),
    ),
    Action(
        "shadow", "S", "shadow", _shadow, "Give a version copies of the requests, or stop that.",
        danger=Danger.PRODUCTION, role=Role.OPERATOR, enabled=_never_routed, hint=False, dialog=True,
        takes=("version", "reason"),
        twin=lambda it, said: _routing("shadow", it, said),
    ),
    Action(
        "undo", "Z", "undo", _undo, "Restore what was routed before the last change.",
        danger=Danger.PRODUCTION, role=Role.OPERATOR, enabled=_never_routed, hint=False, dialog=True, takes=("reason",),
        twin=lambda it, said: _routing("undo", it, said),
    ),
    Action(
        "pause", "P", "pause", _on_rollout("pause", "R resumes it."), "Stop the clock of the rollout; traffic stays.",
        danger=Danger.REVERSIBLE, role=Role.OPERATOR, enabled=_running, ask=lambda _subject: (_reason(),), hint=False,
        consequences=_rollout_words,
        twin=lambda it, said: qd("endpoints", "pause", standing_of(it).name, why(said)),
    ),
    Action(
        "resume", "R", "resume", _on_rollout("resume", "P pauses it."), "Go on with the rollout; the step begins anew.",
        danger=Danger.PRODUCTION, role=Role.OPERATOR, enabled=_paused, hint=False, warning="LIVE TRAFFIC",
        ask=lambda _subject: (Field("skip", "take step as passed", "no", among=("no", "yes")), _reason()),
        consequences=_rollout_words,
        twin=lambda it, said: qd(
            "endpoints", "resume", standing_of(it).name, ["--skip"] if said["skip"] == "yes" else [], why(said)
        ),
    ),
    Action(
        "abort", "x", "abort", _on_rollout("abort", "p begins another."),
        "Give the rollout up; its version stays loaded, but gets nothing.",
        danger=Danger.PRODUCTION, role=Role.OPERATOR, enabled=_rolling, ask=lambda _subject: (_reason(),), hint=False,
        warning="LIVE TRAFFIC", consequences=_rollout_words,
        twin=lambda it, said: qd("endpoints", "abort", standing_of(it).name, why(said)),
    ),
    Action(
        "kill", "K", "kill", _kill, "Refuse every request with 503, at once.",
        danger=Danger.IRREVERSIBLE, role=Role.OPERATOR, enabled=_not_killed, hint=False, dialog=True, takes=("reason",),
        twin=lambda it, said: _routing("kill", it, said),
        object_name=lambda subject: standing_of(subject).name,
    ),
    Action(
        "revive", "V", "revive", _revive, "Answer requests again after a kill.",
        danger=Danger.PRODUCTION, role=Role.OPERATOR, enabled=_killed, hint=False, dialog=True, takes=("reason",),
        twin=lambda it, said: _routing("revive", it, said),
    ),
    Action(
        "retire", "U", "unload", _retire, "Unload a version that takes no traffic.",
        danger=Danger.PRODUCTION, role=Role.OPERATOR, enabled=_loaded, hint=False, dialog=True,
        takes=("version", "reason"),
        twin=lambda it, said: _routing("retire", it, said),
    ),
)  # fmt: skip
"""Everything that changes who answers, most used first."""

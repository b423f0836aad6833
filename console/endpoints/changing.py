"""Changing what is routed, from a dialog to the acknowledgement: nothing says done before data planes serve it."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from console.endpoints import words
from console.endpoints.standing import Standing
from engine.endpoints.model import Cause, Generation, Share

if TYPE_CHECKING:
    from collections.abc import Callable

    from console.app import ConsoleApp
    from console.endpoints.plan_dialog import Planned
    from console.tasks import Progress
    from engine.api import Engine
    from engine.endpoints.model import Endpoint, RoutePlan

PATIENCE_SECONDS = 10.0
"""How long data planes have to take a generation over before it is said that they have not."""

UNDO = "Undo: Z."
"""Where the operator still looks at endpoints; elsewhere that key means something else."""


def follow(
    app: ConsoleApp, name: str, title: str, carry_out: Callable[[Progress], int], shell: str, undo: str = UNDO
) -> None:
    """Change an endpoint, then wait until every living data plane serves what came of it.

    Args:
        app: The application.
        name: The endpoint's name.
        title: What is done, in a few words.
        carry_out: Changes it, in a thread of its own; returns the generation that is to be served.
        shell: The shell command that does the same.
        undo: How it is taken back.
    """
    engine = app.engine

    def compute(progress: Progress) -> tuple[int, Endpoint]:
        number = carry_out(progress)
        return number, wait_for(engine, name, number, progress)

    app.work(title, compute, lambda found: _said(app, found[0], found[1], undo), shell)


def wait_for(engine: Engine, name: str, number: int, progress: Progress) -> Endpoint:
    """Wait until every living data plane serves a generation, and say who does meanwhile.

    Args:
        engine: The open workspace.
        name: The endpoint's name.
        number: The generation.
        progress: Takes what is said.

    Returns:
        The endpoint; nobody serves it where no data plane lives.

    Raises:
        NotFound: the endpoint was deleted meanwhile.
        NotAcknowledged: not all serve it in time, or one says that it cannot.
    """
    found = engine.endpoints.get(name)
    if found.observed is None:
        return found

    def tell(seen: Endpoint) -> None:
        progress(f"generation {number} recorded; {words.served(Standing(seen))}")

    tell(found)
    return engine.endpoints.wait(name, number, timeout_s=PATIENCE_SECONDS, progress=tell)


def _said(app: ConsoleApp, number: int, endpoint: Endpoint, undo: str) -> None:
    if undo == UNDO and not any(action.key == "Z" and action.name == "undo" for action in app.offered()):
        undo = "Undo: :undo."
    if endpoint.observed is None:
        app.say(f"Generation {number} recorded; no data plane runs: start one with qd serve. {undo}", "warn")
    else:
        app.say(f"Generation {number} of {endpoint.name} is {words.served(Standing(endpoint))}. {undo}")


def apply(app: ConsoleApp, planned: Planned) -> None:
    """Do what was planned and agreed to.

    Args:
        app: The application.
        planned: The plan, and the reason among what was filled in.
    """
    plan, reason = planned.plan, planned.answers["reason"]
    verb = _verb(app.engine, plan, reason)

    def carry_out(progress: Progress) -> int:
        progress("recording")
        return verb().number

    follow(app, plan.endpoint, f"{plan.wish.cause.value} {plan.endpoint}", carry_out, shell_of(plan, reason))


def _verb(engine: Engine, plan: RoutePlan, reason: str) -> Callable[[], Generation]:
    endpoints, wish, name, expect = engine.endpoints, plan.wish, plan.endpoint, plan.expect
    version = wish.version or 0
    verbs: dict[Cause, Callable[[], Generation]] = {
        Cause.DEPLOY: lambda: endpoints.deploy(
            name, version, reason=reason, share=wish.share, weight=wish.weight, expect=expect
        ),
        Cause.TRAFFIC: lambda: endpoints.traffic(name, wish.weights, reason=reason, expect=expect),
        Cause.SHADOW: lambda: endpoints.shadow(name, version, on=False, reason=reason, expect=expect),
        Cause.RETIRE: lambda: endpoints.retire(name, version, reason=reason, expect=expect),
        Cause.ROLL_BACK: lambda: endpoints.roll_back(name, reason=reason, expect=expect),
        Cause.UNDO: lambda: endpoints.undo(name, reason=reason, expect=expect),
        Cause.KILL: lambda: endpoints.kill(name, reason=reason, expect=expect),
        Cause.REVIVE: lambda: endpoints.revive(name, reason=reason, expect=expect),
    }
    return verbs[wish.cause]


def shell_of(plan: RoutePlan, reason: str) -> str:
    """The shell command that does what a plan does."""
    wish, name = plan.wish, quote(plan.endpoint)
    how = {Share.SHADOW: " --shadow", Share.CANARY: f" --canary {wish.weight / 10:g}%"}.get(wish.share, "")
    shares = " ".join(f"{version}={weight / 10:g}%" for version, weight in wish.weights.items())
    lines = {
        Cause.DEPLOY: f"qd endpoints deploy {name} {wish.version}{how}",
        Cause.TRAFFIC: f"qd endpoints traffic {name} {shares}",
        Cause.SHADOW: f"qd endpoints shadow {name} {wish.version} --off",
        Cause.RETIRE: f"qd endpoints retire {name} {wish.version}",
        Cause.ROLL_BACK: f"qd endpoints rollback {name}",
        Cause.UNDO: f"qd endpoints undo {name}",
        Cause.KILL: f"qd endpoints kill {name} --yes",
        Cause.REVIVE: f"qd endpoints revive {name}",
    }
    return f"{lines[wish.cause]} --reason {quote(reason)}"

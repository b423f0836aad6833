"""The dialog of every change of routes: who gets what before and after, what stands in the way, then `y`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical

from console.actions import Answers, Danger, Field
from console.endpoints import words
from console.screens.dialogs import Choices, Dialog
from console.text import Part, wrap
from console.typing import PlainInput
from console.widgets.bar import Bar
from console.widgets.document import Document, Line
from engine.core.errors import InvalidInput, QuarterdeckError
from engine.endpoints.model import PlannedRoute, RoutePlan, RouteWish, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.widgets import Input

_LABEL = 9
WARNINGS = {2: " LIVE TRAFFIC ", 3: " CALLERS WILL BE REFUSED "}
"""By the danger of a plan."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What was asked for and agreed to.

    Args:
        plan: What happens; its `expect` goes to the verb.
        answers: What was filled in, by field name.
    """

    plan: RoutePlan
    answers: Answers


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a dialog is to ask.

    Args:
        title: What it is about.
        label: What `y` does, in a word or two.
        fields: What is filled in.
        wish: What the fields ask for; raises `InvalidInput` while they are wrong.
        plan: Says what a wish would do. Runs in a worker thread.
        endpoint: The endpoint's name, to be typed before callers are refused.
        first: The field that has the keyboard; empty where Cancel has it.
    """

    title: str
    label: str
    fields: Sequence[Field]
    wish: Callable[[Mapping[str, str]], RouteWish]
    plan: Callable[[RouteWish], RoutePlan]
    endpoint: str
    first: str = ""


class PlanDialog(Dialog[Planned]):
    """Asks what is to change, shows what that comes to while it is typed, and then asks for `y`.

    Args:
        proposal: What to ask.
        refuses: Whether callers will be refused, so that the name must be typed.
    """

    AUTO_FOCUS = ""  # keys typed ahead are for the field or the button that is meant
    DEFAULT_CSS = "PlanDialog .label { width: 18; } PlanDialog Document { max-height: 11; }"

    def __init__(self, proposal: Proposal, *, refuses: bool = False) -> None:
        super().__init__(proposal.title)
        self._proposal = proposal
        name = Field("__name__", f"type {proposal.endpoint}"[:18], must=proposal.endpoint)
        self._fields = [*proposal.fields, *([name] if refuses else [])]
        self._danger = Danger.IRREVERSIBLE if refuses else Danger.PRODUCTION
        self._inputs = {each.name: PlainInput(each.value, name=each.name) for each in self._fields}
        self._said = Document(lambda _width: [Line([("reading…", "dim")])])
        self._warning = Bar()
        self._problem = Bar()
        self._choices = Choices([("n", "Cancel"), ("y", proposal.label)])
        self._plan: RoutePlan | None = None
        self._asked: RouteWish | None = None
        self._agreed = False

    def compose(self) -> ComposeResult:
        """Title, fields, what changes, buttons."""
        with Vertical(classes="danger"):
            yield self._heading
            yield self._warning
            for each in self._fields:
                with Horizontal():
                    label = Bar(classes="label")
                    label.show([(each.label, "dim")])
                    yield label
                    yield self._inputs[each.name]
            yield self._said
            yield self._problem
            yield self._choices

    def on_mount(self) -> None:
        """The first field has the keyboard, or Cancel."""
        self.set_focus(self._inputs.get(self._proposal.first) or self._choices)
        self._consider()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Say what it comes to now."""
        message.stop()
        self._consider()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter goes to the next field, and after the last to the buttons."""
        message.stop()
        inputs = list(self._inputs.values())
        if message.input is inputs[-1]:
            self._choices.focus()
        else:
            self.focus_next()

    def on_choices_made(self, message: Choices.Made) -> None:
        """Yes or no."""
        message.stop()
        if message.letter == "n":
            self.give_up()
            return
        self._agreed = True
        self._finish()

    # --- what it comes to

    def _answers(self) -> Answers:
        return {name: field.value.strip() for name, field in self._inputs.items()}

    def _consider(self) -> None:
        """Read what the fields ask for; nothing is planned while they are wrong."""
        try:
            wish = self._proposal.wish(self._answers())
        except InvalidInput as error:
            self._asked = self._plan = None
            self._problem.show([(error.message, "bad")])
            return
        if wish == self._asked:
            return
        self._agreed = self._agreed and self._asked is None  # what was agreed to is another thing now
        self._asked, self._plan = wish, None
        self._problem.show([])
        from console.app import ConsoleApp  # the application opens this dialog

        if isinstance(self.app, ConsoleApp):
            plan = self._proposal.plan
            self.app.read(f"plan.{id(self)}", lambda: plan(wish), self._found, self._failed)

    def _found(self, plan: RoutePlan) -> None:
        if not self.is_attached:
            return
        self._plan = plan
        self._warning.show([(WARNINGS[plan.danger], "loud")] if plan.danger in WARNINGS else [])
        self._said.show(lambda width: plan_lines(plan, width))
        self._said.refresh(layout=True)
        if self._agreed:
            self._finish()

    def _failed(self, error: Exception) -> None:
        if self.is_attached:
            self._problem.show([(error.message if isinstance(error, QuarterdeckError) else str(error), "bad")])

    def _finish(self) -> None:
        """Give the answer once everything is there, else say what is missing."""
        answers, plan = self._answers(), self._plan
        said = (self._wrong(each, answers[each.name]) for each in self._fields)
        wrong = next((each for each in said if each), "")
        if not wrong and plan is not None and not plan.allowed:
            wrong = "It would be refused; see above."
        if not wrong and plan is not None and not plan.changes:
            wrong = "Nothing would change."
        if wrong:
            self._agreed = False
            self._problem.show([(wrong, "bad")])
        elif plan is not None:
            answers.pop("__name__", None)
            self.dismiss(Planned(plan, answers))

    def _wrong(self, field: Field, value: str) -> str:
        if field.required and not value:
            wrong = f"{field.label} may not stay empty."
        elif field.must and value != field.must:
            wrong = f"Type exactly {field.must} to go on."
        else:
            return ""
        self._inputs[field.name].focus()
        return wrong


def plan_lines(plan: RoutePlan, width: int) -> list[Line]:
    """A plan as two bars and sentences; what stands in the way comes first.

    Args:
        plan: The plan.
        width: Cells there are.
    """
    lines: list[Line] = []
    for blocker in plan.blockers:
        first, *rest = wrap(blocker, max(width - 4, 20))
        lines += [Line([("✗ ", "bad"), (first, "bad")]), *(Line([(f"  {part}", "bad")]) for part in rest)]
    lines.append(Line([(f"{'now':<{_LABEL}}", "dim"), *_bar(plan.before, width, killed=plan.killed_before)]))
    if plan.allowed:
        lines.append(Line([(f"{'then':<{_LABEL}}", "dim"), *_bar(plan.after, width, killed=plan.killed)]))
        for change in plan.changes:
            first, *rest = wrap(change, max(width - 4, 20))
            lines += [Line([("• ", "mark"), (first, "")]), *(Line([(f"  {part}", "")]) for part in rest)]
    return lines


def _bar(routes: Sequence[PlannedRoute], width: int, *, killed: bool) -> list[Part]:
    if killed:
        return [("every request is refused with 503", "bad")]
    shares = [(each.key.rpartition("/")[2], each.weight) for each in routes if each.weight]
    shares.sort(key=lambda each: each[0] not in _live(routes))
    said: list[Part] = []
    for place, (name, weight) in enumerate(shares):
        said += [(f"  {name} ", words.BAR_LOOKS[min(place, len(words.BAR_LOOKS) - 1)]), (words.percent(weight), "")]
    shadows = [each.key.rpartition("/")[2] for each in routes if each.share is Share.SHADOW]
    if shadows:
        said.append((f"  shadow {', '.join(shadows)}", "staging"))
    room = width - _LABEL - sum(len(text) for text, _ in said)
    return [*words.traffic_bar(shares, max(min(room, 40), 10)), *said]


def _live(routes: Sequence[PlannedRoute]) -> set[str]:
    return {each.key.rpartition("/")[2] for each in routes if each.share is Share.LIVE}

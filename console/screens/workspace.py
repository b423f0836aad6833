"""The workspace itself: who may do what, what the policy asks, how large it is, whether it is sound; and its backup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.actions import Action, Answers, Danger, Field, Needs
from console.commanding.shell_words import qd
from console.formats import count, duration, moment, size
from console.text import Part, table, wrap
from console.views import Page
from console.widgets.document import Line, blank, fields, heading
from engine.core.access import Access, Role
from engine.core.errors import PolicyInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.app import ConsoleApp
    from engine.audit.model import TreeHead
    from engine.maintenance.model import Backup, Finding, Statistics
    from engine.policy.model import Policy, StagePolicy


@dataclass(frozen=True, slots=True)
class Condition:
    """What the page shows.

    Args:
        statistics: The workspace in numbers.
        policy: What is asked of whom; `None` when the file is wrong.
        problem: What is wrong with the policy file; empty when nothing is.
        head: The audit log's head, to keep elsewhere.
    """

    statistics: Statistics
    policy: Policy | None
    problem: str
    head: TreeHead


def _check(app: ConsoleApp, _subject: object, _answers: Answers) -> None:
    app.say("Looking at every page and record…", "dim")
    app.act(app.engine.maintenance.check, lambda found: _checked(app, found), "qd db check")


def _checked(app: ConsoleApp, findings: Sequence[Finding]) -> None:
    view = app.view
    bad = [finding for finding in findings if not finding.ok]
    app.say("The workspace is sound." if not bad else f"{bad[0].check}: {bad[0].message}", "bad" if bad else "good")
    if isinstance(view, WorkspaceView):
        view.findings = tuple(findings)
        view.load()


def _back_up(app: ConsoleApp, _subject: object, answers: Answers) -> None:
    path = answers["directory"]
    app.say("Backing up…", "dim")
    app.act(lambda: app.engine.maintenance.backup(path), lambda made: _backed_up(app, made), f"qd db backup {path}")


def _backed_up(app: ConsoleApp, made: Backup) -> None:
    lost = f", {made.missing} artifact files missing" if made.missing else ""
    app.say(f"Backed up to {made.path}: {size(made.size_bytes)}{lost}.", "warn" if made.missing else "good")


class WorkspaceView(Page[Condition]):
    """The condition of the workspace."""

    kinds = frozenset({"policy"})
    actions = (
        Action(
            "check",
            "K",
            "check",
            _check,
            "Look whether database, log and artifacts are sound.",
            needs=Needs.NOTHING,
            twin=lambda _it, _said: qd("db", "check", ["--deep"]),
        ),
        Action(
            "backup",
            "B",
            "back up",
            _back_up,
            "Copy database and artifacts to a new directory.",
            danger=Danger.REVERSIBLE,
            needs=Needs.NOTHING,
            role=Role.OPERATOR,
            ask=lambda _nothing: (Field("directory", "new directory"),),
            twin=lambda _it, said: qd("db", "backup", said["directory"]),
        ),
    )

    findings: tuple[Finding, ...] = ()
    """What the last check of this session found."""

    def fetch(self) -> Condition:
        """Numbers, policy and head.

        Raises:
            QuarterdeckError: the workspace cannot be read.
        """
        engine = self.deck.engine
        try:
            policy, wrong = engine.policy, ""
        except PolicyInvalid as error:
            policy, wrong = None, str(error)
        return Condition(engine.maintenance.stats(), policy, wrong, engine.audit.head())

    def lines(self, data: Condition, width: int) -> Sequence[Line]:
        """Who, what is asked, how large, whether sound."""
        lines = [heading("Policy"), *_policy_lines(data, self.deck.engine.access, width)]
        lines += [blank(), heading("Audit log"), *fields(_head(data.head))]
        lines += [blank(), heading("Storage"), *fields(_storage(data.statistics))]
        lines += [blank(), heading("Soundness"), *_findings(self.findings, width), blank(), heading("Tables")]
        rows: list[list[Part]] = [
            [(f"  {each.table}", ""), (count(each.rows), "dim")] for each in data.statistics.tables
        ]
        return lines + [Line(row) for row in table(rows, right=frozenset({1}))]


def _policy_lines(data: Condition, access: Access, width: int) -> list[Line]:
    policy = data.policy
    if policy is None:
        return [Line([(f"  {part}", "bad")]) for part in wrap(data.problem, max(width - 4, 20))]
    who = "everybody is admin: there is no [roles]" if policy.roles is None else ""
    named = [(role.label, (" ".join(users), "")) for role, users in (policy.roles or {}).items()]
    lines = fields(
        [
            ("you", (f"{access.actor.name}, {access.role.label}", "strong")),
            *([("roles", (who, "warn"))] if who else named),
            ("file", ("quarterdeck.toml is missing" if policy.missing else f"digest {policy.digest[:16]}…", "dim")),
            ("expiry", (f"approvals {duration(policy.approval_expiry_ms)}", "")),
            ("evidence", (f"at most {duration(policy.evidence_max_age_ms)} old", "")),
            ("traces", (_kept(policy.traces_max_age_ms), "")),
        ]
    )
    rows: list[list[Part]] = [
        [(f"  {model}", "name"), (f"→ {stage}", "production" if stage == "production" else ""), *_demands(asked)]
        for (model, stage), asked in sorted(policy.stages.items())
    ]
    return lines + [Line(row) for row in table(rows)]


def _kept(max_age_ms: int | None) -> str:
    return "kept for ever" if max_age_ms is None else f"deleted by the server after {duration(max_age_ms)}"


def _demands(asked: StagePolicy) -> list[Part]:
    approvals = f"{asked.approvals} of {' '.join(asked.approvers) or 'any approver'}" if asked.approvals else "none"
    gates = ", ".join(gate.gate for gate in asked.gates) or "none"
    return [
        (f"approvals {approvals}", ""),
        (f"gates {gates}", "dim"),
        ("frozen at times" if asked.freeze else "", "warn"),
    ]


def _head(head: TreeHead) -> list[tuple[str, Part]]:
    return [
        ("records", (count(head.size), "")),
        ("head", (head.root_hash.hex(), "strong")),
        ("taken", (f"{moment(head.time_ms)}  keep it elsewhere: qd audit verify --head finds every later edit", "dim")),
    ]


def _storage(statistics: Statistics) -> list[tuple[str, Part]]:
    files = f"{count(statistics.artifact_files)} files, {size(statistics.artifact_bytes)}"
    return [
        ("database", (f"{size(statistics.size_bytes)}, log {size(statistics.wal_bytes)}", "")),
        ("artifacts", (files, "")),
        ("disk left", (size(statistics.disk_free_bytes), "")),
        ("schema", (str(statistics.schema), "dim")),
        ("path", (statistics.path, "dim")),
    ]


def _findings(findings: Sequence[Finding], width: int) -> list[Line]:
    if not findings:
        return [Line([("  not checked in this session; ", "dim"), ("K", "key"), (" checks", "dim")])]
    lines: list[Line] = []
    for finding in findings:
        verdict: Part = ("✓", "good") if finding.ok else ("✗", "bad")
        first, *rest = wrap(finding.message, max(width - 18, 20))
        lines.append(Line([("  ", ""), verdict, (f" {finding.check:<12}", ""), (first, "" if finding.ok else "bad")]))
        lines += [Line([(" " * 16 + part, "bad")]) for part in rest]
    return lines

"""Running the gates of a policy for one version, and keeping what they found as evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.core.access import Access, Role
from engine.core.clock import Clock
from engine.core.errors import Conflict, InvalidInput, NotFound
from engine.db.database import Database
from engine.db.transaction import Snapshot
from engine.gates import store as reports
from engine.gates.answering import guarded
from engine.gates.model import Facts, GateReport, LatencyReport, Trying
from engine.gates.standing import Standing, standing_answers
from engine.gates.telling import Told
from engine.policy.file import PolicyFile
from engine.policy.model import BaselineGate, GateSpec, IntegrityGate, Policy
from engine.policy.served import MEASURING, MOST_LOAD_ROWS, LatencyGate
from engine.registry.approval_model import EvidenceRef
from engine.registry.model import Stage, Version
from engine.registry.service import Models
from engine.registry.stages import production_versions, read_version
from engine.tracking.service import Runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.drift.baseline_model import Baseline
    from engine.gates.sources import Sources
    from engine.gates.trials import VersionTrials

    Progress = Callable[[str, int, int], None]

LOAD_MS = (100, 60_000)
"""How long `measure` may call each version, in milliseconds: least and most."""


class Gates:
    """Gates and the evidence they leave.

    Args:
        database: The control database.
        access: Who acts, with which role.
        models: The registry; reads a version's stored bytes.
        runs: Tells when the run of a version ended.
        policy_file: The policy, as it is at every moment.
        clock: Tells the time.
        sources: What builds, loads and calls versions, for the gates that ask for it.
    """

    def __init__(  # noqa: PLR0913 the composition root alone calls it; each is one thing it stands on
        self,
        database: Database,
        access: Access,
        models: Models,
        runs: Runs,
        policy_file: PolicyFile,
        clock: Clock,
        *,
        sources: Sources,
    ) -> None:
        self._database = database
        self._access = access
        self._models = models
        self._runs = runs
        self._policy_file = policy_file
        self._clock = clock
        self._sources = sources

    def check(
        self,
        model: str,
        version: int,
        *,
        to: Stage,
        store: bool = True,
        trying: Trying = Trying.ANEW,
        progress: Progress | None = None,
    ) -> GateReport:
        """Run every gate that the policy sets for a stage. Entering Production always reads the stored bytes too.

        Gates that build, load or call the model, or look into its files, take seconds and processes of their own. A dry
        run does not run them: what is kept of these bytes under this policy stands for them while it is young, else
        they are `skipped`.

        Args:
            model: The model's name.
            version: The version's number.
            to: The stage it wants to enter.
            store: Keep the report as evidence; without, this is a dry run that anybody may do.
            trying: When those gates run, where the report is to be kept.
            progress: Told what happens, steps done and steps in all; may raise to stop, and nothing is kept then.

        Returns:
            The report. A gate that fails, or breaks, is a result and no error.

        Raises:
            ReadOnlyMode: the engine was opened read-only, and the report is to be kept.
            PermissionDenied: the actor is no operator, and the report is to be kept.
            NotFound: no such model or version.
            Conflict: the version was replaced while the gates ran.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        if store:
            self._access.require(Role.OPERATOR, "models check")
        policy = self._policy_file.read()
        with self._database.snapshot() as view:
            found = read_version(view, model, version)
            serving = production_versions(view, model)
            kept = reports.latest(view, found.row_id, to)
        told = Told(progress)
        facts = replace(self._facts(found, serving), baseline=self._baseline(found, specs_for(policy, model, to)))
        if any(isinstance(spec, MEASURING) for spec in specs_for(policy, model, to)):
            facts = replace(facts, trials=self._trials(found, facts.production, told))
        standing = standing_answers(trying, kept, facts, policy, dry=not store)
        report = self._run(facts, to, policy, told=told, standing=standing)
        return self._keep(found, report) if store else report

    def measure(
        self,
        model: str,
        version: int,
        *,
        rows: int = 1,
        duration_ms: int = 2_000,
        compare: bool = True,
        progress: Progress | None = None,
    ) -> LatencyReport:
        """Call a version's built runtime and say how quick it is; builds it where nobody has. Keeps no evidence.

        Args:
            model: The model's name.
            version: The version's number.
            rows: Rows of a call, 1 to 10,000.
            duration_ms: How long each version is called, in milliseconds, 100 to 60,000.
            compare: Call the live version too, by turns.
            progress: Told what happens, steps done and steps in all; may raise to stop.

        Returns:
            What was found, and what the latency gate of Production says to it, where the policy has one.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            InvalidInput: `rows` or `duration_ms` is out of range.
            NotFound: no such model or version.
            NotServable: its files make no model that can answer here.
            RowRefused: it refuses every row there is to call it with.
            PredictionFailed: it broke, or took too long.
            IntegrityError: a file's bytes have changed.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        from engine.gates.latency import verdict
        from engine.gates.trial_model import Load

        actor = self._access.require(Role.OPERATOR, "models bench")
        if not 1 <= rows <= MOST_LOAD_ROWS:
            raise InvalidInput(f"rows must be from 1 to {MOST_LOAD_ROWS}.")
        if not LOAD_MS[0] <= duration_ms <= LOAD_MS[1]:
            raise InvalidInput(f"The duration must be from {LOAD_MS[0]} to {LOAD_MS[1]} ms.")
        policy = self._policy_file.read()
        with self._database.snapshot() as view:
            found = read_version(view, model, version)
            serving = production_versions(view, model)
        trials = self._trials(found, _others(found, serving), Told(progress))
        measured = trials.measured(Load(rows, duration_ms, compare=compare))
        asked = _latency_gate(policy, model, rows)
        return LatencyReport(
            model=model,
            version=version,
            digest=found.digest,
            time_ms=self._clock.now_ms(),
            actor=actor.name,
            rows=rows,
            duration_ms=duration_ms,
            measured=measured,
            verdict=None if asked is None else verdict(replace(asked, duration_ms=duration_ms), measured),
        )

    def latest(self, model: str, version: int, to: Stage) -> GateReport | None:
        """The newest evidence kept for a version and a stage.

        Args:
            model: The model's name.
            version: The version's number.
            to: The stage.

        Returns:
            The report, or `None` when the gates were never run for it.

        Raises:
            NotFound: no such model or version.
        """
        with self._database.snapshot() as view:
            return reports.latest(view, read_version(view, model, version).row_id, to)

    def get(self, report_id: int) -> GateReport:
        """A kept report.

        Args:
            report_id: Its number.

        Returns:
            The report with every result.

        Raises:
            NotFound: there is none of that number.
        """
        with self._database.snapshot() as view:
            report = self.read(view, report_id)
        if report is None:
            raise NotFound(f"There is no gate report {report_id}.", hint="`qd models check` makes one.")
        return report

    def read(self, view: Snapshot, report_id: int) -> GateReport | None:
        """A kept report as the caller's view has it, or `None`.

        Args:
            view: The caller's transaction or snapshot.
            report_id: Its number.
        """
        return reports.get(view, report_id) if 0 < report_id < 2**63 else None

    def gather(self, model: str, version: int, *, to: Stage) -> EvidenceRef:
        """Run the gates for a request for approval and keep the report that approvers are shown.

        Args:
            model: The model's name.
            version: The version's number.
            to: The stage it wants to enter.

        Returns:
            The report, as far as a request needs it.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no operator.
            NotFound: no such model or version.
            Conflict: the version was replaced while the gates ran.
            PolicyInvalid: `quarterdeck.toml` is wrong.
        """
        report = self.check(model, version, to=to)
        problem = " ".join(f"{result.label}: {result.message}" for result in report.failures)
        return EvidenceRef(report.id, report.digest, report.passed, problem)

    def _facts(self, version: Version, serving: tuple[Version, ...]) -> Facts:
        return Facts(
            version=version,
            production=_others(version, serving),
            damage="",
            evidence_ms=self._evidence_ms(version),
            now_ms=self._clock.now_ms(),
        )

    def _baseline(self, version: Version, specs: Sequence[GateSpec]) -> Baseline | None:
        if not any(isinstance(spec, BaselineGate) for spec in specs):
            return None
        from engine.drift.baselines import in_force  # most policies do not ask

        with self._database.snapshot() as view:
            return in_force(view, version.row_id)

    def _trials(self, version: Version, others: tuple[Version, ...], told: Told) -> VersionTrials:
        from engine.gates.trials import VersionTrials  # most policies ask for nothing that needs it

        return VersionTrials(version, others, self._sources, told)

    def _run(self, facts: Facts, to: Stage, policy: Policy, *, told: Told, standing: Standing) -> GateReport:
        version = facts.version
        specs = specs_for(policy, version.model, to)
        results = []
        for done, spec in enumerate(specs):
            told.begin(spec.gate, done, len(specs))
            if isinstance(spec, IntegrityGate):
                results.append(guarded(spec, replace(facts, damage=self._damage(version))))
            else:
                stands = standing.answer(spec) if isinstance(spec, MEASURING) else None
                results.append(stands or guarded(spec, facts))
            told.raise_stop()
        return GateReport(
            id=0,
            model=version.model,
            version=version.version,
            digest=version.digest,
            target=to,
            time_ms=facts.now_ms,
            actor=self._access.actor.name,
            policy_digest=policy.digest,
            baseline=tuple(sorted(each.version for each in facts.production)),
            passed=all(result.passed for result in results),
            results=tuple(results),
        )

    def _damage(self, version: Version) -> str:
        problems = self._models.check_files(version.model, version.version)
        shown = "; ".join(f"{problem.path}: {problem.problem}" for problem in problems[:3])
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        return f"{shown}{more}"

    def _evidence_ms(self, version: Version) -> int:
        """When the metrics were measured: the run's end, but never after they were copied at registration."""
        if version.run_id is None:
            return version.created_ms
        try:
            ended_ms = self._runs.get(version.run_id).end_ms
        except NotFound:
            return version.created_ms
        return version.created_ms if ended_ms is None else min(ended_ms, version.created_ms)

    def _keep(self, version: Version, report: GateReport) -> GateReport:
        with self._database.transaction(self._access.actor) as tx:
            current = read_version(tx, version.model, version.version)
            if (current.row_id, current.digest) != (version.row_id, version.digest):
                raise Conflict(f"{version.key} was replaced while the gates ran.", hint="Run them again.")
            kept = replace(report, id=reports.insert(tx, current.row_id, report))
            tx.emit(kind="version", change="changed", key=version.key)
        return kept


def _latency_gate(policy: Policy, model: str, rows: int) -> LatencyGate | None:
    """What Production asks of calls with so many rows."""
    specs = policy.stage(model, Stage.PRODUCTION.value).gates
    return next((each for each in specs if isinstance(each, LatencyGate) and each.rows == rows), None)


def specs_for(policy: Policy, model: str, to: Stage) -> tuple[GateSpec, ...]:
    """The gates of a stage; Production has the integrity gate whatever the policy says.

    Args:
        policy: The policy.
        model: The model's name.
        to: The stage.

    Returns:
        The gates, in the policy's order.
    """
    specs = policy.stage(model, to.value).gates
    if to is Stage.PRODUCTION and not any(isinstance(spec, IntegrityGate) for spec in specs):
        return (*specs, IntegrityGate())
    return specs


def _others(version: Version, serving: tuple[Version, ...]) -> tuple[Version, ...]:
    return tuple(each for each in serving if each.row_id != version.row_id)

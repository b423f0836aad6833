"""Running the gates of a policy for one version, and keeping what they found as evidence."""

from __future__ import annotations

from dataclasses import replace

from engine.core.access import Access, Role
from engine.core.clock import Clock
from engine.core.errors import Conflict, NotFound
from engine.db.database import Database
from engine.db.transaction import Snapshot
from engine.gates import evidence_age, fields, integrity, metric, not_worse, signature, size
from engine.gates import store as reports
from engine.gates.model import Facts, GateReport, GateResult, Status
from engine.policy.file import PolicyFile
from engine.policy.model import (
    EvidenceAgeGate,
    FieldsGate,
    GateSpec,
    IntegrityGate,
    MetricGate,
    NotWorseGate,
    Policy,
    SignatureGate,
    SizeGate,
)
from engine.registry.approval_model import EvidenceRef
from engine.registry.model import Stage, Version
from engine.registry.service import Models
from engine.registry.stages import production_versions, read_version
from engine.tracking.service import Runs


class Gates:
    """Gates and the evidence they leave.

    Args:
        database: The control database.
        access: Who acts, with which role.
        models: The registry; reads a version's stored bytes.
        runs: Tells when the run of a version ended.
        policy_file: The policy, as it is at every moment.
        clock: Tells the time.
    """

    def __init__(
        self, database: Database, access: Access, models: Models, runs: Runs, policy_file: PolicyFile, clock: Clock
    ) -> None:
        self._database = database
        self._access = access
        self._models = models
        self._runs = runs
        self._policy_file = policy_file
        self._clock = clock

    def check(self, model: str, version: int, *, to: Stage, store: bool = True) -> GateReport:
        """Run every gate that the policy sets for a stage. Entering Production always reads the stored bytes too.

        Args:
            model: The model's name.
            version: The version's number.
            to: The stage it wants to enter.
            store: Keep the report as evidence; without, this is a dry run that anybody may do.

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
        report = self._run(found, serving, to, policy)
        return self._keep(found, report) if store else report

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

    def _run(self, version: Version, serving: tuple[Version, ...], to: Stage, policy: Policy) -> GateReport:
        specs = specs_for(policy, version.model, to)
        reads_bytes = any(isinstance(spec, IntegrityGate) for spec in specs)
        facts = Facts(
            version=version,
            production=tuple(each for each in serving if each.row_id != version.row_id),
            damage=self._damage(version) if reads_bytes else "",
            evidence_ms=self._evidence_ms(version),
            now_ms=self._clock.now_ms(),
        )
        results = tuple(guarded(spec, facts) for spec in specs)
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
            results=results,
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


def guarded(spec: GateSpec, facts: Facts) -> GateResult:
    """Run one gate; one that breaks is an error in the report, which does not let the version through.

    Args:
        spec: The gate with its options.
        facts: What is known of the version.

    Returns:
        The gate's answer.
    """
    try:
        return _answer(spec, facts)
    except Exception as error:  # noqa: BLE001 whatever goes wrong inside a gate must count as a failure, never as a pass
        return GateResult(spec.gate, Status.ERROR, f"The gate broke: {type(error).__name__}: {error}")


def _answer(spec: GateSpec, facts: Facts) -> GateResult:  # noqa: PLR0911 one line a gate
    match spec:
        case MetricGate():
            return metric.run(spec, facts)
        case NotWorseGate():
            return not_worse.run(spec, facts)
        case IntegrityGate():
            return integrity.run(spec, facts)
        case SizeGate():
            return size.run(spec, facts)
        case SignatureGate():
            return signature.run(spec, facts)
        case FieldsGate():
            return fields.run(spec, facts)
        case EvidenceAgeGate():
            return evidence_age.run(spec, facts)

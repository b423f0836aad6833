"""The front door: opens a workspace and wires the services once. The only module that knows them all."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.core.access import Access
from engine.db.connection import Durability
from engine.db.database import Database
from engine.db.making import create
from engine.db.migrations import TELEMETRY
from engine.db.workspace import Workspace
from engine.opening import open, open_damaged  # noqa: A004 the field's word
from engine.policy.file import PolicyFile

__all__ = ["Engine", "create", "open", "open_damaged"]

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from engine.alerts.service import Alerts
    from engine.artifacts.store import ArtifactStore
    from engine.artifacts.uploads import Uploads
    from engine.audit.service import AuditLog
    from engine.core.access import Actor, Role
    from engine.core.clock import Clock
    from engine.core.ids import Ids
    from engine.core.moment import Moment
    from engine.db.feed import ChangeFeed
    from engine.db.storage import Storage
    from engine.db.transaction import Snapshot
    from engine.deployment.analyst import Analyst
    from engine.deployment.rollout_model import Rollout
    from engine.deployment.rollouts import Rollouts
    from engine.deployment.service import Promotions
    from engine.drift.service import Drift
    from engine.endpoints.builds import Builds
    from engine.endpoints.service import Endpoints
    from engine.gates.service import Gates
    from engine.jobs.service import Jobs
    from engine.lineage.service import Lineages
    from engine.maintenance.service import Maintenance
    from engine.monitoring.model import Monitor, MonitorResult, Subject
    from engine.monitoring.service import Monitors
    from engine.past.service import Past
    from engine.policy.console_model import ConsoleSettings, Taken
    from engine.policy.model import Policy
    from engine.probing.service import Probing
    from engine.processes.service import Processes
    from engine.prompts.service import Prompts
    from engine.registry.approvals import Approvals
    from engine.registry.service import Models
    from engine.scoring.lineage import BeyondRegistry
    from engine.scoring.service import Scorings
    from engine.telemetry.service import Telemetry
    from engine.tokens.service import Tokens
    from engine.traces.service import Traces
    from engine.tracking.experiments import Experiments
    from engine.tracking.logged_models import LoggedModels
    from engine.tracking.reading import RunReading
    from engine.tracking.redaction import Redaction
    from engine.tracking.service import Runs
    from engine.undoing.service import Undoing
    from engine.webhooks.outbox import Outbox
    from engine.webhooks.sending import Sender
    from engine.webhooks.service import Webhooks


class Engine:
    """One workspace, opened by one actor. Services are wired when they are first used.

    Safe to use from several threads; a forked child opens connections of its own.

    Args:
        workspace: Where it is.
        database: Its control database, migrated.
        policy_file: Its policy, re-read when it changes.
        access: Who acts, with which role.
        clock: Tells the time.
        ids: Makes run ids.
    """

    def __init__(
        self,
        workspace: Workspace,
        database: Database,
        *,
        policy_file: PolicyFile,
        access: Access,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self.workspace = workspace
        self.database = database
        self.access = access
        self.clock = clock
        self._policy_file = policy_file
        self._ids = ids

    @property
    def policy(self) -> Policy:
        """The workspace's policy as `quarterdeck.toml` says now.

        Raises:
            PolicyInvalid: the file is wrong; the details name the line and key.
        """
        return self._policy_file.read()

    def console_settings(self, taken: Taken) -> ConsoleSettings:
        """What `quarterdeck.toml` says of the console now.

        Args:
            taken: The keys and words that the console has already; who takes one is refused.

        Raises:
            PolicyInvalid: the file is wrong; the details name the line and key.
        """
        from engine.policy.console import load_console

        return load_console(self._policy_file.path, taken)

    @cached_property
    def artifacts(self) -> ArtifactStore:
        """The content-addressed files."""
        from engine.artifacts.store import ArtifactStore

        return ArtifactStore(self.workspace)

    @property
    def _redaction(self) -> Redaction:
        from engine.tracking.redaction import Redaction

        return Redaction(lambda: self._policy_file.read().redaction_allow)

    @cached_property
    def uploads(self) -> Uploads:
        """Files that come in parts."""
        from engine.artifacts.uploads import Uploads

        return Uploads(self.database, self.access, self.artifacts, self.clock, self._ids)

    @cached_property
    def experiments(self) -> Experiments:
        """Experiments."""
        from engine.tracking.experiments import Experiments

        return Experiments(self.database, self.access, self.clock, redaction=self._redaction)

    @cached_property
    def runs(self) -> Runs:
        """Runs: logging, search, metric history, artifacts."""
        from engine.tracking.service import Runs

        return Runs(self.database, self.access, self.artifacts, self.clock, self._ids, redaction=self._redaction)

    @cached_property
    def logged_models(self) -> LoggedModels:
        """Logged models: what training leaves behind before anybody registers it."""
        from engine.tracking.logged_models import LoggedModels

        return LoggedModels(
            self.database, self.access, self.artifacts, self.clock, self._ids, redaction=self._redaction
        )

    @cached_property
    def run_reading(self) -> RunReading:
        """The finding and reading half of `runs`, for a start that must be quick: it loads half as much code."""
        from engine.tracking.reading import RunReading

        return RunReading(self.database, self.access, self.artifacts, self.clock, self._ids)

    @cached_property
    def traces(self) -> Traces:
        """Traces: what programs did while they answered requests, span by span."""
        from engine.traces.service import Traces

        return Traces(self.database, self.access, self.clock, self._ids, redaction=self._redaction)

    @cached_property
    def models(self) -> Models:
        """Registered models, their versions and aliases, and lineage."""
        from engine.registry.service import Models

        def refuse_held(view: Snapshot, model: str, number: int | None) -> None:
            from engine.endpoints import holding  # most sessions delete nothing

            holding.refuse_held(view, model, number)

        def beyond() -> BeyondRegistry:
            from engine.scoring.lineage import BeyondRegistry  # only a lineage asks

            return BeyondRegistry()

        return Models(
            self.database,
            self.access,
            self.runs,
            self.artifacts,
            self._policy_file,
            self.clock,
            logged_models=self.logged_models,
            redaction=self._redaction,
            refuse_held=refuse_held,
            beyond=beyond,
        )

    @cached_property
    def prompts(self) -> Prompts:
        """Prompts: versions, aliases, differences."""
        from engine.prompts.service import Prompts

        return Prompts(self.database, self.access, self.clock, redaction=self._redaction)

    @cached_property
    def builds(self) -> Builds:
        """Versions made ready to serve."""
        from engine.endpoints.builds import Builds

        return Builds(self.database, self.access, lambda: self.models, self.artifacts, self.clock)

    @cached_property
    def endpoints(self) -> Endpoints:
        """Endpoints: what should serve, in which shares, and what data planes say of it."""
        from engine.endpoints.service import Endpoints

        return Endpoints(
            self.database,
            self.workspace,
            self.access,
            lambda: self.builds,
            self._policy_file,
            self.clock,
            ids=self._ids,
            redaction=self._redaction,
        )

    @cached_property
    def drift(self) -> Drift:
        """Baselines of versions, and what drifted from them."""
        from engine.drift.service import Drift

        def endpoints_of(model: str) -> tuple[str, ...]:
            with self.database.snapshot() as view:
                return self.endpoints.of_model(view, model)

        return Drift(
            self.database,
            self.access,
            self.models,
            self.artifacts,
            self.clock,
            runs=lambda: self.runs.files,
            capture=lambda: self.telemetry,
            endpoints_of=endpoints_of,
        )

    @cached_property
    def gates(self) -> Gates:
        """Gates and the evidence they leave."""
        from engine.gates.service import Gates
        from engine.gates.sources import Sources

        sources = Sources(
            self.database,
            self.models,
            self.artifacts.path_of,
            builds=lambda: self.builds,
            endpoints=lambda: self.endpoints,
            telemetry=lambda: self.telemetry,
        )
        return Gates(self.database, self.access, self.models, self.runs, self._policy_file, self.clock, sources=sources)

    @cached_property
    def approvals(self) -> Approvals:
        """Approval requests and decisions."""
        from engine.registry.approvals import Approvals

        return Approvals(self.database, self.access, self._policy_file, self.clock, evidence=self.gates)

    @cached_property
    def promotions(self) -> Promotions:
        """Promotion, rollback, and what was where when."""
        from engine.deployment.service import Promotions

        return Promotions(
            self.database,
            self.access,
            self.models,
            self.gates,
            approvals=self.approvals,
            policy_file=self._policy_file,
            endpoints=self.endpoints,
        )

    @cached_property
    def rollouts(self) -> Rollouts:
        """Rollouts: versions on their way to all of an endpoint's traffic."""
        from engine.deployment.rollouts import Rollouts

        return Rollouts(self.database, self.access, self.endpoints, self._policy_file)

    @cached_property
    def analyst(self) -> Analyst:
        """What carries rollouts on, for the one process that does."""
        from engine.deployment.analyst import Analyst

        def promote(actor: Actor, rollout: Rollout) -> object:
            acting = self.acting(actor, lambda: self._policy_file.read().role_of(actor.name))
            return acting.promotions.finish(rollout.id)

        return Analyst(
            self.database,
            self.endpoints,
            self.telemetry,
            self._policy_file,
            promote,
            self.clock,
            alerts=self.alerts.of_version,
        )

    @cached_property
    def _telemetry_database(self) -> Database:
        return Database(
            self.workspace.telemetry_db,
            clock=self.clock,
            read_only=self.access.read_only,
            durability=Durability.RELAXED,
            schema=TELEMETRY,
        )

    @cached_property
    def telemetry(self) -> Telemetry:
        """What endpoints were asked and answered: traffic, captured predictions, labels."""
        from engine.telemetry.service import Telemetry

        def find(name: str) -> int:
            return self.endpoints.get(name).row_id

        return Telemetry(self.workspace, self._telemetry_database, self.access, self.clock, find)

    @cached_property
    def monitors(self) -> Monitors:
        """What looks at windows of traffic and files, and what it finds."""
        from engine.monitoring.composing import Kit
        from engine.monitoring.rounds import Sight
        from engine.monitoring.service import Monitors
        from engine.monitoring.sighting import Eyes

        def classes(subject: Subject) -> tuple[Any, ...]:
            version = subject.version
            found = None if version is None else self.builds.get(self.models.version(subject.model, version).digest)
            return () if found is None else found.interface.classes

        kit = Kit(lambda: self.drift, self.workspace.path, classes)

        def endpoints(name: str | None) -> Mapping[int, str]:
            found = self.endpoints.page(limit=10_000).items if name is None else (self.endpoints.get(name),)
            return {each.row_id: each.name for each in found}

        eyes = Eyes(endpoints, lambda model: self.models.get(model).production, self.workspace.path)

        def act(monitor: Monitor, result: MonitorResult) -> None:
            from engine.deployment.reacting import Reactions  # few monitors do more than tell

            def rollouts(actor: Actor) -> Rollouts:
                return self.acting(actor, lambda: self._policy_file.read().role_of(actor.name)).rollouts

            Reactions(self.database, rollouts, self.access.actor).act(monitor, result)

        def count(telemetry: Database, monitor: Monitor, actor: Actor) -> None:
            eyes.counted(telemetry, monitor, actor, kit.references)

        sight = Sight(kit.tests, eyes.seen, eyes.moments, count, act)
        return Monitors(
            self.database, self._telemetry_database, self.access, self._policy_file, sight=sight, clock=self.clock
        )

    @cached_property
    def probing(self) -> Probing:
        """Endpoints that somebody else serves, and how they do."""
        from engine.probing.service import Probing

        return Probing(self.database, self._telemetry_database, self.access, self.clock, redaction=self._redaction)

    @cached_property
    def alerts(self) -> Alerts:
        """What monitors have found, and what people do about it."""
        from engine.alerts.service import Alerts

        return Alerts(self.database, self.access, self.clock)

    @cached_property
    def scoring(self) -> Scorings:
        """Batches of predictions: files in, files out."""
        from engine.scoring.service import Scorings

        return Scorings(self.database, self.access, self.models, self.builds)

    @cached_property
    def audit(self) -> AuditLog:
        """The audit log."""
        from engine.audit.service import AuditLog

        return AuditLog(self.database, self.clock)

    @cached_property
    def maintenance(self) -> Maintenance:
        """Backup, restore, check and statistics of the workspace itself."""
        from engine.maintenance.service import Maintenance

        return Maintenance(self.workspace, self.database, self.access, self.artifacts, self.clock)

    @cached_property
    def storage(self) -> Storage:
        """Whether the workspace can be written."""
        from engine.db.storage import Storage

        return Storage(self.database, self.access)

    @cached_property
    def jobs(self) -> Jobs:
        """Long work in processes of its own."""
        from engine.jobs.service import Jobs

        return Jobs(self.workspace, self.access, self.clock)

    @cached_property
    def processes(self) -> Processes:
        """The long-running processes of the workspace: its server."""
        from engine.processes.service import Processes

        return Processes(self.workspace, self.access)

    @cached_property
    def tokens(self) -> Tokens:
        """Who may use the server, and how far."""
        from engine.tokens.service import Tokens

        return Tokens(self.database, self.access, self.clock)

    @cached_property
    def webhooks(self) -> Webhooks:
        """Who is told what happens."""
        from engine.webhooks.service import Webhooks

        return Webhooks(self.database, self.access, self.audit, self._policy_file, self.clock, self._ids)

    def redact(self, text: str) -> str:
        """A text with what looks like a secret replaced, whatever the policy allows: for what leaves the workspace."""
        from engine.tracking.redaction import redacted

        return redacted("", text)

    @cached_property
    def undoing(self) -> Undoing:
        """Undo and redo of what the audit log holds."""
        from engine.undoing.service import Undoing

        return Undoing(self)

    def outbox(self, sender: Sender) -> Outbox:
        """The messages that wait for webhooks, for the one process that sends them.

        Args:
            sender: Sends them.
        """
        from engine.webhooks.outbox import Outbox

        return Outbox(self.database, self.audit, self._policy_file, self.clock, actor=self.access.actor, sender=sender)

    def acting(self, actor: Actor, role: Role | Callable[[], Role]) -> Engine:
        """The same workspace as somebody else uses it, over the same connections: what a server gives each caller.

        Args:
            actor: Who acts.
            role: The actor's role, or what finds it out.

        Returns:
            An engine; closing it closes this one's connections too.
        """
        access = Access(actor, role, read_only=self.access.read_only)
        acting = Engine(
            self.workspace, self.database, policy_file=self._policy_file, access=access, clock=self.clock, ids=self._ids
        )
        acting.artifacts = self.artifacts  # which knows the objects that it has compared with their digests
        acting._telemetry_database = self._telemetry_database
        return acting

    @cached_property
    def lineages(self) -> Lineages:
        """What led to a thing and what came of it, as trees."""
        from engine.lineage.service import Lineages

        return Lineages(self.database)

    @cached_property
    def past(self) -> Past:
        """Which changes there were, for going through the past."""
        from engine.past.service import Past

        return Past(self.workspace, self.database, self.audit)

    def at(self, moment: Moment) -> Engine:
        """The same workspace as it was at a moment, for reading: every service tells what it would have told then.

        What the audit log and the rows' own times tell is turned back; parameters, and tags that programs have logged,
        carry no time and are as they are now. The texts of deleted prompts and the files of deleted versions are gone.

        Args:
            moment: The moment.

        Returns:
            An engine that changes nothing; its clock stands at the moment. Close it.
        """
        from engine.past.service import PastClock

        control = self.past.control(moment)
        access = Access(self.access.actor, lambda: self.access.role, read_only=True)
        then = Engine(
            self.workspace,
            control,
            policy_file=self._policy_file,
            access=access,
            clock=PastClock(control),
            ids=self._ids,
        )
        then.artifacts = self.artifacts
        then._telemetry_database = self.past.telemetry(control)
        return then

    def feed(self, after: int | None = None) -> ChangeFeed:
        """News of changes made from now on, by any process.

        Args:
            after: The id of the last event known, to go on from there.

        Raises:
            WorkspaceReadOnly: the database cannot be opened.
            WorkspaceCorrupt: it is damaged.
            WorkspaceError: the disk failed.
        """
        return self.database.feed(after)

    def close(self) -> None:
        """Close the database connections of this process."""
        self.database.close()
        if "_telemetry_database" in vars(self):
            self._telemetry_database.close()
        if "past" in vars(self):
            self.past.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

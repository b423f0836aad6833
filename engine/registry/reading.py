"""Reading operations on models and versions: lookup, search, files, lineage, the past. No role is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.artifacts.model import ManifestEntry, manifest
from engine.core.errors import InvalidInput, NotFound, WorkspaceError
from engine.core.paging import Page
from engine.db.listing import Question, answer
from engine.registry import lookup, model_store, search_store, store
from engine.registry.model import FileProblem, Model, Stage, Version, VersionState
from engine.registry.names import check_alias

if TYPE_CHECKING:
    from engine.artifacts.store import ArtifactStore
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Snapshot
    from engine.registry.lineage import Lineage
    from engine.registry.tracing import Beyond
    from engine.tracking.service import Runs

_FOREVER_MS = 2**63


class ModelReading:
    """Finds and reads models and versions.

    Args:
        database: The control database.
        runs: Where versions come from.
        artifacts: The bytes of their files.
        clock: Tells the present, for ages in filters.
    """

    def __init__(self, database: Database, runs: Runs, artifacts: ArtifactStore, clock: Clock) -> None:
        self._database = database
        self._runs = runs
        self._artifacts = artifacts
        self._clock = clock
        self._beyond: Callable[[], Beyond] | None = None

    def get(self, name: str) -> Model:
        """The model of that name.

        Args:
            name: Its name.

        Raises:
            NotFound: there is none; the hint names the nearest.
        """
        with self._database.snapshot() as view:
            return lookup.model(view, name)

    def newest(self, names: Sequence[str]) -> dict[str, tuple[Version, ...]]:
        """The version of the greatest number in every stage, of several models at once.

        Args:
            names: The models' names; unknown ones are passed over.

        Returns:
            The versions by the name of their model, ascending; a model without versions is left out.
        """
        with self._database.snapshot() as view:
            return store.newest_per_stage(view, names)

    def page(
        self,
        filter: str = "",  # noqa: A002 the word of every list
        order_by: Sequence[str] = (),
        *,
        limit: int = 100,
        page_token: str | None = None,
    ) -> Page[Model]:
        """Search models.

        Args:
            filter: In the filter language, such as `owner = 'ada' AND tags.team = 'risk'`; empty for all.
            order_by: Sort keys such as `created DESC`; by name without any.
            limit: Models per page, 1 to 10,000.
            page_token: Continues an earlier page of the same query.

        Returns:
            The models, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            InvalidInput: the limit is out of range, or the token is not of this query.
        """
        asked = Question(filter, tuple(order_by), limit, page_token)
        with self._database.snapshot() as view:
            row_ids, token = answer(view, search_store.MODELS, asked, now_ms=self._clock.now_ms())
            return Page(model_store.models(view, row_ids), token)

    def version(self, name: str, number: int) -> Version:
        """The version of that number.

        Args:
            name: The model's name.
            number: The version's number.

        Raises:
            NotFound: no such model or version; the hint names the nearest.
        """
        with self._database.snapshot() as view:
            return lookup.version(view, name, number)

    def versions(
        self,
        name: str | None = None,
        filter: str = "",  # noqa: A002 the word of every list
        order_by: Sequence[str] = (),
        *,
        limit: int = 100,
        page_token: str | None = None,
    ) -> Page[Version]:
        """Search versions.

        Args:
            name: Only this model's; `None` for all models'.
            filter: In the filter language, such as `stage = 'production' AND metrics.auc > 0.9`; empty for all.
            order_by: Sort keys such as `metrics.auc DESC`; by model, then newest first, without any.
            limit: Versions per page, 1 to 10,000.
            page_token: Continues an earlier page of the same query.

        Returns:
            The versions, with a token when there are more.

        Raises:
            FilterSyntaxError: the filter or an order does not parse; `details["column"]` says where.
            NotFound: there is no model of that name; the hint names the nearest.
            InvalidInput: the limit is out of range, or the token is not of this query.
        """
        asked = Question(filter, tuple(order_by), limit, page_token, name)
        with self._database.snapshot() as view:
            if name is not None:
                lookup.model(view, name)
            row_ids, token = answer(view, search_store.VERSIONS, asked, now_ms=self._clock.now_ms())
            return Page(store.versions(view, row_ids), token)

    def resolve(self, reference: str) -> Version:
        """The version that a reference names.

        Args:
            reference: `churn/7`, `churn/latest`, `churn@champion` (an alias), `churn@production` (an alias, else the
                version that entered that stage last), or `churn` alone for the version in Production.

        Returns:
            The version it names now.

        Raises:
            NotFound: no such model, version, alias, or nothing in that stage.
            InvalidInput: it is no reference.
        """
        with self._database.snapshot() as view:
            name, slash, rest = reference.rpartition("/")
            if slash:
                return lookup.version(view, name, _number(view, name, rest))
            name, at, alias = reference.rpartition("@")
            if not at:
                return _in_stage(view, reference, Stage.PRODUCTION)
            target = model_store.alias_target(view, lookup.model(view, name).name, check_alias(alias))
            if target is not None:
                return lookup.version(view, name, target)
            return _in_stage(view, name, _stage_of(view, name, alias))

    def numbers(self, view: Snapshot, name: str, *stages: Stage) -> tuple[int, ...]:
        """The numbers of a model's versions, ascending, as a caller's transaction or snapshot sees them.

        Args:
            view: The caller's transaction or snapshot.
            name: The model's name.
            *stages: Only those in one of these stages; all without any.
        """
        return store.numbers(view, name, stages or tuple(Stage))

    def files(self, name: str, number: int) -> tuple[ManifestEntry, ...]:
        """The files of a version as registered, by path below its artifact path.

        Args:
            name: The model's name.
            number: The version's number.

        Raises:
            NotFound: no such model or version.
        """
        with self._database.snapshot() as view:
            return store.files(view, lookup.version(view, name, number).row_id)

    def check_files(self, name: str, number: int) -> tuple[FileProblem, ...]:
        """Read every stored byte of a version again and compare with what was registered.

        Args:
            name: The model's name.
            number: The version's number.

        Returns:
            What is wrong; nothing when the version is what was registered.

        Raises:
            NotFound: no such model or version.
        """
        with self._database.snapshot() as view:
            found = lookup.version(view, name, number)
            files = store.files(view, found.row_id)
        problems = [] if _agrees(found, files) else [_list_problem(found, files)]
        for each in files:
            problem = self._file_problem(each.digest)
            if problem:
                problems.append(FileProblem(each.path, each.digest, problem))
        return tuple(problems)

    def lineage(self, kind: str, key: str) -> Lineage:
        """All that led to a thing, and all that came of it.

        Args:
            kind: `dataset`, `run`, `version` or `scoring`.
            key: The digest of a dataset or of a file that was scored, a run's id, `churn/7`, or a batch's number.

        Returns:
            The things and what connects them.

        Raises:
            NotFound: there is no such thing.
            InvalidInput: the kind is none of these.
        """
        from engine.registry.tracing import trace  # only a lineage needs it

        with self._database.snapshot() as view:
            return trace(view, self._runs, kind, key, self._beyond() if self._beyond else None)

    def at(self, name: str | None, time_ms: int) -> tuple[VersionState, ...]:
        """What was where at a moment, replayed from the audit log alone.

        Args:
            name: The model's name at that moment; `None` for all models.
            time_ms: The moment, in milliseconds since the epoch.

        Returns:
            Every version that existed then, with its stage and aliases.

        Raises:
            IntegrityError: an audit record has been damaged.
        """
        from engine.audit.model import AuditEntry, AuditFilter  # only the past needs the log
        from engine.audit.service import MAX_PAGE as LOG_PAGE
        from engine.audit.service import AuditLog
        from engine.registry.history import KINDS, replay

        if time_ms >= self._clock.now_ms():
            time_ms = _FOREVER_MS  # whatever time a clock gave it, what is recorded has happened by now
        log = AuditLog(self._database, self._clock)
        entries: list[AuditEntry] = []
        with self._database.snapshot():  # one view for all pages
            for kind in KINDS:
                token: str | None = None
                while True:
                    found = log.page(AuditFilter(kind=kind), limit=LOG_PAGE, page_token=token)
                    entries += found.items
                    token = found.next_page_token
                    if token is None:
                        break
        states = replay(sorted(entries, key=lambda entry: entry.seq), time_ms)
        return tuple(state for state in states if name is None or state.model == name)

    def _file_problem(self, digest: str) -> str:
        try:
            if self._artifacts.verify(digest):
                return ""
            stored = self._artifacts.path_of(digest).exists()
        except (OSError, WorkspaceError, InvalidInput) as error:
            return f"cannot be read ({error})"
        return "its bytes have changed" if stored else "is missing"


def _number(view: Snapshot, name: str, text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    newest = store.latest(view, lookup.model(view, name).name)
    if text.lower() == "latest" and newest is not None:
        return newest
    from engine.core.text import clean  # only a wrong reference needs it

    hint = "Write churn/7, churn/latest, churn@champion or churn@production."
    raise InvalidInput(f"{clean(text, limit=40)!r} is no version.", hint=hint)


def _stage_of(view: Snapshot, name: str, alias: str) -> Stage:
    try:
        return Stage.parse(alias)
    except InvalidInput:
        from engine.core.suggest import did_you_mean  # only a wrong alias needs it

        known = [*lookup.model(view, name).aliases, *(stage.value.lower() for stage in Stage)]
        hint = did_you_mean(alias, known) or f"`qd models show {name}` shows its aliases."
        raise NotFound(f"{name} has no alias {alias}.", hint=hint) from None


def _in_stage(view: Snapshot, name: str, stage: Stage) -> Version:
    model = lookup.model(view, name)
    found = store.in_stage(view, model.name, stage)
    if not found:
        newest = f"Its newest version is {name}/{model.latest}." if model.latest else "It has no versions."
        raise NotFound(f"{name} has no version in {stage.value}.", hint=newest)
    return found[0]


def _agrees(version: Version, files: Sequence[ManifestEntry]) -> bool:
    """Whether the list of files still has the digest that approvals and evidence are bound to."""
    if not files:
        return False
    digests = {manifest("", files, is_dir=True).digest}
    if len(files) == 1:
        digests.add(manifest("", files, is_dir=False).digest)
    return version.digest in digests


def _list_problem(version: Version, files: Sequence[ManifestEntry]) -> FileProblem:
    registered_empty = version.size_bytes == 0 and version.digest == manifest("", (), is_dir=True).digest
    what = "there are no files: it was registered without any" if registered_empty and not files else ""
    return FileProblem(version.artifact_path, version.digest, what or "the list of its files has changed")

"""Batch scoring: files in, parts of answers out, resumable, and on record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from engine.core.paging import Page, decode_number, encode_token
from engine.scoring import store
from engine.scoring.answers import check_names
from engine.scoring.manifest import NAME, Folder, Manifest, continued
from engine.scoring.model import Begin, Job, State, Wanted
from engine.scoring.planning import Look, Seen, look, parts_of, same_as
from engine.scoring.running import Run, ending, unwrapped
from engine.tables.finding import find
from engine.tables.heads import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.compute.model import Cancelled, Executor
    from engine.core.access import Access, Actor
    from engine.db.database import Database
    from engine.endpoints.builds import Builds
    from engine.endpoints.model import Build
    from engine.registry.model import Version
    from engine.registry.reading import ModelReading
    from engine.scoring.model import InputFile, Scoring
    from engine.scoring.running import Progress

MAX_PAGE = 1_000


class Scorings:
    """Batches of predictions.

    Args:
        database: The control database.
        access: Who acts, with which role.
        models: The versions.
        builds: Makes them ready to answer.
    """

    def __init__(self, database: Database, access: Access, models: ModelReading, builds: Builds) -> None:
        self._database = database
        self._access = access
        self._models = models
        self._builds = builds

    def page(self, *, reference: str = "", limit: int = 100, page_token: str | None = None) -> Page[Scoring]:
        """What was scored, the newest first.

        Args:
            reference: Only with this version, such as `churn/7`; empty for all.
            limit: At most so many, 1 to 1,000.
            page_token: Continues an earlier page.

        Returns:
            The page.

        Raises:
            NotFound: no such version.
            InvalidInput: the limit, the token or the reference is none.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidInput(f"The limit must be from 1 to {MAX_PAGE}.")
        version = self._models.resolve(reference).row_id if reference else None
        before = None if page_token is None else decode_number(page_token)
        with self._database.snapshot() as view:
            found = store.page(view, version=version, limit=limit + 1, before=before)
        token = encode_token(found[limit - 1].id) if len(found) > limit else None
        return Page(tuple(found[:limit]), token)

    def get(self, scoring: int) -> Scoring:
        """One batch.

        Args:
            scoring: Its number.

        Returns:
            The batch.

        Raises:
            NotFound: there is none of that number.
        """
        with self._database.snapshot() as view:
            found = store.get(view, scoring)
        if found is None:
            raise NotFound(f"There are no predictions {scoring}.", hint="`qd predict list` lists them.")
        return found

    def run(
        self,
        wanted: Wanted,
        executor: Executor,
        *,
        progress: Progress | None = None,
        cancelled: Cancelled | None = None,
    ) -> Scoring:
        """Score files.

        What was written stays when it ends early, in any way; `Begin.RESUME` then reads only what is missing.

        Args:
            wanted: What is asked for.
            executor: Does the work.
            progress: Told how far it is, after each part.
            cancelled: Asked several times a second whether to stop.

        Returns:
            The finished batch, with the first rows that were refused.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor may not write, or the version has to be built and the actor is no operator.
            NotFound: no such version, or no such files.
            NotServable: the version's files make no model that can answer here.
            InvalidInput: an input cannot be read, is not what the model takes, or has changed.
            RowRefused: the model refuses a row.
            PredictionFailed: the model broke.
            AlreadyExists: there is something in the folder.
            Conflict: the run to go on with is another one, or its inputs have changed.
            Busy: another run writes there.
            IntegrityError: the folder's manifest or the built model is damaged.
            Stopped: `cancelled` said so.
            TaskFailed: a worker failed in another way.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the folder may not be written.
            WorkspaceError: the disk failed.
        """
        actor = self._access.require(Role.WRITER, "predict")
        version = self._models.resolve(wanted.reference)
        build = self._builds.build(version.model, version.version)
        _check_interface(build)
        check_names(build.interface, wanted.columns, wanted.on_error)
        with Folder(wanted.output.absolute()).take() as folder:
            manifest = self._begun(folder, wanted, version, build, executor)
            manifest = self._recorded(folder, manifest, version, actor)
            run = Run(folder, manifest, self._stand(actor), progress)
            with ending(run):
                run.make(self._job(folder, manifest, build), executor, cancelled)
        return replace(self.get(run.manifest.scoring), examples=run.examples())

    def _begun(self, folder: Folder, wanted: Wanted, version: Version, build: Build, executor: Executor) -> Manifest:
        """The manifest to work along: a new one, or what an interrupted run has left."""
        asked = Manifest(
            scoring=0,
            model=version.model,
            version=version.version,
            digest=version.digest,
            runtime=build.kind.value,
            file_digest=build.file_digest,
            format=wanted.format,
            columns=wanted.columns,
            on_error=wanted.on_error,
            state=State.RUNNING,
            inputs=(),
            parts=(),
        )
        kept = None if wanted.begin is Begin.RESTART else folder.read()
        if wanted.begin is Begin.NEW:
            _refuse_present(folder, kept)
        paths = find(wanted.inputs, wanted.output)
        if kept is not None:
            manifest = continued(kept, asked)
            inputs = _same_inputs(manifest, [str(each) for each in paths])
            parts = tuple(each if folder.sound(each) else replace(each, written=None) for each in manifest.parts)
            folder.clear(keep=frozenset((NAME, *(each.name for each in parts if each.written))))
            return replace(manifest, inputs=inputs, parts=parts)
        looks = [Look(str(path), build.interface, wanted.columns) for path in paths]
        with unwrapped():
            seen = list[Seen](executor.map(look, looks))
        folder.clear()
        return replace(asked, inputs=tuple(each.file for each in seen), parts=parts_of(seen, wanted.format))

    def _recorded(self, folder: Folder, manifest: Manifest, version: Version, actor: Actor) -> Manifest:
        """Write down that the run begins, or goes on."""
        output = str(folder.path)
        with self._database.transaction(actor) as tx:
            number = manifest.scoring
            if not number or not store.is_of(tx, number, output, manifest.digest):
                number = store.add(tx, manifest, version.row_id, output)
            else:
                store.stand(tx, number, manifest.totals(), State.RUNNING, "")
            after = {
                "scoring": number,
                "output": output,
                "input_files": len(manifest.inputs),
                "parts": len(manifest.parts),
                "parts_done": manifest.totals()["parts_done"],
            }
            record(tx, verb="predict", kind="version", key=version.key, before=None, after=after)
            tx.emit(kind="scoring", change="began", key=str(number), row_id=number)
        manifest = replace(manifest, scoring=number)
        folder.write(manifest)
        return manifest

    def _job(self, folder: Folder, manifest: Manifest, build: Build) -> Job:
        return Job(
            model_file=str(self._builds.path(build)),
            file_digest=build.file_digest,
            kind=build.kind,
            file_format=build.file_format,
            interface=build.interface,
            folder=str(folder.path),
            format=manifest.format,
            columns=manifest.columns,
            on_error=manifest.on_error,
        )

    def _stand(self, actor: Actor) -> Callable[[Manifest, str], None]:
        """What writes down how a run stands; its end is audited too."""

        def stand(manifest: Manifest, problem: str) -> None:
            totals = manifest.totals()
            with self._database.transaction(actor) as tx:
                if not store.stand(tx, manifest.scoring, totals, manifest.state, problem):
                    return
                if manifest.state is not State.RUNNING:
                    key = f"{manifest.model}/{manifest.version}"
                    after = {"scoring": manifest.scoring, "state": manifest.state.value, **totals}
                    record(tx, verb="predict", kind="version", key=key, before=None, after=after)
                tx.emit(kind="scoring", change="changed", key=str(manifest.scoring), row_id=manifest.scoring)

        return stand


def _check_interface(build: Build) -> None:
    shaped = next((each for each in build.interface.inputs if each.shape), None)
    if shaped is not None:
        raise InvalidInput(
            "This model takes arrays, and files have one value a column.", hint="Ask an endpoint of it instead."
        )


def _refuse_present(folder: Folder, kept: Manifest | None) -> None:
    if kept is not None and kept.state is State.FINISHED:
        raise AlreadyExists(
            f"{shown(folder.path)} holds the predictions of {kept.model}/{kept.version}.",
            hint="Choose another --out, or write over them with --restart.",
        )
    if kept is not None:
        raise AlreadyExists(
            f"{shown(folder.path)} holds predictions of {kept.model}/{kept.version} that did not end.",
            hint="Go on with --resume, or begin anew with --restart.",
        )
    foreign = folder.foreign()
    if foreign is not None:
        raise AlreadyExists(f"{shown(folder.path)} is not empty.", hint="Choose an empty folder, or a new one.")


def _same_inputs(manifest: Manifest, paths: list[str]) -> tuple[InputFile, ...]:
    """The inputs of an interrupted run, as they are now, if they are the same bytes."""
    if [each.path for each in manifest.inputs] != paths:
        raise Conflict(
            "The files are not those that the run began with.", hint="Name the same, or begin anew with --restart."
        )
    found: list[InputFile] = []
    for each in manifest.inputs:
        now = same_as(each)
        if now is None:
            raise Conflict(
                f"{shown(Path(each.path))} has changed since the run began.", hint="Begin anew with --restart."
            )
        found.append(now)
    return tuple(found)

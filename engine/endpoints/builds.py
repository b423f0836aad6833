"""Versions made ready to serve: built once for the same bytes, and kept with what showed that they answer alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.audit.service import record
from engine.core.access import Role
from engine.core.errors import Conflict, IntegrityError, InvalidInput, NotServable
from engine.core.names import in_shell
from engine.endpoints import build_store, store
from engine.endpoints.model import Build
from engine.runtimes.model import Field

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.artifacts.store import ArtifactStore
    from engine.core.access import Access
    from engine.core.clock import Clock
    from engine.db.database import Database
    from engine.db.transaction import Transaction
    from engine.registry.model import Version
    from engine.registry.reading import ModelReading
    from engine.runtimes.model import ParityReport, Runtime

    Progress = Callable[[str, int, int], None]


class Builds:
    """Makes versions ready to serve.

    Args:
        database: The control database.
        access: Who acts, with which role.
        models: Gives the versions and their files; not called to get what is built, which a start does.
        artifacts: The bytes.
        clock: Tells the time of a build.
    """

    def __init__(
        self,
        database: Database,
        access: Access,
        models: Callable[[], ModelReading],
        artifacts: ArtifactStore,
        clock: Clock,
    ) -> None:
        self._database = database
        self._access = access
        self._models = models
        self._artifacts = artifacts
        self._clock = clock

    def get(self, digest: str) -> Build | None:
        """The build of a version's bytes.

        Args:
            digest: The version's digest, 64 hex digits.

        Returns:
            The build; `None` when nobody has made it.
        """
        with self._database.snapshot() as view:
            return build_store.get(view, digest)

    def build(self, model: str, version: int, *, again: bool = False, progress: Progress | None = None) -> Build:
        """Make a version ready to serve, unless the same bytes are already.

        Nothing is kept when it is interrupted, so it may be at any time.

        Args:
            model: The model's name.
            version: The version's number.
            again: Build it even so.
            progress: Told what happens, steps done and steps in all; may raise to stop.

        Returns:
            The build.

        Raises:
            ReadOnlyMode: the engine was opened read-only, and it has to be built.
            PermissionDenied: the actor is no operator, and it has to be built.
            NotFound: no such model or version.
            NotServable: its files make no model that can answer here; the hint says what to do.
            IntegrityError: a file's bytes have changed.
            WorkspaceFull: no space is left.
            WorkspaceReadOnly: the file system does not let us write.
            WorkspaceError: the disk failed.
        """
        from engine.runtimes import building

        found = self._models().version(model, version)
        with self._database.snapshot() as view:
            anew = again or build_store.forbidden(view, found.digest)
            kept = None if anew else build_store.get(view, found.digest)
        if kept is not None and self._artifacts.path_of(kept.file_digest).exists():
            return kept
        actor = self._access.require(Role.OPERATOR, "models build")
        allowed = self.pickle_allowed(found.digest)
        try:
            made = building.build(self._readers(found), _declared(found), allow_pickle=allowed, progress=progress)
        except NotServable as error:
            raise NotServable(f"{found.key} cannot be served. {error.message}", hint=error.hint) from error
        blob = self._artifacts.put_bytes(made.data)
        build = Build(
            digest=found.digest,
            kind=made.kind,
            interface=made.interface,
            file_digest=blob.digest,
            file_format=made.file_format,
            parity=made.parity,
            size_bytes=blob.size_bytes,
            built_ms=self._clock.now_ms(),
        )
        with self._database.transaction(actor) as tx:
            build_store.put(tx, build)
            after = {"digest": build.digest, "runtime": build.kind.value, "file_digest": build.file_digest}
            record(tx, verb="build", kind="version", key=found.key, before=None, after=after)
            tx.emit(kind="version", change="built", key=found.key)
        return build

    def path(self, build: Build) -> Path:
        """The file of a build; `load` with the build's `file_digest` compares its bytes.

        Args:
            build: The build.

        Raises:
            InvalidInput: its digest is none.
        """
        return self._artifacts.path_of(build.file_digest)

    def load(self, build: Build) -> Runtime:
        """Load a build.

        Args:
            build: The build.

        Returns:
            What answers.

        Raises:
            IntegrityError: its file is gone, or its bytes have changed.
            NotServable: the bytes make no model.
        """
        from engine.runtimes.loading import load

        return load(self.path(build), build.kind, build.file_format, build.interface, digest=build.file_digest)

    def export(self, model: str, version: int, *, progress: Progress | None = None) -> tuple[bytes, ParityReport]:
        """A version as an ONNX file for use elsewhere. No role is needed; nothing is stored.

        Args:
            model: The model's name.
            version: The version's number.
            progress: Told what happens; may raise to stop.

        Returns:
            The file, and how it compares with the model; the caller decides on a refused one.

        Raises:
            NotFound: no such model or version.
            NotServable: there is no way to make one.
            IntegrityError: a file's bytes have changed.
        """
        from engine.runtimes import building

        found = self._models().version(model, version)
        try:
            return building.export_twin(self._readers(found), _declared(found), progress=progress)
        except NotServable as error:
            raise NotServable(f"{found.key} has no ONNX form. {error.message}", hint=error.hint) from error

    def allow_pickle(self, model: str, version: int, *, reason: str) -> None:
        """Answer for the pickle in a version's bytes, so that it may be loaded in a process of its own.

        Args:
            model: The model's name.
            version: The version's number.
            reason: Why it is to be trusted; must not be empty.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no approver.
            NotFound: no such model or version.
            InvalidInput: there is no reason.
        """
        actor = self._access.require(Role.APPROVER, "models allow-pickle")
        if not reason.strip():
            raise InvalidInput("This needs a reason.", hint="Say who made the file and how that is known.")
        found = self._models().version(model, version)
        with self._database.transaction(actor) as tx:
            build_store.allow(tx, found.digest, reason)
            after = {"digest": found.digest, "pickle": "allowed"}
            record(tx, verb="allow pickle", kind="version", key=found.key, before=None, after=after, reason=reason)
            tx.emit(kind="version", change="changed", key=found.key)

    def forbid_pickle(self, model: str, version: int, *, reason: str) -> None:
        """Take an approver's word for a pickle back: it is neither built nor routed any more.

        Args:
            model: The model's name.
            version: The version's number.
            reason: Why; must not be empty.

        Raises:
            ReadOnlyMode: the engine was opened read-only.
            PermissionDenied: the actor is no approver.
            NotFound: no such model or version.
            InvalidInput: there is no reason.
            Conflict: nobody answers for it, or endpoints have it loaded.
        """
        actor = self._access.require(Role.APPROVER, "models forbid-pickle")
        if not reason.strip():
            raise InvalidInput("This needs a reason.", hint="Say what is wrong with the file.")
        found = self._models().version(model, version)
        with self._database.transaction(actor) as tx:
            _refuse_loaded(tx, found)
            if not build_store.forbid(tx, found.digest):
                raise Conflict(f"Nobody answers for the pickle of {found.key}.", hint="It is not loaded as it is.")
            before, after = ({"digest": found.digest, "pickle": each} for each in ("allowed", "forbidden"))
            record(tx, verb="forbid pickle", kind="version", key=found.key, before=before, after=after, reason=reason)
            tx.emit(kind="version", change="changed", key=found.key)

    def pickle_allowed(self, digest: str) -> bool:
        """Whether an approver answers for the pickle in a version's bytes.

        Args:
            digest: The version's digest, 64 hex digits.
        """
        with self._database.snapshot() as view:
            return build_store.is_allowed(view, digest)

    def _readers(self, version: Version) -> dict[str, Callable[[], bytes]]:
        files = self._models().files(version.model, version.version)
        return {each.path: self._reader(each.digest, each.path) for each in files}

    def _reader(self, digest: str, path: str) -> Callable[[], bytes]:
        """Reads one file; the bytes that are compared with the digest are the ones that are used."""

        def read() -> bytes:
            from hashlib import sha256  # loads OpenSSL; most sessions build nothing

            with self._artifacts.open_unchecked(digest) as stream:
                data = stream.read()
            if sha256(data).hexdigest() != digest:
                raise IntegrityError(
                    f"The bytes of {path[:200]} have changed since it was registered.", hint="Run `qd db check`."
                )
            return data

        return read


def _refuse_loaded(tx: Transaction, version: Version) -> None:
    """Refuse while endpoints have these bytes loaded, under whatever name: they would not load again."""
    for model, number in build_store.keys_of(tx, version.digest):
        for endpoint, _ in store.routed(tx, model, number):
            raise Conflict(
                f"{model}/{number} has these bytes and is loaded behind {endpoint}.",
                hint=f"Take it out first: qd endpoints retire {in_shell(endpoint)} {number}.",
                details={"endpoint": endpoint},
            )


def _declared(version: Version) -> list[Field]:
    """The inputs that a signature names; the first dimension of a tensor is rows."""
    if version.signature is None:
        return []
    return [Field(each.name, each.dtype, each.shape[1:]) for each in version.signature.inputs]

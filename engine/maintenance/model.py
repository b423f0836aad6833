"""What backup, check and statistics tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup.

    Args:
        path: The directory it is in.
        schema: The schema version of the database in it.
        audit_head: The audit log's head at that moment, as one printable line.
        objects: Artifact files that its database speaks of.
        missing: How many of those are not in it, because the workspace had lost them or their bytes had changed.
        size_bytes: All its files together.
        time_ms: When it was made, in milliseconds since the epoch.
        telemetry_bytes: Of those bytes, the telemetry database; 0 when it is not in it.
    """

    path: str
    schema: int
    audit_head: str
    objects: int
    missing: int
    size_bytes: int
    time_ms: int
    telemetry_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        check: What was looked at: `database`, `references`, `audit`, `artifacts`, `telemetry`.
        ok: Whether it is sound.
        message: What was found, and what to do about it.
    """

    check: str
    ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """One table.

    Args:
        table: Its name.
        rows: How many rows it has.
        columns: Their names.
    """

    table: str
    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """The workspace in numbers.

    Args:
        path: The database file.
        schema: Its schema version.
        size_bytes: The database file's size.
        wal_bytes: The write-ahead log's size.
        free_bytes: Bytes inside the file that hold nothing.
        disk_free_bytes: Bytes left on the file system.
        artifact_files: Artifact files stored.
        artifact_bytes: Their sizes together.
        telemetry_bytes: The telemetry database's size and its log's; 0 when nothing was captured.
        tables: Every table.
    """

    path: str
    schema: int
    size_bytes: int
    wal_bytes: int
    free_bytes: int
    disk_free_bytes: int
    artifact_files: int
    artifact_bytes: int
    telemetry_bytes: int
    tables: tuple[TableStatistics, ...]

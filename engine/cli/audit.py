"""`qd audit`: read, verify and prove the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from engine.cli.cells import moment
from engine.cli.diagnostics import FAILED, narrate
from engine.cli.groups import LazyGroup
from engine.cli.options import gathered, paging_options
from engine.cli.output import Column, Format, format_options, show_lines, show_page, show_record
from engine.cli.progress import ProgressLine
from engine.cli.words import MOMENT

if TYPE_CHECKING:
    from engine.audit.model import AuditEntry, TreeHead
    from engine.cli.session import Session


def _who(entry: AuditEntry) -> str:
    return f"{entry.actor} (by {entry.on_behalf_of})" if entry.on_behalf_of else entry.actor


COLUMNS = (
    Column("seq", lambda entry: entry.seq, right=True),
    Column("time_ms", lambda entry: entry.time_ms, moment, "time", right=True),
    Column("actor", _who),
    Column("verb", lambda entry: entry.verb),
    Column("kind", lambda entry: entry.kind),
    Column("key", lambda entry: entry.key),
    Column("reason", lambda entry: entry.reason),
)


class _Where(NamedTuple):
    kind: str | None
    key: str | None
    actor: str | None
    verb: str | None
    since: int | None
    until: int | None


@click.group(cls=LazyGroup)
def audit() -> None:
    """Read, verify and prove the audit log."""


@audit.command("list")
@click.option("--kind", help="Only this kind of object: model, version, experiment, run, approval.")
@click.option("--key", help="Only this object, such as churn/7.")
@click.option("--actor", help="Only what this person did.")
@click.option("--verb", help="Only this act, such as promote.")
@click.option("--since", type=MOMENT, help="Not before this time.")
@click.option("--until", "--at", type=MOMENT, help="Not after this time.")
@gathered("where", _Where)
@paging_options
@format_options
@click.pass_obj
def list_(session: Session, where: _Where, limit: int, page_token: str | None, fmt: Format) -> None:
    """List records, newest first."""
    from engine.audit.model import AuditFilter

    chosen = AuditFilter(where.kind, where.key, where.actor, where.verb, where.since, where.until)
    show_page(session.engine().audit.page(chosen, limit=limit, page_token=page_token), COLUMNS, fmt)


@audit.command()
@click.argument("seq", type=int)
@format_options
@click.pass_obj
def show(session: Session, seq: int, fmt: Format) -> None:
    """Show one record, with the state before and after."""
    show_record(session.engine().audit.entry(seq), fmt)


@audit.command()
@click.option("--head", "kept", metavar="LINE", help="A head kept elsewhere, as printed by `qd audit head`.")
@format_options
@click.pass_obj
def verify(session: Session, kept: str | None, fmt: Format) -> int:
    """Recompute the whole log; exit 1 and name the first bad record when it was changed."""
    from engine.audit.model import format_head

    progress = ProgressLine("verifying")
    verdict = session.engine().audit.verify(_parse(kept), progress)
    progress.close()
    record = {
        "ok": verdict.ok,
        "size": verdict.size,
        "first_bad": verdict.first_bad,
        "problem": verdict.problem,
        "head": format_head(verdict.head),
    }
    show_record(record, fmt)
    if not verdict.ok:
        narrate(f"qd: the audit log is not intact: {verdict.problem}")
    return 0 if verdict.ok else FAILED


def _parse(line: str | None) -> TreeHead | None:
    from engine.audit.model import parse_head

    return None if line is None else parse_head(line)


@audit.command()
@format_options
@click.pass_obj
def head(session: Session, fmt: Format) -> None:
    """Print the tree head: one line to keep elsewhere; every later edit is found against it."""
    from engine.audit.model import format_head

    found = session.engine().audit.head()
    if fmt is Format.HUMAN:
        show_lines([format_head(found)])
    else:
        show_record({"size": found.size, "root_hash": found.root_hash, "head": format_head(found)}, fmt)


@audit.command()
@click.argument("seq", type=int)
@format_options
@click.pass_obj
def inclusion(session: Session, seq: int, fmt: Format) -> None:
    """Prove that record SEQ is part of the log as it is now (RFC 6962 audit path)."""
    show_record(session.engine().audit.inclusion(seq), fmt)


@audit.command()
@click.option("--head", "kept", metavar="LINE", required=True, help="The earlier head, as printed by `qd audit head`.")
@format_options
@click.pass_obj
def consistency(session: Session, kept: str, fmt: Format) -> int:
    """Prove that the log continues the one an earlier head stands for; exit 1 when it does not."""
    from engine.audit.model import parse_head

    log = session.engine().audit
    old, new = parse_head(kept), log.head()
    proof = log.consistency(old.size)
    holds = proof.holds(old, new)
    record = {"holds": holds, "old_size": proof.old_size, "new_size": proof.new_size, "path": proof.path}
    show_record(record, fmt)
    return 0 if holds else FAILED

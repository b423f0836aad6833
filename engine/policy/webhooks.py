"""What `quarterdeck.toml` says of webhooks: whom they may reach, and how else people may be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from engine.core.frozen import frozen

if TYPE_CHECKING:
    from engine.policy.reader import Table

SENDMAIL = ("/usr/sbin/sendmail", "-t", "-i")
"""What takes a mail on most machines."""


@frozen
class WebhookPolicy:
    """Whom messages may be brought to.

    Args:
        allow_private: Hosts that may be reached although their addresses are private.
        commands: Programs that may be told, with their arguments, by name; a webhook names one as `command:NAME`.
        sendmail: The program that takes a mail on its standard input, with its arguments.
        mail_from: Who mails are from; empty for whoever `sendmail` says.
    """

    allow_private: tuple[str, ...] = ()
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sendmail: tuple[str, ...] = SENDMAIL
    mail_from: str = ""


def read_webhooks(table: Table) -> WebhookPolicy:
    """Read `[webhooks]`.

    Args:
        table: The table; what is wrong is added to its problems.

    Returns:
        What it says.
    """
    commands = table.table("commands")
    found = WebhookPolicy(
        allow_private=table.words("allow_private"),
        commands={name: commands.line(name) for name in commands.names()},
        sendmail=table.line("sendmail", SENDMAIL),
        mail_from=table.text("mail_from"),
    )
    for name, line in found.commands.items():
        if not line or not line[0].startswith("/"):
            commands.refuse(name, "must begin with the whole path of a program.", 'Write ["/usr/local/bin/page"].')
    table.finish()
    return found

"""Telling by a program of this machine: one that the policy names, or the one that takes mails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from engine.core.text import clean
from engine.webhooks.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.policy.webhooks import WebhookPolicy
    from engine.webhooks.model import Parcel

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME")
"""Variables that a program gets; what else there is may be secret."""

_SHOWN = 60


def tell_program(parcel: Parcel, allowed: WebhookPolicy, *, patience_s: float) -> Outcome:
    """Run a program once with a message on its standard input. Whatever it does, this ends in time and raises nothing.

    A command gets the message as JSON, and in `QD_EVENT` and `QD_DELIVERY` what it is of and its name. No text of a
    message ever becomes an argument.

    Args:
        parcel: The message; its URL is `command:NAME` or `mailto:ADDRESS,…`.
        allowed: Which programs there are.
        patience_s: Longest that it may run, in seconds.

    Returns:
        What came of it; any exit code but 0 is a failure that is tried again.
    """
    scheme, _, rest = parcel.url.partition(":")
    message = json.loads(parcel.payload)
    event = f"{message.get('entity', '')}.{message.get('action', '')}"
    if scheme == "mailto":
        return _run(allowed.sendmail, _mail(rest, event, message, allowed.mail_from), {}, patience_s)
    line = allowed.commands.get(rest, ())
    if not line:
        return Outcome(None, "Not run: the policy no longer names this command.", final=True)
    facts = {"QD_EVENT": event, "QD_DELIVERY": parcel.delivery_id}
    return _run(line, parcel.payload.encode(), facts, patience_s)


def _run(line: Sequence[str], given: bytes, facts: dict[str, str], patience_s: float) -> Outcome:
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ} | facts
    try:
        process = subprocess.Popen(  # noqa: S603 a line of the policy, which only an admin writes; no shell
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environ,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Outcome(None, clean(f"Not run: {error}", limit=200))
    try:
        said = process.communicate(given, timeout=patience_s)[1]
    except subprocess.TimeoutExpired:
        return Outcome(None, f"It ran for more than {patience_s:g} s and was ended.")
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it has left behind
        process.wait()
        for pipe in (process.stdin, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
    if process.returncode == 0:
        return Outcome(0)
    words = clean(said.decode(errors="replace").strip(), limit=150)
    return Outcome(process.returncode, f"It ended with {process.returncode}. {words}".strip())


def _mail(to: str, event: str, message: dict[str, Any], sender: str) -> bytes:
    from email.message import EmailMessage  # few are told by mail
    from email.policy import SMTP

    data = message.get("data", {})
    subject = " ".join(str(data.get(key, "")) for key in ("severity", "model", "endpoint", "name", "sentence"))
    mail = EmailMessage(SMTP)
    mail["To"] = to
    if sender:
        mail["From"] = clean(sender, limit=200)
    mail["Subject"] = clean(f"[quarterdeck] {event}: {subject}", limit=_SHOWN * 3)
    width = max((len(key) for key in data), default=0)
    lines = [f"{clean(key, limit=_SHOWN):{width}}  {clean(str(value), limit=2_000)}" for key, value in data.items()]
    mail.set_content("\n".join([f"{event} at {message.get('timestamp', '')}", "", *lines, ""]))
    return mail.as_bytes()

"""Telling by a program of this machine: one that the policy names, or the one that takes mails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from tempfile import TemporaryFile
from time import monotonic
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

_HEARD, _PIECE = 600, 65_536
"""Bytes that are kept of a program's complaint, however long it is; bytes that are read at once."""

_SLICE_S = 0.05
"""How often it is looked whether a program that says nothing has ended, in seconds."""


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
        try:
            mail = _mail(rest, event, message, allowed.mail_from)
        except (ValueError, LookupError):  # the library's reader of addresses trips over some
            return Outcome(None, "Not sent: mail_from in [webhooks] of quarterdeck.toml is no address.")
        return _run(allowed.sendmail, mail, {}, patience_s)
    line = allowed.commands.get(rest, ())
    if not line:
        return Outcome(None, "Not run: the policy no longer names this command.", final=True)
    facts = {"QD_EVENT": event, "QD_DELIVERY": parcel.delivery_id}
    return _run(line, parcel.payload.encode(), facts, patience_s)


def _run(line: Sequence[str], given: bytes, facts: dict[str, str], patience_s: float) -> Outcome:
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ} | facts
    try:
        with TemporaryFile() as message:  # a pipe would wait for a program that does not read
            message.write(given)
            message.seek(0)
            process = subprocess.Popen(  # noqa: S603 a line of the policy, which only an admin writes; no shell
                line,
                stdin=message,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environ,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        return Outcome(None, clean(f"Not run: {error}", limit=200))
    with process:
        try:
            said = _heard(process, monotonic() + patience_s)
            code = process.poll()
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # and whatever it has left behind
    if code is None:
        return Outcome(None, f"It ran for more than {patience_s:g} s and was ended.")
    words = clean(said.decode(errors="replace").strip(), limit=150)
    return Outcome(code, f"It ended with {code}. {words}".strip() if code else "")


def _heard(process: subprocess.Popen[bytes], end_s: float) -> bytes:
    """The first words of a program's complaint, until it has ended or its time is over; no other is waited for.

    Args:
        process: The program.
        end_s: When its time is over, on the monotonic clock, in seconds.
    """
    import selectors

    said = b""
    with selectors.DefaultSelector() as waiting:
        errors = process.stderr
        if errors is not None:
            waiting.register(errors, selectors.EVENT_READ)
        while (left_s := end_s - monotonic()) > 0:
            ended = process.poll() is not None
            ready = bool(waiting.select(0 if ended else min(left_s, _SLICE_S)))
            piece = os.read(errors.fileno(), _PIECE) if ready and errors is not None else b""
            if ready and errors is not None and not piece:
                waiting.unregister(errors)  # it has closed them, and may still run
                errors = None
            said = (said + piece)[:_HEARD]
            if ended and (not piece or len(said) == _HEARD):
                break
    return said


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

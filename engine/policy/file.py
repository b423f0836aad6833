"""The policy file: read whole, refused whole when anything in it is wrong, and read again when it changes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from engine.core.errors import PolicyInvalid

if TYPE_CHECKING:
    from engine.policy.model import Policy
    from engine.policy.reader import Problem

MAX_BYTES = 1_000_000
"""Largest policy file that is read."""

_FRESH_NS = 20_000_000
"""A file changed so recently may change again without its time stamp moving: kernels tick every 1 to 10 ms."""

_PATIENCE = 50

_Signature = tuple[int, int, int, int]


def load_policy(path: Path) -> Policy:
    """Read a policy file.

    Args:
        path: The file; when there is none, the defaults hold.

    Returns:
        The policy.

    Raises:
        PolicyInvalid: the file cannot be read, is no TOML, or says something that has no meaning; the details name the
            line and key of the first mistake, and list all under `problems`.
    """
    from engine.policy.model import Policy  # 7 ms that a list, which asks for no role, does not pay

    text = read_text(path)
    if text is None:
        # Programs set `champion` on what they have just registered; who writes a policy means something by it.
        return Policy(missing=True, protected_aliases=("production",))
    return parse_policy(text, name=path.name)


def read_text(path: Path) -> str | None:
    """The text of a policy file; `None` when there is no file.

    Raises:
        PolicyInvalid: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if not path.is_symlink():
            return None
        raise _unreadable(path, "it is a link to nothing") from None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if len(data) > MAX_BYTES:
        raise _unreadable(path, f"it has over {MAX_BYTES} bytes")
    return _decode(data, path.name)


def parse_policy(text: str, *, name: str = "quarterdeck.toml") -> Policy:
    """Read the text of a policy.

    Args:
        text: TOML.
        name: The file's name, for messages.

    Returns:
        The policy.

    Raises:
        PolicyInvalid: the text is no TOML, or says something that has no meaning; details as for `load_policy`.
    """
    from engine.policy.parse import read_policy  # a workspace without a policy file does without

    data = _read_toml(text, name)
    policy, problems = read_policy(data, _digest(data))
    if problems:
        raise refuse(text, problems, name)
    return policy


class PolicyFile:
    """A policy that is read again whenever its file changes; safe to use from several threads.

    While the file is wrong every reading fails: nothing falls back to an older policy or to the defaults. It fails too
    while a file that was there is gone: no file would mean no demands. A file that changed within the last 20 ms is
    waited for, since an editor may have emptied it and be about to write it.

    Args:
        path: The file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._signature: _Signature | None = None
        self._seen = False
        self._policy: Policy | None = None

    def read(self) -> Policy:
        """The policy as the file says now.

        Raises:
            PolicyInvalid: the file is wrong, cannot be read, or was there before and is gone.
        """
        with self._lock:
            signature = self._stat()
            if self._policy is not None and signature == self._signature:
                return self._policy
            self._policy = None
            for _ in range(_PATIENCE):
                signature = self._settle(signature)
                policy = load_policy(self.path)
                read, signature = signature, self._stat()
                if read == signature:
                    self._policy, self._signature = policy, signature
                    return policy
            raise _unreadable(self.path, "it keeps changing while it is read")

    def _settle(self, signature: _Signature | None) -> _Signature | None:
        for _ in range(_PATIENCE):
            if signature is None or abs(time.time_ns() - signature[0]) > _FRESH_NS:
                break
            time.sleep(_FRESH_NS / 1e9)
            signature = self._stat()
        return signature

    def _stat(self) -> _Signature | None:
        try:
            found = os.stat(self.path)  # noqa: PTH116 called before each operation; pathlib costs three times as much
        except FileNotFoundError:
            if self._seen:
                raise _unreadable(self.path, "it was there before and is gone") from None
            return None
        except OSError as error:
            raise _unreadable(self.path, error.strerror or str(error)) from error
        self._seen = True
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _error(name, [(line, "", "is not UTF-8 text.", "Save the file as UTF-8.")]) from error


def _read_toml(text: str, name: str) -> dict[str, Any]:
    import tomllib  # 5 ms that a workspace without a policy file does not pay

    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and integers of thousands of digits
        line, problem = _toml_problem(str(error), text)
        raise _error(name, [(line, "", problem, "See https://toml.io for how TOML is written.")]) from error
    except RecursionError as error:
        raise _error(name, [(1, "", "is nested too deeply.", "")]) from error


def _toml_problem(message: str, text: str) -> tuple[int, str]:
    import re  # only a broken file needs it

    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if found:
        return int(found[1]), f"column {found[2]}: {message[: found.start()]}."
    return text.count("\n") + 1, f"{message}."


def _digest(data: dict[str, Any]) -> str:
    import json
    from hashlib import sha256

    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def refuse(text: str, problems: list[Problem], name: str) -> PolicyInvalid:
    """The error for a text with something wrong in it.

    Args:
        text: The text, which is TOML.
        problems: What is wrong, and where.
        name: The file's name.

    Returns:
        The error, not yet raised.
    """
    from engine.policy.lines import key_lines, line_of, written  # only a wrong file needs its lines

    lines = key_lines(text)
    found = [(line_of(lines, each.path), written(each.path), each.message, each.hint) for each in problems]
    return _error(name, sorted(found, key=lambda each: each[0]))


def _error(name: str, problems: list[tuple[int, str, str, str]]) -> PolicyInvalid:
    from engine.core.text import clean  # only a wrong file needs it

    listed: list[dict[str, object]] = [
        {"line": line, "key": clean(key), "message": clean(message), "hint": clean(hint)}
        for line, key, message, hint in problems
    ]
    first = listed[0]
    more = f" (and {len(listed) - 1} more)" if len(listed) > 1 else ""
    place = f"{name}, line {first['line']}" + (f", {first['key']}" if first["key"] else "")
    details = {"line": first["line"], "key": first["key"], "problems": listed}
    return PolicyInvalid(f"{place}: {first['message']}{more}", hint=str(first["hint"]), details=details)


def _unreadable(path: Path, why: str) -> PolicyInvalid:
    hint = "Put the file back, or make it readable; an empty one asks for nothing."
    return PolicyInvalid(f"{path} cannot be used: {why}.", hint=hint, details={"line": 0, "key": "", "problems": []})

"""What an artifact is: bytes with a digest, under a safe logical path."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_PATH = 1024
"""Longest logical path, in characters."""

MAX_NAME = 255
"""Longest part between two slashes, in UTF-8 bytes: what file systems take when an artifact is downloaded."""

_REFUSED = r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]"  # compiled when the first name is checked: a list of runs checks none
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:/|$)", re.ASCII)
_MOST_DECODINGS = 8
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@frozen
class Blob:
    """Stored bytes.

    Args:
        digest: SHA-256 of the bytes, 64 lower-case hex digits.
        size_bytes: How many bytes.
    """

    digest: str
    size_bytes: int


@frozen
class Artifact:
    """A file that something left behind, or a folder of them.

    Args:
        path: Its logical path below what it belongs to.
        digest: SHA-256 of the bytes; for a folder of its manifest.
        size_bytes: Its size; for a folder in all.
        is_dir: Whether it is a folder.
    """

    path: str
    digest: str
    size_bytes: int
    is_dir: bool = False


@frozen
class ManifestEntry:
    """One file of a folder.

    Args:
        path: Path below the folder, POSIX.
        digest: SHA-256 of its bytes, 64 lower-case hex digits.
        size_bytes: Its size.
    """

    path: str
    digest: str
    size_bytes: int


@frozen
class Manifest:
    """What a logical path holds: one file, or a folder of files.

    Args:
        path: The logical path that was asked for.
        digest: The file's digest, or for a folder the digest of its sorted entries; changes when any byte, name or
            size below it does.
        size_bytes: Bytes in all.
        entries: The files, sorted by path; for a single file its own name alone.
        is_dir: Whether the path is a folder.
    """

    path: str
    digest: str
    size_bytes: int
    entries: tuple[ManifestEntry, ...]
    is_dir: bool


def safe_path(text: str) -> str:
    """Check a logical path: relative, POSIX, and nothing that could leave its folder anywhere.

    Args:
        text: Such as `model/weights.bin`; a `/` at the end and `.` parts are dropped.

    Returns:
        The normalised path.

    Raises:
        InvalidInput: it is empty, absolute, a URL, over `MAX_PATH` characters, or holds `..`, `//`, a backslash, a
            control character, or a part of more than `MAX_NAME` bytes; or it is any of these once percent-decoded.
    """
    if len(text) > MAX_PATH:
        raise InvalidInput(f"The artifact path has {len(text)} characters; at most {MAX_PATH} are kept.")
    path = _checked(text, text)
    if "%" in text:
        _refuse_hidden(text)
    return path


def _checked(text: str, shown: str) -> str:
    if text.startswith("/") or "//" in text:
        raise _unsafe(shown, "it must be relative, with single slashes")
    if re.search(_REFUSED, text):
        raise _unsafe(shown, "backslashes, control characters and invalid Unicode are not kept")
    if _SCHEME.match(text):
        raise _unsafe(shown, "it is a URL or begins with a drive")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts:
        raise _unsafe(shown, "it names nothing")
    if ".." in parts:
        raise _unsafe(shown, "it must not contain '..'")
    if any(len(part.encode()) > MAX_NAME for part in parts):
        raise _unsafe(shown, f"a name in it is longer than {MAX_NAME} bytes")
    return "/".join(parts)


def _refuse_hidden(text: str) -> None:
    """Clients and proxies decode once more than they should: what a path hides behind percents must be safe too."""
    from urllib.parse import unquote  # most paths hold no percent

    for _ in range(_MOST_DECODINGS):
        decoded = unquote(text, errors="surrogateescape")
        if decoded == text:
            return
        # Bytes that are no UTF-8 can stand for no separator.
        _checked(decoded.encode(errors="replace").decode(), text)
        text = decoded
    raise _unsafe(text, "it is percent-encoded too often")


def _unsafe(text: str, why: str) -> InvalidInput:
    from engine.core.text import clean  # only a wrong path needs it

    shown = clean(text, limit=80)
    return InvalidInput(f"The artifact path '{shown}' is refused: {why}.", hint="Write it as model/weights.bin.")


def check_digest(digest: str) -> str:
    """Refuse what is not a digest, before it becomes part of a file name.

    Raises:
        InvalidInput: it is not 64 lower-case hex digits.
    """
    if not _DIGEST.fullmatch(digest):
        raise InvalidInput("A digest is 64 lower-case hex digits.")
    return digest


def manifest(path: str, entries: Iterable[ManifestEntry], *, is_dir: bool) -> Manifest:
    """Describe what a logical path holds.

    Args:
        path: The logical path.
        entries: Its files, in any order; at least one.
        is_dir: False when `entries` is the single file itself.

    Returns:
        The manifest. A folder's digest is the SHA-256 of the canonical JSON of its sorted `[path, digest, size]` rows.
    """
    files = tuple(sorted(entries, key=lambda entry: entry.path))
    size_bytes = sum(entry.size_bytes for entry in files)
    if not is_dir:
        return Manifest(path, files[0].digest, size_bytes, files, is_dir=False)
    rows = [[entry.path, entry.digest, entry.size_bytes] for entry in files]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    from hashlib import sha256  # loads OpenSSL; a list of runs does without

    return Manifest(path, sha256(text.encode()).hexdigest(), size_bytes, files, is_dir=True)

"""One page of a longer list, and the opaque token that continues it."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Generic, TypeVar

from engine.core.errors import InvalidInput
from engine.core.frozen import frozen

T = TypeVar("T")


@frozen
class Page(Generic[T]):
    """Some items of a list.

    Args:
        items: The items, in the order asked for.
        next_page_token: Hand it back to continue; `None` on the last page.
    """

    items: tuple[T, ...]
    next_page_token: str | None = None


def encode_token(position: object) -> str:
    """Pack a keyset position (any JSON value) into an opaque URL-safe token."""
    text = json.dumps(position, separators=(",", ":"), ensure_ascii=True)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_token(token: str) -> object:
    """Unpack what `encode_token` packed.

    Args:
        token: A token from an earlier page.

    Returns:
        The JSON value that was packed; its shape is for the caller to check.

    Raises:
        InvalidInput: the token is not one of ours.
    """
    padded = token + "=" * (-len(token) % 4)
    try:
        return json.loads(base64.b64decode(padded.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidInput("The page token is not valid.", hint="Start again without a page token.") from error


def decode_number(token: str, *, most: int = 2**63 - 1) -> int:
    """Unpack the position of a list along numbers from 1.

    Args:
        token: A token from an earlier page.
        most: The greatest number there can be.

    Returns:
        The number.

    Raises:
        InvalidInput: the token is not of such a list.
    """
    number = decode_token(token)
    if type(number) is not int or not 0 < number <= most:
        raise InvalidInput("The page token is not valid.", hint="Start again without a page token.")
    return number

"""The words the client tests share: a request the client would not send, and what a refusal said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from mlflow.exceptions import MlflowException

Call = Callable[..., requests.Response]
"""`api("POST", "runs/create", json=...)`; a path that begins with a slash is taken as it is."""

LONGEST_S = 15.0
"""For what is done at once, on a machine that does other things as well; a client that tries again takes longer."""


class Refusal:
    """What the server said when it refused.

    Args:
        error: The exception that the client made of it.
    """

    def __init__(self, error: MlflowException) -> None:
        self.code: str = error.error_code
        self.status: int = error.get_http_status_code()
        self.message: str = error.message


def refused(action: Callable[..., object], *args: object, **options: object) -> Refusal:
    """Call something that the server must refuse.

    Args:
        action: What to call.
        *args: Its arguments.
        **options: Its named arguments.

    Returns:
        What the server said.
    """
    with pytest.raises(MlflowException) as caught:
        action(*args, **options)
    return Refusal(caught.value)

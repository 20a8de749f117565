"""The API as commands call it, wherever it is.

In: an operation's name and AWS members. Out: its answer in AWS members, or ``ApiFailureError`` with the AWS code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from custodes.core.errors import CustodesError, UnavailableError


class ApiFailureError(CustodesError):
    """The API answered with an error; ``code`` is the AWS code."""

    def __init__(self, code: str, message: str) -> None:
        """Keep both."""
        super().__init__(f"{message} ({code})")
        self.code = code
        self.reason = message


class ApiClient(Protocol):
    """Calls operations; safe to use from several threads."""

    @property
    def place(self) -> str:
        """Where calls go, for people."""
        ...

    def call(self, operation: str, **members: Any) -> Mapping[str, Any]:
        """Answer of ``operation``.

        Raises:
            ApiFailureError: the API refuses.
            UnavailableError: the server cannot be reached.
        """
        ...


def unanswered(url: str) -> UnavailableError:
    """What is wrong where nothing answers at ``url``, and what to do."""
    return UnavailableError(
        f"{url} does not answer: start its server with `custodes serve`, or name another with --endpoint or --data"
    )

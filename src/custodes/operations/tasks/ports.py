"""What tasks need from outside: who lists objects, who computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from custodes.core.errors import NotSupportedError
from custodes.jobs.executor import Executor
from custodes.operations.tasks.commands import On

NO_RAY = "This server has no Ray cluster: set CUSTODES_RAY, see docs/scaling.md."


class ObjectLister(Protocol):
    """Lists what a bucket has."""

    def keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Keys below ``prefix`` in the order of their code points.

        Raises:
            InvalidParameterError: there is no such bucket.
            ObjectStoreError: it cannot be listed.
        """
        ...


class Executors(Protocol):
    """Who computes, by what was asked for."""

    def on(self, where: On) -> Executor:
        """Begun when first asked for. Raises NotSupportedError, UnavailableError."""
        ...

    def require(self, where: On) -> None:
        """Raise NotSupportedError where there is none, without beginning it."""
        ...


class LocalOnly:
    """Executors of this process alone."""

    def __init__(self, local: Executor) -> None:
        """It stays the caller's to close."""
        self._local = local

    def on(self, where: On) -> Executor:
        """See Executors."""
        self.require(where)
        return self._local

    def require(self, where: On) -> None:
        """See Executors."""
        if where is not On.LOCAL:
            raise NotSupportedError(NO_RAY)

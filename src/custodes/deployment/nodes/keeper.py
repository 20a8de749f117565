"""Duties that one server of several has at a time: taken up with the lease of the publisher, laid down with it.

In: leases as they come and go. Out: the application with the duties, while they are here. It decides nothing about
leases, and what the duties are is the business of whoever opens them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog
from starlette.types import ASGIApp

from custodes.operations.record.housekeeping import FAILURES

_RETRY_S = 1.0


class Keeper:
    """Opens duties on a thread of its own, because they wait for what the publisher does meanwhile."""

    def __init__(self, duties: Callable[[int], AbstractContextManager[ASGIApp]]) -> None:
        """``duties`` opens them under the number of a lease."""
        self._duties = duties
        self._changed = threading.Condition(threading.Lock())
        self._lease: int | None = None
        self._app: ASGIApp | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="duties", daemon=True)
        self._log = structlog.get_logger("custodes.node")

    @property
    def app(self) -> ASGIApp | None:
        """The application with the duties; None while they are not here."""
        return self._app

    def start(self) -> None:
        """Take up duties when there is a lease."""
        self._thread.start()

    def began(self, lease: int) -> None:
        """This server has the lease."""
        self._move(lease)

    def ended(self) -> None:
        """It has not any more."""
        self._move(None)

    def close(self) -> None:
        """Lay the duties down and return once that is done; call it before the lease is given up."""
        with self._changed:
            self._stopping = True
            self._app = None
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def _move(self, lease: int | None) -> None:
        with self._changed:
            self._lease = lease
            self._app = None
            self._changed.notify_all()

    def _run(self) -> None:
        while (lease := self._next()) is not None:
            try:
                self._keep(lease)
            except FAILURES as error:
                self._log.warning("duties were laid down", reason=str(error), error=type(error).__name__)
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, _RETRY_S)

    def _next(self) -> int | None:
        """The lease to take duties up under, once there is one; None when it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._lease is not None)
            return None if self._stopping else self._lease

    def _keep(self, lease: int) -> None:
        with self._duties(lease) as app, self._changed:
            if self._lease == lease and not self._stopping:
                self._app = app
                self._log.info("took up the duties", lease=lease)
            self._changed.wait_for(lambda: self._stopping or self._lease != lease)
            self._app = None

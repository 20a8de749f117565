"""Lists from their publishers' addresses, at the operator's site, each as often as the operator says.

In: publishers with their addresses; a way to download; lists. Out: new editions, or the reason why there is none, kept
with the publisher. What is unchanged is told by the publisher (ETag, Last-Modified) or by the digest, and not imported
again. A list that shrank waits for an operator to confirm it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import structlog

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError, InvalidParameterError
from custodes.governance.screening.lists import FORMATS
from custodes.operations.list_imports import Edition, ListFile, Lists, import_list

HOUR_MS = 3_600_000
_POLL_S = 30.0
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Publisher:
    """Where a list comes from.

    Attributes:
        name: of the list.
        form: its format.
        address: ``https:``; may hold a token, so it is shown without its query.
        every_h: hours from one look to the next.
        etag: what the publisher called the last answer; empty for nothing.
        modified: when the publisher changed it, in the publisher's words.
        digest: SHA-256 of the last file that was imported.
        checked_ms: last time it was asked; 0 for never.
        fetched_ms: last time it answered with a file that is in use or with "unchanged".
        failure: why the last look led to nothing; empty when it did not fail.
    """

    name: str
    form: str
    address: str
    every_h: int = 24
    etag: str = ""
    modified: str = ""
    digest: str = ""
    checked_ms: int = 0
    fetched_ms: int = 0
    failure: str = ""

    @property
    def shown(self) -> str:
        """The address without what may be secret in it."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"

    def is_due(self, now_ms: int) -> bool:
        """Whether it is time to look again; after a failure in a twelfth of the time, at least an hour."""
        every_ms = self.every_h * HOUR_MS
        return now_ms - self.checked_ms >= (max(HOUR_MS, every_ms // 12) if self.failure else every_ms)


def publisher(name: str, form: str, address: str, every_h: int) -> Publisher:
    """A publisher that makes sense.

    Raises:
        InvalidParameterError: an unknown format or one of several files, no https, or an odd number of hours.
    """
    if form not in FORMATS or form == "ofac-csv":
        known = ", ".join(sorted(FORMATS.keys() - {"ofac-csv"}))
        raise InvalidParameterError(f"a list by address has one of the formats {known}")
    parts = urlsplit(address)
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
        raise InvalidParameterError("a list is fetched by https only")
    if not 1 <= every_h <= 24 * 31:
        raise InvalidParameterError("a list is looked at every 1 to 744 hours")
    if not name or len(name) > 40:
        raise InvalidParameterError("the name of a list has 1 to 40 characters")
    return Publisher(name, form, address, every_h)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine by name or number."""
    return host in ("localhost", "::1") or host.startswith("127.")


@dataclass(frozen=True, slots=True)
class Download:
    """What a publisher answered: a file, or that nothing changed (``path`` is None then)."""

    path: Path | None
    etag: str = ""
    modified: str = ""


Fetch = Callable[[Publisher], AbstractContextManager[Download]]
"""Asks a publisher, with what is known of its last answer; the file is gone at the end of the block.

Raises CustodesError when it cannot be had."""


class Publishers(Protocol):
    """Where publishers are kept."""

    def all(self) -> Sequence[Publisher]:
        """All of them by name."""
        ...

    def keep(self, one: Publisher) -> None:
        """Add or replace one."""
        ...

    def remove(self, name: str) -> None:
        """Forget one; its list stays. Raises NotFoundError."""
        ...


class Refresh:
    """Looks at publishers and imports what is new."""

    def __init__(self, publishers: Publishers, lists: Lists, fetch: Fetch, clock: Clock) -> None:
        """Nothing is asked before ``run``."""
        self._publishers, self._lists, self._fetch, self._clock = publishers, lists, fetch, clock

    def run_due(self) -> list[Edition]:
        """Look at every publisher whose time has come; new editions."""
        now = self._clock.now_ms()
        found = [self.run(one) for one in self._publishers.all() if one.is_due(now)]
        return [edition for edition in found if edition is not None]

    def run(self, one: Publisher, *, confirm: bool = False) -> Edition | None:
        """Look at one publisher now; the new edition, or None when nothing changed or it failed: see ``failure``."""
        seen = replace(one, checked_ms=self._clock.now_ms())
        try:
            seen, edition = self._import(replace(seen, etag="", modified="") if confirm else seen, confirm)
        except CustodesError as error:
            seen, edition = replace(seen, failure=str(error)[:_LONGEST_REASON]), None
        self._publishers.keep(seen)
        return edition

    def _import(self, one: Publisher, confirm: bool) -> tuple[Publisher, Edition | None]:
        with self._fetch(one) as answer:
            fresh = replace(one, fetched_ms=self._clock.now_ms(), failure="")
            if answer.path is None:
                return fresh, None
            file = ListFile(answer.path, one.form, one.name, one.shown)
            edition = import_list(self._lists, file, self._clock, confirm=confirm, unless=one.digest)
        # The publisher's words are kept with an import only: a list that was refused is asked for again.
        fresh = replace(fresh, etag=answer.etag, modified=answer.modified)
        return (fresh, None) if edition is None else (replace(fresh, digest=edition.digest), edition)


class Schedule:
    """A thread that looks at publishers when they are due. Downloads and imports keep nobody else waiting."""

    def __init__(self, refresh: Refresh, imported: Callable[[Sequence[Edition]], object]) -> None:
        """Call ``imported``, in this thread, with new editions."""
        self._refresh, self._imported = refresh, imported
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="sanctions lists", daemon=True)
        self._logger = structlog.get_logger("custodes.lists")

    def start(self) -> None:
        """Look now, and then every half minute whether something is due."""
        self._thread.start()

    def close(self) -> None:
        """Stop; an import that runs is finished first."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        while True:
            try:
                if editions := self._refresh.run_due():
                    self._imported(editions)
            except (CustodesError, OSError) as error:
                self._logger.error("sanctions lists were not refreshed", reason=str(error))
            if self._stopping.wait(_POLL_S):
                return

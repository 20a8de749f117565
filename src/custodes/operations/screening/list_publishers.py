"""Lists from their publishers' addresses, at the operator's site, each as often as the operator says.

In: publishers with their addresses; a way to download; lists. Out: new editions, or the reason why there is none, kept
with the publisher. What is unchanged is told by the publisher (ETag, Last-Modified) or by the digest, and not imported
again. A list that shrank waits for an operator to confirm it.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError, InvalidParameterError
from custodes.operations.screening.list_imports import ListEditions, ListFile, import_list
from custodes.operations.screening.ports import Edition, Fetch, ListPublisher, Publishers, is_loopback
from custodes.screening.lists.notes import ReadingNotes
from custodes.screening.lists.read import FORMATS

_MAX_REASON_LENGTH = 300


def publisher(name: str, form: str, address: str, every_h: int) -> ListPublisher:
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
    return ListPublisher(name, form, address, every_h)


class Refresh:
    """Looks at publishers and imports what is new."""

    def __init__(self, publishers: Publishers, lists: ListEditions, fetch: Fetch, clock: Clock) -> None:
        """Nothing is asked before ``run``."""
        self._publishers, self._lists, self._fetch, self._clock = publishers, lists, fetch, clock

    def run_due(self) -> list[Edition]:
        """Look at every publisher whose time has come; new editions."""
        now = self._clock.now_ms()
        found = [self.run(one) for one in self._publishers.all() if one.is_due(now)]
        return [edition for edition in found if edition is not None]

    def run(self, one: ListPublisher, *, confirm: bool = False, notes: ReadingNotes | None = None) -> Edition | None:
        """Look at one publisher now; the new edition, or None when nothing changed or it failed: see ``failure``.

        What could not be read goes to ``notes``.
        """
        seen = replace(one, checked_ms=self._clock.now_ms())
        try:
            asked = replace(seen, etag="", modified="") if confirm else seen
            seen, edition = self._import(asked, confirm, notes)
        except CustodesError as error:
            seen, edition = replace(seen, failure=str(error)[:_MAX_REASON_LENGTH]), None
        self._publishers.keep(seen)
        return edition

    def _import(
        self, one: ListPublisher, confirm: bool, notes: ReadingNotes | None
    ) -> tuple[ListPublisher, Edition | None]:
        with self._fetch(one) as answer:
            fresh = replace(one, fetched_ms=self._clock.now_ms(), failure="")
            if answer.path is None:
                return fresh, None
            file = ListFile(answer.path, one.form, one.name, one.shown)
            edition = import_list(self._lists, file, self._clock, confirm=confirm, unless=one.digest, notes=notes)
        # The publisher's words are kept with an import only: a list that was refused is asked for again.
        fresh = replace(fresh, etag=answer.etag, modified=answer.modified)
        return (fresh, None) if edition is None else (replace(fresh, digest=edition.digest), edition)

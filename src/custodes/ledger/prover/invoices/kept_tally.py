"""The counts of uses of a running log, kept up to its newest entry, so that each entry is opened once.

In: the log at a checkpoint, a private document. Out: a ``UseTally`` over all of its entries. It is a cache: when it
is missing, damaged, or of another log, the log is counted again, and so it is when private bodies were destroyed since,
because what only they said must not live on here. Bills that go into the log are not made from it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from custodes.ledger.prover.invoices.use_tally import UseTally
from custodes.ledger.prover.ports import Documents
from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tlog.merkle import leaf_hash

_SAVED_EVERY = 4096
"""Entries that a start may have to count again."""
_STEP = 8192


def tally_of(log: LogFiles) -> UseTally:
    """The counts of a log, from its entries alone.

    Raises:
        BodyError: what is stored of a use is not what was committed.
    """
    tally = UseTally()
    _advance(tally, log, log.tree.size)
    tally.seen = tally.size
    return tally


class KeptTally:
    """Counts of one log. Any thread; one at a time."""

    def __init__(self, documents: Documents, name: str) -> None:
        """Keep them in the document called ``name``."""
        self._documents = documents
        self._name = name
        self._lock = threading.Lock()
        self._tally: UseTally | None = None
        self._saved = 0

    @contextmanager
    def at(self, log: LogFiles) -> Iterator[UseTally]:
        """The counts over all of ``log``, which nobody changes in the block.

        Raises:
            BodyError: what is stored of a use is not what was committed.
            OSError: the document cannot be written.
        """
        with self._lock:
            yield self._counted(log, log.tree.size)

    def step(self, log: LogFiles) -> bool:
        """Count at most so many entries more that nobody has to wait long meanwhile; whether all of ``log`` is counted.

        Raises as ``at`` does.
        """
        with self._lock:
            return self._counted(log, _STEP).size == log.tree.size

    def _counted(self, log: LogFiles, most: int) -> UseTally:
        tally = self._loaded() if self._tally is None else self._tally
        if not _is_of(tally, log) or log.destroyed_since(tally.seen):
            tally, self._saved = UseTally(), 0
        self._tally = None  # not to be used where counting fails half-way
        _advance(tally, log, min(log.tree.size, tally.size + most))
        tally.seen = log.tree.size
        self._tally = tally
        if tally.size - self._saved >= _SAVED_EVERY:
            self._documents.put(self._name, tally.dump())
            self._saved = tally.size
        return tally

    def _loaded(self) -> UseTally:
        try:
            tally = UseTally.load(self._documents.get(self._name) or b"")
        except (OSError, ValueError):
            return UseTally()
        self._saved = tally.size
        return tally


def _is_of(tally: UseTally, log: LogFiles) -> bool:
    if max(tally.size, tally.seen) > log.tree.size:
        return False
    return tally.size == 0 or leaf_hash(log.entry(tally.size - 1)) == tally.last


def _advance(tally: UseTally, log: LogFiles, end: int) -> None:
    if end == tally.size:
        return
    for use in log.uses(tally.size, end):
        tally.add(use)
    for run in log.retentions(tally.size, end):
        tally.add_retention(run)
    for index, entry in log.billings(tally.size):
        tally.billed[str(entry.fields.get("x"))] = index
    tally.size, tally.last = end, leaf_hash(log.entry(end - 1))

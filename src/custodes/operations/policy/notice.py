"""How long a notice has really run: time in which the log was seen to go on, and none that only a clock claims.

In: the log, a count of time that nobody can set. Out: milliseconds since an entry. The clock may be set ahead while the
server is off, so only time in front of entries counts that a server writes by itself while it runs: not what passed
before a start or a command. Nor does what lies within a stretch in which the log says that the clock was wrong, nor
more than two hours in front of one entry: a server that runs writes one each hour. Whoever keeps a server off lengthens
a notice; nobody shortens one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Protocol

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.verifier.moratorium.notice import seen_ms
from custodes.ledger.verifier.uncertainty import UncertainStretch

_TIME = re.compile(rb'"t":([0-9]+)')
_RUNNING = re.compile(rb'"k":"(?:auth|map|rec|tsa|use)"')
"""Kinds of entries that no start and no command begins with."""


class NoticeLog(Protocol):
    """The log as far as it is needed here."""

    def flush(self) -> Checkpoint:
        """Wait until everything is published."""
        ...

    def tree(self) -> Tree:
        """The published tree."""
        ...


class RunningNotice:
    """Time since entries of one log, for as long as one process has it open."""

    def __init__(self, log: NoticeLog, elapsed_ms: Callable[[], int]) -> None:
        """Count on from what ``log`` holds now by ``elapsed_ms``, which goes on while the machine sleeps."""
        self._log = log
        self._elapsed_ms = elapsed_ms
        self._size = log.flush().size
        self._began = elapsed_ms()
        self._before: dict[int, int] = {}

    def recorded(self, index: int) -> None:
        """Entry ``index`` was written a moment ago."""
        self._before[index] = self._began - self._elapsed_ms()

    def waited_ms(self, index: int) -> int:
        """At least so much time has passed since entry ``index`` was written."""
        if index not in self._before:
            entries = self._log.tree().entries(index, self._size) if index < self._size else ()
            self._before[index] = _seen_ms(envelope for _, envelope in entries)
        return max(0, self._before[index] + self._elapsed_ms() - self._began)


def _seen_ms(envelopes: Iterable[bytes]) -> int:
    """Time in which entries show that a log went on."""
    times, running, wrong = list[int](), set[int](), list[UncertainStretch]()
    for envelope in envelopes:
        found = _TIME.search(envelope)
        assert found is not None
        t = int(found[1])
        if _RUNNING.search(envelope):
            running.add(len(times))
        elif b'"k":"inc"' in envelope:
            entry = decode(envelope)
            reach = entry.fields.get("n")
            if str(entry.fields.get("x")).startswith("clock") and isinstance(reach, int):
                wrong.append(UncertainStretch(t - reach, t + reach))
        times.append(t)
    return seen_ms(times, running, wrong)

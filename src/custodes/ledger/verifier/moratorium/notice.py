"""How long a notice ran, told by the log itself: time in which entries show that it went on.

In: times of entries, from the announcement to the moment that is asked about. Out: milliseconds. A clock can be set
ahead while a server is off, so a gap counts in full, up to two hours, only in front of an entry that a running server
writes: it writes one each hour. What lies within a stretch in which the log says that the clock was wrong counts
nothing. So an operator whose server is off lengthens a notice, and nobody shortens one without saying false times all
the way, which only clocks of others show.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from custodes.ledger.verifier.uncertainty import UncertainStretch

MOST_MS = 2 * 3_600_000
LEAST_MS = 5_000
"""So much of a gap counts in front of an entry that does not show that the server ran through it."""


def seen_ms(times: Sequence[int], running: Set[int], wrong: Sequence[UncertainStretch]) -> int:
    """Time in which a log was seen to go on.

    Args:
        times: of entries one behind the other (ms).
        running: places among them of those that a running server writes.
        wrong: where times say nothing.
    """
    total = 0
    for at in range(1, len(times)):
        begin, end = times[at - 1], times[at]
        if not any(stretch.begin <= end and begin <= stretch.end for stretch in wrong):
            total += min(end - begin, MOST_MS if at in running else LEAST_MS)
    return total

"""The hourly job: credit new uses to their accounts and put a new head of the account map into the log.

In: the uses in the published log, the state of the map, a way to append an entry. Out: a ``map`` entry. Call
``close_head`` every hour, before an invoice run, and on demand. One at a time; it is safe to be killed at any moment:
the next run credits the same uses again, from the state of the last head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from custodes.ledger.prover.account_map_binding import check_credited, without_body
from custodes.ledger.prover.maps.account_map_file import MapState
from custodes.ledger.prover.maps.vrf_keys import VrfKeys
from custodes.ledger.prover.ports import Use, UseStream

Append = Callable[[Mapping[str, int | str]], int]
"""Appends a ``map`` entry with these public fields; returns its index once it is durable."""

_ENTRIES_AT_ONCE = 1 << 16


class Indexer:
    """Owns the account map of a running operator."""

    def __init__(self, keys: VrfKeys, state: MapState, append: Append) -> None:
        """Place names under the present key, keep the map in ``state``, write heads with ``append``."""
        self._keys = keys
        self._state = state
        self._append = append

    def close_head(self, uses: UseStream, size: int) -> int:
        """Credit all uses among the first ``size`` entries and log the head; returns the index of its entry.

        Args:
            uses: the uses of the log; must reach to ``size``.
            size: size of the published log.

        Raises:
            MapError: the state is damaged, uses are out of order, or nobody can say whose one is.
            OSError: a file could not be read or written; nothing is lost, run it again.
            LedgerUnavailableError: the log takes no entries now.
        """
        # Loading anew each time keeps no second truth in memory: what is on the disk is what the last head said.
        accounts, _ = self._state.load(self._keys)
        credited: list[Use] = []
        for begin in range(accounts.size, size, _ENTRIES_AT_ONCE):
            end = min(size, begin + _ENTRIES_AT_ONCE)
            part = [without_body(use) for use in uses.uses(begin, end)]
            for use in part:
                check_credited(use)
            accounts.advance(part, end)
            credited += part
        head = self._append(accounts.head_fields())
        self._state.save(accounts, credited, head)
        return head

"""What the account map needs between runs, in two documents: its state at the last head, and whose use each use is.

In: an ``AccountMap``, the uses credited since the last time, the index of the head's entry. Out: the same again, and
the uses of an account. They name accounts, so they belong to the operator alone. All can be made anew from the
log, except for uses whose private bodies have been erased since: that is why erasure does not touch it.
A crash at any moment leaves the state of the last completed ``save``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.vrf_keys import VrfKeys
from custodes.ledger.prover.ports import Documents, Use
from custodes.ledger.verifier.maps.proof import MapError

_HEAD = struct.Struct(">QQ")
_ROW = struct.Struct(">QI")
_STATE, _USES = "account.map", "account.uses"
_ROWS_AT_ONCE = 1 << 16


class MapState:
    """The account map's documents. One writer; readers may come at any time."""

    def __init__(self, documents: Documents) -> None:
        """Keep them among ``documents``."""
        self._documents = documents

    def load(self, keys: VrfKeys) -> tuple[AccountMap, int | None]:
        """The map at its last head and the index of that head's entry; an empty map and None at the first start.

        Raises:
            MapError: the file is damaged or of a key that is not at hand.
            OSError: it cannot be read.
        """
        data = self._state()
        if data is None:
            return AccountMap(keys.present), None
        dump = data[_HEAD.size :]
        return AccountMap.load(keys.of(AccountMap.key_of(dump)), dump), _HEAD.unpack_from(data)[0]

    def save(self, accounts: AccountMap, credited: Sequence[Use], head: int) -> None:
        """Keep the map at the head that is entry ``head``; ``credited`` are the uses since the last save, in order.

        Raises:
            OSError: it could not be made durable.
        """
        data = self._state()
        rows = _HEAD.unpack_from(data)[1] if data else 0
        numbers = {name: number for number, name in enumerate(accounts.names())}
        added = b"".join(_ROW.pack(use.index, numbers[use.account]) for use in credited)
        # What stands behind the rows that the state knows was written by a save that did not finish.
        self._documents.extend(_USES, rows * _ROW.size, added)
        self._documents.put(_STATE, _HEAD.pack(head, rows + len(credited)) + accounts.dump())

    def clear(self) -> None:
        """Forget everything: the map is about to be made again from the log."""
        for name in (_STATE, _USES):
            self._documents.remove(name)

    def head(self) -> int | None:
        """Index of the head that the state was saved at; None before the first."""
        data = self._state()
        return _HEAD.unpack_from(data)[0] if data else None

    def rows(self) -> int:
        """How many uses are listed; fewer than the state says when the list was cut."""
        data = self._state()
        known = _HEAD.unpack_from(data)[1] if data else 0
        return min(known, self._documents.size(_USES) // _ROW.size)

    def dumped(self) -> bytes:
        """``AccountMap.dump`` as it was saved; empty before the first head."""
        return (self._state() or b"")[_HEAD.size :]

    def indexes(self, number: int) -> Iterator[int]:
        """Indexes of all uses of the account with this number in ``AccountMap.names``, in order."""
        return (index for index, account in self.credited() if account == number)

    def credited(self) -> Iterator[tuple[int, int]]:
        """Index of each use and number of its account, in order."""
        data = self._state()
        left = _HEAD.unpack_from(data)[1] if data else 0
        begin = 0
        while left:
            part = self._documents.read(_USES, begin, min(left, _ROWS_AT_ONCE) * _ROW.size)
            if not part or len(part) % _ROW.size:
                raise MapError("the list of uses is cut off")
            begin, left = begin + len(part), left - len(part) // _ROW.size
            yield from _ROW.iter_unpack(part)

    def _state(self) -> bytes | None:
        return self._documents.get(_STATE)

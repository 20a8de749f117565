"""What the account map needs between runs, in a folder: its state at the last head, and whose use each use is.

In: an ``AccountMap``, the uses credited since the last time, the index of the head's entry. Out: the same again, and
the uses of an account. Files name accounts, so the folder belongs to the operator alone. All can be made anew from the
log, except for uses whose private bodies have been erased since: that is why erasure does not touch it.
A crash at any moment leaves the state of the last completed ``save``.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from custodes.durable import write_durably
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.vrf_keys import VrfKeys
from custodes.ledger.prover.ports import Use
from custodes.ledger.verifier.maps.proof import MapError

_HEAD = struct.Struct(">QQ")
_ROW = struct.Struct(">QI")
_STATE, _USES = "account.map", "account.uses"
_ROWS_AT_ONCE = 1 << 16


class MapState:
    """The account map's files. One writer; readers may come at any time."""

    def __init__(self, folder: Path) -> None:
        """Keep files in ``folder``, which must exist."""
        self._folder = folder

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
        fd = os.open(self._folder / _USES, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "r+b") as file:
            # What stands behind the rows that the state knows was written by a save that did not finish.
            file.truncate(rows * _ROW.size)
            file.seek(0, os.SEEK_END)
            file.write(b"".join(_ROW.pack(use.index, numbers[use.account]) for use in credited))
            file.flush()
            os.fsync(file.fileno())
        write_durably(self._folder / _STATE, _HEAD.pack(head, rows + len(credited)) + accounts.dump())

    def clear(self) -> None:
        """Forget everything: the map is about to be made again from the log."""
        for name in (_STATE, _USES):
            (self._folder / name).unlink(missing_ok=True)

    def head(self) -> int | None:
        """Index of the head that the state was saved at; None before the first."""
        data = self._state()
        return _HEAD.unpack_from(data)[0] if data else None

    def rows(self) -> int:
        """How many uses the files list; fewer than the state says when the list was cut."""
        data = self._state()
        known = _HEAD.unpack_from(data)[1] if data else 0
        try:
            return min(known, (self._folder / _USES).stat().st_size // _ROW.size)
        except FileNotFoundError:
            return 0

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
        if not left:
            return
        with (self._folder / _USES).open("rb") as file:
            while left:
                part = file.read(min(left, _ROWS_AT_ONCE) * _ROW.size)
                if not part or len(part) % _ROW.size:
                    raise MapError("the list of uses is cut off")
                left -= len(part) // _ROW.size
                yield from _ROW.iter_unpack(part)

    def _state(self) -> bytes | None:
        try:
            return (self._folder / _STATE).read_bytes()
        except FileNotFoundError:
            return None

"""Cases of identifications where several servers have one database: a shared note, changed one after the other.

In: cases. Out: the same, durable and sealed. What they mean is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from custodes.core.errors import UnavailableError
from custodes.governance.authorisation import Case
from custodes.storage.files.cases import changed, decoded, encoded
from custodes.storage.sql.nodes.notes import SharedNotes

CASES = "cases"


class SharedCases:
    """Implements ``IdentificationCases`` over shared notes."""

    def __init__(self, notes: SharedNotes) -> None:
        """Keep cases in ``notes``."""
        self._notes = notes

    def cases(self) -> Sequence[Case]:
        """All of them. Raises UnavailableError."""
        return _read(self._notes.value(CASES))

    def change(self, account_id: str, name: str, change: Callable[[Case], Case]) -> Case:
        """See IdentificationCases."""
        made: list[Case] = []

        def replaced(value: bytes | None) -> bytes:
            cases, case = changed(_read(value), account_id, name, change)
            made[:] = [case]
            return encoded(cases)

        self._notes.change(CASES, replaced)
        return made[0]


def _read(value: bytes | None) -> list[Case]:
    try:
        return [] if value is None else decoded(value)
    except ValueError as error:
        raise UnavailableError(f"the cases of identifications cannot be read: {error}") from error

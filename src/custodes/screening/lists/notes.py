"""What reading a list would leave unsaid: numbers that could not be read, files of it that are not there.

In: fields as the readers come to them. Out: pairs of kind and value for entries, and what to tell whoever imports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from custodes.screening.names.identifiers import in_text, labelled, unread

MOST_KEPT = 1_000
_MOST_SHOWN = 160


@dataclass(frozen=True, slots=True)
class UnreadField:
    """A field that names a register and holds digits, but no number that the register could have given."""

    uid: str
    text: str


@dataclass(slots=True)
class ReadingNotes:
    """Notes on one file.

    Attributes:
        missing: files that belong to it and are not there, each with what entries lack without it.
        unread: how many fields with numbers could not be read.
        fields: the first of them.
    """

    missing: list[str] = field(default_factory=list)
    unread: int = 0
    fields: list[UnreadField] = field(default_factory=list)

    def in_text(self, uid: str, texts: Iterable[str]) -> set[tuple[str, str]]:
        """Numbers in prose of the entry ``uid``."""
        found = set()
        for text in texts:
            found |= {*in_text(text)}
            if unread(text):
                self._keep(uid, text)
        return found

    def labelled(self, uid: str, label: str, country: str, number: str) -> set[tuple[str, str]]:
        """The number of a field whose name is ``label``; see ``identifiers.labelled``."""
        found = labelled(label, country, number)
        if found is not None:
            return {found}
        return self.in_text(uid, [f"{label} {number}"]) if number else set()

    def numbered(self, uid: str, text: str, found: Iterable[tuple[str, str]]) -> None:
        """A field of nothing but numbers, in which ``found`` were found."""
        if not any(True for _ in found) and re.search(r"\d{4}", text):
            self._keep(uid, text)

    def _keep(self, uid: str, text: str) -> None:
        self.unread += 1
        if len(self.fields) < MOST_KEPT:
            self.fields.append(UnreadField(uid, " ".join(text.split())[:_MOST_SHOWN]))

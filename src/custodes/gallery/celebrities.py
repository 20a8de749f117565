"""Known people whom the operator imported: who they are. Their portraits are faces of an ordinary collection.

In: ids. Out: frozen values. Ships empty: whom a server can name is its operator's choice and duty.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LETTERS = 10
WIKIDATA_ID = re.compile(r"Q[1-9][0-9]{0,14}")


class KnownGender(StrEnum):
    """How a person is known to identify (API enum KnownGenderType); never inferred from a picture."""

    MALE = "Male"
    FEMALE = "Female"
    NONBINARY = "Nonbinary"
    UNLISTED = "Unlisted"


@dataclass(frozen=True, slots=True)
class Celebrity:
    """A person.

    Attributes:
        celebrity_id: letters and digits; also the ExternalImageId of the portraits.
        name: as it is told.
        urls: without scheme, like ``www.wikidata.org/wiki/Q42``.
        gender: where the import says so.
    """

    celebrity_id: str
    name: str
    urls: tuple[str, ...] = ()
    gender: KnownGender | None = None


class CelebrityBook(Protocol):
    """Looks up people."""

    def people(self, celebrity_ids: Sequence[str]) -> dict[str, Celebrity]:
        """Those of ``celebrity_ids`` that are in the book, by id. Raises UnavailableError when it cannot be read."""
        ...


class EmptyBook:
    """A book with nobody in it."""

    def people(self, celebrity_ids: Sequence[str]) -> dict[str, Celebrity]:  # noqa: ARG002 - the port's signature
        """Nobody."""
        return {}


def stable_id(identity: str) -> str:
    """An id that follows from what identifies a person (a Wikidata id, else the name), so that it stays the same."""
    number = int.from_bytes(hashlib.sha256(identity.encode()).digest(), "big")
    letters = []
    for _ in range(_ID_LETTERS):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)

"""What is true of an operation whoever asks for it: what its answers reveal, whether it changes anything, its unit.

Each command class declares its properties; the recorder, the action groups of the provider's rules, two-person review
and prices follow from them. An operation is what it reveals, not what it is called: whoever learns by it how alike two
faces are has compared, and whoever learns a name by it has identified.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reveals(StrEnum):
    """The most that an answer can say about people."""

    NOTHING = "nothing"
    """No more than that faces or bodies are there."""
    ATTRIBUTES = "attributes"
    """What a face looks like: age, emotion, quality."""
    RECORDS = "records"
    """What the account itself stored, or was given before by an operation that counted: ids and names, read back."""
    SIMILARITY = "similarity"
    """How alike two faces are, or whether they are more alike than a limit."""
    IDENTITY = "identity"
    """Who somebody is: a name, a user, an external id, or one member of a collection, found by a face."""


class Unit(StrEnum):
    """What is counted for the bill."""

    NOTHING = "nothing"
    IMAGE = "image"
    MINUTE = "minute"
    """Of stored video, begun ones counted whole."""
    CALL = "call"
    """Source: Rekognition's price list, image analysis group 1: operations that analyse no picture."""


MINUTE_MS = 60_000


def minutes_begun(length_ms: int) -> int:
    """Minutes begun within ``length_ms``: differences over parts add up to those of the whole."""
    return -(-length_ms // MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Properties:
    """Properties of one operation.

    Attributes:
        reveals: see there.
        changes: whether anything but the answer is left of it. If so, it waits until its permission is on disk.
        waits: of what changes anything: it begins to compute meanwhile, and calls ``Slot.wait`` before the change.
        unit: what is billed.
        enrols: whether it puts faces or people into a collection.
        searches: whether it looks for faces of a collection that are like one; where that is approximate, it says so.
    """

    reveals: Reveals
    changes: bool
    unit: Unit = Unit.NOTHING
    enrols: bool = False
    waits: bool = False
    searches: bool = False

    @property
    def groups(self) -> frozenset[str]:
        """Action groups that the provider's rules must have the operation in."""
        found = set[str]()
        if self.enrols:
            found.add("FaceEnrolment")
        if self.reveals is Reveals.IDENTITY:
            found.add("FaceIdentification")
        elif self.reveals is Reveals.SIMILARITY:
            found.add("FaceMatching")
        elif self.reveals is Reveals.ATTRIBUTES and not self.enrols:
            found.add("FaceAnalysis")
        return frozenset(found) or frozenset({"Other"})


STRICTEST = Properties(Reveals.IDENTITY, changes=True)
"""What is assumed of an operation that declares nothing."""
READS = Properties(Reveals.NOTHING, changes=False)
"""Of operations that look something up that is about nobody."""
CHANGES = Properties(Reveals.NOTHING, changes=True)
"""Of operations that keep or remove something and say no more than that."""

"""What screening speaks of: entries of lists, parties and the edges between them, hits and paths.

Frozen values only; they pass between the parsers, the matcher, the ownership rules and storage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

PERSON, ORGANISATION, VESSEL, OTHER = "person", "organisation", "vessel", "other"
UNKNOWN = "unknown"
"""Kind of a party of whom it is only known that there is one."""
Verdict = Literal["clear", "review", "blocked"]


@dataclass(frozen=True, slots=True)
class ListedName:
    """A name as the list writes it; ``weak`` marks aliases that the publisher calls weak or low quality."""

    text: str
    weak: bool = False


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One designated party.

    Attributes:
        source: short name of the list, like ``ofac``.
        uid: the publisher's own number, stable from edition to edition.
        kind: ``person``, ``organisation``, ``vessel`` or ``other``.
        names: primary name first.
        births: dates as ``YYYY``, ``YYYY-MM``, ``YYYY-MM-DD`` or ``FIRST/LAST`` of two of these.
        countries: lower-case names or codes, as published.
        identifiers: pairs of kind (``ru-inn``, ``lei``, ...) and value without blanks.
        programmes: regimes under which it is listed.
        addresses: street, number and town, as published.
    """

    source: str
    uid: str
    kind: str
    names: tuple[ListedName, ...]
    births: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    identifiers: tuple[tuple[str, str], ...] = ()
    programmes: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def encoded(self) -> bytes:
        """Canonical JSON; equal entries give equal bytes."""
        return msgspec.json.encode(self, order="sorted")

    def digest(self) -> str:
        """SHA-256 of ``encoded`` in hexadecimal: changes when anything about the entry changes."""
        return hashlib.sha256(self.encoded()).hexdigest()


def decode_entry(data: bytes) -> ListEntry:
    """Read what ``ListEntry.encoded`` wrote."""
    return msgspec.json.decode(data, type=ListEntry)


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in an onboarding graph.

    Attributes:
        id: name within the graph.
        name: as declared.
        kind: ``person``, ``organisation``, ``vessel``, ``other`` or ``unknown``.
        aliases: other names.
        country: name or code.
        birth: a date that ``dates.read_date`` reads; empty when not known.
        identifiers: pairs of kind and value without blanks.
        addresses: street, number and town.
    """

    id: str
    name: str
    kind: str = ORGANISATION
    aliases: tuple[str, ...] = ()
    country: str = ""
    birth: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """``owner`` holds something in ``asset``, or does something for it.

    Attributes:
        low_pct: smallest share that the evidence allows, 0..100.
        high_pct: largest share that the evidence allows.
        kind: one of ``organisation.KINDS``.
        since: first day, ``YYYY-MM-DD``; empty for unknown.
        until: last day; empty for still so.
        acting_together: name of a joint arrangement; whoever is in it counts as holding what all its members hold.
        held_for: whose interest a nominee's holding is; empty for the owner's own, or for a nominee whose principal
            nobody named.
        more_than: the share lies above ``low_pct``, not on it, as in "more than 50 percent".
        indirect: declared as held through others, who may be in the graph as well.
    """

    owner: str
    asset: str
    low_pct: float = 0.0
    high_pct: float = 0.0
    kind: str = "shares"
    since: str = ""
    until: str = ""
    acting_together: str = ""
    held_for: str = ""
    more_than: bool = False
    indirect: bool = False

    @property
    def holder(self) -> str:
        """Whose interest it is."""
        return self.held_for or self.owner

    def holds_on(self, day: str) -> bool:
        """Whether the edge stood on ``day`` (``YYYY-MM-DD``); empty means ever without an end."""
        if not day:
            return not self.until
        return (not self.since or self.since <= day) and (not self.until or day <= self.until)


@dataclass(frozen=True, slots=True)
class Organisation:
    """An onboarding graph: whom it is about, everybody behind it, and how they hang together."""

    subject: str
    parties: Mapping[str, Party]
    edges: Sequence[Edge]


@dataclass(frozen=True, slots=True)
class ScoreTerm:
    """One step of a score: what was compared with what, and what it was worth (0..1, or a factor)."""

    what: str
    ours: str
    theirs: str
    value: float


@dataclass(frozen=True, slots=True)
class ListHit:
    """A party that looks like, or is, an entry. ``decides`` is true for an identifier match only."""

    party: str
    entry: ListEntry
    score: float
    decides: bool
    terms: tuple[ScoreTerm, ...]


@dataclass(frozen=True, slots=True)
class OwnershipPath:
    """The chain of holdings that a rule followed. ``certain`` is false where only the upper ends of ranges reach."""

    regime: str
    party: str
    certain: bool
    rule: str
    steps: tuple[Edge, ...]

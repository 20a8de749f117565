"""The statement file: one canonical JSON object in which an operator answers "did X use the service, and how much?"

In: bytes. Out: a ``StatementFile`` whose form is right, nothing in it verified yet (``verify`` does that).
The parser takes one spelling of each statement: no duplicate names, no spaces, no other spelling of a number
or of base64, nothing behind the end. ``digest`` is a checksum over the rest; it finds damage and proves nothing.

Shape, with binary values in base64url without padding:
``{"digest": .., "statement": {"checkpoint": signed note, "head": {"e": envelope, "i": index}, "next": null or like
head, "path": .., "prices": null or a price list, "proof": .., "question": {"from", "identifier", "to"}, "uses":
[{"b": body, "e": envelope, "i": index, "s": salt}, ..], "v": 1, "vrf": ..}}``. Times are milliseconds since the epoch,
UTC; a null bound is open. A use whose body is not disclosed has neither ``b`` nor ``s``. A statement about a party,
whose identifier stands in the party map, has ``"places"`` in place of ``"uses"``: the same, each with a commitment
``c``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from custodes.ledger.verifier.canonical_json import Members, PlacedEntry, StatementError, canonical, unwrap
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, PARTY_MAP
from custodes.ledger.verifier.maps.key_change import ShownChange
from custodes.ledger.verifier.party_names import SCHEME, SOUND_SCHEME, is_fingerprint, is_sound
from custodes.ledger.verifier.uncertainty import ShownDestruction

_SCHEMES: Mapping[str, tuple[str, str]] = {
    # scheme: (map, pattern of the canonical value)
    "acct": (ACCOUNT_MAP, r"[0-9]{12}"),
    "lei": (PARTY_MAP, r"[0-9A-Z]{18}[0-9]{2}"),
    "nl-kvk": (PARTY_MAP, r"[0-9]{8}"),
    "ru-inn": (PARTY_MAP, r"[0-9]{10}|[0-9]{12}"),
    "ru-ogrn": (PARTY_MAP, r"[0-9]{13}|[0-9]{15}"),
    "gb-coh": (PARTY_MAP, r"[0-9A-Z]{2}[0-9]{6}"),
    "domain": (PARTY_MAP, r"(?=.{3,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}"),
    SCHEME: (PARTY_MAP, r"[^-].*"),
    SOUND_SCHEME: (PARTY_MAP, r"[a-z0-9]+"),
    "id": (PARTY_MAP, r"[a-z0-9-]{1,24}/[0-9A-Z/_]{1,64}"),
}
PARTY_SCHEMES = frozenset(scheme for scheme, (name, _) in _SCHEMES.items() if name == PARTY_MAP) - {
    SCHEME,
    SOUND_SCHEME,
    "id",
}
"""Registers whose numbers have a scheme of their own; others are written ``id:register/number``."""


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked about, and the period: ``begin`` up to but not including ``end``, each in ms or open."""

    identifier: str
    begin: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class ShownUse:
    """A use with its opening, or without where the body is erased or not asked for."""

    index: int
    envelope: bytes
    salt: bytes | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """A place in somebody's onboarding graph: the ``org`` entry that brought it, and its opening if disclosed."""

    index: int
    envelope: bytes
    commitment: bytes
    salt: bytes | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class StatementFile:
    """What a statement file holds.

    Attributes:
        question: what is asked.
        checkpoint: the signed state of the log, with cosignatures.
        head: the ``map`` entry that answers.
        next: the first entry that the head does not cover; None when that is the head itself.
        proof: hashes that put all entries shown here into the log, see ``multiproof``.
        vrf: proof of the place of the identifier in the map.
        path: way to that place, see ``maps.proof``.
        uses: all uses that the map credits to the identifier, in order.
        prices: the operator's price list, or None.
        places: all places that the party map has under the identifier, in order.
        clock: all entries that the head covers and that say that the clock was wrong, in order.
        destroyed: the entries by which private bodies of uses in the period went.
        change: the change by which the VRF key of the head came; None under the first key.
    """

    question: Question
    checkpoint: bytes
    head: PlacedEntry
    next: PlacedEntry | None
    proof: tuple[bytes, ...]
    vrf: bytes
    path: bytes
    uses: tuple[ShownUse, ...] = ()
    prices: Mapping[str, object] | None = None
    places: tuple[ShownPlace, ...] = ()
    clock: tuple[PlacedEntry, ...] = ()
    destroyed: tuple[ShownDestruction, ...] = ()
    change: ShownChange | None = None


def map_of(identifier: str) -> str | None:
    """Name of the map in which an identifier would stand; None when it is not in canonical form."""
    scheme, _, value = identifier.partition(":")
    name, pattern = _SCHEMES.get(scheme, ("", "(?!)"))
    rule = {SCHEME: is_fingerprint, SOUND_SCHEME: is_sound}.get(scheme)
    canonical_form = re.fullmatch(pattern, value, re.ASCII) and (rule is None or rule(value))
    return name if canonical_form else None


def parse(data: bytes) -> StatementFile:
    """Read a statement file.

    Raises:
        StatementError: the bytes are not exactly those of a statement.
    """
    inner = Members(unwrap("statement", data))
    if inner.index("v") != 1:
        raise StatementError("this statement is of another version")
    question = Members(inner.take("question"))
    asked = Question(question.text("identifier"), question.time("from"), question.time("to"))
    question.end()
    following = None if inner.is_null("next") else inner.placed("next")
    prices = inner.take("prices")
    if prices is not None and not isinstance(prices, dict):
        raise StatementError("the price list is no object")
    is_party = map_of(asked.identifier) == PARTY_MAP
    rows = inner.items("places" if is_party else "uses")
    result = StatementFile(
        asked,
        inner.text("checkpoint").encode(),
        inner.placed("head"),
        following,
        inner.hashes("proof"),
        inner.binary("vrf"),
        inner.binary("path"),
        () if is_party else tuple(_shown(use) for use in rows),
        prices,
        tuple(_shown_place(place) for place in rows) if is_party else (),
        tuple(PlacedEntry.read(one) for one in inner.some("clock")),
        tuple(_destruction(one) for one in inner.some("destroyed")),
        ShownChange.read(inner.take("change")) if inner.has("change") else None,
    )
    inner.end()
    return result


def _destruction(value: object) -> ShownDestruction:
    members = Members(value)
    placed = PlacedEntry(members.index("i"), canonical(members.take("e")))
    shown = ShownDestruction(placed, members.binary("s"), canonical(members.take("b")), members.placed("h"))
    members.end()
    return shown


def _shown(value: object) -> ShownUse:
    members = Members(value)
    index, envelope = members.index("i"), canonical(members.take("e"))
    salt = body = None
    if members.has("b"):
        salt, body = members.binary("s"), canonical(members.take("b"))
    members.end()
    return ShownUse(index, envelope, salt, body)


def _shown_place(value: object) -> ShownPlace:
    members = dict(value) if isinstance(value, dict) else {}
    commitment = Members({"c": members.pop("c", None)}).binary("c")
    if len(commitment) != 32:
        raise StatementError("a place has no commitment")
    use = _shown(members)
    return ShownPlace(use.index, use.envelope, commitment, use.salt, use.body)

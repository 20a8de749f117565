"""Places of onboarding graphs as they are kept, and the hourly head of the party map.

In: places before their ``org`` entry is written; the published log. Out: documents named by digest, a ``map`` entry.
The ``org`` entry names one by its digest (``e``) and says how many places are in it (``n``), so places cannot change or
go missing unseen. One without an entry is what a crash left behind and counts for nothing. They name parties and
accounts: they belong to the operator alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.party_map import PartyMap, PartyPlace
from custodes.ledger.prover.maps.tree import place
from custodes.ledger.prover.ports import Documents
from custodes.ledger.tlog.commitment import BodyError
from custodes.ledger.tlog.entry import Entry, b64url, from_b64url
from custodes.ledger.verifier.canonical_json import Members, StatementError, canonical, parse_canonical
from custodes.ledger.verifier.maps.proof import MapError

Append = Callable[[Mapping[str, int | str]], int]
"""Appends a ``map`` entry with these public fields; returns its index once it is durable."""
_STATE = "head"


class DossierStream(Protocol):
    """The ``org`` entries of the log."""

    def dossiers(self, begin: int, end: int) -> Iterator[tuple[int, Entry]]:
        """Index and entry of each among entries ``begin`` up to ``end``."""
        ...


@dataclass(frozen=True, slots=True)
class PlacesDigest:
    """What an ``org`` entry says about places in public: the digest of their file, and how many there are."""

    digest: bytes
    count: int

    def fields(self) -> dict[str, int | str]:
        """Public fields of the entry."""
        return {"e": b64url(self.digest), "n": self.count}


class PartyFiles:
    """The documents with places, the map over them, and where its last head is. One writer; readers at any time."""

    def __init__(self, documents: Documents, key: vrf.SecretKey, moves: Mapping[bytes, bytes] | None = None) -> None:
        """Keep them among ``documents``; place names under ``key``.

        ``moves`` says where places under earlier keys went.
        """
        self._documents = documents
        self._key = key
        self._moves = moves or {}
        self._where: dict[str, bytes] = {}

    def keep(self, bodies: Iterable[tuple[str, Mapping[str, object]]], random: Callable[[int], bytes]) -> PlacesDigest:
        """Keep places durably, before the entry that names them; returns what that entry says.

        Args:
            bodies: name and private body of each place.
            random: gives so many unpredictable bytes.

        Raises:
            BodyError: a body is too long or holds what no body holds.
            OSError: they could not be made durable.
        """
        rows = []
        for name, told in bodies:
            body = canonical({**told, "party": name})
            one = PartyPlace(name, random(16), body, self._place(name))
            one.check()
            rows.append({"b": json.loads(body), "n": name, "s": b64url(one.salt), "w": b64url(one.where)})
        data = canonical({"key": b64url(self._key.public), "places": rows, "v": 2})
        digest = sha256(data).digest()
        self._documents.put(_name(digest), data)
        return PlacesDigest(digest, len(rows))

    def load(self, dossier: PlacesDigest) -> Sequence[PartyPlace]:
        """The places that an entry names.

        Raises:
            MapError: they are gone or are not those.
        """
        name, data = _name(dossier.digest), self._documents.get(_name(dossier.digest))
        if data is None:
            raise MapError(f"places that the log names are gone or damaged: {name}")
        if sha256(data).digest() != dossier.digest:
            raise MapError(f"{name} is not what the log names")
        try:
            file = Members(parse_canonical(data))
            # The first version has no key: it is from before there were changes of it, and so are all of its names.
            under = file.binary("key") if file.has("key") else self._key.public
            places = [self._read(Members(row), under == self._key.public) for row in file.items("places")]
        except StatementError as error:
            raise MapError(f"places that the log names are gone or damaged: {name}") from error
        if len(places) != dossier.count:
            raise MapError(f"{name} holds another number of places than the log says")
        return places

    def map(self, log: DossierStream, size: int) -> PartyMap:
        """The map over the first ``size`` entries.

        Raises:
            MapError: places are gone or damaged.
        """
        result = PartyMap(self._key)
        self.advance(result, log, size)
        return result

    def advance(self, parties: PartyMap, log: DossierStream, size: int) -> None:
        """Take the places of entries ``parties.size`` up to ``size`` into ``parties``. Raises MapError."""
        for index, entry in log.dossiers(parties.size, size):
            if entry.fields.get("n"):
                digest = from_b64url(str(entry.fields.get("e")))
                parties.enter(index, self.load(PlacesDigest(digest, int(entry.fields["n"]))))
        parties.size = max(parties.size, size)

    def close_head(self, parties: PartyMap, log: DossierStream, size: int, append: Append) -> int:
        """Bring ``parties`` up to the first ``size`` entries and log its head; returns the index of its entry.

        Raises:
            MapError: places are gone or damaged.
            OSError: a file cannot be read or written.
            LedgerUnavailableError: the log takes no entries now.
        """
        self.advance(parties, log, size)
        head = append(parties.head_fields(size))
        self._documents.put(_STATE, canonical({"head": head, "size": size}))
        return head

    def last_head(self) -> tuple[int, int] | None:
        """Index of the last head's entry and how many entries it covers; None before the first.

        Raises:
            MapError: the file is damaged.
        """
        data = self._documents.get(_STATE)
        if data is None:
            return None
        try:
            value = Members(parse_canonical(data))
            return value.index("head"), value.index("size")
        except StatementError as error:
            raise MapError("the file that says where the party map's head is, is damaged") from error

    def _read(self, row: Members, mine: bool) -> PartyPlace:
        """A place of a file; ``mine`` says that it was written under this key."""
        name, salt, body, where = row.text("n"), row.binary("s"), canonical(row.take("b")), row.binary("w")
        if not mine:
            where = self._where.setdefault(name, self._moves.get(where) or place(self._key, name))
        one = PartyPlace(name, salt, body, where)
        try:
            one.check()
        except BodyError as error:
            raise StatementError("a place does not open") from error
        return one

    def _place(self, name: str) -> bytes:
        if name not in self._where:
            self._where[name] = place(self._key, name)
        return self._where[name]


def _name(digest: bytes) -> str:
    return f"{digest.hex()}.places"

"""The operator's party map: everybody who stood behind a customer, by number and by name, and in which role.

In: the places of an onboarding graph, with the ``org`` entry that commits to them. Out: the public fields of the
``map`` entry, proofs of places and of empty ones. A name is never taken out: who no longer owns a customer did so once.
All in memory, about 300 bytes a place; ``maps_parties_files`` keeps the places. It reads no log.

Under a name stand: how many places it has, and the root of the list of them, oldest first. The counts of all names sum
to the ``n`` of all ``org`` entries, which anybody can count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.tree import SumTree, head_fields, place, prove
from custodes.ledger.tlog.commitment import check_opening, commit
from custodes.ledger.tlog.merkle import Frontier
from custodes.ledger.verifier.maps.head import PARTY_MAP, place_leaf
from custodes.ledger.verifier.maps.proof import MapNode, MapPath, Value


@dataclass(frozen=True, slots=True)
class PartyPlace:
    """One party in one role in one graph, under one of its names.

    Attributes:
        name: where it stands, like ``lei:...`` or ``namefp:...``.
        salt: 16 bytes, which blind the commitment.
        body: canonical JSON of account, role, share and dates; names the party by ``name`` only.
        where: the place of ``name`` in the map, 32 bytes.
    """

    name: str
    salt: bytes = field(repr=False)
    body: bytes = field(repr=False)
    where: bytes = field(repr=False)

    @property
    def commitment(self) -> bytes:
        """What the map commits to."""
        return commit(self.salt, self.body)

    def check(self) -> None:
        """Raises BodyError when salt or body have an impossible form."""
        check_opening(self.commitment, self.salt, self.body)


@dataclass(frozen=True, slots=True)
class Entered:
    """A place and the ``org`` entry that brought it."""

    entry: int
    place: PartyPlace


class PartyMap:
    """The party map over the first ``size`` entries of the log."""

    def __init__(self, key: vrf.SecretKey) -> None:
        """An empty map whose names are placed under ``key``."""
        self.size = 0
        self._key = key
        self._tree = SumTree()
        self._names: dict[str, list[Entered]] = {}
        self._lists: dict[str, Frontier] = {}

    def __len__(self) -> int:
        """Number of names."""
        return len(self._names)

    def enter(self, entry: int, places: Iterable[PartyPlace]) -> None:
        """Take in the places that ``org`` entry ``entry`` brought; entries come in order."""
        changed = {}
        for one in places:
            grown = self._lists.get(one.name, Frontier()).extend([place_leaf(entry, one.commitment)])
            self._lists[one.name] = grown
            self._names.setdefault(one.name, []).append(Entered(entry, one))
            changed[one.where] = grown
        for where, grown in changed.items():
            self._tree.put(where, Value(grown.size, 0, grown.root()))
        self.size = max(self.size, entry + 1)

    def values(self) -> Iterator[tuple[str, Value]]:
        """Every name with what stands at its place."""
        for name, grown in self._lists.items():
            yield name, Value(grown.size, 0, grown.root())

    def head(self) -> MapNode:
        """Root and totals."""
        return self._tree.head()

    def places(self, name: str) -> Sequence[Entered]:
        """All places of ``name``, oldest first."""
        return tuple(self._names.get(name, ()))

    def head_fields(self, size: int) -> dict[str, int | str]:
        """Public fields of the ``map`` entry, for a map that is true as of the first ``size`` entries."""
        return head_fields(PARTY_MAP, size, self._tree.head(), self._key.public)

    def path(self, name: str) -> tuple[bytes, MapPath]:
        """Proof of the place of ``name`` (VRF) and the way there; also for names that are not in the map."""
        known = self._names.get(name)
        where = known[0].place.where if known else place(self._key, name)
        return prove(self._key, name), self._tree.path(where)

"""The operator's account map and collection map: derived from the log, summarised in it every hour.

In: the uses of the log in order, each with its account; collections with the heads of their trees of FaceIds. Out: per
account how many uses, how many units, and the root of the list of its uses; the public fields of the ``map`` entry;
proofs of places. The driver is whoever owns the log: ``advance`` over the new entries, then append ``head_fields``.
``dump`` and ``AccountMap.load`` keep the state between runs; it names accounts, so it is a secret file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.tree import SumTree, head_fields, place, prove
from custodes.ledger.prover.ports import Use
from custodes.ledger.tlog.merkle import Frontier
from custodes.ledger.verifier.maps.growth import GrownPlace, MapGrowth
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, COLLECTION_MAP, account_name, collection_name, use_leaf
from custodes.ledger.verifier.maps.proof import MapError, MapNode, MapPath, Value

_MAGIC = b"custodes account map v1\n"


@dataclass(frozen=True, slots=True)
class _Account:
    place: bytes
    units: int
    uses: Frontier


class AccountMap:
    """The account map over the first ``size`` entries of the log."""

    def __init__(self, key: vrf.SecretKey) -> None:
        """An empty map whose names are placed under ``key``."""
        self.size = 0
        self._key = key
        self._accounts: dict[str, _Account] = {}
        self._by_place: dict[bytes, str] = {}
        self._tree = SumTree()

    def __len__(self) -> int:
        """Number of accounts."""
        return len(self._accounts)

    @property
    def public(self) -> bytes:
        """The key under which names are placed, public half."""
        return self._key.public

    def values(self) -> Iterator[tuple[str, Value]]:
        """Every account with what stands at its place."""
        for name, account in self._accounts.items():
            yield name, Value(account.uses.size, account.units, account.uses.root())

    def moved(self, key: vrf.SecretKey, moves: Mapping[bytes, bytes]) -> AccountMap:
        """The same map under another key; ``moves`` says where places went, as far as that is known already."""
        result = AccountMap(key)
        for name, account in self._accounts.items():
            where = moves.get(account.place) or place(key, account_name(name))
            result._keep(name, _Account(where, account.units, account.uses))
        result.size = self.size
        return result

    def places_of(self, other: AccountMap) -> Iterator[tuple[bytes, bytes, Value]]:
        """Where each account stands here and in ``other``, and with what; in rising order of the place here."""
        for where, name in sorted(self._by_place.items()):
            account = self._accounts[name]
            value = Value(account.uses.size, account.units, account.uses.root())
            yield where, other._accounts[name].place, value

    @staticmethod
    def key_of(data: bytes) -> bytes:
        """Public half of the key that a dump was made under."""
        return data[len(_MAGIC) : len(_MAGIC) + 32]

    def names(self) -> list[str]:
        """All accounts, in the order in which they came; an account keeps its number for ever."""
        return list(self._accounts)

    def advance(self, uses: Iterable[Use], size: int) -> None:
        """Take in the uses of entries ``self.size`` up to ``size``, in order.

        Raises:
            MapError: a use is out of this range or order, or belongs to no account; nothing was taken in then.
        """
        new: dict[str, list[Use]] = {}
        last = self.size - 1
        for use in uses:
            if not last < use.index < size:
                raise MapError(f"use {use.index} is out of order")
            last = use.index
            new.setdefault(use.account, []).append(use)
        for account, its_uses in new.items():
            self._credit(account, its_uses)
        self.size = size

    def grow(self, uses: Iterable[Use], size: int) -> MapGrowth:
        """Like ``advance``, with the proof that the map after it continues the one before."""
        credited: dict[bytes, list[int]] = {}
        uses = list(uses)
        before = {name: self._accounts[name] for name in {use.account for use in uses} & self._accounts.keys()}
        self.advance(uses, size)
        for use in uses:
            credited.setdefault(self._accounts[use.account].place, []).append(use.index)
        old = {account.place: account for account in before.values()}
        shown = self._tree.cover(sorted(credited), frozenset(credited.keys() - old.keys()))
        places = []
        for where, depth in shown.places:
            was = old.get(where) if where in credited else self._accounts[self._by_place[where]]
            was = was or _Account(where, 0, Frontier())
            places.append(GrownPlace(where, was.units, was.uses, depth, tuple(credited.get(where, ()))))
        return MapGrowth(tuple(places), tuple(shown.siblings))

    def open(self, account: str) -> None:
        """Enter an account that has no uses yet; nothing happens if it is there."""
        if account not in self._accounts:
            self._credit(account, [])

    def head(self) -> MapNode:
        """Root and totals: all uses and all units of the first ``size`` entries."""
        return self._tree.head()

    def head_fields(self) -> dict[str, int | str]:
        """Public fields of the ``map`` entry to append now."""
        return head_fields(ACCOUNT_MAP, self.size, self.head(), self._key.public)

    def path(self, name: str) -> tuple[bytes, MapPath]:
        """Proof of the place of ``name`` (VRF) and the way there; also for names that are not in the map."""
        known = self._accounts.get(name.removeprefix("acct:"))
        where = known.place if known else place(self._key, name)
        return prove(self._key, name), self._tree.path(where)

    def dump(self) -> bytes:
        """The state, to go on from later; names accounts."""
        parts = [_MAGIC, self._key.public, self.size.to_bytes(8, "big")]
        for name, account in self._accounts.items():
            nodes = b"".join(node for node in account.uses.nodes if node)
            text = name.encode()
            parts += [len(text).to_bytes(2, "big"), text, account.place, account.units.to_bytes(8, "big")]
            parts += [account.uses.size.to_bytes(8, "big"), nodes]
        return b"".join(parts)

    @classmethod
    def load(cls, key: vrf.SecretKey, data: bytes) -> AccountMap:
        """The map whose ``dump`` is ``data``.

        Raises:
            MapError: it is damaged or belongs to another key; then rebuild the map from the log.
        """
        at = len(_MAGIC) + 40
        if data[: at - 8] != _MAGIC + key.public or len(data) < at:
            raise MapError("the state of the account map is of another key or damaged")
        result = cls(key)
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            count = int.from_bytes(data[end + 40 : end + 48], "big")
            stop = end + 48 + 32 * count.bit_count()
            if stop > len(data):
                raise MapError("the state of the account map is cut off")
            hashes = (data[p : p + 32] for p in range(end + 48, stop, 32))
            nodes = tuple(next(hashes) if count >> level & 1 else None for level in range(count.bit_length()))
            units = int.from_bytes(data[end + 32 : end + 40], "big")
            name = data[at + 2 : end].decode(errors="replace")
            result._keep(name, _Account(data[end : end + 32], units, Frontier(count, nodes)))
            at = stop
        result.size = int.from_bytes(data[len(_MAGIC) + 32 : len(_MAGIC) + 40], "big")
        return result

    def _credit(self, account: str, uses: list[Use]) -> None:
        known = self._accounts.get(account) or _Account(place(self._key, account_name(account)), 0, Frontier())
        grown = known.uses.extend([use_leaf(use.index, use.entry_hash) for use in uses])
        self._keep(account, _Account(known.place, known.units + sum(use.units for use in uses), grown))

    def _keep(self, name: str, account: _Account) -> None:
        self._accounts[name] = account
        self._by_place[account.place] = name
        self._tree.put(account.place, Value(account.uses.size, account.units, account.uses.root()))


class CollectionMap:
    """The collection map: per collection how many faces it holds and the root of its tree of FaceIds."""

    def __init__(self, key: vrf.SecretKey) -> None:
        """An empty map whose names are placed under ``key`` alone: it says nothing of the past."""
        self._key = dataclasses.replace(key, first=None)
        self._places: dict[str, bytes] = {}
        self._tree = SumTree()

    def put(self, account: str, collection: str, faces: MapNode) -> None:
        """Enter or update a collection with the head of its tree of FaceIds; a deleted one stays, with no faces."""
        name = collection_name(account, collection)
        where = self._places.setdefault(name, place(self._key, name))
        self._tree.put(where, Value(faces.count, 0, faces.hash))

    def head_fields(self, size: int) -> dict[str, int | str]:
        """Public fields of the ``map`` entry, for a map that is true as of the first ``size`` entries."""
        return head_fields(COLLECTION_MAP, size, self._tree.head(), self._key.public)

    def path(self, name: str) -> tuple[bytes, MapPath]:
        """Proof of the place of ``name`` and the way there."""
        proof = vrf.prove(self._key, name.encode())
        return proof, self._tree.path(self._places.get(name) or place(self._key, name))

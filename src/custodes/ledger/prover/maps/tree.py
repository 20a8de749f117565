"""The operator's side of a map: keep it, change it, take its head, and make paths for it.

In: keys of 32 bytes (``place`` makes them from names) and values. Out: heads, and paths that readers check.
All in memory: about 150 bytes a key, a million keys are fine; the truth is the log, from which a map can be rebuilt.
Changing a key costs the rehashing of one small bucket; a head costs what changed since the last one.
It does not sign, store or publish anything.

Names are placed by a verifiable random function, so a path shows neighbours without saying who they are, and the
operator cannot choose a second place for a name. An account is never removed: a closed one keeps its sums.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

from custodes.ledger.prover.maps import vrf
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.verifier.maps.proof import (
    EMPTY,
    FACE,
    KEY_BYTES,
    MapNode,
    MapPath,
    Value,
    bit,
    face_place,
    fold,
    inner_node,
    leaf_node,
)

_BUCKET_BITS = 12
_FIRST = 1 << _BUCKET_BITS
_NOTHING = (EMPTY, 0)


def first_place(key: vrf.SecretKey, name: str) -> bytes:
    """Where ``name`` stands under the first key of the log: the first 32 bytes of the VRF's output. About 2 ms."""
    return vrf.output(key.first or key, name.encode())[:KEY_BYTES]


def place(key: vrf.SecretKey, name: str) -> bytes:
    """Where ``name`` stands in a map; a later key than the first places its first place. Keep the result."""
    first = first_place(key, name)
    return first if key.first is None else vrf.output(key, first)[:KEY_BYTES]


def prove(key: vrf.SecretKey, name: str) -> bytes:
    """The proof of that: 80 bytes under the first key, and under a later one 80 more."""
    if key.first is None:
        return vrf.prove(key, name.encode())
    return vrf.prove(key.first, name.encode()) + vrf.prove(key, first_place(key, name))


@dataclass(frozen=True, slots=True)
class Cover:
    """What ``SumTree.cover`` shows, in walking order: places, each with its depth when alone, and other subtrees."""

    places: list[tuple[bytes, int]]
    siblings: list[MapNode]


@dataclass(frozen=True, slots=True)
class _Spot:
    """A node: its number in the heap, its depth, and below the kept levels the leaves under it."""

    at: int
    depth: int
    leaves: list[tuple[bytes, MapNode]] | None


class SumTree:
    """A map that grows and changes. Its upper twelve levels are kept hashed, what is below them is folded anew."""

    def __init__(self) -> None:
        """An empty map."""
        self._values: dict[bytes, Value] = {}
        self._buckets: dict[int, list[bytes]] = {}
        # Heap order: 1 is the root, 2i and 2i+1 are the children of i; each with its number of keys.
        self._upper: dict[int, tuple[MapNode, int]] = {}
        self._dirty: set[int] = set()

    def __len__(self) -> int:
        """Number of keys."""
        return len(self._values)

    def get(self, key: bytes) -> Value | None:
        """The value under ``key``."""
        return self._values.get(key)

    def put(self, key: bytes, value: Value) -> None:
        """Set the value under ``key``.

        Raises:
            MapError: a length or sum is out of range.
        """
        leaf_node(key, value)
        bucket = _bucket(key)
        if key not in self._values:
            insort(self._buckets.setdefault(bucket, []), key)
        self._values[key] = value
        self._dirty.add(bucket)

    def head(self) -> MapNode:
        """Root and totals of the map as it stands."""
        changed = set()
        for bucket in self._dirty:
            leaves = [(key, leaf_node(key, self._values[key])) for key in self._buckets.get(bucket, ())]
            self._set(_FIRST + bucket, fold(leaves, _BUCKET_BITS), len(leaves))
            changed.add(_FIRST + bucket)
        self._dirty.clear()
        while changed:
            changed = {at >> 1 for at in changed} - {0}
            for at in changed:
                self._join(at)
        return self._node(1)

    def path(self, key: bytes) -> MapPath:
        """The way to ``key`` in the map as it stands: to its value, or to the proof that it has none."""
        self.head()
        siblings: list[MapNode] = []
        at, depth = 1, 0
        while depth < _BUCKET_BITS and self._size(at) > 1:
            turn = bit(key, depth)
            siblings.append(self._node(2 * at + 1 - turn))
            at, depth = 2 * at + turn, depth + 1
        while at < _FIRST and self._size(at):  # a lone leaf stands here, and its key is in a bucket below
            at = 2 * at + (self._size(2 * at) == 0)
        leaves = [(k, leaf_node(k, self._values[k])) for k in self._buckets.get(at - _FIRST, ())]
        while len(leaves) > 1:
            split = partition(leaves, depth)
            near, far = (leaves[split:], leaves[:split]) if bit(key, depth) else (leaves[:split], leaves[split:])
            siblings.append(fold(far, depth + 1))
            leaves, depth = near, depth + 1
        return MapPath(tuple(siblings), (leaves[0][0], self._values[leaves[0][0]]) if leaves else None)

    def cover(self, keys: list[bytes], new: frozenset[bytes]) -> Cover:
        """What a proof that only ``keys`` changed has to show of the map as it stands.

        Args:
            keys: sorted, each in the map.
            new: those of them that were not in the map before.
        """
        self.head()
        found = Cover([], [])
        self._cover(_Spot(1, 0, None), keys, new, found, False)
        return found

    def _cover(self, spot: _Spot, keys: list[bytes], new: frozenset[bytes], found: Cover, bare: bool) -> None:
        """Show the subtree at ``spot``; ``bare`` says that its sibling was empty before."""
        at, depth, leaves = spot.at, spot.depth, spot.leaves
        if leaves is None and depth == _BUCKET_BITS:
            leaves = [(k, leaf_node(k, self._values[k])) for k in self._buckets.get(at - _FIRST, ())]
        size = self._size(at) if leaves is None else len(leaves)
        if size == 1 and (keys or bare):
            # A lone place moves down when a first neighbour comes, so it has to be shown by itself.
            found.places.append((keys[0] if keys else self._lone(at, leaves), depth))
        elif not keys:
            found.siblings.append(self._node(at) if leaves is None else fold(leaves, depth))
        else:
            split = bisect_left(keys, 1, key=lambda key: bit(key, depth))
            halves = keys[:split], keys[split:]
            empty = tuple(bool(half) and new.issuperset(half) for half in halves)
            for turn, half in enumerate(halves):
                below = None if leaves is None else leaves[: partition(leaves, depth)]
                if leaves is not None and turn:
                    below = leaves[partition(leaves, depth) :]
                self._cover(_Spot(2 * at + turn, depth + 1, below), half, new, found, empty[1 - turn])

    def _lone(self, at: int, leaves: list[tuple[bytes, MapNode]] | None) -> bytes:
        """The one key under a node."""
        if leaves is not None:
            return leaves[0][0]
        while at < _FIRST:
            at = 2 * at + (self._size(2 * at) == 0)
        return self._buckets[at - _FIRST][0]

    def _forget(self, key: bytes) -> None:
        """Take a key out. Only maps whose meaning allows it offer this."""
        bucket = _bucket(key)
        del self._values[key]
        self._buckets[bucket].remove(key)
        self._dirty.add(bucket)

    def _join(self, at: int) -> None:
        left, right = 2 * at, 2 * at + 1
        size = self._size(left) + self._size(right)
        if size > 1:
            self._set(at, inner_node(self._node(left), self._node(right)), size)
        else:  # nothing, or a lone leaf that stands for the whole subtree
            self._set(at, self._node(left) if self._size(left) else self._node(right), size)

    def _set(self, at: int, node: MapNode, size: int) -> None:
        self._upper[at] = (node, size)

    def _node(self, at: int) -> MapNode:
        return self._upper.get(at, _NOTHING)[0]

    def _size(self, at: int) -> int:
        return self._upper.get(at, _NOTHING)[1]


class FaceTree(SumTree):
    """The faces of one collection by identifier: here a key can be taken out, which is what erasure means.

    Keys are plain hashes: a FaceId is a random UUID, so nobody can guess one from its hash.
    """

    def add(self, face_id: str) -> None:
        """Enter a face; entering it twice changes nothing."""
        self.put(face_place(face_id), FACE)

    def discard(self, face_id: str) -> bool:
        """Take a face out; whether it was there."""
        key = face_place(face_id)
        if self.get(key) is None:
            return False
        self._forget(key)
        return True


def _bucket(key: bytes) -> int:
    return int.from_bytes(key[:2], "big") >> (16 - _BUCKET_BITS)


def head_fields(name: str, size: int, node: MapNode, vrf_public: bytes) -> dict[str, int | str]:
    """Public fields of the ``map`` entry for a head; what the log has beside it is added."""
    return {"m": name, "n": size, "q": node.count, "r": b64url(node.hash), "s": node.units, "y": b64url(vrf_public)}


def partition(leaves: list[tuple[bytes, MapNode]], depth: int) -> int:
    """How many of the sorted leaves go left at ``depth``."""
    low, high = 0, len(leaves)
    while low < high:
        middle = (low + high) // 2
        if bit(leaves[middle][0], depth):
            high = middle
        else:
            low = middle + 1
    return low

"""What a map says about one key: hashes of the sum-prefix tree, and the check of presence and absence.

A map is a binary tree over keys of 32 bytes, read from the first bit on. A subtree without keys is *empty*; a subtree
with one key is that key's *leaf*, wherever it stands; any other is an *inner* node. Every leaf carries two sums, and an
inner node commits to the sums of both children separately, so that totals cannot be understated by anyone's share.

In: a head (root and totals), a key, a path. Out: the value under the key, None when it is proven that there is none, or
MapError. It does not know what keys mean (``maps``) nor who signed the head (``statement``).

Source of the form of nodes: Hu, Zhang, Guo, "Breaking the Binding", IACR ePrint 2018/1139, on Maxwell's tree.
"""

from __future__ import annotations

import hmac
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

KEY_BYTES = 32
HASH_BYTES = 32
MAX_DEPTH = 8 * KEY_BYTES
MAX_SUM = (1 << 63) - 1
EMPTY_HASH = bytes(HASH_BYTES)
_NODE_BYTES = HASH_BYTES + 16
_VALUE_BYTES = 16 + HASH_BYTES
_EMPTY, _LEAF = b"\x00", b"\x01"


class MapError(ValueError):
    """The path does not show what it claims."""


@dataclass(frozen=True, slots=True)
class Value:
    """What stands under a key: two sums, and the root of whatever the map keeps per key."""

    count: int
    units: int
    root: bytes

    def encode(self) -> bytes:
        """48 bytes: count and units as 8 bytes each, most significant first, then the root."""
        return _sums(self.count, self.units) + self.root


@dataclass(frozen=True, slots=True)
class MapNode:
    """A subtree as its parent sees it: its hash and the sums of all leaves under it."""

    hash: bytes
    count: int
    units: int

    def encode(self) -> bytes:
        """48 bytes: hash, count, units."""
        return self.hash + _sums(self.count, self.units)


EMPTY = MapNode(EMPTY_HASH, 0, 0)


@dataclass(frozen=True, slots=True)
class MapPath:
    """The way to a key: siblings from the root down, and what stands at the end.

    Attributes:
        siblings: the other child at each level, root first.
        leaf: key and value of the leaf at the end; None when the way ends at an empty subtree.
    """

    siblings: tuple[MapNode, ...]
    leaf: tuple[bytes, Value] | None


def leaf_node(key: bytes, value: Value) -> MapNode:
    """The leaf of ``key``. Raises MapError when a length or a sum is out of range."""
    if len(key) != KEY_BYTES or len(value.root) != HASH_BYTES:
        raise MapError("a map key and a map value's root have 32 bytes")
    return MapNode(sha256(b"\x02" + key + value.encode()).digest(), value.count, value.units)


def inner_node(left: MapNode, right: MapNode) -> MapNode:
    """The parent of two subtrees. Raises MapError when a sum is out of range."""
    hash_ = sha256(
        b"\x03" + _sums(left.count, left.units) + _sums(right.count, right.units) + left.hash + right.hash
    ).digest()
    return MapNode(hash_, _checked(left.count + right.count), _checked(left.units + right.units))


def bit(key: bytes, depth: int) -> int:
    """Bit ``depth`` of a key, the first being the most significant of the first byte."""
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


FACE = Value(1, 0, bytes(32))
"""What stands under every FaceId: it counts as one."""


def face_place(face_id: str) -> bytes:
    """Where a FaceId stands in its collection's tree."""
    return sha256(b"custodes face v1\n" + face_id.encode()).digest()


def look_up(head: MapNode, key: bytes, path: MapPath) -> Value | None:
    """The value under ``key`` in the map with ``head``, or None when the path proves that there is none.

    For one head and one key there is one answer: whoever finds paths to two has found a collision of SHA-256.

    Raises:
        MapError: the path does not belong to this head and key, or the sums do not add up.
    """
    if not hmac.compare_digest(climb(key, path).encode(), head.encode()):
        raise MapError("the path leads to another map, or its sums differ from the map's totals")
    if path.leaf is None or path.leaf[0] != key:
        return None
    return path.leaf[1]


def climb(key: bytes, path: MapPath) -> MapNode:
    """The head to which a path to ``key`` leads; compare it with one that is known.

    Raises:
        MapError: the path cannot be one to this key, or the sums do not add up.
    """
    if len(key) != KEY_BYTES or len(path.siblings) > MAX_DEPTH:
        raise MapError("the key or the path has an impossible length")
    depth = len(path.siblings)
    node = EMPTY if path.leaf is None else leaf_node(*path.leaf)
    if path.leaf is not None and _prefix(path.leaf[0], depth) != _prefix(key, depth):
        raise MapError("the path ends at a leaf that does not lie on the way to this key")
    for sibling in reversed(path.siblings):
        if sibling.hash == EMPTY_HASH and (sibling.count or sibling.units):
            raise MapError("an empty part of the map claims to hold something")
        depth -= 1
        node = inner_node(sibling, node) if bit(key, depth) else inner_node(node, sibling)
    return node


def parse_path(data: bytes) -> MapPath:
    """Read the bytes of a path: its end, then its siblings from the root down.

    Raises:
        MapError: the bytes have another form or length.
    """
    leaf: tuple[bytes, Value] | None = None
    if data[:1] == _LEAF:
        end = 1 + KEY_BYTES + _VALUE_BYTES
        leaf = (data[1 : 1 + KEY_BYTES], parse_value(data[1 + KEY_BYTES : end]))
    elif data[:1] == _EMPTY:
        end = 1
    else:
        raise MapError("the path has no end")
    rest = data[end:]
    if len(data) < end or len(rest) % _NODE_BYTES or len(rest) > MAX_DEPTH * _NODE_BYTES:
        raise MapError("the path has an impossible length")
    parts = (rest[at : at + _NODE_BYTES] for at in range(0, len(rest), _NODE_BYTES))
    return MapPath(tuple(MapNode(p[:32], _int(p[32:40]), _int(p[40:])) for p in parts), leaf)


def parse_value(data: bytes) -> Value:
    """Read 48 bytes of a value. Whether they are as many, ``leaf_node`` says."""
    return Value(_int(data[:8]), _int(data[8:16]), data[16:])


def tree_of(values: Iterable[tuple[bytes, Value]]) -> MapNode:
    """The head over all keys and values, from nothing.

    Raises:
        MapError: a key appears twice, or a length or sum is out of range.
    """
    leaves = sorted(((key, leaf_node(key, value)) for key, value in values), key=lambda leaf: leaf[0])
    if any(a[0] == b[0] for a, b in pairwise(leaves)):
        raise MapError("a key stands in the map twice")
    return fold(leaves, 0)


def fold(leaves: Sequence[tuple[bytes, MapNode]], depth: int) -> MapNode:
    """The subtree at ``depth`` over sorted leaves that share their first ``depth`` bits."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0][1]
    split = bisect_left(leaves, 1, key=lambda leaf: bit(leaf[0], depth))
    return inner_node(fold(leaves[:split], depth + 1), fold(leaves[split:], depth + 1))


def _prefix(key: bytes, bits: int) -> int:
    return int.from_bytes(key, "big") >> (MAX_DEPTH - bits)


def _checked(value: int) -> int:
    if not 0 <= value <= MAX_SUM:
        raise MapError("a sum of the map is out of range")
    return value


def _sums(count: int, units: int) -> bytes:
    return _checked(count).to_bytes(8, "big") + _checked(units).to_bytes(8, "big")


def _int(data: bytes) -> int:
    return int.from_bytes(data, "big")

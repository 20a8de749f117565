"""Each head of the account map continues the one before: no place gone, no count lower, each use credited once.

In: two heads, the public uses between them, and a proof. Out: nothing, or MapError. The proof names each place of the
map that changed, with what stood there before and the uses that were added, and the rest of the tree as hashes that
are the same on both sides; both heads are computed from it. So whoever checks all heads of a log knows that every use
was credited to exactly one place, in the hour after it was made, and stays there in every later head: the newest
absence of a place is its absence in all of them. Whose a place is cannot be told from it.

Source of the idea: Chase, Deshpande, Ghosh, Malvai, "SEEMless", CCS 2019 (audit of an append-only key directory).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from struct import Struct

from custodes.ledger.tlog.merkle import Frontier
from custodes.ledger.verifier.maps.head import MapHead, use_leaf
from custodes.ledger.verifier.maps.proof import (
    EMPTY,
    EMPTY_HASH,
    MAX_DEPTH,
    MapError,
    MapNode,
    Value,
    bit,
    inner_node,
    leaf_node,
    tree_of,
)

HEADER, ROW, NODE, MOVED = Struct(">I"), Struct(">32sQQHI"), Struct(">32sQQ"), Struct(">32s32sQQ32s")

Uses = Mapping[int, tuple[bytes, int]]
"""Index of a use: its leaf hash in the log, and its units."""


@dataclass(frozen=True, slots=True)
class GrownPlace:
    """A place of the map, before and after.

    Attributes:
        place: the key in the map.
        units: before.
        uses: the list of uses before, as the edge of its tree; empty where the place is new.
        depth: at this depth the place is alone in its subtree.
        added: indexes of the uses that came, in order; none where the place only had to be shown.
    """

    place: bytes
    units: int
    uses: Frontier
    depth: int
    added: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MapGrowth:
    """The proof: places in order, and subtrees that did not change, in the order in which a walk meets them."""

    places: tuple[GrownPlace, ...]
    siblings: tuple[MapNode, ...]


def parse_growth(data: bytes) -> MapGrowth:
    """Read a proof, numbers with the big end first.

    Number of places (4 bytes); for each: place, units (8), uses before (8), depth (2), uses added (4), hashes of the
    edge, highest level first, indexes (8 each); then per subtree its hash, count and units (8 each).

    Raises:
        MapError: the bytes have another form or length.
    """
    at = HEADER.size
    if len(data) < at:
        raise MapError("the proof of growth is too short")
    (number,), places = HEADER.unpack_from(data), list[GrownPlace]()
    for _ in range(number):
        if at + ROW.size > len(data):
            raise MapError("the proof of growth ends within a place")
        place, units, count, depth, added = ROW.unpack_from(data, at)
        at += ROW.size
        middle, end = at + 32 * count.bit_count(), at + 32 * count.bit_count() + 8 * added
        if end > len(data):
            raise MapError("the proof of growth ends within a place")
        hashes = iter([data[p : p + 32] for p in range(at, middle, 32)][::-1])
        nodes = tuple(next(hashes) if count >> level & 1 else None for level in range(count.bit_length()))
        indexes = tuple(int.from_bytes(data[p : p + 8], "big") for p in range(middle, end, 8))
        places.append(GrownPlace(place, units, Frontier(count, nodes), depth, indexes))
        at = end
    if (len(data) - at) % NODE.size:
        raise MapError("the proof of growth has an impossible length")
    return MapGrowth(tuple(places), tuple(MapNode(*row) for row in NODE.iter_unpack(data[at:])))


def check_growth(old: MapHead | None, new: MapHead, growth: MapGrowth, uses: Uses) -> None:
    """Check that ``new`` is ``old`` with exactly ``uses`` credited.

    Args:
        old: the head before; None for the first one of a log.
        new: the head.
        growth: the proof.
        uses: every use of the log that ``new`` covers and ``old`` does not.

    Raises:
        MapError: it does not show that.
    """
    if old is not None and (old.vrf_public, old.changed) != (new.vrf_public, new.changed):
        raise MapError("the two heads were made under different VRF keys")
    places = growth.places
    if any(a.place >= b.place for a, b in pairwise(places)):
        raise MapError("the places of the proof are out of order")
    added = [index for one in places for index in one.added]
    if len(added) != len(set(added)) or set(added) != uses.keys():
        raise MapError("the uses between the two heads are not each credited to one place")
    siblings = iter(growth.siblings)
    before, after = _walk(places, 0, siblings, uses)
    if next(siblings, None) is not None:
        raise MapError("the proof of growth has more subtrees than it needs")
    if before.node != (EMPTY if old is None else old.node):
        raise MapError("the proof of growth does not begin at the head before")
    if after.node != new.node:
        raise MapError("the proof of growth does not lead to this head")


def check_moved(old: MapHead, new: MapHead, data: bytes) -> None:
    """Check that the first head under a new VRF key has every list of uses of the one before, and nothing else.

    Args:
        old: the last head under the old key.
        new: the first under the new one.
        data: of each place, rising: where it was, where it is, count, units, root.

    Raises:
        MapError: it does not show that.
    """
    if len(data) % MOVED.size:
        raise MapError("the proof of a change of key has an impossible length")
    rows = [(was, here, Value(*value)) for was, here, *value in MOVED.iter_unpack(data)]
    if any(a[0] >= b[0] for a, b in pairwise(rows)):
        raise MapError("the places of the proof are out of order")
    if old.size != new.size or tree_of((was, value) for was, _, value in rows) != old.node:
        raise MapError("the change of key does not begin at the head before")
    if tree_of((here, value) for _, here, value in rows) != new.node:
        raise MapError("the change of key does not lead to this head")


@dataclass(frozen=True, slots=True)
class _Part:
    """A subtree, and how many places it has: none, one, or 2 for more."""

    node: MapNode
    keys: int


def _walk(places: tuple[GrownPlace, ...], depth: int, siblings: Iterator[MapNode], uses: Uses) -> tuple[_Part, _Part]:
    """The subtree at ``depth`` that holds ``places``, before and after."""
    if not places:
        return (_unchanged(next(siblings, None)),) * 2
    if len(places) == 1 and depth == places[0].depth:
        return _leaf(places[0], uses)
    if depth == MAX_DEPTH:
        raise MapError("the proof of growth goes deeper than the map")
    split = sum(not bit(one.place, depth) for one in places)
    left = _walk(places[:split], depth + 1, siblings, uses)
    right = _walk(places[split:], depth + 1, siblings, uses)
    return _join(left[0], right[0]), _join(left[1], right[1])


def _unchanged(node: MapNode | None) -> _Part:
    if node is None:
        raise MapError("the proof of growth has too few subtrees")
    if node.hash == EMPTY_HASH and node != EMPTY:
        raise MapError("an empty part of the map claims to hold something")
    return _Part(node, 0 if node == EMPTY else 2)


def _leaf(one: GrownPlace, uses: Uses) -> tuple[_Part, _Part]:
    if any(a >= b for a, b in pairwise(one.added)):
        raise MapError("the uses of a place are out of order")
    before = _Part(EMPTY, 0)
    if one.uses.size:
        before = _Part(leaf_node(one.place, Value(one.uses.size, one.units, one.uses.root())), 1)
    elif one.units or not one.added:
        raise MapError("a place without uses is shown")
    grown = one.uses.extend([use_leaf(index, uses[index][0]) for index in one.added])
    units = one.units + sum(uses[index][1] for index in one.added)
    return before, _Part(leaf_node(one.place, Value(grown.size, units, grown.root())), 1)


def _join(left: _Part, right: _Part) -> _Part:
    keys = left.keys + right.keys
    if keys == 0:
        return left
    if keys == 1:  # a lone place stands for the whole subtree
        return left if left.keys else right
    return _Part(inner_node(left.node, right.node), 2)

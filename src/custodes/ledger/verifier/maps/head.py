"""Heads of maps as entries of the log, and the names under which things stand in maps.

In: a head, or a ``map`` entry. Out: the public fields of such an entry, and the way back. It builds no map
(``prover.maps``) and checks no path (``proof``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from custodes.ledger.tlog.entry import Entry, EntryError, from_b64url
from custodes.ledger.tlog.merkle import leaf_hash
from custodes.ledger.tlog.trust import VrfKey
from custodes.ledger.verifier.maps.proof import MapError, MapNode

ACCOUNT_MAP = "account"
COLLECTION_MAP = "collection"
PARTY_MAP = "party"


@dataclass(frozen=True, slots=True)
class MapHead:
    """A head as the log holds it: the map called ``name`` over the first ``size`` entries.

    Attributes:
        node: root and totals.
        vrf_public: key under which names are placed.
        clock_entries: how many of those entries say that the clock was wrong.
        changed: index of the ``vrf`` entry by which that key came; None for the first key of a log.
    """

    name: str
    size: int
    node: MapNode
    vrf_public: bytes
    clock_entries: int = 0
    changed: int | None = None


def parse_head(entry: Entry) -> MapHead:
    """The head in a ``map`` entry.

    Raises:
        MapError: the entry is of another kind, or lacks a field.
    """
    fields = entry.fields
    name, size, count, units = (fields.get(key) for key in "mnqs")
    if entry.kind != "map" or not isinstance(name, str):
        raise MapError("the entry holds no head of a map")
    if not (isinstance(size, int) and isinstance(count, int) and isinstance(units, int)):
        raise MapError("the head of the map lacks its size or its totals")
    try:
        root, key = from_b64url(str(fields.get("r"))), from_b64url(str(fields.get("y")))
    except EntryError as error:
        raise MapError("the head of the map lacks its root or its key") from error
    if len(root) != 32 or len(key) != 32:
        raise MapError("the head of the map has a root or a key of a wrong length")
    wrong, changed = fields.get("i", 0), fields.get("b")
    assert isinstance(wrong, int) and not isinstance(changed, str)
    return MapHead(name, size, MapNode(root, count, units), key, wrong, changed)


def check_key(head: MapHead, index: int, keys: Sequence[VrfKey]) -> None:
    """Raise MapError when the reader names VRF keys, and the head in entry ``index`` is under none that holds there."""
    since = max((key.since for key in keys if key.since <= index), default=0)
    held = [key.public for key in keys if key.since == since]
    if keys and (head.vrf_public not in held or (since and head.changed != since)):
        raise MapError("the head of the map was made under a VRF key that your trust policy does not name for it")


def use_leaf(index: int, entry_hash: bytes) -> bytes:
    """Leaf of an account's list of uses: where the entry stands in the log, and its leaf hash there."""
    return leaf_hash(index.to_bytes(8, "big") + entry_hash)


def place_leaf(index: int, commitment: bytes) -> bytes:
    """Leaf of a party's list of places: the ``org`` entry that brought it, and the commitment to what it says."""
    return leaf_hash(index.to_bytes(8, "big") + commitment)


def account_name(account: str) -> str:
    """The name under which an account stands in the account map."""
    return f"acct:{account}"


def collection_name(account: str, collection: str) -> str:
    """The name under which a collection stands in the collection map."""
    return f"coll:{account}/{collection}"

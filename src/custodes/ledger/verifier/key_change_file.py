"""The file about a change of the VRF key: every name of the maps has the same under the new key as under the old one.

In: bytes and a trust policy. Out: PRESENT (all names are there again), UNDETERMINED or INVALID. It says who the
customers are, so it goes to auditors; others see in their own statements that nothing was dropped under their name.
Shape: ``{"digest": .., "vrf": {"checkpoint", "entry": {"e", "i"}, "heads": [old and new of the account map, old and new
of the party map], "names": [{"n": name, "o": proof under the old key, "v": count, units and root, "y": proof under the
new one}, ..], "proof", "v": 1}}``.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.trust import TrustError, TrustPolicy, open_trusted
from custodes.ledger.verifier.canonical_json import Members, PlacedEntry, StatementError, canonical, unwrap
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, PARTY_MAP, MapHead, check_key, parse_head
from custodes.ledger.verifier.maps.key_change import KeyChange, parse_change
from custodes.ledger.verifier.maps.proof import MapError, Value, parse_value, tree_of
from custodes.ledger.verifier.multiproof import check_in_log
from custodes.ledger.verifier.statement import map_of
from custodes.ledger.verifier.vrf import vrf

LIMITS = (
    "That nobody computed with the old or the new key outside of this log.",
    "The map of collections: it says what is there now, so no absence of the past rests on it.",
)


@dataclass(frozen=True, slots=True)
class MovedName:
    """A name, the proofs of its places under the old and the new key, and what stands there."""

    name: str
    old: bytes
    new: bytes
    value: Value

    @classmethod
    def read(cls, value: object) -> MovedName:
        """Read one row of ``names``. Raises StatementError or MapError."""
        members = Members(value)
        row = cls(members.text("n"), members.binary("o"), members.binary("y"), parse_value(members.binary("v")))
        members.end()
        return row


@dataclass(frozen=True, slots=True)
class KeyChangeVerdict:
    """``word`` is PRESENT, UNDETERMINED or INVALID; ``reasons`` say why, or what was established."""

    word: str
    reasons: tuple[str, ...]


def verify_key_change(data: bytes, policy: TrustPolicy) -> KeyChangeVerdict:
    """Check the file about a change of the VRF key."""
    try:
        inner = Members(unwrap("vrf", data))
        if inner.index("v") != 1:
            raise StatementError("this file is of another version")
        trusted = open_trusted(inner.text("checkpoint").encode(), policy)
        entry, heads = inner.placed("entry"), [PlacedEntry.read(one) for one in inner.items("heads")]
        check_in_log([(one.index, one.envelope) for one in (entry, *heads)], trusted.checkpoint, inner.hashes("proof"))
        change, names = parse_change(decode(entry.envelope)), inner.take("names")
        inner.end()
        if not isinstance(names, list) or len(heads) != 4:
            raise StatementError("the file holds no names, or another number of heads than four")
        if not hmac.compare_digest(sha256(canonical(names)).digest(), change.names):
            raise MapError("the names in the file are not those that the entry commits to")
        rows = [MovedName.read(row) for row in names]
        if any(a.name >= b.name for a, b in pairwise(rows)) or any(map_of(row.name) is None for row in rows):
            raise StatementError("the names are out of order, or one is not in canonical form")
        for name, pair in ((ACCOUNT_MAP, heads[:2]), (PARTY_MAP, heads[2:])):
            old, new = (parse_head(decode(one.envelope)) for one in pair)
            check_key(old, pair[0].index, policy.vrf_keys)
            check_key(new, pair[1].index, policy.vrf_keys)
            if (old.name, new.name, change.last[name], new.changed) != (name, name, pair[0].index, entry.index):
                raise MapError("a head that is shown is not the last under the old key, or not one under the new key")
            _check_moved([row for row in rows if map_of(row.name) == name], old, new, change)
    except (StatementError, TrustError, ProofError, EntryError, MapError, vrf.VrfError) as error:
        return KeyChangeVerdict("INVALID", (str(error),))
    if not trusted.quorum_met:
        return KeyChangeVerdict("UNDETERMINED", ("too few of the witnesses that you trust confirmed this log",))
    what = f"{len(rows)} names have the same under both keys, and neither map has anything else"
    return KeyChangeVerdict("PRESENT", (f"entry {entry.index} changes the VRF key: {what}",))


def _check_moved(rows: Sequence[MovedName], old: MapHead, new: MapHead, change: KeyChange) -> None:
    """Whether the map with either head has exactly ``rows``, each at its place under that head's key."""
    if new.size != old.size or new.vrf_public != change.key:
        raise MapError("the first head under the new key is another one, or covers something else than the last before")
    for head, proofs in ((old, [row.old for row in rows]), (new, [row.new for row in rows])):
        places = [
            vrf.verify(head.vrf_public, row.name.encode(), proof)[:32] for row, proof in zip(rows, proofs, strict=True)
        ]
        if tree_of(zip(places, (row.value for row in rows), strict=True)) != head.node:
            raise MapError(f"the names do not lead to the head of the map {head.name!r} over {head.size} entries")

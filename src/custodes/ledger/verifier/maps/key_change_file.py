"""The file about a change of the VRF key: whatever stood in the maps stands there under the new key as under the old.

In: bytes and a trust policy. Out: PRESENT (it does), UNDETERMINED or INVALID. It names nobody: of each name it has the
place under the first key of the log, which both keys place, each with a proof. Whoever may have the file about growth
may have it. Shape:
``{"digest": .., "vrf": {"accounts": places, "before": null or like entry, "checkpoint", "entry": {"e", "f", "i", "p"},
"heads": [old and new of the account map, old and new of the party map], "parties": places, "proof", "v": 2}}``; a place
is ``{"b": place under the first key, "o": proof under the old key, "v": count, units and root, "y": proof under the new
one}``, without ``o`` at the first change, as the old key is the first one there.
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
from custodes.ledger.verifier.maps.key_change import ShownChange, check_shown
from custodes.ledger.verifier.maps.proof import KEY_BYTES, MapError, Value, parse_value, tree_of
from custodes.ledger.verifier.multiproof import check_in_log
from custodes.ledger.verifier.vrf import vrf

LIMITS = (
    "That nobody computed with the old or the new key outside of this log.",
    "The map of collections: it says what is there now, so no absence of the past rests on it.",
    "The changes before this one: each has a file of its own.",
)


@dataclass(frozen=True, slots=True)
class MovedPlace:
    """A place under the first key, what stands there, and the proofs of where the old and the new key put it.

    ``old`` is None where the old key is the first one.
    """

    first: bytes
    old: bytes | None
    new: bytes
    value: Value

    @classmethod
    def read(cls, value: object) -> MovedPlace:
        """Read one row of the places. Raises StatementError or MapError."""
        members = Members(value)
        old = members.binary("o") if members.has("o") else None
        row = cls(members.binary("b"), old, members.binary("y"), parse_value(members.binary("v")))
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
        if inner.index("v") != 2:
            raise StatementError("this file is of another version")
        trusted = open_trusted(inner.text("checkpoint").encode(), policy)
        shown = ShownChange.read(inner.take("entry"))
        before = None if inner.is_null("before") else ShownChange.read(inner.take("before"))
        heads = [PlacedEntry.read(one) for one in inner.items("heads")]
        entries = [shown.entry, *([] if before is None else [before.entry]), *heads]
        check_in_log([(one.index, one.envelope) for one in entries], trusted.checkpoint, inner.hashes("proof"))
        places = {"accounts": inner.items("accounts"), "parties": inner.items("parties")}
        inner.end()
        if len(heads) != 4:
            raise StatementError("the file shows another number of heads than four")
        if not hmac.compare_digest(sha256(canonical(places)).digest(), shown.places):
            raise MapError("the places in the file are not those that the entry commits to")
        for name, rows, pair in ((ACCOUNT_MAP, "accounts", heads[:2]), (PARTY_MAP, "parties", heads[2:])):
            parsed = [(one.index, parse_head(decode(one.envelope))) for one in pair]
            for index, head in parsed:
                check_key(head, index, policy.vrf_keys)
            _check_heads(name, parsed, (shown, before), policy)
            _check_moved([MovedPlace.read(row) for row in places[rows]], parsed[0][1], parsed[1][1])
    except (StatementError, TrustError, ProofError, EntryError, MapError, vrf.VrfError) as error:
        return KeyChangeVerdict("INVALID", (str(error),))
    if not trusted.quorum_met:
        return KeyChangeVerdict("UNDETERMINED", ("too few of the witnesses that you trust confirmed this log",))
    number = sum(map(len, places.values()))
    what = f"{number} places have the same under both keys, and neither map has anything else"
    return KeyChangeVerdict("PRESENT", (f"entry {shown.entry.index} changes the VRF key: {what}",))


def _check_heads(
    name: str,
    heads: Sequence[tuple[int, MapHead]],
    changes: tuple[ShownChange, ShownChange | None],
    policy: TrustPolicy,
) -> None:
    """Whether two heads of one map are those around a change, and it has the first key of the change before."""
    (at, old), (_, new) = heads
    shown, before = changes
    change = check_shown(shown, policy.vrf_keys)
    if (old.name, new.name, change.last[name], new.changed) != (name, name, at, shown.entry.index):
        raise MapError("a head that is shown is not the last under the old key, or not one under the new key")
    if new.size != old.size or new.vrf_public != change.key:
        raise MapError("the first head under the new key is another one, or covers something else than the last before")
    if before is None:
        known = old.changed is None and old.vrf_public == shown.first
    else:
        earlier = check_shown(before, policy.vrf_keys)
        known = (old.changed, old.vrf_public, before.first) == (before.entry.index, earlier.key, shown.first)
    if not known:
        raise MapError("the old key, or the first one, is another than the change before this one says")


def _check_moved(rows: Sequence[MovedPlace], old: MapHead, new: MapHead) -> None:
    """Whether the map with either head has exactly ``rows``, each where that head's key puts it."""
    if any(a.first >= b.first for a, b in pairwise(rows)) or any(len(row.first) != KEY_BYTES for row in rows):
        raise StatementError("the places are out of order")
    if any((row.old is None) != (old.changed is None) for row in rows):
        raise StatementError("a place has no proof under the old key, or one that it cannot have")
    for head, proofs in ((old, [row.old for row in rows]), (new, [row.new for row in rows])):
        places = [
            row.first if proof is None else vrf.verify(head.vrf_public, row.first, proof)[:KEY_BYTES]
            for row, proof in zip(rows, proofs, strict=True)
        ]
        if tree_of(zip(places, (row.value for row in rows), strict=True)) != head.node:
            raise MapError(f"the places do not lead to the head of the map {head.name!r} over {head.size} entries")

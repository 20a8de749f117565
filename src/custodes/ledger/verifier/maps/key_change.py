"""A change of the VRF key: what it says, and that a name has under the old key what it has under the new one.

In: a ``vrf`` entry; for one name, its place and what stood there under each key of before. Out: nothing, or MapError.
Under another key every name has another place, so an operator who changes it could have everybody unknown. Therefore a
``vrf`` entry names the last heads under the old key, a head names the ``vrf`` entry of its key, and whoever states
something about a name shows what that last head says at its old place: the beginning of what is shown now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custodes.ledger.tlog.entry import Entry, decode, from_b64url
from custodes.ledger.tlog.merkle import tree_root
from custodes.ledger.tlog.trust import VrfKey
from custodes.ledger.verifier.canonical_json import Members, PlacedEntry, canonical
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, PARTY_MAP, MapHead, check_key, parse_head
from custodes.ledger.verifier.maps.proof import MapError, Value, look_up, parse_path
from custodes.ledger.verifier.vrf import vrf


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What a ``vrf`` entry says.

    Attributes:
        last: per map, the index of its last head under the old key.
        names: SHA-256 of the names with their proofs under both keys.
        key: the new key.
    """

    last: Mapping[str, int]
    names: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change of the key with the last head under the old one, and the way to a name in that head's map."""

    entry: PlacedEntry
    head: PlacedEntry
    vrf: bytes
    path: bytes

    @classmethod
    def read(cls, value: object) -> ShownChange:
        """Read ``{"e": entry, "h": head, "i": index, "p": path, "v": proof}``. Raises StatementError."""
        members = Members(value)
        entry = PlacedEntry(members.index("i"), canonical(members.take("e")))
        shown = cls(entry, members.placed("h"), members.binary("v"), members.binary("p"))
        members.end()
        return shown


def parse_change(entry: Entry) -> KeyChange:
    """The change of key in a ``vrf`` entry. Raises MapError when it is another one."""
    fields = entry.fields
    account, party = fields.get("a"), fields.get("b")
    if entry.kind != "vrf":
        raise MapError("an entry that changes no VRF key is shown as one that does")
    assert isinstance(account, int) and isinstance(party, int)
    digests = from_b64url(str(fields["e"])), from_b64url(str(fields["y"]))
    return KeyChange({ACCOUNT_MAP: account, PARTY_MAP: party}, *digests)


def check_changes(
    shown: Sequence[ShownChange],
    head: tuple[int, MapHead],
    identifier: str,
    listed: Sequence[tuple[int, bytes, int]],
    keys: Sequence[VrfKey],
) -> None:
    """Check that the map had, under every key of before, the beginning of what is listed now.

    Args:
        shown: all changes in front of the head, the oldest first.
        head: the head that answers, with its index.
        identifier: the name.
        listed: index, leaf and units of all that the head has under it, in order.
        keys: those that the reader names, if any.

    Raises:
        MapError: a change is missing or is another one, or something was dropped or exchanged with it.
        VrfError: the proof of a place does not hold.
        EntryError: an entry is malformed.
    """
    last: tuple[int, bytes] | None = None
    for one in shown:
        change, old = parse_change(decode(one.entry.envelope)), parse_head(decode(one.head.envelope))
        check_key(old, one.head.index, keys)
        _check_follows(last, (one.head.index, old))
        if (old.name, change.last.get(old.name)) != (head[1].name, one.head.index):
            raise MapError("the last head under an earlier VRF key is another one than its change says")
        place = vrf.verify(old.vrf_public, identifier.encode(), one.vrf)[:32]
        was = look_up(old.node, place, parse_path(one.path)) or Value(0, 0, tree_root([]))
        before = [row for row in listed if row[0] < old.size]
        if was != Value(len(before), sum(row[2] for row in before), tree_root([row[1] for row in before])):
            raise MapError("under the VRF key of before, the map had something else under this name")
        last = one.entry.index, change.key
    _check_follows(last, head)


def _check_follows(change: tuple[int, bytes] | None, head: tuple[int, MapHead]) -> None:
    """Whether a head was made under the key of the last change in front of it, None before the first."""
    at = None if change is None else change[0]
    if head[1].changed != at or (change is not None and (head[1].vrf_public != change[1] or head[0] <= change[0])):
        raise MapError("the head of the map was made under another VRF key than the last change of it says")

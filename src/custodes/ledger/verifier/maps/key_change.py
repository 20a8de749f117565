"""A change of the VRF key: what it says, and where a name stands in the maps under a key that came by one.

In: a ``vrf`` entry; a name with its proofs. Out: the place of the name, or MapError. Under another key every name has
another place, so an operator who changes it could have everybody unknown. Therefore names go on having the place that
the first key of the log gives them, and a later key places that place: whoever sees what stands where before and after
a change can check, without any name, that nothing was dropped or exchanged (``key_change_file``). So a statement needs
the first key and the present one, however often the key was changed between them.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from custodes.ledger.tlog.entry import Entry, decode, from_b64url
from custodes.ledger.tlog.trust import VrfKey
from custodes.ledger.verifier.canonical_json import Members, PlacedEntry, canonical
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, PARTY_MAP, MapHead
from custodes.ledger.verifier.maps.proof import KEY_BYTES, MapError
from custodes.ledger.verifier.vrf import vrf


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What a ``vrf`` entry says.

    Attributes:
        last: per map, the index of its last head under the old key.
        commitment: ``commitment_of`` the first key of the log and the places with proofs under both keys.
        key: the new key.
    """

    last: Mapping[str, int]
    commitment: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A ``vrf`` entry with what its commitment is over: the first key of the log, and SHA-256 of the places."""

    entry: PlacedEntry
    first: bytes
    places: bytes

    @classmethod
    def read(cls, value: object) -> ShownChange:
        """Read ``{"e": entry, "f": first key, "i": index, "p": digest of the places}``. Raises StatementError."""
        members = Members(value)
        entry = PlacedEntry(members.index("i"), canonical(members.take("e")))
        shown = cls(entry, members.binary("f"), members.binary("p"))
        members.end()
        return shown


def commitment_of(first: bytes, places: bytes) -> bytes:
    """What a ``vrf`` entry has as ``e``: SHA-256 over the first key of the log and the digest of the places."""
    return sha256(first + places).digest()


def parse_change(entry: Entry) -> KeyChange:
    """The change of key in a ``vrf`` entry. Raises MapError when it is another one."""
    fields = entry.fields
    account, party = fields.get("a"), fields.get("b")
    if entry.kind != "vrf":
        raise MapError("an entry that changes no VRF key is shown as one that does")
    assert isinstance(account, int) and isinstance(party, int)
    digests = from_b64url(str(fields["e"])), from_b64url(str(fields["y"]))
    return KeyChange({ACCOUNT_MAP: account, PARTY_MAP: party}, *digests)


def check_shown(shown: ShownChange, keys: Sequence[VrfKey]) -> KeyChange:
    """The change that is shown, if its entry commits to the first key shown, and the reader names no other as that."""
    change = parse_change(decode(shown.entry.envelope))
    if not hmac.compare_digest(change.commitment, commitment_of(shown.first, shown.places)):
        raise MapError("the change of the VRF key commits to another first key, or to other places")
    first = [key.public for key in keys if key.since == 0]
    if first and shown.first not in first:
        raise MapError("the first VRF key is another one than your trust policy names")
    return change


def place_of(
    identifier: str, proof: bytes, head: tuple[int, MapHead], shown: ShownChange | None, keys: Sequence[VrfKey]
) -> bytes:
    """Where a name stands in the map with a head.

    Args:
        identifier: the name.
        proof: 80 bytes under the first key of the log, and behind a change of it 80 more under the head's.
        head: the head with its index.
        shown: the change by which its key came; None for the first key.
        keys: those that the reader names, if any.

    Raises:
        MapError: the change is missing, or is another one than that of the head's key.
        VrfError: a proof does not hold.
        EntryError: the entry is malformed.
    """
    index, what = head
    if shown is None or what.changed is None:
        if shown is not None or what.changed is not None:
            raise MapError("the statement does not show the change by which the VRF key of its head came, or another")
        return vrf.verify(what.vrf_public, identifier.encode(), proof)[:KEY_BYTES]
    change = check_shown(shown, keys)
    if (shown.entry.index, change.key) != (what.changed, what.vrf_public) or index <= shown.entry.index:
        raise MapError("the head of the map was made under another VRF key than the change shown brought")
    first = vrf.verify(shown.first, identifier.encode(), proof[: vrf.PROOF_BYTES])[:KEY_BYTES]
    return vrf.verify(what.vrf_public, first, proof[vrf.PROOF_BYTES :])[:KEY_BYTES]

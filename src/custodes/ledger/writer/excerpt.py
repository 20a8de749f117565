"""Excerpts: a few members of a private body that can be shown without the rest of it.

In: a body, its salt. Out: the excerpt, a salt of its own and a commitment to it, which stands in the entry beside that
to the body. The excerpt's salt comes from the body's and does not lead back, so showing an excerpt opens nothing else;
and whoever destroys the body's salt destroys the excerpt with it. What an excerpt holds names nobody.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from custodes.ledger.tlog.commitment import SALT_BYTES, commit
from custodes.ledger.writer.body import encode

MEMBERS: Mapping[str, frozenset[str]] = {
    "acc": frozenset({"sector", "sector_before"}),
    "auth": frozenset({"op", "policy", "purpose", "rules", "sector"}),
}
"""Members that an excerpt of each kind of entry takes from the body, where the body has them."""

_LABEL = b"custodes excerpt v1"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Canonical bytes and the salt that opens the commitment to them."""

    salt: bytes = field(repr=False)
    text: bytes

    @property
    def commitment(self) -> bytes:
        """SHA-256 over salt and text: member ``s`` of the entry."""
        return commit(self.salt, self.text)


def excerpt(kind: str, body: Mapping[str, object], salt: bytes) -> Excerpt:
    """The excerpt of a body that ``canonical`` accepted, of a kind that has excerpts, whose commitment has ``salt``."""
    members = MEMBERS[kind]
    text = encode({name: value for name, value in body.items() if name in members})
    return Excerpt(hmac.digest(salt, _LABEL, sha256)[:SALT_BYTES], text)

"""What statements, maps and invoices ask of whoever holds the log and its private bodies. Adapters live outside.

In and out: bytes and small values. Everything is read only; nothing here is trusted by a verifier.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from custodes.ledger.prover.body_deletion import Deletion
from custodes.ledger.tlog.commitment import check_opening
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.merkle import leaf_hash
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.maps.head import MapHead
from custodes.ledger.verifier.maps.key_change import ShownChange


@dataclass(frozen=True, slots=True)
class Use:
    """One ``use`` entry with what its owner may see.

    Attributes:
        index: where it stands in the log.
        envelope: the public bytes.
        account: whose use it is; remembered even where the body has been erased.
        t: milliseconds since the epoch.
        units: units of use.
        salt: salt of the commitment, or None where the body is gone.
        body: canonical bytes of the private body, or None where it is gone.
    """

    index: int
    envelope: bytes
    account: str
    t: int
    units: int
    salt: bytes | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def entry_hash(self) -> bytes:
        """Leaf hash of the entry in the log."""
        return leaf_hash(self.envelope)

    @property
    def facts(self) -> Mapping[str, object]:
        """The private body; empty where it is gone."""
        value = json.loads(self.body) if self.body is not None else {}
        return value if isinstance(value, dict) else {}


def opened_use(index: int, envelope: bytes, salt: bytes, body: bytes) -> Use:
    """A use from its stored parts, its account taken from the body's ``acct``.

    Raises:
        EntryError: the envelope is none.
        BodyError: the body is not the one that was committed.
        ValueError: the entry is no use, or the body names no account.
    """
    entry = decode(envelope)
    if entry.kind != "use" or entry.units is None or entry.commitment is None:
        raise ValueError(f"entry {index} is no use with a body")
    check_opening(entry.commitment, salt, body)
    account = json.loads(body).get("acct")
    if not isinstance(account, str):
        raise ValueError(f"the body of entry {index} names no account")
    return Use(index, envelope, account, entry.t, entry.units, salt, body)


class UseStream(Protocol):
    """The uses in the log, with their accounts and as much of their bodies as still exists."""

    def uses(self, begin: int, end: int) -> Iterator[Use]:
        """All uses among entries ``begin`` up to ``end``, in order of index."""
        ...


class UseSource(UseStream, Protocol):
    """The same, and also by account."""

    def uses_of(self, account: str, end: int) -> Iterator[Use]:
        """All uses of ``account`` among the first ``end`` entries, in order of index, erased bodies or not."""
        ...


class LogReader(Protocol):
    """The public part of the log."""

    def checkpoint(self) -> bytes:
        """The latest signed checkpoint, with the cosignatures that it has."""
        ...

    def entry(self, index: int) -> bytes:
        """Envelope of entry ``index``. Raises IndexError when there is none."""
        ...

    def node(self, level: int, index: int) -> bytes:
        """Hash of a perfect subtree, as ``merkle.NodeSource``."""
        ...

    def clock_entries(self, end: int) -> Iterator[PlacedEntry]:
        """Those of the first ``end`` entries that say that the clock was wrong."""
        ...

    def deletions(self) -> Iterator[Deletion]:
        """The entries by which private bodies left."""
        ...


class MapReader(Protocol):
    """The maps as they stood at their latest heads in the log."""

    def head_index(self, name: str) -> int:
        """Index of the latest ``map`` entry of the map called ``name``. Raises LookupError when there is none yet."""
        ...

    def path(self, name: str, identifier: str) -> tuple[bytes, bytes]:
        """For that head: the VRF proof of where ``identifier`` stands, and the encoded path to it."""
        ...

    def change(self, head: MapHead) -> ShownChange | None:
        """The change by which the VRF key of ``head`` came; None under the first key of the log."""
        ...


class PlaceSource(Protocol):
    """What the party map has under an identifier at its latest head."""

    def places_of(self, identifier: str) -> Iterator[tuple[int, bytes, bytes]]:
        """For each place, oldest first: the ``org`` entry that brought it, salt and canonical body."""
        ...

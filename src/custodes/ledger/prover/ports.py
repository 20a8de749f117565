"""What statements, maps and invoices ask of whoever holds the log and its private bodies. Adapters live outside.

In and out: bytes and small values. Everything is read only; nothing here is trusted by a verifier.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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


class Documents(Protocol):
    """Private bytes by name, like ``bills/2026-11.json``: files of a folder, or rows of a database.

    One writer at a time; readers may come meanwhile and see a document whole, as it was or as it is. What a method
    changed is durable when it returns. Every method may raise OSError.
    """

    def get(self, name: str) -> bytes | None:
        """All of a document; None where there is none."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Make a document, or put other content in its place."""
        ...

    def remove(self, name: str) -> None:
        """Forget a document; harmless where there is none."""
        ...

    def names(self, folder: str) -> Sequence[str]:
        """The last parts of names of documents that stand directly in ``folder`` (empty for the top), sorted."""
        ...

    def size(self, name: str) -> int:
        """Length in bytes; 0 where there is none."""
        ...

    def read(self, name: str, begin: int, length: int) -> bytes:
        """Bytes from ``begin`` on, at most ``length``: fewer at the end."""
        ...

    def extend(self, name: str, end: int, data: bytes) -> None:
        """Cut a document off behind its first ``end`` bytes, which it has, and put ``data`` there."""
        ...


class Within:
    """The documents in a folder of others."""

    def __init__(self, documents: Documents, folder: str) -> None:
        """Those of ``documents`` whose names begin with ``folder`` and a slash."""
        self._documents = documents
        self._folder = folder

    def get(self, name: str) -> bytes | None:
        """See Documents."""
        return self._documents.get(self._of(name))

    def put(self, name: str, data: bytes) -> None:
        """See Documents."""
        self._documents.put(self._of(name), data)

    def remove(self, name: str) -> None:
        """See Documents."""
        self._documents.remove(self._of(name))

    def names(self, folder: str) -> Sequence[str]:
        """See Documents."""
        return self._documents.names(self._of(folder) if folder else self._folder)

    def size(self, name: str) -> int:
        """See Documents."""
        return self._documents.size(self._of(name))

    def read(self, name: str, begin: int, length: int) -> bytes:
        """See Documents."""
        return self._documents.read(self._of(name), begin, length)

    def extend(self, name: str, end: int, data: bytes) -> None:
        """See Documents."""
        self._documents.extend(self._of(name), end, data)

    def _of(self, name: str) -> str:
        return f"{self._folder}/{name}"

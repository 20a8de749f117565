"""The face indexes of a running operator: one tree of FaceIds per collection, and the map over all collections.

In: faces as they are enrolled and erased; a way to append entries. Out: ``era`` entries that commit to the index before
and after, records for certificates, ``map`` entries of the collection map. In memory (about 150 bytes a face); fill it
from the gallery at start. All methods may be called by any thread; erasures of a collection follow one another in the
log in the order in which they changed its tree.

The order of an erasure: ``erase`` first, and only when it came back destroy keys and vectors. So a crash between leaves
a face that the log calls erased, which the gallery must finish erasing at its next start, and never the reverse.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from custodes.ledger.prover.erasure import ErasureRecord, erase, erasure_fields
from custodes.ledger.prover.files import encode_path
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import CollectionMap
from custodes.ledger.prover.maps.tree import FaceTree
from custodes.ledger.prover.ports import LogReader
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.erasure import Later
from custodes.ledger.verifier.maps.head import collection_name
from custodes.ledger.verifier.maps.proof import face_place

Append = Callable[[Mapping[str, int | str]], int]
"""Appends an entry with these public fields; returns its index once it is durable."""
_Name = tuple[str, str]


class FaceIndexes:
    """The trees of all collections, by account and collection."""

    def __init__(self, key: vrf.SecretKey, change: int | None = None) -> None:
        """No collections; names are placed under ``key``, which the ``vrf`` entry ``change`` brought, if any did."""
        self._change = change
        self._lock = threading.Lock()
        self._trees: dict[_Name, FaceTree] = {}
        self._map = CollectionMap(key)
        # Collections whose tree is not the one that the last head commits to.
        self._changed: set[_Name] = set()
        self._head: int | None = None

    @contextmanager
    def moving(self) -> Iterator[Callable[[vrf.SecretKey, int], None]]:
        """Let no head be made in the block, in which the key may be replaced: called with it and its entry's index."""

        def move(key: vrf.SecretKey, change: int) -> None:
            self._map, self._change, self._changed, self._head = CollectionMap(key), change, set(self._trees), None

        with self._lock:
            yield move

    def add(self, account: str, collection: str, faces: Iterable[str]) -> None:
        """Enter faces; the collection comes into being with its first call, with or without faces."""
        with self._lock:
            tree = self._trees.setdefault((account, collection), FaceTree())
            for face in faces:
                tree.add(face)
            self._changed.add((account, collection))

    def erase(self, account: str, collection: str, faces: Iterable[str], append: Append) -> list[ErasureRecord]:
        """Take faces out and log it with one ``era`` entry; a record for each face that was there.

        No entry is written when none was there.

        Raises:
            LedgerUnavailableError: the entry could not be written; the faces are still in the index.
        """
        with self._lock:
            tree = self._trees.setdefault((account, collection), FaceTree())
            erasure = erase(tree, faces)
            if not erasure.faces:
                return []
            try:
                entry = append(erasure.fields)
            except BaseException:
                for erased in erasure.faces:
                    tree.add(erased.face)
                raise
            self._changed.add((account, collection))
        return [ErasureRecord(account, collection, entry, erased) for erased in erasure.faces]

    def erase_all(self, account: str, collection: str, append: Append) -> int:
        """Empty a collection with one ``era`` entry and no records; returns how many faces there were.

        Raises:
            LedgerUnavailableError: the entry could not be written; the faces are still in the index.
        """
        with self._lock:
            tree, empty = self._trees.get((account, collection), FaceTree()), FaceTree()
            before = tree.head()
            if before.count:
                append(erasure_fields(before.count, before, empty.head()))
                self._trees[account, collection] = empty
                self._changed.add((account, collection))
            return before.count

    def close_head(self, append: Append, size: int) -> int:
        """Log the head of the collection map, true as of the first ``size`` entries; returns its index.

        Raises:
            LedgerUnavailableError: the entry could not be written.
        """
        with self._lock:
            for account, collection in self._changed:
                self._map.put(account, collection, self._trees[account, collection].head())
            fields = self._map.head_fields(size)
            self._head = append(fields if self._change is None else {**fields, "b": self._change})
            self._changed.clear()
            return self._head

    def later(self, account: str, collection: str, face: str, log: LogReader) -> Later:
        """Proof that ``face`` is not in the collection at the last head, for its certificate.

        Raises:
            LookupError: there is no head, or the collection has changed since; close a head first.
        """
        with self._lock:
            tree = self._trees.get((account, collection))
            if self._head is None or tree is None or (account, collection) in self._changed:
                raise LookupError("the collection has changed since the last head")
            proof, path = self._map.path(collection_name(account, collection))
            way = encode_path(tree.path(face_place(face)))
            return Later(PlacedEntry(self._head, log.entry(self._head)), proof, encode_path(path), way)

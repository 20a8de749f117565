"""The operator's side of erasure: change a collection's tree, keep what a certificate will need, make certificates.

In: a tree of FaceIds and the faces to erase; later, the log. Out: fields of the ``era`` entry, records to keep, a
``Certificate``. The caller destroys keys and vectors, appends the entry, and keeps the records; a record names a FaceId
and shows hashes only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from custodes.ledger.prover.files import encode_path
from custodes.ledger.prover.maps.tree import FaceTree
from custodes.ledger.prover.ports import Documents, LogReader
from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.entry import b64url, from_b64url
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.erasure import Certificate, Later
from custodes.ledger.verifier.maps.proof import MapNode, face_place


@dataclass(frozen=True, slots=True)
class Erased:
    """A face that is gone: ways to its place before and after, for its certificate."""

    face: str
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure from one collection: public fields of the ``era`` entry, and a record per face that was there."""

    fields: dict[str, int | str]
    faces: tuple[Erased, ...]


def erase(tree: FaceTree, faces: Iterable[str]) -> Erasure:
    """Take ``faces`` out of a collection's tree; those that are not in it are passed over."""
    before = tree.head()
    ways = {face: encode_path(tree.path(face_place(face))) for face in faces if tree.get(face_place(face)) is not None}
    for face in ways:
        tree.discard(face)
    after = tree.head()
    erased = tuple(Erased(face, way, encode_path(tree.path(face_place(face)))) for face, way in ways.items())
    return Erasure(erasure_fields(len(erased), before, after), erased)


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """What is kept of an erased face: where it was, the index of the ``era`` entry, and the ways."""

    account: str
    collection: str
    entry: int
    erased: Erased


def certificate(record: ErasureRecord, log: LogReader, later: Later | None = None) -> Certificate:
    """The certificate for an erased face, at the log's newest checkpoint.

    Args:
        record: what was kept.
        log: the log, with the ``era`` entry in its checkpoint.
        later: the collection at a later head, if at hand.

    Raises:
        ProofError: the entry is not in the checkpoint yet.
    """
    checkpoint = log.checkpoint()
    size = parse_checkpoint(parse_note(checkpoint).text).size
    indexes = [record.entry] + ([later.head.index] if later else [])
    proof = tuple(multiproof.make(indexes, size, log.node))
    placed = PlacedEntry(record.entry, log.entry(record.entry))
    erased = record.erased
    return Certificate(
        record.account,
        record.collection,
        erased.face,
        checkpoint,
        placed,
        erased.before,
        erased.after,
        proof,
        later,
    )


class ErasureRecords:
    """Records of erased faces, one small document each."""

    def __init__(self, documents: Documents) -> None:
        """Keep them in ``documents``, which have nothing else."""
        self._documents = documents

    def keep(self, record: ErasureRecord) -> None:
        """Keep a record; durable when this returns.

        Raises:
            OSError: it could not be written.
        """
        value = {
            "account": record.account,
            "after": b64url(record.erased.after),
            "before": b64url(record.erased.before),
            "collection": record.collection,
            "entry": record.entry,
            "face": record.erased.face,
        }
        self._documents.put(_name(record.erased.face), json.dumps(value).encode())

    def get(self, face: str) -> ErasureRecord:
        """The record of an erased face.

        Raises:
            LookupError: there is none.
        """
        kept = self._documents.get(_name(face))
        if kept is None:
            raise LookupError(f"there is no record that face {face} was erased")
        value = json.loads(kept)
        erased = Erased(value["face"], from_b64url(value["before"]), from_b64url(value["after"]))
        return ErasureRecord(value["account"], value["collection"], value["entry"], erased)


def _name(face: str) -> str:
    # By hash, so that no FaceId can be a path.
    name = face_place(face).hex()
    return f"{name[:2]}/{name}.json"


def erasure_fields(erased: int, before: MapNode, after: MapNode) -> dict[str, int | str]:
    """Public fields of the ``era`` entry that takes ``erased`` faces out of one collection."""
    return {"n": erased, "o": b64url(before.hash), "w": b64url(after.hash)}

"""Certificate of erasure: this face was in the index of its collection, and since this entry it is not.

In: the bytes of a certificate and a trust policy. Out: a verdict ABSENT, UNDETERMINED or INVALID with reasons. An
``era`` entry commits to the collection's tree of FaceIds before and after. The certificate
shows the FaceId under the first root and its absence under the second; with a later head of the collection map, that
this collection was searched with a tree in which it was still absent.

It proves what the service searched. It cannot prove that nobody copied the face before.
Shape: ``{"digest": .., "erasure": {"account", "after": path, "before": path, "checkpoint", "collection", "entry",
"face", "later": null or {"face": path, "head": entry, "path": path, "vrf"}, "proof", "v": 1}}``, as in ``statement``.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from custodes.ledger.tlog.entry import Entry, EntryError, decode, from_b64url
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.trust import NONE, Trusted, TrustError, TrustPolicy, open_trusted
from custodes.ledger.verifier.canonical_json import Members, PlacedEntry, StatementError, unwrap
from custodes.ledger.verifier.maps.head import COLLECTION_MAP, check_key, collection_name, parse_head
from custodes.ledger.verifier.maps.proof import FACE, MapError, MapNode, MapPath, climb, face_place, look_up, parse_path
from custodes.ledger.verifier.multiproof import check_in_log
from custodes.ledger.verifier.vrf import vrf

LIMITS = (
    "That nobody copied the face, or the picture it came from, before it was erased.",
    "What other services, or other collections of this one, hold.",
    "Whose face it was: the certificate is about an identifier, and only the operator's answer to IndexFaces says "
    "which picture that belongs to.",
)


@dataclass(frozen=True, slots=True)
class Later:
    """The collection at a later head of the collection map.

    Attributes:
        head: the ``map`` entry.
        vrf: proof of the collection's place.
        path: way to the collection.
        face: way to the face's empty place in the collection's tree.
    """

    head: PlacedEntry
    vrf: bytes
    path: bytes
    face: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate holds. ``before`` and ``after`` are ways to the face's place around the ``era`` entry."""

    account: str
    collection: str
    face: str
    checkpoint: bytes
    entry: PlacedEntry
    before: bytes
    after: bytes
    proof: tuple[bytes, ...]
    later: Later | None = None


@dataclass(frozen=True, slots=True)
class ErasureVerdict:
    """``word`` is ABSENT, UNDETERMINED or INVALID; ``reasons`` say why, or what was established."""

    word: str
    reasons: tuple[str, ...]


def parse(data: bytes) -> Certificate:
    """Read a certificate file.

    Raises:
        StatementError: the bytes are not exactly those of a certificate.
    """
    inner = Members(unwrap("erasure", data))
    if inner.index("v") != 1:
        raise StatementError("this certificate is of another version")
    later = None
    if not inner.is_null("later"):
        members = Members(inner.take("later"))
        later = Later(members.placed("head"), members.binary("vrf"), members.binary("path"), members.binary("face"))
        members.end()
    result = Certificate(
        inner.text("account"),
        inner.text("collection"),
        inner.text("face"),
        inner.text("checkpoint").encode(),
        inner.placed("entry"),
        inner.binary("before"),
        inner.binary("after"),
        inner.hashes("proof"),
        later,
    )
    inner.end()
    return result


def verify_certificate(data: bytes, policy: TrustPolicy) -> ErasureVerdict:
    """Check a certificate of erasure."""
    try:
        certificate = parse(data)
        trusted = open_trusted(certificate.checkpoint, policy)
        _check_in_log(certificate, trusted)
        era = decode(certificate.entry.envelope)
        _check_erased(certificate, era)
        if certificate.later is not None:
            _check_later(certificate, certificate.later, policy)
    except (StatementError, TrustError, ProofError, EntryError, MapError, vrf.VrfError) as error:
        return ErasureVerdict("INVALID", (str(error),))
    if not trusted.quorum_met:
        return ErasureVerdict("UNDETERMINED", ("too few of the witnesses that you trust confirmed this log",))
    return ErasureVerdict("ABSENT", tuple(_findings(certificate, era, trusted, policy)))


def _check_in_log(certificate: Certificate, trusted: Trusted) -> None:
    shown = [certificate.entry] + ([certificate.later.head] if certificate.later else [])
    check_in_log([(placed.index, placed.envelope) for placed in shown], trusted.checkpoint, certificate.proof)


def _check_erased(certificate: Certificate, era: Entry) -> None:
    erased = era.fields.get("n")
    if era.kind not in ("era", "ret") or not isinstance(erased, int) or not {"o", "w"} <= set(era.fields):
        raise EntryError("the entry shown records no erasure from an index")
    key = face_place(certificate.face)
    before, after = parse_path(certificate.before), parse_path(certificate.after)
    old, new = climb(key, before), climb(key, after)
    for node, name in ((old, "o"), (new, "w")):
        if not hmac.compare_digest(node.hash, from_b64url(str(era.fields[name]))):
            raise MapError("the index shown is not the one that the entry commits to")
    if before.leaf != (key, FACE):
        raise MapError("the face was not in the index before")
    if _is_there(key, after):
        raise MapError("the face is still in the index")
    if old.count - new.count != erased:
        raise MapError("the entry says another number of erased faces than the index shows")


def _check_later(certificate: Certificate, later: Later, policy: TrustPolicy) -> None:
    head = parse_head(decode(later.head.envelope))
    check_key(head, later.head.index, policy.vrf_keys)
    if head.name != COLLECTION_MAP or head.size <= certificate.entry.index or head.size > later.head.index:
        raise MapError("the later head is not one of the collection map after the erasure")
    name = collection_name(certificate.account, certificate.collection).encode()
    collection = look_up(head.node, vrf.verify(head.vrf_public, name, later.vrf)[:32], parse_path(later.path))
    if collection is None:
        raise MapError("the collection is not in the later map")
    key, path = face_place(certificate.face), parse_path(later.face)
    if look_up(MapNode(collection.root, collection.count, collection.units), key, path) is not None:
        raise MapError("the face is in the index again")


def _is_there(key: bytes, path: MapPath) -> bool:
    return path.leaf is not None and path.leaf[0] == key


def _findings(certificate: Certificate, era: Entry, trusted: Trusted, policy: TrustPolicy) -> list[str]:
    found = [
        f"this is about face {certificate.face} of collection {certificate.collection}, account {certificate.account}",
        f"entry {certificate.entry.index} of the log {trusted.checkpoint.origin!r} records the erasure",
        "the face was in the index that the entry names as the one before, and is not in the one after",
        f"that entry erased {era.fields['n']} faces in all, and exactly so many are missing",
    ]
    if certificate.later is not None:
        found.append(f"at entry {certificate.later.head.index} the collection was searched without this face")
    if policy.quorum == NONE:
        found.append("your trust policy asks for no witnesses, so the log and its dates are the operator's word alone")
    return found

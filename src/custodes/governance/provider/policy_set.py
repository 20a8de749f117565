"""Change of the provider's rules: what a set is, whether a change weakens it, and who must have signed it when.

In: sets of packs as text; signed manifests; the time a change was recorded. Out: digests, differences, and whether a
change may act and from when. Tightening acts at once. Whatever edits or removes a forbid, adds or edits a permit,
removes one with an obligation, or touches the schema counts as weakening, even where a reader would see that it is not:
it needs two officers and a notice period counted from its record. A permit with an obligation allows nothing by itself,
so adding one tightens. Nothing is stored here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from custodes.governance.provider.guardrails import PackError, Rule, read_rules

DAY_MS = 86_400_000
NOTICE_MS = 14 * DAY_MS
GENESIS = "0" * 64


class ChangeKind(StrEnum):
    """What a change does to the protection that a set gives."""

    NONE = "none"
    TIGHTENING = "tightening"
    WEAKENING = "weakening"


def canonical(members: object) -> bytes:
    """The one spelling of JSON values (RFC 8785; names are ASCII, numbers whole)."""
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class ManifestSubject(StrEnum):
    """What a manifest is about."""

    SET = "set"
    OFFICERS = "officers"


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Packs by name and their schema, all as text."""

    packs: Mapping[str, str]
    schema: str

    def members(self) -> dict[str, object]:
        """As JSON values; ``read_set`` reads them."""
        return {"packs": dict(self.packs), "schema": self.schema}

    def digest(self) -> str:
        """SHA-256 in hexadecimal over canonical JSON of every text; any letter counts."""
        return hashlib.sha256(b"custodes policy set v1\n" + canonical(self.members())).hexdigest()

    def rules(self) -> dict[str, Rule]:
        """All rules by id. Raises PackError."""
        return {rule.id: rule for rule in read_rules("\n".join(self.packs[name] for name in sorted(self.packs)))}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: ``what`` is like ``forbid removed``; ``subject`` the rule's id or ``schema``."""

    kind: ChangeKind
    what: str
    subject: str


@dataclass(frozen=True, slots=True)
class PolicyDifference:
    """All differences between two sets."""

    changes: tuple[Change, ...]

    @property
    def kind(self) -> ChangeKind:
        """Weakening if any of them is."""
        kinds = {change.kind for change in self.changes}
        return next((kind for kind in (ChangeKind.WEAKENING, ChangeKind.TIGHTENING) if kind in kinds), ChangeKind.NONE)


def diff(old: PolicySet, new: PolicySet) -> PolicyDifference:
    """Compare rule by rule. Comments and the order of rules do not count; annotations do. Raises PackError."""
    before, after = old.rules(), new.rules()
    changes = [
        change
        for key in sorted(before.keys() | after.keys())
        if (change := _change(key, before.get(key), after.get(key))) is not None
    ]
    if old.schema != new.schema:
        changes.append(Change(ChangeKind.WEAKENING, "schema edited", "schema"))
    return PolicyDifference(tuple(changes))


def _change(key: str, before: Rule | None, after: Rule | None) -> Change | None:
    if before is not None and after is not None:
        if before.canonical == after.canonical:
            return None
        return Change(ChangeKind.WEAKENING, f"{before.effect} edited", key)
    if before is None and after is not None:
        adds_a_condition = after.effect == "forbid" or after.obligation
        kind = ChangeKind.TIGHTENING if adds_a_condition else ChangeKind.WEAKENING
        return Change(kind, f"{after.effect} added", key)
    if before is None:
        return None
    # A permit with an obligation may be all that holds a result back.
    kind = ChangeKind.WEAKENING if before.effect == "forbid" or before.obligation else ChangeKind.TIGHTENING
    return Change(kind, f"{before.effect} removed", key)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A change as its officers sign it.

    Attributes:
        previous: digest of the set it starts from; of a change of officers, of the last record of the chain.
        digest: of the set it leads to; of a change of officers, of the officers after it.
        not_before_ms: the earliest moment at which it may act, since the epoch; 0 for at once.
        signatures: of officers by name, Ed25519 over ``message``.
        subject: what is changed.
    """

    previous: str
    digest: str
    not_before_ms: int
    signatures: Mapping[str, bytes]
    subject: ManifestSubject = ManifestSubject.SET

    def message(self) -> bytes:
        """The bytes that are signed."""
        what = "change" if self.subject is ManifestSubject.SET else "officers"
        return f"custodes policy {what} v1\n{self.previous}\n{self.digest}\n{self.not_before_ms}\n".encode()

    def members(self) -> dict[str, object]:
        """As JSON values; ``read_manifest`` reads them."""
        return {
            "digest": self.digest,
            "not_before_ms": self.not_before_ms,
            "previous": self.previous,
            "signatures": {name: signature.hex() for name, signature in self.signatures.items()},
            "subject": self.subject.value,
        }


def read_manifest(members: Mapping[str, object]) -> Manifest:
    """Read what ``Manifest.members`` gave. Anything else raises ValueError, KeyError, TypeError or AttributeError."""
    signed = members["signatures"]
    if not isinstance(signed, dict):
        raise TypeError("signatures are an object")
    moment = members["not_before_ms"]
    if isinstance(moment, bool) or not isinstance(moment, int):
        raise TypeError("moments are whole numbers")
    return Manifest(
        str(members["previous"]),
        str(members["digest"]),
        moment,
        {str(name): bytes.fromhex(signature) for name, signature in signed.items()},
        ManifestSubject(str(members["subject"])),
    )


def read_set(members: object) -> PolicySet:
    """Read what ``PolicySet.members`` gave. Raises PackError for anything else."""
    if not isinstance(members, dict) or members.keys() != {"packs", "schema"} or not isinstance(members["packs"], dict):
        raise PackError("a set of policies has packs and a schema")
    texts = [*members["packs"], *members["packs"].values(), members["schema"]]
    if not all(isinstance(text, str) for text in texts):
        raise PackError("packs and schema are texts")
    return PolicySet(dict(members["packs"]), members["schema"])


def officers_digest(officers: Mapping[str, bytes]) -> str:
    """SHA-256 in hexadecimal over names and public keys."""
    named = {name: key.hex() for name, key in officers.items()}
    return hashlib.sha256(b"custodes policy officers v1\n" + canonical(named)).hexdigest()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The change may act from ``effective_ms`` on."""

    effective_ms: int
    kind: ChangeKind
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangeRefused:
    """The change may not act, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class SigningTerms:
    """Who may sign (raw Ed25519 public keys of 32 bytes by name) and how long notice of a weakening runs."""

    officers: Mapping[str, bytes]
    notice_ms: int = NOTICE_MS


def signers(manifest: Manifest, officers: Mapping[str, bytes]) -> tuple[str, ...] | ChangeRefused:
    """Officers whose signatures hold, one per key. One signature that does not hold sinks the manifest."""
    keys: dict[bytes, str] = {}
    for name, signature in sorted(manifest.signatures.items()):
        public = officers.get(name)
        if public is None:
            return ChangeRefused(f"{name} is not an officer")
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, manifest.message())
        except (InvalidSignature, ValueError):
            return ChangeRefused(f"the signature of {name} does not hold")
        keys.setdefault(public, name)
    return tuple(sorted(keys.values()))


def check_change(
    old: PolicySet, new: PolicySet, manifest: Manifest, terms: SigningTerms, recorded_ms: int
) -> Accepted | ChangeRefused:
    """Whether the change from ``old`` to ``new``, recorded at ``recorded_ms``, may act. Raises PackError."""
    if manifest.subject is not ManifestSubject.SET or (manifest.previous, manifest.digest) != (
        old.digest(),
        new.digest(),
    ):
        return ChangeRefused("the manifest is about other sets")
    signed = signers(manifest, terms.officers)
    if isinstance(signed, ChangeRefused):
        return signed
    kind = diff(old, new).kind
    needed = 2 if kind is ChangeKind.WEAKENING else 1
    if len(signed) < needed:
        return ChangeRefused(f"{needed} officers must sign, {len(signed)} did")
    if kind is ChangeKind.WEAKENING and manifest.not_before_ms < recorded_ms + terms.notice_ms:
        return ChangeRefused(f"a weakening acts {terms.notice_ms // DAY_MS} days after its record at the earliest")
    return Accepted(max(manifest.not_before_ms, recorded_ms), kind, signed)

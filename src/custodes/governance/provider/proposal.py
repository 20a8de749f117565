"""A proposed change as a file: whole in itself, so that officers can look at it, sign it and hand it on.

In: JSON of a proposal. Out: a manifest with the set or the officers it is about, the same as JSON, and signatures added
with an officer's key. Whether it may act is decided by ``policy_chain``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from custodes.governance.provider.guardrails import PackError
from custodes.governance.provider.policy_set import (
    DAY_MS,
    ChangeKind,
    Manifest,
    ManifestSubject,
    PolicySet,
    officers_digest,
    read_manifest,
    read_set,
)

VERSION = 1


@dataclass(frozen=True, slots=True)
class Proposal:
    """A manifest and what it is about: ``policy`` for a change of the set, ``officers`` (public keys by name) else."""

    manifest: Manifest
    policy: PolicySet | None = None
    officers: Mapping[str, bytes] = field(default_factory=dict)

    def members(self) -> dict[str, object]:
        """As JSON values; ``read_proposal`` reads them."""
        about: dict[str, object] = (
            {"officers": {name: key.hex() for name, key in self.officers.items()}}
            if self.policy is None
            else {"set": self.policy.members()}
        )
        return {"v": VERSION, "manifest": self.manifest.members(), **about}

    def signed(self, name: str, sign: Callable[[bytes], bytes]) -> Proposal:
        """The same with the signature of officer ``name``, made by ``sign``."""
        signatures = {**self.manifest.signatures, name: sign(self.manifest.message())}
        return replace(self, manifest=replace(self.manifest, signatures=signatures))


def propose_set(previous: str, policy: PolicySet, not_before_ms: int) -> Proposal:
    """A change from the set of digest ``previous`` to ``policy``."""
    return Proposal(Manifest(previous, policy.digest(), not_before_ms, {}), policy)


def earliest_ms(kind: ChangeKind, now_ms: int, notice_ms: int) -> int:
    """When a change proposed at ``now_ms`` may act: a weakening a day later than its notice asks for, to be signed in;
    anything else at once (0)."""
    return now_ms + notice_ms + DAY_MS if kind is ChangeKind.WEAKENING else 0


def signatures_needed(kind: ChangeKind | None) -> int:
    """How many officers sign a change of this kind; None for a change of officers after the first."""
    return 1 if kind is not None and kind is not ChangeKind.WEAKENING else 2


def propose_officers(head: str, officers: Mapping[str, bytes]) -> Proposal:
    """A change of officers after the record of digest ``head``."""
    return Proposal(Manifest(head, officers_digest(officers), 0, {}, ManifestSubject.OFFICERS), None, dict(officers))


def read_proposal(members: object) -> Proposal:
    """Read what ``Proposal.members`` gave.

    Raises:
        PackError: it is no proposal, or its manifest is about something else than it holds.
    """
    try:
        if not isinstance(members, dict) or members["v"] != VERSION:
            raise TypeError
        manifest = read_manifest(members["manifest"])
        if manifest.subject is ManifestSubject.SET:
            policy = read_set(members["set"])
            proposal, digest = Proposal(manifest, policy), policy.digest()
        else:
            officers = {str(name): bytes.fromhex(key) for name, key in members["officers"].items()}
            proposal, digest = Proposal(manifest, None, officers), officers_digest(officers)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PackError("this is not a proposal of a change of policy") from error
    if digest != manifest.digest:
        raise PackError("the proposal holds something else than what its manifest names")
    return proposal

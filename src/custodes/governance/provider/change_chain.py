"""The chain of changes to the provider's rules, and what it leads to: the set in force, a set that waits, the officers.

In: records in their order, each with the time at which the ledger took it; the sets they are about. Out: the state
after them, or what is wrong. A record commits to the one before, so a chain can only grow. Who may decide is part of
it: the operator appoints the first officer, the first one the second, and two of them everybody else. As long as nobody
is appointed the program's own set is in force; one that weakens the last waits for the notice. Nothing is stored here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from custodes.governance.provider.guardrails import PackError
from custodes.governance.provider.policy_set import (
    GENESIS,
    NOTICE_MS,
    ChangeRefused,
    Manifest,
    ManifestSubject,
    PolicySet,
    SigningTerms,
    canonical,
    check_change,
    officers_digest,
    read_manifest,
    signers,
)

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
MAX_OFFICERS = 20


class Act(StrEnum):
    """What a record does."""

    RELEASE = "release"
    """The program's own set takes force, which it can while there are no officers, unless it weakens."""
    UPGRADE = "upgrade"
    """The program's own set weakens the one in force, or shortens notice: it waits, while there are no officers."""
    SET = "set"
    """Officers change the set; a weakening waits."""
    FORCE = "force"
    """A set that waited takes force."""
    OFFICERS = "officers"
    """Officers come and go."""


@dataclass(frozen=True, slots=True)
class ChainRecord:
    """One link of the chain.

    Attributes:
        previous: digest of the record before, or ``GENESIS``.
        act: what it does.
        policy: digest of the set it is about; of officers, of the one in force.
        notice_ms: of a release or upgrade, how long notice of a weakening runs from now on; else 0.
        officers: of officers, who they are after it: public keys by name.
        manifest: what officers signed; None where nobody has to.
    """

    previous: str
    act: Act
    policy: str
    notice_ms: int = 0
    officers: Mapping[str, bytes] = field(default_factory=dict)
    manifest: Manifest | None = None

    def members(self) -> dict[str, object]:
        """As JSON values; ``read_record`` reads them."""
        return {
            "act": self.act.value,
            "manifest": None if self.manifest is None else self.manifest.members(),
            "notice_ms": self.notice_ms,
            "officers": {name: key.hex() for name, key in self.officers.items()},
            "policy": self.policy,
            "previous": self.previous,
        }

    def digest(self) -> str:
        """SHA-256 in hexadecimal over the canonical JSON."""
        return hashlib.sha256(b"custodes policy record v1\n" + canonical(self.members())).hexdigest()


@dataclass(frozen=True, slots=True)
class WaitingSet:
    """A set that takes force at ``effective_ms``, and who signed for it; ``notice_ms``, if any, runs from then on."""

    policy: str
    effective_ms: int
    signers: tuple[str, ...]
    notice_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ChainState:
    """Where a chain leads.

    Attributes:
        head: digest of the last record.
        in_force: digest of the set in force; empty before the first record.
        officers: who may sign.
        notice_ms: how long notice of a weakening runs.
        waiting: the set that will take force, if there is one. Any other change of the set takes its place.
    """

    head: str = GENESIS
    in_force: str = ""
    officers: Mapping[str, bytes] = field(default_factory=dict)
    notice_ms: int = NOTICE_MS
    waiting: WaitingSet | None = None


Sets = Callable[[str], PolicySet]
"""Gives the set of a digest. Raises LookupError."""


def follow(state: ChainState, record: ChainRecord, recorded_ms: int, sets: Sets) -> ChainState | ChangeRefused:
    """The state after ``record``, which the ledger took at ``recorded_ms``, or why it may not follow."""
    if record.previous != state.head:
        return ChangeRefused("the change does not follow the last one")
    head = record.digest()
    try:
        after = _ACTS[record.act](state, record, recorded_ms, sets)
    except (PackError, LookupError) as error:
        return ChangeRefused(str(error))
    return after if isinstance(after, ChangeRefused) else replace(after, head=head)


def _release(state: ChainState, record: ChainRecord, recorded_ms: int, sets: Sets) -> ChainState | ChangeRefused:  # noqa: ARG001
    if state.officers:
        return ChangeRefused("the set in force is for its officers to change")
    return replace(state, in_force=record.policy, notice_ms=record.notice_ms, waiting=None)


def _upgrade(state: ChainState, record: ChainRecord, recorded_ms: int, sets: Sets) -> ChainState | ChangeRefused:  # noqa: ARG001
    if state.officers or not state.in_force:
        return ChangeRefused("the program's own set waits only where it follows another one and nobody is appointed")
    waiting = WaitingSet(record.policy, recorded_ms + state.notice_ms, (), record.notice_ms)
    return replace(state, waiting=waiting)


def _set(state: ChainState, record: ChainRecord, recorded_ms: int, sets: Sets) -> ChainState | ChangeRefused:
    if record.manifest is None or not state.officers:
        return ChangeRefused("nobody is appointed to sign changes: custodes policy officer add")
    if record.policy == state.in_force:
        return ChangeRefused("this set is in force already")
    terms = SigningTerms(state.officers, state.notice_ms)
    found = check_change(sets(state.in_force), sets(record.policy), record.manifest, terms, recorded_ms)
    if isinstance(found, ChangeRefused):
        return found
    if found.effective_ms <= recorded_ms:
        return replace(state, in_force=record.policy, waiting=None)
    return replace(state, waiting=WaitingSet(record.policy, found.effective_ms, found.signers))


def _force(state: ChainState, record: ChainRecord, recorded_ms: int, sets: Sets) -> ChainState | ChangeRefused:  # noqa: ARG001
    waiting = state.waiting
    if waiting is None or waiting.policy != record.policy:
        return ChangeRefused("no such set waits")
    if recorded_ms < waiting.effective_ms:
        return ChangeRefused("its notice has not run out")
    notice_ms = state.notice_ms if waiting.notice_ms is None else waiting.notice_ms
    return replace(state, in_force=record.policy, notice_ms=notice_ms, waiting=None)


def _officers(state: ChainState, record: ChainRecord, recorded_ms: int, sets: Sets) -> ChainState | ChangeRefused:  # noqa: ARG001
    refused = _unusable(record.officers) or _out_of_turn(state.officers, record.officers)
    if refused:
        return ChangeRefused(refused)
    if state.officers:
        signed = _signed_by(state, record)
        needed = min(2, len(state.officers))
        if isinstance(signed, ChangeRefused):
            return signed
        if len(signed) < needed:
            return ChangeRefused(f"{needed} officers must sign, {len(signed)} did")
    # From the first officer on it is not for the program to change the rules, nor what it has announced.
    waiting = state.waiting if state.officers else None
    return replace(state, officers=dict(record.officers), waiting=waiting)


def _out_of_turn(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str:
    if not old:
        return "" if len(new) == 1 else "the first officer is appointed alone"
    if len(new) < 2:
        return "there are two officers at least"
    return "the first officer stays until there is a second" if len(old) == 1 and not old.items() < new.items() else ""


def _signed_by(state: ChainState, record: ChainRecord) -> tuple[str, ...] | ChangeRefused:
    manifest = record.manifest
    if manifest is None or manifest.subject is not ManifestSubject.OFFICERS:
        return ChangeRefused("a change of officers is signed by officers")
    if (manifest.previous, manifest.digest) != (state.head, officers_digest(record.officers)):
        return ChangeRefused("the signatures are for another change")
    return signers(manifest, state.officers)


def _unusable(officers: Mapping[str, bytes]) -> str:
    if not 0 < len(officers) <= MAX_OFFICERS:
        return f"there are one to {MAX_OFFICERS} officers"
    if not all(_NAME.fullmatch(name) for name in officers):
        return "a name has 1 to 32 lower-case letters, digits or . _ -"
    if any(len(key) != 32 for key in officers.values()):
        return "an Ed25519 public key has 32 bytes"
    return "two officers have one key" if len(set(officers.values())) < len(officers) else ""


_ACTS: Mapping[Act, Callable[[ChainState, ChainRecord, int, Sets], ChainState | ChangeRefused]] = {
    Act.RELEASE: _release,
    Act.UPGRADE: _upgrade,
    Act.SET: _set,
    Act.FORCE: _force,
    Act.OFFICERS: _officers,
}


def read_record(members: object) -> ChainRecord:
    """Read what ``ChainRecord.members`` gave.

    Raises:
        PackError: it is no record.
    """
    try:
        if not isinstance(members, dict):
            raise TypeError
        manifest = members["manifest"]
        record = ChainRecord(
            _digest(members["previous"]),
            Act(members["act"]),
            _digest(members["policy"]),
            int(members["notice_ms"]),
            {str(name): bytes.fromhex(key) for name, key in members["officers"].items()},
            None if manifest is None else read_manifest(manifest),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PackError("not a record of a change of policy") from error
    if record.members() != members:
        raise PackError("not a record of a change of policy in its one spelling")
    return record


def _digest(value: object) -> str:
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise ValueError("not a digest")
    return value

"""The provider's rules over time, as ``pol`` entries tell it to somebody who trusts the operator in nothing.

In: all ``pol`` entries in order, with their bodies. Out: which set was in force from which entry on, and what there is
to say about each change; or an error where the chain is broken or a signature does not hold. Rules are not understood
here, only compared as texts: a change that acted at once is called a tightening only where the texts show it.

Source: FORMAT.md, "Changes of policy".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from custodes.ledger.tlog.entry import Entry, EntryError, from_b64url
from custodes.ledger.verifier.canonical_json import Members, StatementError, canonical

GENESIS = "0" * 64
OWN_SET = "the set of the program; nobody was appointed to change it"


class TimelineError(Exception):
    """The changes shown contradict each other, or a signature."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A set that waits.

    Attributes:
        policy: its digest.
        effective: when it may act at the earliest (ms).
        notes: by whom it was announced.
        index: the entry that announced it, and ``t`` the time of that (ms).
        t: see ``index``.
    """

    policy: str
    effective: int
    notes: str
    index: int
    t: int


@dataclass(frozen=True, slots=True)
class Force:
    """A set that took force.

    Attributes:
        index: the entry from which on.
        t: its time in ms.
        policy: digest of the set, in hexadecimal.
        notes: what can be said about how it came about, in words.
        quiet: whether it came without notice, of officers by two signatures, and is not shown to be a tightening.
        weakens: whether it follows another set and is not shown to be a tightening, with notice or without.
        notice: the set as it waited; None where it came at once.
    """

    index: int
    t: int
    policy: str
    notes: str
    quiet: bool
    weakens: bool
    notice: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the changes lead to.

    Attributes:
        forces: sets in the order in which they took force.
        waiting: the set that waits.
        officers: names of those who may sign changes.
        notice_ms: how long notice of a weakening runs.
    """

    forces: tuple[Force, ...]
    waiting: Waiting | None
    officers: tuple[str, ...]
    notice_ms: int


@dataclass(slots=True)
class _Chain:
    head: str = GENESIS
    in_force: str = ""
    notice_ms: int = 0
    officers: Mapping[str, bytes] = field(default_factory=dict)
    waiting: Waiting | None = None
    next_notice_ms: int | None = None
    forces: list[Force] = field(default_factory=list)


_Signed = tuple[tuple[str, ...], int]
"""Officers under a change, and the moment before which they did not want it to act."""
Changes = Sequence[tuple[int, Entry]]
Sets = Mapping[str, Mapping[str, object]]


def timeline(changes: Changes, bodies: Mapping[int, bytes], sets: Sets) -> Timeline:
    """Which set was in force when, and which will be.

    Args:
        changes: index and entry of every ``pol`` entry, in order.
        bodies: their opened bodies by index.
        sets: sets of rules by digest, see ``set_digest``; used to compare texts, may lack some.

    Raises:
        TimelineError: they do not fit together.
    """
    chain = _Chain()
    for number, (index, entry) in enumerate(changes):
        occasion, head = entry.fields.get("x"), _digest(entry, "h")
        following = changes[number + 1][1].fields.get("x") if number + 1 < len(changes) else None
        if head is None:  # from before there were records of changes
            _enter(chain, index, entry, "no rules: whoever authenticated may", quiet=True, weakens=False)
        elif occasion in ("start", "void"):
            if head != chain.head or _digest(entry, "p") != chain.in_force:
                raise TimelineError(f"entry {index} announces other rules than the changes before it lead to")
        elif following != "void":
            try:
                _follow(chain, index, entry, bodies.get(index), sets)
            except (StatementError, EntryError, ValueError, TypeError, KeyError) as error:
                raise TimelineError(f"entry {index} is no change of policy that can be followed: {error}") from error
    return Timeline(tuple(chain.forces), chain.waiting, tuple(sorted(chain.officers)), chain.notice_ms)


def set_digest(policy: Mapping[str, object]) -> str:
    """Digest of a set of rules, as ``p`` of a ``pol`` entry has it, in hexadecimal."""
    return sha256(b"custodes policy set v1\n" + canonical(policy)).hexdigest()


def has_rule(policy: Mapping[str, object], rule: str) -> bool:
    """Whether a set has a rule of this id, told from its text."""
    packs = policy.get("packs")
    mark = f'@id("{rule}")'
    return isinstance(packs, dict) and any(
        line.strip().startswith(mark) for text in packs.values() if isinstance(text, str) for line in text.splitlines()
    )


def _follow(chain: _Chain, index: int, entry: Entry, body: bytes | None, sets: Sets) -> None:
    if body is None:
        raise TimelineError(f"the change in entry {index} is not disclosed")
    record = Members(json.loads(body)["record"])
    parsed = json.loads(body)["record"]
    digest = sha256(b"custodes policy record v1\n" + canonical(parsed)).hexdigest()
    if digest != _digest(entry, "h") or record.text("previous") != chain.head:
        raise TimelineError(f"a change in front of entry {index} is missing, or another one was announced")
    policy, act = record.text("policy"), record.text("act")
    if policy != _digest(entry, "p") or act != entry.fields.get("x"):
        raise TimelineError(f"entry {index} says something else in public than in its body")
    signers, not_before = _signers(chain, parsed, index)
    chain.head = digest
    if act == "release":
        if chain.officers:
            raise TimelineError(f"entry {index} changes the rules past their officers")
        chain.notice_ms = int(parsed["notice_ms"])
        tightens = not chain.in_force or _only_adds(sets.get(chain.in_force), sets.get(policy))
        _enter(chain, index, entry, OWN_SET, quiet=not tightens, weakens=not tightens)
    elif act == "upgrade":
        if chain.officers or not chain.in_force:
            raise TimelineError(f"entry {index} announces the program's own set past officers, or as the first")
        notes = f"{OWN_SET}; announced in entry {index}"
        chain.waiting = Waiting(policy, entry.t + chain.notice_ms, notes, index, entry.t)
        chain.next_notice_ms = int(parsed["notice_ms"])
    elif act == "officers":
        needed = min(2, len(chain.officers))
        if len(signers) < needed:
            raise TimelineError(f"officers changed in entry {index} without {needed} signatures")
        chain.waiting = chain.waiting if chain.officers else None
        chain.officers = {str(name): bytes.fromhex(key) for name, key in parsed["officers"].items()}
    elif act == "set":
        _set(chain, index, entry, policy, (signers, not_before), sets)
    elif act == "force":
        _force(chain, index, entry, policy)
    else:
        raise TimelineError(f"entry {index} is a change of an unknown kind")


def _set(chain: _Chain, index: int, entry: Entry, policy: str, signed: _Signed, sets: Sets) -> None:
    signers, not_before = signed
    who = f"signed by {', '.join(signers)}"
    if not signers:
        raise TimelineError(f"the change in entry {index} is signed by nobody")
    effective = entry.fields.get("b")
    if isinstance(effective, int) and effective < not_before:
        raise TimelineError(f"the change in entry {index} is announced for before what its officers signed")
    if isinstance(effective, int):
        noticed = len(signers) > 1 and effective >= entry.t + chain.notice_ms
        chain.next_notice_ms = None
        notes = f"{who}, announced in entry {index}" + ("" if noticed else " WITHOUT NOTICE")
        chain.waiting = Waiting(policy, effective, notes, index, entry.t)
        return
    tightens = _only_adds(sets.get(chain.in_force), sets.get(policy))
    how = (
        "only adds prohibitions" if tightens else "at once; the texts alone do not show that it only adds prohibitions"
    )
    _enter(chain, index, entry, f"{who}; {how}", quiet=not tightens, weakens=not tightens)


def _force(chain: _Chain, index: int, entry: Entry, policy: str) -> None:
    waited = chain.waiting
    if waited is None or waited.policy != policy or entry.t < waited.effective:
        raise TimelineError(f"the set of entry {index} took force before its time")
    chain.notice_ms = chain.notice_ms if chain.next_notice_ms is None else chain.next_notice_ms
    _enter(chain, index, entry, waited.notes, quiet=waited.notes.endswith("WITHOUT NOTICE"), weakens=True)
    chain.forces[-1] = replace(chain.forces[-1], notice=waited)


def _enter(chain: _Chain, index: int, entry: Entry, notes: str, *, quiet: bool, weakens: bool) -> None:
    chain.in_force = _digest(entry, "p") or ""
    chain.waiting, chain.next_notice_ms = None, None
    chain.forces.append(Force(index, entry.t, chain.in_force, notes, quiet, weakens))


def _signers(chain: _Chain, parsed: Mapping[str, object], index: int) -> _Signed:
    """Officers whose signatures under this very change hold, one per key. One that does not hold sinks the change."""
    manifest = parsed.get("manifest")
    if not isinstance(manifest, dict):
        return (), 0
    on_set = manifest["subject"] == "set"
    meant = (chain.in_force, parsed["policy"]) if on_set else (chain.head, _officers_digest(parsed["officers"]))
    if (manifest["previous"], manifest["digest"]) != meant or on_set is not (parsed["act"] == "set"):
        raise TimelineError(f"the signatures under entry {index} are for another change")
    lines = f"{meant[0]}\n{meant[1]}\n{manifest['not_before_ms']}\n"
    message = f"custodes policy {'change' if on_set else 'officers'} v1\n{lines}".encode()
    found: dict[bytes, str] = {}
    for name, signature in sorted(manifest["signatures"].items()):
        key = chain.officers.get(name)
        try:
            if key is None:
                raise InvalidSignature
            Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(signature), message)
        except InvalidSignature as error:
            raise TimelineError(f"a signature under entry {index} is not that of an officer") from error
        found.setdefault(key, name)
    return tuple(sorted(found.values())), int(manifest["not_before_ms"])


def _officers_digest(officers: object) -> str:
    return sha256(b"custodes policy officers v1\n" + canonical(officers)).hexdigest()


def _only_adds(old: Mapping[str, object] | None, new: Mapping[str, object] | None) -> bool:
    """Whether ``new`` is ``old`` with further packs that permit nothing."""
    if old is None or new is None or old.get("schema") != new.get("schema"):
        return False
    before, after = old.get("packs"), new.get("packs")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    added = [text for name, text in after.items() if name not in before]
    return all(after.get(name) == text for name, text in before.items()) and not any(
        "permit" in str(text) for text in added
    )


def _digest(entry: Entry, name: str) -> str | None:
    value = entry.fields.get(name)
    return from_b64url(value).hex() if isinstance(value, str) else None

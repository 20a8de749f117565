"""Between which entries of the log a period lies, by clocks of authorities and witnesses instead of the operator's.

In: a file of stamps that goes with a statement, root certificates that the reader pins, a period. Out: two entries, or
StampError where a stamp does not hold. A stamp over the first n entries shows that these existed at its time. The entry
that keeps a stamp was made after its time, and so was everything behind it. So what was made before a period lies in
front of the one, and what was made after it behind the other; in between, times are the operator's word. Each bound
needs two pinned roots, or the only one. Earlier states that a quorum of witnesses cosigned bound the begin as well;
for the end, a statement has the witnesses' word itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cryptography.x509 import Certificate

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.commitment import check_opening
from custodes.ledger.tlog.consistency import verify_consistency
from custodes.ledger.tlog.entry import decode, from_b64url
from custodes.ledger.tlog.trust import NONE, TrustPolicy, open_trusted
from custodes.ledger.verifier.canonical_json import Members, PlacedEntry, StatementError, canonical, unwrap
from custodes.ledger.verifier.multiproof import check_in_log
from custodes.ledger.verifier.statement import Question
from custodes.ledger.verifier.texts import clean, moment
from custodes.ledger.verifier.timestamps.token import StampError, verify_stamp

_NEED = 2
SLACK_MS = 2_000
"""Stamps say whole seconds, and authorities keep time to less than one."""


@dataclass(frozen=True, slots=True)
class ReadStamp:
    """What a stamp shows: at ``at_ms`` the first ``size`` entries existed, and behind ``index`` everything is later."""

    index: int
    size: int
    at_ms: int
    authority: str


@dataclass(frozen=True, slots=True)
class Bracket:
    """Where a period, from ``begin`` up to ``end``, lies by time stamps.

    Entries below ``low`` were made before it, those above ``high`` after it; either is None where nothing shows it.
    ``stamps`` are those that were read; without ``stamped`` the reader pins no authority, and the end is a matter of
    witnesses.
    """

    begin: int | None
    end: int | None
    low: int | None
    high: int | None
    stamps: tuple[ReadStamp, ...]
    stamped: bool = True

    def unshown(self, entries: Iterable[tuple[int, int]]) -> tuple[int, ...]:
        """Of entries with their times (ms), those that the operator's clock alone puts outside of the period."""
        begin, end, found = self.begin, self.end, []
        for index, t in entries:
            early = begin is not None and t < begin and (self.low is None or index >= self.low)
            late = self.stamped and end is not None and t >= end and (self.high is None or index <= self.high)
            if early or late:
                found.append(index)
        return tuple(found)

    def doubts(self, covered: int, unshown: Sequence[int]) -> list[str]:
        """What the stamps leave open about an answer that covers so many entries, and finds no use but ``unshown``."""
        found = []
        if self.stamped and self.end is not None and (self.high is None or self.high >= covered):
            found.append(
                "no time stamps of enough authorities show that the period was over in what this answer covers"
            )
        if unshown:
            found.append(
                f"{len(unshown)} uses (the first is entry {unshown[0]}) are outside of the period by the operator's "
                "clock, and neither time stamps nor witnesses show it"
            )
        return found

    def grounds(self) -> list[str]:
        """What the stamps show, in words."""
        return [
            f"{clean(one.authority)} stamped the first {one.size} entries at {moment(one.at_ms)}; the stamp is entry "
            f"{one.index}, so what stands behind that is later."
            for one in self.stamps
        ]


@dataclass(frozen=True, slots=True)
class ShownStamp:
    """A ``tsa`` entry with its private body, the root that was stamped, and the proof that it is of the same log."""

    entry: PlacedEntry
    salt: bytes
    body: bytes
    root: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class EarlierState:
    """An earlier state of the log with its cosignatures, and the proof that it is of the same log."""

    note: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StampFile:
    """A file of time stamps that came with a statement, and the root certificates that the reader pins."""

    data: bytes
    roots: tuple[Certificate, ...]
    policy: TrustPolicy

    def bracket(self, tree: Checkpoint, question: Question) -> Bracket:
        """Where the period lies in the log that has the signed state ``tree``; raises as ``read_stamps``."""
        return bracket(self, tree, question)


def read_stamps(file: StampFile, tree: Checkpoint) -> tuple[tuple[ReadStamp, ...], list[tuple[int, int]]]:
    """Check a file of stamps against the state of the log that a statement rests on, and whom the reader trusts.

    Gives the stamps, and for each earlier state that a quorum cosigned its size and by when it had (ms).

    Raises:
        StampError: a stamp is of something else, or of nobody behind a pinned root.
        StatementError: the bytes are no such file.
        BodyError: a body is not the one that was committed to.
        ProofError: what was stamped is no earlier state of this log, or an entry is not in it.
        EntryError: an entry is malformed.
        TrustError: an earlier state does not deserve trust.
    """
    inner = Members(unwrap("stamps", file.data))
    if inner.index("v") != 1:
        raise StatementError("this file of stamps is of another version")
    proof, shown = inner.hashes("proof"), [_shown(one) for one in inner.items("stamps")]
    earlier = [_earlier(one) for one in inner.items("earlier")] if inner.has("earlier") else []
    inner.end()
    if shown:
        check_in_log([(one.entry.index, one.entry.envelope) for one in shown], tree, proof)
    read = tuple(_read(one, tree, file.roots) for one in shown) if file.roots else ()
    states = [_confirmed(one, tree, file.policy) for one in earlier]
    return read, [state for state in states if state is not None]


def _earlier(value: object) -> EarlierState:
    members = Members(value)
    state = EarlierState(members.text("k").encode(), members.hashes("c"))
    members.end()
    return state


def _confirmed(one: EarlierState, tree: Checkpoint, policy: TrustPolicy) -> tuple[int, int] | None:
    """Size of an earlier state and when a quorum had confirmed it (ms, rounded up); None when none had."""
    trusted = open_trusted(one.note, policy)
    state = trusted.checkpoint
    verify_consistency(state.size, tree.size, one.proof, state.root, tree.root)
    for time in sorted(trusted.times.values()) if policy.quorum != NONE else ():
        if policy.met({name for name, at in trusted.times.items() if at <= time}):
            return state.size, (time + 1) * 1000
    return None


def _shown(value: object) -> ShownStamp:
    members = Members(value)
    entry = PlacedEntry(members.index("i"), canonical(members.take("e")))
    salt, body = members.binary("s"), canonical(members.take("b"))
    shown = ShownStamp(entry, salt, body, members.binary("r"), members.hashes("c"))
    members.end()
    return shown


def _read(one: ShownStamp, tree: Checkpoint, roots: Sequence[Certificate]) -> ReadStamp:
    entry = decode(one.entry.envelope)
    size = entry.fields.get("n")
    if entry.kind != "tsa" or entry.commitment is None or not isinstance(size, int) or size > one.entry.index:
        raise StampError("an entry that keeps no stamp is shown as one that does")
    check_opening(entry.commitment, one.salt, one.body)
    verify_consistency(size, tree.size, one.proof, one.root, tree.root)
    stamped = Checkpoint(tree.origin, size, one.root).text().encode()
    stamp = verify_stamp(token_in(one.body), stamped, roots)
    return ReadStamp(one.entry.index, size, int(stamp.at.timestamp() * 1000), stamp.root)


def token_in(body: bytes) -> bytes:
    """The token in the private body of a ``tsa`` entry. Raises StampError when there is none."""
    facts = json.loads(body)
    token = facts.get("token") if isinstance(facts, dict) else None
    if not isinstance(token, str):
        raise StampError("an entry of a stamp has no token")
    return from_b64url(token)


def bracket(file: StampFile, tree: Checkpoint, question: Question) -> Bracket:
    """Where the period of a question lies in the log that has the signed state ``tree``; raises as ``read_stamps``."""
    stamps, states = read_stamps(file, tree)
    begin, end, need = question.begin, question.end, max(1, min(_NEED, len(file.roots)))
    before = _best(stamps, lambda one: begin is not None and one.at_ms + SLACK_MS <= begin, lambda one: one.size, max)
    after = _best(stamps, lambda one: end is not None and one.at_ms - SLACK_MS >= end, lambda one: one.index, min)
    low, high = sorted(before, reverse=True)[need - 1 : need], sorted(after)[need - 1 : need]
    seen = [size for size, at_ms in states if begin is not None and at_ms <= begin]
    lowest = max([*low, *seen], default=None)
    return Bracket(begin, end, lowest, high[0] if high else None, stamps, bool(file.roots))


def _best(
    stamps: Sequence[ReadStamp],
    counts: Callable[[ReadStamp], bool],
    what: Callable[[ReadStamp], int],
    pick: Callable[[Iterable[int]], int],
) -> list[int]:
    """Per authority, the bound that its stamps give."""
    found: dict[str, list[int]] = {}
    for one in stamps:
        if counts(one):
            found.setdefault(one.authority, []).append(what(one))
    return [pick(values) for values in found.values()]

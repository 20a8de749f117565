"""The provider's rules of a server: which are in force, who may change them, and every change on record.

In: the records on disk, the ledger, the program's own set, proposals. Out: the rules in force,
as one value that is replaced whole, and ``pol`` entries. At the start the records must be those that the ledger knows:
rules that were changed behind its back, or set back to an older state, keep the server from starting. A set that waits
takes force when its time has come and its notice has run, as far as the log was seen to go on since (``notice``); once
in force it stays so, whatever the clock says later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol, TypeVar

from custodes.core.clock import Clock
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.governance.provider.change_chain import Act, ChainRecord, ChainState, WaitingSet, follow
from custodes.governance.provider.guardrails import PackError, load
from custodes.governance.provider.policy_set import NOTICE_MS, ChangeKind, ChangeRefused, PolicySet, diff
from custodes.governance.provider.proposal import Proposal
from custodes.governance.provider.records import PolicyStore, RecordPlace, replay
from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.entry import Entry, b64url, decode, from_b64url
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.writer.settings import LedgerWriter
from custodes.operations.policy.decide import RulesInForce
from custodes.operations.policy.notice import RunningNotice

_MARGIN_MS = 60_000
"""A weakening is checked for a moment later than now, because only the ledger says when it was recorded."""
_MAX_CHANGES = 40

T = TypeVar("T")


class PolicyLog(LedgerWriter, Protocol):
    """The log as far as it is needed here."""

    def flush(self) -> Checkpoint:
        """Wait until everything is published."""
        ...

    def tree(self) -> Tree:
        """The published tree."""
        ...


@dataclass(frozen=True, slots=True)
class Own:
    """The program's set, and how long notice of a weakening runs where it is in force."""

    policy: PolicySet
    notice_ms: int = NOTICE_MS


class PolicyChanges:
    """Keeps the rules. ``open`` before use. Any thread; changes are made one after the other."""

    def __init__(
        self, store: PolicyStore, log: PolicyLog, clock: Clock, own: Own | None, elapsed_ms: Callable[[], int]
    ) -> None:
        """Keep records in ``store`` and ``log``; without ``own`` the set in force stays as it is.

        ``elapsed_ms`` counts time that nobody can set, while the machine sleeps as well.
        """
        self._store = store
        self._log = log
        self._clock = clock
        self._elapsed_ms = elapsed_ms
        self._notice: RunningNotice | None = None
        self._own = own
        self._state = ChainState()
        self._rules: RulesInForce | None = None
        self._lock = threading.RLock()

    def open(self) -> None:
        """Check the records against the ledger, bring them up to date, and announce the set in force.

        Raises:
            UnavailableError: the records are not those of the ledger, or the set in force cannot be used.
        """
        self._settle()
        self._notice = RunningNotice(self._log, self._elapsed_ms)
        self._state = replay(self._store)
        head = self._state.head
        self._release()
        self.activate()
        self._use()
        if self._state.head == head:  # else an entry of this start says it already
            fields = {"p": _packed(self._state.in_force), "h": _packed(head), "x": "start"}
            _written(lambda: self._log.append("pol", fields=fields).wait())

    def in_force(self) -> RulesInForce:
        """The rules in force."""
        if self._rules is None:
            raise UnavailableError("the provider's rules are not open")
        return self._rules

    @property
    def store(self) -> PolicyStore:
        """The records and sets, for reading."""
        return self._store

    @property
    def state(self) -> ChainState:
        """Where the chain of changes leads."""
        return self._state

    def activate(self) -> None:
        """Put the set that waits in force if its time has come.

        Raises:
            UnavailableError: it has, and the ledger cannot be written; the old set stays in force.
        """
        if self._is_due() is None:
            return
        with self._lock:
            waiting = self._is_due()
            if waiting is None:
                return  # another thread was first
            self._settle()
            policy = self._store.policy(waiting.policy)
            self._enter(
                ChainRecord(self._state.head, Act.FORCE, waiting.policy), policy, {"signers": list(waiting.signers)}
            )
            self._use()

    def now_ms(self) -> int:
        """The time by which changes are judged."""
        return self._clock.now_ms()

    def held_ms(self) -> int:
        """How much later than announced the set that waits takes force, as it seems now; 0 where nothing waits."""
        waiting = self._state.waiting
        left = 0 if waiting is None else self._left_ms(waiting)
        return 0 if waiting is None else max(0, self._clock.now_ms() + left - waiting.effective_ms)

    def _is_due(self) -> WaitingSet | None:
        waiting = self._state.waiting
        if waiting is None or self._clock.now_ms() < waiting.effective_ms or self._left_ms(waiting) > 0:
            return None
        return waiting

    def _left_ms(self, waiting: WaitingSet) -> int:
        """How long its notice has to run, by the time in which the log was seen to go on since it was announced."""
        places = [one.place for one in self._store.records() if one.place and one.record.policy == waiting.policy]
        assert self._notice is not None and places
        return waiting.effective_ms - places[-1].t_ms - self._notice.waited_ms(places[-1].index)

    def apply(self, proposal: Proposal) -> int:
        """Put a change on record, and in force where it need not wait; returns the index of its entry.

        Raises:
            InvalidParameterError: it may not act; nothing changed.
            UnavailableError: it could not be put on record.
        """
        with self._lock:
            return self._applied(proposal)

    def _applied(self, proposal: Proposal) -> int:
        self._settle()
        self._use()
        in_force = self._store.policy(self._state.in_force)
        if proposal.policy is None:
            record = ChainRecord(
                self._state.head,
                Act.OFFICERS,
                self._state.in_force,
                officers=proposal.officers,
                manifest=proposal.manifest if proposal.manifest.signatures else None,
            )
            index = self._enter(record, in_force, {"officers": sorted(proposal.officers)})
        else:
            policy = proposal.policy
            try:
                load(policy.packs, policy.schema)
                found = diff(in_force, policy)
            except PackError as error:
                raise InvalidParameterError(f"this set cannot be used: {error}") from error
            record = ChainRecord(self._state.head, Act.SET, policy.digest(), manifest=proposal.manifest)
            changes = [asdict(change) for change in found.changes[:_MAX_CHANGES]]
            index = self._enter(record, policy, {"kind": found.kind.value, "changes": changes})
        self._use()
        return index

    def _release(self) -> None:
        """Have the program's own set in force while nobody is appointed to decide; one that weakens waits."""
        own, state = self._own, self._state
        if own is None or state.officers:
            return
        digest, waiting = own.policy.digest(), state.waiting
        there = (state.in_force, state.notice_ms) if waiting is None else (waiting.policy, waiting.notice_ms)
        if (digest, own.notice_ms) != there:
            act = Act.UPGRADE if self._weakens(own) else Act.RELEASE
            self._enter(ChainRecord(state.head, act, digest, own.notice_ms), own.policy, {})

    def _weakens(self, own: Own) -> bool:
        if not self._state.in_force:
            return False
        try:
            kind = diff(self._store.policy(self._state.in_force), own.policy).kind
        except PackError as error:
            raise UnavailableError(f"the set of policies in force cannot be read: {error}") from error
        return kind is ChangeKind.WEAKENING or own.notice_ms < self._state.notice_ms

    def _use(self) -> None:
        """Have the set in force decided by; the one in use stays where it cannot be loaded."""
        digest = self._state.in_force
        if self._rules is not None and self._rules.digest == digest:
            return
        policy = self._store.policy(digest)
        try:
            self._rules = RulesInForce(digest, load(policy.packs, policy.schema))
        except PackError as error:
            raise UnavailableError(f"the set of policies in force cannot be used by this program: {error}") from error

    def _enter(self, record: ChainRecord, policy: PolicySet, body: Mapping[str, object]) -> int:
        """Draft, tell the ledger, place. Returns the index of the entry."""
        checked = follow(self._state, record, self._clock.now_ms() + _margin(record), self._lookup(policy))
        if isinstance(checked, ChangeRefused):
            raise InvalidParameterError(f"this change may not act: {checked.reason}")
        self._store.draft(record, policy)
        fields: dict[str, int | str] = {
            "p": _packed(record.policy),
            "h": _packed(record.digest()),
            "q": 0 if record.manifest is None else len(record.manifest.signatures),
            "x": record.act.value,
        }
        if record.act is Act.SET and checked.waiting is not None:
            fields["b"] = checked.waiting.effective_ms
        whole = {"record": record.members(), **body}
        receipt = _written(lambda: self._log.append("pol", body=whole, fields=fields).wait())
        place = RecordPlace(receipt.index, decode(receipt.envelope).t)
        after = follow(self._state, record, place.t_ms, self._lookup(policy))
        if isinstance(after, ChangeRefused):  # the clock ran away between the check and the record
            _written(lambda: self._log.append("pol", fields=self._void()).wait())
            self._store.discard()
            raise UnavailableError(f"this change may not act: {after.reason}")
        self._store.place(place)
        self._state = after
        if self._notice is not None:
            self._notice.recorded(place.index)
        return place.index

    def _void(self) -> dict[str, int | str]:
        return {"p": _packed(self._state.in_force), "h": _packed(self._state.head), "x": "void"}

    def _lookup(self, policy: PolicySet) -> Callable[[str], PolicySet]:
        digest = policy.digest()
        return lambda asked: policy if asked == digest else self._store.policy(asked)

    def _settle(self) -> None:
        """Place or forget a draft, and compare the head of the records with what the ledger has last.

        Raises:
            UnavailableError: they differ.
        """
        records = self._store.records()
        _written(self._log.flush)
        found = self._log.tree().newest("pol")
        known = "" if found is None else _unpacked(decode(found[1]))
        if records and records[-1].place is None:
            if found is not None and records[-1].record.digest() == known:
                self._store.place(RecordPlace(found[0], decode(found[1]).t))
            else:
                self._store.discard()
            records = self._store.records()
            self._state = replay(self._store)
        head = records[-1].record.digest() if records else ""
        if head != known:
            at = "" if found is None else f" (entry {found[0]})"
            raise UnavailableError(
                f"the rules on disk are not those that the ledger knows{at}: they were changed or set back. "
                "Restore the folder policy from a backup of the same time as the ledger"
            )


def _margin(record: ChainRecord) -> int:
    return _MARGIN_MS if record.act is Act.SET else 0


def _packed(digest: str) -> str:
    return b64url(bytes.fromhex(digest))


def _unpacked(entry: Entry) -> str:
    """Digest of the newest record that a ``pol`` entry names; empty for one from before there were records."""
    head = entry.fields.get("h")
    return from_b64url(head).hex() if isinstance(head, str) else ""


def _written(work: Callable[[], T]) -> T:
    try:
        return work()
    except LedgerUnavailableError as error:
        raise UnavailableError(f"the ledger cannot be written: {error}") from error

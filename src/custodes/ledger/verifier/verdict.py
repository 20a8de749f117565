"""The check of a statement, offline, by somebody who trusts the operator in nothing.

In: the bytes of a statement, and a trust policy; if at hand, a check of all public entries of the log. Out: a
``StatementVerdict``, whose word is PRESENT, ABSENT, UNDETERMINED or INVALID. Read ``_check`` from top to bottom: it is
the list of checks. It does no I/O and no arithmetic on money that is not exact; ``report`` puts the verdict into words.

INVALID means that something in the file contradicts itself or a signature: do not believe it. UNDETERMINED means that
nothing is wrong, but the file does not answer the question under this policy.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.commitment import BodyError, check_opening
from custodes.ledger.tlog.entry import Entry, EntryError, decode
from custodes.ledger.tlog.merkle import ProofError, leaf_hash, tree_root
from custodes.ledger.tlog.trust import NONE, Trusted, TrustError, TrustPolicy, open_trusted
from custodes.ledger.verifier.canonical_json import StatementError
from custodes.ledger.verifier.maps.head import (
    ACCOUNT_MAP,
    PARTY_MAP,
    MapHead,
    account_name,
    check_key,
    parse_head,
    place_leaf,
    use_leaf,
)
from custodes.ledger.verifier.maps.key_change import place_of
from custodes.ledger.verifier.maps.proof import MapError, Value, look_up, parse_path
from custodes.ledger.verifier.multiproof import check_in_log
from custodes.ledger.verifier.statement import Question, ShownPlace, ShownUse, StatementFile, map_of, parse
from custodes.ledger.verifier.uncertainty import SLACK_MS, UncertainStretch, destroyed, wrong_clock
from custodes.ledger.verifier.vrf import vrf

# No entry in front is later, so nothing behind this check meets a time that has no date.
_LAST_MS = 253_402_300_799_999

LogCheck = Callable[[Checkpoint], None]
"""Raises where the public entries at hand are not those of a signed state, or break a rule (``public_log``)."""


class TimeBracket(Protocol):
    """Between which entries a period lies by time stamps (``timestamps.bracket``)."""

    def unshown(self, entries: Iterable[tuple[int, int]]) -> tuple[int, ...]:
        """Of entries with their times (ms), those that the operator's clock alone puts outside of the period."""
        ...

    def doubts(self, covered: int, unshown: Sequence[int]) -> list[str]:
        """What the stamps leave open about an answer that covers so many entries, and finds no use but ``unshown``."""
        ...

    def grounds(self) -> list[str]:
        """What the stamps show, in words."""
        ...


Stamps = Callable[[Checkpoint, Question], TimeBracket]
"""Where the period of a question lies by the time stamps at hand. Raises what makes the file INVALID."""


class Word(StrEnum):
    """First word of a verdict."""

    PRESENT = "PRESENT"
    ABSENT = "ABSENT"
    UNDETERMINED = "UNDETERMINED"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class OpenedUse:
    """A use in the period asked for. ``facts`` is its private body, None where the operator did not disclose it."""

    index: int
    t: int
    units: int
    facts: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class OpenedPlace:
    """A place in an onboarding graph that was there in the period. ``facts`` is None where it was not disclosed."""

    index: int
    t: int
    facts: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the checks established.

    Attributes:
        question: what was asked.
        trusted: the checkpoint and who confirmed it when.
        head: the head of the map that answers, and ``head_index`` where it stands in the log.
        head_index: index of the head's entry.
        covered_until: all entries before this time (ms, log's clock) are covered by the head.
        value: what the map has under the identifier, None when it has nothing.
        uses: the uses in the period, in order.
        uses_outside: how many more uses there were outside the period.
        totals_checked: whether all public entries were at hand and add up to the head's totals.
        prices: the price list that came along, unproven.
        places: for a party, the places that it had before the end of the period, in order.
        stuck_since: where the clock is known to be wrong at the end of what the head covers, since when; else None.
        undated: uses that a wrong clock dated, and that may have been in the period or outside of it.
        withheld: uses in the period without a private body, though no entry says that it was destroyed.
        destroyed: how many in the period are without one because an entry says so.
        bracket: between which entries the period lies by time stamps, if the reader has some.
        unbracketed: uses dated outside of the period which no time stamp shows to be outside.
        key_known: whether the head's key is the log's first, or one that the reader names.
    """

    question: Question
    trusted: Trusted
    head: MapHead
    head_index: int
    covered_until: int
    value: Value | None
    uses: tuple[OpenedUse, ...]
    uses_outside: int
    totals_checked: bool
    prices: Mapping[str, object] | None
    places: tuple[OpenedPlace, ...] = ()
    stuck_since: int | None = None
    undated: tuple[int, ...] = ()
    withheld: tuple[int, ...] = ()
    destroyed: int = 0
    bracket: TimeBracket | None = None
    unbracketed: tuple[int, ...] = ()
    key_known: bool = True


@dataclass(frozen=True, slots=True)
class StatementVerdict:
    """The answer: its word, why, and the evidence as far as it was established."""

    word: Word
    reasons: tuple[str, ...]
    evidence: Evidence | None = None


class _UndeterminedError(Exception):
    """The file is sound so far, but does not answer the question."""


def verify(
    data: bytes,
    policy: TrustPolicy,
    check_log: LogCheck | None = None,
    now_ms: int | None = None,
    stamps: Stamps | None = None,
) -> StatementVerdict:
    """Check a statement.

    Args:
        data: bytes of the file.
        policy: whom the reader trusts.
        check_log: checks all public entries of the log, if they are at hand.
        now_ms: the reader's own clock, if it is to be compared.
        stamps: time stamps, if there are some; they have to bracket the period then.
    """
    try:
        evidence = _check(data, policy, check_log, stamps)
    except _UndeterminedError as open_question:
        return StatementVerdict(Word.UNDETERMINED, (str(open_question),))
    except (StatementError, TrustError, ProofError, EntryError, BodyError, MapError, vrf.VrfError) as error:
        return StatementVerdict(Word.INVALID, (str(error),))
    doubts = _doubts(evidence, policy, now_ms)
    if doubts:
        return StatementVerdict(Word.UNDETERMINED, doubts, evidence)
    return StatementVerdict(Word.PRESENT if evidence.uses or evidence.places else Word.ABSENT, (), evidence)


def _check(data: bytes, policy: TrustPolicy, check_log: LogCheck | None, stamps: Stamps | None) -> Evidence:
    # 1. The file has the one form that a statement can have.
    statement = parse(data)
    name = map_of(statement.question.identifier)
    if name is None:
        raise _UndeterminedError(
            "the identifier is not in canonical form, so its place in the map is not defined; "
            "an account is written acct: and twelve digits"
        )
    # 2. The log signed this state, and no signature of a known witness is false.
    trusted = open_trusted(statement.checkpoint, policy)
    # 3. Every entry shown stands in the log at the place that is claimed.
    _check_in_log(statement, trusted)
    # 4. The head is of the right map and covers the first entries without a gap.
    head = parse_head(decode(statement.head.envelope))
    check_key(head, statement.head.index, policy.vrf_keys)
    if head.name != name:
        raise MapError(f"the head is of the map {head.name!r}; the identifier stands in {name!r}")
    covered_until = _covered_until(statement, head)
    # 5. The identifier has exactly one place in this map, and this is what stands there.
    answering = statement.head.index, head
    place = place_of(statement.question.identifier, statement.vrf, answering, statement.change, policy.vrf_keys)
    value = look_up(head.node, place, parse_path(statement.path))
    # 6. The uses or places shown are all that the map has there, and open to what they claim.
    uses, outside = _check_uses(statement, head, value)
    places = _check_places(statement, head, value)
    stretches = wrong_clock(statement.clock, head)
    gone = destroyed(statement.destroyed, statement.question.identifier)
    closed = [use.index for use in uses if use.facts is None]
    # 7. With the public entries at hand: all rules of the log hold, and nothing was left out of the map's totals.
    if check_log is not None:
        check_log(trusted.checkpoint)
    # 8. With time stamps: where the period lies by other clocks than the operator's.
    bounds = None if stamps is None else stamps(trusted.checkpoint, statement.question)
    undated = _undated(statement, stretches) if all(_in_any(use.t, stretches) for use in uses) else ()
    return Evidence(
        statement.question,
        trusted,
        head,
        statement.head.index,
        covered_until,
        value,
        uses,
        outside,
        check_log is not None,
        statement.prices,
        places,
        min((stretch.begin for stretch in stretches if stretch.holds(covered_until)), default=None),
        undated,
        tuple(index for index in closed if index not in gone),
        len(gone.intersection(closed)),
        bounds,
        () if bounds is None else bounds.unshown((use.index, decode(use.envelope).t) for use in statement.uses),
        head.changed is None or bool(policy.vrf_keys),
    )


def _undated(statement: StatementFile, stretches: tuple[UncertainStretch, ...]) -> tuple[int, ...]:
    """Uses that were made at some time in a stretch which the period meets, nobody knows when."""
    question = statement.question
    if question.begin is None and question.end is None:
        return ()
    met = tuple(stretch for stretch in stretches if stretch.meets(question.begin, question.end))
    return tuple(use.index for use in statement.uses if _in_any(decode(use.envelope).t, met))


def _in_any(t: int, stretches: tuple[UncertainStretch, ...]) -> bool:
    return any(stretch.holds(t) for stretch in stretches)


def _check_in_log(statement: StatementFile, trusted: Trusted) -> None:
    shown = [(statement.head.index, statement.head.envelope)]
    shown += [(statement.next.index, statement.next.envelope)] if statement.next else []
    shown += [(use.index, use.envelope) for use in statement.uses]
    # One entry may bring several places of a party; it is shown with each of them.
    shown += list(dict.fromkeys((place.index, place.envelope) for place in statement.places))
    shown += [(one.index, one.envelope) for one in statement.clock]
    more = [each for one in statement.destroyed for each in (one.entry, one.head)]
    more += [] if statement.change is None else [statement.change.entry]
    shown += dict.fromkeys((one.index, one.envelope) for one in more if (one.index, one.envelope) not in shown)
    check_in_log(shown, trusted.checkpoint, statement.proof)


def _covered_until(statement: StatementFile, head: MapHead) -> int:
    """Time of the first entry that the head does not cover; times in the log never fall."""
    first_outside = statement.head if statement.next is None else statement.next
    if first_outside.index != head.size or head.size > statement.head.index:
        raise MapError("the statement does not show the first entry that the map does not cover")
    t = decode(first_outside.envelope).t
    if t > _LAST_MS:
        raise MapError("the log claims a time after the year 9999")
    return t


def _check_uses(statement: StatementFile, head: MapHead, value: Value | None) -> tuple[tuple[OpenedUse, ...], int]:
    shown = statement.uses
    if value is None or head.name != ACCOUNT_MAP:
        if shown:
            raise MapError("the map credits no uses to this identifier, but the statement shows some")
        return (), 0
    if any(a.index >= b.index for a, b in pairwise(shown)) or (shown and shown[-1].index >= head.size):
        raise MapError("the uses are out of order, or not covered by the map")
    leaves = [use_leaf(use.index, leaf_hash(use.envelope)) for use in shown]
    if len(shown) != value.count or not hmac.compare_digest(tree_root(leaves), value.root):
        raise MapError("the uses shown are not all the uses that the map credits to this account")
    decoded = [(use, _decode_use(use)) for use in shown]
    if sum(entry.units or 0 for _, entry in decoded) != value.units:
        raise MapError("the units of the uses do not add up to what the map says")
    inside = [(use, entry) for use, entry in decoded if _in_period(entry.t, statement.question)]
    opened = tuple(_open(use, entry, statement.question) for use, entry in inside)
    return opened, len(shown) - len(opened)


def _check_places(statement: StatementFile, head: MapHead, value: Value | None) -> tuple[OpenedPlace, ...]:
    shown = statement.places
    if value is None or head.name != PARTY_MAP:
        if shown:
            raise MapError("the map has nothing under this identifier, but the statement shows some")
        return ()
    if any(a.index > b.index for a, b in pairwise(shown)) or (shown and shown[-1].index >= head.size):
        raise MapError("the places are out of order, or not covered by the map")
    leaves = [place_leaf(place.index, place.commitment) for place in shown]
    if len(shown) != value.count or not hmac.compare_digest(tree_root(leaves), value.root):
        raise MapError("the places shown are not all the places that the map has under this identifier")
    opened = [_open_place(place, statement.question.identifier) for place in shown]
    end = statement.question.end
    # Who stood behind a customer before the period began may have done so all through it.
    return tuple(place for place in opened if end is None or place.t < end)


def _open_place(place: ShownPlace, identifier: str) -> OpenedPlace:
    entry = decode(place.envelope)
    if entry.kind != "org":
        raise MapError("an entry that is no dossier brings a place")
    if place.body is None or place.salt is None:
        return OpenedPlace(place.index, entry.t, None)
    check_opening(place.commitment, place.salt, place.body)
    facts = json.loads(place.body)
    # Attack: the place of somebody else shown under this identifier. Its body names whose it is.
    if not isinstance(facts, dict) or facts.get("party") != identifier:
        raise BodyError("a place that is counted for this identifier is somebody else's")
    return OpenedPlace(place.index, entry.t, facts)


def _decode_use(use: ShownUse) -> Entry:
    entry = decode(use.envelope)
    if entry.kind != "use" or entry.units is None:
        raise MapError("an entry that is no use is counted as one")
    return entry


def _in_period(t: int, question: Question) -> bool:
    return (question.begin is None or question.begin <= t) and (question.end is None or t < question.end)


def _open(use: ShownUse, entry: Entry, question: Question) -> OpenedUse:
    if use.body is None or use.salt is None:
        return OpenedUse(use.index, entry.t, entry.units or 0, None)
    if entry.commitment is None:
        raise BodyError("a use has a body that was never committed to")
    check_opening(entry.commitment, use.salt, use.body)
    facts = json.loads(use.body)
    # Attack: the same use counted for another account. Its body was committed to before, and names one account.
    account = facts.get("acct") if isinstance(facts, dict) else None
    if not isinstance(account, str) or question.identifier != account_name(account):
        raise BodyError("a use that is counted for this account was made by another one")
    return OpenedUse(use.index, entry.t, entry.units or 0, facts)


def _doubts(evidence: Evidence, policy: TrustPolicy, now_ms: int | None) -> tuple[str, ...]:
    """Why sound evidence is still no answer."""
    trusted, question = evidence.trusted, evidence.question
    doubts = []
    if not trusted.quorum_met:
        names = ", ".join(sorted(trusted.times)) or "none"
        doubts.append(f"too few of the witnesses that you trust confirmed this state of the log (confirmed: {names})")
    if question.begin is not None and question.end is not None and question.begin >= question.end:
        doubts.append("the period asked for is empty")
    if (question.begin or 0) > evidence.covered_until or (question.end or 0) > evidence.covered_until:
        doubts.append("the period asked for ends after the last entry that this answer covers; ask for a newer one")
    # The witnesses' clock is what binds the operator's: their time is in whole seconds.
    seen = trusted.seen_at
    if policy.quorum != NONE and seen is not None and (question.end or 0) >= (seen + 1) * 1000:
        doubts.append("the witnesses confirmed this state before the period asked for was over")
    # Attack: a clock that runs ahead dates uses out of the period. Whoever looks at another clock sees it.
    ahead = evidence.covered_until - SLACK_MS
    if evidence.stuck_since is not None:
        # What the log says itself is taken at its word: until then its times were right.
        ahead = 0
        if question.end is None or question.end > evidence.stuck_since:
            doubts.append("the operator's clock was wrong at the end of the period, as the log itself says")
    if seen is not None and ahead > (seen + 1) * 1000:
        doubts.append("the log's clock was ahead of the witnesses' clocks, so its times are not when things happened")
    if now_ms is not None and ahead > now_ms:
        doubts.append("the log's clock is ahead of yours, so its times are not when things happened")
    if evidence.bracket is not None:
        hidden = () if evidence.uses else evidence.unbracketed
        doubts += evidence.bracket.doubts(evidence.head.size, hidden)
    if not evidence.key_known:
        doubts.append(
            f"the places of names are under a key that entry {evidence.head.changed} brought, and your trust policy "
            "names none: check the file about that change and all before, then name the keys (lines #vrf)"
        )
    if evidence.undated:
        doubts.append(
            f"{len(evidence.undated)} uses (the first is entry {evidence.undated[0]}) were dated while the operator's "
            "clock was wrong, as the log itself says: they may have been in the period"
        )
    if evidence.withheld:
        doubts.append(
            f"{len(evidence.withheld)} uses in the period (the first is entry {evidence.withheld[0]}) are shown "
            "without details, and no entry of the log says that these were destroyed"
        )
    return tuple(doubts)

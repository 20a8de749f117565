"""The deep audit: everything the operator states, made again from the log and its private bodies, and compared.

In: the log with its bodies, the key of the maps, the state on disk, the folder of parties. Out: what was compared, or
MapError with the first difference. It reads only. The tree itself, signatures and commitments are ``writer.audit``'s.

Compared are: each head of the account map and of the party map with the map made again from nothing; the state on disk
with the newest; the excerpt of each decision with what the entry commits to, and its rules with those in force then;
the chain of the changes of these rules with its signatures; the bills of each month with the uses of the log; that no
head counts less than the one before, and all were made under one key.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from custodes.ledger.prover.account_map_binding import moved_to, without_body
from custodes.ledger.prover.audits.bills import check_bills
from custodes.ledger.prover.invoices.invoice_files import BillingStore
from custodes.ledger.prover.key_changes import KeyChanges, PartyFilesUnder
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.account_map_file import MapState
from custodes.ledger.prover.maps.party_map import PartyMap
from custodes.ledger.prover.maps.tree import first_place
from custodes.ledger.prover.maps.vrf_keys import VrfKeys
from custodes.ledger.prover.ports import Use
from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tlog.entry import Entry, b64url, decode
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, PARTY_MAP, MapHead, account_name
from custodes.ledger.verifier.maps.key_change import parse_change
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.moratorium.check import known_policies
from custodes.ledger.verifier.moratorium.policy_timeline import Force, TimelineError, timeline
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.excerpt import excerpt

Progress = Callable[[int, int], None]
"""Called with entries done and entries in all."""


@dataclass(frozen=True, slots=True)
class DeepAudit:
    """How many of each agreed: heads of maps, accounts, excerpts of decisions, changes of the rules, billed months."""

    account_heads: int
    party_heads: int
    accounts: int
    excerpts: int
    changes: int
    months: int


@dataclass(frozen=True, slots=True)
class Audited:
    """What is audited."""

    keys: VrfKeys
    log: LogFiles
    state: MapState
    changes: KeyChanges
    parties: PartyFilesUnder
    bills: BillingStore


def deep_audit(what: Audited, progress: Progress) -> DeepAudit:
    """Make everything again.

    Raises:
        MapError: the first difference, for a person.
        BodyError: what is stored is not what was committed.
        OSError: a file cannot be read.
    """
    heads = list(what.log.heads(ACCOUNT_MAP))
    _check_chain(heads, what)
    first = what.keys.of(heads[0][1].vrf_public) if heads else what.keys.present
    accounts, uses = AccountMap(first), list[Use]()
    for index, head in heads:
        if head.vrf_public != accounts.public:
            accounts = moved_to(accounts, head, what.keys, what.changes, what.log)
            _check_change(accounts, head, what)
        part = [without_body(use) for use in what.log.uses(accounts.size, head.size)]
        begin = accounts.size
        accounts.advance(part, head.size)
        if accounts.head() != head.node:
            raise MapError(
                f"head {index} of the account map is not what the private bodies give: the first difference is among "
                f"entries {begin} up to {head.size}"
            )
        uses += part
        progress(head.size, what.log.tree.size)
    _check_state(what.state, accounts, uses, heads[-1][0] if heads else None)
    parties = _check_parties(what)
    changes, forces = _check_policies(what.log)
    excerpts = _check_decisions(what.log, forces)
    every = [*uses, *(without_body(use) for use in what.log.uses(accounts.size, what.log.tree.size))]
    months = check_bills(what.bills, what.log, every)
    return DeepAudit(len(heads), parties, len(accounts), excerpts, changes, months)


def _check_chain(heads: list[tuple[int, MapHead]], what: Audited) -> None:
    last: MapHead | None = None
    for index, head in heads:
        what.keys.of(head.vrf_public)
        if last is not None and (last.vrf_public == head.vrf_public) != (last.changed == head.changed):
            raise MapError(f"head {index} of the account map is under another VRF key, and no entry changes it")
        if head.size > index:
            raise MapError(f"head {index} of the account map says that it covers entries that come after it")
        if last is not None and (head.size, head.node.count, head.node.units) < (
            last.size,
            last.node.count,
            last.node.units,
        ):
            raise MapError(f"head {index} of the account map counts less than the one before")
        last = head


def _check_state(state: MapState, accounts: AccountMap, uses: list[Use], head: int | None) -> None:
    if head is None:
        return
    if state.head() != head or state.rows() != len(uses):
        raise MapError("the state of the account map on disk is not that of the newest head; start the server once")
    numbers = {name: number for number, name in enumerate(accounts.names())}
    for use, (index, number) in zip(uses, state.credited(), strict=True):
        if (use.index, numbers[use.account]) != (index, number):
            raise MapError(f"the list of uses on disk gives entry {index} to another account than its private body")
    if state.dumped() != accounts.dump():
        raise MapError("the state of the account map on disk has other accounts than the private bodies")


def _check_change(accounts: AccountMap, head: MapHead, what: Audited) -> None:
    """What a change of the key commits to: the accounts as they were, each at the place of its name."""
    assert head.changed is not None
    change = parse_change(decode(what.log.entry(head.changed)))
    key = what.keys.of(head.vrf_public)
    values = {first_place(key, account_name(name)): value for name, value in accounts.values()}
    rows = what.changes.rows(change)[ACCOUNT_MAP]
    right = all(vrf.proven(row.new) == vrf.output(key, row.first) for row in rows)
    if not right or {row.first: row.value for row in rows} != values:
        raise MapError(f"the change of the VRF key in entry {head.changed} has other accounts than there were")


def _check_parties(what: Audited) -> int:
    count, key = 0, b""
    for index, head in what.log.heads(PARTY_MAP):
        if head.vrf_public != key:
            key = head.vrf_public
            files = what.parties(what.keys.of(key), what.changes.moves_until(what.log, head.changed))
            parties = PartyMap(what.keys.of(key))
        files.advance(parties, what.log, head.size)
        if parties.head() != head.node:
            raise MapError(f"head {index} of the party map is not what the onboarding graphs give")
        count += 1
    return count


def _check_policies(log: LogFiles) -> tuple[int, tuple[Force, ...]]:
    """The chain of changes of the provider's rules, from the first on: how many, and which set was in force when."""
    changes, bodies = list[tuple[int, Entry]](), dict[int, bytes]()
    for index, _, entry in log.changes(0, log.tree.size):
        changes.append((index, entry))
        sealed = log.bodies.get(index)
        if sealed is not None and entry.commitment is not None:
            bodies[index] = unseal(sealed, entry.commitment, log.body_key)
    try:
        return len(changes), timeline(changes, bodies, {}).forces
    except TimelineError as error:
        raise MapError(f"the rules of the provider: {error}") from error


def _check_decisions(log: LogFiles, forces: tuple[Force, ...]) -> int:
    """What moratorium reports rest on: each decision's excerpt is one of its body, under rules that were in force."""
    count = 0
    for index, entry in log.excerpted():
        sealed = log.bodies.get(index)
        if sealed is None or entry.commitment is None:
            continue
        facts = json.loads(unseal(sealed, entry.commitment, log.body_key))
        if b64url(excerpt(entry.kind, facts, sealed.salt).commitment) != entry.fields["s"]:
            raise MapError(f"the excerpt that entry {index} commits to is not one of its private body")
        if entry.kind == "auth" and "policy" in facts and facts["policy"] not in known_policies(entry.t, index, forces):
            raise MapError(f"the decision in entry {index} names rules that were not in force")
        count += 1
    return count

"""The deep audit: everything the operator states, made again from the log and its private bodies, and compared.

In: the log with its bodies, the key of the maps, the state on disk, the folder of parties. Out: what was compared, or
MapError with the first difference. It reads only. The tree itself, signatures and commitments are ``writer.audit``'s.

Compared are: each head of the account map and of the party map with the map made again from nothing; the state on disk
with the newest; the excerpt of each decision with what the entry commits to; that no head counts less than the one
before, and all were made under one key.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from custodes.ledger.prover import vrf
from custodes.ledger.prover.account_map import AccountMap
from custodes.ledger.prover.account_map_binding import VRF_KEY, without_body
from custodes.ledger.prover.account_map_file import MapState
from custodes.ledger.prover.party_map import PartyMap
from custodes.ledger.prover.party_map_files import PartyFiles
from custodes.ledger.prover.ports import Use
from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.verifier.map_head import ACCOUNT_MAP, PARTY_MAP, MapHead
from custodes.ledger.verifier.map_proof import MapError
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.excerpt import excerpt

Progress = Callable[[int, int], None]
"""Called with entries done and entries in all."""


@dataclass(frozen=True, slots=True)
class DeepAudit:
    """How many of each agreed: heads of the account map, of the party map, accounts, excerpts of decisions."""

    account_heads: int
    party_heads: int
    accounts: int
    excerpts: int


@dataclass(frozen=True, slots=True)
class Audited:
    """What is audited."""

    key: vrf.SecretKey
    log: LogFiles
    state: MapState
    parties: PartyFiles


def deep_audit(what: Audited, progress: Progress) -> DeepAudit:
    """Make everything again.

    Raises:
        MapError: the first difference, for a person.
        BodyError: what is stored is not what was committed.
        OSError: a file cannot be read.
    """
    heads = list(what.log.heads(ACCOUNT_MAP))
    _check_chain(heads, what.key.public)
    accounts, uses = AccountMap(what.key), list[Use]()
    for index, head in heads:
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
    return DeepAudit(len(heads), parties, len(accounts), _check_excerpts(what.log))


def _check_chain(heads: list[tuple[int, MapHead]], public: bytes) -> None:
    last: MapHead | None = None
    for index, head in heads:
        if head.vrf_public != public:
            raise MapError(f"head {index} of the account map was made under another key than the one in {VRF_KEY}")
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


def _check_parties(what: Audited) -> int:
    parties, count = PartyMap(what.key), 0
    for index, head in what.log.heads(PARTY_MAP):
        what.parties.advance(parties, what.log, head.size)
        if parties.head_fields(head.size)["r"] != b64url(head.node.hash):
            raise MapError(f"head {index} of the party map is not what the onboarding graphs give")
        count += 1
    return count


def _check_excerpts(log: LogFiles) -> int:
    count = 0
    for index, entry in log.excerpted():
        sealed = log.bodies.get(index)
        if sealed is None or entry.commitment is None:
            continue
        made = excerpt(entry.kind, json.loads(unseal(sealed, entry.commitment, log.body_key)), sealed.salt)
        if b64url(made.commitment) != entry.fields["s"]:
            raise MapError(f"the excerpt that entry {index} commits to is not one of its private body")
        count += 1
    return count

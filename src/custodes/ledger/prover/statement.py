"""The operator's side of a statement: collect from log, maps and bodies what a verifier will ask for.

In: ports to the log, the maps and the uses. Out: a ``StatementFile``. What is made here is checked by ``verify`` like
any other; nothing in this module needs to be trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from custodes.ledger.prover.ports import LogReader, MapReader, PlaceSource, Use, UseSource
from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.commitment import commit
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import PlacedEntry, StatementError
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, PARTY_MAP, parse_head
from custodes.ledger.verifier.statement import Question, ShownPlace, ShownUse, StatementFile, map_of
from custodes.ledger.verifier.uncertainty import ShownDestruction


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the parts of a statement come from: one about an account needs ``uses``, about a party ``places``."""

    log: LogReader
    maps: MapReader
    uses: UseSource | None = None
    places: PlaceSource | None = None


def build(question: Question, sources: Sources, prices: Mapping[str, object] | None = None) -> StatementFile:
    """The statement that answers ``question`` at the latest head of its map. Every use is shown; those in the period
    with their bodies, as far as these still exist.

    Args:
        question: who and when.
        sources: the operator's data.
        prices: a price list to go along, for readers who want to recompute charges.

    Raises:
        StatementError: the identifier is not in canonical form, or the head is not yet in a signed checkpoint.
        LookupError: there is no head of this map yet.
    """
    name = map_of(question.identifier)
    if name is None:
        raise StatementError("the identifier is not in canonical form; an account is acct: and twelve digits")
    index = sources.maps.head_index(name)
    checkpoint = sources.log.checkpoint()
    size = parse_checkpoint(parse_note(checkpoint).text).size
    if index >= size:
        raise StatementError("the latest head of the map is not yet part of a published checkpoint")
    head = PlacedEntry(index, sources.log.entry(index))
    covered = parse_head(decode(head.envelope)).size
    following = None if covered == index else PlacedEntry(covered, sources.log.entry(covered))
    vrf_proof, path = sources.maps.path(name, question.identifier)
    uses: tuple[ShownUse, ...] = ()
    if name == ACCOUNT_MAP and sources.uses is not None:
        account = question.identifier.removeprefix("acct:")
        uses = tuple(_show(use, question) for use in sources.uses.uses_of(account, covered))
    places: tuple[ShownPlace, ...] = ()
    if name == PARTY_MAP and sources.places is not None:
        places = tuple(
            ShownPlace(entry, sources.log.entry(entry), commit(salt, body), salt, body)
            for entry, salt, body in sources.places.places_of(question.identifier)
        )
    clock = tuple(sources.log.clock_entries(covered)) if parse_head(decode(head.envelope)).clock_entries else ()
    gone = _destructions(question, sources, uses, size)
    change = sources.maps.change(parse_head(decode(head.envelope)))
    shown = [use.index for use in uses] + [one.index for one in places] + [one.index for one in clock]
    shown += [each.index for one in gone for each in (one.entry, one.head)]
    shown += [] if change is None else [change.entry.index]
    indexes = [index, *([covered] if following else []), *shown]
    proof = tuple(multiproof.make(sorted(set(indexes)), size, sources.log.node))
    money = prices if uses else None
    return StatementFile(
        question, checkpoint, head, following, proof, vrf_proof, path, uses, money, places, clock, gone, change
    )


def _destructions(
    question: Question, sources: Sources, uses: tuple[ShownUse, ...], size: int
) -> tuple[ShownDestruction, ...]:
    """The entries by which bodies of uses in the period went."""
    closed = {use.index for use in uses if use.body is None and _inside(decode(use.envelope).t, question)}
    if not closed:
        return ()
    account, found = question.identifier.removeprefix("acct:"), []
    for one in sources.log.deletions():
        if one.account == account and one.index < size and closed.intersection(one.entries):
            at = int(decode(one.envelope).fields["m"])
            head = PlacedEntry(at, sources.log.entry(at))
            found.append(ShownDestruction(PlacedEntry(one.index, one.envelope), one.salt, one.body, head))
    return tuple(found)


def _show(use: Use, question: Question) -> ShownUse:
    """Uses outside the period are shown without their bodies: nobody asked for those."""
    if not _inside(use.t, question) or use.body is None or use.salt is None:
        return ShownUse(use.index, use.envelope)
    return ShownUse(use.index, use.envelope, use.salt, use.body)


def _inside(t: int, question: Question) -> bool:
    return (question.begin or 0) <= t and (question.end is None or t < question.end)

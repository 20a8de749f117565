"""Recovery, which is how the log always starts: journal and tiles in, the state to go on from out.

In: the ports and the public keys that may have signed. Out: the head, with every committed batch published and synced
and the journal on a fresh segment. Nothing here depends on how the last run ended: a killed server, a failed write and
a clean stop take the same way. What cannot be explained by a crash is refused, never repaired.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from custodes.ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.tlog.merkle import EMPTY_ROOT, Frontier, leaf_hash
from custodes.ledger.tlog.note import NoteError, Verifier
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, LedgerCorruptError
from custodes.ledger.tree.growth import range_root
from custodes.ledger.tree.signing import Signer, sign_checkpoint
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.writer.batch import Batch, LogState, decode_batch, decode_state
from custodes.ledger.writer.ports import Anchor, HeadConflictError, JournalSegment, Stores, TileStore
from custodes.ledger.writer.publication.publisher import LogPublisher


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Who signs: ``signers`` sign new checkpoints, ``verifiers`` are all keys that may have signed old ones."""

    origin: str
    signers: Sequence[Signer]
    verifiers: Sequence[Verifier]


def recover(stores: Stores, identity: LogIdentity, publisher: LogPublisher) -> LogState:
    """Bring stores to the journal's head and start a new segment there. Returns the head.

    Raises:
        HeadConflictError: the anchor knows a later or another head.
        LedgerCorruptError: stored bytes contradict what was signed.
        OSError: a store failed; try again later.
    """
    segments = list(stores.journal.segments())
    if segments:
        base = _checked(decode_state(segments[0].header), identity)
        publisher.load(base)
        head, batches = _replay(base, segments, identity)
    else:
        head, batches = _begin_log(stores, identity), []
        publisher.load(head)
    publisher.publish(batches, head.checkpoint)
    stores.tiles.sync()
    stores.bodies.sync()
    publisher.end_repair()
    if stores.anchor is not None:
        _check_anchor(stores.anchor, stores.tiles, head, identity)
    number = stores.journal.begin(head.encode())
    stores.journal.retire(number)
    return head


def advance(state: LogState, batch: Batch) -> LogState:
    """The state after ``batch``; its checkpoint is taken as it is.

    Raises:
        LedgerCorruptError: the batch does not follow the state.
        EntryError: an envelope is malformed.
    """
    if batch.first != state.frontier.size:
        raise LedgerCorruptError(f"a batch starts at {batch.first} instead of {state.frontier.size}")
    frontier = state.frontier.extend([leaf_hash(envelope) for envelope in batch.envelopes])
    entries = [decode(envelope) for envelope in batch.envelopes]
    unsettled = settle(set(state.unsettled), enumerate(entries, batch.first))
    t = max(state.t, entries[-1].t) if entries else state.t
    return LogState(frontier, batch.checkpoint, t, frozenset(unsettled))


def settle(unsettled: set[int], entries: Iterable[tuple[int, Entry]]) -> set[int]:
    """Change ``unsettled`` by what ``entries`` reserve and settle; returns it."""
    for index, entry in entries:
        if entry.reserves:
            unsettled.add(index)
        if entry.settles is not None:
            unsettled.discard(entry.settles)
    return unsettled


def _begin_log(stores: Stores, identity: LogIdentity) -> LogState:
    if stores.tiles.get(CHECKPOINT_PATH) is not None:
        raise LedgerCorruptError("there is a public log but no journal; restore both together")
    if stores.anchor is not None and stores.anchor.fetch() is not None:
        raise HeadConflictError("the anchor knows a log, but there is none here")
    frontier = Frontier()
    checkpoint = sign_checkpoint(Checkpoint(identity.origin, 0, frontier.root()), identity.signers)
    return LogState(frontier, checkpoint, 0, frozenset())


def _replay(base: LogState, segments: Sequence[JournalSegment], identity: LogIdentity) -> tuple[LogState, list[Batch]]:
    """Batches of all segments. Where a segment starts, it says what of the one before was committed."""
    state, batches = base, []
    for at, segment in enumerate(segments):
        if at:
            start = _checked(decode_state(segment.header), identity)
            if start.frontier != state.frontier:
                raise LedgerCorruptError(f"journal segment {segment.number} does not follow the one before")
            state = start
        limit = None
        if at + 1 < len(segments):
            limit = decode_state(segments[at + 1].header).frontier.size
        for record in segment.records:
            if limit is not None and state.frontier.size >= limit:
                break
            batch = decode_batch(record)
            state = _checked(advance(state, batch), identity)
            batches.append(batch)
    return state, batches


def _checked(state: LogState, identity: LogIdentity) -> LogState:
    """``state``, if its checkpoint was signed over its tree."""
    try:
        checkpoint = open_checkpoint(state.checkpoint, identity.verifiers, origin=identity.origin)
    except NoteError as error:
        raise LedgerCorruptError(f"a checkpoint in the journal does not verify: {error}") from error
    if checkpoint.size != state.frontier.size or checkpoint.root != state.frontier.root():
        raise LedgerCorruptError(f"the journal at size {state.frontier.size} has another root than was signed")
    return state


def _check_anchor(anchor: Anchor, tiles: TileStore, head: LogState, identity: LogIdentity) -> None:
    kept = anchor.fetch()
    if kept == head.checkpoint:
        return
    if kept is not None:
        try:
            seen = open_checkpoint(kept, identity.verifiers, origin=identity.origin)
        except NoteError as error:
            raise HeadConflictError(f"the anchor's checkpoint does not verify: {error}") from error
        if seen.size > head.frontier.size:
            raise HeadConflictError(f"this log was set back: {seen.size} entries were signed, it has fewer")
        tree = Tree(tiles, head.frontier.size)
        if (range_root(0, seen.size, tree.node) if seen.size else EMPTY_ROOT) != seen.root:
            raise HeadConflictError(f"at size {seen.size} this log is not the one that the anchor knows")
    anchor.replace(kept, head.checkpoint)

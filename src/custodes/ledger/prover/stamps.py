"""The time stamps that bracket a statement's period, as a file to go with it.

In: a statement, the log with its private bodies. Out: the file that ``verifier.timestamps.bracket`` reads: per
authority, the newest stamp from before the period and the first from after it, as far as the statement's state of the
log has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from custodes.ledger.prover.files import encode_stamps
from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tlog.trust import COSIGNATURE_BYTES, cosigned_at
from custodes.ledger.tree import multiproof
from custodes.ledger.tree.growth import range_root
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.statement import Question
from custodes.ledger.verifier.timestamps.bracket import SLACK_MS, EarlierState, ShownStamp, token_in
from custodes.ledger.verifier.timestamps.token import claimed_time
from custodes.ledger.writer.body import unseal


@dataclass(frozen=True, slots=True)
class _Kept:
    authority: str
    at_ms: int
    shown: ShownStamp


def stamp_file(question: Question, log: LogFiles, cosigned: Iterable[bytes] = ()) -> bytes:
    """The file for a statement on ``question`` that rests on the checkpoint of ``log``.

    ``cosigned`` are earlier checkpoints with the cosignatures of witnesses.

    Raises:
        LookupError: neither a stamp nor an earlier checkpoint brackets it.
        BodyError: what is stored is not what was committed.
        StampError: a stored token is damaged.
    """
    chosen: dict[int, ShownStamp] = {}
    stamps = list(_stamps(log))
    for authority in {one.authority for one in stamps}:
        mine = [one for one in stamps if one.authority == authority]
        before = [one for one in mine if question.begin is not None and one.at_ms + SLACK_MS <= question.begin]
        after = [one for one in mine if question.end is not None and one.at_ms - SLACK_MS >= question.end]
        for one in before[-1:] + after[:1]:
            chosen[one.shown.entry.index] = one.shown
    earlier = _newest_before(question.begin, cosigned, log)
    if not chosen and not earlier:
        raise LookupError("the log has no time stamp from before or after this period")
    indexes = sorted(chosen)
    proof = multiproof.make(indexes, log.tree.size, log.node) if indexes else []
    return encode_stamps([chosen[index] for index in indexes], proof, earlier)


def _newest_before(begin: int | None, cosigned: Iterable[bytes], log: LogFiles) -> list[EarlierState]:
    """The newest of the checkpoints that all of its witnesses had confirmed before ``begin``."""
    found: tuple[int, bytes] | None = None
    for data in cosigned if begin is not None else ():
        note = parse_note(data)
        size = parse_checkpoint(note.text).size
        times = [cosigned_at(line.value) for line in note.signatures if len(line.value) == COSIGNATURE_BYTES]
        before = begin is not None and times and (max(times) + 1) * 1000 <= begin
        if before and size <= log.tree.size and (found is None or size > found[0]):
            found = size, data
    return [] if found is None else [EarlierState(found[1], tuple(log.tree.consistency_proof(found[0])))]


def _stamps(log: LogFiles) -> Iterator[_Kept]:
    for index, envelope, entry in log.stamps():
        sealed, size = log.bodies.get(index), entry.fields["n"]
        if sealed is None or entry.commitment is None or not isinstance(size, int):
            continue
        body = unseal(sealed, entry.commitment, log.body_key)
        root = range_root(0, size, log.node)
        shown = ShownStamp(
            PlacedEntry(index, envelope), sealed.salt, body, root, tuple(log.tree.consistency_proof(size))
        )
        at_ms = int(claimed_time(token_in(body)).timestamp() * 1000)
        yield _Kept(str(entry.fields.get("x")), at_ms, shown)

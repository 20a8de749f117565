"""The time stamps that bracket a statement's period, as a file to go with it.

In: a statement, the log with its private bodies. Out: the file that ``verifier.timestamps.bracket`` reads: per
authority, the newest stamp from before the period and the first from after it, as far as the statement's state of the
log has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from custodes.ledger.prover.files import encode_stamps
from custodes.ledger.prover.sources import LogFiles
from custodes.ledger.tree import multiproof
from custodes.ledger.tree.growth import range_root
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.statement import Question
from custodes.ledger.verifier.timestamps.bracket import SLACK_MS, ShownStamp, token_in
from custodes.ledger.verifier.timestamps.token import claimed_time
from custodes.ledger.writer.body import unseal


@dataclass(frozen=True, slots=True)
class _Kept:
    authority: str
    at_ms: int
    shown: ShownStamp


def stamp_file(question: Question, log: LogFiles) -> bytes:
    """The file for a statement on ``question`` that rests on the checkpoint of ``log``.

    Raises:
        LookupError: no stamp brackets it.
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
    if not chosen:
        raise LookupError("the log has no time stamp from before or after this period")
    indexes = sorted(chosen)
    proof = multiproof.make(indexes, log.tree.size, log.node)
    return encode_stamps([chosen[index] for index in indexes], proof)


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

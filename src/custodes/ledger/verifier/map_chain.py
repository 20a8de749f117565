"""The whole chain of heads of the account map: each continues the one before, from an empty map to the newest.

In: all public entries of a log, its signed state, the lines of a file of proofs. Out: how many heads and uses were
checked, or an error at the first that does not hold. A line is canonical JSON, ``{"head": index, "proof": bytes}``, one
for each head of the account map, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.trust import VrfKey
from custodes.ledger.verifier.canonical_json import Members, StatementError, parse_canonical
from custodes.ledger.verifier.maps.growth import check_growth, check_moved, parse_growth
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, check_key, parse_head
from custodes.ledger.verifier.public_log import read_log


@dataclass(frozen=True, slots=True)
class MapChain:
    """What was checked: heads of the account map, uses that they credit, and uses behind the newest of them."""

    heads: int
    uses: int
    behind: int


def check_chain(
    lines: Iterable[bytes], entries: Iterable[tuple[int, bytes]], tree: Checkpoint, vrf_keys: Sequence[VrfKey] = ()
) -> MapChain:
    """Check every head against the one before, and its key against those that the reader names, if any.

    Raises:
        StatementError: a line is malformed, or there are more or fewer than heads.
        MapError: a head does not continue the one before, or an entry breaks a rule of the log.
        ProofError: the entries are not those of ``tree``.
        EntryError: an entry is malformed.
    """
    proofs, last, heads, done = iter(lines), None, 0, 0
    waiting: dict[int, tuple[bytes, int]] = {}
    for index, entry, leaf in read_log(entries, tree):
        if entry.kind == "use":
            waiting[index] = leaf, entry.units or 0
        elif entry.kind == "map" and entry.fields.get("m") == ACCOUNT_MAP:
            head = parse_head(entry)
            check_key(head, index, vrf_keys)
            uses = {at: waiting.pop(at) for at in list(waiting) if at < head.size}
            proof = _proof(next(proofs, b""), index)
            if last is not None and last.changed != head.changed:
                check_moved(last, head, proof)
            else:
                check_growth(last, head, parse_growth(proof), uses)
            last, heads, done = head, heads + 1, done + len(uses)
    if next(proofs, None) is not None:
        raise StatementError("the file has proofs of more heads than the log")
    return MapChain(heads, done, len(waiting))


def _proof(line: bytes, index: int) -> bytes:
    if not line:
        raise StatementError(f"the file has no proof of head {index}")
    members = Members(parse_canonical(line.rstrip(b"\n")))
    if members.index("head") != index:
        raise StatementError(f"the file has another proof where that of head {index} belongs")
    proof = members.binary("proof")
    members.end()
    return proof

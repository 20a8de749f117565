"""One proof for many entries: that all of them stand in the log that was signed.

In: entries by index, hashes in the order in which a walk from the root needs them, a signed checkpoint. Out: nothing,
or ProofError. With one entry the hashes are those of RFC 6962's audit path; with many, shared parts appear once.
"""

from __future__ import annotations

import hmac
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.merkle import MAX_SIZE, ProofError, check_hashes, leaf_hash, left_size, node_hash


def check_in_log(shown: Sequence[tuple[int, bytes]], log: Checkpoint, proof: Sequence[bytes]) -> None:
    """Check that each envelope stands in the log at its index.

    Raises:
        ProofError: it does not, or two entries claim one place.
    """
    leaves = {index: leaf_hash(envelope) for index, envelope in shown}
    if len(leaves) != len(shown):
        raise ProofError("two entries claim one place in the log")
    if not hmac.compare_digest(root(leaves, log.size, proof), log.root):
        raise ProofError("the entries shown are not in the log that was signed")


def root(leaves: Mapping[int, bytes], size: int, proof: Sequence[bytes]) -> bytes:
    """Root of the log of ``size`` entries in which leaf hashes stand at their indexes.

    Raises:
        ProofError: an index is out of range, or the proof has too many or too few hashes.
    """
    wanted = sorted(leaves)
    if not wanted or wanted[0] < 0 or wanted[-1] >= size or size > MAX_SIZE:
        raise ProofError("an entry cannot stand in a log of this size")
    check_hashes((*proof, *leaves.values()))
    rest = iter(proof)

    def walk(begin: int, end: int, first: int, last: int) -> bytes:
        """Root over entries ``begin`` up to ``end``, of which ``wanted[first:last]`` are shown."""
        if first == last:
            found = next(rest, None)
            if found is None:
                raise ProofError("the proof has too few hashes")
            return found
        if end - begin == 1:
            return leaves[begin]
        split = begin + left_size(end - begin)
        middle = bisect_left(wanted, split, first, last)
        left = walk(begin, split, first, middle)
        return node_hash(left, walk(split, end, middle, last))

    result = walk(0, size, 0, len(wanted))
    if next(rest, None) is not None:
        raise ProofError("the proof has too many hashes")
    return result

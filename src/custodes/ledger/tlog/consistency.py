"""Checks that one tree of a log continues another: what a witness does before it signs.

In: two sizes with their roots, and a proof. Out: nothing, or ProofError. Who signed the roots is the caller's business.
Source: RFC 6962 section 2.1.2.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from custodes.ledger.tlog.merkle import EMPTY_ROOT, MAX_SIZE, ProofError, check_hashes, left_size, node_hash, pop_hash


def verify_consistency(old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> None:
    """Check that the tree ``(old, old_root)`` is a prefix of ``(size, root)``.

    Raises:
        ProofError: it is not shown.
    """
    if not 0 <= old <= size <= MAX_SIZE:
        raise ProofError(f"a tree of {old} cannot be a prefix of one of {size}")
    check_hashes((*proof, old_root, root))
    rest = list(proof)

    def walk(old: int, size: int, whole: bool) -> tuple[bytes, bytes]:
        """Roots over ``old`` and ``size`` leaves from one on; ``whole`` where those are all of the old tree."""
        if old == size:
            return (old_root, old_root) if whole else (pop_hash(rest),) * 2
        sibling, split = pop_hash(rest), left_size(size)
        if old <= split:
            before, after = walk(old, split, whole)
            return before, node_hash(after, sibling)
        before, after = walk(old - split, size - split, False)
        return node_hash(sibling, before), node_hash(sibling, after)

    # Every tree continues the empty one, and RFC 6962 has no proof of that.
    found = walk(old, size, True) if old else (EMPTY_ROOT, root)
    if rest:
        raise ProofError("the proof has too many hashes")
    if not (hmac.compare_digest(found[0], old_root) and hmac.compare_digest(found[1], root)):
        raise ProofError("the consistency proof leads to other roots")

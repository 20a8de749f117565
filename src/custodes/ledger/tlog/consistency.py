"""Checks that one tree of a log continues another: what a witness does before it signs.

In: two sizes with their roots, and a proof. Out: nothing, or ProofError. Who signed the roots is the caller's business.
Source: RFC 9162 section 2.1.4.2.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from custodes.ledger.tlog.merkle import EMPTY_ROOT, MAX_SIZE, ProofError, check_hashes, node_hash


def verify_consistency(old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> None:
    """Check that the tree ``(old, old_root)`` is a prefix of ``(size, root)``. Source: RFC 9162 2.1.4.2.

    Raises:
        ProofError: it is not shown.
    """
    if not 0 <= old <= size <= MAX_SIZE:
        raise ProofError(f"a tree of {old} cannot be a prefix of one of {size}")
    check_hashes((*proof, old_root, root))
    if old in (0, size):
        _check_trivial(old, size, proof, old_root, root)
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofError("the consistency proof is empty")
    old_result, result = _walk_consistency(old, size, path)
    if not (hmac.compare_digest(old_result, old_root) and hmac.compare_digest(result, root)):
        raise ProofError("the consistency proof leads to other roots")


def _check_trivial(old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> None:
    if proof:
        raise ProofError("the consistency proof should be empty")
    if old == 0 and not hmac.compare_digest(old_root, EMPTY_ROOT):
        raise ProofError("the empty tree has another root")
    if old == size and not hmac.compare_digest(old_root, root):
        raise ProofError("two trees of one size have different roots")


def _walk_consistency(old: int, size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    old_result = result = path[0]
    for hash_ in path[1:]:
        if sn == 0:
            raise ProofError("the consistency proof is too long")
        if fn & 1 or fn == sn:
            old_result = node_hash(hash_, old_result)
            result = node_hash(hash_, result)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            result = node_hash(result, hash_)
        fn >>= 1
        sn >>= 1
    if sn:
        raise ProofError("the consistency proof is too short")
    return old_result, result

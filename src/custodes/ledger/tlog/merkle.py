"""RFC 6962 Merkle tree: hashes, the frontier that grows it, inclusion and consistency proofs, made and verified.

In: leaf hashes and, for proofs, a way to look up perfect subtrees. Out: roots and proofs as lists of 32-byte hashes. It
knows neither files nor signatures: binding a size and a root to a signed checkpoint is the caller's duty, range checks
are done here. Source: RFC 6962 section 2.1, RFC 9162 section 2.1.3 and 2.1.4.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32

# RFC 6962 2.1: the hash of an empty list is the hash of an empty string.
EMPTY_ROOT = sha256(b"").digest()

# C2SP tlog-checkpoint: sizes are at most 2^63 - 1.
MAX_SIZE = (1 << 63) - 1

NodeSource = Callable[[int, int], bytes]
"""Hash of the perfect subtree ``(level, index)``: leaves ``index << level`` up to ``(index + 1) << level``."""


class ProofError(Exception):
    """A proof does not show what it claims; the message says which check failed."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of one log entry, domain-separated from nodes by a zero byte."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def parents(row: Sequence[bytes]) -> list[bytes]:
    """Hashes one level up; an odd last node has no parent yet and is left out."""
    hash_ = sha256
    return [hash_(b"\x01" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)]


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes."""
    return Frontier().extend(leaves).frontier.root()


def range_root(begin: int, end: int, node: NodeSource) -> bytes:
    """Root over leaves ``begin`` up to ``end``, where ``begin`` starts a perfect subtree at least that wide.

    Raises:
        ValueError: the range is empty or not aligned.
    """
    if not 0 <= begin < end:
        raise ValueError(f"empty range {begin}..{end}")
    result: bytes | None = None
    while end > begin:
        # The lowest set bit of what is left is the rightmost perfect subtree.
        level = ((end - begin) & -(end - begin)).bit_length() - 1
        if (end >> level) << level != end:
            raise ValueError(f"range {begin}..{end} is not aligned")
        hash_ = node(level, (end >> level) - 1)
        result = hash_ if result is None else node_hash(hash_, result)
        end -= 1 << level
    assert result is not None
    return result


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: all that is needed to grow it. ``nodes[h]`` is set where bit ``h`` of size is.

    Attributes:
        size: leaves in the tree.
        nodes: per level the perfect subtree that still lacks its right sibling, or None.
    """

    size: int = 0
    nodes: tuple[bytes | None, ...] = ()

    def root(self) -> bytes:
        """Root of the tree."""
        result: bytes | None = None
        for node in self.nodes:
            if node is not None:
                result = node if result is None else node_hash(node, result)
        return EMPTY_ROOT if result is None else result

    def extend(self, leaves: Sequence[bytes]) -> Growth:
        """The tree after ``leaves`` (hashes); this frontier stays as it is."""
        size = self.size + len(leaves)
        rows: list[tuple[int, list[bytes]]] = []
        edge: list[bytes | None] = []
        new: Sequence[bytes] = leaves
        level = 0
        while new or level < len(self.nodes):
            left = self.nodes[level] if level < len(self.nodes) else None
            row = [*new] if left is None else [left, *new]
            count = size >> level
            rows.append((count - len(row), row))
            edge.append(row[-1] if count & 1 else None)
            new = parents(row) if new else ()
            level += 1
        return Growth(self.size, Frontier(size, tuple(edge)), tuple(rows))


@dataclass(frozen=True, slots=True)
class Growth:
    """A tree and the nodes that came with its newest leaves, enough to prove each of them.

    Attributes:
        first: index of the first new leaf.
        frontier: the edge of the tree with them.
        rows: per level the index of the first kept node and the nodes from there to the edge.
    """

    first: int
    frontier: Frontier
    rows: tuple[tuple[int, list[bytes]], ...]

    def node(self, level: int, index: int) -> bytes:
        """A perfect subtree on or right of the path to the first new leaf."""
        offset, row = self.rows[level]
        if index < offset:
            raise IndexError(f"node {level}/{index} is left of this growth")
        return row[index - offset]

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Proof that new leaf ``index`` is in the tree."""
        if not self.first <= index < self.frontier.size:
            raise IndexError(f"leaf {index} is not among the new ones")
        return inclusion_proof(index, self.frontier.size, self.node)


def inclusion_proof(index: int, size: int, node: NodeSource) -> list[bytes]:
    """Audit path of leaf ``index`` in the tree of ``size`` leaves, leaf to root. Source: RFC 6962 2.1.1.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} is not in a tree of {size}")
    proof: list[bytes] = []
    level = 0
    while (1 << level) < size:
        sibling = (index >> level) ^ 1
        begin = sibling << level
        if begin + (1 << level) <= size:
            proof.append(node(level, sibling))
        elif begin < size:
            # The sibling is the ragged right edge: a root over fewer leaves than its level could hold.
            proof.append(range_root(begin, size, node))
        level += 1
    return proof


def consistency_proof(old: int, size: int, node: NodeSource) -> list[bytes]:
    """Proof that the tree of ``old`` leaves is a prefix of the tree of ``size``. Source: RFC 6962 2.1.2.

    Raises:
        ValueError: not 0 <= old <= size.
    """
    if not 0 <= old <= size:
        raise ValueError(f"no tree of {old} leaves within {size}")
    if old in (0, size):
        return []
    proof: list[bytes] = []
    begin, end, whole = 0, size, True
    later: list[bytes] = []
    while old - begin != end - begin:
        split = begin + _split(end - begin)
        if old <= split:
            later.append(range_root(split, end, node))
            end = split
        else:
            later.append(range_root(begin, split, node))
            begin, whole = split, False
    if not whole:
        proof.append(range_root(begin, end, node))
    return proof + later[::-1]


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Root that ``proof`` leads to. Bind it to a signed checkpoint of the same ``size``. Source: RFC 9162 2.1.3.2.

    Raises:
        ProofError: the index is not below the size, or the proof has another length than this path.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofError(f"leaf {index} cannot be in a tree of {size}")
    _check_hashes((leaf, *proof))
    fn, sn, result = index, size - 1, leaf
    for hash_ in proof:
        if sn == 0:
            raise ProofError("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            result = node_hash(hash_, result)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            result = node_hash(result, hash_)
        fn >>= 1
        sn >>= 1
    if sn:
        raise ProofError("the inclusion proof is too short")
    return result


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that ``leaf`` (a hash) is leaf ``index`` of the tree of ``size`` with ``root``.

    Raises:
        ProofError: it is not shown.
    """
    if not hmac.compare_digest(root_from_inclusion(leaf, index, size, proof), root):
        raise ProofError("the inclusion proof leads to another root")


def verify_consistency(old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes) -> None:
    """Check that the tree ``(old, old_root)`` is a prefix of ``(size, root)``. Source: RFC 9162 2.1.4.2.

    Raises:
        ProofError: it is not shown.
    """
    if not 0 <= old <= size <= MAX_SIZE:
        raise ProofError(f"a tree of {old} cannot be a prefix of one of {size}")
    _check_hashes((*proof, old_root, root))
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


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for hash_ in hashes:
        if len(hash_) != HASH_BYTES:
            raise ProofError(f"a hash has {len(hash_)} bytes instead of {HASH_BYTES}")

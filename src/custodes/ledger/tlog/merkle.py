"""RFC 6962 Merkle tree: hashes, roots, and the check of inclusion proofs.

In: leaf hashes and proofs, hashes of 32 bytes each. Out: roots, or ProofError. It knows neither files nor signatures:
binding a size and a root to a signed checkpoint is the caller's duty, range checks are done here. Proofs are made in
``tree``. Source: RFC 6962 section 2.1.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32

# RFC 6962 2.1: the hash of an empty list is the hash of an empty string.
EMPTY_ROOT = sha256(b"").digest()

# C2SP tlog-checkpoint: sizes are at most 2^63 - 1.
MAX_SIZE = (1 << 63) - 1


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
    return Frontier().extend(leaves).root()


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

    def extend(self, leaves: Sequence[bytes], rows: list[list[bytes]] | None = None) -> Frontier:
        """The tree after ``leaves`` (hashes); this frontier stays as it is.

        Args:
            leaves: hashes of the leaves that follow.
            rows: if given, gets per level the nodes from the old edge to the new one, for whoever makes proofs.
        """
        edge: list[bytes | None] = []
        row: list[bytes] = [*leaves]
        for level in range((self.size + len(leaves)).bit_length()):
            left = self.nodes[level] if level < len(self.nodes) else None
            row = row if left is None else [left, *row]
            # What is left of this row is paired up already, so its last node lacks a sibling when the row is odd.
            edge.append(row[-1] if len(row) % 2 else None)
            if rows is not None:
                rows.append(row)
            row = parents(row)
        return Frontier(self.size + len(leaves), tuple(edge))


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Root that ``proof`` leads to. Bind it to a signed checkpoint of the same ``size``. Source: RFC 6962 2.1.1.

    Raises:
        ProofError: the index is not below the size, or the proof has another length than this path.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofError(f"leaf {index} cannot be in a tree of {size}")
    check_hashes((leaf, *proof))
    rest = list(proof)

    def walk(index: int, size: int) -> bytes:
        """Root over ``size`` leaves, of which ``leaf`` is number ``index``."""
        if size == 1:
            return leaf
        sibling = pop_hash(rest)
        split = left_size(size)
        if index < split:
            return node_hash(walk(index, split), sibling)
        return node_hash(sibling, walk(index - split, size - split))

    result = walk(index, size)
    if rest:
        raise ProofError("the proof has too many hashes")
    return result


def left_size(size: int) -> int:
    """How many of ``size`` leaves are left of the root: the largest power of two below (RFC 6962 section 2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def pop_hash(rest: list[bytes]) -> bytes:
    """Take the last hash of a proof, which is the nearest to the root. Raises ProofError when none is left."""
    if not rest:
        raise ProofError("the proof has too few hashes")
    return rest.pop()


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that ``leaf`` (a hash) is leaf ``index`` of the tree of ``size`` with ``root``.

    Raises:
        ProofError: it is not shown.
    """
    if not hmac.compare_digest(root_from_inclusion(leaf, index, size, proof), root):
        raise ProofError("the inclusion proof leads to another root")


def check_hashes(hashes: Sequence[bytes]) -> None:
    """Raise ProofError unless each hash has 32 bytes."""
    for hash_ in hashes:
        if len(hash_) != HASH_BYTES:
            raise ProofError(f"a hash has {len(hash_)} bytes instead of {HASH_BYTES}")

"""Growing a Merkle tree and making proofs from it: what the keeper of a log does.

In: a frontier and new leaves, or a way to look up perfect subtrees. Out: the grown tree with all it takes to prove its
new leaves; inclusion and consistency proofs as lists of hashes. It checks nothing (``tlog.merkle`` and
``tlog.consistency`` do). Source: RFC 6962 sections 2.1.1 and 2.1.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from custodes.ledger.tlog.merkle import Frontier, left_size, node_hash

NodeSource = Callable[[int, int], bytes]
"""Hash of the perfect subtree ``(level, index)``: leaves ``index << level`` up to ``(index + 1) << level``."""


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


def grow(old: Frontier, leaves: Sequence[bytes]) -> Growth:
    """The tree after ``leaves`` (hashes), with the nodes that prove them."""
    rows: list[list[bytes]] = []
    frontier = old.extend(leaves, rows)
    kept = tuple(((frontier.size >> level) - len(row), row) for level, row in enumerate(rows))
    return Growth(old.size, frontier, kept)


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
        split = begin + left_size(end - begin)
        if old <= split:
            later.append(range_root(split, end, node))
            end = split
        else:
            later.append(range_root(begin, split, node))
            begin, whole = split, False
    if not whole:
        proof.append(range_root(begin, end, node))
    return proof + later[::-1]

"""One proof for many entries, made: the hashes that ``verifier.multiproof`` needs for the root, in its order.

In: indexes of entries, the size of the log, a way to look up perfect subtrees. Out: hashes. With one entry these are
the hashes of RFC 6962's audit path; with many, shared parts appear once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from custodes.ledger.tlog.merkle import ProofError, left_size
from custodes.ledger.tree.growth import NodeSource, range_root


def make(indexes: Sequence[int], size: int, node: NodeSource) -> list[bytes]:
    """Proof for the entries at ``indexes`` (at least one) in the log of ``size`` entries.

    Raises:
        ProofError: an index is out of range, or there is none.
    """
    wanted = sorted(set(indexes))
    if not wanted or wanted[0] < 0 or wanted[-1] >= size:
        raise ProofError("an entry cannot stand in a log of this size")

    def walk(begin: int, end: int, first: int, last: int) -> Iterator[bytes]:
        if first == last:
            yield range_root(begin, end, node)
        elif end - begin > 1:
            split = begin + left_size(end - begin)
            middle = bisect_left(wanted, split, first, last)
            yield from walk(begin, split, first, middle)
            yield from walk(split, end, middle, last)

    return list(walk(0, size, 0, len(wanted)))

"""One proof for many entries: that all of them stand in one log.

In: the entries' leaf hashes by index. Out: the hashes that are missing to compute the root, in the order in which a
walk from the root needs them; and the root from both. With one entry this holds the hashes of RFC 6962's audit path;
with many, shared parts appear once. It binds nothing to a signature: compare the root with a signed checkpoint.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from custodes.ledger.tlog.merkle import HASH_BYTES, MAX_SIZE, NodeSource, ProofError, node_hash, range_root


def make(indexes: Sequence[int], size: int, node: NodeSource) -> list[bytes]:
    """Proof for the entries at ``indexes`` (at least one) in the log of ``size`` entries.

    Raises:
        ProofError: an index is out of range, or there is none.
    """
    wanted = _checked(indexes, size)

    def walk(begin: int, end: int, first: int, last: int) -> Iterator[bytes]:
        if first == last:
            yield range_root(begin, end, node)
        elif end - begin > 1:
            split = _split(begin, end)
            middle = bisect_left(wanted, split, first, last)
            yield from walk(begin, split, first, middle)
            yield from walk(split, end, middle, last)

    return list(walk(0, size, 0, len(wanted)))


def root(leaves: Mapping[int, bytes], size: int, proof: Sequence[bytes]) -> bytes:
    """Root of the log of ``size`` entries in which leaf hashes stand at their indexes.

    Raises:
        ProofError: an index is out of range, or the proof has too many or too few hashes.
    """
    wanted = _checked(list(leaves), size)
    if any(len(hash_) != HASH_BYTES for hash_ in (*proof, *leaves.values())):
        raise ProofError("a hash has a wrong length")
    rest = iter(proof)

    def walk(begin: int, end: int, first: int, last: int) -> bytes:
        if first == last:
            found = next(rest, None)
            if found is None:
                raise ProofError("the proof has too few hashes")
            return found
        if end - begin == 1:
            return leaves[begin]
        split = _split(begin, end)
        middle = bisect_left(wanted, split, first, last)
        left = walk(begin, split, first, middle)
        return node_hash(left, walk(split, end, middle, last))

    result = walk(0, size, 0, len(wanted))
    if next(rest, None) is not None:
        raise ProofError("the proof has too many hashes")
    return result


def _split(begin: int, end: int) -> int:
    """Where RFC 6962 2.1 divides a list: at the largest power of two below its length."""
    return begin + (1 << ((end - begin - 1).bit_length() - 1))


def _checked(indexes: Sequence[int], size: int) -> list[int]:
    wanted = sorted(set(indexes))
    if not wanted or wanted[0] < 0 or wanted[-1] >= size or size > MAX_SIZE:
        raise ProofError("an entry cannot stand in a log of this size")
    return wanted

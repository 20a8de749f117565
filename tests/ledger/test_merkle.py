from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.ledger.tlog.consistency import verify_consistency
from custodes.ledger.tlog.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofError,
    leaf_hash,
    node_hash,
    root_from_inclusion,
    tree_root,
    verify_inclusion,
)
from custodes.ledger.tree.growth import consistency_proof, grow, inclusion_proof, range_root

# The leaves and roots that Certificate Transparency implementations share.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
LEAVES = [leaf_hash(bytes([number])) for number in range(80)]
sizes = st.integers(1, len(LEAVES))


def slow_root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962 2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(slow_root(leaves[:split]), slow_root(leaves[split:]))


def node(level: int, index: int) -> bytes:
    part = LEAVES[index << level : (index + 1) << level]
    assert len(part) == 1 << level, "a perfect subtree was asked for that is not there"
    return slow_root(part)


@pytest.mark.parametrize("size", CT_ROOTS)
def test_known_roots(size: int) -> None:
    assert tree_root([leaf_hash(leaf) for leaf in CT_LEAVES[:size]]).hex() == CT_ROOTS[size]


@given(st.lists(st.integers(0, 30), max_size=6))
def test_a_tree_grown_in_batches_is_the_tree_of_the_definition(batches: list[int]) -> None:
    frontier = Frontier()
    for batch in batches:
        first = frontier.size
        growth = grow(frontier, LEAVES[first : first + batch])
        frontier = growth.frontier
        root = slow_root(LEAVES[: frontier.size])
        assert frontier.root() == root
        for index in range(first, frontier.size):
            verify_inclusion(LEAVES[index], index, frontier.size, growth.inclusion_proof(index), root)


@given(sizes, st.data())
def test_inclusion_holds_for_its_index_and_size_only(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root = slow_root(LEAVES[:size])
    proof = inclusion_proof(index, size, node)
    verify_inclusion(LEAVES[index], index, size, proof, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda at: at != index) if size > 1 else st.just(1))
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[index], other, size, proof, root)


@given(sizes, st.data())
def test_every_changed_bit_of_an_inclusion_proof_is_noticed(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root = slow_root(LEAVES[:size])
    parts = [LEAVES[index], *inclusion_proof(index, size, node)]
    at = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = int.from_bytes(parts[at], "big") ^ (1 << bit)
    parts[at] = changed.to_bytes(32, "big")
    with pytest.raises(ProofError):
        verify_inclusion(parts[0], index, size, parts[1:], root)


@given(sizes, st.data())
def test_consistency_holds_for_its_sizes_only(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, size))
    roots = slow_root(LEAVES[:old]), slow_root(LEAVES[:size])
    proof = consistency_proof(old, size, node)
    verify_consistency(old, size, proof, *roots)
    if 0 < old < size:
        with pytest.raises(ProofError):
            verify_consistency(old, size, proof, roots[1], roots[0])
        with pytest.raises(ProofError):
            verify_consistency(old, size, [*proof, roots[0]], *roots)
        with pytest.raises(ProofError):
            verify_consistency(old, size, proof[:-1], *roots)
        at = data.draw(st.integers(0, len(proof) - 1))
        with pytest.raises(ProofError):
            verify_consistency(old, size, [*proof[:at], bytes(32), *proof[at + 1 :]], *roots)


@pytest.mark.parametrize(("index", "size"), [(1, 1), (-1, 4), (4, 4), (0, 0), (0, 1 << 63)])
def test_an_index_outside_the_tree_is_refused(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        root_from_inclusion(LEAVES[0], index, size, [])


def test_hashes_of_another_length_are_refused() -> None:
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[0], 0, 2, [b"short"], slow_root(LEAVES[:2]))
    with pytest.raises(ProofError):
        verify_consistency(1, 2, [b"short"], LEAVES[0], slow_root(LEAVES[:2]))


@pytest.mark.parametrize(("old", "size"), [(5, 4), (-1, 4)])
def test_a_larger_tree_is_no_prefix(old: int, size: int) -> None:
    with pytest.raises(ProofError):
        verify_consistency(old, size, [], EMPTY_ROOT, EMPTY_ROOT)
    with pytest.raises(ValueError, match="no tree"):
        consistency_proof(old, size, node)


def test_trees_of_one_size_must_be_one_tree() -> None:
    verify_consistency(3, 3, [], slow_root(LEAVES[:3]), slow_root(LEAVES[:3]))
    with pytest.raises(ProofError):
        verify_consistency(3, 3, [], slow_root(LEAVES[:3]), slow_root(LEAVES[1:4]))
    with pytest.raises(ProofError):
        verify_consistency(0, 3, [], LEAVES[0], slow_root(LEAVES[:3]))


def test_ranges_must_be_aligned() -> None:
    with pytest.raises(ValueError, match="empty"):
        range_root(3, 3, node)
    with pytest.raises(ValueError, match="aligned"):
        range_root(1, 3, node)
    with pytest.raises(IndexError):
        grow(Frontier().extend(LEAVES[:3]), LEAVES[3:5]).inclusion_proof(0)

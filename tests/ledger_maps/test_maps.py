"""Sum-prefix trees: presence and absence, sums, and what a dishonest operator may try."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.ledger.prover.files import encode_path
from custodes.ledger.prover.maps.tree import FaceTree, SumTree
from custodes.ledger.verifier.maps.proof import (
    EMPTY,
    MAX_SUM,
    MapError,
    MapNode,
    MapPath,
    Value,
    face_place,
    inner_node,
    leaf_node,
    look_up,
    parse_path,
)
from custodes.ledger.verifier.maps.proof import tree_of as rebuild

values = st.builds(Value, st.integers(0, 1000), st.integers(0, 10**9), st.binary(min_size=32, max_size=32))
# Keys of two kinds: random, and with long common prefixes, which make deep trees.
keys = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 255).map(lambda last: bytes(31) + bytes([last])),
)
contents = st.dictionaries(keys, values, max_size=40)


def tree_of(content):
    tree = SumTree()
    for key, value in content.items():
        tree.put(key, value)
    return tree


def key_of(number):
    return hashlib.sha256(b"%d" % number).digest()


@settings(max_examples=60, deadline=None)
@given(contents, st.lists(keys, max_size=8))
def test_every_key_is_answered_and_sums_are_right(content, strangers):
    tree = tree_of(content)
    head = tree.head()
    assert head == rebuild(content.items())
    assert (head.count, head.units) == (sum(v.count for v in content.values()), sum(v.units for v in content.values()))
    for key in [*content, *strangers]:
        path = tree.path(key)
        assert parse_path(encode_path(path)) == path
        assert look_up(head, key, path) == content.get(key)


@settings(max_examples=60, deadline=None)
@given(contents, st.lists(st.tuples(keys, values), max_size=20))
def test_changes_in_any_order_give_the_same_head(content, changes):
    tree = tree_of(content)
    tree.head()
    for key, value in changes:
        tree.put(key, value)
        tree.head()
    assert tree.head() == rebuild({**content, **dict(changes)}.items())


@settings(max_examples=40, deadline=None)
@given(st.sets(st.uuids(), min_size=1, max_size=60), st.data())
def test_erased_faces_are_absent_and_the_others_are_not(ids, data):
    tree = FaceTree()
    for face in ids:
        tree.add(str(face))
    gone = data.draw(st.sets(st.sampled_from(sorted(ids))))
    for face in gone:
        assert tree.discard(str(face))
        assert not tree.discard(str(face))
    head = tree.head()
    assert head.count == len(ids) - len(gone)
    for face in ids:
        found = look_up(head, face_place(str(face)), tree.path(face_place(str(face))))
        assert (found is None) == (face in gone)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 50), st.integers(0, 60), st.data())
def test_no_flipped_bit_in_a_path_gives_another_answer(size, asked, data):
    tree = tree_of({key_of(i): Value(i, 10 * i, key_of(-i)) for i in range(size)})
    head, packed = tree.head(), bytearray(encode_path(tree.path(key_of(asked))))
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    packed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MapError):
        look_up(head, key_of(asked), parse_path(bytes(packed)))


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 50), st.data())
def test_a_path_is_of_no_use_for_another_key_or_map(size, data):
    tree = tree_of({key_of(i): Value(i, 10 * i, key_of(-i)) for i in range(size)})
    one, other = data.draw(st.permutations(range(size)))[:2]
    # A path to another account's leaf never shows that this account is absent.
    with pytest.raises(MapError):
        look_up(tree.head(), key_of(one), tree.path(key_of(other)))
    old = tree.head()
    tree.put(key_of(one), Value(9999, 0, bytes(32)))
    with pytest.raises(MapError):
        look_up(old, key_of(one), tree.path(key_of(one)))
    for lie in (MapNode(old.hash, old.count - 1, old.units), MapNode(old.hash, old.count, old.units + 1)):
        with pytest.raises(MapError):
            look_up(lie, key_of(other), tree.path(key_of(other)))


def three_accounts():
    return {key_of(i): Value(10, 100, key_of(-i)) for i in range(3)}


def test_usage_left_out_of_every_account_changes_the_public_totals():
    honest = three_accounts()
    hidden = {**honest, key_of(1): Value(4, 40, bytes(32))}
    assert rebuild(hidden.items()).units == rebuild(honest.items()).units - 60


def test_totals_cannot_be_raised_without_an_account_that_carries_them():
    # Attack: the operator drops uses of account 1 and writes the public total by hand into the inner node.
    left, right = leaf_node(key_of(1), Value(4, 40, bytes(32))), leaf_node(key_of(2), Value(10, 100, bytes(32)))
    forged = MapNode(inner_node(left, right).hash, 20, 200)
    turn = key_of(1)[0] >> 7
    with pytest.raises(MapError, match="sums"):
        look_up(forged, key_of(1), MapPath((right if turn == 0 else left,), (key_of(1), Value(4, 40, bytes(32)))))


def test_an_empty_part_cannot_carry_sums():
    # Attack: park omitted uses in a subtree that nobody has a key for.
    ghost = MapNode(EMPTY.hash, 6, 60)
    leaf = leaf_node(key_of(1), Value(4, 40, bytes(32)))
    turn = key_of(1)[0] >> 7
    head = inner_node(ghost, leaf) if turn else inner_node(leaf, ghost)
    with pytest.raises(MapError, match="empty"):
        look_up(head, key_of(1), MapPath((ghost,), (key_of(1), Value(4, 40, bytes(32)))))


def test_omit_one_and_count_another_twice_keeps_the_totals_and_only_a_rebuild_finds_it():
    honest = three_accounts()
    cheated = {**honest, key_of(1): Value(4, 40, key_of(-1)), key_of(2): Value(16, 160, key_of(-2))}
    tree = tree_of(cheated)
    head = tree.head()
    assert (head.count, head.units) == (30, 300)  # the public totals still fit: this is what they cannot show
    assert look_up(head, key_of(1), tree.path(key_of(1))).count == 4
    assert rebuild(honest.items()).hash != head.hash  # an auditor with the bodies rebuilds the map and sees it


def test_sums_do_not_wrap_around():
    with pytest.raises(MapError, match="range"):
        rebuild([(key_of(1), Value(1, MAX_SUM, bytes(32))), (key_of(2), Value(1, 1, bytes(32)))])
    with pytest.raises(MapError, match="range"):
        leaf_node(key_of(1), Value(-1, 0, bytes(32)))


def test_a_key_cannot_stand_in_a_map_twice():
    with pytest.raises(MapError, match="twice"):
        rebuild([(key_of(1), Value(1, 1, bytes(32))), (key_of(1), Value(2, 2, bytes(32)))])


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x01" + bytes(79), b"\x00" + bytes(47), b"\x00" + bytes(48 * 257)])
def test_malformed_paths(data):
    with pytest.raises(MapError):
        parse_path(data)


def test_odd_lengths_are_refused():
    with pytest.raises(MapError):
        look_up(EMPTY, b"short", MapPath((), None))
    with pytest.raises(MapError):
        leaf_node(b"short", Value(0, 0, bytes(32)))
    assert look_up(EMPTY, key_of(1), SumTree().path(key_of(1))) is None

"""Which server has which shard."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from custodes.gallery.shards.plan import ShardPlan, Shards

NAMES = st.sets(st.text("abcdefgh-0123456789", min_size=1, max_size=8), min_size=1, max_size=20).map(sorted).map(tuple)


@given(NAMES, st.integers(0, 3000))
def test_every_shard_has_one_owner_whatever_the_order_of_names(names: tuple[str, ...], shard: int) -> None:
    owners = [name for name in names if ShardPlan(names).of(name, [shard])]
    assert owners == [ShardPlan(names[::-1]).owner(shard)]


@given(NAMES.filter(lambda names: len(names) <= 12), st.integers(0, 50))
def test_of_twelve_shards_in_a_row_nobody_has_more_than_a_share(names: tuple[str, ...], block: int) -> None:
    plan = ShardPlan(names)
    counts = Counter(plan.owner(shard) for shard in range(block * 12, block * 12 + 12))
    assert max(counts.values()) <= -(-12 // len(names))


def test_a_server_that_goes_moves_few_shards_among_the_others() -> None:
    shards, names = range(1200), ("node-1", "node-2", "node-3")
    before = {shard: ShardPlan(names).owner(shard) for shard in shards}
    for gone in names:
        after = ShardPlan(tuple(name for name in names if name != gone))
        left = [shard for shard in shards if before[shard] != gone]
        moved = sum(after.owner(shard) != before[shard] for shard in left)
        assert moved < len(left) / 4


@given(st.sets(st.integers(0, 40)), st.integers(1, 9))
def test_ranges_hold_exactly_the_rows_of_shards(numbers: set[int], width: int) -> None:
    shards, rows = Shards(frozenset(numbers), width), np.arange(1, 400)
    inside = np.zeros(len(rows), bool)
    for after, through in shards.ranges():
        inside |= (rows > after) & (rows <= through)
    assert np.array_equal(inside, shards.has(rows))

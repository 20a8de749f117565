"""Which server has which faces of a large collection: rows in shards, shards among servers.

In: the names of servers, row numbers. Out: shards. It is calculated from the names alone, so servers with the same list
agree without asking each other. Who is on the list is decided elsewhere, and need not be agreed on: each search names
its own list.

Of each twelve shards in a row every server gets its share, by rendezvous hashing with bounded loads, so that parts are
about equal, and a server that comes or goes moves few shards among the others.

Source: D. Thaler, C. Ravishankar, Using name-based mappings to increase hit rates, IEEE/ACM Trans. Networking 6(1),
1998; V. Mirrokni, M. Thorup, M. Zadimoghaddam, Consistent hashing with bounded loads, SODA 2018.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_BLOCK = 12
"""Shares of one, two, three, four, six and twelve servers are whole numbers."""


@dataclass(frozen=True, slots=True)
class Shards:
    """Shards by number; ``width`` row numbers are in each, beginning at ``number * width``."""

    numbers: frozenset[int]
    width: int

    def has(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of ``rows`` (N,) are in these shards, (N,)."""
        return np.isin(rows // self.width, np.fromiter(self.numbers, np.int64, len(self.numbers)))

    def ranges(self) -> list[tuple[int, int]]:
        """Rows behind the first number of each pair and up to the second, by rising row."""
        found = list[tuple[int, int]]()
        for number in sorted(self.numbers):
            after, through = number * self.width - 1, (number + 1) * self.width - 1
            if found and found[-1][1] == after:
                after, _ = found.pop()
            found.append((after, through))
        return found


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """Who of ``names`` (each once, at least one) has which shard."""

    names: tuple[str, ...]

    def owner(self, shard: int) -> str:
        """The name of the server that has ``shard``."""
        return _owners(tuple(sorted(self.names)), shard // _BLOCK)[shard % _BLOCK]

    def of(self, name: str, shards: Iterable[int]) -> frozenset[int]:
        """Those of ``shards`` that ``name`` has."""
        return frozenset(shard for shard in shards if self.owner(shard) == name)


@lru_cache(maxsize=4096)
def _owners(names: tuple[str, ...], block: int) -> tuple[str, ...]:
    most = -(-_BLOCK // len(names))
    loads, owners = dict.fromkeys(names, 0), list[str]()
    for shard in range(block * _BLOCK, (block + 1) * _BLOCK):
        free = [name for name in names if loads[name] < most]
        owner = min(free, key=lambda name: hashlib.sha256(f"{shard} {name}".encode()).digest())
        loads[owner] += 1
        owners.append(owner)
    return tuple(owners)

"""What must hold over all public entries of a log, whoever they are about: checked in one pass, entry by entry.

In: entries in order. Out: nothing, or LogError at the first that breaks a rule; counts that readers compare. The rules:
times never fall; each permission is used or voided once, after it was given; every head of the account map and of the
party map states the sums that anyone can count in front of it, covers no less than the one before, and was made under
the same VRF key, which only a ``vrf`` entry changes; the first head under a new key covers what the last before did. It
knows no private bodies, so it cannot say whose a use is.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.tlog.merkle import Frontier, ProofError, leaf_hash
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, PARTY_MAP, MapHead, parse_head
from custodes.ledger.verifier.maps.key_change import KeyChange, parse_change
from custodes.ledger.verifier.maps.proof import MapError

Entries = Callable[[int], Iterable[tuple[int, bytes]]]
"""Gives index and public bytes of all entries of the log of a size."""
_COUNTED = {"use": ACCOUNT_MAP, "org": PARTY_MAP}


class LogError(MapError):
    """An entry breaks a rule of the log; the message names it."""


@dataclass(slots=True)
class PublicLog:
    """The log so far.

    Attributes:
        size: entries taken in.
        t: time of the newest (ms).
        open: permissions that nothing settled yet.
        counted: per map, what its newest head covers: number and units.
        ahead: per map, what came behind that: index, number, units.
        clock: entries that say the clock was wrong, by index.
        heads: per map, its newest head with the index of its entry.
        changed: the newest ``vrf`` entry with its index.
    """

    size: int = 0
    t: int = 0
    open: set[int] = field(default_factory=set)
    counted: dict[str, tuple[int, int]] = field(default_factory=dict)
    ahead: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)
    clock: list[int] = field(default_factory=list)
    heads: dict[str, tuple[int, MapHead]] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    changed: tuple[int, KeyChange] | None = None

    def take(self, entry: Entry) -> None:
        """Take in the next entry.

        Raises:
            LogError: it breaks a rule.
            MapError: it should hold a head and does not.
        """
        index, self.size = self.size, self.size + 1
        if entry.t < self.t:
            raise LogError(f"entry {index} is dated before the one in front of it")
        self.t = entry.t
        self.kinds[entry.kind] += 1
        if entry.settles is not None:
            if entry.settles not in self.open:
                raise LogError(f"entry {index} settles entry {entry.settles}, which is no open permission")
            self.open.discard(entry.settles)
        if entry.reserves:
            self.open.add(index)
        if entry.kind in _COUNTED:
            number = 1 if entry.kind == "use" else _number(entry, "n")
            self.ahead.setdefault(_COUNTED[entry.kind], []).append((index, number, entry.units or 0))
        elif entry.kind == "map":
            self._take_head(index, parse_head(entry))
        elif entry.kind == "vrf":
            self._take_change(index, parse_change(entry))
        elif entry.kind == "inc" and str(entry.fields.get("x")).startswith("clock"):
            self.clock.append(index)

    def _take_change(self, index: int, change: KeyChange) -> None:
        last = {name: self.heads[name][0] for name in _COUNTED.values() if name in self.heads}
        if change.last != last:
            raise LogError(f"entry {index} changes the VRF key without naming the last heads under the old one")
        self.changed = index, change

    def _take_head(self, index: int, head: MapHead) -> None:
        last, at = self.heads.get(head.name), None if self.changed is None else self.changed[0]
        keys = {other.vrf_public for _, other in self.heads.values() if other.changed == at}
        keys |= set() if self.changed is None else {self.changed[1].key}
        if head.changed != at or not keys <= {head.vrf_public}:
            raise LogError(f"head {index} of the map {head.name!r} was made under another VRF key than those before")
        if last is not None and last[1].changed != at and head.name in _COUNTED.values() and head.size != last[1].size:
            raise LogError(
                f"head {index} is the first under a new VRF key, and covers something else than the last before"
            )
        if head.size > index or (last is not None and head.size < last[1].size):
            raise LogError(
                f"head {index} of the map {head.name!r} covers less than the one before, or what comes later"
            )
        self.heads[head.name] = index, head
        if head.name not in _COUNTED.values():
            return
        count, units = self.counted.get(head.name, (0, 0))
        rest = self.ahead.get(head.name, [])
        covered = [row for row in rest if row[0] < head.size]
        self.ahead[head.name] = rest[len(covered) :]
        count, units = count + sum(row[1] for row in covered), units + sum(row[2] for row in covered)
        self.counted[head.name] = count, units
        if (count, units) != (head.node.count, head.node.units):
            raise LogError(_wrong_totals(index, count, units, head))
        if head.name == ACCOUNT_MAP and head.clock_entries != sum(at < head.size for at in self.clock):
            raise LogError(f"head {index} counts {head.clock_entries} entries on a wrong clock; there are others")


def _wrong_totals(index: int, count: int, units: int, head: MapHead) -> str:
    if head.name == PARTY_MAP:
        return (
            f"the dossiers in the log brought {count} places, but the map holds {head.node.count} at head {index}: "
            "parties were left out or invented"
        )
    return (
        f"the log holds {count} uses with {units} units, but at head {index} all accounts together were credited with "
        f"{head.node.count} uses and {head.node.units} units: usage was left out or invented"
    )


def read_log(
    entries: Iterable[tuple[int, bytes]], tree: Checkpoint, log: PublicLog | None = None
) -> Iterator[tuple[int, Entry, bytes]]:
    """Index, entry and leaf hash of all public entries, which are those of the signed ``tree`` and obey its rules.

    Only when the last was taken is it known that they are the ones that were signed.

    Args:
        entries: index and bytes, from 0 on.
        tree: the signed state.
        log: what takes them in, for who wants to see it.

    Raises:
        ProofError: they have a gap, or lead to another root.
        MapError: one breaks a rule.
        EntryError: one is malformed.
    """
    log = log or PublicLog()
    frontier, row = Frontier(), list[bytes]()
    for index, envelope in entries:
        if index != log.size:
            raise ProofError("the public entries have a gap")
        entry, leaf = decode(envelope), leaf_hash(envelope)
        row.append(leaf)
        if len(row) == 4096:
            frontier, row = frontier.extend(row), []
        log.take(entry)
        yield index, entry, leaf
    frontier = frontier.extend(row)
    if frontier.size != tree.size or not hmac.compare_digest(frontier.root(), tree.root):
        raise ProofError("the public entries at hand are not those of the log that was signed")


def log_check(entries: Entries) -> Callable[[Checkpoint], None]:
    """The check of a signed state of the log whose entries are at hand; raises as ``read_log``."""

    def check(tree: Checkpoint) -> None:
        for _ in read_log(entries(tree.size), tree):
            pass

    return check


def _number(entry: Entry, name: str) -> int:
    value = entry.fields.get(name, 0)
    return value if isinstance(value, int) else 0

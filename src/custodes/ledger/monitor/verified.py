"""How far a copy of a log was verified, as a value and as the bytes of a state file.

In: a signed state with what its entries say. Out: JSON, and back. It verifies nothing.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.entry import EntryError, b64url, from_b64url
from custodes.ledger.verifier.maps.head import MapHead
from custodes.ledger.verifier.maps.key_change import KeyChange
from custodes.ledger.verifier.maps.proof import MapNode
from custodes.ledger.verifier.public_log import PublicLog


@dataclass(frozen=True, slots=True)
class Verified:
    """How far the copy was verified: a signed note with its tree, and what its entries say."""

    note: bytes = b""
    tree: Checkpoint | None = None
    log: PublicLog = field(default_factory=PublicLog)

    @property
    def size(self) -> int:
        """Entries in the copy."""
        return 0 if self.tree is None else self.tree.size


def dump(verified: Verified) -> bytes:
    """The state of a copy that holds something."""
    assert verified.tree is not None
    tree = verified.tree
    value = {
        "note": verified.note.decode(),
        "origin": tree.origin,
        "size": tree.size,
        "root": base64.b64encode(tree.root).decode(),
        "log": _dumped(verified.log),
    }
    return json.dumps(value, sort_keys=True).encode()


def load(text: bytes, name: str) -> Verified:
    """The state that ``dump`` wrote into the file called ``name``.

    Raises:
        ValueError: it is damaged.
    """
    try:
        value = json.loads(text)
        tree = Checkpoint(value["origin"], value["size"], base64.b64decode(value["root"], validate=True))
        return Verified(value["note"].encode(), tree, _loaded(value["log"]))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, EntryError) as error:
        raise ValueError(f"{name} is damaged: restore it, or begin with an empty folder") from error


def _dumped(log: PublicLog) -> dict[str, object]:
    heads = {name: _dumped_head(index, head) for name, (index, head) in log.heads.items()}
    return {
        "size": log.size,
        "t": log.t,
        "open": sorted(log.open),
        "counted": {name: list(pair) for name, pair in log.counted.items()},
        "ahead": {name: [list(row) for row in rows] for name, rows in log.ahead.items()},
        "clock": log.clock,
        "heads": heads,
        "kinds": dict(log.kinds),
        "changed": None if log.changed is None else [log.changed[0], _dumped_change(log.changed[1])],
    }


def _dumped_change(change: KeyChange) -> list[object]:
    return [dict(change.last), b64url(change.commitment), b64url(change.key)]


def _dumped_head(index: int, head: MapHead) -> list[object]:
    node = head.node
    root, key = b64url(node.hash), b64url(head.vrf_public)
    return [index, head.size, root, node.count, node.units, key, head.clock_entries, head.changed]


def _loaded(text: Any) -> PublicLog:
    heads = {
        name: (
            row[0],
            MapHead(name, row[1], MapNode(from_b64url(row[2]), row[3], row[4]), from_b64url(row[5]), row[6], *row[7:]),
        )
        for name, row in text["heads"].items()
    }
    return PublicLog(
        text["size"],
        text["t"],
        set(text["open"]),
        {name: (pair[0], pair[1]) for name, pair in text["counted"].items()},
        {name: [(row[0], row[1], row[2]) for row in rows] for name, rows in text["ahead"].items()},
        text["clock"],
        heads,
        Counter(text["kinds"]),
        _loaded_change(text.get("changed")),  # a state of an earlier program has none
    )


def _loaded_change(value: Any) -> tuple[int, KeyChange] | None:
    if value is None:
        return None
    index, (last, names, key) = value
    return index, KeyChange(last, from_b64url(names), from_b64url(key))

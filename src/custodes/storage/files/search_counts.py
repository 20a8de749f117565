"""How often collections were searched, in one file, so that the next start reads the most searched ones first.

In: counts since the last time. Out: counts that halve with every start, so that old habits fade. A file that does not
read as it should counts as none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from custodes.core.ids import AccountId, CollectionId
from custodes.durable import write_durably
from custodes.gallery.entities import CollectionKey


class SearchCounts:
    """Counts of this server; for one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Go on from ``path``, where there is such a file."""
        self._path = path
        self._counts = {key: count / 2 for key, count in _load(path).items() if count >= 1}

    def counts(self) -> Mapping[CollectionKey, float]:
        """Searches by collection."""
        return dict(self._counts)

    def add(self, searches: Mapping[CollectionKey, int]) -> None:
        """Count ``searches``, too. Raises OSError."""
        if not searches:
            return
        for key, count in searches.items():
            self._counts[key] = self._counts.get(key, 0) + count
        rows = [[key.account_id, key.collection_id, count] for key, count in self._counts.items()]
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        write_durably(self._path, json.dumps({"searches": rows}).encode())


def _load(path: Path) -> dict[CollectionKey, float]:
    try:
        rows = json.loads(path.read_bytes())["searches"]
        return {
            CollectionKey(AccountId(str(account)), CollectionId(str(name))): float(count)
            for account, name, count in rows
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}

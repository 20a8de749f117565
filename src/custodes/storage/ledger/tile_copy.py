"""The ledger's public files in a second place, for a log that moves there: all tiles and bundles, the checkpoint last.

In: where they are, at rest, and where they shall be. Out: nothing; what was copied is durable there. Copied again, what
is there already is compared. Nothing is taken away from the first place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, TileReader, bundle_path, fetch
from custodes.ledger.tree.tiles import MAX_LEVEL, WITNESSED_PATH, claimed_size, tile_path, width_at
from custodes.ledger.writer.ports import TileStore

_TOGETHER = 64


def copy_tiles(source: TileReader, target: TileStore, alive: Callable[[], object]) -> None:
    """Copy everything of ``source``; ``alive`` is called again and again meanwhile.

    Raises:
        LedgerCorruptError: a file is missing, or there is another one in its place already.
        OSError: one of both fails.
    """
    note = source.get(CHECKPOINT_PATH)
    if note is None:
        return
    for number, (path, full) in enumerate(_files(claimed_size(note))):
        # Where there was no partial file any more, the full one is taken over as such.
        present = path if source.get(path) is not None else full
        target.put(present, fetch(source, present, full))
        if number % _TOGETHER == 0:
            target.sync()
            alive()
    target.sync()
    for path in (WITNESSED_PATH, CHECKPOINT_PATH):
        data = source.get(path)
        if data is not None:
            target.replace(path, data)
    target.sync()


def copy_at(source: TileReader, size: int, keep: Callable[[str, bytes], object]) -> None:
    """Hand all files of the first ``size`` entries to ``keep``, while others publish more into ``source``.

    Those at the end come first: they go when newer ones are there.

    Raises:
        LedgerCorruptError: a file is missing; at the end because more was published meanwhile.
        OSError: they cannot be read.
    """
    for path, full in sorted(_files(size), key=lambda names: names[0] == names[1]):
        data = source.get(path)
        keep(full if data is None else path, fetch(source, full, full) if data is None else data)


def _files(size: int) -> Iterator[tuple[str, str]]:
    """Each file of a log of ``size``, and the full one that may stand in its place."""
    for level in range(MAX_LEVEL + 1):
        index = 0
        while width := width_at(level, index, size):
            yield tile_path(level, index, width), tile_path(level, index)
            if level == 0:
                yield bundle_path(index, width), bundle_path(index)
            index += 1

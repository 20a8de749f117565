"""The statements of a data directory: which files they read, which folder and key the maps have.

In: the data directory. Out: ``Statements`` over its files, also beside a running server. It starts and writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.note import NoteError, parse_note
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.operations.record.evidence.statements import LedgerFiles, Statements
from custodes.storage.ledger.open import LedgerPaths, read_bodies, read_tiles


def open_statements(data: Path) -> Statements:
    """The statements of a data directory that has a ledger; fine beside a running server.

    Raises:
        UnavailableError: there is no ledger in it, or a key of it is missing.
    """
    paths = LedgerPaths(data)
    folder = paths.private / "maps"
    if not paths.body_key.exists():
        raise UnavailableError(f"there is no ledger in {data}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        files = LedgerFiles(read_tiles(data), paths.public, read_bodies(data), load_or_create_secret(paths.body_key))
        return Statements(files, folder, vrf_seed(paths))
    except NoteError as error:
        raise UnavailableError(str(error)) from error


def vrf_seed(paths: LedgerPaths) -> bytes:
    """The secret of the maps' key; new only for a log without heads: under another, everybody would seem unknown."""
    if not paths.vrf_key.exists() and _has_head(paths):
        raise UnavailableError(f"{paths.vrf_key} is missing: restore it from a backup")
    return load_or_create_secret(paths.vrf_key)


def _has_head(paths: LedgerPaths) -> bool:
    tiles = read_tiles(paths.data)
    note = tiles.get(CHECKPOINT_PATH)
    return note is not None and Tree(tiles, parse_checkpoint(parse_note(note).text).size).newest("map") is not None

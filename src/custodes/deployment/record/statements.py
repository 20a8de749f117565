"""The statements of a data directory: which files they read, which folder and key the maps have.

In: the data directory. Out: ``Statements`` over its files, also beside a running server. It starts and writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.deployment.record.stored import StoredLedger, in_directory
from custodes.ledger.prover.ports import Within
from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.note import NoteError, parse_note
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH, TileReader
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.verifier.maps.key_change import parse_change
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.operations.record.evidence.map_heads import LedgerFiles
from custodes.operations.record.evidence.statements import Statements
from custodes.storage.ledger.documents import TRUST_POLICY
from custodes.storage.ledger.open import LedgerPaths
from custodes.storage.ledger.vrf_keys import VrfKeyFiles

MAPS = "ledger-private/maps"


def open_statements(data: Path, stored: StoredLedger | None = None) -> Statements:
    """The statements of a data directory that has a ledger; fine beside a running server.

    Args:
        data: the directory.
        stored: the ledger, where it is not in the directory.

    Raises:
        UnavailableError: there is no ledger in it, or a key of it is missing.
    """
    paths, found = LedgerPaths(data), stored or in_directory(data)
    if not paths.body_key.exists():
        raise UnavailableError(f"there is no ledger in {data}")
    try:
        files = ledger_files(data, found)
        return Statements(files, Within(found.documents, MAPS), vrf_keys(paths, files.tiles))
    except NoteError as error:
        raise UnavailableError(str(error)) from error


def ledger_files(data: Path, stored: StoredLedger | None = None) -> LedgerFiles:
    """The ledger of a data directory with the key of its bodies. Raises NoteError: the key is unusable."""
    found = stored or in_directory(data)
    return LedgerFiles(found.tiles, found.witnessed, found.bodies, load_or_create_secret(LedgerPaths(data).body_key))


def vrf_keys(paths: LedgerPaths, tiles: TileReader) -> VrfKeyFiles:
    """The maps' keys; new ones only for a log without heads: under another key, everybody would seem unknown."""
    moving = paths.next_vrf_key.exists() and paths.earlier_vrf_keys()  # a change that was cut short between two moves
    if not paths.vrf_key.exists() and not moving and _newest(tiles, "map") is not None:
        raise UnavailableError(f"{paths.vrf_key} is missing: restore it from a backup")
    return VrfKeyFiles(paths, paths.data / TRUST_POLICY, lambda: _newest_change(tiles))


def _newest_change(tiles: TileReader) -> tuple[int, bytes] | None:
    found = _newest(tiles, "vrf")
    return None if found is None else (found[0], parse_change(decode(found[1])).key)


def _newest(tiles: TileReader, kind: str) -> tuple[int, bytes] | None:
    note = tiles.get(CHECKPOINT_PATH)
    return None if note is None else Tree(tiles, parse_checkpoint(parse_note(note).text).size).newest(kind)

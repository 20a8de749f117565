"""The ledger that several servers write: which rows of a shared database and which folders of a shared directory it is.

In: the URL of the database, the data directory that all of them have, whose log it is. Out: its parts for one process.
Beginning it takes the ledger over that one server wrote so far, whose files stay where they are: journal and folder
of bodies get no more.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.durable import write_durably
from custodes.ledger.sequence.log import SequencedLog, SequencedParts
from custodes.ledger.sequence.publisher import PublisherParts
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.keys import SigningKey, load_or_create_secret, read_secret
from custodes.ledger.writer.log import LedgerClock
from custodes.ledger.writer.pending import Sealing
from custodes.ledger.writer.ports import Anchor, TileStore
from custodes.ledger.writer.published import PublicStores
from custodes.ledger.writer.recover import LogIdentity
from custodes.storage.ledger.bodies import FileBodies
from custodes.storage.ledger.open import LedgerOptions, LedgerPaths, old_verifiers, open_ledger
from custodes.storage.ledger.shared_tiles import SharedTiles
from custodes.storage.ledger.tile_copy import copy_tiles
from custodes.storage.ledger.tiles import FileTiles
from custodes.storage.objects.places import S3Location
from custodes.storage.sql.ledger.bodies import PostgresBodies
from custodes.storage.sql.ledger.head import PostgresHead
from custodes.storage.sql.ledger.sequence import PostgresSequence


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """Where the log of several servers is.

    Attributes:
        data: the data directory that they share.
        url: of the database that they share.
        account: the operator's.
        tiles: where public files are; None for a folder of the data directory.
        signing_key: where the signing key is; None for the data directory.
    """

    data: Path
    url: str
    account: AccountId
    tiles: S3Location | None = None
    signing_key: Path | None = None

    @property
    def key_path(self) -> Path:
        """File with the signing key, where this process may have it."""
        return self.signing_key or LedgerPaths(self.data).signing_key

    @property
    def bodies(self) -> PostgresBodies:
        """Private bodies, of entries from before the log was shared as well."""
        return PostgresBodies(self.url, self.account, FileBodies(LedgerPaths(self.data).private / "bodies"))


@dataclass(frozen=True, slots=True)
class SharedLedger:
    """The parts for one process; nothing is started.

    ``head`` says where the publisher is reached; ``publishing`` is None where this process does not have the key.
    """

    log: SequencedLog
    head: PostgresHead
    bodies: PostgresBodies
    stores: PublicStores
    publishing: PublisherParts | None


def begin_sharing(place: SharedPlace, origin: str, clock: LedgerClock, anchor: Anchor | None) -> None:
    """Have the order of entries in the database from here on; harmless where it is. Only one process at a time.

    Raises:
        UnavailableError: directory and database are not of one log.
        NoteError, LedgerUnavailableError, OSError: the log in the directory cannot be opened.
    """
    paths, node = LedgerPaths(place.data), secrets.token_hex(16)
    sequence, head = PostgresSequence(place.url, place.account, node), PostgresHead(place.url, place.account, node)
    try:
        if paths.shared_mark.exists():
            if sequence.end() == 0 and head.fetch() is None:
                raise UnavailableError("the database does not have the ledger of this directory: it was set back")
            _keep_tiles(place, head)
            return
        log = open_ledger(place.data, origin, clock, LedgerOptions(anchor=anchor))
        log.start()
        try:
            size, note = log.flush().size, log.published_note
            t_ms = decode(log.tree().entry(size - 1)).t if size else 0
        finally:
            log.close()
        _move(head, note)
        sequence.found(size, t_ms)
        if sequence.end() != size:
            raise UnavailableError("the database has another ledger than this directory")
        write_durably(paths.shared_mark, b"")
        _keep_tiles(place, head)
    finally:
        sequence.leave()
        head.close()


def _move(head: PostgresHead, note: bytes) -> None:
    """Have ``note`` as what was published last."""
    lease = head.acquire()
    known = head.fetch()
    if lease is None or known not in (None, note):
        raise UnavailableError("the database has another ledger than this directory")
    if known is None:
        head.replace(None, note, lease)
    head.release(lease)


def _keep_tiles(place: SharedPlace, head: PostgresHead) -> None:
    """Have the public files where they are wanted: moved, under the lease, where they are elsewhere."""
    paths, wanted = LedgerPaths(place.data), "" if place.tiles is None else str(place.tiles)
    present = paths.shared_mark.read_text(encoding="utf-8")
    if present == wanted:
        return
    if present and place.tiles is None:
        raise UnavailableError(f"the public files of this ledger are in {present}: set CUSTODES_LEDGER_TILES")
    if present or place.tiles is None:
        raise UnavailableError(f"the public files of this ledger are in {present}, and not in {wanted}")
    lease = head.acquire()
    if lease is None:
        raise UnavailableError("servers publish the ledger into the folder: stop all of them, then start them again")
    from custodes.storage.objects.s3_tiles import s3_tiles

    copy_tiles(FileTiles(paths.public), s3_tiles(place.tiles), lambda: head.renew(lease))
    write_durably(paths.shared_mark, wanted.encode())
    head.release(lease)


def shared_ledger(place: SharedPlace, origin: str, address: str) -> SharedLedger:
    """The log for this process, which others reach at ``address``; ``begin_sharing`` was called before.

    Raises:
        LedgerUnavailableError: the signing key is unusable.
    """
    paths, node = LedgerPaths(place.data), secrets.token_hex(16)
    tiles = _tiles(place, paths.private / "scratch" / node)
    body_key = load_or_create_secret(paths.body_key)
    bodies = place.bodies
    stores = PublicStores(tiles, bodies, body_key)
    sequence = PostgresSequence(place.url, place.account, node)
    reading = PostgresHead(place.url, place.account, node, address)
    log = SequencedLog(SequencedParts(sequence, reading, stores, origin, Sealing(secrets.token_bytes, body_key)))
    if not place.key_path.exists():
        return SharedLedger(log, reading, bodies, stores, None)
    _identity(place, origin)  # what is wrong with the key is said at the start
    publishing = PostgresHead(place.url, place.account, node, address)
    parts = PublisherParts(publishing, tiles, lambda: _identity(place, origin))
    return SharedLedger(log, reading, bodies, stores, parts)


def _tiles(place: SharedPlace, scratch: Path) -> TileStore:
    if place.tiles is not None:
        from custodes.storage.objects.s3_tiles import s3_tiles

        return s3_tiles(place.tiles)
    scratch.mkdir(mode=0o700, parents=True)
    return SharedTiles(LedgerPaths(place.data).public, scratch)


def _identity(place: SharedPlace, origin: str) -> LogIdentity:
    """Read the signing key, which is the one that ``ledger.pub`` names."""
    try:
        key = SigningKey.parse(read_secret(place.key_path).decode())
        if key.name != origin or str(key.verifier) != LedgerPaths(place.data).verifier.read_text().strip():
            raise NoteError(f"{place.key_path.name} is the key of another log")
        return LogIdentity(origin, (key,), (key.verifier, *old_verifiers(place.data)))
    except (NoteError, OSError, ValueError) as error:
        raise LedgerUnavailableError(f"the signing key cannot be used: {error}") from error

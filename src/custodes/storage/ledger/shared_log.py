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
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.ledger.writer.log import LedgerClock
from custodes.ledger.writer.pending import Sealing
from custodes.ledger.writer.ports import Anchor
from custodes.ledger.writer.published import PublicStores
from custodes.ledger.writer.recover import LogIdentity
from custodes.storage.ledger.bodies import FileBodies
from custodes.storage.ledger.open import LedgerOptions, LedgerPaths, ledger_key, old_verifiers, open_ledger
from custodes.storage.ledger.shared_tiles import SharedTiles
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
    """

    data: Path
    url: str
    account: AccountId

    @property
    def bodies(self) -> PostgresBodies:
        """Private bodies, of entries from before the log was shared as well."""
        return PostgresBodies(self.url, self.account, FileBodies(LedgerPaths(self.data).private / "bodies"))


@dataclass(frozen=True, slots=True)
class SharedLedger:
    """The parts for one process; nothing is started. ``head`` says where the publisher is reached."""

    log: SequencedLog
    head: PostgresHead
    bodies: PostgresBodies
    stores: PublicStores
    publishing: PublisherParts


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


def shared_ledger(place: SharedPlace, origin: str, address: str) -> SharedLedger:
    """The log for this process, which others reach at ``address``; ``begin_sharing`` was called before."""
    paths, node = LedgerPaths(place.data), secrets.token_hex(16)
    key = ledger_key(place.data, origin)
    scratch = paths.private / "scratch" / node
    scratch.mkdir(mode=0o700, parents=True)
    tiles = SharedTiles(paths.public, scratch)
    body_key = load_or_create_secret(paths.body_key)
    bodies = place.bodies
    stores = PublicStores(tiles, bodies, body_key)
    sequence = PostgresSequence(place.url, place.account, node)
    reading = PostgresHead(place.url, place.account, node, address)
    publishing = PostgresHead(place.url, place.account, node, address)
    log = SequencedLog(SequencedParts(sequence, reading, stores, origin, Sealing(secrets.token_bytes, body_key)))
    identity = LogIdentity(origin, (key,), (key.verifier, *old_verifiers(place.data)))
    return SharedLedger(log, reading, bodies, stores, PublisherParts(publishing, tiles, identity))

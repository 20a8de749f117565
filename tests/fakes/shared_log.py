"""One node of a log that several processes write, as a library for tests and as a program that is killed by them.

Run: ``python -m tests.fakes.shared_log URL FOLDER ACKS [S3 BUCKET]``. It adds entries until SIGTERM, tries to be the
publisher, and writes into ACKS, line by line, the place and the digest of each entry that was confirmed to it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from custodes.core.ids import AccountId
from custodes.ledger.sequence.log import SequencedLog, SequencedParts
from custodes.ledger.sequence.publisher import PublisherParts, SequencePublisher
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.writer.keys import SigningKey
from custodes.ledger.writer.pending import Sealing
from custodes.ledger.writer.ports import Anchor, TileStore
from custodes.ledger.writer.published import PublicStores
from custodes.ledger.writer.recover import LogIdentity
from custodes.storage.ledger.anchor import FileAnchor
from custodes.storage.ledger.bodies import FileBodies
from custodes.storage.ledger.shared_tiles import SharedTiles
from custodes.storage.objects.s3_tiles import S3Tiles
from custodes.storage.sql.ledger.bodies import PostgresBodies
from custodes.storage.sql.ledger.head import PostgresHead
from custodes.storage.sql.ledger.sequence import PostgresSequence
from tests.fakes.s3 import S3Server

ACCOUNT = AccountId("123456789012")
KEY = SigningKey.from_seed("nodes.example/log", bytes(range(32)))
IDENTITY = LogIdentity(KEY.name, (KEY,), (KEY.verifier,))
BODY_KEY = bytes(32)
LEASE_MS, DEAD_MS = 1_000, 1_500


@dataclass(frozen=True)
class Node:
    """A node over a database and a folder that all nodes share."""

    log: SequencedLog
    publisher: SequencePublisher
    sequence: PostgresSequence
    head: PostgresHead
    tiles: TileStore
    bodies: PostgresBodies

    def close(self) -> None:
        self.log.close()
        self.publisher.close()
        self.bodies.close()


def node(url: str, folder: Path, anchor: Anchor | None = None, tiles: TileStore | None = None) -> Node:
    """Put together, not started; public files in ``folder`` or where ``tiles`` says."""
    name = secrets.token_hex(16)
    for sub in ("public", "bodies", f"scratch/{name}"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    sequence = PostgresSequence(url, ACCOUNT, name, DEAD_MS)
    sequence.found(0, 0)
    head = PostgresHead(url, ACCOUNT, name, lease_ms=LEASE_MS)
    tiles = tiles or SharedTiles(folder / "public", folder / "scratch" / name)
    bodies = PostgresBodies(url, ACCOUNT, FileBodies(folder / "bodies"))
    stores = PublicStores(tiles, bodies, BODY_KEY)
    log = SequencedLog(SequencedParts(sequence, head, stores, KEY.name, Sealing(secrets.token_bytes, BODY_KEY)))
    parts = PublisherParts(PostgresHead(url, ACCOUNT, name, lease_ms=LEASE_MS), tiles, lambda: IDENTITY, anchor)
    return Node(log, SequencePublisher(parts, 0.05, 0.2, 0.2), sequence, head, tiles, bodies)


def work(one: Node, acks: int, stopping: threading.Event) -> None:
    """Permissions and uses, one after the other; each confirmed place is written down."""
    while not stopping.is_set():
        try:
            permission = one.log.append("auth", body={"op": "x"}, fields={"d": "allow"})
            used = one.log.commit("use", units=1, body={"op": "x"}, settles=permission)
        except LedgerUnavailableError:
            stopping.wait(0.05)
            continue
        stopping.wait(0.01)
        for pending in (permission, used):
            promise = pending.wait()
            os.write(acks, f"{promise.index} {hashlib.sha256(promise.envelope).hexdigest()}\n".encode())


def main(url: str, folder: Path, acks: Path, tiles: TileStore | None) -> None:
    stopping = threading.Event()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # here and in all threads from here on
    one = node(url, folder, FileAnchor(folder / "anchor"), tiles)
    one.log.start()
    one.publisher.start()
    descriptor = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    workers = [threading.Thread(target=work, args=(one, descriptor, stopping)) for _ in range(4)]
    for worker in workers:
        worker.start()
    signal.sigwait({signal.SIGTERM})
    stopping.set()
    for worker in workers:
        worker.join()
    one.close()


if __name__ == "__main__":
    bucket = S3Tiles(S3Server(sys.argv[4]).endpoint, sys.argv[5], "log") if sys.argv[4:] else None
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), bucket)

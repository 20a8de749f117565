"""One of several ``serve`` processes over one database and one data directory.

In: settings with a name. Out: an application that answers whatever comes, here or through the server that has the
duties. A process keeps nothing of its own but caches: killed, it leaves what the others go on with.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from custodes.core.clock import SystemClock
from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.deployment.databases import join_database
from custodes.deployment.galleries import open_following_gallery
from custodes.deployment.governance.accounts import open_directory
from custodes.deployment.networks.computing import open_computing
from custodes.deployment.nodes.follower import Followed, FollowerParts, open_follower
from custodes.deployment.nodes.keeper import Keeper
from custodes.deployment.nodes.shards import open_shards
from custodes.deployment.record.anchors import open_anchor
from custodes.deployment.record.ledger import LedgerPlace, log_origin
from custodes.deployment.record.sharing import ACCOUNTS, Sharing
from custodes.deployment.record.stored import StoredLedger, in_directory, tiles_place
from custodes.deployment.server import Kept, new_request_id, open_keeper
from custodes.deployment.tracing import open_tracing
from custodes.edge.aws.model import load_service
from custodes.edge.endpoints.node import NodeApp, NodeParts
from custodes.engine.ports import FaceEngine
from custodes.ledger.sequence.leased import LeasedLog
from custodes.ledger.sequence.publisher import SequencePublisher
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.tree.tiles import WITNESSED_PATH
from custodes.ledger.writer.ports import TileStore
from custodes.operations.images.engines import ImageEngines
from custodes.settings import Settings
from custodes.storage.files.cases import FILE as CASE_FILE
from custodes.storage.files.cases import CaseFile, encoded
from custodes.storage.files.credentials import open_credentials
from custodes.storage.files.directory import alone_in
from custodes.storage.ledger.document_take_over import take_over_documents
from custodes.storage.ledger.shared_log import SharedLedger, SharedPlace, begin_sharing, shared_ledger
from custodes.storage.sql.database import Database
from custodes.storage.sql.ledger.documents import PostgresDocuments
from custodes.storage.sql.master import open_master
from custodes.storage.sql.nodes.cases import CASES
from custodes.storage.sql.nodes.notes import SharedNotes

FOLDER = "nodes"
_READY_S = 120.0


@contextmanager
def open_node(
    settings: Settings, *, endpoint_url: str, engine: FaceEngine | None = None, sight: ImageEngines | None = None
) -> Iterator[Callable[..., Any]]:
    """Open everything, take part in the election of the publisher, follow.

    Args:
        settings: all of them, with a name and a database on PostgreSQL.
        endpoint_url: where this process is reached, unless the settings say where.
        engine, sight: stand in for the real ones.

    Raises:
        UnavailableError: database or directory cannot be used, or models are missing.
    """
    address = settings.node_url or endpoint_url
    with ExitStack() as opened:
        spans = opened.enter_context(open_tracing(settings.otlp_endpoint))
        with alone_in(settings.data / FOLDER):
            folder = settings.data / FOLDER / settings.node
            database = opened.enter_context(closing(join_database(settings, folder)))
            public = settings.endpoint or address
            keys = open_credentials(settings.data, region=settings.region, endpoint_url=public, random=os.urandom)
            notes = SharedNotes(database, keys.account_id, open_master(database, settings.data, os.urandom))
            shared = _shared_ledger(settings, database, keys.account_id, address)
            _take_over_cases(settings, notes)
        shared.log.start()
        opened.enter_context(closing(shared.bodies))
        opened.enter_context(closing(shared.log))
        traced = (lambda found: found) if spans is None else spans.engine
        computing = opened.enter_context(open_computing(settings, engine, sight=sight, traced=traced))
        directory = opened.enter_context(
            open_directory(database, settings.data, keys.account_id, load_service().known, notes.moves(ACCOUNTS))
        )
        directory.hold(keys.key)
        shards = opened.enter_context(open_shards(settings, notes, keys.account_id, address))
        served = opened.enter_context(
            open_following_gallery(settings, database, directory.limits, folder, shards.sharing)
        )
        tiles = shared.stores.tiles
        parts = FollowerParts(settings, database, keys, directory, notes, shared.log, tiles, served, computing, spans)
        keeper = opened.enter_context(_keeping(parts, shared, public))
        followed = Followed(parts)
        followed.wait(_READY_S)
        here = opened.enter_context(
            open_follower(parts, followed, lambda: {"node": settings.node, "duties": keeper.app is not None})
        )
        served.start_warming()
        answer = opened.enter_context(shards.answering(served.gallery))
        yield NodeApp(NodeParts(here, lambda: keeper.app, shared.head.holder, followed.follow, new_request_id, answer))


@contextmanager
def _keeping(parts: FollowerParts, shared: SharedLedger, endpoint_url: str) -> Iterator[Keeper]:
    """Take part in the election; whoever has the lease publishes, and has the duties until the end of the block.

    A process without the signing key does not, and never has them.
    """
    tiles, bodies = shared.stores.tiles, shared.stores.bodies
    settings, master = parts.settings, open_master(parts.database, parts.settings.data, os.urandom)

    @contextmanager
    def duties(lease: int) -> Iterator[ASGIApp]:
        log = LeasedLog(shared.log, shared.stores, lease)
        with closing(PostgresDocuments(settings.database, parts.keys.account_id, master, lease)) as documents:
            take_over_documents(settings.data, documents, log.flush().size)
            stored = StoredLedger(tiles, bodies, _witnessed(settings, tiles), documents)
            sharing = Sharing(log, stored, parts.notes)
            kept = Kept(parts.database, parts.served.gallery, parts.computing, parts.tracing, sharing)
            with open_keeper(settings, endpoint_url, kept) as deployment:
                yield deployment.app()

    keeper = Keeper(duties)
    if shared.publishing is None:
        yield keeper
        return
    anchor = open_anchor(parts.settings, parts.keys.account_id, None)
    publishing = replace(shared.publishing, anchor=anchor, began=keeper.began, ended=keeper.ended)
    with closing(SequencePublisher(publishing)) as publisher, closing(keeper):
        publisher.start()
        keeper.start()
        yield keeper


def _shared_ledger(settings: Settings, database: Database, operator: AccountId, address: str) -> SharedLedger:
    """The log of all servers, taken over from one where it was one's. Raises UnavailableError."""
    tiles = tiles_place(settings)
    place = SharedPlace(settings.data, settings.database, operator, tiles, settings.ledger_key)
    alone = LedgerPlace(settings.data, operator, settings.ledger_origin, None)
    try:
        origin = log_origin(alone)
        begin_sharing(place, origin, SystemClock(), open_anchor(settings, operator, database))
        return shared_ledger(place, origin, address)
    except (NoteError, LedgerUnavailableError) as error:
        raise UnavailableError(f"the ledger in {settings.data} cannot be opened: {error}") from error
    except OSError as error:
        raise UnavailableError(f"the ledger in {settings.data} cannot be opened: {error.strerror or error}") from error


def _witnessed(settings: Settings, tiles: TileStore) -> Callable[[bytes], object]:
    """What publishes the checkpoint with cosignatures: in the folder not through the publisher's scratch file."""
    if settings.ledger_tiles:
        return lambda note: tiles.replace(WITNESSED_PATH, note)
    return in_directory(settings.data).witnessed


def _take_over_cases(settings: Settings, notes: SharedNotes) -> None:
    """Take in what one server kept in a file."""
    if CASES not in notes.changes():
        notes.tell(CASES, encoded(CaseFile(settings.data / CASE_FILE).cases()))

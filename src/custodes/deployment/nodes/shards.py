"""Collections that several servers have in memory together, for one of them.

In: settings, the shared notes, where this server is reached. Out: with whom the gallery shares; what answers the
others, while it beats and tends. Without the setting it does nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import structlog

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.core.setting_text import SearchEngine
from custodes.gallery.shards.gallery import ShardedGallery, ShardSharing
from custodes.operations.collections.ports import Gallery
from custodes.settings import Settings
from custodes.storage.files.seal import KEY_BYTES
from custodes.storage.sql.nodes.living import PostgresLiving
from custodes.storage.sql.nodes.notes import SharedNotes
from custodes.storage.vectors.shard_messages import ShardSeal
from custodes.storage.vectors.shard_peers import HttpShardPeers

_KEY = "shard-key"
_BEAT_S = 1.0


@dataclass(frozen=True, slots=True)
class NodeShards:
    """What is shared; ``peers`` is None where each server has collections whole."""

    peers: HttpShardPeers | None = None
    sharing: ShardSharing | None = None

    @contextmanager
    def answering(self, gallery: Gallery) -> Iterator[Callable[[bytes], bytes] | None]:
        """What answers other servers; this one is on their list until the end of the block."""
        peers = self.peers
        if peers is None or not isinstance(gallery, ShardedGallery):
            yield None
            return
        with (
            closing(_Repeating("shards: beats", peers.beat)),
            closing(_Repeating("shards: tending", gallery.tend)),
        ):
            yield lambda asked: peers.answered(asked, gallery.answer)


@contextmanager
def open_shards(settings: Settings, notes: SharedNotes, operator: AccountId, address: str) -> Iterator[NodeShards]:
    """Until the end of the block.

    Args:
        settings: all of them.
        notes: hold the key of what servers say to each other.
        operator: whose servers they are.
        address: URL at which the others reach this one.

    Raises:
        UnavailableError: the database cannot be asked.
    """
    if settings.search_engine.kind is not SearchEngine.SHARDED:
        yield NodeShards()
        return
    living = PostgresLiving(settings.database, operator, settings.node, address)
    peers = HttpShardPeers(settings.node, living, ShardSeal(_shared_key(notes), os.urandom))
    peers.look()
    try:
        yield NodeShards(peers, ShardSharing(peers, settings.shard_faces))
    finally:
        peers.leave()


def _shared_key(notes: SharedNotes) -> bytes:
    """The same for all servers, drawn by the first; sealed by the master key, which all of them have."""
    notes_key = notes.value(_KEY)
    if notes_key is None:
        notes.change(_KEY, lambda known: known or os.urandom(KEY_BYTES))
        notes_key = notes.value(_KEY)
    assert notes_key is not None
    return notes_key


class _Repeating:
    """Does something every second on a thread of its own until closed; what cannot be done now is done later."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._work = work
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                self._work()
            except UnavailableError as error:
                structlog.get_logger("custodes.node").warning("shards", reason=error.message)
            if self._stopping.wait(_BEAT_S):
                return

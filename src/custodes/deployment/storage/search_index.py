"""Where the vectors of faces are searched, as set: in memory, or in an engine elsewhere that proposes.

In: settings, a folder of this server alone. Out: what makes indexes of faces; None where they are in memory. What an
earlier process of the same folder left in the engine is removed at the start and at the end. Decides nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.core.setting_text import SearchEngine
from custodes.durable import create_durably
from custodes.gallery.ports import NewFaceIndex, OwnVectors, VectorIndex
from custodes.settings import Settings

_OWNER = "search-owner"


@contextmanager
def open_search_index(settings: Settings, folder: Path) -> Iterator[NewFaceIndex | None]:
    """Until the end of the block.

    Raises:
        UnavailableError: the engine, or what speaks to it, is not there.
    """
    match settings.search_engine.kind:
        case SearchEngine.MEMORY | SearchEngine.SHARDED:
            yield None
        case SearchEngine.PGVECTOR:
            yield from _pgvector(settings, _owner(folder))
        case _:
            yield from _milvus(settings, _owner(folder))


def _pgvector(settings: Settings, owner: str) -> Iterator[NewFaceIndex]:
    from custodes.storage.vectors.pgvector_index import PgvectorIndex, drop_left_behind

    url, approximate = settings.database, settings.search_engine.approximate
    try:
        drop_left_behind(url, owner)
    except UnavailableError as error:
        raise UnavailableError(
            f"search is set to pgvector, and the database cannot have its extension `vector`: {error.message}"
        ) from error

    def new(dimension: int, own: OwnVectors) -> VectorIndex:
        return PgvectorIndex(dimension, url, approximate=approximate, own=own, owner=owner)

    try:
        yield new
    finally:
        with suppress(UnavailableError):  # the next start removes them
            drop_left_behind(url, owner)


def _milvus(settings: Settings, owner: str) -> Iterator[NewFaceIndex]:
    from custodes.storage.vectors.milvus_index import MilvusIndex, MilvusServer

    engine = settings.search_engine
    server = MilvusServer(engine.address, settings.milvus_token, owner=owner, approximate=engine.approximate)
    with closing(server):
        try:
            yield lambda dimension, own: MilvusIndex(dimension, server, own)
        finally:
            with suppress(UnavailableError):
                server.forget(owner)


def _owner(folder: Path) -> str:
    """Sixteen hexadecimal digits that tell this folder's server from all others of an engine."""
    path = folder / _OWNER
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        create_durably(path, secrets.token_hex(8).encode())
    return path.read_text(encoding="ascii")

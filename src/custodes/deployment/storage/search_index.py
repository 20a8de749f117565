"""Where the vectors of faces are searched, as set: in memory, or in an engine elsewhere that proposes.

In: settings, a folder of this server alone. Out: what makes indexes of faces; None where they are in memory. What an
earlier process of the same folder left in the engine is gone on with where it is wanted, and removed where not. Decides
nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.core.setting_text import SearchEngine
from custodes.durable import create_durably
from custodes.gallery.entities import Collection
from custodes.gallery.ports import NewFaceIndex, OwnVectors, VectorIndex
from custodes.settings import Settings
from custodes.storage.vectors.kept_marks import index_name

_OWNER = "search-owner"

Collections = Callable[[], Iterable[Collection]]


def _nothing(_: Collections) -> None:
    """There is nothing elsewhere."""


@dataclass(frozen=True, slots=True)
class FaceIndexFactory:
    """Where indexes of faces come from.

    Attributes:
        new: makes one; None where they are in memory.
        keep_only: removes what is elsewhere but indexes of the collections that are given. Raises UnavailableError.
    """

    new: NewFaceIndex | None = None
    keep_only: Callable[[Collections], None] = _nothing


@contextmanager
def open_search_index(settings: Settings, folder: Path) -> Iterator[FaceIndexFactory]:
    """Until the end of the block.

    Raises:
        UnavailableError: the engine, or what speaks to it, is not there.
    """
    match settings.search_engine.kind:
        case SearchEngine.MEMORY | SearchEngine.SHARDED:
            _leave(settings, folder)
            yield FaceIndexFactory()
        case SearchEngine.PGVECTOR:
            yield _pgvector(settings, _owner(folder))
        case _:
            with _milvus(settings, _owner(folder)) as indexes:
                yield indexes


def _pgvector(settings: Settings, owner: str) -> FaceIndexFactory:
    from custodes.storage.vectors.pgvector_index import PgvectorIndex, drop_left_behind

    url, approximate = settings.database, settings.search_engine.approximate

    def new(collection: Collection, own: OwnVectors) -> VectorIndex:
        name = index_name(collection, approximate=approximate)
        return PgvectorIndex(collection.dimension, url, approximate=approximate, own=own, owner=owner, name=name)

    def keep_only(collections: Collections) -> None:
        try:
            drop_left_behind(url, owner, lambda: [index_name(one, approximate=approximate) for one in collections()])
        except UnavailableError as error:
            raise UnavailableError(
                f"search is set to pgvector, and the database cannot have its extension `vector`: {error.message}"
            ) from error

    return FaceIndexFactory(new, keep_only)


@contextmanager
def _milvus(settings: Settings, owner: str) -> Iterator[FaceIndexFactory]:
    from custodes.storage.vectors.milvus_index import MilvusIndex, MilvusServer

    engine = settings.search_engine
    approximate = engine.approximate
    server = MilvusServer(engine.address, settings.milvus_token, owner=owner, approximate=approximate)

    def new(collection: Collection, own: OwnVectors) -> VectorIndex:
        return MilvusIndex(collection.dimension, server, own, index_name(collection, approximate=approximate))

    with closing(server):
        yield FaceIndexFactory(
            new, lambda kept: server.keep_only([index_name(one, approximate=approximate) for one in kept()])
        )


def _leave(settings: Settings, folder: Path) -> None:
    """Remove what was put into the database while the setting was pgvector."""
    path = folder / _OWNER
    if not path.exists() or not settings.database:
        return
    from custodes.storage.vectors.pgvector_index import drop_left_behind

    with suppress(UnavailableError):  # it was Milvus, and this database has no pgvector
        drop_left_behind(settings.database, path.read_text(encoding="ascii"))


def _owner(folder: Path) -> str:
    """Sixteen hexadecimal digits that tell this folder's server from all others of an engine."""
    path = folder / _OWNER
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        create_durably(path, secrets.token_hex(8).encode())
    return path.read_text(encoding="ascii")

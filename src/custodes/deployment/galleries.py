"""The gallery of a data directory: its store, its indexes, what is read into memory at start.

In: settings, an open database. Out: the gallery with what keeps it warm; closed again in order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from custodes.core.setting_text import WarmStart
from custodes.deployment.databases import open_database
from custodes.deployment.networks.scores import score_rates
from custodes.deployment.storage.search_index import FaceIndexFactory, open_search_index
from custodes.gallery.entities import CollectionKey
from custodes.gallery.following import FollowingGallery
from custodes.gallery.gallery import IndexedGallery
from custodes.gallery.ports import NewFaceIndex
from custodes.gallery.shards.gallery import ShardedGallery, ShardSharing
from custodes.gallery.warming import Warming, warming_order
from custodes.jobs.schedule import MINUTE_MS, Schedule, regularly
from custodes.operations.accounts.throttle import AccountQuotas, Overrides, no_overrides
from custodes.operations.collections.celebrities import COLLECTION as CELEBRITY_COLLECTION
from custodes.operations.collections.celebrities import CelebrityGallery
from custodes.operations.collections.ports import Gallery
from custodes.settings import Settings
from custodes.storage.files.credentials import OperatorKeys
from custodes.storage.files.search_counts import SearchCounts
from custodes.storage.files.segment_files import SegmentFiles
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery.celebrities import SqlCelebrities
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.vectors.choice import exact_index

CACHE = "cache"
CHANGES_KEPT = 100_000
"""So many changes of a collection back another server may be; one that is further reads it anew."""
_COUNTS = "searches.json"
_THREADS = 2
"""Reading vectors is bound by one core each; more threads would take the rest from requests."""


@dataclass(frozen=True, slots=True)
class ServedGallery:
    """A gallery with what is done for it.

    Attributes:
        gallery: searched and changed by use cases.
        schedules: what is done for it periodically.
        health: what ``/healthz`` tells of it.
        start_warming: begins to read into memory what was searched before; last of all, so that nothing waits for it.
    """

    gallery: Gallery
    schedules: tuple[Schedule, ...] = ()
    health: Callable[[], Mapping[str, object]] = dict
    start_warming: Callable[[], object] = lambda: None


@contextmanager
def open_served_gallery(
    settings: Settings, database: Database, limits: Overrides, stand_in: Gallery | None = None
) -> Iterator[ServedGallery]:
    """The gallery of an open database, which reads what was searched before into memory until the end of the block.

    Args:
        settings: all of them.
        database: stays the caller's to close.
        limits: what accounts may use up that have limits of their own.
        stand_in: is given instead.
    """
    if stand_in is not None:
        yield ServedGallery(stand_in)
        return
    quotas, folder = AccountQuotas(settings.account_limits, limits), settings.data / CACHE
    store = SqlGalleryStore.open(database, settings.data, os.urandom, quotas, SegmentFiles(folder))
    counts = SearchCounts(folder / _COUNTS)
    keys = [] if settings.warm_start is WarmStart.NONE else warming_order(counts.counts(), _others(settings, store))

    with (
        open_search_index(settings, folder) as face_indexes,
        closing(gallery := IndexedGallery(store, exact_index(), settings.search_wait_s, face_indexes.new)),
        closing(Warming(gallery, keys, _THREADS)) as warming,
    ):
        _remove_unread(face_indexes, store, keys)
        schedules = (_keeping(gallery, store, counts, face_indexes),)
        yield ServedGallery(gallery, schedules, lambda: {"gallery": warming.state()}, warming.start)
        with suppress(OSError):  # the next start only takes another order
            counts.add(gallery.take_searches())


@contextmanager
def open_following_gallery(
    settings: Settings, database: Database, limits: Overrides, folder: Path, sharing: ShardSharing | None
) -> Iterator[ServedGallery]:
    """The gallery of a database that others change, too; what this server searched before is read into memory.

    Servers share the keys of copies of vectors, and each has files of its own.

    Args:
        settings: all of them.
        database: stays the caller's to close.
        limits: what accounts may use up that have limits of their own.
        folder: of this server alone.
        sharing: with whom large collections are shared; None where each server has them whole.
    """
    quotas = AccountQuotas(settings.account_limits, limits)
    store = SqlGalleryStore.open(
        database, settings.data, os.urandom, quotas, SegmentFiles(folder / CACHE), changes_kept=CHANGES_KEPT
    )
    counts = SearchCounts(folder / _COUNTS)
    keys = [] if settings.warm_start is WarmStart.NONE else warming_order(counts.counts(), _others(settings, store))
    with (
        open_search_index(settings, folder) as face_indexes,
        closing(gallery := _following(store, settings, face_indexes.new, sharing)),
        closing(Warming(gallery, keys, _THREADS)) as warming,
    ):
        _remove_unread(face_indexes, store, keys)
        schedules = (_keeping(gallery, store, counts, face_indexes),)
        yield ServedGallery(gallery, schedules, lambda: _health(gallery, warming), warming.start)
        with suppress(OSError):  # the next start only takes another order
            counts.add(gallery.take_searches())


@contextmanager
def open_gallery(settings: Settings) -> Iterator[Gallery]:
    """The database of the data directory, locked for this process; indexes are filled when first searched."""
    with closing(open_database(settings)) as database:
        quotas = AccountQuotas(settings.account_limits, no_overrides)
        yield IndexedGallery(SqlGalleryStore.open(database, settings.data, os.urandom, quotas), exact_index())


def _following(
    store: SqlGalleryStore, settings: Settings, face_index: NewFaceIndex | None, sharing: ShardSharing | None
) -> FollowingGallery:
    if sharing is not None:
        return ShardedGallery(store, exact_index(), settings.search_wait_s, sharing)
    return FollowingGallery(store, exact_index(), settings.search_wait_s, face_index)


def _health(gallery: FollowingGallery, warming: Warming) -> Mapping[str, object]:
    shards = {"shards": gallery.state()} if isinstance(gallery, ShardedGallery) else {}
    return {"gallery": warming.state(), **shards}


def _remove_unread(face_indexes: FaceIndexFactory, store: SqlGalleryStore, keys: Sequence[CollectionKey]) -> None:
    """Remove indexes elsewhere but those that are read, and so compared with the store, right after the start."""
    wanted = set(keys)
    face_indexes.keep_only(lambda: [one for one in store.every_collection() if one.key in wanted])


def _keeping(
    gallery: IndexedGallery, store: SqlGalleryStore, counts: SearchCounts, face_indexes: FaceIndexFactory
) -> Schedule:
    """Write down what is searched, keep copies of the vectors of that, remove what is of collections that are gone."""

    def keep() -> None:
        counts.add(gallery.take_searches())
        store.tidy_copies()
        face_indexes.keep_only(store.every_collection)
        for key in gallery.warmed():
            store.seal_vectors(key)

    return Schedule("copies of vectors", 10 * MINUTE_MS, regularly(keep))


def _others(settings: Settings, store: SqlGalleryStore) -> list[CollectionKey]:
    return store.keys_by_size() if settings.warm_start is WarmStart.ALL else []


def known_people(database: Database, keys: OperatorKeys, settings: Settings) -> CelebrityGallery:
    """Portraits in a collection of the operator's account, names in a table of their own."""
    book = SqlCelebrities(database, keys.account_id)
    book.take_over(settings.data)
    key = CollectionKey(keys.account_id, CELEBRITY_COLLECTION)
    return CelebrityGallery(key, book, score_rates(settings).false_match_rate)

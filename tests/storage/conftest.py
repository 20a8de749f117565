"""An opened data directory, and stores of every kind behind one fixture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from custodes.gallery.entities import Quotas
from custodes.gallery.ports import GalleryStore
from custodes.storage.database import Database
from custodes.storage.gallery.store import SqlGalleryStore
from fakes.gallery import MemoryGalleryStore


@contextmanager
def opened(directory: Path, quotas: Quotas | None = None) -> Iterator[SqlGalleryStore]:
    database = Database.open(directory)
    try:
        yield SqlGalleryStore.open(database, directory, os.urandom, quotas)
    finally:
        database.close()


@pytest.fixture(params=["memory", "sql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GalleryStore]:
    quotas = Quotas(faces_per_collection=30, faces_per_user=5, tags_per_collection=3)
    if request.param == "memory":
        yield MemoryGalleryStore(quotas)
    else:
        with opened(tmp_path / "data", quotas) as sql:
            yield sql

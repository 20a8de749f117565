"""Stores of every kind behind one fixture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from custodes.gallery.entities import Quotas
from custodes.gallery.ports import GalleryStore
from tests.fakes.directories import opened
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.postgres import database_url


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GalleryStore]:
    quotas = Quotas(
        collections=5, faces_per_collection=30, users_per_collection=4, faces_per_user=5, tags_per_collection=3
    )
    if request.param == "memory":
        yield MemoryGalleryStore(quotas)
    else:
        with opened(tmp_path / "data", quotas, url=database_url(request)) as sql:
            yield sql

"""Stores of every kind behind one fixture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from custodes.jobs.job import JobLimits
from custodes.storage.sql.jobs import SqlJobStore
from custodes.storage.sql.master import open_master
from tests.fakes.directories import opened_database
from tests.fakes.jobs import MemoryJobStore
from tests.fakes.postgres import database_url

LIMITS = JobLimits(open_per_account=4, lease_ms=1000, attempts=3, retry_ms=100, kept_ms=50_000)

Store = MemoryJobStore | SqlJobStore


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryJobStore(LIMITS)
        return
    database = opened_database(tmp_path / "data", database_url(request))
    try:
        yield SqlJobStore(database, open_master(database, tmp_path / "data", os.urandom), LIMITS)
    finally:
        database.close()

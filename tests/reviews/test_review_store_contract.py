"""What every store of reviews promises, on the one in memory and on the database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId, CollectionId
from custodes.governance.review import Candidate, Review, ReviewPerson
from custodes.operations.reviews.ports import ReviewStore
from custodes.storage.sql.master import open_master
from custodes.storage.sql.reviews import SqlReviewStore
from custodes.storage.sql.sqlite_database import FILE_NAME
from tests.fakes.directories import opened_database, raw
from tests.fakes.postgres import database_url
from tests.fakes.reviews import MemoryReviewStore
from tests.fakes.schema import open_sqlite

MINE, OTHER = AccountId("111111111111"), AccountId("222222222222")


def review(number: int, account: AccountId = MINE, created: int = 1000, expires: int = 5000) -> Review:
    return Review(
        review_id=f"{number:032x}",
        account_id=account,
        collection_id=CollectionId("people"),
        operation="SearchFaces",
        requester=ReviewPerson("asker", "arn:aws:iam::111111111111:user/asker", is_user=True),
        request_id="r",
        created_ts_ms=created,
        expires_ts_ms=expires,
        secret=bytes(32),
        candidates=(Candidate(99_000, face_id="0aface00-0000-4000-8000-00000000000a"),),
        picture=b"picture of somebody",
    )


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReviewStore]:
    if request.param == "memory":
        yield MemoryReviewStore()
        return
    database = opened_database(tmp_path / "data", database_url(request))
    try:
        yield SqlReviewStore(database, open_master(database, tmp_path / "data", os.urandom))
    finally:
        database.close()


def test_a_review_is_found_by_its_account_only_and_replaced_whole(store: ReviewStore) -> None:
    store.put(review(1))
    store.put(review(1, OTHER, created=2000))
    assert store.find(MINE, review(1).review_id) == review(1)
    assert store.find(OTHER, review(1).review_id) == review(1, OTHER, created=2000)
    assert store.find(MINE, review(2).review_id) is None
    changed = replace(review(1), picture=None, candidates=())
    store.put(changed)
    assert store.find(MINE, review(1).review_id) == changed


def test_reviews_are_listed_oldest_first_in_pages(store: ReviewStore) -> None:
    for number, created in [(3, 1000), (1, 1000), (2, 3000), (4, 2000)]:
        store.put(review(number, created=created))
    store.put(review(5, OTHER))
    store.put(review(6, expires=2000))
    order = [review(number).review_id for number in (1, 3, 4, 2)]
    assert [found.review_id for found in store.listing(MINE, 2000, None, 10)] == order
    assert [found.review_id for found in store.listing(MINE, 2000, None, 2)] == order[:2]
    assert [found.review_id for found in store.listing(MINE, 2000, order[1], 2)] == order[2:]
    assert list(store.listing(MINE, 2000, "unknown", 2)) == []


def test_what_expires_is_gone_for_all_accounts(store: ReviewStore) -> None:
    store.put(review(1, expires=2000))
    store.put(review(2, OTHER, expires=2000))
    store.put(review(3, expires=2001))
    assert store.remove_expired(1999) == 0
    assert store.remove_expired(2000) == 2
    assert store.remove_expired(2000) == 0
    assert store.find(MINE, review(1).review_id) is None
    assert store.find(MINE, review(3).review_id) is not None


def test_nothing_of_a_review_is_on_disk_in_the_clear_and_what_goes_is_overwritten(tmp_path: Path) -> None:
    data = tmp_path / "data"
    database = open_sqlite(data)
    store = SqlReviewStore(database, open_master(database, data, os.urandom))
    store.put(review(1))
    with raw(data) as connection:
        (sealed,) = connection.execute("select sealed from reviews").fetchone()
    store.put(replace(review(1), candidates=(), picture=None))
    store.remove_expired(5000)
    database.close()
    on_disk = b"".join(path.read_bytes() for path in data.glob(f"{FILE_NAME}*"))
    for secret in (b"picture of somebody", b"0aface00", b"asker", sealed[20:60]):
        assert secret not in on_disk


def test_an_altered_or_moved_review_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    database = open_sqlite(data)
    store = SqlReviewStore(database, open_master(database, data, os.urandom))
    store.put(review(1))
    store.put(review(2))
    with raw(data) as connection:
        connection.execute("update reviews set review_id = 'x' where review_id like '%1'")
        connection.execute("update reviews set account_id = '222222222222' where review_id like '%2'")
    for account, name in ((MINE, "x"), (OTHER, review(2).review_id)):
        with pytest.raises(UnavailableError, match="damaged"):
            store.find(account, name)
    database.close()

"""The reviews of a running server: kept in its database, decided on record, destroyed in time.

In: the open database and ledger, who people are, for how long. Out: the use cases of reviews, with their duty running.
"""

from __future__ import annotations

import os
from pathlib import Path

from custodes.core.clock import SystemClock
from custodes.deployment.ledger import ServerLedger
from custodes.gallery.ports import GalleryStore
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.reviews.persons import ReviewPersons
from custodes.operations.reviews.reviews import Reviews, ReviewTerms
from custodes.storage.sql.database import Database
from custodes.storage.sql.master import open_master
from custodes.storage.sql.reviews import SqlReviewStore


def keep_reviews(
    database: Database, data: Path, ledger: ServerLedger, gallery: GalleryStore, people: AccountDirectory, days: int
) -> Reviews:
    """Open the reviews of ``database``; have ``ledger``'s duties destroy expired ones, at the start and every hour."""
    store = SqlReviewStore(database, open_master(database, data, os.urandom))
    terms = ReviewTerms(ReviewPersons(people), SystemClock(), os.urandom, days)
    reviews = Reviews(store, gallery, ledger.log, terms)
    ledger.duties.every_hour(reviews.sweep)
    ledger.duties.soon(reviews.sweep)
    return reviews

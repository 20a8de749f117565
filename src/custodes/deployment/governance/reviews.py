"""The reviews of a running server: kept in its database, decided on record, destroyed in time.

In: the open database and ledger, who people are, for how long. Out: the use cases of reviews, and their schedule.
"""

from __future__ import annotations

import os
from pathlib import Path

from custodes.core.clock import SystemClock
from custodes.deployment.record.ledger import ServerLedger
from custodes.gallery.ports import GalleryStore
from custodes.jobs.schedule import HOUR_MS, Schedule, regularly
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.reviews.persons import ReviewPersons
from custodes.operations.reviews.reviews import Reviews, ReviewTerms
from custodes.storage.sql.database import Database
from custodes.storage.sql.master import open_master
from custodes.storage.sql.reviews import SqlReviewStore


def open_reviews(
    database: Database, data: Path, ledger: ServerLedger, gallery: GalleryStore, people: AccountDirectory, days: int
) -> Reviews:
    """The reviews of ``database``."""
    store = SqlReviewStore(database, open_master(database, data, os.urandom))
    terms = ReviewTerms(ReviewPersons(people), SystemClock(), os.urandom, days)
    return Reviews(store, gallery, ledger.log, terms)


def schedule_reviews(reviews: Reviews) -> Schedule:
    """Destroys expired reviews."""
    return Schedule("expired reviews", HOUR_MS, regularly(reviews.sweep), at_start=True)

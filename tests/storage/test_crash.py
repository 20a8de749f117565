"""Death at any moment: what was acknowledged is there, the rest is absent or whole. Also full disks and second owners.

``CUSTODES_TEST_KILLS`` sets how often the process is killed; the default keeps the suite short.
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sqlite3
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from custodes.core.errors import UnavailableError
from custodes.gallery.gallery import IndexedGallery
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.sql.sqlite_database import FILE_NAME, SqliteDatabase
from custodes.storage.vectors.faiss_index import FaissIndex
from tests.fakes.process import Forked

CHILD = Path(__file__).with_name("enrolling_child.py")
KILLS = int(os.environ.get("CUSTODES_TEST_KILLS", "12"))

_spec = importlib.util.spec_from_file_location("enrolling_child", CHILD)
assert _spec is not None
assert _spec.loader is not None
child = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(child)


class Account:
    """What the killed processes said, over all their lives."""

    def __init__(self) -> None:
        self.acknowledged: set[str] = set()
        self.groups: list[list[str]] = []
        self.erasing: set[str] = set()
        self.erased: set[str] = set()
        self.failed = 0

    def read(self, output: str) -> None:
        for line in output.split("\n")[:-1]:  # what follows the last newline was torn by the kill
            word, _, names = line.partition(" ")
            ids = names.split(",")
            if word == "START":
                self.groups.append(ids)
            elif word == "DONE":
                self.acknowledged.update(ids)
            elif word == "ERASING":
                self.erasing.update(ids)
            elif word == "ERASED":
                self.erased.update(ids)
            elif word == "FAILED":
                self.failed += 1


def start(directory: Path, seed: int, *limits: int) -> Forked:
    return Forked(CHILD, str(directory), str(seed), "4", *map(str, limits))


def live_for(process: Forked, seconds: float) -> str:
    """Output of ``process``, which is killed ``seconds`` after it was ready."""
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first == "READY\n"
    timer = threading.Timer(seconds, process.send_signal, [signal.SIGKILL])
    timer.start()
    output = process.stdout.read()
    process.stdout.close()
    process.wait(30)
    timer.cancel()
    return output


def check(directory: Path, account: Account) -> None:
    with sqlite3.connect(directory / FILE_NAME) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    raw.close()
    database = SqliteDatabase.open(directory)
    try:
        gallery = IndexedGallery(SqlGalleryStore.open(database, directory, os.urandom), FaissIndex)
        faces = gallery.faces(child.CRASH_KEY, None, 10**6).items
        present = {str(face.face_id): face for face in faces}
        assert gallery.collection(child.CRASH_KEY).face_count == len(faces)
        assert account.acknowledged - account.erasing <= present.keys()
        assert account.erased.isdisjoint(present)
        assert present.keys() <= {name for group in account.groups for name in group}
        for group in account.groups:
            kept = [name for name in group if name in present or name in account.erasing]
            assert kept in ([], group), "an enrolment is there in part"
        vectors = gallery.vectors(child.CRASH_KEY, [face.row for face in faces])
        for face, vector in zip(faces, vectors, strict=True):
            assert np.array_equal(vector, child.vector_of(face.face_id))
        for face in random.Random(1).sample(faces, min(5, len(faces))):
            hits = gallery.search_faces(child.CRASH_KEY, child.vector_of(face.face_id), 1, 0.99)
            assert [hit.row for hit in hits] == [face.row]
    finally:
        database.close()


def test_kill_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    account, chance, directory = Account(), random.Random(20), tmp_path / "data"
    for life in range(KILLS):
        account.read(live_for(start(directory, life), chance.uniform(0.0, 0.4)))
        if life % 4 == 3 or life == KILLS - 1:
            check(directory, account)
    assert account.acknowledged, "nothing was ever acknowledged: the test showed nothing"
    assert len(account.groups) > KILLS


def test_a_full_disk_is_reported_and_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    account, directory = Account(), tmp_path / "data"
    process = start(directory, 77, 900_000)
    output, _ = process.communicate(timeout=60)
    account.read(output)
    assert process.returncode == 0
    assert account.failed == 4, "every writer was told"
    assert "READABLE" in output
    assert account.acknowledged
    check(directory, account)


def test_a_directory_has_one_owner(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    process = start(directory, 5)
    assert process.stdout is not None
    assert process.stdout.readline() == "READY\n"
    with pytest.raises(UnavailableError, match="in use by another process"):
        SqliteDatabase.open(directory)
    process.kill()
    process.stdout.close()
    process.wait(30)
    SqliteDatabase.open(directory).close()


def test_what_waits_at_closing_time_is_still_written(tmp_path: Path) -> None:
    database = SqliteDatabase.open(tmp_path)
    done: list[int] = []

    def slow(number: int) -> int:
        time.sleep(0.02)
        return number

    threads = [threading.Thread(target=lambda n=n: done.append(database.write(lambda _: slow(n)))) for n in range(5)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    database.close()
    for thread in threads:
        thread.join(10)
    assert sorted(done) == [0, 1, 2, 3, 4]
    with pytest.raises(UnavailableError, match="closed"):
        database.write(lambda _: None)
    database.close()

"""A ledger that two processes write over PostgreSQL, and galleries that follow each other, beside the embedded ones.

Run: ``python bench/scale.py [--seconds S] [--json]``. Starts the PostgreSQL of requirements/test.txt on a socket, with
its default of durable commits. A request adds two entries with private bodies, a permission and the use that settles
it, and waits until they are durable; two processes of 32 threads each, then one thread of one of them, then the same
over the ledger of a data directory. A search of a following gallery asks the database for the collection's version.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

import report
from custodes.core.box import BoxRatio
from custodes.core.clock import SystemClock
from custodes.core.ids import AccountId, CollectionId, FaceId, ImageId, ModelVersion
from custodes.gallery.entities import Collection, CollectionKey, NewFace
from custodes.gallery.following import FollowingGallery
from custodes.gallery.gallery import IndexedGallery
from custodes.ledger.sequence.log import SequencedLog, SequencedParts
from custodes.ledger.sequence.publisher import PublisherParts, SequencePublisher
from custodes.ledger.writer.keys import SigningKey
from custodes.ledger.writer.pending import Sealing
from custodes.ledger.writer.published import PublicStores, RunningLog
from custodes.ledger.writer.recover import LogIdentity
from custodes.storage.ledger.bodies import FileBodies
from custodes.storage.ledger.open import open_ledger
from custodes.storage.ledger.shared_tiles import SharedTiles
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.sql.ledger.bodies import PostgresBodies
from custodes.storage.sql.ledger.head import PostgresHead
from custodes.storage.sql.ledger.sequence import PostgresSequence
from custodes.storage.sql.postgres_database import PostgresDatabase
from databases import server

ACCOUNT, PROCESSES, THREADS = AccountId("123456789012"), 2, 32
SIGNER = SigningKey.from_seed("bench.example/log", bytes(32))
BODY = {"acct": ACCOUNT, "op": "SearchFacesByImage", "policy": "x" * 43, "request_id": "6f0f0f0f-aaaa-bbbb-cccc-0"}
KEY = CollectionKey(ACCOUNT, CollectionId("people"))
FACES, DIMENSION, SEARCHES = 10_000, 128, 300


def shared_log(url: str, folder: Path) -> tuple[SequencedLog, SequencePublisher]:
    """One process's side of the log, and its attempt to be the publisher; started."""
    name = secrets.token_hex(16)
    for sub in ("public", "bodies", f"scratch/{name}"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    sequence = PostgresSequence(url, ACCOUNT, name)
    sequence.found(0, 0)
    tiles = SharedTiles(folder / "public", folder / "scratch" / name)
    stores = PublicStores(tiles, PostgresBodies(url, ACCOUNT, FileBodies(folder / "bodies")), bytes(32))
    sealing = Sealing(secrets.token_bytes, bytes(32))
    log = SequencedLog(SequencedParts(sequence, PostgresHead(url, ACCOUNT, name), stores, SIGNER.name, sealing))
    identity = LogIdentity(SIGNER.name, (SIGNER,), (SIGNER.verifier,))
    publisher = SequencePublisher(PublisherParts(PostgresHead(url, ACCOUNT, name), tiles, lambda: identity))
    log.start()
    publisher.start()
    return log, publisher


def requests(log: RunningLog, threads: int, seconds: float) -> list[float]:
    """Seconds that each request waited."""
    took: list[float] = []

    def client() -> None:
        end = time.perf_counter() + seconds
        while (begin := time.perf_counter()) < end:
            permission = log.append("auth", body=BODY, fields={"d": "allow"})
            log.commit("use", units=1, body=BODY, settles=permission)
            took.append(time.perf_counter() - begin)

    workers = [threading.Thread(target=client) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sorted(took)


def node(url: str, folder: Path, threads: int, seconds: float) -> None:
    """A process of its own: prints how long each request waited."""
    log, publisher = shared_log(url, folder)
    log.commit("inc", body=BODY)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(requests(log, threads, seconds)), flush=True)
    log.close()
    publisher.close()


def over_processes(url: str, folder: Path, seconds: float) -> list[float]:
    """The same of several processes at once."""
    command = [sys.executable, __file__, "--node", url, str(folder), "--seconds", str(seconds)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)
    ]
    for one in running:
        assert one.stdout is not None and one.stdout.readline().strip() == "ready"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    took = [value for one in running for value in json.loads(one.communicate()[0])]
    return sorted(took)


def percentile(ordered: list[float], share: float) -> float:
    """Milliseconds."""
    return round(ordered[int(len(ordered) * share)] * 1e3, 2)


def searches(url: str, data: Path) -> dict[str, float]:
    """Milliseconds a search, by the median, of a gallery that is alone and of one that follows."""
    drawn = np.random.default_rng(3).standard_normal((FACES, DIMENSION)).astype(np.float32)
    vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    from custodes.storage.vectors.choice import exact_index

    found = {}
    with closing(PostgresDatabase.open(data, url)) as database:
        store = SqlGalleryStore.open(database, data, os.urandom, changes_kept=1000)
        store.create_collection(Collection(KEY, ModelVersion("1"), DIMENSION, 0), {})
        faces = [
            NewFace(FaceId(f"{at:036d}"), ImageId("i"), None, BoxRatio(0, 0, 1, 1), 99.0, vector, enrolled_ts_ms=0)
            for at, vector in enumerate(vectors)
        ]
        for at in range(0, FACES, 1000):
            store.add_faces(KEY, faces[at : at + 1000])
        for name, gallery in (
            ("alone", IndexedGallery(store, exact_index())),
            ("following", FollowingGallery(store, exact_index())),
        ):
            gallery.search_faces(KEY, vectors[0], 10, 0.5)

            def search(at: int, searched: IndexedGallery = gallery) -> None:
                searched.search_faces(KEY, vectors[at], 10, 0.5)

            found[name] = percentile(timed(search, SEARCHES), 0.5)
    return found


def timed(work: Callable[[int], None], times: int) -> list[float]:
    """Seconds of each call, in order of size."""
    took = []
    for at in range(times):
        begin = time.perf_counter()
        work(at)
        took.append(time.perf_counter() - begin)
    return sorted(took)


def measure(seconds: float) -> dict[str, Any]:
    """All figures."""
    found: dict[str, Any] = {"load": os.getloadavg()[0], "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, server(Path(folder)) as url:
        place = Path(folder)
        with closing(PostgresDatabase.beside(url)):
            pass  # the tables
        took = over_processes(url, place / "log", seconds)
        found["shared"] = {
            "entries_per_s": round(2 * len(took) / seconds),
            "p50_ms": percentile(took, 0.5),
            "p99_ms": percentile(took, 0.99),
        }
        log, publisher = shared_log(url, place / "log")
        took = requests(log, 1, seconds)
        found["shared_alone"] = {"p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99)}
        begin = time.perf_counter()
        found["entries"] = log.flush().size
        found["published_ms"] = round((time.perf_counter() - begin) * 1e3)
        log.close()
        publisher.close()
        (place / "own").mkdir()
        embedded = open_ledger(place / "own", SIGNER.name, SystemClock())
        embedded.start()
        took = requests(embedded, PROCESSES * THREADS, seconds)
        found["embedded"] = {
            "entries_per_s": round(2 * len(took) / seconds),
            "p50_ms": percentile(took, 0.5),
            "p99_ms": percentile(took, 0.99),
        }
        took = requests(embedded, 1, seconds)
        found["embedded_alone"] = {"p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99)}
        embedded.close()
        found["search"] = searches(url, place / "data")
    return found


def section(found: dict[str, Any], command: str) -> report.Section:
    """The section of the page."""
    shared, own = found["shared"], found["embedded"]
    rows = [
        ("entries a second, durable, 64 writers", f"{shared['entries_per_s']:,}", f"{own['entries_per_s']:,}"),
        ("a request among them waits, median; 99 %", _ms(shared), _ms(own)),
        ("a lone request waits, median; 99 %", _ms(found["shared_alone"]), _ms(found["embedded_alone"])),
        (
            f"search among {FACES:,} faces, median; without asking for the version",
            f"{found['search']['following']} ms; {found['search']['alone']} ms",
            "",
        ),
    ]
    text = report.table(("", "two processes over PostgreSQL", "one process, own disk"), rows)
    text += (
        f"\n\nA request is two entries with private bodies. All and PostgreSQL on {found['cores']} cores, load "
        f"{found['load']:.1f} at the start. What was sequenced was signed and public {found['published_ms']} ms later."
    )
    return report.Section("scale", "Several processes over one database", command, text)


def _ms(found: dict[str, float]) -> str:
    return f"{found['p50_ms']} ms; {found['p99_ms']} ms"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    parser.add_argument("--node", nargs=2, metavar=("URL", "FOLDER"), help="be one of the processes")
    options = parser.parse_args()
    if options.node:
        node(options.node[0], Path(options.node[1]), THREADS, options.seconds)
        return 0
    found = measure(options.seconds)
    report.tell(found, lambda: section(found, "python bench/scale.py"), as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())

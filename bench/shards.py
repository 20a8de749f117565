"""One collection in the memory of one, two and three servers: answers, time of a search, memory, starts, a failure.

Run: ``python bench/shards.py [--faces N] [--json]``. Fills a database on PostgreSQL with random vectors, then starts
processes that have a gallery and nothing else of a server; they ask each other over HTTP, sealed, as servers do. The
first start reads each vector by itself and keeps sealed copies, the second reads these.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

import report
from custodes.cli.server.listener import Listener
from custodes.core.box import BoxRatio
from custodes.core.ids import AccountId, CollectionId, FaceId, ImageId, ModelVersion, RequestId
from custodes.edge.endpoints.node import NodeApp, NodeParts
from custodes.gallery.entities import Collection, CollectionKey, NewFace
from custodes.gallery.following import FollowingGallery
from custodes.gallery.shards.gallery import ShardedGallery, ShardSharing
from custodes.storage.files.segment_files import SegmentFiles
from custodes.storage.sql.gallery.store import SqlGalleryStore
from custodes.storage.sql.nodes.living import PostgresLiving
from custodes.storage.sql.postgres_database import PostgresDatabase
from custodes.storage.vectors.choice import exact_index
from custodes.storage.vectors.shard_messages import ShardSeal
from custodes.storage.vectors.shard_peers import HttpShardPeers
from databases import server

DIMENSION, BATCH, WIDTH, SEARCHES = 128, 5000, 8_192, 60
ACCOUNT = AccountId("123456789012")
KEY = CollectionKey(ACCOUNT, CollectionId("people"))
SETUPS = (1, 2, 3)
ASKED = ((10, 0.3), (4096, -1.0))


def fill(url: str, data: Path, faces: int) -> None:
    """The collection."""
    drawn = np.random.default_rng(5)
    with closing(PostgresDatabase.open(data, url)) as database:
        store = SqlGalleryStore.open(database, data, os.urandom)
        store.create_collection(Collection(KEY, ModelVersion("1"), DIMENSION, created_ts_ms=0), {})
        for start in range(0, faces, BATCH):
            vectors = drawn.standard_normal((min(BATCH, faces - start), DIMENSION)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            box = BoxRatio(0, 0, 1, 1)
            some = [
                NewFace(FaceId(f"{start + n:036d}"), ImageId("i"), None, box, 99.0, vector, enrolled_ts_ms=0)
                for n, vector in enumerate(vectors)
            ]
            store.add_faces(KEY, some)


def queries() -> np.ndarray:
    """Of all setups the same."""
    drawn = np.random.default_rng(6).standard_normal((SEARCHES, DIMENSION)).astype(np.float32)
    found: np.ndarray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return found


def private_kb() -> int:
    """Memory that this process has to itself."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


@contextmanager
def opened_gallery(name: str, url: str, data: Path, count: int) -> Iterator[FollowingGallery]:
    """The gallery of a process, which answers the others; alone where there is one."""
    folder = data / "nodes" / name
    with ExitStack() as opened:
        database = opened.enter_context(closing(PostgresDatabase.joined(folder, url)))
        files = SegmentFiles(folder / "cache")
        store = SqlGalleryStore.open(database, data, os.urandom, files=files, changes_kept=100_000)
        if count == 1:
            yield opened.enter_context(closing(FollowingGallery(store, exact_index())))
            return
        listener = opened.enter_context(closing(Listener("127.0.0.1", 0)))
        living = PostgresLiving(url, ACCOUNT, name, listener.url)
        peers = HttpShardPeers(name, living, ShardSeal(bytes(32), os.urandom))
        gallery = opened.enter_context(closing(ShardedGallery(store, exact_index(), 60.0, ShardSharing(peers, WIDTH))))

        async def nothing(*_: Any) -> None:
            """Of a server there is only what answers questions."""

        def asked(data: bytes) -> bytes:
            return peers.answered(data, gallery.answer)

        parts = NodeParts(nothing, lambda: None, lambda: None, lambda: None, lambda: RequestId(""), asked)
        threading.Thread(target=listener.serve, args=(NodeApp(parts), 1, lambda: None), daemon=True).start()
        threading.Thread(target=beat, args=(peers, gallery), daemon=True).start()
        while len(peers.names()) < count:
            time.sleep(0.05)
        yield gallery


def beat(peers: HttpShardPeers, gallery: ShardedGallery) -> None:
    """As a server does, for as long as the process lives."""
    while True:
        peers.beat()
        gallery.tend()
        time.sleep(0.5)


def node(name: str, url: str, data: Path, count: int) -> None:
    """A process: tells what its start took, then answers lines with JSON."""
    before_kb = private_kb()
    with opened_gallery(name, url, data, count) as gallery:
        begun, cpu = time.perf_counter(), time.process_time()
        gallery.warm(KEY)
        took = {"start_s": time.perf_counter() - begun, "start_cpu_s": time.process_time() - cpu}
        tell({**took, "mb": (private_kb() - before_kb) / 1024})
        for line in sys.stdin:
            limit, least = json.loads(line)
            told, times = [], []
            for query in queries():
                begun = time.perf_counter()
                hits = gallery.search_faces(KEY, query, limit, least)
                times.append(time.perf_counter() - begun)
                told.append([[hit.row, hit.cosine] for hit in hits])
            tell({"hits": told, "ms": sorted(times)[len(times) // 2] * 1e3, "worst_ms": max(times) * 1e3})


def tell(found: Any) -> None:
    """A line."""
    print(json.dumps(found), flush=True)


class Running:
    """A process of ``node``."""

    def __init__(self, name: str, url: str, data: Path, count: int) -> None:
        """Start; nothing is waited for."""
        command = [sys.executable, __file__, "--node", name, url, str(data), str(count)]
        self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def told(self) -> Any:
        """The next line."""
        assert self.popen.stdout is not None
        return json.loads(self.popen.stdout.readline())

    def asked(self, limit: int, least: float) -> Any:
        """What all searches found."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(f"{json.dumps([limit, least])}\n")
        self.popen.stdin.flush()
        return self.told()

    def close(self) -> None:
        """End it."""
        self.popen.kill()
        self.popen.communicate()


def setup(url: str, data: Path, count: int) -> dict[str, Any]:
    """Figures of so many processes."""
    names, found = [f"node-{count}-{number}" for number in range(count)], dict[str, Any]()
    for start in ("rows", "copies"):
        with ExitStack() as opened:
            running = [opened.enter_context(closing(Running(name, url, data, count))) for name in names]
            told = [one.told() for one in running]
            found[start] = {key: max(one[key] for one in told) for key in ("start_s", "start_cpu_s", "mb")}
            if start == "rows":
                time.sleep(6)  # a process that was killed is off the list then
                continue
            found["asked"] = [running[0].asked(*asked) for asked in ASKED]
            if count > 1:
                running[-1].close()
                found["failed"] = running[0].asked(*ASKED[0])
        time.sleep(6)
    return found


def measure(faces: int) -> dict[str, Any]:
    """Figures of all setups."""
    found: dict[str, Any] = {"load": os.getloadavg()[0], "cores": os.cpu_count(), "faces": faces, "setups": []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, server(Path(folder)) as url:
        data = Path(folder) / "data"
        fill(url, data, faces)
        wanted: list[Any] = []
        for count in SETUPS:
            one = setup(url, data, count)
            wanted = wanted or [each["hits"] for each in one["asked"]]
            pairs = [(each["hits"], hits) for each, hits in zip(one["asked"], wanted, strict=True)]
            if "failed" in one:
                pairs.append((one["failed"]["hits"], wanted[0]))
            differ = sum(mine != theirs for told, hits in pairs for mine, theirs in zip(told, hits, strict=True))
            found["setups"].append(
                {
                    "servers": count,
                    "answers": sum(len(told) for told, _ in pairs),
                    "differ": differ,
                    "ms": [round(each["ms"], 2) for each in one["asked"]],
                    "mb": round(one["copies"]["mb"]),
                    "rows_s": round(one["rows"]["start_s"], 1),
                    "copies_s": round(one["copies"]["start_s"], 2),
                    "rows_cpu_s": round(one["rows"]["start_cpu_s"], 1),
                    "copies_cpu_s": round(one["copies"]["start_cpu_s"], 2),
                    "taken_over_s": round(one["failed"]["worst_ms"] / 1e3, 1) if "failed" in one else None,
                }
            )
    return found


def section(found: dict[str, Any], command: str) -> report.Section:
    """The section of the page."""
    rows = [
        (
            f"{one['servers']}",
            f"{one['differ']} of {one['answers']}",
            *(f"{ms:g} ms" for ms in one["ms"]),
            f"{one['mb']} MB",
            f"{one['rows_s']:g} s ({one['rows_cpu_s']:g} s)",
            f"{one['copies_s']:g} s ({one['copies_cpu_s']:g} s)",
            "" if one["taken_over_s"] is None else f"{one['taken_over_s']:g} s",
        )
        for one in found["setups"]
    ]
    heads = [f"a search, {limit} hits at most from a cosine of {least:g}" for limit, least in ASKED]
    titles = (
        *("servers", "answers that differ", *heads, "memory of each, at most"),
        *("start from rows (processor)", "start from copies (processor)", "longest search after a kill"),
    )
    text = report.table(titles, rows)
    text += (
        f"\n\n{found['faces']:,} faces of {DIMENSION} floats, shards of {WIDTH:,} rows, medians of {SEARCHES} searches "
        "through one of the servers, each asking the database for the collection's version first. All servers and "
        f"PostgreSQL share {found['cores']} cores, so a search cannot become faster here; load {found['load']:.1f} at "
        "the start. A killed server is off the list after five seconds."
    )
    return report.Section("shards", "One collection in the memory of several servers", command, text)


def main() -> int:
    """Measure, print, write; 1 where an answer differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    parser.add_argument("--node", nargs=4, metavar=("NAME", "URL", "FOLDER", "COUNT"), help="be one of the processes")
    options = parser.parse_args()
    if options.node:
        name, url, data, count = options.node
        with suppress(BrokenPipeError):
            node(name, url, Path(data), int(count))
        return 0
    found = measure(options.faces)
    report.tell(found, lambda: section(found, "python bench/shards.py"), as_json=options.json)
    return int(any(one["differ"] for one in found["setups"]))


if __name__ == "__main__":
    sys.exit(main())

"""Three processes write one log and are killed, stopped and cut off at random: nothing confirmed is lost, no fork."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from custodes.ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH
from custodes.ledger.tree.growth import range_root
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.writer.audit import BodySource, audit
from custodes.ledger.writer.ports import TileStore
from custodes.storage.ledger.anchor import FileAnchor
from custodes.storage.ledger.shared_tiles import SharedTiles
from custodes.storage.objects.s3_tiles import S3Tiles
from tests.fakes.postgres import PostgresServer
from tests.fakes.s3 import lossy, s3_server
from tests.fakes.shared_log import BODY_KEY, KEY, node

pytestmark = pytest.mark.slow

NODES, SECONDS = 3, float(os.environ.get("CUSTODES_NODE_FAULTS_S", "4"))
SEED = int(os.environ.get("CUSTODES_NODE_FAULTS_SEED", "17"))


class Watcher(threading.Thread):
    """Whoever reads the public checkpoint, again and again, with ``pause_s`` in between."""

    def __init__(self, tiles: TileStore, pause_s: float) -> None:
        super().__init__(daemon=True)
        self._tiles, self._pause_s = tiles, pause_s
        self.seen: list[Checkpoint] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.wait(self._pause_s):
            note = self._tiles.get(CHECKPOINT_PATH)
            if note is not None:
                found = open_checkpoint(note, [KEY.verifier])
                if not self.seen or self.seen[-1] != found:
                    self.seen.append(found)


def started(url: str, folder: Path, acks: Path, bucket: tuple[str, ...]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.fakes.shared_log", url, str(folder), str(acks), *bucket]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2])


def confirmed(folder: Path) -> dict[int, str]:
    """Digests by place, of whole lines."""
    found: dict[int, str] = {}
    for path in folder.glob("acks-*"):
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                index, digest = line.split()
                assert found.setdefault(int(index), digest) == digest, "one place was given twice"
    return found


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_random_kills_stops_and_cuts(place: str, tmp_path: Path, postgres: PostgresServer) -> None:
    with ExitStack() as opened:
        if place == "folder":
            (tmp_path / "public").mkdir()
            disturb(tmp_path, postgres, SharedTiles(tmp_path / "public", tmp_path / "scratch"), ())
            return
        server = opened.enter_context(s3_server())
        bucket = server.bucket()
        line = opened.enter_context(lossy(server, 0.05, SEED))  # requests and answers get lost on it
        disturb(tmp_path, postgres, S3Tiles(server.endpoint, bucket, "log"), (line.url, bucket))


def disturb(tmp_path: Path, postgres: PostgresServer, tiles: TileStore, bucket: tuple[str, ...]) -> None:
    """Faults among nodes whose public files are in ``tiles``, and what has to hold after them."""
    url, chance, faults = postgres.database(), random.Random(SEED), dict.fromkeys(("kill", "stop", "cut"), 0)
    running, number = {}, 0
    watcher = Watcher(tiles, 0.1 if bucket else 0.01)  # a request takes the time of many files
    watcher.start()
    begun, last_s = time.monotonic(), time.monotonic() + max(120, 10 * SECONDS)
    try:
        while time.monotonic() < last_s and (time.monotonic() < begun + SECONDS or not all(faults.values())):
            while len(running) < NODES:
                running[number] = started(url, tmp_path, tmp_path / f"acks-{number}", bucket)
                number += 1
            time.sleep(chance.uniform(0.1, 0.5))
            if not all((tmp_path / f"acks-{each}").exists() for each in running):
                begun += 0.5  # one that starts does nothing yet that could go wrong
                continue
            victim = chance.choice(list(running))
            # Each kind happens, however few there is time for.
            missing = [kind for kind, times in faults.items() if not times]
            fault = chance.choice(missing or ["kill", "stop", "stop", "cut"])
            faults[fault] += 1
            if fault == "kill":
                running[victim].kill()
                running.pop(victim).wait()
            elif fault == "stop":
                running[victim].send_signal(signal.SIGSTOP)
                time.sleep(chance.choice([0.2, 0.5, 1.5]))  # a lease lasts for one second
                running[victim].send_signal(signal.SIGCONT)
            else:
                postgres.end_sessions(url)
    finally:
        for process in running.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in running.values():
            process.wait(90)
    acknowledged = confirmed(tmp_path)
    last = node(url, tmp_path, FileAnchor(tmp_path / "anchor"), tiles)
    last.log.start()
    last.publisher.start()
    size = last.log.flush().size
    watcher.stopping.set()
    watcher.join()
    tree = Tree(last.tiles, size, keep=4096)
    assert len(acknowledged) > 50, "nothing much happened"
    kept = {index: hashlib.sha256(envelope).hexdigest() for index, envelope in tree.entries()}
    assert all(kept[index] == digest for index, digest in acknowledged.items())
    sizes = [seen.size for seen in watcher.seen]
    assert sizes == sorted(set(sizes)), "the public checkpoint went back, or two were of one size"
    for seen in watcher.seen:
        assert not seen.size or range_root(0, seen.size, tree.node) == seen.root, "a fork"
    report = audit(last.tiles, [KEY.verifier], BodySource(last.bodies, BODY_KEY))
    last.close()
    assert report.difference is None, str(report.difference)
    assert all(faults.values()), faults

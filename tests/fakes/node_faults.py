"""Several ``serve`` processes under load, killed, stopped and cut off at random, and what has to hold after it.

In: processes not started yet, how many faults. Out: what happened; AssertionError where something acknowledged was
lost, the log forked, or does not agree with itself.
"""

from __future__ import annotations

import itertools
import random
import signal
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from custodes.deployment.record.audits import audit_log
from custodes.deployment.record.stored import LedgerSource
from custodes.ledger.tlog.checkpoint import Checkpoint, open_checkpoint
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH
from custodes.ledger.tree.growth import range_root
from custodes.ledger.tree.promise import parse_promise
from custodes.ledger.tree.tiles import Tree
from custodes.storage.ledger.open import LedgerPaths, read_tiles
from tests.fakes.engine import Square, picture
from tests.fakes.nodes import Cluster
from tests.fakes.postgres import PostgresServer

CLIENTS, STARTS, KINDS, ANSWERED_S = 4, 5, ("kill", "stop", "cut"), 60
COLLECTION = "people"
_FAILURES = (ClientError, BotoCoreError, OSError)


@dataclass(frozen=True)
class Plan:
    """What is to happen.

    ``faults`` at least, for ``seconds`` at least, each kind once at least; ``stops_s`` is for how long a process may
    stand still.
    """

    names: tuple[str, ...] = ("one", "two")
    faults: int = 3
    seconds: float = 2.0
    stops_s: tuple[float, ...] = (0.5,)
    seed: int = 17


@dataclass(frozen=True)
class Survived:
    """What happened: faults by kind, acknowledged entries that the log holds, faces there and gone, seconds."""

    faults: Mapping[str, int]
    promises: int
    faces: int
    erased: int
    checkpoints: int
    entries: int
    seconds: float


class Servers:
    """The processes; those that are not running are being started."""

    def __init__(self, nodes: Cluster) -> None:
        self._nodes = nodes
        self._starting: list[threading.Thread] = []
        self.lock = threading.Lock()

    def serving(self) -> list[str]:
        with self.lock:
            return list(self._nodes.running)

    def start(self, name: str) -> None:
        """Begin a process, again where a fault met it at its start; it serves after a while."""

        def begin() -> None:
            process = None
            for _ in range(STARTS):
                process = process or self._nodes.begun(name)
            assert process is not None, "a server does not start any more"
            with self.lock:
                self._nodes.running[name] = process

        self._starting.append(threading.Thread(target=begin))
        self._starting[-1].start()

    def kill(self, name: str) -> None:
        with self.lock:
            process = self._nodes.running.pop(name)
        process.stop(signal.SIGKILL)
        self.start(name)

    def stop(self, name: str, seconds: float) -> None:
        """Let a process stand still for so long; it is not killed meanwhile."""
        with self.lock:
            process = self._nodes.running.pop(name)
        process.popen.send_signal(signal.SIGSTOP)

        def go_on() -> None:
            time.sleep(seconds)
            process.popen.send_signal(signal.SIGCONT)
            with self.lock:
                self._nodes.running[name] = process

        self._starting.append(threading.Thread(target=go_on))
        self._starting[-1].start()

    def join(self) -> None:
        for thread in self._starting:
            thread.join()

    def client(self, name: str) -> Any:
        with self.lock:
            process = self._nodes.running.get(name)
        config = Config(retries={"total_max_attempts": 1}, read_timeout=4, connect_timeout=2)
        return None if process is None else process.client(config)


class Worker(threading.Thread):
    """A thread that works until it is told to stop; what it ends with before that is kept."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.error = error
            raise

    def work(self) -> None:
        raise NotImplementedError


class Visitor(Worker):
    """Enrols and erases faces, at whichever server answers, and writes down what was acknowledged."""

    def __init__(self, servers: Servers, plan: Plan, number: int) -> None:
        super().__init__()
        self._servers, self._names = servers, plan.names
        self._chance = random.Random(f"{plan.seed} {number}")
        self._pictures = (number + CLIENTS * turn for turn in itertools.count())
        self.there: set[str] = set()
        self.gone: set[str] = set()
        self.unknown: set[str] = set()
        self.promises: list[str] = []

    def work(self) -> None:
        while not self.stopping.is_set():
            client = self._servers.client(self._chance.choice(self._names))
            if client is None:
                self.stopping.wait(0.05)
                continue
            with suppress(*_FAILURES):
                for _ in range(5):
                    self._step(client)
            client.close()

    def _step(self, client: Any) -> None:
        if self.there and self._chance.random() < 0.2:
            face = min(self.there)
            self.there.discard(face)
            self.unknown.add(face)
            answer = client.delete_faces(CollectionId=COLLECTION, FaceIds=[face])
            whole(answer, "DeletedFaces")
            self.unknown.discard(face)
            self.gone.add(face)
        else:
            number = next(self._pictures)
            image = picture(Square(1 + number % 8), width=100 + number % 900, height=100 + number // 900)
            answer = client.index_faces(CollectionId=COLLECTION, Image={"Bytes": image})
            self.there |= {record["Face"]["FaceId"] for record in whole(answer, "FaceRecords")}
        self.promises.append(answer["ResponseMetadata"]["HTTPHeaders"]["x-custodes-receipt"])


def whole(answer: Mapping[str, Any], member: str) -> Any:
    """``member`` of an answer; boto3 takes one that was cut off behind its head, by a kill, for an empty one."""
    if member not in answer:
        raise ConnectionError("the answer was cut off")
    return answer[member]


class Watcher(Worker):
    """Whoever reads the public checkpoint, again and again."""

    def __init__(self, path: Path, key: VerifierKey) -> None:
        super().__init__()
        self._path, self._key = path, key
        self.seen: list[Checkpoint] = []

    def work(self) -> None:
        while not self.stopping.wait(0.02):
            found = open_checkpoint(self._path.read_bytes(), [self._key])
            if not self.seen or self.seen[-1] != found:
                self.seen.append(found)


@contextmanager
def running(threads: list[Worker]) -> Iterator[None]:
    """Let ``threads`` work during the block; raises what one of them ended with."""
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.stopping.set()
        for thread in threads:
            thread.join(ANSWERED_S)
    for thread in threads:
        if thread.error is not None:
            raise thread.error


def disturb(servers: Servers, nodes: Cluster, postgres: PostgresServer, plan: Plan) -> Counter[str]:
    """Random faults as planned."""
    chance, faults, end = random.Random(plan.seed), Counter[str](), time.monotonic() + plan.seconds
    while time.monotonic() < end or faults.total() < plan.faults or len(faults) < len(KINDS):
        time.sleep(chance.uniform(0.2, 0.8))
        serving = servers.serving()
        if len(serving) < len(plan.names) - 1:
            continue
        victim = chance.choice(serving)
        missing = [kind for kind in KINDS if not faults[kind]]
        kind = chance.choice(missing or ["kill", "kill", "stop", "stop", "cut"])
        faults[kind] += 1
        if kind == "kill":
            servers.kill(victim)
        elif kind == "stop":
            servers.stop(victim, chance.choice(plan.stops_s))
        else:
            postgres.end_sessions(nodes.url)
    return faults


def listed(client: Any) -> set[str]:
    """Face ids, from a server that is asked until it answers."""
    end = time.monotonic() + ANSWERED_S
    while True:
        try:
            pages = client.get_paginator("list_faces").paginate(CollectionId=COLLECTION)
            return {face["FaceId"] for page in pages for face in page["Faces"]}
        except _FAILURES:
            assert time.monotonic() < end, "the server does not answer any more"
            time.sleep(0.2)


def survive(nodes: Cluster, postgres: PostgresServer, plan: Plan) -> Survived:
    """Start the processes, disturb them as planned while four clients work, stop them, and look what is left."""
    begun_s = time.monotonic()
    nodes.start(*plan.names)
    paths = LedgerPaths(nodes.data)
    key = VerifierKey.parse(paths.verifier.read_text().strip())
    servers = Servers(nodes)
    servers.client(plan.names[0]).create_collection(CollectionId=COLLECTION)
    visitors = [Visitor(servers, plan, number) for number in range(CLIENTS)]
    watcher = Watcher(paths.public / CHECKPOINT_PATH, key)
    with running([watcher]):
        with running(list(visitors)):
            faults = disturb(servers, nodes, postgres, plan)
            end = time.monotonic() + ANSWERED_S
            while time.monotonic() < end and sum(len(one.promises) for one in visitors) <= 2 * CLIENTS:
                time.sleep(0.1)  # a busy machine: nothing much happened yet
        servers.join()
        nodes.keeper()
        for name in plan.names:
            with urllib.request.urlopen(f"{nodes.running[name].url}/healthz", timeout=10):
                pass
            found = listed(servers.client(name))
            there, gone = (set().union(*(getattr(one, what) for one in visitors)) for what in ("there", "gone"))
            assert there <= found and not gone & found
        nodes.close()
    promises = [parse_promise(token) for visitor in visitors for token in visitor.promises]
    assert len(promises) > 2 * CLIENTS, "nothing much happened"
    tree = Tree(read_tiles(nodes.data), watcher.seen[-1].size, keep=4096)
    assert all(tree.entry(promise.index) == promise.envelope for promise in promises), "a promise was not kept"
    assert len({promise.index for promise in promises}) == len(promises), "one place was given twice"
    sizes = [seen.size for seen in watcher.seen]
    assert sizes == sorted(set(sizes)), "the public checkpoint went back, or two were of one size"
    assert all(range_root(0, seen.size, tree.node) == seen.root for seen in watcher.seen if seen.size), "a fork"
    report = audit_log(LedgerSource(nodes.data, nodes.url), [key], True, lambda _done, _all: None)
    assert report.difference is None, str(report.difference)
    kept = len(there), len(gone), len(watcher.seen), tree.size
    return Survived(dict(faults), len(promises), *kept, time.monotonic() - begun_s)

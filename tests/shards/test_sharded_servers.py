"""Three processes that have collections in memory together: killed, stopped, cut off, and never half an answer."""

from __future__ import annotations

import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.everyday import Everyday, closed, on_record
from tests.fakes.live import running
from tests.fakes.nodes import Cluster, cluster, running_node
from tests.fakes.postgres import PostgresServer

NAMES = ("one", "two", "three")
SHARDED = {"CUSTODES_SEARCH": "sharded", "CUSTODES_SHARD_FACES": "4"}
FACES = 60
FAILURES = (ClientError, BotoCoreError, OSError)
PATIENT = Config(retries={"total_max_attempts": 1}, read_timeout=30, connect_timeout=2)

Answer = list[tuple[str, float]]


def shot(number: int) -> dict[str, bytes]:
    return {"Bytes": picture(Square(1 + number % 8, angle_deg=number, left=10 + number), width=400 + number)}


def searched(client: Any, number: int) -> Answer:
    found = client.search_faces_by_image(CollectionId="people", Image=shot(number), MaxFaces=4096, FaceMatchThreshold=0)
    # A connection that is cut behind the head of an answer is no answer.
    return [(one["Face"]["FaceId"], one["Similarity"]) for one in found["FaceMatches"]]


def held(nodes: Cluster) -> list[int]:
    return [nodes.health(name)["shards"]["faces"] for name in nodes.running]


@pytest.fixture
def nodes(tmp_path: Path, postgres: PostgresServer) -> Iterator[Cluster]:
    with cluster(postgres.database(), tmp_path, SHARDED) as made:
        made.start(*NAMES)
        client = made.running["one"].client(PATIENT)
        client.create_collection(CollectionId="people")
        for number in range(FACES):
            client.index_faces(CollectionId="people", Image=shot(number))
        client.close()
        yield made


def test_the_everyday_requests_have_the_answers_of_one_server(tmp_path: Path, postgres: PostgresServer) -> None:
    with ExitStack() as opened:
        alone = opened.enter_context(running(tmp_path / "alone", engine=SquareEngine()))
        url, data, sharded = postgres.database(), tmp_path / "three", {"search": "sharded", "shard_faces": 3}
        servers = [opened.enter_context(running_node(name, url, data, sharded)) for name in NAMES]
        answers = []
        for clients in ([alone.client()], [server.client() for server in servers]):
            everyday = Everyday(clients)
            everyday.run(300)
            answers.append(everyday.answers)
            closed(*clients)
        assert answers[0] == answers[1]
        assert sum(server.health()["shards"]["faces"] for server in servers) > 0
    assert on_record(tmp_path / "alone", "") == on_record(data, url)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_when_a_server_fails_the_others_take_over_and_no_answer_is_incomplete(nodes: Cluster, how: str) -> None:
    clients = {name: nodes.running[name].client(PATIENT) for name in NAMES}
    wanted = searched(clients["one"], 7)
    assert len(wanted) == FACES
    assert [searched(client, 7) for client in clients.values()] == [wanted] * 3
    counts = held(nodes)
    assert sum(counts) == FACES and max(counts) < FACES
    victim = nodes.running.pop("three")
    victim.popen.send_signal(signal.SIGKILL if how == "kill" else signal.SIGSTOP)
    begun = time.monotonic()
    for name in ("one", "two"):
        assert searched(clients[name], 7) == wanted
    assert time.monotonic() - begun < 20
    gone = wanted[0][0]
    clients[nodes.keeper()].delete_faces(CollectionId="people", FaceIds=[gone])
    left = [one for one in wanted if one[0] != gone]
    nodes.running["three"] = victim
    if how == "stop":
        victim.popen.send_signal(signal.SIGCONT)
        # It wakes up with what it had, and answers nobody from that. The old line to it was idle for too long.
        assert searched(victim.client(PATIENT), 7) == left
    for name in ("one", "two"):
        assert searched(clients[name], 7) == left


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_answer_is_whole_while_servers_are_killed_stopped_and_cut_off(
    nodes: Cluster, postgres: PostgresServer
) -> None:
    wanted = {number: searched(nodes.running["one"].client(PATIENT), number) for number in range(4)}
    stopping, wrong, answers = threading.Event(), list[str](), list[str]()
    lock = threading.Lock()

    def search(number: int) -> None:
        chance = random.Random(number)
        while not stopping.is_set():
            with lock:
                name = chance.choice(list(nodes.running))
                client = nodes.running[name].client(PATIENT)
            at = chance.randrange(4)
            with suppress(*FAILURES, KeyError):
                found = searched(client, at)
                answers.append(name)
                if found != wanted[at]:
                    wrong.append(f"{name}: {len(found)} faces")
            client.close()

    threads = [threading.Thread(target=search, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    chance = random.Random(17)
    for kind in ("kill", "stop", "cut", "kill", "stop"):
        name = chance.choice(NAMES)
        if kind == "cut":
            postgres.end_sessions(nodes.url)
        elif kind == "stop":
            nodes.running[name].popen.send_signal(signal.SIGSTOP)
            time.sleep(7)
            nodes.running[name].popen.send_signal(signal.SIGCONT)
        else:
            with lock:
                nodes.stop(name, signal.SIGKILL)
            time.sleep(1)
            begun = nodes.begun(name)
            assert begun is not None
            with lock:
                nodes.running[name] = begun
        time.sleep(1)
    stopping.set()
    for thread in threads:
        thread.join()
    assert wrong == [] and len(answers) > 20
    for process in nodes.running.values():
        assert searched(process.client(PATIENT), 2) == wanted[2]


def test_nobody_without_the_key_of_the_servers_is_answered(nodes: Cluster) -> None:
    url = nodes.running["two"].url
    for data in (b"", b"x" * 200, b"x" * 70_000):
        with pytest.raises((urllib.error.HTTPError, OSError)) as raised:
            urllib.request.urlopen(urllib.request.Request(f"{url}/nodes/shard", data), timeout=10)
        if isinstance(raised.value, urllib.error.HTTPError):
            assert raised.value.code == 403
            raised.value.close()

"""What only one server does, asked of another one: live connections, imports; and another one does it after a kill."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from custodes.storage.files.credentials import stored_key
from tests.fakes.command import custodes
from tests.fakes.engine import Square, picture
from tests.fakes.liveness_client import Key, stream
from tests.fakes.nodes import Node, cluster, running_node
from tests.fakes.postgres import PostgresServer
from tests.fakes.waiting import eventually

LEASE_AND_OPENING_S = 60.0
"""A lease is five seconds; the rest is for a loaded machine."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[tuple[Node, Node]]:
    """Two servers: the one with the duties, and another one."""
    data, url = tmp_path_factory.mktemp("duties") / "data", postgres.database()
    with running_node("one", url, data) as one, running_node("two", url, data) as two:
        assert [one.health()["duties"], two.health()["duties"]] == [True, False]
        yield one, two


def key_of(node: Node) -> Key:
    found = stored_key(node.data)
    assert found is not None
    return Key(*found)


def test_a_liveness_check_over_a_server_that_passes_it_on(pair: tuple[Node, Node]) -> None:
    _, other = pair
    client, key = other.client(), key_of(other)
    preferences = [{"Type": "FaceMovementChallenge"}, {"Type": "FaceMovementAndLightChallenge"}]
    made = client.create_face_liveness_session(Settings={"ChallengePreferences": preferences})
    with stream(other.url, key, made["SessionId"]) as opened:
        assert opened.challenge()["Type"] == "FaceMovementChallenge"
        found = client.get_face_liveness_session_results(SessionId=made["SessionId"])
        assert found["Status"] == "IN_PROGRESS"
        opened.information("FaceMovementChallenge", VideoStartTimestamp=1_700_000_000_000)
        opened.video(b"\x1a\x45\xdf\xa3 is no video", piece=5)
        kind, told = opened.event()
        assert kind == "ValidationException", told
        assert opened.closed() == 1000
    results = client.get_face_liveness_session_results
    eventually(lambda: results(SessionId=made["SessionId"])["Status"] == "FAILED")
    with stream(other.url, key, "00000000-0000-4000-8000-00000000000a") as opened:
        assert opened.event()[0] == "SessionNotFoundException"
        assert opened.closed() == 1000


@pytest.mark.parametrize("path", ["/custodes/v1/events", "/nothing"])
def test_a_socket_that_is_refused_is_refused_alike(pair: tuple[Node, Node], path: str) -> None:
    ends = []
    for node in pair:
        try:
            with connect(f"ws{node.url.removeprefix('http')}{path}", compression=None) as socket:
                said = socket.recv(timeout=10)
                socket.recv(timeout=10)
            ends.append(f"accepted {said!r}")
        except ConnectionClosed as error:
            ends.append(f"closed {error.rcvd.code if error.rcvd else None}")
        except InvalidStatus as error:
            ends.append(f"refused {error.response.status_code}")
    assert ends[0] == ends[1]
    assert "accepted" not in ends[0]


def test_an_archive_is_imported_over_a_server_that_passes_it_on(pair: tuple[Node, Node], tmp_path: Path) -> None:
    keeper, other = pair
    other.client().create_collection(CollectionId="old")
    image = {"Bytes": picture(Square(20))}
    other.client().index_faces(CollectionId="old", Image=image, ExternalImageId="Ann")
    archive, key = tmp_path / "old.archive", tmp_path / "old.key"

    def command(*words: object) -> Any:
        variables = {
            "AWS_SHARED_CREDENTIALS_FILE": str(keeper.data / "credentials"),
            "AWS_CONFIG_FILE": str(keeper.data / "config"),
            "AWS_PROFILE": "custodes",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        done = custodes("collection", *words, "--endpoint", other.url, variables=variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    command("export", "old", "--out", archive, "--key", key)
    other.client().create_collection(CollectionId="new")
    report = json.loads(command("import", archive, "--key", key, "--collection", "new", "--json"))
    assert report["added"] == 1
    for node in pair:
        (found,) = node.client().search_faces_by_image(CollectionId="new", Image=image)["FaceMatches"]
        assert found["Face"]["ExternalImageId"] == "Ann"


def until(ask: Any) -> Any:
    """What is answered once it is; clients of AWS try again by themselves, for less long."""
    end = time.monotonic() + LEASE_AND_OPENING_S
    while True:
        with suppress(ClientError, BotoCoreError):
            return ask()
        assert time.monotonic() < end, "nobody does it"
        time.sleep(0.1)


def test_another_process_takes_the_duties_up_after_a_kill(tmp_path: Path, postgres: PostgresServer) -> None:
    with cluster(postgres.database(), tmp_path) as nodes:
        nodes.start("one", "two")
        first = nodes.keeper()
        (second,) = set(nodes.running) - {first}
        client = nodes.running[second].client(Config(retries={"total_max_attempts": 1}, read_timeout=20))
        client.create_collection(CollectionId="people")
        face = client.index_faces(CollectionId="people", Image={"Bytes": picture(Square(20))})["FaceRecords"][0]["Face"]
        nodes.stop(first, signal.SIGKILL)
        assert until(lambda: client.delete_faces(CollectionId="people", FaceIds=[face["FaceId"]]))["DeletedFaces"]
        assert nodes.keeper() == second
        nodes.start(first)
        assert not nodes.health(first)["duties"]
        back = nodes.running[first].client()
        assert back.list_stream_processors()["StreamProcessors"] == []
        assert back.describe_collection(CollectionId="people")["FaceCount"] == 0
        nodes.stop(second, signal.SIGTERM)
        until(back.list_stream_processors)
        assert nodes.keeper() == first

"""Collections turned into vectors of another network: from whichever pictures there are, never mixed, all at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from custodes.core.ids import ModelVersion
from custodes.core.slot import Slot
from custodes.engine.results.face import DetectedFace, FloatArray, VectorUse
from custodes.imaging.image import Image
from custodes.ledger.tlog.entry import decode
from tests.fakes.command import custodes
from tests.fakes.engine import DIMENSION, Square, SquareEngine, picture
from tests.fakes.live import REGION, LiveServer, running
from tests.fakes.nodes import Node, running_node, stored_key
from tests.fakes.postgres import PostgresServer
from tests.streams.kept import post

PEOPLE = {"Ann": 1, "Bob": 2, "Cas": 3, "Dan": 4}
PATH = "/custodes/v1/reembedding"


NEXT = ModelVersion("2.0")


@dataclass
class NextEngine(SquareEngine):
    """Another network: its vectors have more numbers, in another order."""

    model_version: ModelVersion = NEXT
    dimension: int = DIMENSION + 4

    def embed(self, slot: Slot, image: Image, faces: Sequence[DetectedFace], use: VectorUse) -> FloatArray:
        found = super().embed(slot, image, faces, use)
        padded = np.zeros((len(faces), self.dimension), np.float32)
        padded[:, 4:] = found[:, ::-1] if len(faces) else 0
        return padded


def photo(name: str) -> bytes:
    return picture(Square(PEOPLE[name]))


def enrol(server: LiveServer | Node) -> dict[str, str]:
    """Four faces, two of them a person's; ids by name."""
    client = server.client()
    client.create_collection(CollectionId="staff")
    found = {}
    for name in PEOPLE:
        answer = client.index_faces(CollectionId="staff", Image={"Bytes": photo(name)}, ExternalImageId=name)
        found[name] = answer["FaceRecords"][0]["Face"]["FaceId"]
    client.create_user(CollectionId="staff", UserId="ann")
    client.create_user(CollectionId="staff", UserId="nobody")
    pair = [found["Ann"], found["Bob"]]
    client.associate_faces(CollectionId="staff", UserId="ann", FaceIds=pair, UserMatchThreshold=0)
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def faces(data: Path) -> dict[str, str]:
    with running(data, engine=SquareEngine()) as server:
        return enrol(server)


@pytest.fixture
def server(data: Path, faces: dict[str, str]) -> Iterator[LiveServer]:
    """The same directory, after another network was installed."""
    assert faces
    with running(data, engine=NextEngine()) as found:
        yield found


def photos(folder: Path, *names: str, called: Sequence[str] = ()) -> str:
    folder.mkdir(exist_ok=True)
    for name, file in zip(names, called or names, strict=True):
        (folder / f"{file}.png").write_bytes(photo(name))
    return str(folder)


def words(data: Path, folder: str, *more: str) -> list[str]:
    given = ["task", "re-embed", "--collection", "staff", "--photos", folder, "--names", "file", "--json"]
    return [*given, "--data", str(data), *more]


def run(server: LiveServer, folder: str, *more: str) -> CompletedProcess[str]:
    return custodes(*words(server.data, folder, *more), variables={**os.environ, **server.environment()})


def told(done: CompletedProcess[str]) -> dict[str, Any]:
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout))


def found(server: LiveServer | Node, name: str) -> list[str]:
    answer = server.client().search_faces_by_image(
        CollectionId="staff", Image={"Bytes": photo(name)}, FaceMatchThreshold=99
    )
    return [match["Face"]["ExternalImageId"] for match in answer["FaceMatches"]]


def test_pictures_come_one_by_one_and_nothing_is_searched_before_the_switch(
    server: LiveServer, faces: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ClientError, match="re-embed"):
        found(server, "Ann")
    page = tmp_path / "left.html"
    done = run(server, photos(tmp_path / "a", "Ann", "Bob"), "--switch", "--report", str(page))
    facts = told(done)
    assert done.returncode == 3, done.stderr
    assert (facts["faces"], facts["missing_before"], facts["missing"], facts["switched"]) == (4, 4, 2, False)
    assert {one["face_id"]: one["reason"] for one in facts["left"]} == {
        faces["Cas"]: "NO_PICTURE",
        faces["Dan"]: "NO_PICTURE",
    }
    assert faces["Cas"] in page.read_text()
    answer = post(server, "SwitchFaceModel", f"{PATH}/switch", CollectionId="staff")
    assert "2 of 4 faces" in answer["Message"]
    with pytest.raises(ClientError, match="re-embed"):
        found(server, "Ann")
    done = run(server, photos(tmp_path / "b", "Cas", "Dan"), "--switch")
    facts = told(done)
    assert (done.returncode, facts["missing_before"], facts["missing"], facts["switched"]) == (0, 2, 0, True)
    assert [found(server, name) for name in PEOPLE] == [[name] for name in PEOPLE]
    client = server.client()
    assert client.describe_collection(CollectionId="staff")["FaceModelVersion"] == "2.0"
    persons = client.search_users_by_image(CollectionId="staff", Image={"Bytes": photo("Ann")}, UserMatchThreshold=0)
    assert [one["User"]["UserId"] for one in persons["UserMatches"]] == ["ann"]
    again = client.index_faces(CollectionId="staff", Image={"Bytes": photo("Ann")}, ExternalImageId="Ann")
    assert again["FaceRecords"][0]["Face"]["FaceId"] == faces["Ann"], "the same photo adds nothing afterwards, too"
    assert told(run(server, str(tmp_path / "b")))["switched"]


def test_who_is_erased_in_the_middle_stays_erased(server: LiveServer, faces: dict[str, str], tmp_path: Path) -> None:
    folder = photos(tmp_path / "a", *PEOPLE)
    assert told(run(server, folder))["missing"] == 0
    server.client().delete_faces(CollectionId="staff", FaceIds=[faces["Cas"]])
    facts = told(run(server, folder, "--switch"))
    assert (facts["faces"], facts["switched"]) == (3, True)
    assert found(server, "Cas") == []
    left = server.client().list_faces(CollectionId="staff")["Faces"]
    assert faces["Cas"] not in {face["FaceId"] for face in left}
    answer = post(
        server,
        "ReembedFaces",
        f"{PATH}/pictures",
        CollectionId="staff",
        Image={"Bytes": ""},
        FaceIds=[faces["Cas"]],
    )
    assert "Reembedded" not in answer


def test_what_is_done_outlives_a_killed_command_and_the_server(
    data: Path, faces: dict[str, str], tmp_path: Path
) -> None:
    folder = photos(tmp_path / "a", *PEOPLE)
    with running(data, engine=NextEngine()) as server:
        command = [sys.executable, "-m", "custodes", *words(server.data, folder, "--jobs", "1")]
        child = subprocess.Popen(
            command, env={**os.environ, **server.environment()}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            while missing(server) == len(PEOPLE) and child.poll() is None:
                time.sleep(0.005)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
        kept = missing(server)
        assert kept < len(PEOPLE)
    with running(data, engine=NextEngine()) as server:
        assert missing(server) <= kept
        facts = told(run(server, folder, "--switch"))
        assert (facts["missing"], facts["switched"]) == (0, True)
        assert found(server, "Dan") == ["Dan"]


def missing(server: LiveServer) -> int:
    listed = post(server, "ListFacesToReembed", f"{PATH}/list", CollectionId="staff")
    return int(listed["MissingCount"])


def test_another_picture_counts_only_where_it_is_plain_whom_it_shows(
    server: LiveServer, faces: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / f"{faces['Ann']}.png").write_bytes(picture(Square(1, left=40)))  # another photo of hers
    (folder / "Bob.png").write_bytes(picture(Square(2, left=10), Square(7, left=200)))  # somebody beside him
    (folder / "Cas.png").write_bytes(picture())
    (folder / "Dan.png").write_bytes(b"no picture")
    facts = told(run(server, str(folder)))
    assert {one["face_id"]: one["reason"] for one in facts["left"]} == {
        faces["Bob"]: "AMBIGUOUS",
        faces["Cas"]: "NOT_IN_PICTURE",
        faces["Dan"]: "UNREADABLE",
    }


def test_each_picture_and_the_switch_are_on_record(server: LiveServer, tmp_path: Path) -> None:
    run(server, photos(tmp_path / "a", *PEOPLE), "--switch")
    log = server.deployment.ledger.log
    log.flush()
    bodies = [
        json.loads(log.body(index) or b"{}")
        for index in range(log.published.size)
        if decode(log.tree().entry(index)).kind == "use"
    ]
    counts = [body["counts"] for body in bodies if body["op"] == "ReembedFaces"]
    assert counts == [{"faces_detected": 1, "faces_reembedded": 1}] * 4
    assert [body["counts"] for body in bodies if body["op"] == "SwitchFaceModel"] == [{"faces_switched": 4}]


def test_servers_beside_each_other_search_one_model_at_a_time(postgres: PostgresServer, tmp_path: Path) -> None:
    data, url = tmp_path / "data", postgres.database()
    with running_node("one", url, data) as old, running_node("two", url, data, engine=NextEngine()) as new:
        enrol(old)
        key = stored_key(data)
        assert key is not None
        secrets = {"AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1], "AWS_DEFAULT_REGION": REGION}
        given = [*words(data, photos(tmp_path / "a", *PEOPLE)), "--endpoint", new.url]
        done = custodes(*given, variables={**os.environ, **secrets, "CUSTODES_DATABASE": url})
        assert told(done)["missing"] == 0, done.stderr
        assert found(old, "Ann") == ["Ann"], "as before, while the other vectors wait"
        with pytest.raises(ClientError, match="re-embed"):
            found(new, "Ann")
        done = custodes(*given, "--switch", variables={**os.environ, **secrets, "CUSTODES_DATABASE": url})
        assert told(done)["switched"], done.stderr
        assert found(new, "Ann") == ["Ann"]
        with pytest.raises(ClientError, match="re-embed"):
            found(old, "Ann")

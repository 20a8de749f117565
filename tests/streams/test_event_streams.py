"""Events as they come: filters, server-sent events, WebSocket, places that hold over restarts, corrections."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from websockets.sync.client import connect

from custodes.core.ids import AccountId
from custodes.ledger.tlog.entry import decode
from tests.fakes.blobs import BlobEngine, portrait
from tests.fakes.command import custodes
from tests.fakes.live import LiveServer, running
from tests.streams.kept import DAY_MS, HOUR_MS, PATH, EventSource, ask, correct, listed, post, presigned, seen, store

FACE = "12345678-1234-4123-8123-123456789012"
SEEDED = 8
BACK = "arn:aws:kinesisvideo:eu-central-1:123456789012:stream/back/1"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one enrolled face and six events: 1 Ann, 2 unknown, 3 at the back, 4 gone face, 5 old, 6 now."""
    path = tmp_path_factory.mktemp("events") / "data"
    with running(path, engine=BlobEngine()) as server:
        client = server.client()
        client.create_collection(CollectionId="staff")
        image = {"Bytes": portrait("ann")}
        answer = client.index_faces(CollectionId="staff", Image=image, ExternalImageId="Ann")
        account = AccountId(server.deployment.keys.account_id)
    face_id = answer["FaceRecords"][0]["Face"]["FaceId"]
    known = {"face_id": face_id, "external_image_id": "Ann", "similarity_pct": 99.0, "picture": b"jpeg"}
    ts_ms = seen(account).ts_ms
    with store(path) as events:
        events.add(
            [
                seen(account, **known),
                seen(account, track=1),
                seen(account, processor="back", source_arn=BACK, **known | {"similarity_pct": 91.0}),
                seen(account, **known | {"face_id": FACE}),
                seen(account, ts_ms=ts_ms - 2 * DAY_MS, expires_ts_ms=ts_ms - DAY_MS),
                seen(account, ts_ms=ts_ms + 2 * HOUR_MS, track=2),
                seen(AccountId("210987654321"), **known),
            ]
        )
    return path


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[LiveServer]:
    with running(data, engine=BlobEngine()) as found:
        yield found


@pytest.fixture(scope="module")
def face_id(server: LiveServer) -> str:
    return str(server.client().list_faces(CollectionId="staff")["Faces"][0]["FaceId"])


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({}, [1, 2, 3, 4, 6]),
        ({"Known": True}, [1, 3]),
        ({"Known": False}, [2, 4, 6]),
        ({"ExternalImageId": "Ann"}, [1, 3]),
        ({"StreamArn": BACK}, [3]),
        ({"ProcessorName": "front", "Known": True}, [1]),
        ({"MinSimilarity": 95}, [1]),
        ({"Since": "now-1h"}, [6]),
        ({"Until": "now-1h"}, [1, 2, 3, 4]),
        ({"Since": "now-3h", "Until": "now-90m", "Known": True}, [1, 3]),
        ({"Kind": "CORRECTED"}, []),
        ({"After": 3}, [4, 6]),
    ],
)
def test_events_are_found_by_what_they_say(server: LiveServer, asked: dict[str, Any], places: list[int]) -> None:
    assert [place for place in listed(server, **asked) if place < SEEDED] == places


def test_a_page_is_had_by_get_too(server: LiveServer) -> None:
    request = AWSRequest("GET", presigned(server, "http", Known="true", MaxResults=1))
    answer = URLLib3Session().send(request.prepare())
    assert answer.status_code == 200 and "x-custodes-receipt" in answer.headers
    assert [one["Place"] for one in json.loads(answer.content)["Events"]] == [1]


def test_what_comes_is_told_by_server_sent_events_and_by_websocket(server: LiveServer, face_id: str) -> None:
    with closing(EventSource(server, Known="true")) as source, connect(presigned(server, "ws", After=4)) as socket:
        assert source.answer.headers["content-type"].startswith("text/event-stream")
        assert [source.next()[1]["Place"] for _ in range(2)] == [1, 3]
        assert json.loads(socket.recv(10))["Place"] == 6
        made = correct(server, 2, FaceId=face_id)["Event"]
        kind, told = source.next()
        assert kind == "corrected" and told == made and made["Corrects"] == 2 and made["ExternalImageId"] == "Ann"
        heard = json.loads(socket.recv(10))
        while "Place" not in heard:
            heard = json.loads(socket.recv(10))
        assert heard == made
    entry = decode(server.deployment.ledger.log.tree().entry(made["LedgerIndex"]))
    assert entry.kind == "auth"


def test_a_correction_leaves_the_event_and_says_no_more_than_who(server: LiveServer) -> None:
    made = correct(server, 1)["Event"]
    assert made["Kind"] == "CORRECTED" and not {"FaceId", "ExternalImageId", "Similarity", "Picture"} & made.keys()
    assert made["Track"] == 0 and made["Timestamp"] == post(server, "ListStreamEvents", PATH)["Events"][0]["Timestamp"]
    assert listed(server, MaxResults=1, Known=True) == [1], "events never change"


@pytest.mark.parametrize(
    ("place", "members", "code"),
    [
        (999, {}, "ResourceNotFoundException"),
        (5, {}, "ResourceNotFoundException"),
        (7, {}, "ResourceNotFoundException"),
        (1, {"FaceId": FACE}, "ResourceNotFoundException"),
        (1, {"FaceId": FACE, "CollectionId": "nowhere"}, "ResourceNotFoundException"),
    ],
    ids=["never was", "forgotten", "of another account", "no such face", "no such collection"],
)
def test_what_is_not_there_cannot_be_corrected(
    server: LiveServer, place: int, members: dict[str, str], code: str
) -> None:
    before = listed(server)
    assert correct(server, place, **members)["Code"] == code
    assert listed(server) == before


def test_a_correction_is_not_corrected(server: LiveServer) -> None:
    place = correct(server, 6)["Event"]["Place"]
    assert correct(server, place)["Code"] == "InvalidParameterException"


def test_strangers_and_whoever_may_not_hear_nothing(server: LiveServer) -> None:
    stranger = Credentials("AKIANOBODY", "secret")
    with closing(EventSource(server, stranger)) as source:
        assert source.answer.status in (400, 403) and b"Place" not in source.answer.read()
    with connect(presigned(server, "ws", stranger)) as socket:
        assert "Code" in json.loads(socket.recv(10))


def test_who_may_listen_no_more_hears_no_more(server: LiveServer) -> None:
    ask(server, "user create", user="ear")
    key = ask(server, "key create", user="ear")
    signer = Credentials(key["access_key_id"], key["secret_access_key"])
    with closing(EventSource(server, signer)) as source:
        assert source.next()[0] == "refused", "a user without a policy may nothing"
    may = {"Effect": "Allow", "Action": "rekognition:ListStreamEvents", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    ask(server, "document put", owner="user/ear", name="listen", text=document)
    with closing(EventSource(server, signer, Kind="SEEN", After=5)) as source:
        assert source.next()[1]["Place"] == 6
        ask(server, "document delete", owner="user/ear", name="listen")
        correct(server, 2)
        assert source.next()[0] == "refused"


def test_every_look_is_on_record(server: LiveServer) -> None:
    log = server.deployment.ledger.log
    log.flush()
    before = log.published.size
    with closing(EventSource(server)) as source:
        source.next()
    log.flush()
    kinds = [decode(log.tree().entry(index)).kind for index in range(before, log.published.size)]
    assert kinds.count("use") == 1 and kinds.count("auth") == 1


def test_an_account_has_only_so_many_streams(server: LiveServer) -> None:
    with ExitStack() as opened:
        sources = [EventSource(server, After=10_000) for _ in range(65)]
        for source in sources:
            opened.callback(source.close)
        assert [source.answer.status for source in sources].count(200) >= 64
        sources[-1].answer.readline()
        assert sources[-1].answer.status == 400 or sources[-1].next()[0] == "refused"


def test_places_hold_over_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data, engine=BlobEngine()) as server:
        account = AccountId(server.deployment.keys.account_id)
    with store(data) as events:
        events.add([seen(account, track=track) for track in range(5)])
    with running(data, engine=BlobEngine()) as server, closing(EventSource(server)) as source:
        first = [source.next()[1]["Track"] for _ in range(3)]
        last = source.last_id
    with store(data) as events:
        events.add([seen(account, track=track) for track in range(5, 8)])
    with running(data, engine=BlobEngine()) as server, closing(EventSource(server, last=last)) as source:
        rest = [source.next()[1]["Track"] for _ in range(5)]
    assert first + rest == list(range(8))


def test_they_are_followed_and_corrected_on_the_command_line(server: LiveServer, face_id: str) -> None:
    where = {**server.environment(), "PATH": os.environ["PATH"]}
    shown = custodes("stream", "events", "--until", "now-1h", "--data", server.data, variables=where)
    assert shown.returncode == 0 and shown.stdout.splitlines()[0].endswith("front  track 0  Ann at 99.0 %")
    words = [sys.executable, "-m", "custodes", "stream", "events", "--follow", "--after", str(listed(server)[-1])]
    with subprocess.Popen(
        [*words, "--data", str(server.data), "--json"], stdout=subprocess.PIPE, env=where
    ) as follower:
        assert follower.stdout is not None
        line = ["stream", "correct", "2", "--face", face_id, "--data", server.data]
        corrected = custodes(*line, variables=where)
        assert corrected.returncode == 0 and corrected.stdout.strip().endswith("corrects 2: Ann")
        told = json.loads(follower.stdout.readline())
        follower.terminate()
    assert told["Corrects"] == 2 and told["ExternalImageId"] == "Ann"
    neither = custodes("stream", "correct", "2", "--data", server.data, variables=where)
    assert neither.returncode != 0 and "--unknown" in neither.stderr


def test_what_is_forgotten_is_gone_from_the_disk(tmp_path: Path) -> None:
    account = AccountId("123456789012")
    with store(tmp_path) as events:
        now_ms = seen(account).ts_ms
        events.add([seen(account, expires_ts_ms=now_ms + 10), seen(account, expires_ts_ms=now_ms + 20, track=1)])
        assert events.forget(now_ms + 9) == 0 and events.forget(now_ms + 10) == 1
        assert [kept.event.track for kept in events.listing(account, 0, 10)] == [1]
        assert events.add([seen(account)]) == [3] and events.newest(account) == 3, "places are never used again"
        assert events.newest(AccountId("210987654321")) == 0

"""What somebody tries who wants a result that is not his: strangers, tenants, late, slow, many and lying clients."""

from __future__ import annotations

import base64
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from custodes.cli.server.listener import Listener
from custodes.edge.endpoints.liveness_stream import StreamLimits
from custodes.storage.sql.sqlite_database import FILE_NAME
from tests.fakes.administration import administer
from tests.fakes.live import REGION, LiveServer
from tests.fakes.liveness_client import PATH, Key, Stream, inner, stream
from tests.fakes.waiting import eventually

MOVEMENT = "FaceMovementChallenge"
NO_PERMISSION = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "rekognition:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "rekognition:StartFaceLivenessSession", "Resource": "*"},
    ],
}


@contextmanager
def limited(server: LiveServer, limits: StreamLimits) -> Iterator[str]:
    """The same server at another address, with other limits on streams."""
    listener, ready = Listener("127.0.0.1", 0), threading.Event()
    with closing(listener):
        arguments = (server.deployment.app(limits), 2, ready.set)
        thread = threading.Thread(target=listener.serve, args=arguments, daemon=True)
        thread.start()
        assert ready.wait(10)
        yield listener.url
        listener.stop()
        thread.join(10)


def told(opened: Stream) -> tuple[str, str]:
    kind, body = opened.event()
    return kind, str(body.get("Message", ""))


def test_a_stranger_without_a_signature_learns_nothing_and_takes_no_session(
    live_server: LiveServer, rekognition: Any, key: Key, new_session: Callable[..., str]
) -> None:
    session_id = new_session()
    bare = f"{live_server.url.replace('http', 'ws')}{PATH}?session-id={session_id}&video-width=640&video-height=480"
    with connect(bare + "&challenge-versions=FaceMovementChallenge_1.0.0") as socket:
        opened = Stream(socket, None)  # type: ignore[arg-type]
        assert told(opened)[0] == "AccessDeniedException"
    for take_away in ("X-Amz-Signature", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders"):

        def without(url: str, name: str = take_away) -> str:
            return "&".join(part for part in url.split("&") if not part.startswith(f"{name}="))

        with stream(live_server.url, key, session_id, without) as opened:
            assert told(opened)[0] in ("AccessDeniedException", "InvalidSignatureException", "ValidationException")
    assert rekognition.get_face_liveness_session_results(SessionId=session_id)["Status"] == "CREATED"


def test_another_tenants_session_is_not_there(
    live_server: LiveServer, rekognition: Any, new_session: Callable[..., str]
) -> None:
    session_id = new_session()
    made = administer(live_server, "account create", profile={"legal_name": "B", "sector": "retail", "country": "NL"})
    other = Key(made["access_key_id"], made["secret_access_key"])
    with stream(live_server.url, other, session_id) as opened:
        assert told(opened)[0] == "SessionNotFoundException"
    session = boto3.session.Session(other.access_key_id, other.secret, region_name=REGION)
    with pytest.raises(ClientError) as refused:
        session.client("rekognition", endpoint_url=live_server.url).get_face_liveness_session_results(
            SessionId=session_id
        )
    assert refused.value.response["Error"]["Code"] == "SessionNotFoundException"
    assert rekognition.get_face_liveness_session_results(SessionId=session_id)["Status"] == "CREATED"


def test_a_user_who_may_not_start_does_not(
    live_server: LiveServer, rekognition: Any, new_session: Callable[..., str]
) -> None:
    session_id = new_session()
    administer(live_server, "user create", user="eve")
    administer(live_server, "document put", owner="user/eve", name="all", text=json.dumps(NO_PERMISSION))
    made = administer(live_server, "key create", user="eve")
    with stream(live_server.url, Key(made["access_key_id"], made["secret_access_key"]), session_id) as opened:
        assert told(opened)[0] == "AccessDeniedException"
    assert rekognition.get_face_liveness_session_results(SessionId=session_id)["Status"] == "CREATED"


def test_a_session_that_waited_for_three_minutes_has_expired(
    live_server: LiveServer, rekognition: Any, key: Key, new_session: Callable[..., str]
) -> None:
    session_id = new_session()
    with closing(sqlite3.connect(live_server.data / FILE_NAME)) as database, database:
        database.execute("update liveness_sessions set created_ts_ms = created_ts_ms - 180000")
    with stream(live_server.url, key, session_id) as opened:
        assert told(opened)[0] == "SessionNotFoundException"
    assert rekognition.get_face_liveness_session_results(SessionId=session_id)["Status"] == "EXPIRED"


@pytest.mark.parametrize("skew_s", [-360, 360])
def test_clocks_that_are_wrong_by_more_than_five_minutes_are_told_so(
    live_server: LiveServer, key: Key, new_session: Callable[..., str], skew_s: int
) -> None:
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + skew_s))
    with stream(live_server.url, key, new_session(), changed={"X-Amz-Date": date}) as opened:
        assert told(opened)[0] in ("InvalidSignatureException", "AccessDeniedException")
    with stream(live_server.url, key, new_session()) as opened:
        opened.challenge()
        late = opened.chunk(inner("VideoEvent", {"VideoChunk": ""}), int((time.time() + skew_s) * 1000))
        opened.socket.send(late)
        kind, message = told(opened)
        assert kind == "ValidationException" and "too long ago" in message


def test_messages_over_the_limit_end_the_stream(
    live_server: LiveServer, rekognition: Any, key: Key, new_session: Callable[..., str]
) -> None:
    session_id = new_session()
    with stream(live_server.url, key, session_id) as opened:
        opened.challenge()
        with pytest.raises(ConnectionClosed):
            opened.socket.send(bytes(5 * 1024 * 1024))
            opened.event()
    assert ends(rekognition, session_id) == "FAILED"


def test_who_is_slow_is_not_waited_for(
    live_server: LiveServer, rekognition: Any, key: Key, new_session: Callable[..., str], square_video: bytes
) -> None:
    with limited(live_server, StreamLimits(begin_s=0.5, video_s=1.0)) as url:
        silent, slow = new_session(), new_session()
        with stream(url, key, silent) as opened:
            opened.challenge()
            assert told(opened) == ("ValidationException", "The video did not come in time.")
        with stream(url, key, slow) as opened:
            opened.challenge()
            piece = base64.b64encode(square_video[:2000]).decode()
            opened.send("VideoEvent", {"VideoChunk": piece, "TimestampMillis": 1})
            assert told(opened) == ("ValidationException", "The video did not come in time.")
    assert ends(rekognition, silent) == ends(rekognition, slow) == "FAILED"


def test_streams_are_counted_by_account_and_in_all(
    live_server: LiveServer, key: Key, new_session: Callable[..., str]
) -> None:
    with limited(live_server, StreamLimits(streams=3, account_streams=2)) as url, ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(stream(url, key, new_session())).challenge()
        waiting = new_session()
        with stream(url, key, waiting) as third:
            assert told(third)[0] == "ServiceQuotaExceededException"
        opened.close()
        assert eventually_begins(url, key, waiting)  # it was not used up


def test_videos_that_are_being_received_share_a_limit(
    live_server: LiveServer, key: Key, new_session: Callable[..., str]
) -> None:
    with limited(live_server, StreamLimits(buffered_bytes=1_000_000)) as url, ExitStack() as opened:
        streams = [opened.enter_context(stream(url, key, new_session())) for _ in range(2)]
        for one in streams:
            one.challenge()
            one.send("VideoEvent", {"VideoChunk": base64.b64encode(bytes(600_000)).decode(), "TimestampMillis": 1})
        # Whichever of the two is received last.
        assert first_answer(streams)[0] == "ThrottlingException"


def first_answer(streams: list[Stream]) -> tuple[str, dict[str, Any]]:
    for _ in range(60):
        for one in streams:
            with suppress(TimeoutError):
                return one.event(0.25)
    raise AssertionError("nobody was answered")


def test_what_the_client_says_of_faces_and_times_makes_nobody_alive(
    live_server: LiveServer, rekognition: Any, key: Key, square_video: bytes
) -> None:
    session_id = rekognition.create_face_liveness_session()["SessionId"]
    with stream(live_server.url, key, session_id) as opened:
        asked = opened.challenge()
        box = {"BoundingBox": {"Left": 0.2, "Top": 0.1, "Width": 0.6, "Height": 0.8}}
        opened.information(
            asked["Type"],
            InitialFace={**box, "InitialFaceDetectedTimestamp": 1},
            TargetFace={**box, "FaceDetectedInTargetPositionStartTimestamp": 1},
            Confidence=100,
            Liveness=True,
        )
        opened.colours(asked["Type"], [-1e12 + 310 * i for i in range(10)])
        opened.video(square_video)
        assert opened.event(60)[0] == "DisconnectionEvent"
    assert rekognition.get_face_liveness_session_results(SessionId=session_id)["Confidence"] < 10


def ends(client: Any, session_id: str) -> str:
    def look() -> str | None:
        status = str(client.get_face_liveness_session_results(SessionId=session_id)["Status"])
        return status if status != "IN_PROGRESS" else None

    return eventually(look)


def eventually_begins(url: str, key: Key, session_id: str) -> bool:
    def begins() -> bool:
        with stream(url, key, session_id) as opened:
            return bool(opened.event()[0] == "ChallengeEvent")

    return eventually(begins)

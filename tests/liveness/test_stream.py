"""StartFaceLivenessSession against a live server: what Amplify's clients send is served, everything else refused."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.fakes.live import LiveServer
from tests.fakes.liveness_client import Key, inner, pack, stream, text_header
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.slow

NOBODY = "00000000-0000-4000-8000-00000000000a"
MODELLED = {
    "ValidationException",
    "AccessDeniedException",
    "SessionNotFoundException",
    "ThrottlingException",
    "ServiceQuotaExceededException",
    "InternalServerException",
    "ServiceUnavailableException",
    "InvalidSignatureException",
}


def status(client: Any, session_id: str) -> str:
    return str(client.get_face_liveness_session_results(SessionId=session_id)["Status"])


def status_in_the_end(client: Any, session_id: str) -> str:
    """The stream's own end may come a moment after its socket's."""

    def ended() -> str | None:
        found = status(client, session_id)
        return found if found != "IN_PROGRESS" else None

    return eventually(ended)


def test_a_whole_check(
    live_server: LiveServer, rekognition: Any, key: Key, new_session: Callable[..., str], square_video: bytes
) -> None:
    session_id = new_session(AuditImagesLimit=2)
    assert status(rekognition, session_id) == "CREATED"
    with stream(live_server.url, key, session_id) as opened:
        asked = opened.challenge()
        assert (asked["Type"], asked["Version"]) == ("FaceMovementChallenge", "1.0.0")
        assert all(asked["OvalParameters"].values())
        assert status(rekognition, session_id) == "IN_PROGRESS"
        opened.information(asked["Type"], VideoStartTimestamp=1)
        opened.video(square_video)
        kind, told = opened.event()
        assert kind == "DisconnectionEvent", told
        assert opened.closed() == 1000
    found = rekognition.get_face_liveness_session_results(SessionId=session_id)
    assert found["Status"] == "SUCCEEDED"
    assert 0 <= found["Confidence"] <= 100
    assert found["Challenge"] == {"Type": "FaceMovementChallenge", "Version": "1.0.0"}
    assert found["Metadata"] == {"SDKType": "ui-react-liveness/3.6.8"}
    assert found["ReferenceImage"]["Bytes"][:2] == b"\xff\xd8"
    assert len(found["ReferenceImage"]["Bytes"]) <= 204_800
    assert len(found["AuditImages"]) == 2


def test_colours_are_asked_where_nothing_else_is_preferred(live_server: LiveServer, rekognition: Any, key: Key) -> None:
    session_id = rekognition.create_face_liveness_session()["SessionId"]
    with stream(live_server.url, key, session_id) as opened:
        asked = opened.challenge()
    assert (asked["Type"], asked["Version"]) == ("FaceMovementAndLightChallenge", "2.0.0")
    shown = [tuple(one["FreshnessColor"]["RGB"]) for one in asked["ColorSequences"]]
    assert all(before != after for before, after in pairwise(shown))
    assert status_in_the_end(rekognition, session_id) == "FAILED"


def test_a_session_is_for_one_stream(
    live_server: LiveServer, key: Key, new_session: Callable[..., str], square_video: bytes
) -> None:
    session_id = new_session()
    with stream(live_server.url, key, session_id) as first:
        first.challenge()
        with stream(live_server.url, key, session_id) as second:
            assert second.event()[0] == "SessionNotFoundException"
        first.video(square_video)
        assert first.event()[0] == "DisconnectionEvent"
    with stream(live_server.url, key, session_id) as third:
        assert third.event()[0] == "SessionNotFoundException"
        assert third.closed() == 1000


def test_a_recorded_stream_is_of_no_use(live_server: LiveServer, key: Key, new_session: Callable[..., str]) -> None:
    recorded: list[bytes] = []
    with stream(live_server.url, key, new_session()) as opened:
        opened.challenge()
        recorded.append(opened.chunk(inner("VideoEvent", {"VideoChunk": base64.b64encode(b"video").decode()})))
        opened.socket.send(recorded[0])
    with stream(live_server.url, key, new_session()) as again:
        again.challenge()
        again.socket.send(recorded[0])
        kind, told = again.event()
        assert kind == "ValidationException" and "signature" in told["Message"]


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"session-id": NOBODY}, "SessionNotFoundException"),
        ({"challenge-versions": "FaceMovementChallenge_9.0.0"}, "ValidationException"),
        ({"challenge-versions": "nothing at all"}, "ValidationException"),
        ({"video-width": "0"}, "ValidationException"),
        ({"video-height": "480.5"}, "ValidationException"),
        ({"video-height": "99999"}, "ValidationException"),
        ({"X-Amz-Date": "20200101T000000Z"}, "InvalidSignatureException"),
        ({"X-Amz-Expires": "0"}, "AccessDeniedException"),
        ({"X-Amz-Credential": "AKIANOBODY/20260101/eu-central-1/rekognition/aws4_request"}, "AccessDeniedException"),
        ({"X-Amz-Credential": "KEY/DATE/nowhere/rekognition/aws4_request"}, "InvalidSignatureException"),
    ],
)
def test_addresses_that_are_refused(
    live_server: LiveServer, key: Key, new_session: Callable[..., str], changed: dict[str, str], refused: str
) -> None:
    today = time.strftime("%Y%m%d", time.gmtime())
    changed = {name: value.replace("KEY", key.access_key_id).replace("DATE", today) for name, value in changed.items()}
    with stream(live_server.url, key, changed.pop("session-id", None) or new_session(), changed=changed) as opened:
        kind, told = opened.event()
        assert (kind, opened.closed()) == (refused, 1000)
    if "nowhere" in changed.get("X-Amz-Credential", ""):
        assert "valid region" in told["Message"]  # by these words the component knows


def test_a_changed_address_is_refused_and_a_port_may_be_signed(
    live_server: LiveServer, key: Key, new_session: Callable[..., str]
) -> None:
    session_id = new_session()
    with stream(live_server.url, key, session_id, lambda url: url.replace("width=640", "width=641")) as opened:
        assert opened.event()[0] == "InvalidSignatureException"
    with stream(live_server.url, key, session_id, port=True) as opened:
        assert opened.challenge()["Type"] == "FaceMovementChallenge"


def test_temporary_credentials_open_streams(live_server: LiveServer, new_session: Callable[..., str]) -> None:
    given = live_server.client("sts").get_session_token()["Credentials"]
    session = Key(given["AccessKeyId"], given["SecretAccessKey"], token=given["SessionToken"])
    with stream(live_server.url, session, new_session()) as opened:
        assert opened.challenge()["Type"] == "FaceMovementChallenge"
    forged = Key(given["AccessKeyId"], given["SecretAccessKey"], token="another")
    with stream(live_server.url, forged, new_session()) as opened:
        assert opened.event()[0] == "AccessDeniedException"


def test_text_and_strange_events_are_refused(
    live_server: LiveServer, key: Key, new_session: Callable[..., str]
) -> None:
    for strange in (
        inner("SomethingElse", {}),
        inner("VideoEvent", {"VideoChunk": 7}),
        inner("VideoEvent", {"VideoChunk": "no base64!"}),
        inner("ClientSessionInformationEvent", {}),
        inner("ClientSessionInformationEvent", {"Challenge": {"a": {}, "b": {}}}),
        pack(text_header(":message-type", "event") + text_header(":event-type", "VideoEvent"), b"[" * 70_000),
        b"no message",
    ):
        with stream(live_server.url, key, new_session()) as opened:
            opened.challenge()
            opened.socket.send(opened.chunk(strange))
            assert opened.event()[0] == "ValidationException"
    with stream(live_server.url, key, new_session()) as opened:
        opened.challenge()
        opened.socket.send("text")
        assert opened.event()[0] == "ValidationException"


def test_what_is_no_video_fails_the_session(
    live_server: LiveServer, rekognition: Any, key: Key, new_session: Callable[..., str], square_video: bytes
) -> None:
    for bad in (b"", b"no video", square_video[:200]):
        session_id = new_session()
        with stream(live_server.url, key, session_id) as opened:
            opened.challenge()
            opened.video(bad)
            assert opened.event()[0] == "ValidationException"
        assert status_in_the_end(rekognition, session_id) == "FAILED"


def test_a_video_over_the_limit_is_refused(live_server: LiveServer, key: Key, new_session: Callable[..., str]) -> None:
    with stream(live_server.url, key, new_session()) as opened:
        opened.challenge()
        piece = base64.b64encode(bytes(2_000_000)).decode()
        for _ in range(6):
            opened.send("VideoEvent", {"VideoChunk": piece, "TimestampMillis": 1})
        kind, told = opened.event()
        assert kind == "ValidationException" and "too large" in told["Message"]


def test_a_client_that_leaves_fails_the_session(
    live_server: LiveServer, rekognition: Any, key: Key, new_session: Callable[..., str]
) -> None:
    session_id = new_session()
    with stream(live_server.url, key, session_id) as opened:
        opened.challenge()
        opened.socket.close(4003)
    assert status_in_the_end(rekognition, session_id) == "FAILED"


def test_the_http2_form_is_refused_saying_so(live_server: LiveServer) -> None:
    answer = requests.post(f"{live_server.url}/start-face-liveness-session", data=b"", timeout=10)
    assert answer.status_code == 400
    assert "WebSocket form" in answer.json()["Message"]


def test_an_unknown_session_is_not_found(rekognition: Any) -> None:
    with pytest.raises(ClientError) as refused:
        rekognition.get_face_liveness_session_results(SessionId=NOBODY)
    assert refused.value.response["Error"]["Code"] == "SessionNotFoundException"


def test_wishes_that_cannot_be_kept_are_refused(rekognition: Any) -> None:
    for wish, words in (
        ({"KmsKeyId": "a key"}, "kmsKeyId"),
        ({"KmsKeyId": "-alias"}, "kmsKeyId"),
        ({"Settings": {"OutputConfig": {"S3Bucket": "somewhere"}}}, "S3 bucket"),
    ):
        with pytest.raises(ClientError, match=words) as refused:
            rekognition.create_face_liveness_session(**wish)
        assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def test_a_key_of_kms_is_taken_where_nothing_has_to_be_encrypted_with_it(rekognition: Any) -> None:
    made = rekognition.create_face_liveness_session(KmsKeyId="arn:aws:kms:eu-central-1:123456789012:key/pictures")
    assert made["SessionId"]


def test_a_token_makes_one_session(rekognition: Any) -> None:
    first = rekognition.create_face_liveness_session(ClientRequestToken="t")["SessionId"]
    assert rekognition.create_face_liveness_session(ClientRequestToken="t")["SessionId"] == first
    with pytest.raises(ClientError):
        rekognition.create_face_liveness_session(ClientRequestToken="t", Settings={"AuditImagesLimit": 1})


def test_fifty_checks_at_once_stay_within_limits(
    live_server: LiveServer, rekognition: Any, key: Key, new_session: Callable[..., str], square_video: bytes
) -> None:
    """All are begun before the first ends; their videos are looked at two at a time."""
    before = resident_bytes()
    with ExitStack() as opened:
        ids = [new_session() for _ in range(50)]
        streams = [opened.enter_context(stream(live_server.url, key, session_id)) for session_id in ids]
        for one in streams:
            one.challenge()
            one.video(square_video)
        ended = [one.event(240) for one in streams]
    assert [kind for kind, _ in ended] == ["DisconnectionEvent"] * 50
    assert {status(rekognition, session_id) for session_id in ids} == {"SUCCEEDED"}
    assert resident_bytes() - before < 400 * 1024 * 1024


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


FRAMES = st.one_of(
    st.binary(max_size=300),
    st.tuples(st.sampled_from(["VideoEvent", "ClientSessionInformationEvent", "X"]), st.binary(max_size=80)).map(
        lambda told: pack(text_header(":message-type", "event") + text_header(":event-type", told[0]), told[1])
    ),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inside: (
            st.lists(inside, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["Challenge", "FaceMovementChallenge", "ColorDisplayed", "VideoChunk", "SequenceNumber"]
                ),
                inside,
                max_size=3,
            )
        ),
        max_leaves=6,
    ).map(lambda body: inner("ClientSessionInformationEvent", {"Challenge": body})),
)


@given(st.lists(FRAMES, min_size=1, max_size=40), st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_fuzzed_frames_get_modelled_errors(
    live_server: LiveServer, key: Key, new_session: Callable[..., str], frames: list[bytes], signed: bool
) -> None:
    with stream(live_server.url, key, new_session()) as opened:
        opened.challenge()
        with suppress(ConnectionClosed):  # it has answered before all of them were sent
            for frame in frames:
                opened.socket.send(opened.chunk(frame) if signed else frame)
            opened.socket.send(opened.chunk(b"no message"))
        kind, told = opened.event()
        assert kind in MODELLED - {"InternalServerException"}, told
        json.dumps(told)

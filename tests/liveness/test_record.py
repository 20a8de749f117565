"""What is left of a check: entries that its digests can be held against, one charge, and after its days nothing."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from botocore.exceptions import ClientError

from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.ledger.tlog.entry import decode
from custodes.storage.sql.sqlite_database import FILE_NAME
from tests.fakes.engine import SquareEngine
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import LiveServer, running
from tests.fakes.liveness_client import Key, stream
from tests.fakes.waiting import eventually

DAY_MS = 86_400_000


def used(server: LiveServer) -> list[tuple[dict[str, Any], int]]:
    """Bodies of all uses on record, and the units of each."""
    log = server.deployment.ledger.log
    log.flush()
    found = []
    for index in range(log.published.size):
        entry = decode(log.tree().entry(index))
        body = log.body(index) if entry.kind == "use" else None
        if body is not None:
            found.append((orjson.loads(body), entry.units or 0))
    return found


def checked(server: LiveServer, key: Key, session_id: str, video: bytes) -> dict[str, Any]:
    """What was asked, of a whole check with ``video``."""
    with stream(server.url, key, session_id) as opened:
        asked = opened.challenge()
        opened.video(video)
        assert opened.event(60)[0] == "DisconnectionEvent"
    return asked


def told_digest(asked: dict[str, Any], width: int, height: int) -> str:
    """The digest of a challenge, from what its client was told: docs/liveness.md."""
    oval = asked["OvalParameters"]
    colours = [
        [*one["FreshnessColor"]["RGB"], int(one["DownscrollDuration"]), int(one["FlatDisplayDuration"])]
        for one in asked.get("ColorSequences", [])
    ]
    told = {
        "challenge": [asked["Type"], asked["Version"]],
        "colours": colours,
        "oval": [int(oval[name]) for name in ("CenterX", "CenterY", "Width", "Height")],
        "video": [width, height],
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@pytest.mark.parametrize("kind", ["FaceMovementChallenge", "FaceMovementAndLightChallenge"])
def test_digests_on_record_are_those_of_what_was_asked_and_sent(
    live_server: LiveServer, key: Key, new_session: Callable[..., str], square_video: bytes, kind: str
) -> None:
    session_id = new_session(ChallengePreferences=[{"Type": kind}])
    asked = checked(live_server, key, session_id, square_video)
    begin, judged = sorted(
        (body for body, _ in used(live_server) if body.get("job") == session_id), key=lambda body: body["part"]
    )
    digest = told_digest(asked, 640, 480)
    assert (begin["op"], begin["challenge_sha256"]) == ("StartFaceLivenessSession", digest)
    assert "video_sha256" not in begin
    assert judged["challenge_sha256"] == digest
    assert judged["video_sha256"] == hashlib.sha256(square_video).hexdigest()
    assert judged["counts"]["frames"] == 45


def test_a_video_that_cannot_be_judged_is_on_record_too(
    live_server: LiveServer, key: Key, new_session: Callable[..., str]
) -> None:
    session_id = new_session()
    with stream(live_server.url, key, session_id) as opened:
        opened.challenge()
        opened.video(b"no video")
        assert opened.event(60)[0] == "ValidationException"
    (judged,) = [body for body, _ in used(live_server) if body.get("job") == session_id and body["part"] == 1]
    assert (judged["code"], judged["video_sha256"]) == ("VideoFormatError", hashlib.sha256(b"no video").hexdigest())


def test_a_check_is_charged_once_however_often_it_is_read(
    live_server: LiveServer, rekognition: Any, key: Key, new_session: Callable[..., str], square_video: bytes
) -> None:
    first, unread, failed = new_session(), new_session(), new_session()
    rekognition.get_face_liveness_session_results(SessionId=first)  # there is no result yet
    checked(live_server, key, first, square_video)
    checked(live_server, key, unread, square_video)
    with stream(live_server.url, key, failed) as opened:
        opened.challenge()
    answers = [rekognition.get_face_liveness_session_results(SessionId=first) for _ in range(3)]
    assert len({answer["Confidence"] for answer in answers}) == 1
    rekognition.get_face_liveness_session_results(SessionId=failed)
    units = [units for body, units in used(live_server) if body["op"] == "GetFaceLivenessSessionResults"]
    assert units == [0, 1, 0, 0, 0]
    assert not any(units for body, units in used(live_server) if body["op"] == "StartFaceLivenessSession")


def test_after_its_days_nothing_of_a_session_is_left(tmp_path: Path, square_video: bytes) -> None:
    def server() -> Any:
        gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
        return running(tmp_path / "data", {"liveness_days": 2}, engine=SquareEngine(), gallery=gallery)

    preferences = [{"Type": "FaceMovementChallenge"}]
    with server() as opened:
        signing, client = opened.deployment.keys.key, opened.client()
        key = Key(signing.access_key_id, signing.secret)
        ids = []
        for _ in range(2):
            wishes = {"ChallengePreferences": preferences, "AuditImagesLimit": 4}
            ids.append(client.create_face_liveness_session(Settings=wishes)["SessionId"])
            checked(opened, key, ids[-1], square_video)
        assert client.get_face_liveness_session_results(SessionId=ids[0])["ReferenceImage"]["Bytes"]
    old, young = ids
    place = tmp_path / "data" / FILE_NAME
    with sqlite3.connect(place) as database:
        row = database.execute("select wrapped_key, sealed from liveness_sessions where session_id = ?", [old])
        secrets = row.fetchone()
        database.execute(
            "update liveness_sessions set created_ts_ms = created_ts_ms - ? where session_id = ?", [3 * DAY_MS, old]
        )
    database.close()
    assert len(secrets[1]) > 10_000  # pictures are in it
    kept = [secrets[0], secrets[1][100:200], secrets[1][-200:-100]]
    assert all(part in written(tmp_path / "data") for part in kept)
    with server() as opened:
        client = opened.client()
        assert gone(client, old)
        assert client.get_face_liveness_session_results(SessionId=young)["Status"] == "SUCCEEDED"
    left = written(tmp_path / "data")
    assert not any(part in left for part in kept)


def written(data: Path) -> bytes:
    """All files of a data directory."""
    return b"".join(path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file())


def gone(client: Any, session_id: str) -> bool:

    def refusal() -> str | None:
        try:
            client.get_face_liveness_session_results(SessionId=session_id)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return None

    return eventually(refusal) == "SessionNotFoundException"

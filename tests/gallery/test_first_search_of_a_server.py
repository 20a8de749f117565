"""A server that starts: what was searched before is in memory soon, and until then clients are told to come again."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from botocore.exceptions import ClientError

from custodes.core.setting_text import WarmStart
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import LiveServer, running
from tests.fakes.waiting import eventually

PHOTO = {"Bytes": picture(Square(1))}


def warmed(server: LiveServer) -> dict[str, int]:
    with urllib.request.urlopen(f"{server.url}/healthz", timeout=5) as answer:
        found: dict[str, int] = json.loads(answer.read())["gallery"]
    return found


def matches(server: LiveServer) -> int | None:
    """How many faces a single search finds; None where it is told to come again."""
    client = server.client()
    client.meta.events.register("needs-retry.rekognition.SearchFacesByImage", lambda **_: None)
    try:
        answer = client.search_faces_by_image(CollectionId="people", Image=PHOTO)
    except ClientError as error:
        told = error.response
        assert told["Error"]["Code"] == "ServiceUnavailable"
        assert told["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert int(told["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) >= 1
        return None
    return len(answer["FaceMatches"])


def test_what_was_searched_is_read_at_the_next_start(tmp_path: Path) -> None:
    data, setting = tmp_path / "data", {"search_wait_s": 0}
    with running(data, setting, engine=SquareEngine()) as server:
        assert warmed(server) == {"to_warm": 0, "warmed": 0}
        client = server.client()
        client.create_collection(CollectionId="people")
        client.index_faces(CollectionId="people", Image=PHOTO)
        assert eventually(lambda: matches(server)) == 1
    with running(data, setting, engine=SquareEngine()) as server:
        eventually(lambda: warmed(server) == {"to_warm": 1, "warmed": 1})
        assert matches(server) == 1
    with running(data, {"warm_start": WarmStart.NONE}, engine=SquareEngine()) as server:
        assert warmed(server) == {"to_warm": 0, "warmed": 0}
        assert matches(server) == 1, "a search waits for as long as is set"

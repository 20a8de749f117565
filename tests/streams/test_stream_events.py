"""Events of live searches through the own operation: whom, once each; where they are kept, forgotten, made nameless."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from custodes.ledger.tlog.entry import decode
from tests.fakes.blobs import Blob, portrait, scene
from tests.fakes.camera import Camera
from tests.fakes.waiting import eventually
from tests.streams import kept
from tests.streams.conftest import REGION, Post, ann_and_bob, enrolled, stated

Open = Callable[[Any], Camera]


def events(post: Post, **members: Any) -> dict[str, Any]:
    """One page."""
    key = post.server.deployment.keys.key
    request = AWSRequest(
        "POST",
        post.server.url + "/custodes/v1/events",
        headers={"content-type": "application/x-amz-json-1.1", "x-amz-target": "CustodesService.ListStreamEvents"},
        data=orjson.dumps(members),
    )
    SigV4Auth(Credentials(key.access_key_id, key.secret), "rekognition", REGION).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    found: dict[str, Any] = orjson.loads(answer.content)
    assert answer.status_code == 200, found
    return found


def mine(post: Post, name: str, **members: Any) -> list[dict[str, Any]]:
    return list(events(post, ProcessorName=name, **members)["Events"])


def watched(post: Post, camera: Open, name: str, view: Any = ann_and_bob, **changes: str) -> None:
    enrolled(post, name)
    tags = stated() | changes
    post.search(name, post.connect(name, camera(view).url), name, Tags=tags)
    post.client.start_stream_processor(Name=name)


def test_each_person_is_told_once_with_a_picture_and_its_use_on_record(post: Post, camera: Open) -> None:
    watched(post, camera, "told", **{"custodes:events": "7"})
    assert eventually(lambda: len(mine(post, "told")) >= 2)
    count = len(post.cloud.records("told"))
    assert eventually(lambda: len(post.cloud.records("told")) >= count + 8)
    post.client.stop_stream_processor(Name="told")
    found = mine(post, "told")
    assert len(found) == 2 and {one["Track"] for one in found} == {0, 1}
    (ann,) = [one for one in found if "FaceId" in one]
    (bob,) = [one for one in found if "FaceId" not in one]
    assert ann["ExternalImageId"] == "Ann" and ann["Similarity"] == 100 and "ExternalImageId" not in bob
    assert ann["BoundingBox"]["Left"] < bob["BoundingBox"]["Left"] and bob["Picture"]
    entry = decode(post.server.deployment.ledger.log.tree().entry(ann["LedgerIndex"]))
    assert entry.kind == "use"
    face_id = ann["FaceId"]
    assert [one["Place"] for one in mine(post, "told", FaceId=face_id)] == [ann["Place"]]
    assert mine(post, "told", Since="now-1h") == found and mine(post, "told", Since="2100-01-01") == []
    post.client.delete_faces(CollectionId="told", FaceIds=[face_id])
    (nameless,) = [one for one in mine(post, "told") if one["Place"] == ann["Place"]]
    assert not {"FaceId", "ExternalImageId", "Similarity", "Picture"} & nameless.keys()


def test_nothing_is_kept_unless_the_processor_says_so(post: Post, camera: Open) -> None:
    watched(post, camera, "silent")
    assert eventually(lambda: len(post.cloud.records("silent")) > 8)
    post.client.stop_stream_processor(Name="silent")
    assert mine(post, "silent") == []


def test_somebody_who_becomes_known_is_told_again(post: Post, camera: Open) -> None:
    watched(post, camera, "later", lambda _: scene(Blob("bob", 100)), **{"custodes:events": "1"})
    assert eventually(lambda: mine(post, "later"))
    post.client.index_faces(CollectionId="later", Image={"Bytes": portrait("bob")}, ExternalImageId="Bob")
    unknown, known = eventually(lambda: found if len(found := mine(post, "later")) > 1 else None)
    post.client.stop_stream_processor(Name="later")
    assert unknown["Track"] == known["Track"] and "FaceId" not in unknown and known["ExternalImageId"] == "Bob"


def test_reading_goes_on_where_it_was_without_gap_or_repetition(post: Post, camera: Open) -> None:
    def crowd(number: int) -> np.ndarray:
        return scene(Blob(("ann", "bob", "cas", "dot")[number // 8 % 4], 40 + 50 * (number // 8 % 4)))

    watched(post, camera, "cursor", crowd, **{"custodes:events": "1"})
    seen: list[int] = []
    after = 0

    def enough() -> bool:
        nonlocal after
        page = events(post, After=after, MaxResults=1)
        after = page["After"]
        seen.extend(one["Place"] for one in page["Events"] if one["ProcessorName"] == "cursor")
        return len(seen) >= 4

    assert eventually(enough, seconds=60)
    post.client.stop_stream_processor(Name="cursor")
    assert seen == sorted(set(seen))
    assert [one["Place"] for one in mine(post, "cursor")][: len(seen)] == seen


@pytest.mark.parametrize("since", ["yesterday", "now-3y", "now+1h", ""])
def test_a_moment_that_is_none_is_refused(post: Post, since: str) -> None:
    with pytest.raises(AssertionError, match="InvalidParameter"):
        events(post, Since=since)


def test_pictures_of_events_are_given_to_the_handler_that_the_processor_names(post: Post, camera: Open) -> None:
    document = orjson.dumps(
        {
            "purpose": "access-control",
            "match": [{"name": "handled", "collection": "handled", "threshold": 90}],
            "tags": [{"tag": "welcome", "when": {"matched": ["handled"]}}],
            "store": {"event": {"days": 1}},
        }
    )
    answer = kept.post(post.server, "PutHandler", "/custodes/v1/handlers", Name="door", Document=document.decode())
    assert answer == {}

    def near(_: int) -> np.ndarray:
        return scene(Blob("ann", 60, side=120))

    watched(post, camera, "handled", near, **{"custodes:events": "1", "custodes:handler": "door"})
    (told,) = eventually(lambda: mine(post, "door"))
    assert told["Tags"] == ["welcome"] and told["ExternalImageId"] == "Ann"
    assert told["StreamArn"] == "handled#track=0"
    kept.post(post.server, "DeleteHandler", "/custodes/v1/handlers/removal", Name="door")
    post.client.stop_stream_processor(Name="handled")

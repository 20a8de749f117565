"""Handlers through the own operations: documents, what would be decided, runs, and photos against one person."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import boto3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.ledger.tlog.entry import decode
from custodes.operations.handlers.document import problems_of
from tests.fakes.clips import write_clip
from tests.fakes.command import custodes
from tests.fakes.engine import BLURRED, Square, SquareEngine, picture
from tests.fakes.live import REGION, LiveServer, running
from tests.streams.kept import ask, listed, post

PATH = "/custodes/v1/handlers"
ANN, BOB, CAS, DOT = 1, 2, 3, 4


class House:
    """A server with two collections, its engine, and its operations."""

    def __init__(self, server: LiveServer, engine: SquareEngine) -> None:
        self.server = server
        self.engine = engine
        self.client = server.client()

    def call(self, operation: str, path: str = "", **members: Any) -> dict[str, Any]:
        return post(self.server, operation, PATH + path, **members)

    def put(self, name: str, **parts: Any) -> dict[str, Any]:
        document = json.dumps({"purpose": "access-control", **parts})
        return self.call("PutHandler", Name=name, Document=document)

    def run(self, name: str, *squares: Square, **members: Any) -> dict[str, Any]:
        image = {"Bytes": base64.b64encode(picture(*squares)).decode()}
        return self.call("RunHandler", "/run", Name=name, Image=image, **members)

    def validate(self, document: str) -> dict[str, Any]:
        return self.call("ValidateHandler", "/validator", Document=document)

    def verify(self, user: str, *photos: bytes, **members: Any) -> dict[str, Any]:
        images = [{"Bytes": base64.b64encode(photo).decode()} for photo in photos]
        members = {"CollectionId": "staff", "UserId": user, "Images": images} | members
        return post(self.server, "VerifyUser", "/custodes/v1/verifiers", **members)

    def body(self, index: int) -> dict[str, Any]:
        return dict(json.loads(self.server.deployment.ledger.log.body(index) or b"{}"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    engine = SquareEngine()
    with running(tmp_path_factory.mktemp("handlers") / "data", engine=engine) as server:
        client = server.client()
        for name, people in (("staff", {"Ann": ANN, "Bob": BOB}), ("guests", {"vip-Cas": CAS, "Ann": ANN})):
            client.create_collection(CollectionId=name)
            for external_id, who in people.items():
                image = {"Bytes": picture(Square(who))}
                client.index_faces(CollectionId=name, Image=image, ExternalImageId=external_id)
        client.create_collection(CollectionId="visitors")
        yield House(server, engine)


STAFF = {"name": "staff", "collection": "staff", "threshold": 95}
GUESTS = {"name": "vip", "collection": "guests", "threshold": 95, "only": "vip-*"}


def test_documents_are_kept_listed_and_forgotten(house: House) -> None:
    assert house.put("one", match=[STAFF]) == {}
    assert house.put("two") == {}
    assert house.call("ListHandlers", "/list")["Names"] == ["one", "two"]
    assert json.loads(house.call("GetHandler", "/document", Name="one")["Document"])["match"] == [STAFF]
    assert house.call("DeleteHandler", "/removal", Name="two") == {}
    for operation, path in (("GetHandler", "/document"), ("DeleteHandler", "/removal")):
        assert house.call(operation, path, Name="two")["Code"] == "ResourceNotFoundException"
    assert house.run("two", Square(ANN))["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"purpose": None}, "$.purpose"),
        ({"pourpose": "x"}, "pourpose"),
        ({"match": [STAFF | {"threshold": 101}]}, "$.match[0].threshold"),
        ({"match": [STAFF | {"limit": 0}]}, "$.match[0].limit"),
        ({"match": [STAFF, STAFF]}, "$.match[1].name"),
        ({"match": [STAFF | {"when": {"unmatched": ["vip"]}}, GUESTS]}, "no list vip"),
        ({"tags": [{"tag": "late", "when": {"tagged": ["early"]}}]}, "no tag early"),
        ({"tags": [{"tag": "a", "when": {"min_similarity": 99}}]}, "$.tags[0].when"),
        ({"store": {"event": {"days": 366}}}, "$.store.event.days"),
        ({"notify": ["hook"]}, "$.notify"),
        ({"detect": {"attributes": ["SHOE_SIZE"]}}, "attribute"),
        ({"gates": {"portrait": ["sharpness_pct", "beauty_pct"]}}, "$.gates.portrait[1]"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_document_is_said_with_its_place(
    house: House, parts: dict[str, Any], problem: str
) -> None:
    document = json.dumps({"purpose": "access-control"} | parts)
    refused = house.call("PutHandler", Name="wrong", Document=document)
    assert refused["Code"] == "InvalidParameterException" and problem in refused["Message"]
    found = house.validate(document)
    assert found.get("Code") == "InvalidParameterException" or (not found["Valid"] and problem in found["Problems"][0])


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(str).map(str.encode))
def test_nothing_that_is_no_document_passes(data: bytes) -> None:
    assert problems_of(data)


def test_the_validator_says_what_would_be_decided_for_whoever_asks(house: House) -> None:
    ask(house.server, "user create", user="guard")
    key = ask(house.server, "key create", user="guard")
    may = {"Effect": "Allow", "Action": ["rekognition:ValidateHandler", "rekognition:DetectFaces"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    ask(house.server, "document put", owner="user/guard", name="some", text=document)
    text = json.dumps({"purpose": "access-control", "match": [STAFF], "store": {"enrol": {"collection": "visitors"}}})
    all_may = house.validate(text)
    assert [(one["Operation"], one["Allowed"]) for one in all_may["Steps"]] == [
        ("DetectFaces", True),
        ("SearchFacesByImage", True),
        ("IndexFaces", True),
    ]
    guard = boto3.session.Session(key["access_key_id"], key["secret_access_key"], region_name=REGION)
    mine = as_user(house.server, guard, text)
    assert mine["Valid"] and [one["Allowed"] for one in mine["Steps"]] == [True, False, False]
    assert "own policies" in mine["Steps"][1]["Reason"]
    assert mine["Steps"][1]["Resource"].endswith("collection/staff")
    exceptional = house.validate(text.replace("access-control", "imminent-threat"))
    assert not all(one["Allowed"] for one in exceptional["Steps"]), "a purpose that was never declared"


def as_user(server: LiveServer, session: boto3.session.Session, document: str) -> dict[str, Any]:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.httpsession import URLLib3Session

    headers = {"content-type": "application/x-amz-json-1.1"}
    request = AWSRequest(
        "POST", f"{server.url}{PATH}/validator", headers=headers, data=json.dumps({"Document": document})
    )
    SigV4Auth(session.get_credentials(), "rekognition", REGION).add_auth(request)
    return dict(json.loads(URLLib3Session().send(request.prepare()).content))


def test_a_run_shares_its_work_and_puts_every_command_on_record(house: House) -> None:
    house.put(
        "gate",
        detect={"attributes": ["SMILE"]},
        match=[STAFF, GUESTS | {"when": {"unmatched": ["staff"]}}],
        tags=[
            {"tag": "staff", "when": {"matched": ["staff"], "min_similarity": 99}},
            {"tag": "stranger", "when": {"unmatched": ["staff", "vip"]}},
        ],
        store={
            "event": {"days": 7, "picture": True, "when": {"tagged": ["stranger"]}},
            "enrol": {"collection": "visitors", "external_id": "door", "when": {"tagged": ["stranger"]}},
        },
    )
    house.engine.details.clear()
    house.engine.uses.clear()
    squares = (Square(ANN, side=90), Square(CAS, left=120, side=80), Square(DOT, left=230, side=70))
    found = house.run("gate", *squares, Source="door", Taken="now-1h")
    ann, cas, dot = found["Faces"]
    assert [one["ExternalImageId"] for one in ann["Candidates"]] == ["Ann"] and ann["Tags"] == ["staff"]
    assert [(one["List"], one["ExternalImageId"]) for one in cas["Candidates"]] == [("vip", "vip-Cas")]
    assert cas["Tags"] == [] and dot["Tags"] == ["stranger"] and dot["Candidates"] == []
    assert ann["Face"]["Smile"]["Value"] and "AgeRange" not in ann["Face"]
    assert len(house.engine.details) == 1 and len(house.engine.uses) == 4, (
        "found once; three faces for lists, one to keep"
    )
    steps = found["Steps"]
    assert [one["Operation"] for one in steps] == [
        "DetectFaces",
        "SearchFacesByImage",
        "SearchFacesByImage",
        "IndexFaces",
    ]
    log = house.server.deployment.ledger.log
    log.flush()
    assert all(decode(log.tree().entry(one["LedgerIndex"])).kind == "use" for one in steps)
    (visitor,) = house.client.list_faces(CollectionId="visitors")["Faces"]
    assert dot["EnrolledFaceId"] == visitor["FaceId"] and visitor["ExternalImageId"] == "door"
    assert dot["EventPlace"] in listed(house.server, Tag="stranger", ProcessorName="gate", StreamArn="door")
    assert "EventPlace" not in ann and listed(house.server, Tag="staff") == []


def test_every_step_states_what_the_handler_is_for(house: House) -> None:
    house.put("purposeful", match=[STAFF])
    log = house.server.deployment.ledger.log
    log.flush()
    before = log.published.size
    house.run("purposeful", Square(ANN))
    log.flush()
    bodies = [house.body(at) for at in range(before, log.published.size) if decode(log.tree().entry(at)).kind == "auth"]
    assert len(bodies) == 3 and all(one["facts"]["purpose"] == "access-control" for one in bodies)
    house.put("exceptional", match=[STAFF])
    document = json.dumps({"purpose": "imminent-threat", "match": [STAFF]})
    assert house.call("PutHandler", Name="exceptional", Document=document) == {}
    assert house.run("exceptional", Square(ANN))["Code"] == "AccessDeniedException"


def test_who_may_not_one_step_gets_nothing(house: House) -> None:
    house.put("nowhere", match=[STAFF | {"collection": "gone"}], store={"event": {"days": 1}})
    events = listed(house.server)
    assert house.run("nowhere", Square(ANN))["Code"] == "ResourceNotFoundException"
    assert listed(house.server) == events


@pytest.mark.parametrize(
    ("gates", "poor"),
    [
        ({"min_side_px": 100}, ["min_side_px"]),
        ({"filter": "AUTO"}, ["LOW_SHARPNESS"]),
        ({"portrait": ["sharpness_pct"]}, ["sharpness_pct"]),
        ({"min_confidence": 0, "max_yaw": 180}, []),
    ],
    ids=str,
)
def test_poor_faces_are_told_and_neither_matched_nor_kept(house: House, gates: dict[str, Any], poor: list[str]) -> None:
    house.put("strict", gates=gates, match=[STAFF], store={"event": {"days": 1}})
    (face,) = house.run("strict", Square(ANN, side=60, blue=BLURRED))["Faces"]
    assert face["Poor"] == poor and face["Passed"] is (not poor)
    assert bool(face["Candidates"]) is (not poor) and ("EventPlace" in face) is (not poor)


def test_pictures_folders_and_videos_are_run_on_the_command_line(house: House, tmp_path: Path) -> None:
    where = {**house.server.environment(), "PATH": os.environ["PATH"]}
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "ann.png").write_bytes(picture(Square(ANN)))
    (folder / "text.png").write_bytes(b"no picture")
    document = tmp_path / "gate.json"
    document.write_text(json.dumps({"purpose": "access-control", "match": [STAFF]}))
    write_clip(tmp_path / "film.mp4", 40, lambda _: np.zeros((240, 320, 3), np.uint8))

    def run(*words: object) -> CompletedProcess[str]:
        return custodes("handler", *words, "--data", house.server.data, variables=where)

    checked = run("check", document)
    assert checked.returncode == 0 and checked.stdout.count("allowed") == 2
    assert run("put", "typed", document).returncode == 0 and "typed" in run("list").stdout
    told = run("run", "typed", folder, tmp_path / "film.mp4")
    lines = told.stdout.splitlines()
    assert lines[0].endswith("ann.png  Ann at 100.0 %") and told.returncode != 0, "one picture is none"
    assert len([line for line in lines if "film.mp4#t=" in line]) >= 2
    house.client.create_user(CollectionId="staff", UserId="bob")
    (bob,) = [
        one["FaceId"]
        for one in house.client.list_faces(CollectionId="staff")["Faces"]
        if one["ExternalImageId"] == "Bob"
    ]
    house.client.associate_faces(CollectionId="staff", UserId="bob", FaceIds=[bob])
    asked = ("verify", folder / "ann.png", "--collection", "staff", "--person", "bob")
    assert run(*asked).stdout.startswith("it is not bob") and run(*asked).returncode != 0
    document.write_text('{"purpose": "access-control", "match": [{}]}')
    assert run("check", document).returncode != 0
    assert run("remove", "typed").returncode == 0 and "typed" not in run("list").stdout


def test_photos_are_verified_against_one_person(house: House) -> None:
    faces = {one["ExternalImageId"]: one["FaceId"] for one in house.client.list_faces(CollectionId="staff")["Faces"]}
    for user in ("ann", "empty"):
        house.client.create_user(CollectionId="staff", UserId=user)
    house.client.associate_faces(CollectionId="staff", UserId="ann", FaceIds=[faces["Ann"]])
    same, turned, other = picture(Square(ANN)), picture(Square(ANN, angle_deg=30)), picture(Square(BOB))
    found = house.verify("ann", same, Threshold=99.9)
    assert found["Passed"] and found["Similarity"] == 100 and 0 < found["FalseMatchRate"] < 1e-4
    found = house.verify("ann", same, turned, Threshold=95)
    assert not found["Passed"] and [one["Passed"] for one in found["Photos"]] == [True, False]
    assert found["Similarity"] == found["Photos"][1]["Similarity"] < 95, "the weakest photo counts"
    assert not house.verify("ann", other)["Passed"]
    nobody = house.verify("ann", picture())
    assert not nobody["Passed"] and "Similarity" not in nobody
    assert house.verify("empty", same)["Code"] == "InvalidParameterException"
    assert house.verify("nobody", same)["Code"] == "ResourceNotFoundException"
    assert house.verify("ann", *[same] * 6)["Code"] == "InvalidParameterException"

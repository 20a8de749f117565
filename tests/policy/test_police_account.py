"""Accounts meet the provider's rules over the API: what police may not do, and that nobody else is held up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from custodes.ledger.tlog.entry import decode
from tests.fakes.engine import Square, picture

EVIDENCE = "missing-person;Decree 17/2026;Ministry of Justice of Exampletown;2026-02-01"
MORATORIUM = "police-moratorium.face-comparison"


def opened(custodes: Any, live_server: Any, sector: str, *more: str) -> Any:
    """A client of a new account of ``sector``."""
    name = f"Office of {sector}"
    done = custodes("account", "create", "--data", str(live_server.data), "--name", name, "--sector", sector,
                    "--country", "NL", "--json", *more)  # fmt: skip
    assert done.returncode == 0, done.stderr
    parsed = json.loads(done.stdout)
    session = boto3.session.Session(parsed["access_key_id"], parsed["secret_access_key"], region_name="eu-central-1")
    return session.client("rekognition", endpoint_url=live_server.url)


PHOTO = picture(Square(1))
COMPARISONS = [
    ("compare_faces", {"SourceImage": {"Bytes": PHOTO}, "TargetImage": {"Bytes": PHOTO}}),
    ("search_faces_by_image", {"CollectionId": "people", "Image": {"Bytes": PHOTO}, "FaceMatchThreshold": 99.5}),
    ("search_faces", {"CollectionId": "people", "FaceId": "11111111-2222-3333-4444-555555555555"}),
    ("search_users", {"CollectionId": "people", "UserId": "ann"}),
    ("search_users_by_image", {"CollectionId": "people", "Image": {"Bytes": PHOTO}}),
    (
        "associate_faces",
        {
            "CollectionId": "people",
            "UserId": "ann",
            "FaceIds": ["11111111-2222-3333-4444-555555555555"],
            "UserMatchThreshold": 100.0,
        },
    ),
    ("recognize_celebrities", {"Image": {"Bytes": PHOTO}}),
    ("get_celebrity_info", {"Id": "1"}),
]


def test_police_are_refused_every_comparison_by_name(live_server: Any, custodes: Any) -> None:
    police = opened(custodes, live_server, "law-enforcement")
    police.create_collection(CollectionId="people")
    for call, arguments in COMPARISONS:
        with pytest.raises(ClientError) as refused:
            getattr(police, call)(**arguments)
        error = refused.value.response["Error"]
        assert error["Code"] == "AccessDeniedException"
        assert MORATORIUM in error["Message"] and "until 2028-01-01" in error["Message"]
        assert "Office of" not in error["Message"] and "sector" not in error["Message"].replace("in this sector", "")
        index = int(refused.value.response["ResponseMetadata"]["HTTPHeaders"]["x-custodes-ledger-index"])
        log = live_server.deployment.ledger.log
        log.flush()
        body = json.loads(log.body(index))
        assert body["sector"] == "law-enforcement" and MORATORIUM in body["rules"] and len(body["policy"]) == 64
        assert decode(log.tree().entry(index)).fields["d"] == "deny"


@pytest.mark.parametrize("sector", ["software", "retail", "health", "media", "other"])
def test_an_account_of_an_ordinary_sector_meets_no_obstacle(live_server: Any, custodes: Any, sector: str) -> None:
    client = opened(custodes, live_server, sector)
    ordinary(client)


def test_nor_does_the_operator(rekognition: Any) -> None:
    ordinary(rekognition)


def ordinary(client: Any) -> None:
    client.create_collection(CollectionId="people")
    indexed = client.index_faces(CollectionId="people", Image={"Bytes": PHOTO}, DetectionAttributes=["ALL"])
    face = indexed["FaceRecords"][0]["Face"]["FaceId"]
    client.create_user(CollectionId="people", UserId="ann")
    client.associate_faces(CollectionId="people", UserId="ann", FaceIds=[face])
    client.search_faces(CollectionId="people", FaceId=face)
    client.search_faces_by_image(CollectionId="people", Image={"Bytes": PHOTO})
    client.search_users(CollectionId="people", UserId="ann")
    client.search_users_by_image(CollectionId="people", Image={"Bytes": PHOTO})
    client.detect_faces(Image={"Bytes": PHOTO}, Attributes=["ALL"])
    client.compare_faces(SourceImage={"Bytes": PHOTO}, TargetImage={"Bytes": PHOTO})
    client.delete_collection(CollectionId="people")


def test_purposes_that_open_an_exception_are_declared_first(live_server: Any, custodes: Any) -> None:
    bare = custodes("account", "create", "--name", "Police", "--sector", "law-enforcement", "--country", "NL",
                    "--purpose", "missing-person", "--data", str(live_server.data))  # fmt: skip
    assert bare.returncode == 1 and "declared with evidence" in bare.stderr
    police = opened(custodes, live_server, "law-enforcement", "--purpose", "missing-person", "--evidence", EVIDENCE)
    with pytest.raises(ClientError) as refused:
        police.compare_faces(**COMPARISONS[0][1])
    assert MORATORIUM not in str(refused.value)  # other rules still bind: a legal basis, 99 percent, human review
    assert "public-safety-99.threshold" in str(refused.value)


def test_demographics_can_be_switched_off_for_an_account(live_server: Any, custodes: Any) -> None:
    estimated = {"AgeRange", "Gender", "Emotions"}
    with_them = opened(custodes, live_server, "software")
    without = opened(custodes, live_server, "software", "--no-demographics")
    value = with_them.detect_faces(Image={"Bytes": PHOTO}, Attributes=["ALL"])["FaceDetails"][0]
    assert estimated <= value.keys()
    for attributes in (["ALL"], ["AGE_RANGE", "GENDER", "EMOTIONS"], ["SMILE", "GENDER"]):
        left = without.detect_faces(Image={"Bytes": PHOTO}, Attributes=attributes)["FaceDetails"][0]
        assert not estimated & left.keys() and "BoundingBox" in left
    whole = without.detect_faces(Image={"Bytes": PHOTO}, Attributes=["ALL"])["FaceDetails"][0]
    assert value.keys() - whole.keys() == estimated
    without.create_collection(CollectionId="people")
    indexed = without.index_faces(CollectionId="people", Image={"Bytes": PHOTO}, DetectionAttributes=["ALL"])
    assert not estimated & indexed["FaceRecords"][0]["FaceDetail"].keys()


def test_suspects_cannot_be_told_by_associating_their_faces(live_server: Any, custodes: Any, tmp_path: Path) -> None:
    """One call with a threshold that nothing reaches used to return how alike every face is to a user."""
    police = opened(custodes, live_server, "law-enforcement", "--purpose", "missing-person", "--legal-basis",
                    "public-task", "--place", "private", "--evidence", EVIDENCE)  # fmt: skip
    police.create_collection(CollectionId="people")
    photos = [picture(Square(number)) for number in (1, 1, 2)]
    faces = [
        police.index_faces(CollectionId="people", Image={"Bytes": photo})["FaceRecords"][0]["Face"]["FaceId"]
        for photo in photos
    ]
    police.create_user(CollectionId="people", UserId="ann")
    # A user without faces is gathered without any comparison.
    police.associate_faces(CollectionId="people", UserId="ann", FaceIds=faces[:1], UserMatchThreshold=100.0)
    with pytest.raises(ClientError) as refused:
        police.associate_faces(CollectionId="people", UserId="ann", FaceIds=faces[1:], UserMatchThreshold=100.0)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert not {"AssociatedFaces", "UnsuccessfulFaceAssociations"} & refused.value.response.keys()
    police.create_user(CollectionId="people", UserId="bob")
    taken = police.associate_faces(CollectionId="people", UserId="bob", FaceIds=faces[:1], UserMatchThreshold=100.0)
    assert taken["UnsuccessfulFaceAssociations"] == [
        {"FaceId": faces[0], "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]}
    ]
    report = tmp_path / "report.json"
    made = custodes("statement", "moratorium", "--out", str(report), "--data", str(live_server.data))
    assert made.returncode == 0, made.stderr
    checked = custodes("statement", "verify", str(report), "--trust", str(live_server.data / "trust.policy"))
    assert checked.stdout.startswith("PRESENT"), checked.stdout


def test_the_celebrity_gallery_is_no_collection_of_the_operator(rekognition: Any) -> None:
    rekognition.create_collection(CollectionId="celebrities")
    rekognition.create_collection(CollectionId="people")
    assert rekognition.list_collections()["CollectionIds"] == ["people"]
    with pytest.raises(ClientError, match="server's own"):
        rekognition.delete_collection(CollectionId="celebrities")

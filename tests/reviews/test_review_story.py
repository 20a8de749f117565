"""A public-safety account searches through boto3, two of its people confirm, the result is told."""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from custodes.cli.client.administration import ask
from custodes.cli.client.api import ApiFailureError
from custodes.cli.client.signed import SignedClient
from custodes.imaging.image import decode
from tests.fakes.command import custodes
from tests.fakes.engine import Square, picture
from tests.fakes.process import serving

REGION = "eu-central-1"
EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "rekognition:*", "Resource": "*"}}


def client(url: str, key: Mapping[str, Any]) -> Any:
    return boto3.client(
        "rekognition",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
        config=Config(retries={"total_max_attempts": 1}),
    )


class Station:
    """An account with people, and one face in a collection."""

    def __init__(self, data: Path, url: str) -> None:
        self.data, self.url = data, url
        self.account = self.opened("Coast Guard", "public-safety", "imminent-threat")["account_id"]
        self.keys = {name: self.user(name, EVERYTHING) for name in ("asker", "ann", "bob")}
        self.keys["ann-again"] = self.user("ann-again", EVERYTHING, person="Ann")
        mine = self.client("asker")
        mine.create_collection(CollectionId="wanted")
        mine.index_faces(CollectionId="wanted", Image={"Bytes": picture(Square(1))}, ExternalImageId="Anna.K")
        mine.create_user(CollectionId="wanted", UserId="anna")
        self.face = mine.list_faces(CollectionId="wanted")["Faces"][0]["FaceId"]
        mine.associate_faces(CollectionId="wanted", UserId="anna", FaceIds=[self.face], UserMatchThreshold=99.0)

    def opened(self, name: str, sector: str, purpose: str) -> Mapping[str, Any]:
        profile = {"legal_name": name, "sector": sector, "country": "NL"}
        stated = {"purpose": purpose, "legal_basis": "public-task"}
        return ask(self.data, "account create", profile=profile, stated=stated)

    def user(self, name: str, policy: Mapping[str, Any] | None, person: str | None = None) -> Mapping[str, Any]:
        ask(self.data, "user create", user=name, account=self.account, person=person)
        if policy is not None:
            document = {"owner": f"user/{name}", "name": "all", "text": json.dumps(policy), "account": self.account}
            ask(self.data, "document put", **document)
        return ask(self.data, "key create", user=name, account=self.account)

    def client(self, name: str) -> Any:
        return client(self.url, self.keys[name])

    def signed(self, name: str) -> SignedClient:
        key = self.keys[name]
        return SignedClient(self.url, REGION, Credentials(key["access_key_id"], key["secret_access_key"]))

    def show(self, name: str, token: str) -> Mapping[str, Any]:
        return self.signed(name).get(f"/{token}", {})

    def act(self, name: str, verb: str, token: str) -> Mapping[str, Any]:
        return self.signed(name).post(f"/{token}/{verb}", {"reason": "because"})

    def command(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``custodes review`` as somebody."""
        key = self.keys[name]
        environment = {"AWS_ACCESS_KEY_ID": key["access_key_id"], "AWS_SECRET_ACCESS_KEY": key["secret_access_key"]}
        return custodes("review", *arguments, "--data", self.data, variables=os.environ | environment)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Any:
    data = tmp_path_factory.mktemp("reviews") / "data"
    with serving(data) as server:
        yield Station(data, server.url)


def search(station: Station, **members: Any) -> Any:
    found = station.client("asker").search_faces_by_image(
        CollectionId="wanted", Image={"Bytes": picture(Square(1, 2.0))}, FaceMatchThreshold=99, **members
    )
    return found["FaceMatches"]


def test_a_match_names_nobody_until_two_others_have_confirmed_it(station: Station, tmp_path: Path) -> None:
    [match] = search(station)
    face = match["Face"]
    assert match["Similarity"] > 99
    assert set(face) == {"FaceId", "ExternalImageId", "UserId", "IndexFacesModelVersion"}
    for name in (station.face, "Anna", "anna"):
        assert name not in str(match)
    token = face["ExternalImageId"]

    refused = station.command("asker", "confirm", token)
    assert refused.returncode == 1
    assert "review.requester" in refused.stderr
    hidden = station.show("asker", token)
    assert hidden["sealed"]
    assert "Anna" not in str(hidden)
    assert "picture" not in hidden

    shown = station.command("ann", "show", token, "--picture", str(tmp_path / "face.jpg"))
    assert "Anna.K" in shown.stdout
    assert decode((tmp_path / "face.jpg").read_bytes()).size.width >= 60
    assert "pending" in station.command("ann", "confirm", token, "--reason", "compared with the file").stdout
    with pytest.raises(ApiFailureError, match="decided already"):
        station.act("ann", "confirm", token)
    with pytest.raises(ApiFailureError, match="decided already"):
        station.act("ann-again", "confirm", token)
    with pytest.raises(ApiFailureError, match="have to confirm"):
        station.act("asker", "release", token)
    assert station.act("bob", "confirm", token)["state"] == "confirmed"
    assert station.show("asker", token)["sealed"]
    released = station.act("asker", "release", token)
    assert released["candidates"][0]["external_image_id"] == "Anna.K"
    assert released["candidates"][0]["user_id"] == "anna"
    assert released["candidates"][0]["face_id"] == station.face
    assert [vote["decision"] for vote in released["votes"]] == ["confirm", "confirm"]
    listed = station.command("bob", "list")
    assert f"{released['review_id']}  released" in listed.stdout


def test_tokens_lead_nowhere_through_the_api(station: Station) -> None:
    [match] = search(station)
    asker, face = station.client("asker"), match["Face"]
    assert asker.list_faces(CollectionId="wanted", FaceIds=[face["FaceId"]])["Faces"] == []
    with pytest.raises(asker.exceptions.InvalidParameterException):
        asker.search_faces(CollectionId="wanted", FaceId=face["FaceId"], FaceMatchThreshold=99)
    with pytest.raises(asker.exceptions.ResourceNotFoundException):
        asker.search_users(CollectionId="wanted", UserId=face["UserId"], UserMatchThreshold=99)
    for altered in (face["ExternalImageId"][:-1] + "x", face["FaceId"], "sealed:x:y:z:0", "%00", "a" * 5000):
        with pytest.raises(ApiFailureError, match="no such review"):
            station.show("ann", altered)


def test_every_kind_of_search_is_held_back(station: Station) -> None:
    asker = station.client("asker")
    asker.index_faces(CollectionId="wanted", Image={"Bytes": picture(Square(1, 1.0))}, ExternalImageId="Anna.again")
    by_face = asker.search_faces(CollectionId="wanted", FaceId=station.face, FaceMatchThreshold=99)
    assert [match["Face"]["ExternalImageId"][:7] for match in by_face["FaceMatches"]] == ["sealed:"]
    by_picture = search(station)
    assert [match["Face"]["ExternalImageId"][:7] for match in by_picture] == ["sealed:", "sealed:"]
    assert "Anna" not in str(by_picture)
    users = asker.search_users(CollectionId="wanted", FaceId=station.face, UserMatchThreshold=99)
    by_image = asker.search_users_by_image(
        CollectionId="wanted", Image={"Bytes": picture(Square(1))}, UserMatchThreshold=99
    )
    for found in (users, by_image):
        assert [match["User"]["UserId"][:7] for match in found["UserMatches"]] == ["sealed:"]
    token = by_image["UserMatches"][0]["User"]["UserId"]
    seen = station.show("ann", token)
    assert seen["candidates"][0]["user_id"] == "anna"
    assert decode(b64decode(seen["picture"])).size.width >= 60


def test_a_rejected_match_is_never_told(station: Station) -> None:
    token = search(station)[0]["Face"]["ExternalImageId"]
    review_id = station.act("bob", "reject", token)["review_id"]
    for attempt in (token, review_id):
        with pytest.raises(ApiFailureError):
            station.act("ann", "confirm", attempt)
    assert station.show("ann", review_id)["candidates"] == []


def test_other_accounts_and_strangers_see_nothing(station: Station) -> None:
    token = search(station)[0]["Face"]["ExternalImageId"]
    station.keys["other"] = station.opened("Other", "retail", "access-control")
    with pytest.raises(ApiFailureError, match="no such review"):
        station.show("other", token)
    assert station.signed("other").get("", {})["reviews"] == []
    station.keys["stranger"] = {**station.keys["ann"], "secret_access_key": "w" * 40}
    with pytest.raises(ApiFailureError, match="does not match"):
        station.signed("stranger").get("", {})


def test_nobody_reviews_as_a_user_what_they_searched_for_as_a_role(station: Station) -> None:
    anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": anybody}
    role = {"role": "searcher", "account": station.account, "tags": {}}
    made = ask(station.data, "role create", **role, trust=json.dumps(trust))
    document = {"owner": "role/searcher", "name": "all", "text": json.dumps(EVERYTHING), "account": station.account}
    ask(station.data, "document put", **document)
    key = station.keys["ann"]
    sts = boto3.client(
        "sts",
        endpoint_url=station.url,
        region_name=REGION,
        aws_access_key_id=key["access_key_id"],
        aws_secret_access_key=key["secret_access_key"],
    )
    given = sts.assume_role(RoleArn=made["arn"], RoleSessionName="somebody-else")["Credentials"]
    as_role = boto3.client(
        "rekognition",
        endpoint_url=station.url,
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    [match] = as_role.search_users_by_image(
        CollectionId="wanted", Image={"Bytes": picture(Square(1))}, UserMatchThreshold=99
    )["UserMatches"]
    token = match["User"]["UserId"]
    with pytest.raises(ApiFailureError, match=r"review\.requester"):
        station.act("ann", "confirm", token)
    assert station.show("ann", token)["sealed"]
    assert station.act("bob", "confirm", token)["state"] == "pending"


def test_reviews_are_listed_in_pages(station: Station) -> None:
    for _ in range(3):
        search(station)
    everything = station.signed("ann").get("", {})["reviews"]
    paged, after = [], ""
    while True:
        value = station.signed("ann").get("", {"limit": "2"} | ({"after": after} if after else {}))
        paged += value["reviews"]
        after = value.get("next", "")
        if not after:
            break
    assert paged == everything
    assert len(paged) >= 3
    with pytest.raises(ApiFailureError, match="limit"):
        station.signed("ann").get("", {"limit": "0"})


def test_a_user_needs_permission_to_review(station: Station) -> None:
    station.keys["dora"] = station.user("dora", None)
    token = search(station)[0]["Face"]["ExternalImageId"]
    with pytest.raises(ApiFailureError, match="not authorized"):
        station.act("dora", "confirm", token)


def test_other_sectors_meet_no_review(station: Station) -> None:
    mine = client(station.url, station.opened("Shop", "retail", "access-control"))
    mine.create_collection(CollectionId="staff")
    mine.index_faces(CollectionId="staff", Image={"Bytes": picture(Square(2))}, ExternalImageId="dirk")
    [match] = mine.search_faces_by_image(CollectionId="staff", Image={"Bytes": picture(Square(2))})["FaceMatches"]
    assert match["Face"]["ExternalImageId"] == "dirk"


def test_public_safety_below_99_is_refused_before_anything_is_held(station: Station) -> None:
    with pytest.raises(ClientError, match=r"public-safety-99\.threshold"):
        station.client("asker").search_faces_by_image(
            CollectionId="wanted", Image={"Bytes": picture(Square(1))}, FaceMatchThreshold=98.9
        )

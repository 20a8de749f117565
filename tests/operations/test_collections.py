"""Collections and tags."""

from __future__ import annotations

import pytest

from custodes.core.errors import (
    AlreadyExistsError,
    InvalidParameterError,
    NotFoundError,
    NotSupportedError,
    PaginationTokenError,
    QuotaError,
)
from tests.fakes.engine import Square, picture

from .conftest import OTHER_ACCOUNT

ARN = "arn:aws:rekognition:eu-central-1:123456789012:collection/people"


def test_create_and_describe(server):
    created = server.call("CreateCollection", CollectionId="people")
    assert created == {"StatusCode": 200, "CollectionArn": ARN, "FaceModelVersion": "1.0"}
    assert server.call("DescribeCollection", CollectionId="people") == {
        "FaceCount": 0,
        "UserCount": 0,
        "FaceModelVersion": "1.0",
        "CollectionARN": ARN,
        "CreationTimestamp": 1_700_000_000.0,
    }


def test_counts(server):
    server.collection()
    server.enrol(picture(Square(1), Square(2, left=100)))
    server.call("CreateUser", CollectionId="people", UserId="ann")
    described = server.call("DescribeCollection", CollectionId="people")
    assert (described["FaceCount"], described["UserCount"]) == (2, 1)


def test_the_historical_form_of_the_arn_is_a_switch(server):
    server.bare_arn = True
    assert server.call("CreateCollection", CollectionId="people")["CollectionArn"] == ARN.removeprefix("arn:")
    assert server.call("DescribeCollection", CollectionId="people")["CollectionARN"] == ARN
    assert server.call("ListTagsForResource", ResourceArn=ARN.removeprefix("arn:")) == {"Tags": {}}


def test_ids_are_unique_and_case_counts(server):
    server.collection("people")
    server.collection("People")
    with pytest.raises(AlreadyExistsError, match="The collection id: people already exists"):
        server.call("CreateCollection", CollectionId="people")


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DescribeCollection", {}),
        ("DeleteCollection", {}),
        ("ListFaces", {}),
        ("DeleteFaces", {"FaceIds": ["12345678-1234-4123-8123-123456789012"]}),
        ("SearchFaces", {"FaceId": "12345678-1234-4123-8123-123456789012"}),
        ("SearchFacesByImage", {"Image": {"Bytes": picture(Square(1))}}),
        ("IndexFaces", {"Image": {"Bytes": picture(Square(1))}}),
        ("ListUsers", {}),
        ("CreateUser", {"UserId": "ann"}),
        ("DeleteUser", {"UserId": "ann"}),
        ("SearchUsers", {"UserId": "ann"}),
        ("SearchUsersByImage", {"Image": {"Bytes": picture(Square(1))}}),
        ("AssociateFaces", {"UserId": "ann", "FaceIds": ["12345678-1234-4123-8123-123456789012"]}),
        ("DisassociateFaces", {"UserId": "ann", "FaceIds": ["12345678-1234-4123-8123-123456789012"]}),
    ],
)
@pytest.mark.parametrize("theirs", [False, True], ids=["missing", "of-another-account"])
def test_an_unknown_collection(server, operation, params, theirs):
    if theirs:
        server.call("CreateCollection", account=OTHER_ACCOUNT, CollectionId="people")
    with pytest.raises(NotFoundError, match="people"):
        server.call(operation, CollectionId="people", **params)
    assert server.engine.details == [], "nothing was computed for a collection that is not there"


def test_delete(server):
    server.collection()
    server.enrol(picture(Square(1)))
    assert server.call("DeleteCollection", CollectionId="people") == {"StatusCode": 200}
    assert server.recorder.outcomes[-1].counts == {"faces_erased": 1}
    with pytest.raises(NotFoundError):
        server.call("DescribeCollection", CollectionId="people")
    server.collection()
    assert server.call("ListFaces", CollectionId="people")["Faces"] == []


def test_list_is_two_parallel_lists_in_pages(server):
    names = [f"c{i}" for i in range(5)]
    for name in names:
        server.collection(name)
    server.call("CreateCollection", account=OTHER_ACCOUNT, CollectionId="theirs")
    whole = server.call("ListCollections")
    assert whole == {"CollectionIds": names, "FaceModelVersions": ["1.0"] * 5}, "and no NextToken"
    seen, token = [], {}
    for _ in range(3):
        page = server.call("ListCollections", MaxResults=2, **token)
        assert len(page["CollectionIds"]) == len(page["FaceModelVersions"]) <= 2
        seen += page["CollectionIds"]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert seen == names
    assert token == {}


def test_zero_max_results_is_the_default(server):
    server.collection()
    assert server.call("ListCollections", MaxResults=0)["CollectionIds"] == ["people"]


def test_long_ids_page_as_well(server):
    names = sorted(letter * 255 for letter in "abz")
    for name in names:
        server.collection(name)
    first = server.call("ListCollections", MaxResults=1)
    assert len(first["NextToken"]) <= 255
    assert server.call("ListCollections", NextToken=first["NextToken"])["CollectionIds"] == names[1:]


def test_a_token_serves_one_account_and_operation(server):
    for name in ("a", "b"):
        server.collection(name)
        server.call("CreateUser", CollectionId="a", UserId=name)
    token = server.call("ListCollections", MaxResults=1)["NextToken"]
    users = server.call("ListUsers", CollectionId="a", MaxResults=1)["NextToken"]
    for call in (
        lambda: server.call("ListCollections", account=OTHER_ACCOUNT, NextToken=token),
        lambda: server.call("ListUsers", CollectionId="a", NextToken=token),
        lambda: server.call("ListFaces", CollectionId="a", NextToken=token),
        lambda: server.call("ListUsers", CollectionId="b", NextToken=users),
        lambda: server.call("ListCollections", NextToken=users),
        lambda: server.call("ListCollections", NextToken=""),
        lambda: server.call("ListCollections", NextToken=token + "x"),
    ):
        with pytest.raises(PaginationTokenError):
            call()


def test_tags(server):
    server.call("CreateCollection", CollectionId="people", Tags={"team": "red", "env": "test"})
    assert server.call("TagResource", ResourceArn=ARN, Tags={"env": "prod", "owner": ""}) == {}
    assert server.call("UntagResource", ResourceArn=ARN, TagKeys=["team", "unknown"]) == {}
    assert server.call("ListTagsForResource", ResourceArn=ARN) == {"Tags": {"env": "prod", "owner": ""}}


@pytest.mark.parametrize("key", ["aws:x", "AWS:x", "aws:"])
def test_reserved_tags(server, key):
    with pytest.raises(InvalidParameterError, match="aws:"):
        server.call("CreateCollection", CollectionId="people", Tags={key: "v"})
    server.collection()
    with pytest.raises(InvalidParameterError, match="aws:"):
        server.call("TagResource", ResourceArn=ARN, Tags={key: "v"})
    with pytest.raises(InvalidParameterError, match="aws:"):
        server.call("UntagResource", ResourceArn=ARN, TagKeys=[key])


def test_two_hundred_tags(server):
    server.call("CreateCollection", CollectionId="people", Tags={f"k{i}": "v" for i in range(200)})
    server.call("TagResource", ResourceArn=ARN, Tags={"k0": "w"})
    with pytest.raises(QuotaError):
        server.call("TagResource", ResourceArn=ARN, Tags={"one-more": "v"})


@pytest.mark.parametrize(
    ("arn", "error"),
    [
        (ARN.replace("people", "nobody"), NotFoundError),
        (ARN.replace("123456789012", "210987654321"), NotFoundError),
        (ARN.replace("eu-central-1", "us-east-1"), NotFoundError),
        (ARN.replace("arn:aws:", "arn:aws-us-gov:"), NotFoundError),
        (ARN.replace("collection", "streamprocessor"), NotSupportedError),
        ("arn:aws:rekognition:eu-central-1:123456789012:project/p/version/v/1", NotSupportedError),
        (ARN + "/more", NotFoundError),
        (ARN + "\n", InvalidParameterError),
        (ARN.replace("rekognition", "s3"), InvalidParameterError),
        ("people", InvalidParameterError),
        ("", InvalidParameterError),
        ("arn:" * 500, InvalidParameterError),
    ],
)
def test_arns_that_name_nothing_here(server, arn, error):
    """This composition has neither streams nor projects, and says so of theirs."""
    server.collection()
    server.call("CreateCollection", account=OTHER_ACCOUNT, CollectionId="people")
    for operation, params in (
        ("TagResource", {"Tags": {"a": "b"}}),
        ("UntagResource", {"TagKeys": ["a"]}),
        ("ListTagsForResource", {}),
    ):
        with pytest.raises(error):
            server.call(operation, ResourceArn=arn, **params)

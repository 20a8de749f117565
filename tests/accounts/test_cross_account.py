"""One account against another's collections, faces, users, tags and tokens: every operation of the service model.

What is another's looks exactly like what is not there: the same code, the same words. And nothing of it changes.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

from custodes.edge.aws.model import Operation, Shape, ShapeKind, load_service
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from tests.fakes.administration import administer
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.live import REGION, LiveServer, running

SERVICE = load_service()
NAME, SECRET_NAME = "people", "ann-of-account-one"
IMAGE = {"Bytes": picture(Square(3))}


@dataclass(frozen=True)
class Held:
    """What account one has."""

    collection: str
    arn: str
    face: str
    user: str
    tokens: Mapping[str, str]


class Two:
    """A server with two accounts, of which the first has something."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.one, self.other = (self._account(name) for name in ("One", "Other"))
        one = self.one
        for name in (NAME, "another"):
            arn = one.create_collection(CollectionId=name, Tags={"owner": "one"})["CollectionArn"]
            arn = arn if arn.startswith("arn:") else f"arn:{arn}"
            if name == NAME:
                kept = arn
        faces = []
        for number in (1, 2, 3):
            added = one.index_faces(
                CollectionId=NAME, Image={"Bytes": picture(Square(number))}, ExternalImageId=SECRET_NAME
            )
            faces.append(added["FaceRecords"][0]["Face"]["FaceId"])
        for name in ("ann", "bob"):
            one.create_user(CollectionId=NAME, UserId=name, ClientRequestToken=f"token-{name}")
        one.associate_faces(CollectionId=NAME, UserId="ann", FaceIds=faces[:2], UserMatchThreshold=0)
        tokens = {
            "ListCollections": one.list_collections(MaxResults=1)["NextToken"],
            "ListFaces": one.list_faces(CollectionId=NAME, MaxResults=1)["NextToken"],
            "ListUsers": one.list_users(CollectionId=NAME, MaxResults=1)["NextToken"],
        }
        self.held = Held(NAME, kept, faces[0], "ann", tokens)

    def _account(self, name: str) -> Any:
        profile = {"legal_name": name, "sector": "retail", "country": "NL"}
        made = administer(self.server, "account create", profile=profile)
        return boto3.client(
            "rekognition",
            endpoint_url=self.server.url,
            region_name=REGION,
            aws_access_key_id=made["access_key_id"],
            aws_secret_access_key=made["secret_access_key"],
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )

    def everything_of_one(self) -> object:
        """All that account one can see."""
        one = self.one
        return {
            "collections": one.list_collections()["CollectionIds"],
            "described": {
                name: value
                for name, value in one.describe_collection(CollectionId=NAME).items()
                if name != "ResponseMetadata"
            },
            "faces": one.list_faces(CollectionId=NAME)["Faces"],
            "users": one.list_users(CollectionId=NAME)["Users"],
            "tags": one.list_tags_for_resource(ResourceArn=self.held.arn)["Tags"],
        }


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    gallery = IndexedGallery(MemoryGalleryStore(), BruteForceIndex)
    with running(tmp_path_factory.mktemp("two") / "data", engine=SquareEngine(), gallery=gallery) as server:
        yield Two(server)


def nothing_there(held: Held) -> Held:
    """Things of the same form that nobody has."""
    return Held(
        "nobody",
        held.arn.replace(f"/{held.collection}", "/nobody"),
        str(uuid.UUID(int=7, version=4)),
        "nobody",
        {name: token[:-4] + ("aaaa" if token[-4:] != "aaaa" else "bbbb") for name, token in held.tokens.items()},
    )


def parameters(operation: Operation, held: Held, *, token: bool) -> dict[str, Any]:
    """Parameters that name everything that the operation can name."""
    values: dict[str, Any] = {
        "CollectionId": held.collection,
        "ClientRequestToken": "token-ann",
        "FaceId": held.face,
        "FaceIds": [held.face],
        "Image": IMAGE,
        "ResourceArn": held.arn,
        "SourceImage": IMAGE,
        "TagKeys": ["owner"],
        "Tags": {"owner": "other"},
        "TargetImage": IMAGE,
        "UserId": held.user,
        "Video": {"S3Object": {"Bucket": "videos", "Name": "a.mp4"}},
    }
    if token and operation.name in held.tokens:
        values["NextToken"] = held.tokens[operation.name]
    members = operation.input.members
    found = {name: value for name, value in values.items() if name in members}
    if {"FaceId", "UserId"} <= found.keys() and operation.name in ("SearchUsers", "ListFaces"):
        del found["UserId"]  # one or the other
    return found | {name: _least(members[name]) for name in operation.input.required if name not in found}


def _least(shape: Shape) -> Any:
    match shape.kind:
        case ShapeKind.STRUCTURE:
            return {name: _least(shape.members[name]) for name in shape.required}
        case ShapeKind.LIST:
            assert shape.item is not None
            return [_least(shape.item)]
        case ShapeKind.STRING:
            return shape.enum[0] if shape.enum else "a" * max(1, int(shape.minimum or 1))
        case ShapeKind.BOOLEAN:
            return False
        case _:
            return int(shape.minimum or 0)


def outcome(client: Any, operation: Operation, members: Mapping[str, Any], held: Held) -> tuple[object, ...]:
    """Code and words of the answer, with names of things taken out; or the answer."""
    method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation.name).lstrip("_")
    try:
        answer = getattr(client, method)(**members)
    except ClientError as error:
        value = error.response["Error"]
        return value["Code"], _without_names(value["Message"], held)
    except ParamValidationError:
        raise AssertionError(f"the test does not know how to ask for {operation.name}") from None
    answer.pop("ResponseMetadata")
    return "OK", _without_names(str(answer), held)


def _without_names(text: str, held: Held) -> str:
    for name in (held.arn, held.collection, held.face, held.user, *held.tokens.values()):
        text = text.replace(name, "*")
    return text


NAMING = frozenset({"CollectionId", "ResourceArn"})
TOUCHING = sorted(
    {
        "ListCollections",
        *(name for name, operation in SERVICE.operations.items() if NAMING & operation.input.members.keys()),
    }
)
"""Operations on things that are kept; all others name nothing that an account can have here."""
OWN = frozenset({"CreateCollection", "ListCollections"})
"""These make or list what is the caller's own."""


@pytest.mark.parametrize("name", TOUCHING)
def test_anothers_things_look_like_nothing(two: Two, name: str) -> None:
    operation = SERVICE.operations[name]
    if name not in two.server.deployment.handlers:
        pytest.skip("not implemented: refused by name")
    before = two.everything_of_one()
    nobody = nothing_there(two.held)
    for token in (False, True) if name in two.held.tokens else (False,):
        real = outcome(two.other, operation, parameters(operation, two.held, token=token), two.held)
        none = outcome(two.other, operation, parameters(operation, nobody, token=token), nobody)
        assert real == none
        assert SECRET_NAME not in str(real)
        if token:
            assert real[0] in ("InvalidPaginationTokenException", "ResourceNotFoundException")
        elif name not in OWN:
            assert real[0] == "ResourceNotFoundException"
    assert two.everything_of_one() == before
    if name == "CreateCollection":
        for made in (NAME, "nobody"):
            two.other.delete_collection(CollectionId=made)


@pytest.mark.parametrize("name", TOUCHING)
def test_a_collection_of_the_same_name_opens_nothing(two: Two, name: str) -> None:
    operation = SERVICE.operations[name]
    if name not in two.server.deployment.handlers or "CollectionId" not in operation.input.members:
        pytest.skip("not implemented, or about no collection")
    if name == "CreateCollection":
        pytest.skip("the name is taken by this test itself")
    before = two.everything_of_one()
    two.other.create_collection(CollectionId=NAME)
    try:
        nobody = replace(nothing_there(two.held), collection=NAME)
        for token in (False, True) if name in two.held.tokens else (False,):
            real = outcome(two.other, operation, parameters(operation, two.held, token=token), two.held)
            if name == "CreateUser":
                assert real[0] == "OK"  # its own user, though the name and the request's token were used elsewhere
                continue
            if name in ("IndexFaces", "DeleteCollection"):
                assert real[0] == "OK"  # of its own
                continue
            members = parameters(operation, nobody, token=token)
            assert real == outcome(two.other, operation, members, nobody)
            assert SECRET_NAME not in str(real)
            if token:
                assert real[0] == "InvalidPaginationTokenException"
        assert two.everything_of_one() == before
    finally:
        if name != "DeleteCollection":
            two.other.delete_collection(CollectionId=NAME)


def test_every_operation_on_things_that_answers_was_asked(two: Two) -> None:
    answering = set(two.server.deployment.handlers) & set(TOUCHING)
    assert len(answering) >= 19
    # What AWS has not is asked for in pages only: tests/console/test_attacks.py has another tenant's.
    for name in (set(two.server.deployment.handlers) & SERVICE.operations.keys()) - set(TOUCHING):
        assert not NAMING & SERVICE.known[name].input.members.keys(), name

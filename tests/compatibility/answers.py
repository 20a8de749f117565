"""Requests that, taken together, make every operation return every member that this server returns.

``ANSWERS`` has a function per operation: from a studio, which has pictures and a boto3 client, to the answers. A new
operation adds its function here; test_fields.py fails until it does. The same requests run against fakes and, with
the fetched networks, against the real engine.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Answer = Mapping[str, Any]
COLLECTION = "people"
CELEBRITY = "3LvPP6oYFV"
"""Somebody who is in the server's book."""


@dataclass
class Studio:
    """A client and pictures.

    Attributes:
        client: boto3's, for a server with an empty collection ``people``.
        one: a picture with one good face.
        two: a picture with two faces of unlike size, the larger one the person of ``one``.
        pictures: further ones by name, for single operations.
        key: id and secret of what the client signs with.
        made: ARNs of what takes long to make, by name.
        connect: puts a film that is played again and again behind the ARN of a video stream.
    """

    client: Any
    one: bytes
    two: bytes
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    key: tuple[str, str] = ("", "")
    connect: Callable[[str], None] = lambda _: None
    unknown: list[Answer] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)

    def known_person(self) -> None:
        """Make the person of ``one`` known; what was said of it before stays in ``unknown``."""
        image = {"Bytes": self.one}
        if not self.unknown:
            self.unknown.append(self.client.recognize_celebrities(Image=image))
        with contextlib.suppress(self.client.exceptions.ResourceAlreadyExistsException):
            self.client.create_collection(CollectionId="celebrities")
        self.client.index_faces(CollectionId="celebrities", Image=image, ExternalImageId=CELEBRITY, MaxFaces=1)


def enrolled(studio: Studio, image: bytes, name: str) -> tuple[Answer, list[str]]:
    answer = studio.client.index_faces(
        CollectionId=COLLECTION, Image={"Bytes": image}, ExternalImageId=name, DetectionAttributes=["ALL"], MaxFaces=1
    )
    return answer, [record["Face"]["FaceId"] for record in answer["FaceRecords"]]


def user_of(studio: Studio, user: str, face_ids: list[str]) -> Answer:
    studio.client.create_user(CollectionId=COLLECTION, UserId=user)
    return studio.client.associate_faces(CollectionId=COLLECTION, UserId=user, FaceIds=face_ids)  # type: ignore[no-any-return]


def create_collection(studio: Studio) -> list[Answer]:
    return [studio.client.create_collection(CollectionId="another", Tags={"team": "a"})]


def delete_collection(studio: Studio) -> list[Answer]:
    return [studio.client.delete_collection(CollectionId=COLLECTION)]


def describe_collection(studio: Studio) -> list[Answer]:
    return [studio.client.describe_collection(CollectionId=COLLECTION)]


def list_collections(studio: Studio) -> list[Answer]:
    studio.client.create_collection(CollectionId="more")
    return [studio.client.list_collections(MaxResults=1)]


def tags(studio: Studio) -> list[Answer]:
    arn = studio.client.describe_collection(CollectionId=COLLECTION)["CollectionARN"]
    tagged = studio.client.tag_resource(ResourceArn=arn, Tags={"team": "a"})
    listed = studio.client.list_tags_for_resource(ResourceArn=arn)
    assert listed["Tags"] == {"team": "a"}
    return [tagged, studio.client.untag_resource(ResourceArn=arn, TagKeys=["team"])]


def list_tags(studio: Studio) -> list[Answer]:
    arn = studio.client.describe_collection(CollectionId=COLLECTION)["CollectionARN"]
    return [studio.client.list_tags_for_resource(ResourceArn=arn)]


def detect_faces(studio: Studio) -> list[Answer]:
    return [studio.client.detect_faces(Image={"Bytes": studio.two}, Attributes=["ALL"])]


def recognize_celebrities(studio: Studio) -> list[Answer]:
    studio.known_person()
    return [*studio.unknown, studio.client.recognize_celebrities(Image={"Bytes": studio.one})]


def get_celebrity_info(studio: Studio) -> list[Answer]:
    return [studio.client.get_celebrity_info(Id=CELEBRITY)]


def detect_text(studio: Studio) -> list[Answer]:
    return [studio.client.detect_text(Image={"Bytes": studio.pictures["text"]})]


def compare_faces(studio: Studio) -> list[Answer]:
    return [
        studio.client.compare_faces(
            SourceImage={"Bytes": studio.one}, TargetImage={"Bytes": studio.two}, SimilarityThreshold=limit
        )
        for limit in (0, 100)
    ]


def index_faces(studio: Studio) -> list[Answer]:
    first, face_ids = enrolled(studio, studio.two, "ann")
    user_of(studio, "ann", face_ids)
    return [first, enrolled(studio, studio.two, "ann")[0]]


def list_faces(studio: Studio) -> list[Answer]:
    _, face_ids = enrolled(studio, studio.one, "ann")
    user_of(studio, "ann", face_ids)
    enrolled(studio, studio.two, "bob")
    return [
        studio.client.list_faces(CollectionId=COLLECTION, MaxResults=1),
        studio.client.list_faces(CollectionId=COLLECTION, UserId="ann"),
    ]


def delete_faces(studio: Studio) -> list[Answer]:
    _, face_ids = enrolled(studio, studio.one, "ann")
    user_of(studio, "ann", face_ids)
    _, others = enrolled(studio, studio.two, "bob")
    return [studio.client.delete_faces(CollectionId=COLLECTION, FaceIds=[*face_ids, *others])]


def search_faces(studio: Studio) -> list[Answer]:
    _, face_ids = enrolled(studio, studio.one, "ann")
    _, others = enrolled(studio, studio.two, "bob")
    user_of(studio, "bob", others)
    return [studio.client.search_faces(CollectionId=COLLECTION, FaceId=face_ids[0], FaceMatchThreshold=0)]


def search_faces_by_image(studio: Studio) -> list[Answer]:
    user_of(studio, "ann", enrolled(studio, studio.one, "ann")[1])
    image = {"Bytes": studio.two}
    return [studio.client.search_faces_by_image(CollectionId=COLLECTION, Image=image, FaceMatchThreshold=0)]


def create_user(studio: Studio) -> list[Answer]:
    return [studio.client.create_user(CollectionId=COLLECTION, UserId="ann")]


def delete_user(studio: Studio) -> list[Answer]:
    studio.client.create_user(CollectionId=COLLECTION, UserId="ann")
    return [studio.client.delete_user(CollectionId=COLLECTION, UserId="ann")]


def list_users(studio: Studio) -> list[Answer]:
    for user in ("ann", "bob"):
        studio.client.create_user(CollectionId=COLLECTION, UserId=user)
    return [studio.client.list_users(CollectionId=COLLECTION, MaxResults=1)]


def associate_faces(studio: Studio) -> list[Answer]:
    _, face_ids = enrolled(studio, studio.one, "ann")
    first = user_of(studio, "ann", face_ids)
    # A face of another user, and one below a threshold that nothing reaches.
    second = user_of(studio, "bob", face_ids)
    _, others = enrolled(studio, studio.two, "cleo")
    third = studio.client.associate_faces(CollectionId=COLLECTION, UserId="ann", FaceIds=others, UserMatchThreshold=100)
    return [first, second, third]


def disassociate_faces(studio: Studio) -> list[Answer]:
    _, face_ids = enrolled(studio, studio.one, "ann")
    user_of(studio, "ann", face_ids)
    _, others = enrolled(studio, studio.two, "bob")
    user_of(studio, "bob", others)
    return [
        studio.client.disassociate_faces(CollectionId=COLLECTION, UserId="ann", FaceIds=[*face_ids, *others]),
    ]


def search_users(studio: Studio) -> list[Answer]:
    _, face_ids = enrolled(studio, studio.one, "ann")
    _, others = enrolled(studio, studio.two, "bob")
    user_of(studio, "ann", face_ids)
    user_of(studio, "bob", others)
    search = studio.client.search_users
    return [
        search(CollectionId=COLLECTION, FaceId=face_ids[0], UserMatchThreshold=0),
        search(CollectionId=COLLECTION, UserId="ann", UserMatchThreshold=0),
    ]


def search_users_by_image(studio: Studio) -> list[Answer]:
    user_of(studio, "ann", enrolled(studio, studio.one, "ann")[1])
    image = {"Bytes": studio.two}
    return [studio.client.search_users_by_image(CollectionId=COLLECTION, Image=image, UserMatchThreshold=0)]


def detect_labels(studio: Studio) -> list[Answer]:
    if "labels" not in studio.pictures:
        return []
    image = {"Bytes": studio.pictures["labels"]}
    both = ["GENERAL_LABELS", "IMAGE_PROPERTIES"]
    return [studio.client.detect_labels(Image=image, Features=both), studio.client.detect_labels(Image=image)]


def detect_protective_equipment(studio: Studio) -> list[Answer]:
    image = {"Bytes": studio.pictures.get("mask", studio.one)}
    required = {"MinConfidence": 60, "RequiredEquipmentTypes": ["FACE_COVER"]}
    return [studio.client.detect_protective_equipment(Image=image, SummarizationAttributes=required)]


ANSWERS: Mapping[str, Callable[[Studio], list[Answer]]] = {
    "AssociateFaces": associate_faces,
    "CompareFaces": compare_faces,
    "CreateCollection": create_collection,
    "CreateUser": create_user,
    "DeleteCollection": delete_collection,
    "DeleteFaces": delete_faces,
    "DeleteUser": delete_user,
    "DescribeCollection": describe_collection,
    "DetectFaces": detect_faces,
    "DetectLabels": detect_labels,
    "DetectProtectiveEquipment": detect_protective_equipment,
    "DetectText": detect_text,
    "DisassociateFaces": disassociate_faces,
    "GetCelebrityInfo": get_celebrity_info,
    "IndexFaces": index_faces,
    "ListCollections": list_collections,
    "ListFaces": list_faces,
    "ListTagsForResource": list_tags,
    "ListUsers": list_users,
    "RecognizeCelebrities": recognize_celebrities,
    "SearchFaces": search_faces,
    "SearchFacesByImage": search_faces_by_image,
    "SearchUsers": search_users,
    "SearchUsersByImage": search_users_by_image,
    "TagResource": tags,
    "UntagResource": tags,
}

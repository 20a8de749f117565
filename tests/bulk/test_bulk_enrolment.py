"""Bulk enrolments through the own operations: the faces of IndexFaces, exact units, one entry a part."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custodes.ledger.tlog.entry import decode
from tests.fakes.command import custodes
from tests.fakes.engine import BLURRED, Square, SquareEngine, picture
from tests.fakes.live import LiveServer, running
from tests.fakes.waiting import eventually
from tests.streams.kept import post

PATH = "/custodes/v1/tasks"
PICTURES = 150
FOLDERS = ("ann", "bob", "cas")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(PICTURES):
        at = folder / "staff" / FOLDERS[number % 3] / f"{number:03}.png"
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(picture(Square(1 + number % 3, angle_deg=number % 20, left=10 + number)))
    (folder / "staff" / "ann" / "bad.jpg").write_bytes(b"no picture")
    (folder / "staff" / "ann" / "blurred.png").write_bytes(picture(Square(1, blue=BLURRED)))
    (folder / "staff" / "ann" / "notes.txt").write_text("not a picture")
    (folder / "staff" / "empty.png").write_bytes(picture())
    (folder / "other.png").write_bytes(picture(Square(8)))
    data = tmp_path_factory.mktemp("bulk") / "data"
    with running(data, {"buckets": {"photos": folder}}, engine=SquareEngine()) as live:
        yield live


def enrol(server: LiveServer, collection: str, **members: Any) -> dict[str, Any]:
    asked = {"CollectionId": collection, "Bucket": "photos", "Prefix": "staff/", **members}
    task = str(post(server, "StartBulkEnrolment", f"{PATH}/enrolment", **asked)["TaskId"])

    def ended() -> dict[str, Any] | None:
        told = post(server, "GetTask", f"{PATH}/result", TaskId=task)
        return told if told["Task"]["Status"] in ("SUCCEEDED", "FAILED") else None

    told = dict(eventually(ended))
    page = told.get("NextPage")
    while page is not None:
        more = post(server, "GetTask", f"{PATH}/result", TaskId=task, Page=page)
        told["LeftOut"] += more["LeftOut"]
        page = more.get("NextPage")
    return told


def faces(server: LiveServer, collection: str) -> list[dict[str, Any]]:
    return list(server.client().list_faces(CollectionId=collection, MaxResults=4096)["Faces"])


def uses(server: LiveServer, job: str) -> list[tuple[int, int, dict[str, Any]]]:
    """Part, units and body of each entry of a task."""
    log = server.deployment.ledger.log
    log.flush()
    found = []
    for index in range(log.published.size):
        entry = decode(log.tree().entry(index))
        body = json.loads(log.body(index) or b"{}") if entry.kind == "use" else {}
        if body.get("job") == job:
            found.append((body["part"], entry.units or 0, body))
    return sorted(found, key=lambda one: one[0])


def test_the_same_faces_as_one_by_one_and_one_entry_a_part(server: LiveServer) -> None:
    client = server.client()
    client.create_collection(CollectionId="whole")
    client.create_collection(CollectionId="single")
    told = enrol(server, "whole")
    assert told["Task"]["Status"] == "SUCCEEDED" and told["Task"]["Kind"] == "BulkEnrolment"
    summary = told["Summary"]
    assert (summary["Pictures"], summary["Faces"], summary["LeftOut"]) == (PICTURES + 3, PICTURES, 3)
    left = {one["Key"]: (one["Reason"], one["Failed"]) for one in told["LeftOut"]}
    assert left["staff/empty.png"] == ("no face found", False)
    assert left["staff/ann/blurred.png"][0].startswith("no face good enough") and left["staff/ann/bad.jpg"][1]
    entries = uses(server, told["Task"]["TaskId"])
    assert [part for part, _, _ in entries] == [0, 1, 2]
    assert sum(units for _, units, _ in entries) == PICTURES + 2  # but the one that is no picture
    folder = server.deployment.settings.buckets["photos"]
    for at in sorted(folder.glob("staff/*/[0-9]*.png")):
        client.index_faces(CollectionId="single", Image={"Bytes": at.read_bytes()}, ExternalImageId=at.parent.name)
    of = [
        {(one["ImageId"], one["ExternalImageId"], str(one["BoundingBox"])) for one in faces(server, name)}
        for name in ("whole", "single")
    ]
    assert of[0] == of[1] and len(of[0]) == PICTURES
    ids = {face["ImageId"]: face["FaceId"] for face in faces(server, "whole")}
    wanted = faces(server, "single")[7]
    found = [
        client.search_faces(CollectionId=name, FaceId=face, MaxFaces=40, FaceMatchThreshold=0)["FaceMatches"]
        for name, face in (("single", wanted["FaceId"]), ("whole", ids[wanted["ImageId"]]))
    ]
    assert [one["Similarity"] for one in found[0]] == [one["Similarity"] for one in found[1]]


def test_again_adds_nothing_and_is_charged_as_new_work(server: LiveServer) -> None:
    server.client().create_collection(CollectionId="twice")
    first = enrol(server, "twice", Prefix="staff/bob")
    before = faces(server, "twice")
    again = enrol(server, "twice", Prefix="staff/bob")
    assert again["Summary"] == first["Summary"] and faces(server, "twice") == before
    assert sum(one[1] for one in uses(server, again["Task"]["TaskId"])) == PICTURES // 3


@pytest.mark.parametrize(("by", "name"), [("FOLDER", "cas"), ("FILE", "002"), ("NONE", None)])
def test_faces_are_named_by_what_was_asked(server: LiveServer, by: str, name: str | None) -> None:
    collection = f"named-{by}"
    server.client().create_collection(CollectionId=collection)
    enrol(server, collection, Prefix="staff/cas/002", NameBy=by)
    (face,) = faces(server, collection)
    # A prefix that ends in a folder's name leaves no folder below it.
    assert face.get("ExternalImageId") == (None if by == "FOLDER" else name)
    if by == "FOLDER":
        enrol(server, collection, Prefix="staff/ca", NameBy=by)
        assert {one.get("ExternalImageId") for one in faces(server, collection)} == {None, name}


def test_small_pictures_are_kept_where_the_collection_says_so(server: LiveServer) -> None:
    client = server.client()
    arn = client.create_collection(CollectionId="seen")["CollectionArn"]
    client.tag_resource(ResourceArn=arn, Tags={"custodes:thumbnails": "on"})
    enrol(server, "seen", Prefix="staff/cas/00")
    (face, *_) = faces(server, "seen")
    shown = post(server, "GetFaceThumbnails", "/custodes/v1/thumbnails", CollectionId="seen", FaceIds=[face["FaceId"]])
    assert shown["Thumbnails"][0]["FaceId"] == face["FaceId"]


def test_what_cannot_be_done_is_said(server: LiveServer) -> None:
    client = server.client()
    client.create_collection(CollectionId="refused")
    asked = {"CollectionId": "refused", "Bucket": "photos"}
    no_ray = post(server, "StartBulkEnrolment", f"{PATH}/enrolment", **asked, On="RAY")
    assert "CUSTODES_RAY" in no_ray["Message"]
    gone = post(server, "StartBulkEnrolment", f"{PATH}/enrolment", **{**asked, "CollectionId": "gone"})
    assert gone["Code"] == "ResourceNotFoundException"
    unknown = enrol(server, "refused", Bucket="unknown")
    assert unknown["Task"]["Status"] == "FAILED" and "unknown" in unknown["Task"]["Message"]
    uploads = enrol(server, "refused", Bucket="custodes-uploads", Prefix="")
    assert uploads["Task"]["Status"] == "FAILED"
    nothing = enrol(server, "refused", Prefix="nowhere/")
    assert nothing["Summary"]["Faces"] == 0 and nothing["Task"]["Status"] == "SUCCEEDED"
    client.delete_collection(CollectionId="refused")


def test_on_the_command_line(server: LiveServer, tmp_path: Path) -> None:
    where = {**server.environment(), "PATH": os.environ["PATH"]}
    server.client().create_collection(CollectionId="typed")
    words = ("task", "enrol", "s3://photos/staff/", "--collection", "typed", "--data", server.data)
    done = custodes(*words, variables=where)
    assert done.returncode == 0 and f"{PICTURES + 3} photos; {PICTURES} faces" in done.stdout
    assert "staff/empty.png: no face found" in done.stdout
    told = json.loads(custodes(*words, "--json", "--names", "file", variables=where).stdout)
    assert told["summary"]["Pictures"] == PICTURES + 3 and len(told["left_out"]) == 3
    refused = custodes("task", "enrol", str(tmp_path), "--collection", "typed", "--data", server.data, variables=where)
    assert refused.returncode != 0 and "s3://bucket/prefix" in refused.stderr

"""Tasks through the own operations and on the command line: duplicates, persons, matches, rates."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from custodes.ledger.tlog.entry import decode
from tests.fakes.command import custodes
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import LiveServer, running
from tests.fakes.waiting import eventually
from tests.streams.kept import ask, post

PATH = "/custodes/v1/tasks"
# Of each person shots at these angles: 100 % for none, 99.6 % for ten degrees, 93.3 % for thirty in the linear scale.
SHOTS = {"Ann": (1, (0, 5, 10)), "Bob": (2, (0, 5)), "Cas": (3, (0, 60))}


class House:
    """A server with two collections."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.client = server.client()

    def start(self, kind: str, path: str, **members: Any) -> str:
        return str(post(self.server, f"Start{kind}", f"{PATH}/{path}", **members)["TaskId"])

    def get(self, task: str, **members: Any) -> dict[str, Any]:
        return post(self.server, "GetTask", f"{PATH}/result", TaskId=task, **members)

    def done(self, task: str) -> dict[str, Any]:
        return dict(eventually(lambda: found if (found := self.get(task))["Task"]["Status"] == "SUCCEEDED" else None))

    def names(self, finding: dict[str, Any]) -> list[str]:
        return sorted(face["ExternalImageId"] for face in finding["Faces"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running(tmp_path_factory.mktemp("tasks") / "data", engine=SquareEngine()) as server:
        client = server.client()
        for name in ("people", "guests", "labelled"):
            client.create_collection(CollectionId=name)
        for name, (who, angles) in SHOTS.items():
            for number, angle in enumerate(angles):
                image = {"Bytes": picture(Square(who, angle_deg=angle, left=10 + number))}
                client.index_faces(CollectionId="people", Image=image, ExternalImageId=f"{name}-{number}")
                client.index_faces(CollectionId="labelled", Image=image, ExternalImageId=name)
        client.index_faces(CollectionId="guests", Image={"Bytes": picture(Square(2))}, ExternalImageId="guest")
        yield House(server)


def test_duplicates_are_pairs_that_are_alike(house: House) -> None:
    told = house.done(house.start("DuplicateSearch", "duplicates", CollectionId="people", Threshold=99.8))
    assert told["Summary"]["Faces"] == 7 and told["Summary"]["Threshold"] == pytest.approx(99.8, abs=1e-4)
    assert told["Summary"]["ExpectedFalsePairs"] >= 0 and told["Summary"]["FalseMatchRate"] < 1e-4
    assert sorted(house.names(one) for one in told["Findings"]) == [
        ["Ann-0", "Ann-1"],
        ["Ann-1", "Ann-2"],
        ["Bob-0", "Bob-1"],
    ]
    pcts = [one["Similarity"] for one in told["Findings"]]
    assert pcts == sorted(pcts, reverse=True) and "NextPage" not in told


def test_persons_are_proposed_with_their_weakest_link_and_nothing_is_changed(house: House) -> None:
    before = house.client.list_faces(CollectionId="people")["Faces"]
    members = {"CollectionId": "people", "Threshold": 99.8, "ApartThreshold": 99}
    told = house.done(house.start("FaceClustering", "clustering", **members))
    assert [house.names(one) for one in told["Findings"]] == [["Ann-0", "Ann-1", "Ann-2"], ["Bob-0", "Bob-1"]]
    ids = {face["FaceId"]: face["ExternalImageId"] for face in told["Findings"][0]["Faces"]}
    assert {ids[one] for one in told["Findings"][0]["Weakest"]} == {"Ann-0", "Ann-2"}
    assert told["Findings"][0]["Similarity"] == pytest.approx(99.24, abs=0.1)
    assert house.client.list_faces(CollectionId="people")["Faces"] == before


def test_two_collections_are_matched_and_both_have_to_be_allowed(house: House) -> None:
    members = {"CollectionId": "people", "OtherCollectionId": "guests", "Threshold": 99.8}
    told = house.done(house.start("CrossMatch", "cross-match", **members))
    assert [house.names(one) for one in told["Findings"]] == [["Bob-0", "guest"], ["Bob-1", "guest"]]
    assert {face["CollectionId"] for face in told["Findings"][0]["Faces"]} == {"people", "guests"}
    log = house.server.deployment.ledger.log
    log.flush()
    asked = [json.loads(log.body(at) or b"{}") for at in range(log.published.size) if kind(house, at) == "auth"]
    resources = {one["resource"].rpartition("/")[2] for one in asked if "CrossMatch" in str(one)}
    assert resources == {"people", "guests"}
    same = post(
        house.server, "StartCrossMatch", f"{PATH}/cross-match", CollectionId="people", OtherCollectionId="people"
    )
    assert same["Code"] == "InvalidParameterException"


def kind(house: House, index: int) -> str:
    return decode(house.server.deployment.ledger.log.tree().entry(index)).kind


def test_what_percentages_stand_for_is_measured_on_the_own_people(house: House) -> None:
    task = house.start("Calibration", "calibration", CollectionId="labelled", LabelBy="EXTERNAL_IMAGE_ID")
    summary = house.done(task)["Summary"]
    assert (summary["People"], summary["GenuinePairs"], summary["ImpostorPairs"]) == (3, 5, 16)
    rates = {round(one["Similarity"], 2): one for one in summary["Rates"]}
    assert rates[50.0]["FalseMatchRate"] == 1 and rates[50.0]["TrueMatchRate"] == 1
    assert rates[95.0]["TrueMatchRate"] == pytest.approx(4 / 5) and rates[95.0]["Bounded"]
    failed = house.start("Calibration", "calibration", CollectionId="labelled", LabelBy="USER")
    message = eventually(lambda: house.get(failed)["Task"].get("Message"))
    assert "labels" in message


def test_erased_faces_are_told_no_more(house: House) -> None:
    house.client.create_collection(CollectionId="short")
    for left in (10, 11):
        image = {"Bytes": picture(Square(4, left=left))}
        house.client.index_faces(CollectionId="short", Image=image, ExternalImageId=f"at-{left}")
    task = house.start("DuplicateSearch", "duplicates", CollectionId="short")
    (found,) = house.done(task)["Findings"]
    house.client.delete_faces(CollectionId="short", FaceIds=[found["Faces"][0]["FaceId"]])
    assert house.get(task)["Findings"] == []
    house.client.delete_collection(CollectionId="short")
    assert house.get(task)["Findings"] == []


def test_tasks_of_others_are_not_there(house: House) -> None:
    task = house.start("DuplicateSearch", "duplicates", CollectionId="people")
    assert task in [one["TaskId"] for one in post(house.server, "ListTasks", f"{PATH}/list")["Tasks"]]
    house.done(task)
    assert post(house.server, "StopTask", f"{PATH}/stop", TaskId=task)["Code"] == "ResourceNotFoundException"
    assert house.get("f" * 64)["Code"] == "ResourceNotFoundException"
    gone = post(house.server, "StartDuplicateSearch", f"{PATH}/duplicates", CollectionId="gone")
    assert gone["Code"] == "ResourceNotFoundException"


def test_the_operator_sees_tasks_among_jobs(house: House) -> None:
    jobs = ask(house.server, "job list")["jobs"]
    assert {one["operation"] for one in jobs} >= {"StartDuplicateSearch"}


def test_they_are_asked_and_linked_on_the_command_line(house: House, tmp_path: Path) -> None:
    where = {**house.server.environment(), "PATH": os.environ["PATH"]}

    def run(*words: object) -> CompletedProcess[str]:
        return custodes("task", *words, "--data", house.server.data, variables=where)

    page = tmp_path / "persons.html"
    options = ("--collection", "people", "--threshold", 99.8, "--apart", 99)
    told = run("cluster", *options, "--report", page)
    assert told.returncode == 0 and "7 faces, 2 findings" in told.stdout and "weakest link" in told.stdout
    text = page.read_text()
    assert "Proposed persons" in text and text.count("<b>") == 4 and "<script" not in text
    task = run("list").stdout.splitlines()[0].split()[0]
    assert json.loads(run("show", task, "--json").stdout)["summary"]["Findings"] == 2
    linked = run("link", task, 2, "--prefix", "known")
    assert linked.stdout.strip() == "known-2: 2 faces"
    faces = house.client.list_faces(CollectionId="people", UserId="known-2")["Faces"]
    assert sorted(one["ExternalImageId"] for one in faces) == ["Bob-0", "Bob-1"]
    assert run("link", task, 9).returncode != 0
    assert "of strangers" in run("calibrate", "-c", "labelled", "--label-by", "external-image-id").stdout
    assert run("cross-match", "-c", "people", "--other", "guests").returncode == 0
    assert run("duplicates", "-c", "gone").returncode != 0


def test_a_collection_gets_the_tasks_that_it_wants_and_not_more_often(tmp_path: Path) -> None:
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        house, where = House(server), {**server.environment(), "PATH": os.environ["PATH"]}
        for name in ("wants", "wants-not", "odd"):
            house.client.create_collection(CollectionId=name)

        def regularly(kind: str, collection: str, days: int) -> CompletedProcess[str]:
            words = ("task", "regularly", kind, "--collection", collection, "--days", days, "--data", server.data)
            return custodes(*words, variables=where)

        arn = house.client.describe_collection(CollectionId="odd")["CollectionARN"]
        house.client.tag_resource(ResourceArn=arn, Tags={"custodes:duplicates-days": "often"})
        assert regularly("duplicates", "wants", 7).returncode == 0
        assert regularly("duplicates", "wants", 8).returncode != 0
        assert regularly("calibration", "wants", 7).returncode != 0
        began(server, 1)
        began(server, 2)
        assert [task["Kind"] for task in tasks(server)] == ["DuplicateSearch"]
        house.done(tasks(server)[0]["TaskId"])
        assert regularly("clustering", "wants", 1).returncode == 0
        assert regularly("duplicates", "wants", 0).returncode == 0
        began(server, 3)
        assert [task["Kind"] for task in tasks(server)] == ["FaceClustering", "DuplicateSearch"]
        log = server.deployment.ledger.log
        log.flush()
        uses = [json.loads(log.body(at) or b"{}") for at in range(log.published.size) if kind_at(log, at) == "use"]
        begun = [use for use in uses if use["op"] == "StartDuplicateSearch" and use["key"] == ""]
        assert len(begun) == 2, "its start, and its work"


def began(server: LiveServer, times: int) -> None:
    """Have the schedule run, and wait until it has for the ``times``-th time."""
    scheduler = server.deployment.scheduler
    scheduler.wake("regular tasks")
    assert eventually(lambda: next(s for s in scheduler.states() if s.name == "regular tasks").succeeded >= times)


def tasks(server: LiveServer) -> list[dict[str, Any]]:
    return list(post(server, "ListTasks", f"{PATH}/list")["Tasks"])


def kind_at(log: Any, index: int) -> str:
    return str(decode(log.tree().entry(index)).kind)

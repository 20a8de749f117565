"""A server with something behind every page: what stands for the parameters of their paths, and who may see them.

In: a live server with buckets. Out: paths without parameters. Names are as hostile as their alphabets allow; those of
other places are markup, letters that run from right to left, and a thousand letters.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from custodes.console.routes import PAGES
from custodes.core.clock import SystemClock
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.verifier.invoices.meter import Month
from tests.fakes.clips import write_clip
from tests.fakes.engine import Square, colour, picture
from tests.fakes.live import REGION, LiveServer
from tests.fakes.public_safety import PublicSafety
from tests.fakes.visitor import Visitor
from tests.fakes.waiting import eventually
from tests.streams.kept import post

FILMS, PICTURES, RESULTS = "films", "pictures", "results"
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"
RIGHT_TO_LEFT = "\u202e\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 (gpj.exe"
LONG = "W" * 1000
HEBREW = "\u05e9\u05dc\u05d5\u05dd"
TEMPLATE = "{{ 7*7 }} {% raw %} ${7*7} '\"><svg onload=alert(3)>"
HOSTILE = (MARKUP, RIGHT_TO_LEFT, LONG, TEMPLATE)
COLLECTION, PERSON = "p" * 255, "q" * 128
QUERIES = {
    "/policy/explain": "?request=3",
    "/find-job": "?kind=faces&job=abc",
    "/erasures": "?face=abc",
}
PAGES_READ = [page.path for page in PAGES if page.method == "GET"]
"""Paths of all that is only read."""
_NO_PAGES = ("/jobs/{kind}/{job}/export", "/jobs/{kind}/{job}/edl", "/find-job", "/erasures")
"""What is a file, or leads to another page."""
PAGES_SHOWN = [path for path in PAGES_READ if path not in _NO_PAGES]


@dataclass(frozen=True)
class Furnished:
    """What is there.

    Attributes:
        server: where.
        places: the value of each parameter; by path where another path has the same parameter.
        reviewer: the key of who sees the review; every other page is the operator's.
    """

    server: LiveServer
    places: Mapping[str, str]
    reviewer: Mapping[str, Any]

    def filled(self, path: str) -> str:
        """``path`` of a page that is there."""
        places = {**self.places, **({"{kind}": "faces"} if path.startswith("/jobs") else {})}
        whole = path
        for name, value in places.items():
            whole = whole.replace(name, value)
        return whole + QUERIES.get(path, "")


def furnish(server: LiveServer, films: Path, pictures: Path) -> Furnished:
    """Fill ``server``, whose buckets are these folders."""
    client, ask = server.client(), _Commands(server)
    face, erased = _people(client)
    account = _customers(ask)
    guard = PublicSafety(server)
    review = _review(server, guard)
    month = _billed(server)
    return Furnished(
        server,
        {
            "{collection}": COLLECTION,
            "{person}": PERSON,
            "/erasures/{face}": f"/erasures/{erased}",
            "{face}": face,
            "/tasks/{task}": f"/tasks/{_task(server)}",
            "{task}": "compare",
            "{index}": "3",
            "/bills/{month}/{account}": f"/bills/{month}/{server.deployment.keys.account_id}",
            "{account}": account,
            "{session}": str(client.create_face_liveness_session()["SessionId"]),
            "{job}": _job(client, films),
            "/jobs/{kind}/": "/jobs/faces/",
            "{project}": _project(client, pictures),
            "{kind}": "train",
            "{processor}": _processor(server, client),
            "{review}": review,
        },
        guard.keys["ann"],
    )


def _task(server: LiveServer) -> str:
    """A task that is over, with persons proposed."""
    path = "/custodes/v1/tasks"
    members = {"CollectionId": COLLECTION, "Threshold": 0, "ApartThreshold": 0}
    task = str(post(server, "StartFaceClustering", f"{path}/clustering", **members)["TaskId"])
    eventually(lambda: post(server, "GetTask", f"{path}/result", TaskId=task)["Task"]["Status"] == "SUCCEEDED")
    return task


class _Commands:
    def __init__(self, server: LiveServer) -> None:
        self._server = server

    def __call__(self, operation: str, **members: object) -> Mapping[str, Any]:
        return self._server.deployment.administration.ask(operation, members, os.getuid())


def _people(client: Any) -> tuple[str, str]:
    """A face that is there, and one that was erased."""
    tags = {"note": HEBREW, "long": LONG[:256], "custodes:thumbnails": "on"}
    client.create_collection(CollectionId=COLLECTION, Tags=tags)
    ids = []
    for who in range(1, 5):
        answer = client.index_faces(
            CollectionId=COLLECTION, Image={"Bytes": picture(Square(who))}, ExternalImageId=f"{'n' * 250}.{who}"
        )
        ids.append(str(answer["FaceRecords"][0]["Face"]["FaceId"]))
    client.create_user(CollectionId=COLLECTION, UserId=PERSON)
    client.associate_faces(CollectionId=COLLECTION, UserId=PERSON, FaceIds=ids[-1:])
    client.delete_faces(CollectionId=COLLECTION, FaceIds=ids[:1])
    return ids[-1], ids[0]


def _customers(ask: _Commands) -> str:
    """Accounts with names that try something; the last is suspended for such a reason."""
    made: Mapping[str, Any] = {}
    for name in ("Anna's Photos B.V.", *(name[:300].replace("\u202e", "") for name in HOSTILE)):
        made = ask("account create", profile={"legal_name": name, "sector": "retail", "country": "NL"})
    ask("account suspend", account=made["account_id"], reason=(MARKUP + RIGHT_TO_LEFT + LONG)[:300])
    ask("statement create", account=made["account_id"])
    return str(made["account_id"])


def _review(server: LiveServer, guard: PublicSafety) -> str:
    """A result that waits for two persons."""
    guard.search()
    visitor = Visitor(server.url)
    visitor.sign_in(guard.keys["ann"])
    found = re.search(r"/console/reviews/([^\"]+)", visitor.ask("GET", "/console/reviews")[2])
    assert found is not None
    return found[1]


def _billed(server: LiveServer) -> str:
    ledger, month = server.deployment.ledger, Month.of(SystemClock().now_ms())
    ledger.log.flush()
    ledger.statements.commit_bills(ledger.statements.bill(month, load_prices(default_prices())), ledger.log)
    return str(month)


def _job(client: Any, films: Path) -> str:
    """Faces of a short film, looked for to the end."""

    def draw(number: int) -> np.ndarray:
        rgb = np.zeros((240, 320, 3), np.uint8)
        rgb[60:160, 40 + number : 140 + number] = colour(Square(1))
        return rgb

    write_clip(films / "a.mp4", 25, draw)
    job = str(client.start_face_detection(Video={"S3Object": {"Bucket": FILMS, "Name": "a.mp4"}})["JobId"])
    eventually(lambda: client.get_face_detection(JobId=job)["JobStatus"] != "IN_PROGRESS")
    return job


def _project(client: Any, pictures: Path) -> str:
    """One whose dataset has labels, and errors, that try something."""
    lines = [{"source-ref": f"s3://{PICTURES}/{name}.png", **_label(name[:255])} for name in HOSTILE]
    manifest = "\n".join(map(json.dumps, [*lines, {"no": MARKUP}])) + "\n"
    (pictures / "train.manifest").write_text(manifest)
    name = "m" * 255
    arn = client.create_project(ProjectName=name)["ProjectArn"]
    place = {"GroundTruthManifest": {"S3Object": {"Bucket": PICTURES, "Name": "train.manifest"}}}
    client.create_dataset(ProjectArn=arn, DatasetType="TRAIN", DatasetSource=place)
    return name


def _label(name: str) -> dict[str, Any]:
    about = {"class-name": name, "confidence": 1, "type": "groundtruth/image-classification", "human-annotated": "yes"}
    return {"label": 0, "label-metadata": {**about, "creation-date": "2026-11-29T10:00:00.000", "job-name": "j"}}


def _processor(server: LiveServer, client: Any) -> str:
    """One that looks for faces; nobody starts it."""
    account, name = server.deployment.keys.account_id, "s" * 128
    client.create_stream_processor(
        Name=name,
        Input={"KinesisVideoStream": {"Arn": f"arn:aws:kinesisvideo:{REGION}:{account}:stream/yard/1700000000000"}},
        Output={"KinesisDataStream": {"Arn": f"arn:aws:kinesis:{REGION}:{account}:stream/yard"}},
        RoleArn=f"arn:aws:iam::{account}:role/streams",
        Settings={"FaceSearch": {"CollectionId": COLLECTION, "FaceMatchThreshold": 90}},
        Tags={"note": HEBREW, "long": LONG[:256]},
    )
    return name

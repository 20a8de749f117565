"""Moving to a server: from Amazon (another Custodes server and an S3 server stand for it), CompreFace, LUNA."""

from __future__ import annotations

import csv
import http.server
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from custodes.cli.migrate.source import PhotoFinder, SourceFace
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import LiveServer, running

ANN, BEN, EVE = 1, 2, 3


@pytest.fixture(scope="module")
def amazon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The account that is left: people by file, one by folder, a pair in one picture, and a face without a photo."""
    with running(tmp_path_factory.mktemp("amazon") / "data", engine=SquareEngine()) as server:
        client = server.client()
        client.create_collection(CollectionId="people", Tags={"team": "doors"})
        faces = {}
        for name, shown in (("ann.jpg", ANN), ("gone.jpg", EVE)):
            faces[name] = index(client, name, picture(Square(shown)))
        index(client, "ben", picture(Square(BEN)))
        index(client, "ben", picture(Square(BEN, angle_deg=3)))
        index(client, "pair", pair(), MaxFaces=1)
        client.create_user(CollectionId="people", UserId="u-ann")
        client.associate_faces(CollectionId="people", UserId="u-ann", FaceIds=[faces["ann.jpg"]])
        client.create_collection(CollectionId="empty")
        yield server


def index(client: Any, name: str, photo: bytes, **more: Any) -> str:
    answer = client.index_faces(CollectionId="people", Image={"Bytes": photo}, ExternalImageId=name, **more)
    face: str = answer["FaceRecords"][0]["Face"]["FaceId"]
    return face


def pair() -> bytes:
    """Two people in one picture; the larger face is Ann's."""
    return picture(Square(ANN, side=120, left=20, top=20), Square(EVE, side=90, left=300, top=200))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "ben").mkdir(parents=True)
    for name, content in PHOTOS.items():
        (folder / name).write_bytes(content)
    return folder


PHOTOS = {
    "ann.jpg": picture(Square(ANN)),
    "ben/1.jpg": picture(Square(BEN)),
    "ben/2.jpg": picture(Square(BEN, angle_deg=3)),
    "pair.png": pair(),
}


def move(custodes: Any, live_server: LiveServer, *arguments: str, **variables: str) -> Any:
    return custodes("migrate", "rekognition", "--endpoint", live_server.url, *arguments, **variables)


def test_collections_names_users_and_tags_move(
    live_server: LiveServer, custodes: Any, amazon: LiveServer, photos: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    source = ("--profile", "amazon", "--source-endpoint", amazon.url, "--photos", str(photos))
    variables = files_of(amazon, live_server, tmp_path)
    planned = move(custodes, live_server, *source, "--report", str(report), "--plan", **variables)
    assert planned.returncode == 0, planned.stderr
    plan = {one["collection_id"]: one for one in map(json.loads, planned.stdout.splitlines())}
    assert (plan["people"]["faces"], plan["people"]["with_photo"]) == (5, 4)
    assert plan["people"]["without_photo"] == [{"name": "gone.jpg", "faces": 1, "reason": "no photo has this name"}]
    assert live_server.client().list_collections()["CollectionIds"] == []
    for again in (False, True):
        moved = move(custodes, live_server, *source, "--report", str(report), "--check", "2", **variables)
        assert moved.returncode == 1, moved.stderr  # one face has no photo
        check_moved(live_server, report, again=again)


def check_moved(live_server: LiveServer, report: Path, *, again: bool) -> None:
    client = live_server.client()
    assert sorted(client.list_collections()["CollectionIds"]) == ["empty", "people"]
    names = sorted(face["ExternalImageId"] for face in client.list_faces(CollectionId="people")["Faces"])
    assert names == ["ann.jpg", "ben", "ben", "pair"], f"again: {again}"
    assert [user["UserId"] for user in client.list_users(CollectionId="people")["Users"]] == ["u-ann"]
    mine = client.list_faces(CollectionId="people", UserId="u-ann")["Faces"]
    assert [face["ExternalImageId"] for face in mine] == ["ann.jpg"]
    arn = client.describe_collection(CollectionId="people")["CollectionARN"]
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "doors"}
    with (report / "faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    assert {row["face_id"] for row in rows if row["face_id"]} == {
        face["FaceId"] for face in client.list_faces(CollectionId="people")["Faces"]
    }
    said = json.loads((report / "report.json").read_text())
    assert said["collections"][1]["not_moved"] == {"no photo has this name": 1}
    assert len(said["searches"]) == 2 and all(one["agrees"] for one in said["searches"])
    assert any("vectors" in line for line in said["cannot_move"])


def files_of(amazon: LiveServer, live_server: LiveServer, folder: Path) -> dict[str, str]:
    """Variables with which both accounts are found, ours as the profile in use."""
    text = ""
    for name, server in (("amazon", amazon), ("custodes", live_server)):
        key = server.deployment.keys.key
        text += f"[{name}]\naws_access_key_id={key.access_key_id}\naws_secret_access_key={key.secret}\n"
    file = folder / "aws-credentials"
    file.write_text(text)
    return {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_DEFAULT_REGION": "eu-central-1"}


def test_photos_from_s3(live_server: LiveServer, custodes: Any, tmp_path: Path) -> None:
    """Rekognition and S3 behind one address, as the server that stands for Amazon has them."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        place = {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"}
        secrets = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "s"}
        s3 = boto3.client("s3", **place, **secrets)
        s3.create_bucket(Bucket="migrated-photos")
        s3.put_object(Bucket="migrated-photos", Key="old/ann.jpg", Body=PHOTOS["ann.jpg"])
        s3.put_object(Bucket="migrated-photos", Key="else/ann.jpg", Body=b"another")
        s3.close()
        from custodes.cli.client.amazon import AmazonClient
        from custodes.cli.migrate.rekognition import BucketPhotos

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "s")
            photos = BucketPhotos(AmazonClient(None, "us-east-1", place["endpoint_url"]), "s3://migrated-photos/old/")
            assert photos.keys() == ["old/ann.jpg"]
            assert photos.read("old/ann.jpg") == PHOTOS["ann.jpg"]
    finally:
        server.stop()


def test_nobody_else_in_a_picture_is_enrolled_not_even_for_a_moment(
    live_server: LiveServer, custodes: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Eve is in the collection that is left, Ann beside her is larger and is not; Ben's box touches nobody's."""
    crowd = picture(
        Square(EVE, side=50, left=20, top=200), Square(ANN, side=120, left=20, top=20),
        Square(BEN, side=90, left=250, top=20),
    )  # fmt: skip
    with running(tmp_path / "old" / "data", engine=SquareEngine()) as old:
        theirs = old.client()
        theirs.create_collection(CollectionId="people")
        answer = theirs.index_faces(CollectionId="people", Image={"Bytes": crowd}, ExternalImageId="crowd")
        eve = min(answer["FaceRecords"], key=lambda one: one["Face"]["BoundingBox"]["Width"])["Face"]["FaceId"]
        rest = [one["Face"]["FaceId"] for one in answer["FaceRecords"] if one["Face"]["FaceId"] != eve]
        theirs.delete_faces(CollectionId="people", FaceIds=rest)
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "crowd.png").write_bytes(crowd)
        capfd.readouterr()
        moved = move(
            custodes, live_server, "--profile", "amazon", "--source-endpoint", old.url,
            "--photos", str(tmp_path / "photos"), "--report", str(tmp_path / "report"),
            **files_of(old, live_server, tmp_path),
        )  # fmt: skip
    assert moved.returncode == 0, moved.stderr
    (face,) = live_server.client().list_faces(CollectionId="people")["Faces"]
    assert face["BoundingBox"]["Top"] > 0.5, "Eve's, below"
    asked = "".join(capfd.readouterr())
    assert "operation=IndexFaces" in asked
    assert "operation=DeleteFaces" not in asked, "there was nobody to take out again"


def test_a_picture_found_in_two_ways_is_indexed_once() -> None:
    faces = [SourceFace(one, "ann.jpg", None, (0.1, 0.1, 0.2, 0.2)) for one in ("f-1", "f-2")]
    (unit,) = PhotoFinder(["ann.jpg"], {"f-2": "ann.jpg"}).units(faces)
    assert unit.photos == ("ann.jpg",) and unit.faces == tuple(faces)


def test_our_own_key_is_never_sent_to_amazon(live_server: LiveServer, custodes: Any, tmp_path: Path) -> None:
    refused = custodes("migrate", "rekognition", "--photos", str(tmp_path), "--report", str(tmp_path / "r"))
    assert refused.returncode == 1 and "without `custodes env`" in refused.stderr


def test_subjects_of_compreface_become_users(live_server: LiveServer, custodes: Any, tmp_path: Path) -> None:
    examples = {
        "1-a": ("Ann K", PHOTOS["ann.jpg"]),
        "2-a": ("Ben", PHOTOS["ben/1.jpg"]),
        "2-b": ("Ben", PHOTOS["ben/2.jpg"]),
        "3-a": ("Lost", b""),
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, _ = self.path.partition("?")
            if self.headers["x-api-key"] != "the-key":
                self.send_error(401)
                return
            listed = {
                "faces": [{"image_id": key, "subject": name} for key, (name, _) in examples.items()],
                "total_pages": 1,
            }
            body = json.dumps(listed).encode() if path.endswith("/faces") else examples[path.split("/")[-2]][1]
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    key = tmp_path / "key"
    key.write_text("the-key\n")
    try:
        moved = custodes(
            "migrate", "compreface", f"http://127.0.0.1:{server.server_port}", "--key-file", str(key), "-c", "staff",
            "--report", str(tmp_path / "report"),
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    assert moved.returncode == 1 and "3 of 4 faces" in moved.stdout, moved.stderr
    client = live_server.client()
    users = [user["UserId"] for user in client.list_users(CollectionId="staff")["Users"]]
    assert users == ["Ann_K", "Ben"], "a subject without a picture has nothing to move"
    assert len(client.list_faces(CollectionId="staff", UserId="Ben")["Faces"]) == 2


def test_an_export_of_luna(live_server: LiveServer, custodes: Any, tmp_path: Path) -> None:
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("faces.csv", "face_id,external_id,user_data\nf-1,E 1,ann\nf-2,,ben\nf-3,x,y\n")
        file.writestr("samples/f-1.jpg", PHOTOS["ann.jpg"])
        file.writestr("samples/f-2.jpg", PHOTOS["ben/1.jpg"])
    moved = custodes("migrate", "luna", str(archive), "-c", "vip", "--report", str(tmp_path / "report"))
    assert moved.returncode == 1 and "2 of 3 faces" in moved.stdout, moved.stderr
    names = {face["ExternalImageId"] for face in live_server.client().list_faces(CollectionId="vip")["Faces"]}
    assert names == {"E_1", "ben"}


@pytest.mark.parametrize(
    ("content", "said"),
    [({}, "0 CSV files"), ({"a.csv": "id\n1\n"}, "no column face_id"), (None, "not a ZIP archive")],
)
def test_what_is_no_export_is_refused(custodes: Any, tmp_path: Path, content: Any, said: str) -> None:
    archive, buffer = tmp_path / "export.zip", io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, text in (content or {}).items():
            file.writestr(name, text)
    archive.write_bytes(b"nothing" if content is None else buffer.getvalue())
    refused = custodes("migrate", "luna", str(archive), "-c", "vip", "--report", str(tmp_path / "report"))
    assert refused.returncode == 1 and said in refused.stderr

"""Processors apart from what they see: names, pages, tags, tenants, restarts, the record, rules, hostile sources."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import orjson
import pytest
from botocore.exceptions import ClientError

from custodes.core.errors import InvalidParameterError
from custodes.ledger.tlog.entry import decode
from custodes.video.live.source import LiveSource
from tests.fakes.blobs import BlobEngine, portrait
from tests.fakes.camera import Camera
from tests.fakes.clips import write_clip
from tests.fakes.live import running
from tests.fakes.sight import sight
from tests.fakes.waiting import eventually
from tests.streams.conftest import REGION, Cloud, Post, ann_and_bob, enrolled, overrides, watcher

Open = Callable[[Any], Camera]


@contextmanager
def started(data: Path, cloud: Cloud) -> Iterator[Post]:
    with running(data, overrides(cloud), engine=BlobEngine(), sight=sight()) as server:
        yield Post(server, server.client(), cloud)


def tenant(post: Post, sector: str = "software") -> Any:
    """A client of another account's root."""
    profile = {"legal_name": f"A {sector} firm", "sector": sector, "country": "NL"}
    account = post.ask("account create", profile=profile, stated={})["account_id"]
    key = post.ask("key create", account=account)
    session = boto3.session.Session(key["access_key_id"], key["secret_access_key"], region_name=REGION)
    return session.client("rekognition", endpoint_url=post.server.url)


def uses(post: Post) -> list[dict[str, Any]]:
    """Private facts of all uses of StartStreamProcessor, in order."""
    log = post.server.deployment.ledger.log
    log.flush()
    tree = log.tree()
    entries = [(index, decode(tree.entry(index))) for index in range(log.published.size)]
    bodies = [log.body(index) for index, entry in entries if entry.kind == "use"]
    facts = [orjson.loads(body) for body in bodies if body is not None]
    return [one for one in facts if one.get("op") == "StartStreamProcessor" or "fragment" in one]


def test_names_and_sources_are_taken_once(post: Post) -> None:
    source = post.connect("once", "http://127.0.0.1:9/none")
    watcher(post, "once", source)
    other = post.connect("other", "http://127.0.0.1:9/none")
    for name, arn in (("once", other), ("twice", source)):
        with pytest.raises(ClientError) as error:
            watcher(post, name, arn)
        assert error.value.response["Error"]["Code"] == "ResourceInUseException"


def test_pages_by_name(post: Post) -> None:
    for name in ("page-b", "page-a", "page-c"):
        watcher(post, name, post.connect(name, "http://127.0.0.1:9/none"))
    names: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = post.client.list_stream_processors(MaxResults=2, **token)
        assert len(page["StreamProcessors"]) <= 2
        names += [one["Name"] for one in page["StreamProcessors"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert names == sorted(names) and {"page-a", "page-b", "page-c"} <= set(names)
    with pytest.raises(ClientError) as error:
        post.client.list_stream_processors(NextToken="made up")
    assert error.value.response["Error"]["Code"] == "InvalidPaginationTokenException"


def test_tags(post: Post) -> None:
    watcher(post, "tags", post.connect("tags", "http://127.0.0.1:9/none"), Tags={"one": "1"})
    arn = post.client.describe_stream_processor(Name="tags")["StreamProcessorArn"]
    post.client.tag_resource(ResourceArn=arn, Tags={"two": "2"})
    assert post.client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"one": "1", "two": "2"}
    post.client.untag_resource(ResourceArn=arn, TagKeys=["one", "three"])
    assert post.client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"two": "2"}
    with pytest.raises(ClientError) as error:
        post.client.list_tags_for_resource(ResourceArn=f"{arn}-not")
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_it_goes_on_after_a_restart_and_every_fragment_is_on_record(tmp_path: Path, cloud: Cloud, camera: Open) -> None:
    data, seen = tmp_path / "data", camera(ann_and_bob)
    with started(data, cloud) as post:
        enrolled(post, "restart")
        post.search("restart", post.connect("restart", seen.url), "restart")
        post.client.start_stream_processor(Name="restart")
        assert eventually(lambda: post.cloud.records("restart"))
    count = len(cloud.records("restart"))
    with started(data, cloud) as post:
        assert eventually(lambda: len(cloud.records("restart")) > count)
        post.client.stop_stream_processor(Name="restart")
        assert eventually(lambda: post.status("restart") == "STOPPED")
        fragments = [facts["fragment"] for facts in uses(post) if "fragment" in facts]
    assert len(fragments) >= 2 and fragments[0] == 0


def test_a_file_is_played_again_and_again(post: Post, tmp_path: Path) -> None:
    write_clip(tmp_path / "loop.mp4", 20, ann_and_bob)
    enrolled(post, "loop")
    post.search("loop", post.connect("loop", f"file://{tmp_path}/loop.mp4"), "loop")
    post.client.start_stream_processor(Name="loop")
    # Twenty frames last less than a second.
    assert eventually(lambda: len(post.cloud.records("loop")) > 7)
    post.client.stop_stream_processor(Name="loop")


def test_a_source_of_noise_harms_nobody(post: Post, tmp_path: Path) -> None:
    (tmp_path / "noise.mp4").write_bytes(os.urandom(1 << 16))
    enrolled(post, "noise")
    post.search("noise", post.connect("noise", f"file://{tmp_path}/noise.mp4"), "noise")
    post.client.start_stream_processor(Name="noise")
    threading.Event().wait(1.5)
    assert post.status("noise") == "STARTING" and not post.cloud.records("noise")
    post.client.stop_stream_processor(Name="noise")
    assert eventually(lambda: post.status("noise") == "STOPPED")
    assert post.client.list_collections()["CollectionIds"]


def test_another_tenant_sees_nothing(post: Post) -> None:
    watcher(post, "mine", post.connect("mine", "http://127.0.0.1:9/none"))
    other = tenant(post)
    assert other.list_stream_processors()["StreamProcessors"] == []
    for ask in (other.describe_stream_processor, other.stop_stream_processor, other.delete_stream_processor):
        with pytest.raises(ClientError) as error:
            ask(Name="mine")
        assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_suspended_account_is_not_watched_for_any_longer(post: Post, camera: Open) -> None:
    client = tenant(post, "retail")
    client.create_collection(CollectionId="shop")
    client.index_faces(CollectionId="shop", Image={"Bytes": portrait("ann")})
    theirs = Post(post.server, client, post.cloud)
    theirs.search("shop", post.connect("shop", camera(ann_and_bob).url), "shop")
    client.start_stream_processor(Name="shop")
    assert eventually(lambda: post.cloud.records("shop"))
    (account,) = {one["account"] for one in post.ask("stream list")["processors"] if one["name"] == "shop"}
    post.ask("account suspend", account=account)

    def told() -> dict[str, Any]:
        (one,) = [one for one in post.ask("stream list", account=account)["processors"] if one["name"] == "shop"]
        return dict(one)

    assert eventually(lambda: told()["state"] == "FAILED")
    count = len(post.cloud.records("shop"))
    threading.Event().wait(1.5)
    assert len(post.cloud.records("shop")) == count


def test_the_police_search_no_live_stream(post: Post) -> None:
    client = tenant(post, "law-enforcement")
    client.create_collection(CollectionId="wanted")
    theirs = Post(post.server, client, post.cloud)
    with pytest.raises(ClientError) as error:
        theirs.search("wanted", post.connect("wanted", "http://127.0.0.1:9/none"), "wanted")
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    assert client.list_stream_processors()["StreamProcessors"] == []


def test_a_camera_behind_tls_is_connected_by_its_name(post: Post) -> None:
    with pytest.raises(InvalidParameterError, match="named"):
        post.connect("numeric", "rtsps://192.0.2.7/live")
    post.connect("named", "rtsps://camera.example/live")


@pytest.mark.parametrize(
    "url",
    ["ftp://x/y", "http://", "http://user:secret@host/", "file://host/x", "file:x", "gopher://x", "http://h:0/", "x"],
)
def test_what_is_no_source_is_refused(url: str) -> None:
    with pytest.raises(InvalidParameterError):
        LiveSource(url)


def test_a_camera_whose_certificate_nobody_vouches_for_is_not_watched(post: Post, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *names]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    seen = Camera(ann_and_bob, tls=context)
    try:
        enrolled(post, "tls")
        post.search("tls", post.connect("tls", seen.url.replace("127.0.0.1", "localhost")), "tls")
        post.client.start_stream_processor(Name="tls")
        threading.Event().wait(2.5)
        assert post.status("tls") == "STARTING" and seen.number == 0
        post.client.stop_stream_processor(Name="tls")
    finally:
        seen.shut()

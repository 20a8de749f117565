"""A server as a process: it starts, answers, stops when asked, and keeps what it acknowledged when it is killed."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.fakes.engine import Square, picture
from tests.fakes.process import SCRIPT, serving


def health(url: str) -> dict[str, str]:
    with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
        assert answer.status == 200
        parsed: dict[str, str] = json.loads(answer.read())
        return parsed


def test_it_answers_and_stops_when_asked(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        assert health(server.url)["status"] == "ready"
        assert server.stop() == 0
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"{server.url}/healthz", timeout=5)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_clients_that_keep_connections_open_do_not_hold_it_up(tmp_path: Path, how: signal.Signals) -> None:
    with serving(tmp_path / "data") as server:
        host, port = server.url.removeprefix("http://").split(":")
        idle = [socket.create_connection((host, int(port))) for _ in range(3)]
        idle[0].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle[0].recv(4096).startswith(b"HTTP/1.1 200")
        idle[1].sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")

        client, stopping = server.client(), threading.Event()
        busy = threading.Thread(target=_keep_asking, args=(client, stopping))
        busy.start()
        time.sleep(0.3)
        started = time.monotonic()
        assert server.stop(how) == 0
        assert time.monotonic() - started < 8
        stopping.set()
        busy.join(15)
        for connection in idle:
            connection.close()


def _keep_asking(client: Any, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            client.list_collections()
        except BotoCoreError:
            return


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        client = server.client()
        client.create_collection(CollectionId="people")
        answer = client.index_faces(CollectionId="people", Image={"Bytes": picture(Square(1))}, ExternalImageId="ann")
        face_id = answer["FaceRecords"][0]["Face"]["FaceId"]
        server.stop(signal.SIGKILL)
    with serving(tmp_path / "data") as server:
        found = server.client().search_faces_by_image(
            CollectionId="people", Image={"Bytes": picture(Square(1, angle_deg=3))}
        )
        assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [face_id]
        assert server.stop() == 0


def test_a_directory_has_one_server(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        second = subprocess.run(
            [sys.executable, str(SCRIPT), str(tmp_path / "data")],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert second.returncode == 1
        assert "in use by another process" in second.stderr
        # The second one must not have told clients of its own address.
        assert server.url in (tmp_path / "data" / "config").read_text()


def test_a_port_that_is_taken_is_one_line(custodes: Any, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = custodes("serve", "--port", str(taken.getsockname()[1]), "--data", str(tmp_path / "data"))
    assert answer.returncode == 1
    assert "cannot listen on 127.0.0.1" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert "--port" in answer.stderr, "it says how to choose another"


def test_an_unwritable_directory_names_what_moves_it(custodes: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    answer = custodes("serve", "--port", "0", "--data", str(tmp_path / "file" / "data"))
    assert answer.returncode == 1
    assert str(tmp_path / "file" / "data") in answer.stderr
    assert "CUSTODES_DATA" in answer.stderr


def test_the_log_has_a_line_at_the_stop_and_no_account_of_nobody(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        stranger = boto3.client(
            "rekognition", endpoint_url=server.url, region_name="eu-central-1",
            aws_access_key_id="AKCUNOBODY2345678901", aws_secret_access_key="x" * 40,
        )  # fmt: skip
        with pytest.raises(ClientError):
            stranger.list_collections()
        server.popen.terminate()
        assert server.popen.stdout is not None
        text = server.popen.stdout.read()
        assert server.popen.wait(15) == 0
    assert "UnrecognizedClientException" in text
    assert "account=None" not in text
    assert "stopped" in text.splitlines()[-1]

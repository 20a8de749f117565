"""An S3 server of this process, and a way to it that loses requests and answers.

In: nothing. Out: a URL, and a client. It keeps conditions on writes, as S3 does.
"""

from __future__ import annotations

import random
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3

from custodes.storage.objects.s3 import S3Endpoint

REGION = "eu-central-1"
_END = b"\r\n\r\n"


@dataclass(frozen=True)
class S3Server:
    """A running server."""

    url: str

    @property
    def endpoint(self) -> S3Endpoint:
        return S3Endpoint(REGION, self.url, "k", "s")

    def client(self) -> Any:
        return boto3.session.Session().client(
            "s3", endpoint_url=self.url, region_name=REGION, aws_access_key_id="k", aws_secret_access_key="s"
        )

    def bucket(self) -> str:
        """The name of a new bucket: all servers of one process have the same ones."""
        name = f"bucket-{secrets.token_hex(6)}"
        with closing(self.client()) as client:
            client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def settings(self) -> dict[str, Any]:
        """What a server of ours is told about it."""
        keys = {"s3_access_key_id": "k", "s3_secret_access_key": "s"}
        return {"s3_endpoint": self.url, "s3_region": REGION, **keys}


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A server without buckets."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield S3Server(f"http://{host}:{port}")
    finally:
        server.stop()


@contextmanager
def lossy(server: S3Server, share: float, seed: int) -> Iterator[S3Server]:
    """The same server behind a line that cuts this share of exchanges, half of them after they were carried out."""
    to, chance, lock = urlsplit(server.url), random.Random(seed), threading.Lock()
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(client: socket.socket) -> None:
        with client, suppress(OSError, ValueError):
            while True:
                asked = _message(client)
                with lock:
                    fate = chance.random()
                if fate < share / 2:
                    return
                with socket.create_connection((to.hostname or "", to.port or 0)) as upstream:
                    upstream.sendall(asked.replace(_END, b"\r\nConnection: close" + _END, 1))
                    answer = b"".join(iter(lambda: upstream.recv(65536), b""))
                if fate < share:
                    return
                client.sendall(answer)
                if b"connection: close" in answer.partition(_END)[0].lower():
                    return

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=carry, args=(client,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield S3Server(f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


@contextmanager
def cutting(server: S3Server, after_bytes: int, times: int) -> Iterator[S3Server]:
    """The same server behind a line that breaks off so many answers, those that are longer than ``after_bytes``."""
    to, lock, left = urlsplit(server.url), threading.Lock(), [times]
    listener = socket.create_server(("127.0.0.1", 0))

    def carry(client: socket.socket) -> None:
        with client, suppress(OSError, ValueError):
            asked = _message(client)
            with socket.create_connection((to.hostname or "", to.port or 0)) as upstream:
                upstream.sendall(asked.replace(_END, b"\r\nConnection: close" + _END, 1))
                answer = b"".join(iter(lambda: upstream.recv(65536), b""))
            with lock:
                cut = len(answer) > after_bytes and left[0] > 0
                left[0] -= cut
            client.sendall(answer[:after_bytes] if cut else answer)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=carry, args=(client,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield S3Server(f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _message(connection: socket.socket) -> bytes:
    """One request with its body. Raises ValueError: the other side is gone."""
    data = b""
    while _END not in data:
        more = connection.recv(65536)
        if not more:
            raise ValueError
        data += more
    head, _, body = data.partition(_END)
    fields = dict(line.split(b":", 1) for line in head.lower().split(b"\r\n")[1:])
    if b"100-continue" in fields.get(b"expect", b""):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    left = int(fields.get(b"content-length", b"0")) - len(body)
    while left > 0:
        more = connection.recv(min(left, 65536))
        if not more:
            raise ValueError
        data, left = data + more, left - len(more)
    lines = [line for line in data.partition(_END)[0].split(b"\r\n") if not line.lower().startswith(b"expect:")]
    return b"\r\n".join(lines) + _END + data.partition(_END)[2]

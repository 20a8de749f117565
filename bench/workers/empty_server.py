"""Answers every request with the same JSON and does nothing else: what is left of a call is the client's.

``python bench/workers/empty_server.py``. In: nothing. Out: its port as one line; then connections, one at a time, each
until the client closes it.
"""

from __future__ import annotations

import json
import socket

_CONTENT = json.dumps({"FaceMatches": [], "SearchedFaceConfidence": 99.0}).encode()
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: %d\r\n\r\n" % len(_CONTENT)


def answer_all(connection: socket.socket) -> None:
    """Read requests to their end, and answer each."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = bytearray()
    while piece := connection.recv(1 << 20):
        received += piece
        head, found, _ = received.partition(b"\r\n\r\n")
        if not found:
            continue
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(received) >= len(head) + len(found) + length:
            received.clear()
            connection.sendall(_HEAD + _CONTENT)


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                answer_all(connection)


if __name__ == "__main__":
    main()

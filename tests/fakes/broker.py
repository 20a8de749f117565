"""A broker of MQTT 3.1.1 on a port of this machine, as far as one publisher and one subscriber need it.

In: connections. Out: what was published goes to whoever subscribed, retained messages to whoever comes later. It knows
no wildcards but ``#`` and no QoS 2. Source: OASIS, MQTT 3.1.1, sections 2 and 3.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14


class Broker:
    """Keeps what was published in ``published``; with ``password`` set, lets nobody else in."""

    def __init__(self, port: int = 0) -> None:
        self.password: str | None = None
        self.published: list[tuple[str, bytes, bool]] = []
        self.retained: dict[str, bytes] = {}
        self.subscribers: list[socket.socket] = []
        self.open: list[socket.socket] = []
        self.lock = threading.Lock()
        broker = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                broker.open.append(self.request)
                with suppress(OSError, EOFError):
                    broker.serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = int(self._server.server_address[1])
        self.url = f"mqtt://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def serve(self, peer: socket.socket) -> None:
        will: tuple[str, bytes, bool] | None = None
        try:
            while True:
                kind, flags, body = _packet(peer)
                if kind == CONNECT:
                    will, password = _connect(body)
                    fine = self.password is None or password == self.password
                    peer.sendall(bytes((CONNACK << 4, 2, 0, 0 if fine else 5)))
                    if not fine:
                        will = None
                        return
                elif kind == PUBLISH:
                    self._take(peer, flags, body)
                elif kind == SUBSCRIBE:
                    peer.sendall(bytes((SUBACK << 4, 3, *body[:2], 1)))
                    with self.lock:
                        self.subscribers.append(peer)
                        for topic, payload in self.retained.items():
                            peer.sendall(_publish(topic, payload, retain=True))
                elif kind == PINGREQ:
                    peer.sendall(bytes((PINGRESP << 4, 0)))
                elif kind == DISCONNECT:
                    will = None
                    return
        finally:
            if will is not None:
                self._tell(*will)
            peer.close()

    def shut(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for peer in self.open:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def topic(self, name: str) -> list[bytes]:
        """Payloads of one topic."""
        with self.lock:
            return [payload for topic, payload, _ in self.published if topic == name]

    def _take(self, peer: socket.socket, flags: int, body: bytes) -> None:
        length = int.from_bytes(body[:2], "big")
        topic, rest = body[2 : 2 + length].decode(), body[2 + length :]
        qos, retain = flags >> 1 & 3, bool(flags & 1)
        if qos:
            packet_id, rest = rest[:2], rest[2:]
        self._tell(topic, rest, retain)
        if qos:
            peer.sendall(bytes((PUBACK << 4, 2)) + packet_id)

    def _tell(self, topic: str, payload: bytes, retain: bool) -> None:
        with self.lock:
            self.published.append((topic, payload, retain))
            if retain:
                self.retained[topic] = payload
            for peer in self.subscribers:
                with suppress(OSError):
                    peer.sendall(_publish(topic, payload, retain=False))


def _packet(peer: socket.socket) -> tuple[int, int, bytes]:
    head = _read(peer, 1)[0]
    length, shift = 0, 0
    while True:
        digit = _read(peer, 1)[0]
        length |= (digit & 127) << shift
        shift += 7
        if not digit & 128:
            return head >> 4, head & 15, _read(peer, length)


def _read(peer: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = peer.recv(count - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _connect(body: bytes) -> tuple[tuple[str, bytes, bool] | None, str | None]:
    """The will and the password of a CONNECT."""
    fields: list[bytes] = []
    at = 10
    while at < len(body):
        length = int.from_bytes(body[at : at + 2], "big")
        fields.append(body[at + 2 : at + 2 + length])
        at += 2 + length
    flags, rest = body[7], iter(fields[1:])
    will = (next(rest).decode(), next(rest), bool(flags & 32)) if flags & 4 else None
    user = next(rest) if flags & 128 else None
    return will, next(rest).decode() if user is not None and flags & 64 else None


def _publish(topic: str, payload: bytes, *, retain: bool) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + payload
    length, left = b"", len(body)
    while True:
        left, digit = left >> 7, left & 127
        length += bytes((digit | (128 if left else 0),))
        if not left:
            return bytes((PUBLISH << 4 | int(retain),)) + length + body

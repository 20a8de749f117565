"""A camera that speaks RTSP 1.0 (RFC 2326) with RTP within the connection, as cameras behind firewalls do.

In: what it sees by frame number, how it asks who calls. Out: an address. Frames are JPEG (RFC 2435): baseline, 4:2:0,
tables of quantisation in the first packet of each. It refuses UDP, and notes what was asked of it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import re
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import PIL.Image

View = Callable[[int], np.ndarray]
USER, REALM, NONCE = "viewer", "camera", "5ccc069c403ebaf9f0171e9517f40e41"
_MOST = 1400
_KIND_420, _TABLES_WITHIN, _JPEG = 1, 255, 26


@dataclass
class RtspCamera:
    """Twenty frames a second of ``view``, to whoever knows ``password`` where there is one.

    ``scheme`` is how that is asked for: Basic or Digest. ``redirect`` is where callers are sent instead. With ``tls``
    it is rtsps.
    """

    view: View
    password: str | None = None
    scheme: str = "Digest"
    redirect: str | None = None
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    port: int = 0
    asked: list[str] = field(default_factory=list)
    transports: list[str] = field(default_factory=list)
    callers: int = 0

    def __post_init__(self) -> None:
        camera = self
        self._watchers: list[socket.socket] = []

        class Handler(socketserver.StreamRequestHandler):
            def setup(self) -> None:
                if isinstance(self.request, ssl.SSLSocket):
                    self.request.do_handshake()
                super().setup()

            def handle(self) -> None:
                camera.called(self.connection)
                with contextlib.suppress(OSError):
                    _Session(camera, self).run()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def get_request(self) -> tuple[socket.socket, object]:
                called, address = super().get_request()
                if camera.tls is not None:
                    called = camera.tls.wrap_socket(called, server_side=True, do_handshake_on_connect=False)
                return called, address

            def handle_error(self, request: object, client_address: object) -> None:
                if not isinstance(sys.exception(), OSError):  # a handshake that failed is the caller's affair
                    super().handle_error(request, client_address)

        self._server = Server((self.host, self.port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"rtsp{'' if self.tls is None else 's'}://{self.host}:{self.port}/live"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def called(self, connection: socket.socket) -> None:
        """Somebody is there."""
        self.callers += 1
        self._watchers.append(connection)

    def drop(self) -> None:
        """Hang up on all who watch."""
        for watcher in self._watchers:
            with contextlib.suppress(OSError):
                watcher.shutdown(socket.SHUT_RDWR)
        self._watchers.clear()

    def shut(self) -> None:
        """Drop all and take no new ones."""
        self._server.shutdown()
        self._server.server_close()
        self.drop()


class _Session:
    """One caller."""

    def __init__(self, camera: RtspCamera, handler: socketserver.StreamRequestHandler) -> None:
        self._camera = camera
        self._in, self._out = handler.rfile, handler.wfile
        self._writing = threading.Lock()

    def run(self) -> None:
        while (found := self._request()) is not None:
            method, uri, headers = found
            self._camera.asked.append(method)
            self._answer(method, uri, headers)

    def _request(self) -> tuple[str, str, dict[str, str]] | None:
        while (first := self._in.read(1)) == b"$":  # RTCP of the caller, within the connection
            _, length = struct.unpack(">BH", self._in.read(3))
            self._in.read(length)
        if not first:
            return None
        method, uri, _ = (first + self._in.readline()).decode().split()
        headers: dict[str, str] = {}
        while line := self._in.readline().strip().decode():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return method, uri, headers

    def _answer(self, method: str, uri: str, headers: dict[str, str]) -> None:
        camera, number = self._camera, headers.get("cseq", "0")
        if camera.redirect is not None:
            return self._say("302 Moved", number, {"Location": camera.redirect})
        if method != "OPTIONS" and camera.password is not None and not self._knows(method, headers):
            challenge = f'{camera.scheme} realm="{REALM}"'
            if camera.scheme == "Digest":
                challenge += f', nonce="{NONCE}", algorithm="MD5"'
            return self._say("401 Unauthorized", number, {"WWW-Authenticate": challenge})
        match method:
            case "OPTIONS":
                self._say("200 OK", number, {"Public": "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"})
            case "DESCRIBE":
                lines = ("v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "t=0 0", "a=control:*")
                media = (f"m=video 0 RTP/AVP {_JPEG}", "a=control:track1")
                text = "".join(f"{line}\r\n" for line in (*lines, *media))
                self._say("200 OK", number, {"Content-Base": uri + "/", "Content-Type": "application/sdp"}, text)
            case "SETUP":
                transport = headers.get("transport", "")
                camera.transports.append(transport)
                if "TCP" not in transport:
                    return self._say("461 Unsupported Transport", number, {})
                self._say("200 OK", number, {"Transport": transport, "Session": "12345678"})
            case "PLAY":
                self._say("200 OK", number, {"Session": "12345678", "RTP-Info": f"url={uri}/track1;seq=0;rtptime=0"})
                threading.Thread(target=self._play, daemon=True).start()
            case _:
                self._say("200 OK", number, {"Session": "12345678"})
        return None

    def _knows(self, method: str, headers: dict[str, str]) -> bool:
        given, secret = headers.get("authorization", ""), self._camera.password
        if self._camera.scheme == "Basic":
            return given == "Basic " + base64.b64encode(f"{USER}:{secret}".encode()).decode()
        said = dict(re.findall(r'(\w+)="([^"]*)"', given))
        if not given.startswith("Digest ") or said.get("nonce") != NONCE:
            return False
        who, what = _md5(f"{USER}:{REALM}:{secret}"), _md5(f"{method}:{said.get('uri')}")
        return said.get("response") == _md5(f"{who}:{NONCE}:{what}")

    def _say(self, status: str, number: str, headers: dict[str, str], text: str = "") -> None:
        lines = [f"RTSP/1.0 {status}", f"CSeq: {number}", *(f"{name}: {value}" for name, value in headers.items())]
        if text:
            lines.append(f"Content-Length: {len(text)}")
        with self._writing:
            self._out.write(("\r\n".join(lines) + "\r\n\r\n" + text).encode())

    def _play(self) -> None:
        sequence, frame, begun = 0, 0, time.monotonic()
        with contextlib.suppress(OSError, ValueError):
            while True:
                moment = int((time.monotonic() - begun) * 90_000) & 0xFFFFFFFF
                for last, payload in _packets(self._camera.view(frame)):
                    head = struct.pack(">BBHII", 0x80, _JPEG | (0x80 if last else 0), sequence, moment, 7)
                    packet = head + payload
                    with self._writing:
                        self._out.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                    sequence = (sequence + 1) & 0xFFFF
                frame += 1
                time.sleep(0.05)


def _packets(rgb: np.ndarray) -> list[tuple[bool, bytes]]:
    """Payloads of one frame, and whether each is the last one."""
    tables, scan = _parts(rgb)
    height, width = (side // 8 for side in rgb.shape[:2])
    pieces = [scan[start : start + _MOST] for start in range(0, len(scan), _MOST)]
    found = []
    for number, piece in enumerate(pieces):
        offset = struct.pack(">I", number * _MOST)[1:]
        head = b"\0" + offset + bytes((_KIND_420, _TABLES_WITHIN, width, height))
        within = struct.pack(">BBH", 0, 0, len(tables)) + tables if number == 0 else b""
        found.append((number == len(pieces) - 1, head + within + piece))
    return found


def _parts(rgb: np.ndarray) -> tuple[bytes, bytes]:
    """Tables of quantisation and the coded scan of a baseline JPEG with the usual codes."""
    out = io.BytesIO()
    PIL.Image.fromarray(rgb).save(out, "JPEG", quality=92, subsampling="4:2:0")
    data, at, tables = out.getvalue(), 2, b""
    while True:
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        segment = data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xDB:
            tables += b"".join(segment[start + 1 : start + 65] for start in range(0, len(segment), 65))
        elif marker == 0xDA:
            return tables, data[at:-2]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

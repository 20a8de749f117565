"""Commands of the operator over HTTP on a Unix socket in the data directory: for this machine and this user only.

In: ``POST /NAME/OF/COMMAND`` with members as a JSON object, from a process of the same user. Out: ``{"answer": ...}``,
or ``{"error": CLASS, "message": ...}``. The operating system says who is asking, so there is no key and no port. The
commands themselves are not known here.
"""

from __future__ import annotations

import http.server
import os
import socket
import socketserver
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import structlog

from custodes.core.errors import CustodesError, InvalidParameterError

SOCKET_NAME = "admin.sock"
MAX_BODY_BYTES = 4 << 20
_TIMEOUT_S = 20.0
_LONGEST_PATH = 100
"""Of a socket; the systems allow 103 to 107 bytes."""
_MACOS_LEVEL, _MACOS_PEER, _MACOS_BYTES = 0, 1, 76  # SOL_LOCAL, LOCAL_PEERCRED, size of struct xucred

Ask = Callable[[str, Mapping[str, object], int], Mapping[str, Any]]
"""Carries out a command: its name, its members, the user id of who asks. Raises CustodesError."""


@contextmanager
def administered(data: Path, ask: Ask) -> Iterator[None]:
    """Serve ``ask`` on the socket of ``data`` until the end of the block.

    Whoever calls this owns the directory, or has the duties of several servers; the next one may have taken the place
    of the socket by the end.
    """
    wanted = data / SOCKET_NAME
    with _placed(wanted) as path:
        server = _Server(str(path), _handler(ask))
        path.chmod(0o600)
        own = wanted.lstat().st_ino
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="administration", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            with suppress(OSError):
                if wanted.lstat().st_ino == own:
                    wanted.unlink()


@contextmanager
def _placed(wanted: Path) -> Iterator[Path]:
    """Where to bind: ``wanted``, or a place with a shorter name that ``wanted`` then links to."""
    wanted.unlink(missing_ok=True)  # what a killed server left
    if len(os.fsencode(wanted)) <= _LONGEST_PATH:
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="custodes-") as folder:
        wanted.symlink_to(Path(folder) / SOCKET_NAME)
        yield Path(folder) / SOCKET_NAME


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - the base's signature
        """Only processes of the user that the server runs as."""
        return peer_uid(request) == os.getuid()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no matter."""


def peer_uid(connection: socket.socket) -> int:
    """User id of the process at the other end, as the operating system knows it."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is not None:
        return int(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, 12))[1])
    return int(struct.unpack("2I", connection.getsockopt(_MACOS_LEVEL, _MACOS_PEER, _MACOS_BYTES)[:8])[1])


def _handler(ask: Ask) -> type[http.server.BaseHTTPRequestHandler]:
    log = structlog.get_logger("custodes.administration")

    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = _TIMEOUT_S

        def do_POST(self) -> None:
            operation = self.path.strip("/").replace("/", " ")
            try:
                answer: dict[str, Any] = {"answer": ask(operation, self._members(), peer_uid(self.connection))}
            except CustodesError as error:
                answer = {"error": type(error).__name__, "message": error.message}
            except Exception as error:  # noqa: BLE001 - the border: the client gets an answer, the log the reason
                log.error("unexpected error", operation=operation, error=type(error).__name__, reason=str(error)[:200])
                answer = {"error": "CustodesError", "message": f"unexpected error: {type(error).__name__}"}
            content = orjson.dumps(answer)
            self.send_response(HTTPStatus.OK)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _members(self) -> Mapping[str, object]:
            declared = self.headers.get("content-length", "0")
            if not declared.isdigit() or int(declared) > MAX_BODY_BYTES:
                raise InvalidParameterError(f"a command has at most {MAX_BODY_BYTES} bytes")
            try:
                members = orjson.loads(self.rfile.read(int(declared)) or b"{}")
            except orjson.JSONDecodeError:
                members = None
            if not isinstance(members, dict):
                raise InvalidParameterError("a command is a JSON object")
            return members

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's signature
            """Commands are in the ledger, not in the log."""

    return Handler

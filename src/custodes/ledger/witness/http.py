"""A witness behind the standard library's web server: ``POST .../add-checkpoint``, nothing else.

In: a ``WitnessServer``, an address. Out: a server to run and to shut down. Put a reverse proxy with TLS in front where
others shall reach it. One thread per connection, a limit on bytes and on idle time; no keep-alive beyond it.
"""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from custodes.ledger.witness.witness import MAX_REQUEST_BYTES, WitnessReply, WitnessServer


class WitnessHttpServer(ThreadingHTTPServer):
    """Serves one witness. Use ``serve_forever`` and ``shutdown``; ``server_address`` tells the port."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], witness: WitnessServer, log: Callable[[str], None]) -> None:
        """Listen on ``address`` (port 0 takes any free one); ``log`` gets a line per request."""
        super().__init__(address, _Handler)
        self.witness = witness
        self.log = log


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "custodes-witness"
    sys_version = ""
    timeout = 30
    server: WitnessHttpServer

    def do_POST(self) -> None:
        if not self.path.split("?")[0].endswith("/add-checkpoint"):
            self._answer(WitnessReply(404, b"not found\n"))
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_REQUEST_BYTES:
            # Without a length that we accept, the rest of the connection cannot be understood.
            self.close_connection = True
            self._answer(WitnessReply(413 if length.isdigit() else 411, b"a body of known, modest length is needed\n"))
            return
        try:
            reply = self.server.witness.add_checkpoint(self.rfile.read(int(length)))
        except OSError as error:
            self.log_error("not signed: %s", error)
            reply = WitnessReply(500, b"this witness cannot remember, so it does not sign\n")
        self._answer(reply)

    def do_GET(self) -> None:
        self._answer(WitnessReply(404, b"not found\n"))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        """One line, without control characters that a client may have sent."""
        line = format % args
        self.server.log("".join(char if char.isprintable() else "?" for char in line))

    def _answer(self, reply: WitnessReply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

"""A camera of the network: MJPEG over HTTP on a port of this machine, until it is shut.

In: what it sees by frame number. Out: an address.
"""

from __future__ import annotations

import contextlib
import io
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import PIL.Image

View = Callable[[int], np.ndarray]


class Camera:
    """Twenty frames a second of ``view``."""

    def __init__(self, view: View, port: int = 0, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.view = view
        self.number = 0
        self.password: str | None = None
        self.redirect: str | None = None
        self.redirected = False
        self._open = threading.Event()
        self._open.set()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.serve(self)

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"{'http' if tls is None else 'https'}://{host}:{self.port}/live"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """One watcher."""
        if self.redirect is not None:
            self.redirected = True
            handler.send_response(302)
            handler.send_header("location", self.redirect)
            handler.end_headers()
            return
        if self.password is not None and self.password not in handler.headers.get("authorization", ""):
            handler.send_response(401)
            handler.send_header("www-authenticate", 'Basic realm="camera"')
            handler.end_headers()
            return
        handler.send_response(200)
        handler.send_header("content-type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        with contextlib.suppress(OSError):
            while self._open.is_set():
                jpeg = _jpeg(self.view(self.number))
                head = f"--frame\r\ncontent-type: image/jpeg\r\ncontent-length: {len(jpeg)}\r\n\r\n".encode()
                handler.wfile.write(head + jpeg + b"\r\n")
                self.number += 1
                time.sleep(0.05)

    def shut(self) -> None:
        """Drop all watchers and take no new ones for good."""
        self._open.clear()
        self._server.shutdown()
        self._server.server_close()


def _jpeg(rgb: np.ndarray) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(rgb).save(out, "JPEG", quality=92)
    return out.getvalue()

"""A camera of this machine: sends MJPEG over HTTP until it is killed.

In: a port, and the number of the person of LFW to begin with. Out: frames of 1,280 x 720, each photo for two seconds,
with nobody in between. A program of its own that imports little, so that it begins as fast as cameras do.
"""

from __future__ import annotations

import io
import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import PIL.Image

LFW = Path(__file__).resolve().parents[3] / "shared" / "data" / "lfw" / "images"
FPS, SHOWN_S = 10, 2.0
WIDTH, HEIGHT = 1280, 720
PEOPLE = 20


def scenes(first: int) -> list[bytes]:
    """JPEG files: somebody else each, with nobody in between."""
    people = [path for path in sorted(LFW.iterdir()) if path.is_dir()][first : first + PEOPLE]
    found = []
    for person in people:
        with PIL.Image.open(next(iter(sorted(person.glob("*.jpg"))))) as photo:
            scene = PIL.Image.new("RGB", (WIDTH, HEIGHT), (90, 90, 90))
            found.append(_jpeg(scene))
            scene.paste(photo.resize((500, 500)), (400, 110))
            found.append(_jpeg(scene))
    return found


def _jpeg(picture: PIL.Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def camera(port: int, first: int) -> None:
    """Send scenes to whoever watches, until killed."""
    pictures = scenes(first)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            with suppress(OSError):
                while True:
                    jpeg = pictures[int(time.time() / SHOWN_S) % len(pictures)]
                    head = f"--frame\r\ncontent-type: image/jpeg\r\ncontent-length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                    time.sleep(1 / FPS)

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    camera(int(sys.argv[1]), int(sys.argv[2]))

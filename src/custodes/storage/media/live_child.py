"""The child that watches a live source: ``python -m custodes.storage.media.live_child``. Lock, open, decode, hand over.

In: one order on standard input, then a byte for each frame that is wanted. Out: records on standard output. Every frame
is decoded as it comes, so that what is handed over is always the newest one; frames that nobody asked for are never
converted to pixels. A file is played at its own speed, again and again.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import BinaryIO

import cv2
import numpy as np
import orjson

from custodes.storage.media.child import write_pixels
from custodes.storage.media.lock import Budget, lock
from custodes.storage.media.pipe import Kind, Record

_OPEN_MS, _READ_MS = 8_000, 8_000
_PROTOCOLS = "file,tcp,http,httpproxy,https,tls,crypto,rtp,hls"
_RTSP_PROTOCOLS = "tcp,tls,crypto,rtp"
"""Of a source of RTSP: nothing that it could be sent on to, RTSP itself neither."""
_CPU_S = 30 * 24 * 3600


def main(orders: BinaryIO, out: BinaryIO) -> None:
    """Watch what one order names until nobody listens any more."""
    order = orjson.loads(orders.readline())
    cv2.setNumThreads(1)
    protocols = _RTSP_PROTOCOLS if order["address"].startswith("rtsp") else _PROTOCOLS
    options = f"rtsp_transport;tcp|max_redirects;0|protocol_whitelist;{protocols}"
    path, authorities = order["path"], order["authorities"]
    if order["secure"]:
        options += f"|tls_verify;1|ca_file;{authorities}"
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = options
    wanted = threading.Event()
    threading.Thread(target=_listen, args=(orders, wanted), daemon=True).start()
    layers = " ".join(lock(path or authorities, Budget(order["memory_bytes"], _CPU_S), order["port"])).encode()
    out.write(Record(Kind.LOCKED, width=len(layers)).to_bytes() + layers)
    out.flush()
    while True:
        shown = _watch(order["address"] if path is None else path, path is not None, wanted, out)
        if path is None or not shown:
            break
    out.write(Record(Kind.END).to_bytes())
    out.flush()


def _listen(orders: BinaryIO, wanted: threading.Event) -> None:
    while orders.read(1):
        wanted.set()
    os._exit(0)  # whoever listened is gone


def _watch(address: str, paced: bool, wanted: threading.Event, out: BinaryIO) -> bool:
    """Whether there was any frame, once there are no more."""
    settings = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_MS]
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, [*settings, cv2.CAP_PROP_N_THREADS, 1])
    begun, number = time.monotonic(), 0
    while capture.isOpened() and capture.grab():
        if paced:
            time.sleep(max(0.0, begun + capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 - time.monotonic()))
        number += 1
        if wanted.is_set():
            ok, bgr = capture.retrieve()
            if ok:
                wanted.clear()
                write_pixels(out, number % 2**32, 0.0, np.asarray(bgr, np.uint8))
    capture.release()
    return number > 0


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)

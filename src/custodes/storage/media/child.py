"""The decoding child: ``python -m custodes.storage.media.child``. Lock, open, decode in order, write frames, end.

In: one order on standard input. Out: records on standard output. It seeks nowhere, because seeking in files of unequal
frame lengths lands on other frames than asked for: frames before the first wanted one are decoded and dropped. Frames
that nobody asked for are never converted to pixels, which is a third of the cost of decoding.
"""

from __future__ import annotations

import sys
from typing import BinaryIO

import cv2
import numpy as np

from custodes.storage.media.lock import Budget, lock
from custodes.storage.media.pipe import Kind, Order, Record
from custodes.video.frames import MAX_SAMPLE_SIDE_PX, DecodingPlan, first_sample, sample_index
from custodes.video.segments.signature import SPAN_FRAMES, SignatureReader, UInt8


def main(orders: BinaryIO, out: BinaryIO) -> None:
    """Decode what one order names."""
    order = Order.from_bytes(orders.readline())
    cv2.setNumThreads(1)
    layers = " ".join(lock(order.path, Budget(order.memory_bytes, order.cpu_s))).encode()
    out.write(Record(Kind.LOCKED, width=len(layers)).to_bytes() + layers)
    out.flush()
    # Where every frame counts nobody else is at work; where frames are sampled, networks are.
    threads = 2 if order.plan.every_frame else 1
    capture = cv2.VideoCapture(order.path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    if capture.isOpened():
        _decode(capture, order.plan, out)
    out.write(Record(Kind.END).to_bytes())
    out.flush()


def _decode(capture: cv2.VideoCapture, plan: DecodingPlan, out: BinaryIO) -> None:
    rate, wanted = plan.frame_rate, plan.samples_per_second
    number = first_sample(plan.from_frame, rate, wanted) if wanted else 0
    next_sample = sample_index(number, rate, wanted) if wanted else -1
    # Signatures compare with earlier frames, so these are read some frames before the first that is handed over.
    read_from = max(0, plan.from_frame - SPAN_FRAMES)
    signatures, index = SignatureReader(), 0
    while capture.grab():
        sampled, signed = index == next_sample, plan.every_frame and index >= read_from
        if sampled or signed:
            ok, bgr = capture.retrieve()
            if ok:
                ts_ms = max(0.0, float(capture.get(cv2.CAP_PROP_POS_MSEC)))
                frame = np.asarray(bgr, np.uint8)
                if signed:
                    signature = signatures.read(frame)
                    if index >= plan.from_frame:
                        out.write(Record(Kind.SIGNATURE, index, ts_ms).to_bytes() + signature.to_bytes())
                if sampled:
                    write_pixels(out, index, ts_ms, frame)
        if sampled:
            number += 1
            next_sample = sample_index(number, rate, wanted)
        index += 1


def write_pixels(out: BinaryIO, index: int, ts_ms: float, bgr: UInt8) -> None:
    """Hand over one frame, no larger than frames are, as RGB."""
    height, width = bgr.shape[:2]
    if max(height, width) > MAX_SAMPLE_SIDE_PX:
        scale = MAX_SAMPLE_SIDE_PX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        bgr = np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)
    rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    out.write(Record(Kind.PIXELS, index, ts_ms, rgb.shape[1], rgb.shape[0]).to_bytes())
    out.write(np.ascontiguousarray(rgb).data)
    out.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)

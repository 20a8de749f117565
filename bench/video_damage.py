"""Damaged videos through the structure reader and the locked decoder: what becomes of each.

Run: ``.venv/bin/python bench/video_damage.py [--files N] [--seed S]``. Files are small films with random bytes
changed, cut out or put in, half of them in the part that only the decoder reads. Every one has to end in frames or in a
typed refusal, in time; the parent never ends. Each file has a child of its own, which locks itself before it opens the
file, as in a server; here it is forked off a process that has the decoder loaded already, which is twenty times faster.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np

import report
from custodes.core.errors import CustodesError
from custodes.storage.media import child
from custodes.storage.media.decoder import LockedDecoder
from custodes.storage.media.files import StructureProbe
from custodes.video.formats.facts import VideoLimits
from custodes.video.frames import DecoderCrashedError, DecodingPlan

FORMATS = (("mp4", "mp4v"), ("webm", "VP80"), ("avi", "MJPG"), ("mov", "MJPG"))
HEAD_BYTES = 2_000
FORKS = multiprocessing.get_context("forkserver")


def film(path: Path, codec: str) -> bytes:
    """A second of noise and motion."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25, (160, 120))
    chance = np.random.default_rng(1)
    for number in range(25):
        frame = chance.integers(0, 60, (120, 160, 3), dtype=np.uint8)
        frame[20:60, number * 4 : number * 4 + 40] = 220
        writer.write(frame)
    writer.release()
    return path.read_bytes()


def damaged(whole: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, cut out or put in, at the head, at the end or anywhere."""
    data = bytearray(whole)
    for _ in range(chance.choice((1, 3, 30))):
        span = chance.choice((min(HEAD_BYTES, len(data)), len(data)))
        at = chance.randrange(span) if chance.random() < 0.7 else len(data) - 1 - chance.randrange(span)
        what = chance.random()
        if what < 0.8:
            data[at] = chance.randrange(256)
        elif what < 0.9:
            del data[at : at + chance.randrange(1, 64)]
        else:
            data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 64)))
    return bytes(data)


@dataclass
class Forked:
    """A decoder's process, forked off one that did nothing but load the decoder. Fits ``DecoderProcess``."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    process: BaseProcess

    def wait(self) -> int:
        self.process.join()
        return self.process.exitcode or 0


def forked() -> Forked:
    """See ``Forked``."""
    (their_in, our_out), (our_in, their_out) = os.pipe(), os.pipe()
    process = FORKS.Process(target=child_main, args=(DupFd(their_in), DupFd(their_out)))
    process.start()
    os.close(their_in)
    os.close(their_out)
    assert process.pid is not None
    return Forked(process.pid, os.fdopen(our_out, "wb"), os.fdopen(our_in, "rb", 0), process)


def child_main(orders: Any, out: Any) -> None:
    """In the child: what ``python -m custodes.storage.media.child`` does."""
    os.setsid()
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    with os.fdopen(orders.detach(), "rb") as read, os.fdopen(out.detach(), "wb") as write:
        child.main(read, write)
    os._exit(0)


def outcome(path: Path) -> str:
    """What becomes of one file."""
    try:
        facts = StructureProbe(VideoLimits()).facts(path)
    except CustodesError:
        return "refused by its structure"
    plan = DecodingPlan(facts.frame_rate, every_frame=True, duration_ms=facts.duration_ms)
    try:
        with LockedDecoder(start=forked).frames(path, plan) as frames:
            count = sum(1 for _ in frames)
    except DecoderCrashedError as error:
        return "decoder stood still" if "too long" in error.message else "decoder ended without a word"
    except CustodesError:
        return "nothing could be decoded"
    return "decoded" if count else "nothing could be decoded"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=10)
    options = parser.parse_args()
    chance, seen, slowest = random.Random(options.seed), Counter[str](), 0.0
    FORKS.set_forkserver_preload(["custodes.storage.media.child"])
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(2) as pool:
        wholes = [(suffix, film(Path(place) / f"whole.{suffix}", codec)) for suffix, codec in FORMATS]

        def one(number: int, suffix: str, content: bytes) -> tuple[str, float]:
            path = Path(place) / f"{number}.{suffix}"
            path.write_bytes(content)
            start = time.monotonic()
            found = outcome(path)
            path.unlink()
            return found, time.monotonic() - start

        for first in range(0, options.files, 100):
            files = [(n, *wholes[n % len(wholes)]) for n in range(first, min(first + 100, options.files))]
            waiting = [pool.submit(one, n, suffix, damaged(whole, chance)) for n, suffix, whole in files]
            for found, seconds in (done.result() for done in waiting):
                seen[found] += 1
                if found.startswith("decoder"):
                    print(f"{found}: {seconds:.1f} s, seed {options.seed}, within the hundred from {first}", flush=True)
                slowest = max(slowest, seconds)
    minutes = (time.monotonic() - begun) / 60
    told = ", ".join(f"{what}: {count}" for what, count in seen.most_common())
    text = (
        f"{options.files} damaged files in MP4, MOV, WebM and AVI: {told}. The slowest took {slowest:.1f} s, start of "
        f"the decoder included; all of them {minutes:.0f} minutes. Nothing else came of any of them."
    )
    command = f"python bench/video_damage.py --files {options.files} --seed {options.seed}"
    made = report.Section("video_damage", "Damaged videos", command, text)
    print(made.text, flush=True)
    report.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())

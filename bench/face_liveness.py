"""Face Liveness: seconds from the end of a video to its result, 50 checks at once, and the table of species.

In: rendered films (tests/fakes/liveness_film.py) of the astronaut that scikit-image carries, sent as the component of
Amplify sends its own: pieces of a second each, one a second; the fetched networks. Out: a section of BENCHMARKS.md. The
table of species is what scripts/fit_face_liveness.py has written down last (bench/face_liveness.json): films of some
hundred people take an hour. Nobody was filmed.

Run: ``.venv/bin/python bench/face_liveness.py [--runs N] [--at-once N]``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from custodes.core.device import Device
from custodes.engine.faces.assembly import open_face_engine
from custodes.liveness.challenge import Oval
from custodes.models.store import ModelStore, default_root
from report import ROOT, Section, table, write
from serving import REGION, Served, serving

sys.path.append(str(ROOT))
from tests.fakes.liveness_client import Key, Stream, stream
from tests.fakes.liveness_film import Film, Light, Portrait, as_shown, displayed, portrait_of, write_webm

COMMAND = ".venv/bin/python bench/face_liveness.py"
SPECIES = Path(__file__).with_suffix(".json")
TARGET_S, MEMORY_TARGET_MB = 1.5, 1500
NEAR_MS = 4_000.0
LIGHT, MOVEMENT = "FaceMovementAndLightChallenge", "FaceMovementChallenge"


@dataclass
class Memory:
    """Most that a process and its children had, in MB, sampled ten times a second."""

    server: int
    own_mb: float = 0.0
    all_mb: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Until it is stopped."""
        while not self._stop.wait(0.1):
            sizes = [_resident_mb(pid) for pid in (self.server, *_children(self.server))]
            self.own_mb, self.all_mb = max(self.own_mb, sizes[0]), max(self.all_mb, sum(sizes))

    @contextmanager
    def watched(self) -> Iterator[Memory]:
        """While the block runs."""
        thread = threading.Thread(target=self.watch)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + [
            int(one)
            for task in Path(f"/proc/{pid}/task").iterdir()
            if task.name != str(pid)
            for one in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def _resident_mb(pid: int) -> float:
    """Proportional set size: what is shared is counted once."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024 / 1e6
    except (OSError, StopIteration):
        return 0.0


def film(portrait: Portrait, asked: dict[str, Any], fps: float, folder: Path) -> tuple[bytes, list[float]]:
    """A live face before the challenge ``asked``, and when its colours began."""
    oval = Oval(*(int(asked["OvalParameters"][name]) for name in ("CenterX", "CenterY", "Width", "Height")))
    colours = [tuple(one["FreshnessColor"]["RGB"]) for one in asked.get("ColorSequences", [])]
    starts = as_shown(NEAR_MS + 1000, len(colours)) if colours else []
    end = starts[-1] + 330 if starts else NEAR_MS + 1000
    light = Light(displayed(starts, colours), 0.05, 110) if colours else None
    taken = Film(portrait, oval, far_ms=1200, near_ms=NEAR_MS, end_ms=end, light=light)
    return write_webm(str(folder / "film.webm"), taken, fps), starts


def checked(opened: Stream, portrait: Portrait, fps: float, folder: Path, *, paced: bool) -> tuple[float, int]:
    """Seconds from the end of the video to word of the result, and the length of the video in ms."""
    asked = opened.challenge()
    video, starts = film(portrait, asked, fps, folder)
    seconds = int(((starts[-1] + 330) if starts else NEAR_MS + 1000) / 1000)
    piece = -(-len(video) // max(1, seconds))
    kind = asked["Type"]
    opened.information(kind, VideoStartTimestamp=1_700_000_000_000)
    for at in range(0, len(video), piece):
        if paced:
            time.sleep(1.0)
        opened.send("VideoEvent", _chunk(video[at : at + piece]))
    opened.colours(kind, starts)
    began = time.perf_counter()
    opened.send("VideoEvent", _chunk(b""))
    ended, told = opened.event(60)
    if ended != "DisconnectionEvent":
        raise SystemExit(f"{ended}: {told}")
    return time.perf_counter() - began, seconds * 1000


def _chunk(data: bytes) -> dict[str, Any]:
    import base64

    return {"VideoChunk": base64.b64encode(data).decode(), "TimestampMillis": 1}


def session(client: Any, kind: str) -> str:
    """A new one."""
    return str(client.create_face_liveness_session(Settings={"ChallengePreferences": [{"Type": kind}]})["SessionId"])


def times(served: Served, key: Key, portrait: Portrait, runs: int, folder: Path) -> list[tuple[object, ...]]:
    """Rows: each kind of check, paced as the component paces it, and all at once as none does."""
    client, rows = served.client(), []
    for kind, fps, paced in ((LIGHT, 15.0, True), (LIGHT, 30.0, True), (MOVEMENT, 15.0, True), (LIGHT, 15.0, False)):
        found, confidences = [], []
        for _ in range(runs):
            session_id = session(client, kind)
            with stream(f"http://127.0.0.1:{served.port}", key, session_id) as opened:
                seconds, length_ms = checked(opened, portrait, fps, folder, paced=paced)
            found.append(seconds)
            confidences.append(client.get_face_liveness_session_results(SessionId=session_id)["Confidence"])
        sent = "as it is recorded" if paced else "at once"
        rows.append(
            (
                f"{kind}, {length_ms / 1000:.0f} s at {fps:.0f} frames a second, sent {sent}",
                f"{statistics.median(found):.2f}",
                f"{max(found):.2f}",
                f"{min(confidences):.1f}",
            )
        )
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def at_once(served: Served, key: Key, portrait: Portrait, count: int, folder: Path) -> tuple[float, Memory]:
    """Seconds until the last of ``count`` checks, whose videos end at the same time, and the memory it took."""
    client, url = served.client(), f"http://127.0.0.1:{served.port}"
    memory = Memory(served.process.pid)
    with ExitStack() as opened, memory.watched():
        streams = [opened.enter_context(stream(url, key, session(client, LIGHT))) for _ in range(count)]
        video, starts = film(portrait, streams[0].challenge(), 15.0, folder)
        for one in streams[1:]:
            one.challenge()
        for one in streams:
            one.information(LIGHT, VideoStartTimestamp=1_700_000_000_000)
        piece = -(-len(video) // 8)
        for at in range(0, len(video), piece):
            for one in streams:
                one.send("VideoEvent", _chunk(video[at : at + piece]))
        for one in streams:
            one.colours(LIGHT, starts)
        began = time.perf_counter()
        for one in streams:
            one.send("VideoEvent", _chunk(b""))
        for one in streams:
            ended, told = one.event(400)
            if ended != "DisconnectionEvent":
                raise SystemExit(f"{ended}: {told}")
        return time.perf_counter() - began, memory


def astronaut() -> Portrait:
    """NASA's portrait of Eileen Collins."""
    import skimage.data

    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    return portrait_of(engine, np.asarray(skimage.data.astronaut()))


def species() -> str:
    """The table that was written down last."""
    if not SPECIES.exists():
        return "The table of species was not made: scripts/fit_face_liveness.py makes it."
    return str(json.loads(SPECIES.read_text())["text"])


def main() -> int:
    """Measure, and write the section."""
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--at-once", type=int, default=50)
    options.add_argument("--dry", action="store_true", help="print and write nothing")
    given = options.parse_args()
    cv2.setNumThreads(1)
    portrait = astronaut()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder / "data") as served:
            import re

            text = (served.data / "credentials").read_text(encoding="utf-8")
            found = dict(re.findall(r"^(aws_\w+)\s*=\s*(\S+)", text, re.MULTILINE))
            key = Key(found["aws_access_key_id"], found["aws_secret_access_key"], REGION)
            idle_mb = _resident_mb(served.process.pid)
            rows = times(served, key, portrait, given.runs, folder)
            took_s, memory = at_once(served, key, portrait, given.at_once, folder)
    told = "\n\n".join(
        (
            table(("check", "to the result, s (median)", "slowest", "least confidence"), rows),
            f"Target: {TARGET_S} s on two cores; {given.runs} checks each, one at a time. The film is rendered, its "
            "sender shares the machine with the server.",
            f"{given.at_once} checks at once, whose videos end together: the last result after {took_s:.1f} s. Memory: "
            f"{memory.own_mb:.0f} MB at most of the server ({idle_mb:.0f} MB before), {memory.all_mb:.0f} MB with its "
            f"decoders; target {MEMORY_TARGET_MB} MB. Load when it ended: {os.getloadavg()[0]:.1f}.",
            species(),
        )
    )
    print(told)
    if not given.dry:
        write(Section("face-liveness", "Face Liveness", COMMAND, told))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Four live streams of 720p at once: how long from a frame to its event, and what comes of killed cameras.

In: photos of ../shared/data/lfw, each shown for two seconds by cameras of this machine (processes of their own that
send MJPEG over HTTP), and the fetched networks. Out: a section of BENCHMARKS.md. Events are read as they come, as a
client reads them; the time from the arrival of their frame to their arrival there counts. Then cameras are killed and
begun again at random for ``--kill-s`` seconds: places have to rise without gap or repetition, every camera has to be
seen again, and memory must not go on growing: what it grows by is told for both halves of that time, and what of the
process's memory is left once the allocator gave back what is free. What stands in for Amazon's services, and keeps
every record that it gets, is a process of its own.
"""

from __future__ import annotations

import ctypes
import gc
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from report import ROOT, Section, table, write

sys.path.insert(0, str(ROOT))

from custodes.cli.server.allocator import give_memory_back
from custodes.deployment.networks.computing import open_engine
from custodes.settings import Settings
from tests.fakes.live import LiveServer, running
from tests.streams.conftest import Cloud, Post, overrides, stated
from tests.streams.kept import EventSource, listed

COMMAND = ".venv/bin/python bench/live_streams.py"
CAMERA = ROOT / "bench" / "workers" / "camera.py"
CAMERAS, WARM_S = 4, 180.0
KEPT = (
    "Memory that grows here is what the C library keeps of what was freed, unless it is told not to, as "
    "`custodes serve` does and this bench now: two streams for 214 s without that swung between 560 and "
    "701 MiB without a trend, with 296,000 Python objects from the first minute to the last, and 364 MiB "
    "were left once it was given back (loaded machine)."
)
"""What was found of the memory that grew, when it was looked into."""
SETTINGS = {"stream_samples_per_second": "2", "stream_fragment_s": 2}


def number(option: str, default: float) -> float:
    """The number behind ``option`` on the command line."""
    return float(sys.argv[sys.argv.index(option) + 1]) if option in sys.argv else default


@dataclass
class Cameras:
    """Processes by number."""

    base_port: int
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def begin(self, which: int) -> None:
        port, first = str(self.base_port + which), str(1000 + 40 * which)
        self.running[which] = subprocess.Popen([sys.executable, str(CAMERA), port, first])

    def kill(self, which: int) -> None:
        self.running[which].send_signal(signal.SIGKILL)
        self.running.pop(which).wait()

    def url(self, which: int) -> str:
        return f"http://127.0.0.1:{self.base_port + which}/live"


@contextmanager
def cameras() -> Iterator[Cameras]:
    """All of them, until the end of the block."""
    found = Cameras(random.randrange(20_000, 40_000))
    try:
        for which in range(CAMERAS):
            found.begin(which)
        yield found
    finally:
        for which in list(found.running):
            found.kill(which)


@dataclass
class Heard:
    """Events as a client got them: place, processor, when their frame came, when they came themselves."""

    told: list[tuple[int, str, float, float]] = field(default_factory=list)

    def listen(self, server: LiveServer) -> threading.Thread:
        def run() -> None:
            with suppress(EOFError, OSError), closing(EventSource(server)) as source:
                while True:
                    _, event = source.next()
                    self.told.append((event["Place"], event["ProcessorName"], event["Timestamp"], time.time()))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def everywhere(self, after: int, most_s: float) -> bool:
        """Whether every camera has an event behind place ``after``, within ``most_s``."""
        deadline = time.monotonic() + most_s
        while (missing := {one[1] for one in self.told if one[0] > after} != names()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return not missing


def resident_mib() -> float:
    """Of this process, which is the server's."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def trimmed_mib() -> float:
    """The same, once the allocator gave back what it holds free."""
    gc.collect()
    with suppress(AttributeError):  # of glibc alone
        ctypes.CDLL(None).malloc_trim(0)
    return resident_mib()


@contextmanager
def amazon() -> Iterator[Cloud]:
    """What stands in for Kinesis, S3 and SNS, until the end of the block."""
    port = random.randrange(40_000, 50_000)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield Cloud(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


def watch(post: Post, found: Cameras) -> None:
    """A live search on every camera."""
    post.client.create_collection(CollectionId="known")
    for which in range(CAMERAS):
        name = f"camera-{which}"
        source = post.connect(name, found.url(which))
        post.search(name, source, "known", Tags=stated() | {"custodes:events": "1"})
        post.client.start_stream_processor(Name=name)


def killed(found: Cameras, seconds: float) -> tuple[int, float]:
    """How often a camera was killed and begun again, and the memory when half of the time was over."""
    dice, begun_s, count, halfway = random.Random(20), time.monotonic(), 0, 0.0
    while (passed_s := time.monotonic() - begun_s) < seconds:
        if not halfway and passed_s > seconds / 2:
            halfway = resident_mib()
        which = dice.randrange(CAMERAS)
        found.kill(which)
        time.sleep(dice.uniform(0.5, 3))
        found.begin(which)
        time.sleep(dice.uniform(3, 8))
        count += 1
    return count, halfway or resident_mib()


def main() -> None:
    """Measure and write."""
    steady_s, kill_s = number("--seconds", 60), number("--kill-s", 600)
    give_memory_back()  # as custodes serve does; without it glibc keeps what was freed, 250 MiB with two streams
    with (
        amazon() as cloud,
        tempfile.TemporaryDirectory() as folder,
        open_engine(Settings(data=Path(folder), threads=1)) as engine,
        running(Path(folder) / "data", overrides(cloud) | SETTINGS, engine=engine) as server,
        cameras() as found,
    ):
        watch(Post(server, server.client(), cloud), found)
        heard = Heard()
        heard.listen(server)
        heard.everywhere(0, WARM_S)
        began_s = time.time()
        time.sleep(steady_s)
        before = resident_mib()
        latencies = [came_s - seen_s for _, _, seen_s, came_s in heard.told if seen_s > began_s]
        kills, halfway = killed(found, kill_s)
        again = heard.everywhere(heard.told[-1][0], WARM_S)
        time.sleep(3)
        places = [one[0] for one in heard.told]
        kept = _all(server)
        after = resident_mib()
        grown = f"{halfway - before:+.0f}, then {after - halfway:+.0f} MiB, {trimmed_mib() - before:+.0f} trimmed"
    whole = places == kept[: len(places)] and places == sorted(set(places))
    row = (
        len(latencies),
        f"{median(latencies):.2f} s",
        f"{sorted(latencies)[int(0.95 * len(latencies))]:.2f} s",
        f"{kills} in {kill_s:.0f} s",
        "all" if again else "not all",
        "no gap, no repetition" if whole else "broken",
        grown,
    )
    head = (
        "events",
        "median",
        "95 %",
        "cameras killed",
        "seen again",
        f"places of {len(places)} events",
        f"memory from {before:.0f} MiB on",
    )
    text = f"Load of the machine of two cores at the end: {os.getloadavg()[0]:.0f}. "
    text += (
        "Four cameras of 1,280 x 720, two looks a second each, from the arrival of a frame to that of its event.\n\n"
    )
    rows = table(head, [row]) + "\n\n" + KEPT
    write(Section("streams", "Four live streams at once", " ".join([COMMAND, *sys.argv[1:]]), text + rows))


def names() -> set[str]:
    """Of all processors."""
    return {f"camera-{which}" for which in range(CAMERAS)}


def _all(server: LiveServer) -> list[int]:
    found: list[int] = []
    while page := listed(server, After=found[-1] if found else 0):
        found += page
    return found


if __name__ == "__main__":
    main()

"""What a server takes: disk per request, and memory while six clients ask for everything at once.

Run: ``.venv/bin/python bench/footprint.py [--requests N] [--seconds S] [--only disk|memory] [--json]``.

Disk: six clients send DetectFaces to the real server over the engine of the tests, which computes nothing, so that
enough requests are made for what is kept in large pieces to be spread out. Counted is what the file system gives to the
data directory (blocks, not lengths), at the end and at its largest on the way; the server's own log file is counted
apart. Memory: six clients send one operation after the other to the server with its networks, each beginning at
another place of the list: portraits, a page of text and a photo of twelve megapixels. Read off every 50 ms is the
resident memory of the process, as Linux counts it.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import report
from ledger_http import blank, signed
from serving import portrait, serving

SERVER = Path(__file__).resolve().parent / "workers" / "ledger_server.py"
CLIENTS = 6
MAX_KB_PER_REQUEST, MAX_RESIDENT_MB = 1.8, 900.0
_BLOCK = 512
_PART = {"journal": "journal", "bodies": "private bodies", "ledger": "tiles and entries"}


def disk_bytes(folder: Path) -> Counter[str]:
    """Bytes on the disk below ``folder``, by what they are for."""
    found: Counter[str] = Counter()
    for file in folder.rglob("*"):
        try:
            blocks = file.lstat().st_blocks
        except FileNotFoundError:  # removed meanwhile
            continue
        parts = file.relative_to(folder).parts
        named = next((_PART[part] for part in reversed(parts[:2]) if part in _PART), "everything else")
        found[named] += blocks * _BLOCK
    return found


def disk(requests: int) -> dict[str, Any]:
    """What ``requests`` requests of six clients leave on the disk, in kB a request."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "data", [sys.executable, str(SERVER), "--fake"]) as server,
    ):
        body, headers = signed(server, blank())
        before, largest = disk_bytes(server.data), 0
        started = time.perf_counter()
        stop = threading.Event()

        def watch() -> None:
            nonlocal largest
            while not stop.wait(0.5):
                largest = max(largest, sum(disk_bytes(server.data).values()))

        def client(_: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            for _ in range(requests // CLIENTS):
                connection.request("POST", "/", body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise SystemExit(f"the server answered {answer.status}")
            connection.close()

        watcher = threading.Thread(target=watch)
        watcher.start()
        _together(client)
        seconds = time.perf_counter() - started
        time.sleep(1.0)  # the last batch is published
        stop.set()
        watcher.join()
        after = disk_bytes(server.data)
    done = requests // CLIENTS * CLIENTS
    kb = {part: (after[part] - before[part]) / 1e3 / done for part in sorted(after)}
    return {
        "requests": done,
        "per_s": done / seconds,
        "kb": kb,
        "kb_per_request": sum(kb.values()),
        "largest_kb_per_request": (largest - sum(before.values())) / 1e3 / done,
    }


def page_of_text() -> bytes:
    """A JPEG of 1600 x 1200 pixels with fifteen lines of text."""
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    picture = PIL.Image.new("RGB", (1600, 1200), "white")
    drawing, font = PIL.ImageDraw.Draw(picture), PIL.ImageFont.load_default(28)
    for line in range(15):
        drawing.text((40, 40 + 74 * line), f"{line:02d} Quis custodiet ipsos custodes?", "black", font)
    return _jpeg(picture)


def twelve_megapixels() -> bytes:
    """The portrait on a large wall."""
    import PIL.Image

    picture = PIL.Image.new("RGB", (4000, 3000), (120, 130, 140))
    picture.paste(PIL.Image.open(io.BytesIO(portrait(1024))), (1500, 1000))
    return _jpeg(picture)


def _jpeg(picture: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def mix() -> list[Callable[[Any], object]]:
    """What each client asks for, in turn."""
    face, text, large = portrait(512), page_of_text(), twelve_megapixels()
    return [
        lambda ask: ask.detect_faces(Image={"Bytes": face}, Attributes=["ALL"]),
        lambda ask: ask.detect_text(Image={"Bytes": text}),
        lambda ask: ask.search_faces_by_image(CollectionId="people", Image={"Bytes": face}),
        lambda ask: ask.detect_labels(Image={"Bytes": large}),
        lambda ask: ask.compare_faces(SourceImage={"Bytes": face}, TargetImage={"Bytes": large}),
        lambda ask: ask.detect_moderation_labels(Image={"Bytes": face}),
        lambda ask: ask.detect_text(Image={"Bytes": large}),
        lambda ask: ask.detect_protective_equipment(Image={"Bytes": face}),
        lambda ask: ask.index_faces(CollectionId="people", Image={"Bytes": face}),
    ]


def memory(seconds: float) -> dict[str, Any]:
    """Resident memory and throughput under ``seconds`` of everything at once."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "data") as server:
        asked = mix()
        first = server.client()
        first.create_collection(CollectionId="people")
        idle = server.resident_mb()
        for ask in asked:  # opens the networks
            ask(first)
        opened = server.resident_mb()
        samples: list[float] = []
        stop, done = threading.Event(), [0] * CLIENTS
        end = time.perf_counter() + seconds

        def watch() -> None:
            while not stop.wait(0.05):
                samples.append(server.resident_mb())

        def client(number: int) -> None:
            mine, at = server.client(), number
            while time.perf_counter() < end:
                asked[at % len(asked)](mine)
                at += 1
                done[number] += 1

        watcher = threading.Thread(target=watch)
        watcher.start()
        started = time.perf_counter()
        _together(client)
        taken = time.perf_counter() - started
        stop.set()
        watcher.join()
        time.sleep(1.0)
        rest = server.resident_mb()
    samples.sort()
    return {
        "idle_mb": idle,
        "opened_mb": opened,
        "median_mb": samples[len(samples) // 2],
        "largest_mb": samples[-1],
        "after_mb": rest,
        "per_s": sum(done) / taken,
        "requests": sum(done),
    }


def _together(work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def section(kept: dict[str, Any] | None, held: dict[str, Any] | None, command: str) -> report.Section:
    """The section of the page."""
    text = ""
    if kept is not None:
        rows: list[tuple[object, ...]] = [(part, f"{kb:.2f}") for part, kb in kept["kb"].items()]
        rows.append(("**together**", f"**{kept['kb_per_request']:.2f}** (at most {MAX_KB_PER_REQUEST} wanted)"))
        rows.append(("at the largest on the way", f"{kept['largest_kb_per_request']:.2f}"))
        text += f"On the disk after {kept['requests']:,} requests, two entries each, {kept['per_s']:.0f} a second:\n\n"
        text += report.table(("in the data directory", "kB a request"), rows) + "\n\n"
    if held is not None:
        head = ("resident memory", "MB")
        text += report.table(
            head,
            [
                ("started", f"{held['idle_mb']:.0f}"),
                ("all networks opened, one caller", f"{held['opened_mb']:.0f}"),
                ("six clients, median", f"{held['median_mb']:.0f}"),
                ("six clients, largest", f"**{held['largest_mb']:.0f}** (at most {MAX_RESIDENT_MB:.0f} wanted)"),
                ("a second after", f"{held['after_mb']:.0f}"),
            ],
        )
        text += f"\n\n{held['per_s']:.2f} mixed requests a second, {held['requests']} in all."
    return report.Section("footprint", "Footprint: disk and memory", command, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=30_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", choices=("disk", "memory"))
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args(arguments)
    kept = None if options.only == "memory" else disk(options.requests)
    held = None if options.only == "disk" else memory(options.seconds)
    if options.json:
        print(json.dumps({"disk": kept, "memory": held}, indent=1))
        return 0
    command = f"python bench/footprint.py --requests {options.requests} --seconds {options.seconds:.0f}"
    made = section(kept, held, command)
    print(made.text)
    if options.only is None:
        report.write(made)
    small = kept is None or kept["kb_per_request"] <= MAX_KB_PER_REQUEST
    return 0 if small and (held is None or held["largest_mb"] <= MAX_RESIDENT_MB) else 1


if __name__ == "__main__":
    sys.exit(main())

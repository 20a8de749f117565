"""Detect and embed whole photos, beside the ``face_recognition`` package: same files, same cores, alternating blocks.

Run: ``.venv/bin/python bench/throughput.py [--photos N] [--folder DIR] [--json]``. Photos are those of LFW View 2, from
``../shared/data/lfw`` or ``--folder``; without any it says so and measures nothing. The peer is installed once into an
environment of its own below the user's cache folder. Each side decodes, detects all faces and embeds as many of them;
workers take turns, so that no two sides ever compute at the same time. A search embeds the largest face only, so there
the peer encodes the largest only, too.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import report
from custodes.engine.runtime.byte_products import has_byte_products

WORKERS = Path(__file__).resolve().parent / "workers"
PHOTOS = report.ROOT.parent / "shared" / "data" / "lfw" / "images"
# face_recognition_models imports pkg_resources, which setuptools 81 no longer has.
PEER = ("face_recognition==1.3.0", "face_recognition_models==0.3.0", "dlib-bin", "numpy", "pillow", "click")
PEER_BUILD = "setuptools<81"
BLOCK = 50
OUTSIDE_TARGET = 0.15
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Route:
    """A way through the engine: what for, which faces of a photo are embedded (by both sides), the ratio wanted, and
    whether with products of bytes."""

    name: str
    use: str
    faces: str
    target: float | None
    in_bytes: bool = False


PATHS = (
    Route("query (largest face, as a search does)", "query", "largest", 8.0),
    *(
        [Route("the same, `CUSTODES_QUERY_ARITHMETIC=int8`", "query", "largest", 8.0, in_bytes=True)]
        if has_byte_products()
        else []
    ),
    Route("query, all faces", "query", "all", None),
    Route("enrol, all faces", "enrol", "all", 4.0),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which cores each worker process of a side may use."""

    name: str
    cores: tuple[tuple[int, ...], ...]


class Side:
    """Worker processes of one side; a block is split among them."""

    def __init__(self, commands: Sequence[Sequence[str]], threads: int) -> None:
        environment = os.environ | dict.fromkeys(_THREADS, str(threads))
        self._workers = [
            subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for command in commands
        ]

    def block(self, paths: Sequence[Path]) -> dict[str, float]:
        """Seconds until all workers are done, faces, and seconds within ONNX Runtime of all workers together."""
        start = time.perf_counter()
        for at, worker in enumerate(self._workers):
            assert worker.stdin is not None
            worker.stdin.write(json.dumps([str(path) for path in paths[at :: len(self._workers)]]) + "\n")
            worker.stdin.flush()
        answers = [self._answer(worker) for worker in self._workers]
        return {
            "seconds": time.perf_counter() - start,
            "faces": sum(answer["faces"] for answer in answers),
            "busy_seconds": sum(answer["seconds"] for answer in answers),
            "runtime_seconds": sum(answer["runtime_seconds"] for answer in answers),
        }

    def close(self) -> None:
        for worker in self._workers:
            worker.communicate()

    @staticmethod
    def _answer(worker: subprocess.Popen[str]) -> dict[str, float]:
        assert worker.stdout is not None
        line = worker.stdout.readline()
        if not line:
            raise SystemExit(f"a worker ended with status {worker.wait()}")
        answer: dict[str, float] = json.loads(line)
        return answer


def photos(folder: Path, count: int) -> list[Path]:
    """``count`` photos, drawn once and for all from those in ``folder``."""
    found = sorted(folder.rglob("*.jpg")) if folder.is_dir() else []
    return random.Random(2026).sample(found, min(count, len(found)))


def peer_python() -> Path:
    """The interpreter of the environment with ``face_recognition``, made when it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "custodes" / "bench" / "face_recognition-1.3.0"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        print("installing face_recognition for the comparison (once)", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, PEER_BUILD], check=True)
        # Without dependencies, because they would have dlib compiled from source; dlib-bin is the same library.
        subprocess.run([*pip, "--no-deps", *PEER], check=True)
        ready.touch()
    return python


def layouts() -> list[Layout]:
    """One process on one core; on two cores one process, and two."""
    cores = sorted(os.sched_getaffinity(0))
    found = [Layout("1 process, 1 core", ((cores[0],),))]
    if len(cores) > 1:
        pair = (cores[0], cores[1])
        found += [Layout("1 process, 2 cores", (pair,)), Layout("2 processes, 2 cores", ((pair[0],), (pair[1],)))]
    return found


def sides(layout: Layout, python: Path) -> Iterator[tuple[str, Side]]:
    """Ours by path, ours once more with timed networks, and the peer with as many faces."""
    threads = len(layout.cores[0])
    pinned = [[str(core) for core in cores] for cores in layout.cores]
    ours, peer = [sys.executable, str(WORKERS / "recognise.py")], [str(python), str(WORKERS / "recognise_peer.py")]
    for path in PATHS:
        flags = [
            *(["--largest"] if path.faces == "largest" else []),
            *(["--bytes"] if path.in_bytes else []),
            "--cores",
        ]
        yield path.name, Side([[*ours, path.use, *flags, *cores] for cores in pinned], threads)
        if not path.in_bytes:
            timed = [[*ours, path.use, "--timed", *flags, *cores] for cores in pinned]
            yield f"{path.name} timed", Side(timed, threads)
    for faces in ("largest", "all"):
        yield faces, Side([[*peer, faces, *cores] for cores in pinned], threads)


def measure(layout: Layout, paths: list[Path], python: Path) -> dict[str, Any]:
    """Images per second of each side on ``paths``, and the share of our time outside ONNX Runtime."""
    blocks = [paths[at : at + BLOCK] for at in range(0, len(paths), BLOCK)]
    with ExitStack() as opened:
        running = {name: opened.enter_context(closing(side)) for name, side in sides(layout, python)}
        for side in running.values():
            side.block(paths[:8])  # loads what is loaded late
        done: dict[str, list[dict[str, float]]] = {name: [] for name in running}
        for number, block in enumerate(blocks):
            # Every side comes first, second, ... equally often.
            names = list(running)[number % len(running) :] + list(running)[: number % len(running)]
            for name in names:
                done[name].append(running[name].block(block))
    found: dict[str, Any] = {"layout": layout.name, "photos": len(paths)}
    for name, parts in done.items():
        total = {key: sum(part[key] for part in parts) for key in parts[0]}
        found[name] = total | {
            "per_s": len(paths) / total["seconds"],
            "outside": 1.0 - total["runtime_seconds"] / total["busy_seconds"],
        }
    for path in PATHS:
        ratios = [p["seconds"] / o["seconds"] for p, o in zip(done[path.faces], done[path.name], strict=True)]
        found[path.name]["ratio"] = found[path.name]["per_s"] / found[path.faces]["per_s"]
        found[path.name]["block_ratios"] = (min(ratios), max(ratios))
    return found


def section(measured: list[dict[str, Any]], command: str) -> report.Section:
    """The section of the page."""
    rows: list[tuple[object, ...]] = []
    for found in measured:
        for path in PATHS:
            ours, peer = found[path.name], found[path.faces]
            low, high = ours["block_ratios"]
            ratio = f"**{ours['ratio']:.2f}** (blocks {low:.1f} to {high:.1f})"
            outside = "" if path.in_bytes else f"{100 * found[f'{path.name} timed']['outside']:.1f} %"
            target = f"{path.target:.0f}" if path.target else ""
            rows.append(
                (found["layout"], path.name, f"{ours['per_s']:.1f}", f"{peer['per_s']:.1f}", ratio, target, outside)
            )
    head = ("layout", "path", "ours, images/s", "face_recognition, images/s", "ratio", "target", "outside ONNX Runtime")
    last = measured[-1]
    text = report.table(head, rows)
    text += (
        f"\n\n{last['photos']} photos of LFW, JPEG files on disk to vectors: decode, detect, mesh, "
        f"align, embed. Where all faces are embedded, ours finds {last[PATHS[-1].name]['faces']:.0f} of them and "
        f"`face_recognition` 1.3.0 (HOG and its other defaults, dlib-bin, the same dlib weights) "
        f"{last['all']['faces']:.0f}. Blocks of {BLOCK} photos in turn, every process pinned to its cores. The target "
        "for time outside ONNX Runtime is 15 %; it is measured in runs of their own, by a clock around each network."
    )
    return report.Section("throughput", "Detect and embed, whole process", command, text)


def main() -> int:
    """Measure, print, write; 1 when a target is missed on one process and one core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--folder", type=Path, default=PHOTOS)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    paths = photos(options.folder, options.photos)
    if not paths:
        print(f"skipped: there are no photos in {options.folder} (LFW is needed; see --folder)")
        return 0
    python = peer_python()
    measured = [measure(layout, paths, python) for layout in layouts()]
    if options.json:
        print(json.dumps(measured, indent=1))
        return 0
    made = section(measured, "python bench/throughput.py" + ("" if len(paths) == 500 else f" --photos {len(paths)}"))
    print(made.text)
    report.write(made)
    alone = measured[0]
    met = all(alone[path.name]["ratio"] >= (path.target or 0.0) for path in PATHS)
    return 0 if met and alone[f"{PATHS[0].name} timed"]["outside"] <= OUTSIDE_TARGET else 1


if __name__ == "__main__":
    sys.exit(main())

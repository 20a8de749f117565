"""Sixteen clients of one server against its engine alone: how much of both cores the way around the engine leaves.

Run: ``.venv/bin/python bench/clients.py [--blocks N] [--seconds S] [--json]``. Needs the model pack. Blocks in turn, on
the same photo: the engine alone in a process of its own, with as many callers as cores (once with one thread per run of
a network, once with one per core; the faster counts), and SearchFacesByImage over HTTP from sixteen clients. These send
one request that was signed before, over raw connections, because they take their processor time from the server's; how
much that is is told.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import report
from serving import Served, portrait, serving

WORKER = Path(__file__).resolve().parent / "workers" / "engine_threads.py"
CLIENTS, COLLECTION = 16, "people"
WANTED = 0.9


class Engine:
    """The engine in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def block(self, seconds: float) -> dict[str, float]:
        """Photos a second, and processor seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def engine(photo: Path, threads: int) -> Iterator[Engine]:
    """An engine whose runs use ``threads``, called by as many threads as there are cores."""
    command = [sys.executable, str(WORKER), str(photo), str(os.cpu_count() or 1), str(threads)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Engine(process)
    finally:
        process.communicate()


def request(server: Served, photo: bytes) -> bytes:
    """One signed SearchFacesByImage as it goes over the wire."""
    sent: list[Any] = []
    client = server.client()
    client.create_collection(CollectionId=COLLECTION)
    client.index_faces(CollectionId=COLLECTION, Image={"Bytes": photo}, ExternalImageId="person")
    client.meta.events.register("before-send.rekognition", lambda request, **_: sent.append(request))
    client.search_faces_by_image(CollectionId=COLLECTION, Image={"Bytes": photo})
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in sent[0].headers.items()}
    headers |= {"Host": f"127.0.0.1:{server.port}", "Content-Length": str(len(sent[0].body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + bytes(sent[0].body)


def ask(connection: socket.socket, sent: bytes) -> None:
    """One request and its answer, which has to be a match."""
    connection.sendall(sent)
    answer = connection.recv(65536)
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    if not head.startswith(b"HTTP/1.1 200") or b"person" not in body:
        raise SystemExit(f"the server answered {head[:15].decode()}")


def clients(server: Served, sent: bytes, seconds: float) -> dict[str, float]:
    """Requests a second of all clients together, and the processor seconds of these and of the server."""
    done = [0] * CLIENTS
    start, cpu, served = time.perf_counter(), time.process_time(), processor_s(server)

    def client(number: int) -> None:
        with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
            while time.perf_counter() - start < seconds:
                ask(connection, sent)
                done[number] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "per_s": sum(done) / (time.perf_counter() - start),
        "client_ms": 1e3 * (time.process_time() - cpu) / sum(done),
        "server_ms": 1e3 * (processor_s(server) - served) / sum(done),
    }


def processor_s(server: Served) -> float:
    """Processor seconds that the server took so far, as Linux counts them."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(blocks: int, seconds: float) -> dict[str, Any]:
    """Medians over ``blocks`` in turn."""
    photo = portrait(512)
    kinds = sorted({1, os.cpu_count() or 1})
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        file = Path(folder) / "photo.jpg"
        file.write_bytes(photo)
        engines = {threads: opened.enter_context(engine(file, threads)) for threads in kinds}
        server = opened.enter_context(serving(Path(folder) / "data"))
        sent = request(server, photo)
        for each in engines.values():
            each.block(1.0)
        clients(server, sent, 1.0)
        alone: dict[int, list[dict[str, float]]] = {threads: [] for threads in kinds}
        behind: list[dict[str, float]] = []
        for _ in range(blocks):
            for threads, each in engines.items():
                alone[threads].append(each.block(seconds))
            behind.append(clients(server, sent, seconds))
    best = [max(alone[threads][at]["per_s"] for threads in kinds) for at in range(blocks)]
    return {
        "alone": {threads: statistics.median(part["per_s"] for part in alone[threads]) for threads in kinds},
        **{name: statistics.median(part[name] for part in behind) for name in behind[0]},
        "ratio": statistics.median(part["per_s"] / most for part, most in zip(behind, best, strict=True)),
        "ratios": [part["per_s"] / most for part, most in zip(behind, best, strict=True)],
    }


def section(found: dict[str, Any], blocks: int, seconds: float, command: str) -> report.Section:
    """The section of the page."""
    rows: list[tuple[object, ...]] = [
        (f"engine alone, {os.cpu_count()} callers, runs of {threads} threads", f"{per_s:.1f}")
        for threads, per_s in found["alone"].items()
    ]
    rows.append((f"SearchFacesByImage, {CLIENTS} clients", f"{found['per_s']:.1f}"))
    ratios = found["ratios"]
    text = report.table(("512 x 512 JPEG", "a second"), rows)
    text += (
        f"\n\nOf the faster engine alone: **{found['ratio']:.2f}** ({WANTED} wanted; blocks {min(ratios):.2f} to "
        f"{max(ratios):.2f}). {blocks} blocks of {seconds:.0f} s in turn, all on the same machine. A request takes "
        f"{found['server_ms']:.1f} ms of the server's processor time and {found['client_ms']:.2f} ms of its client's, "
        "which sends what was signed before."
    )
    return report.Section("clients", "Sixteen clients against the engine alone", command, text)


def main() -> int:
    """Measure, print, write; 1 when the share is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    found = measure(options.blocks, options.seconds)
    report.tell(
        found,
        lambda: section(found, options.blocks, options.seconds, "python bench/clients.py"),
        as_json=options.json,
    )
    return 0 if found["ratio"] >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())

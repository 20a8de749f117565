"""What the ledger costs a client: DetectFaces over HTTP from 16 clients, with and without it, in turns.

Run: ``.venv/bin/python bench/ledger_http.py [--blocks N] [--seconds S] [--json]``. Two server processes, one of them
without the ledger (a switch that exists in the benchmark's server only); blocks of requests to one and to the other
alternate. Throughput: the real engine, clients ask as fast as they are answered; left out when the model pack is not
there. Latency: an engine that computes nothing, each client asks ten times a second, so that no queue hides or
multiplies what is added.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import report
from serving import Served, portrait, serving

SERVER = Path(__file__).resolve().parent / "workers" / "ledger_server.py"
CLIENTS = 16
PACE_S = 0.1
MIN_SHARE, MAX_ADDED_MS = 0.95, 4.0


def signed(server: Served, photo: bytes) -> tuple[bytes, dict[str, str]]:
    """Body and headers of one DetectFaces, signed once: signing again each time would measure the client."""
    sent: list[Any] = []
    client = server.client()
    client.meta.events.register("before-send.rekognition", lambda request, **_: sent.append(request))
    client.detect_faces(Image={"Bytes": photo})
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in sent[0].headers.items()}
    return sent[0].body, headers


def blank() -> bytes:
    """A small picture for the engine that computes nothing: it looks for squares of one colour."""
    import io

    import PIL.Image

    out = io.BytesIO()
    PIL.Image.new("RGB", (96, 96)).save(out, "PNG")
    return out.getvalue()


def block(server: Served, photo: bytes, seconds: float, pace_s: float) -> tuple[list[float], float]:
    """Latencies in ms of all clients together, and requests per second."""
    body, headers = signed(server, photo)
    latencies: list[list[float]] = [[] for _ in range(CLIENTS)]
    begin = time.perf_counter() + 0.3
    end = begin + seconds

    def ask(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        due = begin + (pace_s * number / CLIENTS)
        while True:
            time.sleep(max(0.0, due - time.perf_counter()))
            start = time.perf_counter()
            if start >= end:
                break
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"the server answered {answer.status}")
            latencies[number].append(1e3 * (time.perf_counter() - start))
            due = due + pace_s if pace_s else 0.0
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - begin
    whole = [latency for mine in latencies for latency in mine]
    return whole, len(whole) / taken


def compare(flags: list[str], photo: bytes, blocks: int, seconds: float, pace_s: float) -> dict[str, Any]:
    """Latencies and throughput of both servers, from blocks in turn."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        servers = {
            name: opened.enter_context(serving(Path(folder) / name, [sys.executable, str(SERVER), *flags, *more]))
            for name, more in (("with", []), ("without", ["--no-ledger"]))
        }
        for server in servers.values():
            block(server, photo, min(2.0, seconds), pace_s)
        found: dict[str, list[tuple[list[float], float]]] = {name: [] for name in servers}
        for number in range(blocks):
            for name in sorted(servers, reverse=number % 2 == 1):
                found[name].append(block(servers[name], photo, seconds, pace_s))
    result: dict[str, Any] = {}
    for name, parts in found.items():
        latencies = sorted(latency for part, _ in parts for latency in part)
        result[name] = {
            "median_ms": statistics.median(latencies),
            "p99_ms": latencies[int(0.99 * len(latencies))],
            "per_s": statistics.median(rate for _, rate in parts),
            "requests": len(latencies),
        }
    shares = [w / o for (_, w), (_, o) in zip(found["with"], found["without"], strict=True)]
    result["share"] = statistics.median(shares)
    result["added_ms"] = result["with"]["median_ms"] - result["without"]["median_ms"]
    return result


def quietly(work: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """The result, or None with a line where a server could not start."""
    try:
        return work()
    except SystemExit as reason:
        print(f"left out: {reason}")
        return None


def section(latency: dict[str, Any], through: dict[str, Any] | None, command: str) -> report.Section:
    """The section of the page."""
    rows: list[tuple[object, ...]] = []
    for title, found in (("paced, no engine", latency), ("as fast as possible, real engine", through)):
        if found is None:
            continue
        for name in ("with", "without"):
            part = found[name]
            rows.append((title, name, f"{part['median_ms']:.2f}", f"{part['p99_ms']:.2f}", f"{part['per_s']:.1f}"))
    head = ("load", "ledger", "median, ms", "99 %, ms", "requests/s")
    text = report.table(head, rows)
    text += f"\n\nAdded at the median: **{latency['added_ms']:.2f} ms** (at most {MAX_ADDED_MS:.0f} wanted)."
    if through is not None:
        text += f" Throughput with the ledger: **{100 * through['share']:.1f} %** of that without (95 % wanted)."
    text += (
        f"\n\n{CLIENTS} clients on the same machine as both servers. Every request writes two entries and is answered "
        "when both are durable; a permission is written with its use, or after 50 ms while the work goes on. "
        "Medians over blocks in turn."
    )
    return report.Section("ledger_http", "Ledger: what a client notices", command, text)


def main() -> int:
    """Measure, print, write; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    small, photo = blank(), portrait(512)
    latency = compare(["--fake"], small, options.blocks, options.seconds, PACE_S)
    through = quietly(lambda: compare([], photo, options.blocks, options.seconds, 0.0))
    if options.json:
        print(json.dumps({"latency": latency, "throughput": through}, indent=1))
        return 0
    made = section(latency, through, "python bench/ledger_http.py")
    print(made.text)
    report.write(made)
    met = latency["added_ms"] <= MAX_ADDED_MS and (through is None or through["share"] >= MIN_SHARE)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

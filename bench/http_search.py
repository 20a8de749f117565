"""SearchFacesByImage as a client sees it: boto3, HTTP, a collection of 10,000 faces; and what of it is not the engine.

Run: ``.venv/bin/python bench/http_search.py [--faces N] [--requests N] [--json]``. Needs the model pack. A real server
process with the real engine; the collection holds random unit vectors and the person asked for. The engine's own time
(decode, detect, embed) is measured inside the server, by clocks around each of the three. What boto3 itself takes is
measured against a server that answers the same to everything at once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import report
from serving import portrait, rekognition, serving

SERVER = Path(__file__).resolve().parent / "workers" / "timed_server.py"
EMPTY = SERVER.with_name("empty_server.py")
COLLECTION = "bench"
TARGET_MS = 3.0
WARM_UP = 10
MOST_BY_CHANCE = 10
"""Of 10,000 random vectors two are 80 % alike to a face: cosines of 128 numbers spread by 0.09, and 0.317 is 80 %."""


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of request: a JPEG and further members."""

    name: str
    photo: bytes
    members: dict[str, Any]


def kinds() -> list[Case]:
    """A photo as a client would crop it, with and without a limit on matches, and one as a camera gives it."""
    small, large = portrait(512), portrait(2048, quality=98)
    return [
        Case("512 x 512", small, {}),
        Case("512 x 512, MaxFaces=10", small, {"MaxFaces": 10}),
        Case("2048 x 2048", large, {}),
    ]


def measure(faces: int, requests: int) -> list[dict[str, Any]]:
    """Medians in ms for each kind of request, and of the first kind once more without the ledger."""
    cases = kinds()
    bare = replace(cases[0], name=f"{cases[0].name}, without ledger")
    found = [*served(cases, faces, requests), *served([bare], faces, requests, "--no-ledger")]
    own = clients_ms([*cases, bare], requests)
    return [case | {"client": ms} for case, ms in zip(found, own, strict=True)]


def clients_ms(cases: list[Case], requests: int) -> list[float]:
    """Medians in ms of calls that a server answers at once, for each kind of request."""
    with subprocess.Popen([sys.executable, str(EMPTY)], stdout=subprocess.PIPE, text=True) as empty:
        try:
            assert empty.stdout is not None
            client = rekognition(int(empty.stdout.readline()), "AKIDEXAMPLE", "no secret")
            trips = [[_call_ms(client, case)[0] for _ in range(requests + WARM_UP)] for case in cases]
        finally:
            empty.kill()
    return [statistics.median(whole[WARM_UP:]) for whole in trips]


def served(cases: list[Case], faces: int, requests: int, *flags: str) -> list[dict[str, Any]]:
    """Medians in ms for ``cases``, from one server with ``flags``."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with serving(data, [sys.executable, str(SERVER), COLLECTION, str(faces), *flags]) as server:
            client = server.client()
            client.index_faces(CollectionId=COLLECTION, Image={"Bytes": cases[0].photo}, ExternalImageId="person")
            trips = [[search_ms(client, case) for _ in range(requests + WARM_UP)] for case in cases]
            empty = [describe_ms(client) for _ in range(requests)]
        calls = json.loads((data / "engine.json").read_text(encoding="utf-8"))
    # IndexFaces and then each request decode, detect and embed.
    steps, ms = [step for step, _ in calls], [1e3 * seconds for _, seconds in calls]
    if steps != ["decode", "detect", "embed"] * (1 + len(cases) * (requests + WARM_UP)):
        raise SystemExit("the engine was called in another order than this benchmark expects")
    parts = iter(list(zip(ms[3::3], [sum(ms[at : at + 3]) for at in range(3, len(ms), 3)], strict=True)))
    inside = [[next(parts) for _ in whole] for whole in trips]
    found = [
        figures(case, whole[WARM_UP:], engine[WARM_UP:])
        for case, whole, engine in zip(cases, trips, inside, strict=True)
    ]
    return [case | {"describe": statistics.median(empty)} for case in found]


def figures(case: Case, whole: list[float], inside: list[tuple[float, float]]) -> dict[str, Any]:
    """Medians of round trips ``whole``, of which ``inside`` has the time to decode and that in the engine; in ms."""
    outside = [trip - engine for trip, (_, engine) in zip(whole, inside, strict=True)]
    return {
        "name": case.name,
        "bytes": len(case.photo),
        "whole": statistics.median(whole),
        "decode": statistics.median(decoding for decoding, _ in inside),
        "engine": statistics.median(engine for _, engine in inside),
        "outside": statistics.median(outside),
        "outside_p95": sorted(outside)[int(0.95 * len(outside))],
    }


def search_ms(client: Any, case: Case) -> float:
    """One round trip; the person must be found, before the few random vectors that are 80 % alike by chance."""
    taken, answer = _call_ms(client, case)
    names = [match["Face"].get("ExternalImageId") for match in answer["FaceMatches"]]
    if names[:1] != ["person"] or len(names) > MOST_BY_CHANCE:
        raise SystemExit(f"the person was not found, or not alone: {names[:MOST_BY_CHANCE]}")
    return taken


def _call_ms(client: Any, case: Case) -> tuple[float, dict[str, Any]]:
    start = time.perf_counter()
    answer = client.search_faces_by_image(CollectionId=COLLECTION, Image={"Bytes": case.photo}, **case.members)
    return 1e3 * (time.perf_counter() - start), answer


def describe_ms(client: Any) -> float:
    """One DescribeCollection: what boto3, HTTP, signatures and a look into the database cost by themselves."""
    start = time.perf_counter()
    client.describe_collection(CollectionId=COLLECTION)
    return 1e3 * (time.perf_counter() - start)


def section(found: list[dict[str, Any]], faces: int, requests: int, command: str) -> report.Section:
    """The section of the page."""
    rows = [
        (
            f"{case['name']} ({case['bytes'] / 1e6:.2f} MB)",
            f"{case['whole']:.1f}",
            f"{case['engine']:.1f}",
            f"{case['decode']:.1f}",
            f"**{case['outside']:.1f}**",
            f"{case['outside_p95']:.1f}",
            f"{case['client']:.1f}",
        )
        for case in found
    ]
    head = (
        "JPEG",
        "round trip, ms",
        "engine, ms",
        "of it decoding, ms",
        "outside the engine, ms",
        "95th percentile, ms",
        "boto3 alone, ms",
    )
    text = report.table(head, rows)
    text += (
        f"\n\nMedians of {requests} requests one after the other, client and server on the same machine, collection of "
        f"{faces:,} faces. Target outside the engine: {TARGET_MS:.0f} ms at the median. It includes boto3 itself "
        "(base64, signature, parsing; the last column has what it takes where a server answers at once), HTTP on "
        "loopback, verification, the search, the database and the ledger, which writes every use to disk before it is "
        "answered. The same person is asked for each time, whose face is in memory after the first; another one's "
        "costs a look into the database, 0.1 ms. A DescribeCollection, which "
        f"computes nothing but is entered, too, takes {found[0]['describe']:.1f} ms "
        f"({found[-1]['describe']:.1f} ms without the ledger)."
    )
    return report.Section("http_search", "SearchFacesByImage over HTTP", command, text)


def main() -> int:
    """Measure, print, write; 1 when the target is missed on the smaller photo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    found = measure(options.faces, options.requests)
    report.tell(
        found,
        lambda: section(found, options.faces, options.requests, "python bench/http_search.py"),
        as_json=options.json,
    )
    return 0 if found[0]["outside"] <= TARGET_MS else 1


if __name__ == "__main__":
    sys.exit(main())

"""A handler of ten steps on one photo: what it takes beyond its networks.

In: the photos of docs/photos and the fetched networks. Out: a section of BENCHMARKS.md. The handler finds faces,
searches eight collections of a thousand seeded vectors each and enrols; every step is decided, recorded
durably and billed. What the networks take is timed around the engine's calls, in the same runs.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from report import ROOT, Section, table, write

sys.path.insert(0, str(ROOT))

from custodes.core.ids import AccountId, CollectionId
from custodes.deployment.galleries import open_gallery
from custodes.deployment.networks.computing import open_engine
from custodes.gallery.entities import CollectionKey
from custodes.settings import Settings
from tests.fakes.live import REGION, LiveServer, running
from tests.fakes.vectors import new_face, units
from tests.streams.kept import credentials, post

COMMAND = ".venv/bin/python bench/handlers.py"
PHOTO = ROOT / "docs" / "photos" / "ann.jpg"
LISTS, FACES, RUNS, WARM = 8, 1000, 30, 3


class TimedEngine:
    """The engine, and how long its calls took."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._engine, name)
        if name not in ("detect", "describe", "embed", "inspect"):
            return found

        def timed(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return found(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - started

        return timed


class Client:
    """A client that keeps its connection, as SDKs do."""

    def __init__(self, server: LiveServer) -> None:
        self._url = server.url + "/custodes/v1/handlers/run"
        self._signing = SigV4Auth(credentials(server), "rekognition", REGION)
        self._session = URLLib3Session()

    def run(self, **members: Any) -> dict[str, Any]:
        """RunHandler's answer."""
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "CustodesService.RunHandler"}
        request = AWSRequest("POST", self._url, headers=headers, data=orjson.dumps(members))
        self._signing.add_auth(request)
        found: dict[str, Any] = orjson.loads(self._session.send(request.prepare()).content)
        return found


def document(lists: int, **parts: Any) -> dict[str, Any]:
    """Detection, ``lists`` searches, an enrolment, and what ``parts`` say."""
    return {
        "purpose": "access-control",
        "detect": {"max_faces": 1},
        "match": [{"name": f"list-{n}", "collection": f"list-{n}", "threshold": 90} for n in range(lists)],
        "store": {"enrol": {"collection": "seen"}},
        **parts,
    }


DOCUMENTS = {
    "detect, 8 lists, enrol": document(LISTS),
    "detect with all attributes, portrait checks, 7 lists, enrol": document(
        LISTS - 1, detect={"max_faces": 1, "attributes": ["ALL"]}, gates={"portrait": ["sharpness_pct"]}
    ),
}


def main() -> None:
    """Measure and write."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, open_engine(Settings(data=Path(folder), threads=1)) as real:
        engine, data = TimedEngine(real), Path(folder) / "data"
        _fill(data, engine)
        with running(data, engine=engine) as server:
            for name, found in DOCUMENTS.items():
                post(server, "PutHandler", "/custodes/v1/handlers", Name="ten", Document=json.dumps(found))
                rows.append((name, *_measured(server, engine, len(rows))))
    head = ("ten steps", "whole request", "networks", "beyond them")
    text = (
        f"Median of {RUNS} runs over one HTTP connection, networks on one thread; the first {WARM} are left out. "
        f"Each run enrols. Load of the machine of two cores at the end: {os.getloadavg()[0]:.0f}.\n\n"
    )
    write(Section("handlers", "A handler of ten steps", COMMAND, text + table(head, rows)))


def _measured(server: LiveServer, engine: TimedEngine, which: int) -> tuple[str, str, str]:
    """Medians of the whole, of the networks, and the share beyond them."""
    totals, networks, photo, client = [], [], PHOTO.read_bytes(), Client(server)
    for number in range(RUNS + WARM):
        # What stands behind the end of a JPEG makes it another picture, whose face is enrolled anew.
        image = {"Bytes": base64.b64encode(photo + bytes((which, number))).decode()}
        engine.seconds, started = 0.0, time.perf_counter()
        answer = client.run(Name="ten", Image=image)
        totals.append(time.perf_counter() - started)
        networks.append(engine.seconds)
    if len(answer["Steps"]) != LISTS + 2:
        raise SystemExit(f"{len(answer['Steps'])} steps")
    whole, inside = median(totals[WARM:]), median(networks[WARM:])
    return f"{1000 * whole:.1f} ms", f"{1000 * inside:.1f} ms", f"{100 * (whole / inside - 1):.1f} %"


def _fill(data: Path, engine: Any) -> None:
    """Seeded strangers in every list."""
    names = [f"list-{number}" for number in range(LISTS)]
    with running(data, engine=engine) as server:
        account = AccountId(server.deployment.keys.account_id)
        for name in (*names, "seen"):
            server.client().create_collection(CollectionId=name)
    with open_gallery(Settings(data=data)) as gallery:
        for number, name in enumerate(names):
            faces = [new_face(vector) for vector in units(number, FACES, engine.dimension)]
            gallery.add_faces(CollectionKey(account, CollectionId(name)), faces)


if __name__ == "__main__":
    main()

"""The console over a million faces: time to the first byte of its pages, and what a page weighs.

In: nothing; it makes a server with one collection of FACES faces and PEOPLE people, filled by SQL with sealed rows that
nobody opens. Out: the section ``console`` of BENCHMARKS.md.
"""

from __future__ import annotations

import gzip
import http.client
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, urlencode

sys.path.insert(0, str(Path(__file__).parent))

from custodes.console.routes import PAGES, PageRoute
from report import Section, table, write
from serving import Served, serving

FACES, PEOPLE = 1_000_000, 100_000
TIMES = 30
_COLLECTION = "million"
_FILL_FACES = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO faces (account_id, collection_row, face_id, image_id, external_image_id, "left", top, width, height,
  confidence_pct, model_version, wrapped_key, sealed, enrolled_ts_ms)
SELECT c.account_id, c."row", printf('%08x-0000-4000-8000-%012x', i, i), printf('%08x-0000-5000-8000-%012x', i, i),
  printf('person-%d', i), 0.1, 0.1, 0.2, 0.2, 99.5, c.model_version, zeroblob(60), zeroblob(540), 1700000000000 + i
FROM n, collections c WHERE c.collection_id = ?
"""
_FILL_PEOPLE = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO users (account_id, collection_row, user_id, face_count, revision)
SELECT c.account_id, c."row", printf('person-%d', i), 0, 0 FROM n, collections c WHERE c.collection_id = ?
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with serving(data) as served:
            served.client().create_collection(CollectionId=_COLLECTION)
        begun = time.perf_counter()
        _fill(data)
        print(f"filled in {time.perf_counter() - begun:.0f} s")
        with serving(data) as served:
            rows = _measure(served)
    text = table(("page", "median, ms", "slowest of 30, ms", "HTML, kB"), rows)
    assets = _assets_kb()
    text += (
        f"\n\nTime to the first byte over loopback, on a kept connection, signed in as the operator, {FACES:,} faces "
        f"and {PEOPLE:,} people in one collection; each page is itself recorded in the ledger. Scripts and styles of "
        f"all pages, as they are sent: {assets:.0f} kB, of the verifier for receipts 10 kB, kept by the browser."
    )
    write(Section("console", "Console", ".venv/bin/python bench/console.py", text))
    print(text)


def _fill(data: Path) -> None:
    with sqlite3.connect(next(data.glob("*.sqlite3"))) as database:
        database.execute(_FILL_FACES, (FACES, _COLLECTION))
        database.execute(_FILL_PEOPLE, (PEOPLE, _COLLECTION))
        database.execute("UPDATE collections SET face_count = ?, user_count = ?", (FACES, PEOPLE))
    database.close()


def _measure(served: Served) -> list[tuple[object, ...]]:
    token = _far(served)
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    cookie = _signed_in(connection, served)
    face = f"{FACES // 2:08x}-0000-4000-8000-{FACES // 2:012x}"
    paths = {
        "home": "/",
        "home: health": "/health",
        "home: uses of today": "/uses",
        "faces, first page": f"/collections/{_COLLECTION}",
        "faces, in the middle": f"/collections/{_COLLECTION}?after={quote(token, safe='')}",
        "one face": f"/collections/{_COLLECTION}/faces/{face}",
        "add photos": f"/collections/{_COLLECTION}/add",
        "settings of the collection": f"/collections/{_COLLECTION}/settings",
        "people": f"/collections/{_COLLECTION}/people",
        "compare": "/try/compare",
        "search": "/try/search",
        **{page.path.strip("/"): page.path for page in PAGES if _is_plain(page)},
    }
    rows: list[tuple[object, ...]] = []
    for name, path in paths.items():
        times, size = [], 0
        for _ in range(TIMES):
            begun = time.perf_counter()
            connection.request("GET", f"/console{path}", headers={"cookie": cookie})
            answer = connection.getresponse()
            times.append((time.perf_counter() - begun) * 1000)
            size = len(answer.read())
            assert answer.status == 200, (path, answer.status)
        times.sort()
        rows.append((name, f"{times[TIMES // 2]:.1f}", f"{times[-1]:.1f}", f"{size / 1000:.1f}"))
    return rows


def _is_plain(page: PageRoute) -> bool:
    """Whether it is a page of the menu, or one that needs no more than its address."""
    parts_of_home, leads_elsewhere = ("/", "/health", "/uses"), ("/find-job", "/erasures", "/policy/explain")
    return page.method == "GET" and "{" not in page.path and page.path not in (*parts_of_home, *leads_elsewhere)


def _far(served: Served) -> str:
    """A token from the middle of the faces."""
    client, token = served.client(), None
    for _ in range(FACES // 2 // 4096):
        answer = client.list_faces(
            CollectionId=_COLLECTION, MaxResults=4096, **({} if token is None else {"NextToken": token})
        )
        token = answer["NextToken"]
    assert token is not None
    return str(token)


def _signed_in(connection: http.client.HTTPConnection, served: Served) -> str:
    """The cookie of a session of the operator, by a link."""
    from custodes.cli.client.administration import ask

    link = str(ask(served.data, "console link")["path"]).partition("link=")[2]
    headers = {"content-type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/console/enter", urlencode({"link": link}), headers)
    answer = connection.getresponse()
    answer.read()
    return str(answer.getheader("set-cookie")).partition(";")[0]


def _assets_kb() -> float:
    static = Path(__file__).parents[1] / "src/custodes/console/static"
    return sum(len(gzip.compress(path.read_bytes())) for path in static.iterdir()) / 1000


if __name__ == "__main__":
    main()

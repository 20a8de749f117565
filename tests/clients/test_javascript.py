"""The AWS SDK for JavaScript v3 against a live server: in Node, and in Chromium from a page of another origin."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.engine import Square, picture

SUITES = Path(__file__).parent / "suites"
MODULES = Path(__file__).parents[2] / "build" / "node_modules"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
CALLS = 26
"""Operations that the suite calls and that have to answer."""
ANN, PAIR = picture(Square(1)), picture(Square(1, side=80), Square(2, left=200))

pytestmark = pytest.mark.npm


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None or not (MODULES / "@aws-sdk/client-rekognition").is_dir():
        pytest.skip("needs Node.js and @aws-sdk/client-rekognition: scripts/install-test-tools.sh")
    return found


def test_in_node(live_server: Any, node: str, tmp_path: Path) -> None:
    photos = [tmp_path / "ann.png", tmp_path / "pair.png"]
    for path, content in zip(photos, (ANN, PAIR), strict=True):
        path.write_bytes(content)
    done = subprocess.run(
        [node, str(SUITES / "node.mjs"), live_server.url, "eu-central-1", *map(str, photos)],
        env={**live_server.environment(), "NODE_MODULES": str(MODULES)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout))


def test_in_a_browser_from_another_origin(live_server: Any, node: str, page: Any) -> None:
    key = live_server.deployment.keys.key
    credentials = {"accessKeyId": key.access_key_id, "secretAccessKey": key.secret}
    arguments = [live_server.url, "eu-central-1", credentials, list(ANN), list(PAIR)]
    check(page.evaluate("given => runSuite(...given)", arguments))


def check(done: dict[str, int]) -> None:
    assert set(done.values()) == {200} and len(done) == CALLS, done


@pytest.fixture
def page(node: str, tmp_path: Path) -> Iterator[Any]:
    """An empty page of an origin of its own, with the suite and the SDK bundled in."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists() or not (MODULES / "esbuild").is_dir():
        pytest.skip("needs Chromium and esbuild: scripts/install-test-tools.sh")
    bundle = tmp_path / "bundle.js"
    subprocess.run(
        [node, str(MODULES / "esbuild/bin/esbuild"), str(SUITES / "browser.mjs"), "--bundle", f"--outfile={bundle}"],
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(MODULES)}, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    (tmp_path / "index.html").write_text("<!doctype html><title>a page</title>")
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with playwright.sync_playwright() as started:
            browser = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
            opened = browser.new_page()
            opened.goto(f"http://127.0.0.1:{server.server_port}/index.html")
            opened.add_script_tag(path=str(bundle))
            yield opened
            browser.close()
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

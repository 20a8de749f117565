"""A stored video: a job started on a page, its time line, the reader's own copy beside it, all results to keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.blobs import Blob, BlobEngine, scene
from tests.fakes.browser import Watched, axe_core, axe_problems, sign_in
from tests.fakes.clips import write_clip
from tests.fakes.live import running


def _seen(page: Any, scheme: str) -> list[tuple[str, str, str]]:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    return axe_problems(page, axe_core(), f"a job, {scheme}", None)


@pytest.mark.npm
def test_a_video_is_looked_at(chromium: Any, tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    write_clip(films / "a.mp4", 100, lambda n: scene(Blob("ann", 10 + n)))
    # The reader's own copy, in a form that every Chromium plays.
    own_copy = write_clip(tmp_path / "copy.webm", 20, lambda n: scene(Blob("ann", 10 + 5 * n)), 5.0, "VP80")
    with running(tmp_path / "data", {"buckets": {"films": films}, "video_part_s": 1}, engine=BlobEngine()) as server:
        context = chromium.new_context(accept_downloads=True)
        watched = Watched(context.new_page(), server.url)
        watched.watch()
        page = watched.page
        sign_in(watched, server)
        page.get_by_role("link", name="Video", exact=True).click()
        page.select_option("form.card:has(input[name=bucket]) select[name=kind]", "faces")
        page.fill("input[name=bucket]", "films")
        page.fill("input[name=key]", "a.mp4")
        page.get_by_role("button", name="Look at a video").click()
        page.get_by_text("SUCCEEDED").wait_for(timeout=30_000)  # nobody loads the page again
        assert page.locator(".timeline rect").count() > 3
        page.set_input_files("[data-timeline] input", own_copy)
        assert page.locator("video").count() == 1
        page.locator("th canvas").first.wait_for()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download all results").click()
        assert len(json.loads(Path(download.value.path()).read_text())["Faces"]) > 3
        for width, height in ((1280, 900), (360, 780), (3840, 2160)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert [one for scheme in ("light", "dark") for one in _seen(page, scheme)] == []
        page.set_viewport_size({"width": 1280, "height": 900})
        page.get_by_role("link", name="Video", exact=True).click()
        page.locator("tbody a").first.click()
        page.locator(".timeline").wait_for()
        context.close()
        assert watched.wrong == []


def test_shots_are_kept_as_a_cut_list(chromium: Any, tmp_path: Path) -> None:
    """Two shots of a second each; an editor finds every frame where the film has it."""
    films = tmp_path / "films"
    films.mkdir()
    write_clip(films / "a.mp4", 50, lambda n: scene(Blob("ann", 10, 20, 180) if n < 25 else Blob("bob", 130, 20, 180)))
    with running(tmp_path / "data", {"buckets": {"films": films}}, engine=BlobEngine()) as server:
        context = chromium.new_context(accept_downloads=True)
        watched = Watched(context.new_page(), server.url)
        page = watched.page
        sign_in(watched, server)
        watched.go("/jobs")
        page.select_option("form.card:has(input[name=bucket]) select[name=kind]", "segments")
        page.fill("input[name=bucket]", "films")
        page.fill("input[name=key]", "a.mp4")
        page.get_by_role("button", name="Look at a video").click()
        page.get_by_text("SUCCEEDED").wait_for(timeout=30_000)  # nobody loads the page again
        with page.expect_download() as download:
            page.get_by_role("link", name="EDL").click()
        text = Path(download.value.path()).read_text()
        context.close()
    assert text.splitlines()[1] == "FCM: NON-DROP FRAME"
    assert [line for line in text.splitlines() if " V " in line] == [
        "001  AX       V     C        00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00",
        "002  AX       V     C        00:00:01:00 00:00:02:00 00:00:01:00 00:00:02:00",
    ]

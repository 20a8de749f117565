"""A newcomer with the real networks: from signing in to a match whose receipt is verified, in clicks and seconds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.browser import Watched, sign_in
from tests.fakes.live import running

PHOTOS = Path(__file__).parents[2] / "docs/photos"
MAX_CLICKS, MAX_S = 5, 60.0


@pytest.mark.models
def test_from_sign_in_to_a_verified_match_of_two_real_photos(chromium: Any, model_pack: Path, tmp_path: Path) -> None:
    with running(tmp_path / "data", {"models": model_pack}) as server:
        context = chromium.new_context(locale="en-GB")
        watched = Watched(context.new_page(), server.url)
        watched.watch()
        page = watched.page
        sign_in(watched, server)
        started, clicks = time.monotonic(), 0
        page.get_by_role("link", name="Compare two photos").click()
        clicks += 1
        page.set_input_files("input[name=source]", PHOTOS / "ann.jpg")
        page.set_input_files("input[name=target]", PHOTOS / "unknown.jpg")
        page.get_by_role("button", name="Compare").click()
        clicks += 3  # and one for each photo
        page.wait_for_selector("#result [data-receipt][data-state=good]", timeout=MAX_S * 1000)
        assert clicks <= MAX_CLICKS and time.monotonic() - started < MAX_S
        similarity = float(page.inner_text(".figure .value").split()[0])
        assert similarity >= 95
        context.close()
        assert watched.wrong == []

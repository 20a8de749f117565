"""docs/stories/shell-company.md is run as it stands, against a live server; its picture is what the server draws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.story import run_page

pytestmark = pytest.mark.slow

STORIES = Path(__file__).parents[2] / "docs" / "stories"


def test_the_story_of_a_shell_company(live_server: Any, tmp_path: Path) -> None:
    assert live_server.data == tmp_path / "data"
    blocks, wrong = run_page(STORIES / "shell-company.md", tmp_path, live_server.environment())
    assert not wrong, "\n".join(wrong)
    assert blocks == 7
    assert (tmp_path / "tulpenveld.svg").read_text("utf-8") == (STORIES / "shell-company.svg").read_text("utf-8")
    kept = [path.stat().st_mode & 0o777 for path in (live_server.data / "screening" / "reports").iterdir()]
    assert set(kept) == {0o600}
    assert json.loads((tmp_path / "shown.json").read_bytes())["verdict"] == "review"

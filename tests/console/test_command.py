"""``custodes console``: a link of the server that runs, or a sentence that says what to start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from typer.testing import CliRunner

from custodes.cli.main import app


def test_it_prints_a_link_that_leads_to_the_button(custodes: Any, live_server: Any) -> None:
    answer = custodes("console", "--json")
    assert answer.returncode == 0, answer.stderr
    link = json.loads(answer.stdout)["url"]
    assert link.startswith(f"{live_server.url}/console/enter?link=")
    with urlopen(link, timeout=10) as page:
        assert "Continue as the operator" in page.read().decode()


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["console", "--data", str(tmp_path)])
    assert answer.exit_code == 1
    assert "custodes serve" in str(answer.exception)

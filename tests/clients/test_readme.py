"""The README's five minutes, run as they stand there against a live server."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.engine import Square, picture

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with the README's two photos."""
    folder = tmp_path / "desk"
    photos = folder / "docs" / "photos"
    photos.mkdir(parents=True)
    # PNG bytes: the name of a file does not count.
    (photos / "ann.jpg").write_bytes(picture(Square(1)))
    (photos / "unknown.jpg").write_bytes(picture(Square(1, angle_deg=4)))
    return folder


def test_boto3_part(live_server: Any, desk: Path) -> None:
    script = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert script is not None
    answer = subprocess.run(
        [sys.executable, "-c", script[1]],
        cwd=desk,
        env=live_server.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert re.fullmatch(r"ann 9\d\.\d+\n", answer.stdout)


def test_shell_part(live_server: Any, desk: Path) -> None:
    lines = re.search(r"With the AWS CLI:\n\n((?:    .*\n)+)", README)
    assert lines is not None
    environment = live_server.environment()
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    answer = subprocess.run(
        ["sh", "-ec", lines[1]], cwd=desk, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count('"ExternalImageId": "ann"') == 2

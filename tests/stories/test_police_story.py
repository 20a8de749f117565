"""docs/stories/police.md is run as it stands: its commands against a live server, its answers against what came."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.engine import Square, picture

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "stories" / "police.md"
MARK = "@@ end of a block @@"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fits(expected: str, found: str) -> bool:
    """Whether an answer is as printed on the page, where ``...`` stands for anything."""
    pattern = re.escape(expected.strip()).replace(re.escape("..."), ".*?")
    return re.fullmatch(pattern, found.strip(), re.DOTALL) is not None


def test_the_story_of_a_moratorium(live_server: Any, tmp_path: Path) -> None:
    (tmp_path / "unknown.jpg").write_bytes(picture(Square(1)))
    assert live_server.data == tmp_path / "data"
    environment = {**live_server.environment(), "COLUMNS": "200"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    scripts = [(text, after) for (kind, text), (_, after) in pairwise(blocks) if kind == "sh"]
    assert len(scripts) == 7
    # One shell for the whole page, as the reader has it.
    whole = "".join(f"{script}\nprintf '{MARK}'\n" for script, _ in scripts)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", whole],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    answers = done.stdout.split(MARK)
    wrong = [
        f"{script}\nprinted:\n{found}\nexpected:\n{expected}"
        for (script, expected), found in zip(scripts, answers, strict=False)
        if not fits(expected, found)
    ]
    assert not wrong, "\n".join([*wrong, done.stderr])
    assert done.returncode == 0, done.stderr
    assert len(answers) == len(scripts) + 1 and not answers[-1]

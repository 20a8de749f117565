"""Pages whose commands are run as they stand: one shell for the whole page, each block's output beside the next block.

In: a page, where to run it. Out: what does not fit. ``...`` in an expected answer stands for anything.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

_MARK = "@@ end of a block @@"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fits(expected: str, found: str) -> bool:
    pattern = re.escape(expected.strip()).replace(re.escape("..."), ".*?")
    return re.fullmatch(pattern, found.strip(), re.DOTALL) is not None


def run_page(page: Path, folder: Path, environment: Mapping[str, str]) -> tuple[int, list[str]]:
    """How many blocks the page has, and for each that printed something else what it should and did print."""
    scripts = [
        (text, after) for (kind, text), (_, after) in pairwise(_BLOCK.findall(page.read_text("utf-8"))) if kind == "sh"
    ]
    whole = "".join(f"{script}\nprintf '{_MARK}'\n" for script, _ in scripts)
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", whole],
        cwd=folder, env={**environment, "PATH": path, "COLUMNS": "200"}, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    answers = done.stdout.split(_MARK)
    wrong = [
        f"{script}\nprinted:\n{found}\nexpected:\n{expected}"
        for (script, expected), found in zip(scripts, answers, strict=False)
        if not fits(expected, found)
    ]
    if done.returncode or len(answers) != len(scripts) + 1 or answers[-1]:
        wrong.append(f"status {done.returncode}, {len(answers) - 1} of {len(scripts)} blocks\n{done.stderr}")
    return len(scripts), wrong

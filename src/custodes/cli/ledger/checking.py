"""The command that checks a file of evidence, as it can be typed. In: the file and its data directory. Out: text."""

from __future__ import annotations

import shlex
from pathlib import Path


def checking(file: Path, data: Path) -> str:
    """A command that checks ``file`` against the trust policy of ``data``."""
    return shlex.join(["custodes", "statement", "verify", str(file), "--trust", str(data / "trust.policy")])

"""Runs every benchmark in turn, each in its own process, so that none inherits another's threads or memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_NOT_SUBJECTS = {
    "all",
    "average_precision",
    "coco_scenes",
    "attacks",
    "compare",
    "drawn_light",
    "face_features",
    "history",
    "look_alike_pairs",
    "report",
    "scenes",
    "screening_cases",
    "screening_names",
    "serving",
}


def main() -> int:
    """Run all subjects; the exit status counts those that failed."""
    failed = 0
    for script in sorted(Path(__file__).parent.glob("*.py")):
        if script.stem not in _NOT_SUBJECTS:
            print(f"== {script.stem}", flush=True)
            failed += subprocess.run([sys.executable, str(script)], check=False).returncode != 0
    history = Path(__file__).with_name("history.py")
    return failed + (subprocess.run([sys.executable, str(history)], check=False).returncode != 0)


if __name__ == "__main__":
    sys.exit(main())

"""kill -9 at random moments of a video job, as often as asked, by the test that does so a few times.

Run: ``.venv/bin/python bench/video_kills.py [--kills N]``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

import report

TEST = "tests/video/test_killed_jobs.py"


def main() -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    environment = os.environ | {"CUSTODES_TEST_KILLS": str(options.kills)}
    start = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-s", "--timeout", "3600", TEST]
    done = subprocess.run(command, cwd=report.ROOT, env=environment, check=False, stdout=subprocess.PIPE, text=True)
    told = [line for line in done.stdout.splitlines() if line.startswith("killed ")]
    if done.returncode != 0 or not told:
        print(done.stdout[-2000:])
        return 1
    text = (
        f"A person tracking of 20 parts, {told[-1]}, each time at a random moment of its first 0.4 seconds, and after "
        "ten kills, or where it came to its end, left to end. In every directory results are those of an undisturbed "
        "run, the charged minutes are those of the film, and `custodes ledger audit` finds nothing. "
        f"{time.monotonic() - start:.0f} s."
    )
    made = report.Section(
        "video_kills", "Stored video under kill -9", f"python bench/video_kills.py --kills {options.kills}", text
    )
    print(made.text)
    report.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())

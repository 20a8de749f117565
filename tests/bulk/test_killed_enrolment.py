"""kill -9 at random moments of a bulk enrolment: every face once, every picture charged once, the audit clean.

``CUSTODES_TEST_KILLS=50`` kills as often as BENCHMARKS.md says.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from custodes.core.clock import SystemClock
from custodes.deployment.record.ledger import started
from custodes.storage.ledger.open import LedgerPaths
from tests.fakes.engine import Square, picture
from tests.fakes.killed import charges, kills, last_words

KILLS = int(os.environ.get("CUSTODES_TEST_KILLS", "3"))
SCRIPT = Path(__file__).parents[1] / "fakes" / "bulk_server.py"
PICTURES, A_PART, EMPTY = 64 * 9 + 10, 64, 7


def test_a_killed_enrolment_ends_as_an_undisturbed_one_does(tmp_path: Path) -> None:
    folder, chance = tmp_path / "pictures", random.Random(17)
    moments = (chance.uniform(0.0, 1.5) for _ in itertools.count())
    folder.mkdir()
    drawn = [picture(Square(1 + n % 8, left=10 + n)) for n in range(60)]
    for number in range(PICTURES - EMPTY):
        (folder / f"{number:04}.png").write_bytes(drawn[number % 60])
    for number in range(EMPTY):
        (folder / f"none-{number}.png").write_bytes(picture())
    killed = 0
    for number in range(KILLS):
        data = tmp_path / f"data{number}"
        killed += kills(SCRIPT, data, folder, moments, min(10, KILLS - killed))
        told = last_words(SCRIPT, data, folder, None)
        assert told["status"] == "SUCCEEDED"
        assert (told["summary"]["Pictures"], told["summary"]["LeftOut"]) == (PICTURES, EMPTY)
        assert told["names"] == [f"{n:04}" for n in range(PICTURES - EMPTY)]
        name = LedgerPaths(data).verifier.read_text(encoding="utf-8").partition("+")[0]
        with started(data, name, None, SystemClock()) as log:
            paid = charges(log, told["job"])
        assert dict(paid) == {part: min(A_PART, PICTURES - part * A_PART) for part in range(-(-PICTURES // A_PART))}
        audit = [sys.executable, "-m", "custodes", "ledger", "audit", "--data", str(data)]
        assert subprocess.run(audit, capture_output=True, check=False).returncode == 0
        if killed == KILLS:
            print(f"killed {killed} times in {number + 1} data directories")
            return
    pytest.fail("it was hardly ever killed before its end: the test showed nothing")

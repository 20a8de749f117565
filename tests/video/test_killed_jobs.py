"""kill -9 at random moments of a job: the results are those of an undisturbed run, and no part is charged twice.

``CUSTODES_TEST_KILLS=50`` kills as often as BENCHMARKS.md says.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from custodes.core.clock import SystemClock
from custodes.deployment.record.ledger import started
from custodes.storage.ledger.open import LedgerPaths
from tests.fakes.blobs import Blob, scene
from tests.fakes.clips import write_clip
from tests.fakes.killed import charges, kills, last_words

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("CUSTODES_TEST_KILLS", "3"))
SCRIPT = Path(__file__).parents[1] / "fakes" / "film_server.py"
FRAMES, MINUTES, PARTS = 200, 4, 20


def walk(n: int) -> np.ndarray:
    return scene(Blob("ann", 10 + n), *([Blob("bob", 250, 150)] if n % 80 < 40 else []))


def test_killed_jobs_end_as_undisturbed_ones_do(tmp_path: Path) -> None:
    films, chance = tmp_path / "films", random.Random(15)
    moments = (chance.uniform(0.0, 0.4) for _ in itertools.count())
    films.mkdir()
    write_clip(films / "a.mp4", FRAMES, walk, fps=1.0)
    calm = last_words(SCRIPT, tmp_path / "calm", films, None)
    assert calm["status"] == "SUCCEEDED"
    killed = 0
    for number in range(KILLS):
        data = tmp_path / f"data{number}"
        killed += kills(SCRIPT, data, films, moments, min(10, KILLS - killed))
        told = last_words(SCRIPT, data, films, None)
        assert (told["status"], told["persons"]) == ("SUCCEEDED", calm["persons"])
        name = LedgerPaths(data).verifier.read_text(encoding="utf-8").partition("+")[0]
        with started(data, name, None, SystemClock()) as log:
            paid = charges(log, told["job"])
        assert set(paid) == set(range(PARTS)) and sum(paid.values()) == MINUTES
        audit = [sys.executable, "-m", "custodes", "ledger", "audit", "--data", str(data)]
        assert subprocess.run(audit, capture_output=True, check=False).returncode == 0
        if killed == KILLS:
            print(f"killed {killed} times in {number + 1} data directories")
            return
    pytest.fail("it was hardly ever killed before its end: the test showed nothing")

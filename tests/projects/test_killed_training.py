"""kill -9 at random moments of a training: the model is that of an undisturbed one, and no picture is charged twice.

``CUSTODES_TEST_KILLS=50`` kills more often.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from custodes.core.clock import SystemClock
from custodes.deployment.record.ledger import started
from custodes.ledger.tlog.entry import decode
from custodes.ledger.writer.log import LedgerLog
from custodes.storage.ledger.open import LedgerPaths
from tests.fakes.custom import plain
from tests.fakes.killed import kills, last_words
from tests.fakes.studio import PICTURES, RESULTS, image_line

KILLS = int(os.environ.get("CUSTODES_TEST_KILLS", "2"))
SCRIPT = Path(__file__).parents[1] / "fakes" / "training_server.py"
COUNT = 30
"""Of each of two colours: 48 pictures to train on, 12 to test on."""


def charges(log: LedgerLog) -> tuple[Counter[int], int]:
    """Pictures that were charged, by part of the training, and the highest number of a part."""
    found: Counter[int] = Counter()
    for index in range(log.published.size):
        entry = decode(log.tree().entry(index))
        body = log.body(index) if entry.kind == "use" else None
        facts = {} if body is None else json.loads(body)
        if "job" in facts and "part" in facts:
            found[facts["part"]] += entry.units or 0
    return found, max(found)


def charged_pictures(data: Path) -> int:
    """All of them, once every part is on record."""
    name = LedgerPaths(data).verifier.read_text(encoding="utf-8").partition("+")[0]
    with started(data, name, None, SystemClock()) as log:
        paid, last = charges(log)
    assert set(paid) == set(range(1, last + 1)), "every part is on record"
    return sum(paid.values())


def test_a_killed_training_ends_as_an_undisturbed_one_does(tmp_path: Path) -> None:
    folder, chance = tmp_path / "buckets", random.Random(19)
    for name in (PICTURES, RESULTS):
        (folder / name).mkdir(parents=True)
    lines = []
    for colour in ("red", "blue"):
        for number in range(COUNT):
            name = f"{colour}-{number}.png"
            (folder / PICTURES / name).write_bytes(plain(colour, number))
            lines.append(json.dumps(image_line(f"s3://{PICTURES}/{name}", colour)))
    (folder / PICTURES / "all.manifest").write_text("\n".join(lines))
    calm = last_words(SCRIPT, tmp_path / "calm", folder, None)
    assert calm["status"] == "TRAINING_COMPLETED", calm
    assert charged_pictures(tmp_path / "calm") == 2 * COUNT
    moments, killed = (chance.uniform(0.0, 0.5) for _ in itertools.count()), 0
    for number in range(KILLS):
        data = tmp_path / f"data{number}"
        killed += kills(SCRIPT, data, folder, moments, min(5, KILLS - killed))
        told = last_words(SCRIPT, data, folder, None)
        assert told == calm, "the same model, to the last digit of what it says"
        assert charged_pictures(data) == 2 * COUNT
        audit = [sys.executable, "-m", "custodes", "ledger", "audit", "--data", str(data)]
        assert subprocess.run(audit, capture_output=True, check=False).returncode == 0
        if killed == KILLS:
            return
    pytest.fail("it was hardly ever killed before its end: the test showed nothing")

"""kill -9 at random moments of a training: the model is that of an undisturbed one, and no picture is charged twice.

``CUSTODES_TEST_KILLS=50`` kills more often.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from custodes.core.clock import SystemClock
from custodes.deployment.record.ledger import started
from custodes.ledger.tlog.entry import decode
from custodes.ledger.writer.log import LedgerLog
from custodes.storage.ledger.open import LedgerPaths
from fakes.custom import plain
from fakes.killed import last_words
from fakes.studio import PICTURES, RESULTS, image_line

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
    killed, data = 0, tmp_path / "data"
    for _ in range(KILLS):
        killed += last_words(SCRIPT, data, folder, chance.uniform(0.0, 0.7)) is None
    assert killed >= KILLS / 2, "it was hardly ever killed: the test showed nothing"
    told = last_words(SCRIPT, data, folder, None)
    assert told == calm, "the same model, to the last digit of what it says"
    totals = []
    for place in (tmp_path / "calm", data):
        name = LedgerPaths(place).verifier.read_text(encoding="utf-8").partition("+")[0]
        with started(place, name, None, SystemClock()) as log:
            paid, last = charges(log)
        assert set(paid) == set(range(1, last + 1)), "every part is on record"
        totals.append(sum(paid.values()))
    assert totals == [totals[0]] * 2 and totals[0] == 2 * COUNT
    audit = [sys.executable, "-m", "custodes", "ledger", "audit", "--data", str(data)]
    assert subprocess.run(audit, capture_output=True, check=False).returncode == 0

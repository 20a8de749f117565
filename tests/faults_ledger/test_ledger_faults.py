"""Each step of append and recovery: it fails, it fails after having persisted, the process is killed before or after.

After each, the log starts, the audit is clean, nothing acknowledged is lost, and every checkpoint that was handed out
is of the tree that there is now. ``CUSTODES_TEST_KILLS`` sets the number of random kills (300 for a full run).
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from custodes.core.clock import SystemClock
from custodes.ledger.tlog.checkpoint import open_checkpoint
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.tree.growth import range_root
from custodes.ledger.tree.tiles import Tree
from custodes.ledger.writer.audit import AuditReport, BodySource, audit
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.ledger.writer.log import LedgerLog
from custodes.storage.ledger.anchor import FileAnchor
from custodes.storage.ledger.open import LedgerOptions, LedgerPaths, ledger_key, open_ledger, read_bodies, read_tiles

VICTIM = Path(__file__).with_name("victim.py")
_SPEC = importlib.util.spec_from_file_location("ledger_victim", VICTIM)
assert _SPEC is not None
assert _SPEC.loader is not None
victim = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(victim)

STEPS = [
    ("journal.write", 5),
    ("journal.sync", 5),
    ("journal.begin", 2),
    ("journal.retire", 2),
    ("journal.segments", 1),
    ("bodies.put", 3),
    ("bodies.sync", 2),
    ("tiles.put", 6),
    ("tiles.replace", 3),
    ("tiles.sync", 2),
    ("tiles.remove_partial", 1),
    ("anchor.replace", 3),
]
# Not one of these is before the first acknowledgement, so a row that tests nothing would be seen.
ROUND_S = 0.5


def _run(data: Path, step: str, nth: int, action: str, mode: str = "load", seconds: float = ROUND_S) -> list[str]:
    command = [sys.executable, str(VICTIM), str(data), step, str(nth), action, mode, str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode not in (0, -9):
        raise AssertionError(done.stderr)
    assert (done.returncode == -9) == action.startswith("kill"), done.stderr
    return done.stdout.splitlines()


def acknowledged(lines: list[str]) -> list[tuple[int, bytes, bytes]]:
    parts = [line.split() for line in lines if line.startswith("ack ")]
    return [(int(part[1]), bytes.fromhex(part[2]), bytes.fromhex(part[3])) for part in parts if len(part) == 4]


def _audit(data: Path) -> AuditReport:
    key = ledger_key(data, victim.ORIGIN).verifier
    bodies = BodySource(read_bodies(data), load_or_create_secret(LedgerPaths(data).body_key))
    return audit(read_tiles(data), [key], bodies)


def check(data: Path, acks: list[tuple[int, bytes, bytes]]) -> AuditReport:
    """Start as always, then compare everything that was acknowledged with what is there."""
    log = open_ledger(data, victim.ORIGIN, SystemClock(), LedgerOptions(anchor=FileAnchor(data / "anchor")))
    log.start()
    log.flush()
    log.close()
    report = _audit(data)
    assert report.difference is None, report.difference
    assert report.open == 0
    assert report.checkpoint is not None
    tree = Tree(read_tiles(data), report.checkpoint.size)
    key = ledger_key(data, victim.ORIGIN).verifier
    for index, envelope, _ in acks:
        assert tree.entry(index) == envelope
    for note in {note for _, _, note in acks[:: max(1, len(acks) // 50)]}:
        seen = open_checkpoint(note, [key])
        assert range_root(0, seen.size, tree.node) == seen.root
    return report


@pytest.mark.parametrize("action", ["kill before", "kill after"])
@pytest.mark.parametrize(("step", "nth"), STEPS, ids=[step for step, _ in STEPS])
def test_a_power_cut_at_any_step_loses_nothing(tmp_path: Path, step: str, nth: int, action: str) -> None:
    before = grow(tmp_path, 300) if nth == 1 else []
    acks = before + acknowledged(_run(tmp_path, step, nth, action, seconds=20))
    victim.cut_power(tmp_path)
    check(tmp_path, acks)
    assert _superseded(tmp_path) == []


@pytest.mark.parametrize("after", [250, 256, 300, 700])
def test_a_power_cut_takes_no_tile_that_a_start_needs(tmp_path: Path, after: int) -> None:
    """Nothing is synced after a start at a partial tile; then that tile fills, and its partial files are removed."""
    acks = grow(tmp_path, 250)
    log = victim.trapped_log(tmp_path, "tiles.sync", 0, "none", segment_bytes=1 << 30)
    log.start()
    receipts = []
    while log.flush().size < after:
        receipts.append(log.append("inc", fields={"n": len(receipts)}).wait())
    # Abandoned, not closed: what is on the disk is what a power cut finds.
    image = tmp_path.with_name(f"{tmp_path.name}-cut")
    shutil.copytree(tmp_path, image, ignore=shutil.ignore_patterns("lock"))
    log.close()
    assert victim.cut_power(image) > 0 or after == 250
    check(image, acks + [(receipt.index, receipt.envelope, receipt.checkpoint) for receipt in receipts])
    assert _superseded(image) == []


def test_partial_files_go_when_their_full_one_is_there(tmp_path: Path) -> None:
    grow(tmp_path, 10)
    log = victim.trapped_log(tmp_path, "tiles.sync", 0, "none", segment_bytes=1 << 30)
    log.start()
    for number in range(600):
        log.append("inc", fields={"n": number})
        if number % 20 == 0:
            log.flush()
    log.flush()
    # What a start may have to load is kept until the full tile is durable; nothing else.
    assert _superseded(tmp_path) == ["tile/0/000.p/10", "tile/entries/000.p/10"]
    log.close()
    check(tmp_path, [])
    assert _superseded(tmp_path) == []


def _superseded(data: Path) -> list[str]:
    """Partial files whose full one is there."""
    root = LedgerPaths(data).public
    partial = [file for file in root.rglob("*.p/*") if file.parent.with_suffix("").exists()]
    return sorted(str(file.relative_to(root)) for file in partial)


@pytest.mark.parametrize("action", ["fail before", "fail after"])
@pytest.mark.parametrize(("step", "nth"), STEPS, ids=[step for step, _ in STEPS])
def test_a_failure_at_any_step_is_refused_and_recovered_from(tmp_path: Path, step: str, nth: int, action: str) -> None:
    if step == "journal.segments":
        with pytest.raises(OSError, match="injected"):
            victim.trapped_log(tmp_path, step, nth, action).start()
        check(tmp_path, [])
        return
    log = victim.trapped_log(tmp_path, step, nth, action)
    log.start()
    try:
        acks = _until_fallen_and_back(log)
    finally:
        log.close()
    check(tmp_path, acks)


def grow(data: Path, count: int) -> list[tuple[int, bytes, bytes]]:
    log = open_ledger(data, victim.ORIGIN, SystemClock(), LedgerOptions(anchor=FileAnchor(data / "anchor")))
    log.start()
    pending = [log.append("inc", fields={"n": number}) for number in range(count)]
    receipts = [one.wait() for one in pending]
    log.close()
    return [(receipt.index, receipt.envelope, receipt.checkpoint) for receipt in receipts]


def _until_fallen_and_back(log: LedgerLog) -> list[tuple[int, bytes, bytes]]:
    """Make requests until one was refused, and then until one works again."""
    acks: list[tuple[int, bytes, bytes]] = []
    refused = False
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            permission = log.append("auth", body={"n": 1}, fields={"d": "allow"})
            receipt = log.append("use", units=1, body={"text": "x" * 200}, settles=permission).wait()
        except LedgerUnavailableError:
            refused = True
            time.sleep(0.005)
            continue
        acks.append((receipt.index, receipt.envelope, receipt.checkpoint))
        if refused:
            return acks
    raise AssertionError("the fault never happened, or the log never came back")


def test_random_kills_under_load(tmp_path: Path) -> None:
    rounds = int(os.environ.get("CUSTODES_TEST_KILLS", "12"))
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    acks: list[tuple[int, bytes, bytes]] = []
    for number in range(rounds):
        command = [sys.executable, str(VICTIM), str(tmp_path), "none", "0", "none", "load", "30"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.25))
        process.kill()
        out, err = process.communicate()
        assert process.returncode == -9, err
        acks += acknowledged(out.splitlines())
        if number % 10 == 9:
            check(tmp_path, acks)
    assert acks
    report = check(tmp_path, acks)
    assert report.kinds["use"] + report.kinds.get("void", 0) == report.kinds["auth"]


def test_a_full_disk_is_survived(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(VICTIM), str(tmp_path), "none", "0", "none", "full", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "refused 21" in lines
    assert lines[-1] == "recovered"
    assert len(acknowledged(lines)) > 20
    check(tmp_path, acknowledged(lines))


def test_an_unsettled_permission_is_voided_by_the_next_start(tmp_path: Path) -> None:
    log = open_ledger(tmp_path, victim.ORIGIN, SystemClock())
    log.start()
    permission = log.append("auth", fields={"d": "allow"})
    permission.wait()
    log.close()
    again = open_ledger(tmp_path, victim.ORIGIN, SystemClock())
    again.start()
    again.flush()
    void = decode(again.tree().entry(1))
    again.close()
    assert (void.kind, void.settles) == ("void", permission.index)

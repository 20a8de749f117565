"""Runs of networks are compared with what is on record; what ran past the gate is an incident."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custodes.core.clock import FixedClock
from custodes.core.ids import AccountId, RequestId
from custodes.core.slot import Slot
from custodes.deployment.networks.computing import open_engine
from custodes.deployment.record.ledger import started
from custodes.engine.runtime.memory import Runs
from custodes.engine.runtime.meter import RunMeter
from custodes.imaging.image import decode as decode_image
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.writer.log import LedgerLog
from custodes.operations.images.detect_faces import DetectFaces
from custodes.operations.record.incidents.reconciliation import MeteredRecorder, Reconciliation
from custodes.operations.record.recorder import LedgerRecorder
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import DENIED, DONE, Allow, Deny, Intent, UseOutcome
from custodes.settings import Settings
from tests.fakes.engine import Square, picture

ACCOUNT = AccountId("111111111111")
CONTEXT = Context(Caller(ACCOUNT, "AK", f"arn:aws:iam::{ACCOUNT}:root", "eu-central-1"), RequestId("r"), 1)
INTENT = Intent(CONTEXT, "rekognition:DetectFaces", "*", {}, DetectFaces.properties)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LedgerLog]:
    (tmp_path / "data").mkdir()
    with started(tmp_path / "data", "test/reconciliation", None, FixedClock(1_795_000_000_000)) as opened:
        yield opened


def told(log: LedgerLog) -> list[tuple[str, Any, Any]]:
    log.flush()
    entries: list[Entry] = [decode(envelope) for _, envelope in log.tree().entries()]
    found = [entry for entry in entries if entry.kind in ("rec", "inc")]
    return [(entry.kind, entry.fields.get("n"), entry.fields.get("s")) for entry in found]


def test_runs_under_permissions_agree_with_the_log(log: LedgerLog) -> None:
    meter = RunMeter()
    meter.ran()  # while networks are opened
    recorder, reconciliation = MeteredRecorder(LedgerRecorder(log, "m"), meter), Reconciliation(log, meter)
    reconciliation.run()
    assert told(log) == []
    for images in (1, 2):
        slot = recorder.reserve(INTENT, Allow())
        meter.ran()
        meter.ran()
        recorder.record(slot, UseOutcome(DONE, images))
    refused = recorder.reserve(INTENT, Deny("no"))
    recorder.record(refused, UseOutcome(DENIED))
    reconciliation.run()
    assert told(log) == [("rec", 4, 3)]


def test_a_run_behind_a_closed_permission_is_an_incident(log: LedgerLog) -> None:
    meter = RunMeter()
    recorder, reconciliation = MeteredRecorder(LedgerRecorder(log, "m"), meter), Reconciliation(log, meter)
    recorder.record(recorder.reserve(INTENT, Allow()), UseOutcome(DONE, 1))
    meter.ran()
    reconciliation.run()
    assert told(log) == [("rec", 1, 1), ("inc", 1, None)]


def test_the_engine_called_past_the_gate_is_an_incident(log: LedgerLog, model_pack: Path) -> None:
    meter = RunMeter()
    with open_engine(Settings(models=model_pack, threads=1), Runs(meter.ran)) as engine:
        reconciliation = Reconciliation(log, meter)
        engine.detect(Slot(0, RequestId("nobody asked")), decode_image(picture(Square(1))), at_most=1)
        reconciliation.run()
    (kind, runs, units), (incident, unknown, _) = told(log)
    assert (kind, units, incident) == ("rec", 0, "inc") and runs == unknown > 0

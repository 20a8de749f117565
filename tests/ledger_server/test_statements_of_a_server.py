"""Commands beside a running server: statements about the last second, invoices, audit, heads for the asking."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from custodes.core.clock import SystemClock
from custodes.ledger.verifier.invoices.meter import Month
from tests.fakes.engine import Square, picture

IMAGE = {"Bytes": picture(Square(1))}


def verify(file: Path, trust: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The verifier as a stranger runs it."""
    return subprocess.run(
        [sys.executable, "-m", "custodes.ledger", "verify", str(file), "--trust", str(trust), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_use_of_a_second_ago_is_stated(live_server: Any, rekognition: Any, custodes: Any, tmp_path: Path) -> None:
    data, account = live_server.data, live_server.deployment.keys.account_id
    file = tmp_path / "statement.json"

    def state(who: str) -> subprocess.CompletedProcess[str]:
        made = custodes("statement", "create", "--data", str(data), "--account", who, "--out", str(file))
        assert made.returncode == 0, made.stderr
        assert "no new head" not in made.stderr
        return verify(file, data / "trust.policy", "--ledger", str(data / "ledger"))

    before = state(account)
    assert (before.stdout.split()[0], before.returncode) == ("ABSENT", 0), before.stdout
    rekognition.detect_faces(Image=IMAGE)
    rekognition.detect_faces(Image=IMAGE)
    after = state(account)
    assert (after.stdout.split()[0], after.returncode) == ("PRESENT", 0), after.stdout
    assert after.stdout.count("DetectFaces") >= 1
    other = state("999999999999")
    assert other.stdout.split()[0] == "ABSENT"

    file.write_bytes(file.read_bytes()[:-40] + b"0" * 40)
    assert (verify(file, data / "trust.policy").stdout.split()[0], 1) == ("INVALID", 1)
    state(account)
    assert verify(file, tmp_path / "no.policy").returncode == 2


def test_the_audit_agrees_while_the_server_runs(live_server: Any, rekognition: Any, custodes: Any) -> None:
    rekognition.detect_faces(Image=IMAGE)
    live_server.deployment.ledger.log.flush()
    answer = custodes("ledger", "audit", "--data", str(live_server.data), "--json")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert json.loads(answer.stdout)["difference"] is None


def test_the_present_month_can_be_previewed_but_not_billed(live_server: Any, rekognition: Any, custodes: Any) -> None:
    for _ in range(3):
        rekognition.detect_faces(Image=IMAGE)
    live_server.deployment.ledger.log.flush()
    month = str(Month.of(SystemClock().now_ms()))
    shown = custodes("billing", "preview", "--data", str(live_server.data), "--month", month, "--json")
    assert shown.returncode == 0, shown.stderr
    (bill,) = json.loads(shown.stdout)["bills"].values()
    assert (bill["uses"], bill["sum"]) == (3, "0.003")
    refused = custodes("billing", "run", "--data", str(live_server.data), "--month", month)
    assert refused.returncode == 1
    assert "not over yet" in refused.stderr


def test_a_past_month_is_billed_by_the_running_server(live_server: Any, custodes: Any, tmp_path: Path) -> None:
    data = str(live_server.data)
    done = custodes("billing", "run", "--data", data, "--month", "2024-02")
    assert done.returncode == 0, done.stderr
    live_server.deployment.ledger.log.flush()
    kinds = [json.loads(envelope)["k"] for _, envelope in live_server.deployment.ledger.log.tree().entries()]
    assert kinds[-2:] == ["bil", "map"], "a head behind it counts what says that the clock was wrong"


def test_what_no_server_knows_is_refused(live_server: Any) -> None:
    from custodes.cli.client.administration import ask
    from custodes.core.errors import InvalidParameterError

    with pytest.raises(InvalidParameterError, match="does not know"):
        ask(live_server.data, "sing")


def test_whatever_makes_a_file_of_evidence_is_asked_of_the_server_and_on_record(
    live_server: Any, rekognition: Any, custodes: Any, tmp_path: Path
) -> None:
    """Reading about people is an order like any other: it passes the gate, and who asked is in the log."""
    rekognition.create_collection(CollectionId="people")
    (face,) = rekognition.index_faces(CollectionId="people", Image=IMAGE)["FaceRecords"]
    rekognition.delete_faces(CollectionId="people", FaceIds=[face["Face"]["FaceId"]])
    account, month = live_server.deployment.keys.account_id, str(Month.of(SystemClock().now_ms()))
    statement = tmp_path / "statement.json"
    asked = {
        "statement create": ["--account", account, "--out", str(statement)],
        "statement moratorium": ["--out", str(tmp_path / "moratorium.json")],
        "statement stamps": [str(statement), "--out", str(tmp_path / "stamps.json")],
        "report ai-act": ["--account", account, "--out", str(tmp_path / "report")],
        "erasure certificate": [face["Face"]["FaceId"], "--out", str(tmp_path / "erasure.json")],
        "billing preview": ["--month", month],
        "billing invoices": ["--month", "2024-02", "--out", str(tmp_path / "invoices")],
        "policy explain": ["--index", "3"],
        "witness ask": [],
    }
    for command, options in asked.items():
        done = custodes(*command.split(), *options, "--data", str(live_server.data))
        assert "Traceback" not in done.stderr, done.stderr
    assert statement.is_file() and (tmp_path / "report" / "report.json").is_file()
    for name in ("statement.json", "moratorium.json", "erasure.json", "report/report.json"):
        found = verify(tmp_path / name, live_server.data / "trust.policy")
        assert found.stdout.split()[0] in ("PRESENT", "ABSENT"), (name, found.stdout)
    log, orders = live_server.deployment.ledger, []
    log.log.flush()
    for index, envelope in log.log.tree().entries():
        if json.loads(envelope)["k"] == "adm":
            orders.append(log.statements.facts_of(index))
    assert {*asked} <= {order["op"] for order in orders}
    assert {order["actor"].partition(":")[0] for order in orders} == {"os"}

"""Answering another question than the one that was asked, or asking too few witnesses."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.governance.provider.guardrails import DEFAULT_PACKS, load, shipped, shipped_schema
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.trust import CosignerKey, Witness, parse_policy
from custodes.ledger.verifier.expected import FACE_COMPARISON, weakness
from custodes.ledger.witness.trust_policy import write_policy


def verify(file: Path, trust: Path, *options: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "custodes.ledger", "verify", str(file), "--trust", str(trust), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.partition("\n")[0], done.stdout + done.stderr


@pytest.fixture
def statement(operator):
    account = operator.use(1)
    with operator.serving() as server:
        return operator.statement(server, account), operator.data / "trust.policy", account


def test_the_reader_says_who_and_when(statement):
    file, trust, account = statement
    word, text = verify(file, trust, "--expect-account", account)
    assert word == "PRESENT"
    assert text.splitlines()[2] == f"You ask: acct:{account}"
    for options in (
        ("--expect-account", "999999999999"),
        ("--expect-identifier", "lei:529900T8BM49AURSDO55"),
        ("--expect-account", account, "--from", "2026-01-01"),
        ("--expect-account", account, "--to", "2026-01-01T12:00Z"),
        ("--expect-sector", "law-enforcement"),
    ):
        word, text = verify(file, trust, *options)
        assert word == "INVALID", text
        assert "another question" in text
    word, text = verify(file, trust, "--fresh", "1d")
    assert word == "UNDETERMINED"
    assert "no witnesses" in text


def test_a_report_has_to_count_every_operation_that_compares_faces():
    policy = load(shipped(DEFAULT_PACKS), shipped_schema())
    assert set(policy.operations_in("FaceComparison")) == FACE_COMPARISON


def test_there_are_no_other_sectors():
    from custodes.governance.provider import guardrails
    from custodes.ledger.verifier import expected

    assert expected.SECTORS == guardrails.SECTORS


def test_a_sector_that_is_none_is_no_question(statement):
    file, trust, _ = statement
    assert verify(file, trust, "--expect-sector", "police")[0] == ""


@pytest.mark.parametrize(
    ("groups", "quorum", "weak"),
    [
        (["group g 2 a b c"], "g", False),
        (["group g 2 a b c d"], "g", True),
        (["group x 1 a b", "group y 1 c d", "group g 2 x y"], "g", True),
        (["group x 2 a b c", "group g all x d"], "g", False),
        (["group x 1 a b", "group g all x c"], "g", False),
        (["group x 1 a b", "group g 1 x c"], "g", True),
        (["group x 1 a b"], "x", True),
        (["group x all a b", "group y all c d", "group g any x y"], "g", True),
    ],
)
def test_two_sets_of_witnesses_with_nobody_in_common_are_never_both_enough(groups, quorum, weak):
    keys = {name: Ed25519PrivateKey.from_private_bytes(name.encode() * 32).public_key() for name in "abcd"}
    lines = [f"witness {name} {CosignerKey(f'{name}.example', key.public_bytes_raw())}" for name, key in keys.items()]
    log = VerifierKey("ledger.example/1", b"l" * 32)
    policy = parse_policy("\n".join([f"log {log}", *lines, *groups, f"quorum {quorum}", ""]).encode())
    assert (weakness(policy) is not None) is weak
    # The same, asked of every pair of sets.
    sets = [set(some) for size in range(5) for some in itertools.combinations("abcd", size) if policy.met(set(some))]
    assert any(not one & other for one in sets for other in sets) is weak


def test_the_logs_own_key_is_no_witness_and_half_of_the_witnesses_are_no_quorum(statement, tmp_path):
    file, _, _ = statement
    data = tmp_path / "data"
    log = VerifierKey.parse((data / "ledger.pub").read_text())
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([seed] * 32)).public_key() for seed in (1, 2)]
    others = [Witness(f"w{at}", CosignerKey("w.example", key.public_bytes_raw())) for at, key in enumerate(keys)]
    own = Witness("own", CosignerKey("own.example", log.public))
    for witnesses, need, reason in (([own], 1, "the key of the log itself"), (others, 1, "no majority")):
        trust = tmp_path / "bad.policy"
        trust.write_text(write_policy([str(log)], witnesses, need))
        word, text = verify(file, trust)
        assert (word, reason in text) == ("UNDETERMINED", True), text

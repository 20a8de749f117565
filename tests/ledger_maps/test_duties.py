"""The duties over a real ledger on disk: heads, witnesses, statements, bills, erasures, through the commands."""

import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from custodes.cli.ledger import billing as billing_commands
from custodes.cli.ledger import erasure as erasure_commands
from custodes.cli.ledger import statement as statement_commands
from custodes.cli.ledger import witness as witness_commands
from custodes.core.clock import FixedClock, SystemClock
from custodes.core.errors import NotFoundError
from custodes.deployment.record.statements import open_statements
from custodes.ledger.prover.erasure import ErasureRecord, erase
from custodes.ledger.prover.maps.account_map_file import MapState
from custodes.ledger.prover.maps.tree import FaceTree
from custodes.ledger.prover.maps.vrf import secret_key
from custodes.ledger.prover.maps.vrf_keys import VrfKeys
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.trust import CosignerKey, Witness, parse_policy
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.verdict import Word, verify
from custodes.ledger.witness.state_file import FolderMemory
from custodes.ledger.witness.trust_policy import write_policy
from custodes.ledger.witness.witness import WitnessKey, WitnessServer
from custodes.ledger.writer.audit import BodySource, audit
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.operations.record.evidence.body_destruction import Destruction
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.ledger.open import LedgerPaths, open_ledger, read_bodies, read_tiles

ORIGIN = "ledger.example/duties"
ANN, BEN, EVE = "100000000001", "100000000002", "100000000003"
START = 1_767_225_600_000  # 2026-01-01


class Operator:
    """A ledger on disk and everything around it."""

    def __init__(self, data, witness_folder):
        self.data = data
        self.clock = FixedClock(START)
        self.log = open_ledger(data, ORIGIN, self.clock)
        self.log.start()
        self.statements = open_statements(data)
        key = WitnessKey("witness.example/1", Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32))
        log_key = VerifierKey.parse(LedgerPaths(data).verifier.read_text())
        witness_folder.mkdir()
        self.server = WitnessServer(
            key, {ORIGIN: [log_key]}, FolderMemory(witness_folder), lambda: self.clock.now_ms() // 1000
        )
        self.witness = Witness("w", key.public, "http://witness.example")
        self.policy = data / "trust.policy"
        self.policy.write_text(write_policy([str(log_key)], [self.witness], 1))

    def use(self, account, op="DetectFaces", units=1, **more):
        self.clock.advance(60_000)
        slot = self.log.append("auth", fields={"d": "allow"})
        return self.log.append("use", units=units, body={"acct": account, "op": op, **more}, settles=slot).wait().index

    def close_head(self):
        head = self.statements.close_head(self.log)
        asked = self.statements.ask_witnesses([self.witness], lambda _, data: self.server.add_checkpoint(data))
        assert asked.failures == {}
        return head

    def verdict(self, identifier, **question):
        from custodes.ledger.verifier.statement import Question

        statement = self.statements.create(Question(identifier, **question))
        return verify(statement, parse_policy(self.policy.read_bytes()))


@pytest.fixture
def operator(tmp_path):
    operator = Operator(tmp_path / "data", tmp_path / "witness")
    yield operator
    operator.log.close()


def run(app, *arguments, status=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == status, (result.output, result.exception)
    return result.output


def test_statements_follow_the_heads(operator):
    for account in (ANN, BEN, ANN):
        operator.use(account)
    operator.close_head()
    assert [use.facts["op"] for use in operator.verdict(f"acct:{ANN}").evidence.uses] == ["DetectFaces"] * 2
    assert operator.verdict(f"acct:{EVE}").word is Word.ABSENT
    operator.use(EVE, "CompareFaces")
    assert operator.verdict(f"acct:{EVE}").word is Word.ABSENT  # as of the last head, which the verdict says
    operator.close_head()
    verdict = operator.verdict(f"acct:{EVE}")
    assert verdict.word is Word.PRESENT
    assert verdict.evidence.trusted.times == {"w": operator.clock.now_ms() // 1000}
    assert verdict.evidence.head.node.count == 4


def test_a_statement_needs_no_server_and_no_new_head_after_a_restart(operator, tmp_path):
    operator.use(ANN)
    operator.close_head()
    operator.log.close()
    out = tmp_path / "s.json"
    run(statement_commands.app, "create", "--data", operator.data, "--account", ANN, "--out", out)
    arguments = ("verify", out, "--trust", operator.policy, "--ledger", operator.data / "ledger")
    text = run(statement_commands.app, *arguments)
    assert text.startswith("PRESENT\n\nacct:100000000001 used the service 1 times")
    assert "counted one by one" in text
    assert json.loads(run(statement_commands.app, *arguments, "--json"))["uses"] == 1
    assert heads(operator) == 1


def heads(operator):
    return sum(decode(raw).kind == "map" for _, raw in operator.statements.maps.newest().tree.entries())


def test_a_use_behind_the_last_head_is_in_a_statement_without_a_server(operator, tmp_path):
    operator.use(ANN)
    operator.close_head()
    operator.use(ANN)
    operator.log.close()
    out, lone = tmp_path / "s.json", tmp_path / "lone.policy"
    run(statement_commands.app, "create", "--data", operator.data, "--account", ANN, "--out", out)
    assert heads(operator) == 2
    assert run(statement_commands.app, "verify", out, "--trust", operator.policy, status=2).startswith("UNDETERMINED")
    lone.write_text(write_policy([LedgerPaths(operator.data).verifier.read_text().strip()], [], 0))
    assert json.loads(run(statement_commands.app, "verify", out, "--trust", lone, "--json"))["uses"] == 2


def destroy(operator, account):
    what = Destruction(account, operator.clock.now_ms() + 1, "asked for by its owner", "retention-180-days")
    return operator.statements.destroy_bodies(what, operator.log)


def test_destroyed_bodies_stay_counted_and_an_entry_says_so_first(operator):
    operator.use(ANN)
    operator.close_head()
    operator.use(ANN)
    entry = destroy(operator, ANN)
    operator.log.flush()
    said = decode(operator.log.tree().entry(entry))
    assert (said.kind, said.fields["n"], said.fields["x"]) == ("del", 2, "retention-180-days")
    operator.close_head()
    verdict = operator.verdict(f"acct:{ANN}")
    assert verdict.word is Word.PRESENT
    assert [use.facts is None for use in verdict.evidence.uses] == [True, False]
    bodies = BodySource(read_bodies(operator.data), load_or_create_secret(LedgerPaths(operator.data).body_key))
    report = audit(
        read_tiles(operator.data), [VerifierKey.parse(LedgerPaths(operator.data).verifier.read_text())], bodies
    )
    assert (report.difference, report.erased) == (None, 1)  # the permission had no body


def test_destroyed_bodies_are_credited_when_the_map_is_made_again(operator):
    operator.use(ANN)
    operator.use(BEN)
    operator.close_head()
    destroy(operator, ANN)
    operator.log.flush()
    maps = operator.data / "ledger-private" / "maps"
    for name in ("account.map", "account.uses"):
        (maps / name).unlink()
    operator.close_head()
    assert operator.verdict(f"acct:{ANN}").word is Word.PRESENT
    assert operator.verdict(f"acct:{BEN}").word is Word.PRESENT


def test_no_body_is_destroyed_before_a_head_counts_its_use(operator):
    operator.use(ANN)
    with pytest.raises(LookupError):
        destroy(operator, ANN)
    operator.close_head()
    destroy(operator, ANN)
    operator.use(ANN)
    with pytest.raises(NotFoundError):
        destroy(operator, ANN)


def test_no_head_is_made_over_a_use_that_nobody_can_credit(operator):
    operator.use(ANN)
    operator.close_head()
    gone = operator.use(ANN)
    operator.log.erase([gone])
    with pytest.raises(MapError, match=f"entry {gone}, a use"):
        operator.close_head()


def test_a_head_that_was_logged_but_not_kept_is_made_up_for(operator):
    """Killed between the append and the save: the next head credits the same uses again, once."""
    operator.use(ANN)
    operator.close_head()
    operator.use(ANN)
    state = operator.data / "ledger-private" / "maps" / "account.map"
    kept = state.read_bytes()
    operator.close_head()
    state.write_bytes(kept)  # as if save had not happened; the rows of uses are still in their file
    operator.use(BEN)
    operator.close_head()
    assert len(operator.verdict(f"acct:{ANN}").evidence.uses) == 2
    assert len(operator.verdict(f"acct:{BEN}").evidence.uses) == 1
    assert operator.verdict(f"acct:{BEN}").evidence.head.node.count == 3


def test_state_of_another_key_is_refused(operator):
    operator.use(ANN)
    operator.close_head()
    with pytest.raises(ValueError, match="earlier keys"):
        MapState(FolderDocuments(operator.data / "ledger-private" / "maps")).load(VrfKeys(secret_key(bytes(32))))


def test_without_a_head_there_is_no_statement(operator, tmp_path):
    with pytest.raises(LookupError, match="no head yet"):
        operator.verdict(f"acct:{ANN}")
    operator.use(ANN)
    operator.close_head()  # of the account map alone
    with pytest.raises(LookupError, match="no head yet"):
        operator.verdict("lei:529900T8BM49AURSDO55")
    operator.log.close()
    arguments = ("--identifier", "lei:529900T8BM49AURSDO55", "--out", tmp_path / "s.json")
    run(statement_commands.app, "create", "--data", operator.data, *arguments)  # makes that of the parties
    assert heads(operator) == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--account", "12"], "canonical"),
        ([], "either"),
        (["--account", ANN, "--identifier", f"acct:{ANN}"], "either"),
        (["--account", ANN, "--from", "yesterday"], "not a date"),
        (["--account", ANN, "--from", "1969-01-01"], "1970"),
    ],
)
def test_questions_that_cannot_be_asked(operator, tmp_path, arguments, reason):
    operator.use(ANN)
    operator.close_head()
    operator.log.close()
    result = CliRunner().invoke(
        statement_commands.app, ["create", "--data", str(operator.data), "--out", str(tmp_path / "x"), *arguments]
    )
    assert reason in str(result.exception)
    assert not (tmp_path / "x").exists()


def test_dates_are_utc_and_the_end_is_not_included(operator, tmp_path):
    operator.use(ANN)
    operator.clock.advance(3 * 86_400_000)
    operator.close_head()
    operator.log.close()
    out = tmp_path / "s.json"
    for begin, end, word in (
        ("2026-01-01", "2026-01-02", "PRESENT"),
        ("2026-01-01", "2026-01-01T00:01:00Z", "ABSENT"),
        ("2026-01-01T01:00:00+00:59", "2026-01-01T02:00+01:00", "PRESENT"),
        ("2026-01-02", "2026-01-03", "ABSENT"),
    ):
        run(
            statement_commands.app,
            *("create", "--data", operator.data, "--account", ANN, "--out", out, "--from", begin, "--to", end),
        )
        assert run(statement_commands.app, "verify", out, "--trust", operator.policy).startswith(word)
    run(statement_commands.app, "create", "--data", operator.data, "--account", ANN, "--out", out, "--to", "2027-01-01")
    assert run(statement_commands.app, "verify", out, "--trust", operator.policy, status=2).startswith("UNDETERMINED")


def test_bills_of_a_month(operator, tmp_path):
    for _ in range(15):
        operator.use(ANN, "SearchFacesByImage")
    operator.use(BEN, "IndexFaces", faces_delta=1000)
    operator.clock.advance(40 * 86_400_000)
    operator.log.close()
    preview = json.loads(run(billing_commands.app, "preview", "--data", operator.data, "--month", "2026-01", "--json"))
    assert preview["bills"][ANN]["total"] == 2  # 0.015 rounds up to 0.02
    assert [line["group"] for line in preview["bills"][BEN]["lines"]] == ["group-1", "storage"]
    run(billing_commands.app, "run", "--data", operator.data, "--month", "2026-01")
    out = tmp_path / "invoices"
    run(billing_commands.app, "invoices", "--data", operator.data, "--month", "2026-01", "--out", out)
    assert sorted(path.suffix for path in out.iterdir()) == [".html", ".html", ".json", ".json"]
    lone = tmp_path / "lone.policy"
    lone.write_text(write_policy([LedgerPaths(operator.data).verifier.read_text().strip()], [], 0))
    text = run(statement_commands.app, "verify", out / f"{ANN}-2026-01.json", "--trust", lone)
    assert text.startswith("PRESENT")
    assert "0.02 USD for 15 uses" in text
    assert "for 16 uses" in text


def test_billing_refuses_what_makes_no_sense(operator):
    operator.use(ANN)
    operator.log.flush()
    held = CliRunner().invoke(billing_commands.app, ["run", "--month", "2026-01", "--data", str(operator.data)])
    assert held.exit_code != 0
    assert "another process" in str(held.exception)  # somebody else holds the ledger, and answers no command
    operator.log.close()
    for app, arguments, reason in (
        (billing_commands.app, ["run", "--month", "2999-01"], "not over yet"),
        (billing_commands.app, ["preview", "--month", "January"], "not a month"),
        (billing_commands.app, ["invoices", "--month", "2026-01", "--out", str(operator.data)], "not billed"),
    ):
        result = CliRunner().invoke(app, [*arguments, "--data", str(operator.data)])
        assert result.exit_code != 0
        assert reason in str(result.exception)


def test_a_certificate_of_erasure(operator, tmp_path):
    tree = FaceTree()
    faces = [f"00000000-0000-4000-8000-{i:012d}" for i in range(9)]
    for face in faces:
        tree.add(face)
    erasure = erase(tree, [faces[3], faces[5], "never-there"])
    assert erasure.fields["n"] == 2
    entry = operator.log.append("era", fields=erasure.fields).wait().index
    for erased in erasure.faces:
        operator.statements.erasures.keep(ErasureRecord(ANN, "visitors", entry, erased))
    operator.close_head()
    operator.log.close()
    out = tmp_path / "c.json"
    for face in (faces[3], faces[5]):
        run(erasure_commands.app, "certificate", face, "--data", operator.data, "--out", out)
        text = run(statement_commands.app, "verify", out, "--trust", operator.policy)
        assert text.startswith("ABSENT")
        assert "2 faces in all" in text
    result = CliRunner().invoke(
        erasure_commands.app, ["certificate", faces[4], "--data", str(operator.data), "--out", str(out)]
    )
    assert "no record" in str(result.exception)


def test_a_witness_shows_its_key_and_the_log_reports_who_did_not_answer(operator, tmp_path):
    name = ("--name", "w.example", "--folder", tmp_path / "w")
    first = run(witness_commands.app, "key", *name)
    assert run(witness_commands.app, "key", *name) == first
    assert (tmp_path / "w" / "witness.key").stat().st_mode & 0o077 == 0
    operator.use(ANN)
    operator.log.close()
    text = operator.policy.read_text().replace("http://witness.example", "http://127.0.0.1:1")
    operator.policy.write_text(text)
    assert "no answer" in run(witness_commands.app, "ask", "--data", operator.data, status=1)


def test_a_folder_without_a_ledger(tmp_path):
    result = CliRunner().invoke(
        statement_commands.app, ["create", "--data", str(tmp_path), "--account", ANN, "--out", str(tmp_path / "x")]
    )
    assert "no data directory" in str(result.exception)


def test_the_verifier_can_be_given_away(tmp_path):
    run(statement_commands.app, "verifier", "--out", tmp_path / "verify.pyz")
    assert (tmp_path / "verify.pyz").read_bytes().startswith(b"#!/usr/bin/env python3")
    assert sys.version_info >= (3, 11)


def test_a_witness_served_by_the_command_confirms_the_log(operator, tmp_path):
    log_key = LedgerPaths(operator.data).verifier.read_text().strip()
    folder = tmp_path / "served"
    key = run(witness_commands.app, "key", "--name", "w.example", "--folder", folder).strip()
    code = "import sys; from custodes.cli.ledger.witness import app; app(sys.argv[1:])"
    arguments = ["serve", "--name", "w.example", "--folder", str(folder), "--log", log_key, "--port", "0"]
    with subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True) as process:
        try:
            url = process.stderr.readline().split()[-1]
            witness = Witness("w", CosignerKey.parse(key), url)
            operator.policy.write_text(write_policy([log_key], [witness], 1))
            operator.use(ANN)
            operator.statements.close_head(operator.log)
            operator.log.close()
            assert run(witness_commands.app, "ask", "--data", operator.data) == "w: confirmed\n"
            assert operator.verdict(f"acct:{EVE}").word is Word.ABSENT
            operator.log = open_ledger(operator.data, ORIGIN, SystemClock())
            operator.log.start()
            # The statement uses the confirmed state as long as that reaches to the head; a new head needs a new one.
            operator.use(EVE)
            operator.statements.close_head(operator.log)
            assert operator.verdict(f"acct:{EVE}").word is Word.UNDETERMINED
        finally:
            process.terminate()
    wrong = CliRunner().invoke(witness_commands.app, ["serve", "--name", "w", "--folder", str(folder), "--log", "x"])
    assert "three parts" in str(wrong.exception)

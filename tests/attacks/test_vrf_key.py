"""Changing the key under which names have their places, so that somebody is known no more."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
from typer.testing import CliRunner

from custodes.cli.main import app
from custodes.core.clock import FixedClock
from custodes.deployment.record.audits import deep_audit_of
from custodes.deployment.record.ledger import checked_statements, open_log
from custodes.deployment.record.stored import LedgerSource
from custodes.deployment.records import LedgerPlace
from custodes.ledger.__main__ import check, check_growth_file
from custodes.ledger.prover.files import wrap
from custodes.ledger.tlog.entry import decode
from custodes.ledger.verifier.statement import Question
from custodes.storage.ledger.open import LedgerPaths

ANN, BEN, EVE = "100000000001", "100000000002", "100000000003"
LEI, KVK = "lei:529900T8BM49AURSDO55", "nl-kvk:12345678"
START = 1_767_225_600_000


class Keeper:
    """An operator with a log, accounts and parties, who changes the key of the maps."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.clock = folder, folder / "data", FixedClock(START)
        self.data.mkdir()
        self.opened = None
        self.open()

    def open(self) -> None:
        self.close()
        place = LedgerPlace(self.data, "999999999999", "ledger.example/keeper", None)
        self.opened = open_log(place, self.clock)
        self.log = self.opened.__enter__()
        self.statements = checked_statements(self.data, self.log)

    def close(self) -> None:
        if self.opened is not None:
            self.opened.__exit__(None, None, None)
            self.opened = None

    def use(self, account: str, times: int = 1) -> None:
        for _ in range(times):
            self.clock.ts_ms += 1000
            slot = self.log.append("auth", fields={"d": "allow"})
            self.log.append("use", units=1, body={"acct": account, "op": "DetectFaces"}, settles=slot).wait()

    def party(self, name: str) -> None:
        kept = self.statements.parties.keep([(name, {"acct": ANN, "role": "owner"})], secrets.token_bytes)
        self.log.append("org", fields=kept.fields()).wait()

    def heads(self) -> None:
        self.clock.ts_ms += 1000
        self.statements.close_head(self.log)
        self.statements.close_party_head(self.log)

    def change(self) -> int:
        return self.statements.maps.change_vrf_key(self.log, {"op": "test"}, 0)

    def file(self, identifier: str, name: str = "statement.json") -> Path:
        self.clock.ts_ms += 1000
        path = self.folder / name
        path.write_bytes(self.statements.create(Question(identifier)))
        return path

    def word(self, path: Path, trust: Path | None = None, *, log: bool = True) -> str:
        word, text, _ = check(path, trust or self.data / "trust.policy", self.data / "ledger" if log else None)
        return word if word != "INVALID" else text

    def words(self) -> list[str]:
        return [self.word(self.file(name)) for name in (f"acct:{ANN}", f"acct:{BEN}", f"acct:{EVE}", LEI, KVK)]

    def growth(self) -> str:
        path = self.folder / "growth"
        path.write_bytes(b"".join(self.statements.maps.growth()))
        word, text = check_growth_file(path, self.data / "trust.policy", self.data / "ledger")
        return word if word != "INVALID" else text


@pytest.fixture
def keeper(tmp_path: Path):
    made = Keeper(tmp_path)
    made.use(ANN, 3)
    made.use(BEN, 2)
    made.party(LEI)
    made.heads()
    yield made
    made.close()


SAME = ["PRESENT", "PRESENT", "ABSENT", "PRESENT", "ABSENT"]


def test_everybody_says_the_same_under_the_new_key(keeper: Keeper) -> None:
    before = keeper.data / "before.policy"
    before.write_bytes((keeper.data / "trust.policy").read_bytes())
    old = keeper.file(f"acct:{ANN}", "old.json")
    for number in (1, 2):
        index = keeper.change()
        keeper.use(ANN)
        keeper.party(KVK if number == 2 else LEI)
        keeper.heads()
        assert keeper.words() == [*SAME[:4], "PRESENT" if number == 2 else "ABSENT"]
        file = keeper.folder / "change.json"
        file.write_bytes(keeper.statements.maps.key_change(index))
        assert keeper.word(file) == "PRESENT"
    assert keeper.word(old) == "PRESENT"
    assert "does not name" in keeper.word(keeper.file(f"acct:{ANN}"), before), "the reader was told of no change"
    assert keeper.growth() == "PRESENT"
    assert deep_audit_of(LedgerSource(keeper.data)).accounts == 2
    keeper.open()
    assert keeper.words()[0] == "PRESENT"
    text = (keeper.data / "trust.policy").read_text()
    assert len([line for line in text.splitlines() if line.startswith("#vrf ")]) == 3


def test_a_lost_map_is_made_again_over_changes_of_the_key(keeper: Keeper) -> None:
    keeper.change()
    keeper.use(EVE)
    keeper.heads()
    maps = LedgerPaths(keeper.data).private / "maps"
    for name in ("account.map", "account.uses"):
        (maps / name).unlink()
    keeper.open()
    assert keeper.words() == ["PRESENT", "PRESENT", "PRESENT", "PRESENT", "ABSENT"]


def test_a_change_that_was_cut_short_is_finished_at_the_next_start(keeper: Keeper) -> None:
    """The entry is written, and then the power fails: the key files are those of before."""
    keys = keeper.data / "keys"
    kept = {path.name: path.read_bytes() for path in keys.iterdir()}
    policy = (keeper.data / "trust.policy").read_bytes()
    keeper.change()
    keeper.close()
    new = (keys / "ledger-vrf.key").read_bytes()
    (keys / "ledger-vrf-001.key").unlink()
    (keys / "ledger-vrf.key").write_bytes(kept["ledger-vrf.key"])
    next_key = keys / "ledger-vrf-next.key"
    next_key.write_bytes(new)
    next_key.chmod(0o600)
    (keeper.data / "trust.policy").write_bytes(policy)
    keeper.open()
    assert (keys / "ledger-vrf.key").read_bytes() == new
    assert not next_key.exists()
    assert keeper.words() == SAME


@pytest.mark.parametrize("hidden", [True, False])
def test_a_key_that_no_entry_brought_stops_the_server(keeper: Keeper, hidden: bool) -> None:
    keeper.close()
    key = keeper.data / "keys" / "ledger-vrf.key"
    if hidden:
        key.rename(key.with_name("ledger-vrf-001.key"))
    key.unlink(missing_ok=True)
    key.write_text(secrets.token_hex(32))
    key.chmod(0o600)
    with pytest.raises(Exception, match=r"ledger-vrf\.key"):
        keeper.open()


@pytest.mark.parametrize("lost", ["ledger-vrf-001.key", "places"])
def test_what_a_change_needs_later_must_be_there(keeper: Keeper, lost: str) -> None:
    keeper.change()
    keeper.close()
    folder = LedgerPaths(keeper.data).private / "maps" / "vrf"
    path = keeper.data / "keys" / lost if lost.endswith("key") else next(folder.glob("*.places"))
    path.unlink()
    with pytest.raises(Exception, match="restore"):
        keeper.open()


def test_the_file_for_auditors_cannot_leave_anybody_out(keeper: Keeper) -> None:
    index = keeper.change()
    honest = json.loads(keeper.statements.maps.key_change(index))

    def lied(change) -> str:
        inner = json.loads(json.dumps(honest["vrf"]))
        change(inner)
        path = keeper.folder / "lie.json"
        path.write_bytes(wrap("vrf", inner))
        return keeper.word(path, log=False)

    assert lied(lambda inner: None) == "PRESENT"
    assert ANN not in json.dumps(honest) and LEI not in json.dumps(honest), "the file names nobody"
    assert "commits to" in lied(lambda inner: inner["accounts"].pop())
    assert "commits to" in lied(lambda inner: inner["accounts"].reverse())
    assert "commits to" in lied(lambda inner: inner["accounts"][0].update(v=inner["accounts"][1]["v"]))
    assert "commits to" in lied(lambda inner: inner["parties"].clear())
    assert lied(lambda inner: inner["heads"].reverse()).startswith("INVALID")


def test_a_head_under_the_old_key_after_the_change_breaks_the_rules_of_the_log(keeper: Keeper) -> None:
    tree = keeper.log.tree()
    fields = decode(next(e for i, e in tree.entries() if b'"m":"account"' in e)).fields
    keeper.change()
    keeper.log.append("map", fields=dict(fields)).wait()
    keeper.log.flush()
    text = keeper.word(keeper.file(f"acct:{ANN}"))
    assert "another VRF key than those before" in text, text


def test_a_change_by_command_with_and_without_officers(operator) -> None:
    account = operator.use(2)
    runner = CliRunner()

    def run(*arguments: str):
        return runner.invoke(app, [*arguments, "--data", str(operator.data)])

    keys = []
    with operator.serving() as server:
        done = run("ledger", "change-vrf-key", "--json")
        assert done.exit_code == 0, done.output
        made = json.loads(done.stdout)
        assert made["signers"] == []
        out = operator.folder / "change.json"
        assert run("ledger", "vrf-key-change", str(made["index"]), "--out", str(out)).exit_code == 0
        assert operator.verdict(out) == "PRESENT"
        assert operator.verdict(operator.statement(server, account)) == "PRESENT"
        for name in ("anna", "bert"):
            key = operator.folder / f"{name}.key"
            keys.append(str(key))
            public = runner.invoke(app, ["policy", "officer", "key", name, "--out", str(key)]).stdout.strip()
            proposal = operator.folder / f"{name}.json"
            assert run("policy", "officer", "add", public, "--out", str(proposal)).exit_code == 0
            if name == "bert":
                assert run("policy", "sign", str(proposal), "--key", keys[0]).exit_code == 0
                assert run("policy", "apply", str(proposal)).exit_code == 0
        refused = run("ledger", "change-vrf-key")
        assert refused.exit_code != 0 and "2 officers have to sign" in str(refused.exception) + refused.output
        one = run("ledger", "change-vrf-key", "--sign-with", keys[0], "--sign-with", keys[0])
        assert one.exit_code != 0
        signature = run("ledger", "change-vrf-key", "--sign-with", keys[1], "--sign-only").stdout.strip()
        assert signature.startswith("bert:")
        both = run("ledger", "change-vrf-key", "--sign-with", keys[0], "--signature", signature, "--json")
        assert both.exit_code == 0, both.output
        assert json.loads(both.stdout)["signers"] == ["anna", "bert"]
        assert operator.verdict(operator.statement(server, account)) == "PRESENT"
        again = run("ledger", "change-vrf-key", "--sign-with", keys[0], "--signature", signature)
        assert again.exit_code != 0, "a signature holds for one key only"

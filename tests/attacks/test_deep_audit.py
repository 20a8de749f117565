"""Bills for other uses than the log has, rules that were never in force: what an auditor with private parts finds."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from custodes.cli.ledger.ledger import app
from custodes.core.clock import FixedClock
from custodes.deployment.record.audits import deep_audit_of
from custodes.deployment.record.statements import open_statements
from custodes.deployment.record.stored import LedgerSource
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import bill_month, load_prices
from custodes.ledger.prover.invoices.use_tally import UseTally
from custodes.ledger.prover.sources import open_log_files
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.storage.ledger.open import LedgerPaths, open_ledger, read_bodies, read_tiles

ANN, BEN = "100000000001", "100000000002"
JANUARY = Month.parse("2026-01")


class Billed:
    """A log with uses of January, billed in February by uses that the operator chooses."""

    def __init__(self, data: Path) -> None:
        self.data, clock = data, FixedClock(JANUARY.begin + 1000)
        self.log = open_ledger(data, "ledger.example/billed", clock)
        self.log.start()
        for account in (ANN, ANN, BEN):
            slot = self.log.append("auth", fields={"d": "allow"})
            self.log.append("use", units=1, body={"acct": account, "op": "DetectFaces"}, settles=slot).wait()
        clock.ts_ms = JANUARY.end + 1000
        self.statements = open_statements(data)
        self.statements.close_head(self.log)

    def bill(self, but: tuple[int, ...] = ()) -> int:
        key = load_or_create_secret(LedgerPaths(self.data).body_key)
        prices, log = load_prices(default_prices()), open_log_files(read_tiles(self.data), read_bodies(self.data), key)
        uses = [use for use in log.uses(0, log.tree.size) if use.index not in but]
        run = bill_month(JANUARY, UseTally.of(uses), prices, lambda: os.urandom(16))
        return self.statements.commit_bills(run, self.log)

    @property
    def file(self) -> Path:
        return self.data / "ledger-private" / "maps" / "bills" / "2026-01.json"


@pytest.fixture
def billed(tmp_path):
    made = Billed(tmp_path / "data")
    yield made
    made.log.close()


def test_a_month_billed_right_and_again_is_right(billed):
    billed.bill(but=(1,))
    billed.bill()
    found = deep_audit_of(LedgerSource(billed.data))
    assert (found.account_heads, found.accounts, found.months) == (3, 2, 1)


def test_a_use_that_was_not_billed(billed):
    index = billed.bill(but=(1,))
    with pytest.raises(MapError, match=f"bill of 2026-01 for account {ANN} is for 1 uses .* 2 with 2 .* entry {index}"):
        deep_audit_of(LedgerSource(billed.data))


def test_bills_on_disk_that_are_others_or_gone(billed):
    index = billed.bill()
    kept = json.loads(billed.file.read_bytes())
    kept["bills"][ANN]["uses"] = 1
    billed.file.write_text(json.dumps(kept))
    with pytest.raises(MapError, match=f"not those that entry {index} commits to"):
        deep_audit_of(LedgerSource(billed.data))
    billed.file.unlink()
    with pytest.raises(MapError, match="are gone"):
        deep_audit_of(LedgerSource(billed.data))


def test_rules_that_the_changes_do_not_lead_to(operator):
    operator.use(1)
    with operator.serving() as server:
        log = server.deployment.ledger.log
        log.append("pol", fields={"p": b64url(b"p" * 32), "h": b64url(b"h" * 32), "x": "start"}).wait()
        log.flush()
    done = CliRunner().invoke(app, ["audit", "--deep", "--data", str(operator.data)])
    assert done.exit_code == 1
    assert "FIRST DIFFERENCE  the rules of the provider" in done.output, done.output

"""Setting the clock, so that uses are dated out of the period that somebody asks about."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from custodes.deployment.record.statements import open_statements
from custodes.ledger.__main__ import check
from custodes.ledger.prover.files import encode_file
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import load_prices
from custodes.ledger.prover.sources import open_log_files
from custodes.ledger.tlog.note import Note, Signature, parse_note
from custodes.ledger.tlog.trust import Witness, parse_policy
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.expected import stale
from custodes.ledger.verifier.invoices.invoice import verify_invoice
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.invoices.prices import PriceList
from custodes.ledger.verifier.statement import Question, parse
from custodes.ledger.verifier.verdict import StatementVerdict, Word, verify
from custodes.ledger.witness.trust_policy import write_policy
from custodes.ledger.witness.witness import WitnessKey, cosign
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.operations.record.incidents.clock_watch import ClockWatch
from custodes.storage.ledger.open import LedgerPaths, open_ledger, read_bodies, read_tiles

ANN, EVE = "100000000001", "100000000003"
START = 1_767_225_600_000
SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000
JANUARY = Month.parse("2026-01")


def cosigned_by(witness: WitnessKey, checkpoint: bytes | None, seconds: int) -> bytes:
    """A checkpoint with the cosignature of one witness."""
    note = parse_note(checkpoint or b"")
    value = cosign(witness.private, note.text.encode(), seconds)
    line = Signature(witness.public.name, witness.public.key_id, value)
    return Note(note.text, (*note.signatures, line)).encode()


class World:
    """A log whose clock is ``off_ms`` from the true time."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.true_ms = START
        self.off_ms = 0
        self.open()

    def now_ms(self) -> int:
        return self.true_ms + self.off_ms

    def open(self) -> None:
        self.log = open_ledger(self.data, "ledger.example/clock", self)
        self.log.start()
        self.log.append("acc").wait()
        self.log.flush()
        self.statements = open_statements(self.data)
        self.watch = ClockWatch(self.log, self, lambda: self.true_ms)
        self.watch.look()

    def restart(self) -> None:
        self.log.close()
        self.open()

    def use(self) -> int:
        """A use; the true time of it."""
        slot = self.log.append("auth", fields={"d": "allow"})
        self.log.append("use", units=1, body={"acct": ANN, "op": "DetectFaces"}, settles=slot).wait()
        self.log.flush()
        return self.true_ms

    def ask(self, begin: int | None, end: int | None, account: str = ANN) -> StatementVerdict:
        self.watch.look()
        self.statements.close_head(self.log)
        key = LedgerPaths(self.data).verifier.read_text().strip()
        policy = parse_policy(f"log {key}\nquorum none\n".encode())
        statement = self.statements.create(Question(f"acct:{account}", begin, end))
        return verify(statement, policy, now_ms=self.true_ms)


@pytest.fixture
def world(tmp_path: Path):
    world = World(tmp_path / "data")
    yield world
    world.log.close()


@pytest.mark.parametrize("ahead", [400 * DAY, 2 * HOUR])
@pytest.mark.parametrize("restarted", [True, False])
def test_a_minute_with_the_clock_ahead(world: World, ahead: int, restarted: bool) -> None:
    world.true_ms += HOUR
    world.off_ms = ahead
    minute = world.use()
    world.off_ms = 0
    world.restart() if restarted else None
    world.true_ms += HOUR // 2
    later = world.use()
    for use in (minute, later):
        verdict = world.ask(use - 60 * SECOND, use + 60 * SECOND)
        assert verdict.word is Word.UNDETERMINED, verdict.word
        assert any("clock was wrong" in reason for reason in verdict.reasons)
    # Times from before the trouble are as good as ever.
    assert world.ask(START - 2 * HOUR, START - HOUR).word is Word.ABSENT


def test_a_head_from_a_clock_that_is_ahead_is_no_answer(world: World) -> None:
    world.off_ms = 2 * HOUR
    world.restart()  # wrong from the start, so nothing here can notice
    use = world.use()
    verdict = world.ask(use - SECOND, use + SECOND)
    assert verdict.word is Word.UNDETERMINED
    assert any("ahead of yours" in reason for reason in verdict.reasons)


def test_a_clock_that_is_right_leaves_no_mark(world: World) -> None:
    for _ in range(3):
        world.true_ms += HOUR
        use = world.use()
    world.restart()
    world.true_ms += HOUR
    assert world.ask(use - SECOND, use + SECOND).word is Word.PRESENT
    assert world.ask(use, use + SECOND, EVE).word is Word.ABSENT
    assert b"clock" not in b"".join(envelope for _, envelope in world.log.tree().entries())


def test_an_undated_use_is_not_hidden_by_leaving_the_mark_out(world: World) -> None:
    world.off_ms = DAY
    use = world.use()
    world.off_ms = 0
    world.true_ms += HOUR
    world.use()
    world.ask(use, use + SECOND)
    statement = world.statements.create(Question(f"acct:{ANN}", use, use + SECOND))
    bare = encode_file(dataclasses.replace(parse(statement), clock=()))
    key = LedgerPaths(world.data).verifier.read_text().strip()
    assert verify(bare, parse_policy(f"log {key}\nquorum none\n".encode())).word is Word.INVALID


def test_an_old_summary_of_the_wrong_minute_is_no_answer(world: World, tmp_path: Path) -> None:
    """A summary made while the clock was ahead, shown when the log has long said that it was."""
    world.off_ms = 2 * HOUR
    use = world.use()
    world.statements.close_head(world.log)
    file = tmp_path / "statement.json"
    file.write_bytes(world.statements.create(Question(f"acct:{ANN}", use - SECOND, use + SECOND)))
    world.off_ms = 0
    world.true_ms += HOUR
    world.use()
    world.ask(None, None)
    trust = world.data / "trust.policy"
    trust.write_text(f"log {LedgerPaths(world.data).verifier.read_text().strip()}\nquorum none\n")
    assert check(file, trust)[0] == "ABSENT", "of this file alone nobody can tell"
    word, text, _ = check(file, trust, world.data / "ledger")
    assert word == "UNDETERMINED" and "behind this file's summary" in text
    cosigner = WitnessKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    policy = parse_policy(
        write_policy(
            [LedgerPaths(world.data).verifier.read_text().strip()], [Witness("w", cosigner.public)], 1
        ).encode()
    )
    newest = parse_note(cosigned_by(cosigner, read_tiles(world.data).get("checkpoint"), START // 1000 + 30 * 86_400))
    old = parse(file.read_bytes())
    assert parse_note(old.checkpoint).text != newest.text
    reads = open_log_files(
        read_tiles(world.data), read_bodies(world.data), load_or_create_secret(LedgerPaths(world.data).body_key)
    )
    shown = sorted({old.head.index, *([] if old.next is None else [old.next.index]), *(one.index for one in old.uses)})
    proof = tuple(multiproof.make(shown, reads.tree.size, reads.node))
    lie = encode_file(dataclasses.replace(old, checkpoint=newest.encode(), proof=proof))
    now = START + 30 * DAY + SECOND
    assert verify(lie, policy, now_ms=now).word is Word.ABSENT, "of this file alone nobody can tell"
    assert "summary that was made" in (stale(lie, policy, DAY, now) or "")


steps = st.lists(
    st.tuples(
        st.sampled_from([SECOND, 20 * SECOND, HOUR, 5 * HOUR]),
        st.sampled_from([0, 0, -2 * HOUR, 2 * HOUR, -400 * DAY, 400 * DAY, 30 * SECOND, -30 * SECOND]),
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(script=steps, first=st.sampled_from([0, 2 * HOUR, -2 * HOUR]), width=st.sampled_from([SECOND, HOUR]))
def test_no_use_inside_a_period_verifies_as_absent(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[int, int]], first: int, width: int
) -> None:
    """Under any script of clock changes after which the clock is set right."""
    world = World(tmp_path_factory.mktemp("clock") / "data")
    try:
        world.off_ms = first
        world.watch.look()
        uses = [world.use()]
        for passed, off in script:
            world.true_ms += passed
            world.off_ms = off
            world.watch.look()
            uses.append(world.use())
        world.true_ms += 60 * SECOND
        world.off_ms = 0
        world.watch.look()
        world.true_ms += DAY
        for use in uses:
            verdict = world.ask(use - width + 1, use + width)
            assert verdict.word in (Word.PRESENT, Word.UNDETERMINED), (use, verdict)
    finally:
        world.log.close()


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(script=steps)
def test_no_bill_holds_that_leaves_uses_of_its_month_to_another(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[int, int]]
) -> None:
    """Around the edge of a month, billed whenever the clock says that it is over, as after a restart."""
    world = World(tmp_path_factory.mktemp("bills") / "data")
    try:
        world.true_ms = JANUARY.end - 3 * HOUR
        world.restart()
        uses = [world.use()]
        for passed, off in script:
            world.true_ms += passed
            world.off_ms = off
            world.watch.look()
            uses.append(world.use())
            world.statements.bill_finished(world.now_ms(), prices, world.log)
        world.true_ms, world.off_ms = max(world.true_ms, JANUARY.end) + DAY, 0
        world.watch.look()
        world.statements.bill_finished(world.now_ms(), prices, world.log)
        world.statements.close_head(world.log)
        key = LedgerPaths(world.data).verifier.read_text().strip()
        policy = parse_policy(f"log {key}\nquorum none\n".encode())
        if world.statements.bills.has(JANUARY):
            for data in world.statements.invoices(JANUARY).values():
                if verify_invoice(data, policy, None, world.true_ms).word == "PRESENT":
                    assert json.loads(data)["invoice"]["bill"]["uses"] == sum(use < JANUARY.end for use in uses)
    finally:
        world.log.close()


def prices() -> PriceList:
    return load_prices(default_prices())

"""Counts of uses that previews of bills are made from: the same as counted afresh, and each entry is opened once."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.core.clock import FixedClock
from custodes.deployment.record.statements import open_statements
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import bill_month, load_prices
from custodes.ledger.prover.invoices.kept_tally import KeptTally, tally_of
from custodes.ledger.prover.invoices.use_tally import UseTally
from custodes.ledger.prover.ports import Use
from custodes.ledger.verifier.canonical_json import canonical
from custodes.ledger.verifier.invoices.meter import Month
from custodes.operations.record.evidence.body_destruction import Destruction
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.ledger.open import open_ledger

PRICES = load_prices(default_prices())
JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
ANN, BEN = "100000000001", "100000000002"


def use(account, t, operation, features, units, delta):
    body = {"acct": account, "op": operation, "features": features, "faces_delta": delta}
    return Use(0, b"", account, t, units, bytes(16), canonical(body))


USES = st.builds(
    use,
    st.sampled_from([ANN, BEN]),
    st.integers(JANUARY.begin - 10, FEBRUARY.end + 10),
    st.sampled_from(["DetectFaces", "DetectLabels", "IndexFaces", "CreateCollection", None]),
    st.lists(st.sampled_from(["GENERAL_LABELS", "IMAGE_PROPERTIES"]), max_size=2),
    st.integers(0, 3),
    st.integers(-3, 3),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(USES, st.booleans()), max_size=12), st.randoms())
def test_counts_that_were_kept_in_between_give_the_same_bills(rows, chance):
    """In whatever order uses come, and wherever the server was stopped."""
    afresh, going = UseTally.of(one for one, _ in rows), UseTally()
    chance.shuffle(rows)
    for one, stopped in rows:
        going.add(one)
        going = UseTally.load(going.dump()) if stopped else going
    for month in (JANUARY, FEBRUARY):
        expected, found = (bill_month(month, tally, PRICES, lambda: bytes(16)) for tally in (afresh, going))
        assert (found.bills, found.fields) == (expected.bills, expected.fields)


def test_an_hour_of_a_hundred_faces_is_charged_as_such():
    hour_ms = 3_600_000
    tally = UseTally.of(
        [use(ANN, FEBRUARY.begin, "IndexFaces", [], 1, 100), use(ANN, FEBRUARY.begin + hour_ms, "x", [], 0, -100)]
    )
    assert (tally.face_ms(ANN, JANUARY), tally.face_ms(ANN, FEBRUARY), tally.face_ms(ANN, Month(2026, 3))) == (
        0,
        100 * hour_ms,
        0,
    )


@dataclass
class Looked:
    """Private bodies that say how often one was asked for."""

    bodies: object
    asked: list = field(default_factory=list)

    def get(self, index):
        self.asked.append(index)
        return self.bodies.get(index)


class Served:
    """A log on disk with uses, and what is kept beside it."""

    def __init__(self, data, name="ledger.example/previews"):
        self.log = open_ledger(data, name, FixedClock(JANUARY.begin))
        self.log.start()
        self.statements = open_statements(data)
        self.file = data / "kept"
        self.kept = self.tally()

    def tally(self, name="kept"):
        """What is kept, as the next process finds it."""
        return KeptTally(FolderDocuments(self.file.parent), name)

    def use(self, account=ANN, **more):
        slot = self.log.append("auth", fields={"d": "allow"})
        return self.log.append("use", units=1, body={"acct": account, "op": "DetectFaces", **more}, settles=slot).wait()

    def counted(self, kept=None):
        """The counts as text, and how many private bodies were opened for them."""
        self.log.flush()
        newest = self.statements.maps.newest()
        looked = Looked(newest.bodies)
        with (kept or self.kept).at(replace(newest, bodies=looked)) as tally:
            assert tally.dump() == tally_of(newest).dump()
            return tally.dump(), len(looked.asked)


@pytest.fixture
def served(tmp_path):
    found = Served(tmp_path / "data")
    yield found
    found.log.close()


def test_each_use_is_opened_once(served):
    for _ in range(5):
        served.use()
    assert [served.counted()[1], served.counted()[1]] == [5, 0]
    served.use(BEN)
    assert served.counted()[1] == 1


def test_a_file_of_counts_is_gone_on_with_and_a_damaged_one_or_one_of_another_log_is_not(served, tmp_path):
    for _ in range(3):
        served.use()
    text = served.counted()[0]
    served.file.write_bytes(text)
    assert served.counted(served.tally())[1] == 0
    served.file.write_bytes(text.replace(b'"size":6', b'"size":5'))
    assert served.counted(served.tally())[1] == 3
    other = Served(tmp_path / "other")
    try:
        for _ in range(9):
            other.use(BEN)
        served.file.write_bytes(other.counted()[0][:])
        assert served.counted(served.tally())[1] == 3
        other.file.write_bytes(text)
        assert other.counted(other.tally())[1] == 9
    finally:
        other.log.close()


def test_what_a_destroyed_body_said_is_not_kept_in_counts(served):
    served.use(features=["IMAGE_PROPERTIES"])
    served.statements.close_head(served.log)
    assert b"IMAGE_PROPERTIES" in served.counted()[0]
    served.statements.destroy_bodies(Destruction(ANN, FEBRUARY.begin, "asked", "retention"), served.log)
    text, _ = served.counted()
    assert b"IMAGE_PROPERTIES" not in text
    assert ANN.encode() in text


def test_many_entries_are_kept_for_the_next_start(served):
    slot = [served.log.append("auth", fields={"d": "allow"}) for _ in range(4096)][-1]
    served.log.append("use", units=1, body={"acct": ANN, "op": "DetectFaces"}, settles=slot).wait()
    served.counted()
    assert served.file.stat().st_mode & 0o77 == 0
    assert served.counted(served.tally())[1] == 0


def test_a_long_log_is_counted_in_steps_that_lead_to_the_same(served):
    served.use(features=["IMAGE_PROPERTIES"])
    slots = [served.log.append("auth", fields={"d": "allow"}) for _ in range(9000)]
    for slot in slots[::3000]:
        served.log.append("use", units=1, body={"acct": BEN, "op": "DetectFaces"}, settles=slot)
    served.statements.close_head(served.log)
    steps, newest = served.tally(), served.statements.maps.newest
    assert steps.step(newest()) is False
    served.statements.destroy_bodies(Destruction(ANN, FEBRUARY.begin, "asked", "retention"), served.log)
    served.log.flush()
    assert [steps.step(newest()), steps.step(newest())] == [False, True], "it begins again once"
    assert served.counted(steps) == (tally_of(newest()).dump(), 0)
    afresh = served.tally("other")
    assert [afresh.step(newest()), afresh.step(newest())] == [False, True], "what was destroyed before is no reason to"

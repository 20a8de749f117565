"""Prices, metering, invoices, and the proof that an invoice is part of the total in the log."""

import dataclasses
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.ledger.prover.files import encode_file, wrap
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_html import render
from custodes.ledger.prover.invoices.invoice_run import NONCE_BYTES, bill_month, invoice, load_prices, minor, plain
from custodes.ledger.prover.invoices.storage_charge import storage_charge
from custodes.ledger.prover.invoices.use_tally import UseTally
from custodes.ledger.prover.ports import Use
from custodes.ledger.verifier.canonical_json import canonical
from custodes.ledger.verifier.invoices.invoice import parse, verify_invoice
from custodes.ledger.verifier.invoices.meter import Meter, Month
from custodes.ledger.verifier.invoices.prices import PriceError, parse_prices
from tests.second_verifier.node import mutations, words

PRICES = load_prices(default_prices())
JANUARY = Month(2026, 1)
ANN, BEN, EVE = "100000000001", "100000000002", "100000000003"


def run(world, storage=None, prices=PRICES, replaces=None):
    nonces = iter(range(10_000))
    tally = UseTally.of(world.uses(0, len(world.envelopes)))
    for account, faces in (storage or {}).items():
        tally.add_retention(faces_kept(account, 0, faces))
    return bill_month(JANUARY, tally, prices, lambda: next(nonces).to_bytes(NONCE_BYTES, "big"), replaces)


def faces_kept(account, t, delta):
    return Use(0, b"", account, t, 0, bytes(16), canonical({"acct": account, "faces_delta": delta}))


def logged(world, storage=None, replaces=None):
    billed = run(world, storage, replaces=replaces)
    return billed, entered(world, billed.fields)


def entered(world, fields):
    """Index of the ``bil`` entry, and of a head behind it; the month is over then."""
    index, world.t = world.append("bil", None, fields), max(world.t, JANUARY.end)
    world.close()
    return index, world.head


# Amounts


@pytest.mark.parametrize(
    ("units", "amount"),
    [
        (0, "0"),
        (1, "0.0010"),
        (1_000_000, "1000"),
        (1_000_001, "1000.0008"),
        (5_000_000, "4200"),
        (35_000_001, "22200.0004"),
    ],
)
def test_tiers_of_group_1(units, amount):
    assert PRICES.groups[0].cost(0, units) == Decimal(amount)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 20_000_000), max_size=6))
def test_it_does_not_matter_in_which_portions_units_come(portions):
    group, before, amount = PRICES.groups[1], 0, Decimal(0)
    for units in portions:
        amount += group.cost(before, units)
        before += units
    assert amount == group.cost(0, sum(portions))


def test_image_properties_are_billed_beside_or_instead_of_labels():
    def ids(features):
        return [group.id for group in PRICES.groups_of("DetectLabels", features)]

    assert ids([]) == ["group-2"]
    assert ids(["GENERAL_LABELS"]) == ["group-2"]
    assert ids(["IMAGE_PROPERTIES"]) == ["image-properties"]
    assert ids(["GENERAL_LABELS", "IMAGE_PROPERTIES"]) == ["group-2", "image-properties"]
    assert PRICES.groups_of("CreateCollection") == []


def test_calls_without_a_price_are_listed_at_nothing():
    meter = Meter(PRICES)
    meter.add({"op": "CreateCollection"}, 0)
    meter.add({}, 3)
    (charge,) = meter.charges()
    assert (charge.group, charge.amount, charge.quantity) == ("unpriced", 0, 3)
    assert charge.operations == (("CreateCollection", 1), ("not disclosed", 1))


def test_months():
    assert Month.of(JANUARY.begin) == Month.of(JANUARY.end - 1) == JANUARY
    assert Month(2026, 12).end == Month(2027, 1).begin
    assert Month.parse("2026-01") == JANUARY
    for text in ("2026-1", "2026-13", "x"):
        with pytest.raises(ValueError, match=r"month|does not match|unconverted"):
            Month.parse(text)


def test_faces_are_charged_for_the_part_of_the_month_that_they_were_kept():
    half = (JANUARY.begin + JANUARY.end) // 2

    def charge(*changes):
        tally = UseTally()
        for t, delta in changes:
            tally.add_retention(faces_kept(ANN, t, delta))
        return storage_charge(tally.face_ms(ANN, JANUARY), JANUARY, PRICES)

    before = (JANUARY.begin - 99, 1000)
    grown = charge(before, (half, 1000), (JANUARY.end, 10**9))
    assert grown.quantity == 1500
    assert grown.amount == Decimal("0.015")
    assert charge(before, (half, -1000)).amount == Decimal("0.005")
    assert charge(before, (JANUARY.begin, -1000)) is None


@pytest.mark.parametrize(("amount", "hundredths"), [("0", 0), ("0.005", 1), ("0.0049999", 0), ("12.345", 1235)])
def test_only_the_total_is_rounded_half_up(amount, hundredths):
    assert minor(Decimal(amount)) == hundredths


def test_amounts_are_written_without_exponent():
    assert [plain(Decimal(text)) for text in ("1E+3", "0.00010", "0E-9", "10")] == ["1000", "0.0001", "0", "10"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda p: p.update(currency="usd"), "three letters"),
        (lambda p: p["groups"][0]["tiers"][0].update(price=0.001), "written as text"),
        (lambda p: p["groups"][0]["tiers"][0].update(price="1e3"), "written as text"),
        (lambda p: p["groups"][0]["tiers"].reverse(), "tiers"),
        (lambda p: p["groups"][0]["tiers"][0].update(up_to=True), "bound"),
        (lambda p: p["groups"][0].update(tiers=[]), "tiers"),
        (lambda p: p["groups"][1]["operations"].append("CompareFaces"), "twice"),
        (lambda p: p["groups"][1]["operations"].append(3), "no text"),
        (lambda p: p.pop("storage"), "storage"),
        (lambda p: p.pop("name"), "name"),
        (lambda p: p.update(groups={}), "no list"),
    ],
)
def test_malformed_price_lists(change, reason):
    value = json.loads(default_prices())
    change(value)
    with pytest.raises(PriceError, match=reason):
        parse_prices(value)


# Invoices


def test_every_invoice_is_proven_to_be_part_of_the_total_in_the_log(world):
    billed, index = logged(world, {ANN: 5_000_000, EVE: 2_000})
    assert set(billed.bills) == {ANN, BEN, EVE}
    total = 0
    for account in billed.bills:
        made = invoice(account, billed, index, world)
        assert parse(encode_file(made)) == made
        verdict = verify_invoice(encode_file(made), world.policy())
        assert verdict.word == "PRESENT"
        assert account in verdict.reasons[0]
        total += made.bill["total"]
    assert total == billed.fields["s"]
    uses = sum(json.loads(envelope)["k"] == "use" for envelope in world.envelopes)
    assert billed.fields["n"] == uses  # what anyone can count in the public log


def test_uses_of_other_months_are_not_billed(world):
    world.t = JANUARY.end
    world.use(EVE)
    assert set(run(world).bills) == {ANN, BEN}


def test_failed_calls_cost_nothing(world):
    world.use(EVE, units=0)
    bill = run(world).bills[EVE]
    assert (bill["total"], bill["sum"], bill["uses"]) == (0, "0", 1)


def test_nobody_else_can_be_billed_out_of_the_total(world):
    billed, index = logged(world, {ANN: 5_000_000})
    made = invoice(ANN, billed, index, world)
    policy = world.policy()
    lines = json.loads(json.dumps(made.bill["lines"]))
    lines[0]["amount"] = "1.00"
    for change in (
        {"total": made.bill["total"] + 1},
        {"total": made.bill["total"] - 1},
        {"uses": 0},
        {"lines": lines},
        {"month": "2026-02"},
        {"currency": "EUR"},
        {"account": BEN},
        {"sum": "0"},
    ):
        forged = dataclasses.replace(made, bill={**made.bill, **change})
        assert verify_invoice(encode_file(forged), policy).word == "INVALID", change
    other = dataclasses.replace(made, entry=dataclasses.replace(made.entry, index=0))
    assert verify_invoice(encode_file(other), policy).word == "INVALID"
    swapped = dataclasses.replace(made, path=invoice(BEN, billed, index, world).path)
    assert verify_invoice(encode_file(swapped), policy).word == "INVALID"


def test_a_run_whose_sums_are_not_what_the_log_states_convinces_nobody(world):
    billed = run(world)
    index = entered(world, {**billed.fields, "s": 10**6})
    assert verify_invoice(encode_file(invoice(ANN, billed, index, world)), world.policy()).word == "INVALID"


def test_a_bill_whose_lines_do_not_add_up_is_refused_even_if_the_log_commits_to_it(world):
    from custodes.ledger.prover.maps.tree import SumTree
    from custodes.ledger.verifier.invoices.invoice import bill_key
    from custodes.ledger.verifier.maps.proof import Value

    billed = run(world)
    arbitrary = [{**billed.bills[ANN]["lines"][0], "amount": "9"}]
    split = [{**arbitrary[0], "parts": [{"price": "9", "quantity": "1"}]}]
    for change, what in (
        ({"sum": "9.00", "total": 900}, "sum"),
        ({"total": 900}, "sum"),
        ({"lines": arbitrary, "sum": "9", "total": 900}, "quantities times prices"),
        ({"lines": split, "sum": "9", "total": 900}, "quantity"),
        ({"replaces": 3}, "which bill it replaces"),
    ):
        bill = {**billed.bills[ANN], **change}
        tree = SumTree()
        tree.put(bill_key(bill), Value(bill["uses"], bill["total"], bill_key(bill)))
        forged = dataclasses.replace(billed, bills={ANN: bill}, tree=tree)
        from custodes.ledger.tlog.entry import b64url

        fields = {**billed.fields, "n": bill["uses"], "s": bill["total"], "r": b64url(tree.head().hash)}
        index = entered(world, fields)
        verdict = verify_invoice(encode_file(invoice(ANN, forged, index, world)), world.policy())
        assert verdict.word == "INVALID"
        assert what in verdict.reasons[0]


def test_with_the_log_at_hand_uses_are_counted_and_runs_followed(world):
    billed, index = logged(world)
    first = encode_file(invoice(ANN, billed, index, world))
    assert verify_invoice(first, world.policy(), world.entries).word == "PRESENT"

    again, later = logged(world, replaces=index[0])
    newer = encode_file(invoice(ANN, again, later, world))
    verdict = verify_invoice(newer, world.policy(), world.entries)
    assert verdict.word == "PRESENT" and any(f"replaces the bill of entry {index[0]}" in one for one in verdict.reasons)
    older = encode_file(invoice(ANN, billed, index, world))
    verdict = verify_invoice(older, world.policy(), world.entries)
    assert verdict.word == "UNDETERMINED" and f"entry {later[0]}" in verdict.reasons[0]

    contradicting, last = logged(world)  # a third run that hides the other two
    verdict = verify_invoice(encode_file(invoice(ANN, contradicting, last, world)), world.policy(), world.entries)
    assert verdict.word == "INVALID" and "contradict" in verdict.reasons[0]


def test_uses_that_nobody_is_billed_for_are_found_with_the_log(world):
    world.relabel = {2: None}  # this operator hides one use from the bills
    billed, index = logged(world)
    file = encode_file(invoice(ANN, billed, index, world))
    assert verify_invoice(file, world.policy()).word == "PRESENT"
    verdict = verify_invoice(file, world.policy(), world.entries)
    assert (
        verdict.word == "INVALID" and "the log holds 12 uses in 2026-01, but the bills are for 11" in verdict.reasons[0]
    )


def test_witnesses_count_for_invoices_too(world):
    billed, index = logged(world)
    made = invoice(ANN, billed, index, world)
    lonely = dataclasses.replace(made, checkpoint=b"".join(made.checkpoint.splitlines(keepends=True)[:-1]))
    assert verify_invoice(encode_file(lonely), world.policy()).word == "UNDETERMINED"


@pytest.mark.parametrize(
    ("change", "reason"), [({"v": 1}, "version"), ({"bill": 1}, "bill"), ({"proof": "AA"}, "hashes")]
)
def test_other_shapes_are_refused(world, change, reason):
    billed, index = logged(world)
    inner = json.loads(encode_file(invoice(ANN, billed, index, world)))["invoice"]
    verdict = verify_invoice(wrap("invoice", {**inner, **change}), world.policy())
    assert verdict.word == "INVALID"
    assert reason in verdict.reasons[0]


def test_the_printed_page_shows_the_lines_and_fetches_nothing(world):
    billed, index = logged(world)
    made = invoice(ANN, billed, index, world)
    page = render(made, 'Evil & <script src="x">')
    assert "<script" not in page
    assert "http" not in page
    for line in made.bill["lines"]:
        assert line["title"] in page
        assert line["amount"] in page
    assert f"{made.bill['total'] // 100}.{made.bill['total'] % 100:02d} USD" in page


def test_the_verifier_in_javascript_says_the_same(world):
    billed, index = logged(world)
    files = [encode_file(invoice(account, billed, index, world)) for account in billed.bills]
    files += mutations(files[0], 40, 1)
    own = [verify_invoice(file, world.policy()).word for file in files]
    assert own[:2] == ["PRESENT", "PRESENT"] and own.count("INVALID") > 40
    assert words(world.policy_text(), files) == own


# The clock


def on_a_wrong_clock(world, at, reach):
    """An entry that says that the clock was wrong from ``reach`` before ``at`` to ``reach`` after it."""
    world.t = at
    world.append("inc", None, {"n": reach, "x": "clock-set"})


def closed_with_clock(world, billed, wrong):
    index, size = world.append("bil", None, billed.fields), len(world.envelopes)
    world.accounts.advance(world.uses(world.accounts.size, size), size)
    world.head = world.append("map", None, {**world.head_fields(), **({"i": wrong} if wrong else {})})
    world.publish()
    return index, world.head


@pytest.mark.parametrize(
    ("from_end", "reach", "word"),
    [(-3_600_000, 60_000, "PRESENT"), (-60_000, 60_000, "UNDETERMINED"), (3_600_000, 7_200_000, "UNDETERMINED")],
)
def test_a_wrong_clock_at_the_edge_of_the_month_makes_the_bill_uncertain(world, from_end, reach, word):
    billed = run(world)
    if from_end < 0:
        on_a_wrong_clock(world, JANUARY.end + from_end, reach)
    world.t = JANUARY.end + 1000
    if from_end > 0:  # noticed after the bill was made
        index = world.append("bil", None, billed.fields)
        on_a_wrong_clock(world, JANUARY.end + from_end, reach)
        size = len(world.envelopes)
        world.accounts.advance(world.uses(world.accounts.size, size), size)
        world.head = world.append("map", None, {**world.head_fields(), "i": 1})
        world.publish()
        places = index, world.head
    else:
        places = closed_with_clock(world, billed, 1)
    made = invoice(ANN, billed, places, world)
    assert verify_invoice(encode_file(made), world.policy()).word == word
    bare = encode_file(dataclasses.replace(made, clock=()))
    assert verify_invoice(bare, world.policy()).word == "INVALID", "the head counts such entries"
    assert words(world.policy_text(), [encode_file(made), bare]) == [word, "INVALID"]


def test_a_month_that_is_not_over_is_no_bill(world):
    billed = run(world)
    places = closed_with_clock(world, billed, 0)
    file = encode_file(invoice(ANN, billed, places, world))
    assert "before the month was over" in verify_invoice(file, world.policy()).reasons[0]
    alone = world.policy_text(0).replace("quorum-of-witnesses", "none")
    assert words(alone, [file]) == ["PRESENT"], "without witnesses and a clock of one's own nobody sees it"
    verdict = verify_invoice(file, world.policy(0), None, JANUARY.end - 1)
    assert verdict.word == "UNDETERMINED" and "your clock" in verdict.reasons[-1]

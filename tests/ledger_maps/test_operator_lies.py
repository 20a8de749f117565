"""An operator who owns the log's key can log and sign anything. These lies carry correct proofs all the way up."""

import dataclasses
import json

import pytest

from custodes.ledger.prover.files import encode_file, encode_path
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.invoices.invoice_run import bill_month
from custodes.ledger.prover.invoices.use_tally import UseTally
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import CollectionMap
from custodes.ledger.prover.maps.tree import FaceTree, SumTree, head_fields, place
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.tlog.merkle import ProofError, leaf_hash, tree_root
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import MAX_BYTES, PlacedEntry, StatementError, canonical, parse_canonical
from custodes.ledger.verifier.erasure import Certificate, Later, verify_certificate
from custodes.ledger.verifier.invoices.invoice import Invoice, bill_key, verify_invoice
from custodes.ledger.verifier.invoices.meter import Month
from custodes.ledger.verifier.invoices.prices import parse_prices
from custodes.ledger.verifier.maps.head import account_name, collection_name, parse_head, use_leaf
from custodes.ledger.verifier.maps.proof import MapError, Value, face_place
from custodes.ledger.verifier.multiproof import root
from custodes.ledger.verifier.report import recorded_money, render
from custodes.ledger.verifier.statement import Question, ShownUse, StatementFile
from custodes.ledger.verifier.verdict import Word, verify

ANN, EVE = "100000000001", "100000000003"


def crafted(world, value, shown=(), *, name="account", vrf_key=None, size=None, head_t=None, following=None):
    """A statement about Eve's account whose map says ``value``; everything is signed, witnessed and proven."""
    key = vrf_key or world.vrf
    tree = SumTree()
    where = place(key, account_name(EVE))
    if value is not None:
        tree.put(where, value)
    fields = head_fields(name, len(world.envelopes) if size is None else size, tree.head(), key.public)
    world.t = head_t or world.t
    index = world.append("map", None, fields)
    world.publish(time=4_000_000_000)
    shown = tuple(shown)
    indexes = sorted({index, *(use.index for use in shown), *([following] if following is not None else [])})
    return StatementFile(
        Question(account_name(EVE)),
        world.checkpoint(),
        PlacedEntry(index, world.entry(index)),
        None if following is None else PlacedEntry(following, world.entry(following)),
        tuple(multiproof.make(indexes, len(world.envelopes), world.node)),
        vrf.prove(key, account_name(EVE).encode()),
        encode_path(tree.path(where)),
        shown,
    )


def value_of(shown, units):
    leaves = [use_leaf(use.index, leaf_hash(use.envelope)) for use in shown]
    return Value(len(shown), units, tree_root(leaves))


def show(world, index, body=True):
    salt, content = world.bodies[index] if body and index in world.bodies else (None, None)
    return ShownUse(index, world.entry(index), salt, content)


def refusal(world, statement):
    verdict = verify(encode_file(statement), world.policy())
    assert verdict.word is Word.INVALID
    return verdict.reasons[0]


@pytest.fixture
def own(world):
    """Two uses by Eve."""
    return [world.use(EVE), world.use(EVE, units=2)]


def test_the_crafted_statement_is_sound_when_it_tells_the_truth(world, own):
    shown = [show(world, index) for index in own]
    assert verify(encode_file(crafted(world, value_of(shown, 3), shown)), world.policy()).word is Word.PRESENT


def test_a_use_that_the_map_credits_is_kept_back(world, own):
    shown = [show(world, index) for index in own]
    value = value_of(shown, 3)
    for part in (shown[:1], shown[1:], []):
        assert "not all the uses" in refusal(world, crafted(world, value, part))
    more = [*shown, show(world, world.use(EVE))]
    assert "not all the uses" in refusal(world, crafted(world, value, more))


def test_undisclosed_uses_of_another_account_in_place_of_the_own_ones(world, own):
    """As many uses with as many units, and no body that would name whose they are: only the map's root tells."""
    theirs = [world.use(ANN), world.use(ANN, units=2)]
    value = value_of([show(world, index) for index in own], 3)
    borrowed = [show(world, index, body=False) for index in theirs]
    assert "not all the uses" in refusal(world, crafted(world, value, borrowed))
    mixed = [show(world, own[0], body=False), borrowed[1]]
    assert "not all the uses" in refusal(world, crafted(world, value, mixed))


def test_uses_in_another_order(world, own):
    shown = [show(world, index) for index in own]
    assert "out of order" in refusal(world, crafted(world, value_of(shown[::-1], 3), shown[::-1]))


def test_units_that_do_not_add_up(world, own):
    shown = [show(world, index) for index in own]
    assert "units" in refusal(world, crafted(world, value_of(shown, 2), shown))


def test_an_entry_that_is_no_use_counted_as_one(world):
    shown = [show(world, 0)]
    assert "no use" in refusal(world, crafted(world, value_of(shown, 0), shown))


def test_an_entry_that_claims_two_roles(world, own):
    shown = [show(world, index) for index in own]
    statement = crafted(world, value_of(shown, 3), shown, size=own[1], following=own[1])
    assert "one place" in refusal(world, statement)


def test_uses_beyond_the_head_are_refused(world, own):
    shown = [show(world, index) for index in own]
    # The head covers only what stands before the first of the two, and shows that entry's neighbour honestly.
    between = own[0] - 1
    statement = crafted(world, value_of(shown, 3), shown, size=between, following=between)
    assert "not covered by the map" in refusal(world, statement)


def test_uses_beside_an_empty_place(world, own):
    shown = [show(world, index) for index in own]
    assert "credits no uses" in refusal(world, crafted(world, None, shown))


def test_a_head_of_the_future_or_without_its_first_uncovered_entry(world):
    later = crafted(world, None, size=len(world.envelopes) + 1)
    assert "first entry" in refusal(world, later)
    gap = crafted(world, None, size=3)
    assert "first entry" in refusal(world, gap)
    wrong = crafted(world, None, size=3, following=4)
    assert "first entry" in refusal(world, wrong)


def test_a_body_that_was_never_committed_to(world):
    index = world.append("use", 1, {"a": 0})
    shown = [ShownUse(index, world.entry(index), bytes(16), canonical({"acct": EVE}))]
    assert "never committed" in refusal(world, crafted(world, value_of(shown, 1), shown))


@pytest.mark.parametrize("body", [{"acct": 100000000003}, {}, {"acct": ANN}])
def test_a_body_that_does_not_name_the_account(world, body):
    shown = [show(world, world.append("use", 1, {"a": 0}, body))]
    assert "made by another one" in refusal(world, crafted(world, value_of(shown, 1), shown))


def test_a_key_of_small_order_in_the_head(world):
    statement = crafted(world, None)
    bad = dataclasses.replace(world.vrf, public=bytes(32))
    tree = SumTree()
    index = world.append("map", None, head_fields("account", len(world.envelopes), tree.head(), bad.public))
    world.publish()
    forged = dataclasses.replace(
        statement,
        head=PlacedEntry(index, world.entry(index)),
        checkpoint=world.checkpoint(),
        proof=tuple(multiproof.make([index], len(world.envelopes), world.node)),
        path=encode_path(tree.path(bytes(32))),
    )
    assert "small order" in refusal(world, forged)


def test_a_time_without_a_date(world):
    assert "9999" in refusal(world, crafted(world, None, head_t=(1 << 53) - 1))


def test_prices_that_are_no_numbers_are_not_added_up(world):
    for price in ("NaN", "1E+999999", "-5", "0.5", 7):
        world.use(EVE, price=price, currency="USD")
    world.close()
    verdict = verify(encode_file(world.statement(account_name(EVE))), world.policy())
    assert {name: str(sum_) for name, sum_ in recorded_money(verdict.evidence.uses).items()} == {"USD": "0.5"}


def test_a_price_list_that_is_none_gives_no_amount(world):
    statement = dataclasses.replace(world.statement(account_name(ANN)), prices={"name": "x"})
    assert "cannot be read" in render(verify(encode_file(statement), world.policy()))


def test_verdicts_that_are_no_answer_say_why(world):
    assert "does not answer" in render(
        verify(encode_file(world.statement(account_name(ANN), None, 2**52)), world.policy())
    )
    assert "Do not rely" in render(verify(b"junk", world.policy()))


def test_totals_are_counted_in_logs_of_any_length(world):
    for _ in range(4200):
        world.append("inc")
    world.close()
    statement = encode_file(world.statement(account_name(EVE)))
    assert verify(statement, world.policy(), world.whole_log).evidence.totals_checked


@pytest.mark.parametrize(
    "change",
    [
        {"n": "3"},
        {"m": 3},
        {"r": "AAAA"},
        {"y": "@@"},
        {"q": None},
    ],
)
def test_heads_that_lack_something(world, change):
    from custodes.ledger.tlog.entry import Entry

    fields = {**world.accounts.head_fields(), **change}
    with pytest.raises(MapError):
        parse_head(Entry("map", 1, None, None, {k: v for k, v in fields.items() if v is not None}))
    with pytest.raises(MapError):
        parse_head(Entry("use", 1, 1, None, fields))


def test_proofs_for_many_entries_check_their_ranges():
    leaves = [bytes([i]) * 32 for i in range(5)]
    proof = multiproof.make([1, 3], 5, lambda level, i: tree_root(leaves[i << level : (i + 1) << level]))
    assert root({1: leaves[1], 3: leaves[3]}, 5, proof) == tree_root(leaves)
    for shown, size, rest in (
        ({1: leaves[1], 5: leaves[3]}, 5, proof),
        ({}, 5, proof),
        ({1: leaves[1], 3: leaves[3]}, 5, proof[:-1]),
        ({1: leaves[1], 3: leaves[3]}, 5, [*proof, leaves[0]]),
        ({1: leaves[1], 3: leaves[3][:-1]}, 5, proof),
        ({1: leaves[1]}, 1 << 64, proof),
    ):
        with pytest.raises(ProofError):
            root(shown, size, rest)


def test_a_file_without_measure_is_refused_unread():
    with pytest.raises(StatementError, match="too long"):
        parse_canonical(bytes(MAX_BYTES + 1))


# Erasure


def erasure(world, before, after, erased, face, later=None):
    """A certificate over two trees that the operator chose."""
    fields = {"n": erased, "o": b64url(before.head().hash), "w": b64url(after.head().hash)}
    index = world.append("era", None, fields)
    head = None
    if later is not None:
        maps = CollectionMap(world.vrf)
        for name in later:
            maps.put(ANN, name, after.head())
        at = world.append("map", None, maps.head_fields(len(world.envelopes)))
        proof, path = maps.path(collection_name(ANN, "c"))
        head = Later(
            PlacedEntry(at, world.entry(at)), proof, encode_path(path), encode_path(after.path(face_place(face)))
        )
    world.publish()
    indexes = [index] + ([head.head.index] if head else [])
    return Certificate(
        ANN,
        "c",
        face,
        world.checkpoint(),
        PlacedEntry(index, world.entry(index)),
        encode_path(before.path(face_place(face))),
        encode_path(after.path(face_place(face))),
        tuple(multiproof.make(indexes, len(world.envelopes), world.node)),
        head,
    )


def faces(*names):
    tree = FaceTree()
    for name in names:
        tree.add(name)
    return tree


@pytest.mark.parametrize(
    ("before", "after", "erased", "reason"),
    [
        (("a", "b"), ("a", "b"), 0, "still in the index"),
        (("a",), ("a",), 1, "was not in the index before"),
        (("a", "b", "c"), ("a",), 1, "another number"),
        (("b",), (), 2, "another number"),
    ],
)
def test_an_era_entry_that_records_no_such_erasure(world, before, after, erased, reason):
    certificate = erasure(world, faces(*before), faces(*after), erased, "b")
    verdict = verify_certificate(encode_file(certificate), world.policy())
    assert verdict.word == "INVALID"
    assert reason in verdict.reasons[0]


def test_a_later_head_without_the_collection(world):
    good = erasure(world, faces("a", "b"), faces("a"), 1, "b", later=["c", "d"])
    assert verify_certificate(encode_file(good), world.policy()).word == "ABSENT"
    bad = erasure(world, faces("a", "b"), faces("a"), 1, "b", later=["d"])
    assert "not in the later map" in verify_certificate(encode_file(bad), world.policy()).reasons[0]


# Invoices


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lines": None}, "'lines' is no list"),
        ({"lines": [{"amount": "NaN"}]}, "'parts' is missing"),
        ({"sum": "-1"}, "no decimal number"),
    ],
)
def test_bills_of_a_wrong_form_that_the_log_commits_to(world, change, reason):
    prices = parse_prices(json.loads(default_prices()))
    run = bill_month(Month(2026, 1), UseTally.of(world.uses(0, 99)), prices, lambda: bytes(16))
    bill = {**run.bills[ANN], **change}
    tree = SumTree()
    tree.put(bill_key(bill), Value(bill["uses"], bill["total"], bill_key(bill)))
    head = tree.head()
    index = world.append("bil", None, {**run.fields, "n": head.count, "s": head.units, "r": b64url(head.hash)})
    world.close()
    behind = PlacedEntry(world.head, world.entry(world.head))
    proof = tuple(multiproof.make([index, world.head], len(world.envelopes), world.node))
    path = encode_path(tree.path(bill_key(bill)))
    made = Invoice(bill, world.checkpoint(), PlacedEntry(index, world.entry(index)), path, proof, behind)
    verdict = verify_invoice(encode_file(made), world.policy())
    assert verdict.word == "INVALID"
    assert reason in verdict.reasons[0]
    no_run = dataclasses.replace(
        made,
        entry=PlacedEntry(0, world.entry(0)),
        proof=tuple(multiproof.make([0, world.head], len(world.envelopes), world.node)),
    )
    assert "no invoice run" in verify_invoice(encode_file(no_run), world.policy()).reasons[0]
    moved = dataclasses.replace(made, entry=PlacedEntry(index, world.entry(0)))
    assert "not in the log" in verify_invoice(encode_file(moved), world.policy()).reasons[0]

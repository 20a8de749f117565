"""Statements of presence and absence: what an honest operator can show, and what a dishonest one cannot."""

import base64
import dataclasses
import hashlib
import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.ledger.prover.files import encode_file, wrap
from custodes.ledger.prover.invoices.default_prices import default_prices
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.tree import head_fields
from custodes.ledger.prover.ports import opened_use
from custodes.ledger.tlog.entry import b64url, from_b64url
from custodes.ledger.tlog.merkle import leaf_hash, tree_root
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import PlacedEntry, StatementError, canonical
from custodes.ledger.verifier.public_log import log_check
from custodes.ledger.verifier.report import as_json, render
from custodes.ledger.verifier.statement import ShownUse, parse
from custodes.ledger.verifier.uncertainty import ShownDestruction
from custodes.ledger.verifier.verdict import Word, verify

pytestmark = pytest.mark.slow

ANN, BEN, EVE = "acct:100000000001", "acct:100000000002", "acct:100000000003"
START, MINUTE = 1_767_225_600_000, 60_000


def words(world, statement, **how):
    return verify(encode_file(statement), world.policy(how.pop("need", None)), **how).word


def remade(statement, change):
    """The file with ``change`` made to its JSON and the checksum computed anew, as a forger would."""
    inner = json.loads(encode_file(statement))["statement"]
    change(inner)
    return wrap("statement", inner)


def test_a_customer_is_present_with_all_uses_and_totals(world):
    verdict = verify(encode_file(world.statement(ANN)), world.policy(), world.whole_log)
    assert verdict.word is Word.PRESENT
    uses = verdict.evidence.uses
    assert [use.index for use in uses] == [use.index for use in world.uses_of("100000000001", 10**6)]
    assert sum(use.units for use in uses) == verdict.evidence.value.units
    assert all(use.facts["acct"] == "100000000001" for use in uses)


def test_a_stranger_is_absent(world):
    verdict = verify(encode_file(world.statement(EVE)), world.policy(), world.whole_log)
    assert verdict.word is Word.ABSENT
    assert verdict.evidence.totals_checked


def test_a_customer_without_uses_in_the_period_is_absent_there_and_the_text_says_so(world):
    later = START + 24 * MINUTE
    verdict = verify(encode_file(world.statement(BEN, later, later + 1)), world.policy())
    assert verdict.word is Word.ABSENT
    assert "4 uses are outside this period" in render(verdict)


def test_uses_outside_the_period_are_shown_without_their_bodies(world):
    statement = world.statement(ANN, START + 10 * MINUTE, START + 20 * MINUTE)
    verdict = verify(encode_file(statement), world.policy())
    assert verdict.word is Word.PRESENT
    inside = [use for use in world.uses_of("100000000001", 99) if START + 10 * MINUTE <= use.t < START + 20 * MINUTE]
    assert [use.index for use in verdict.evidence.uses] == [use.index for use in inside]
    assert sum(use.body is not None for use in statement.uses) == len(inside) < len(statement.uses)


def test_an_open_account_without_use_is_absent(world):
    world.accounts.open("100000000003")
    world.close()
    verdict = verify(encode_file(world.statement(EVE)), world.policy())
    assert verdict.word is Word.ABSENT
    assert "The log knows it: 0 uses" in render(verdict)


def test_a_head_that_lags_behind_covers_the_time_until_its_first_uncovered_entry(world):
    world.close(gap=3)
    statement = world.statement(ANN)
    assert statement.next.index == statement.head.index - 3
    evidence = verify(encode_file(statement), world.policy()).evidence
    assert evidence.covered_until == START + statement.next.index * MINUTE
    world.close()
    late = dataclasses.replace(statement.question, end=evidence.covered_until + 1)
    assert words(world, dataclasses.replace(statement, question=late)) is Word.UNDETERMINED


def test_erased_bodies_are_counted_but_not_described(world):
    statement = world.statement(ANN)
    closed = dataclasses.replace(statement, uses=tuple(ShownUse(u.index, u.envelope) for u in statement.uses))
    verdict = verify(encode_file(closed), world.policy())
    assert verdict.word is Word.UNDETERMINED
    assert "8 uses in the period (the first is entry 4) are shown without details, and no entry" in render(verdict)


def destruction(world, account, entries, head=None):
    body = {"acct": account, "entries": entries, "reason": "asked for", "rule": "r"}
    fields = {"m": world.head if head is None else head, "n": len(entries), "x": "r"}
    index = world.append("del", None, fields, body)
    world.close()
    return index


def closed_statement(world):
    """With no bodies, and the destructions that the log has."""
    honest = world.statement(ANN)
    closed = tuple(ShownUse(use.index, use.envelope) for use in honest.uses)
    found = [one for one in world.deletions() if b'"acct":"%b"' % ANN.removeprefix("acct:").encode() in one.body]
    shown = tuple(
        ShownDestruction(
            PlacedEntry(one.index, one.envelope),
            one.salt,
            one.body,
            PlacedEntry(at := json.loads(one.envelope)["m"], world.entry(at)),
        )
        for one in found
    )
    indexes = {honest.head.index, *(use.index for use in closed)}
    indexes |= {each.index for one in shown for each in (one.entry, one.head)}
    proof = tuple(multiproof.make(sorted(indexes), len(world.envelopes), world.node))
    return dataclasses.replace(honest, uses=closed, destroyed=shown, proof=proof)


def test_destroyed_bodies_are_counted_but_not_described(world):
    destruction(world, ANN.removeprefix("acct:"), [use.index for use in world.statement(ANN).uses])
    verdict = verify(encode_file(closed_statement(world)), world.policy())
    assert verdict.word is Word.PRESENT
    assert (verdict.evidence.destroyed, verdict.evidence.withheld) == (8, ())
    assert "8 of these uses are shown without details" in render(verdict)


def test_destructions_that_do_not_cover_what_is_gone(world):
    mine = [use.index for use in world.statement(ANN).uses]
    destruction(world, ANN.removeprefix("acct:"), mine[:-1])
    assert words(world, closed_statement(world)) is Word.UNDETERMINED
    good = closed_statement(world)
    assert words(world, dataclasses.replace(good, destroyed=())) is Word.INVALID  # the proof shows more than is there


@pytest.mark.parametrize("lie", ["other account", "later head", "no head"])
def test_destructions_that_are_none(world, lie):
    mine = [use.index for use in world.statement(ANN).uses]
    head = {"later head": len(world.envelopes) + 1, "no head": 3}.get(lie)
    account = "100000000002" if lie == "other account" else ANN.removeprefix("acct:")
    index = destruction(world, account, mine, head)
    if lie == "other account":
        statement = closed_statement(world)
        at = json.loads(world.entry(index))["m"]
        salt = hashlib.sha256(b"salt %d" % index).digest()[:16]
        body = canonical({"acct": account, "entries": mine, "reason": "asked for", "rule": "r"})
        shown = ShownDestruction(PlacedEntry(index, world.entry(index)), salt, body, PlacedEntry(at, world.entry(at)))
        indexes = {statement.head.index, index, at, *(use.index for use in statement.uses)}
        proof = tuple(multiproof.make(sorted(indexes), len(world.envelopes), world.node))
        statement = dataclasses.replace(statement, destroyed=(shown,), proof=proof)
    else:
        statement = closed_statement(world)
    assert words(world, statement) is Word.INVALID


# Sound files that are no answer


@pytest.mark.parametrize(
    "identifier", ["acct:1", "acct:10000000000a", "acct: 100000000001", "ACCT:100000000001", "x:1"]
)
def test_an_identifier_that_is_not_canonical(world, identifier):
    honest = world.statement(EVE)
    odd = dataclasses.replace(honest, question=dataclasses.replace(honest.question, identifier=identifier))
    assert words(world, odd) is Word.UNDETERMINED
    with pytest.raises(StatementError):
        world.statement(identifier)


def test_a_period_after_the_head(world):
    assert words(world, world.statement(EVE, None, world.t + MINUTE)) is Word.UNDETERMINED
    assert words(world, world.statement(EVE, world.t + MINUTE)) is Word.UNDETERMINED
    assert words(world, world.statement(EVE, START + 1, START + 1)) is Word.UNDETERMINED


def test_witnesses_that_saw_the_log_before_the_period_was_over(world):
    # Attack: the operator sets the clock ahead, closes a head "for tomorrow", and has it confirmed today.
    end = START + 20 * MINUTE
    world.publish(time=end // 1000 - 2)
    assert words(world, world.statement(EVE, None, end)) is Word.UNDETERMINED
    # The log says that the period is over by five minutes, when the witnesses' clocks say that it ends now.
    world.publish(time=end // 1000)
    assert words(world, world.statement(EVE, None, end)) is Word.UNDETERMINED
    world.publish(time=world.t // 1000)
    assert words(world, world.statement(EVE, None, end)) is Word.ABSENT


def test_too_few_witnesses(make_world, world):
    statement = world.statement(EVE)
    lonely = dataclasses.replace(statement, checkpoint=b"".join(statement.checkpoint.splitlines(keepends=True)[:-1]))
    assert words(world, lonely) is Word.UNDETERMINED
    assert words(world, lonely, need=1) is Word.ABSENT
    assert "asks for no witnesses" in render(verify(encode_file(lonely), world.policy(need=0)))


# Forgeries


def test_dropping_or_changing_a_use(world):
    statement = world.statement(ANN)
    uses = statement.uses
    for forged in (uses[:-1], uses[1:], uses[:3] + uses[4:], uses[::-1], uses + uses[-1:], ()):
        assert words(world, dataclasses.replace(statement, uses=forged)) is Word.INVALID
    body = json.loads(uses[0].body)
    body["op"] = "DetectText"
    changed = dataclasses.replace(uses[0], body=canonical(body))
    assert words(world, dataclasses.replace(statement, uses=(changed, *uses[1:]))) is Word.INVALID


def test_an_answer_for_somebody_else(world):
    absent, present = world.statement(EVE), world.statement(ANN)
    relabelled = dataclasses.replace(absent, question=present.question)
    assert words(world, relabelled) is Word.INVALID
    swapped = dataclasses.replace(present, path=absent.path, uses=())
    assert words(world, swapped) is Word.INVALID


def test_another_head_another_log_another_key(world, make_world):
    statement = world.statement(EVE)
    other = make_world(b"other")
    other.use("100000000001")
    other.close()
    assert words(world, other.statement(EVE)) is Word.INVALID
    assert words(world, dataclasses.replace(statement, checkpoint=other.checkpoint())) is Word.INVALID
    shifted = dataclasses.replace(statement, head=dataclasses.replace(statement.head, index=statement.head.index - 1))
    assert words(world, shifted) is Word.INVALID


def test_a_head_that_claims_to_cover_more_than_it_could(world):
    fields = {**world.accounts.head_fields(), "n": len(world.envelopes) + 5}
    world.head = world.append("map", None, fields)
    world.publish()
    statement = world.statement
    with pytest.raises(IndexError):
        statement(EVE)
    world.head -= 1
    honest = statement(EVE)
    forged = dataclasses.replace(honest, next=dataclasses.replace(honest.head))
    assert words(world, forged) is Word.INVALID


def cheat(world, relabel):
    """Let the operator rebuild the whole map in the way it suits, and get it signed and witnessed."""
    world.relabel = relabel
    world.accounts = AccountMap(world.vrf)
    world.close()


def test_usage_left_out_of_its_account_is_found_by_the_public_totals(world):
    cheat(world, {use.index: None for use in world.uses_of("100000000002", 99)})
    statement = world.statement(BEN)
    assert words(world, statement) is Word.ABSENT  # the lie, as the file alone tells it
    verdict = verify(encode_file(statement), world.policy(), world.whole_log)
    assert verdict.word is Word.INVALID
    assert "left out or invented" in verdict.reasons[0]


def test_omit_one_and_count_another_twice_fails_when_the_other_account_asks(world):
    first = next(iter(world.uses_of("100000000002", 99)))
    cheat(world, {first.index: "100000000001"})
    verdict = verify(encode_file(world.statement(BEN)), world.policy(), world.whole_log)
    assert verdict.word is Word.PRESENT  # the totals fit, and one use is missing: the attack works on this file
    assert first.index not in [use.index for use in verdict.evidence.uses]
    # But the use that was moved names its real account, in words that were committed to when it was made.
    verdict = verify(encode_file(world.statement(ANN)), world.policy())
    assert verdict.word is Word.INVALID
    assert "made by another one" in verdict.reasons[0]


def test_a_use_counted_twice_in_one_account_is_refused(world):
    statement = world.statement(ANN)
    doubled = tuple(sorted((*statement.uses, statement.uses[0]), key=lambda use: use.index))
    assert words(world, dataclasses.replace(statement, uses=doubled)) is Word.INVALID


def test_a_second_place_for_a_name_needs_a_second_vrf_proof(world):
    other = vrf.secret_key(bytes(32))
    forged = dataclasses.replace(world.statement(ANN), vrf=vrf.prove(other, ANN.encode()), uses=())
    assert words(world, forged) is Word.INVALID


def test_a_head_of_another_map(world):
    fields = head_fields("party", len(world.envelopes), world.accounts.head(), world.vrf.public)
    world.head = world.append("map", None, fields)
    world.publish()
    assert words(world, world.statement(EVE)) is Word.INVALID


def test_public_entries_of_another_log_do_not_confirm_totals(world):
    statement = encode_file(world.statement(EVE))
    assert (
        verify(statement, world.policy(), log_check(lambda size: list(world.entries(size))[:-1])).word is Word.INVALID
    )
    assert verify(statement, world.policy(), log_check(lambda size: list(world.entries(size))[1:])).word is Word.INVALID
    changed = [(i, e if i else world.envelopes[1]) for i, e in world.entries(len(world.envelopes))]
    assert verify(statement, world.policy(), log_check(lambda size: changed)).word is Word.INVALID


# Every bit


def test_every_single_bit_flip_is_rejected_exhaustively(make_world):
    world = make_world()
    world.use("100000000001")
    world.use("100000000002")
    world.close()
    data = encode_file(world.statement(EVE))
    policy = world.policy()
    accepted = []
    for at in range(len(data)):
        for bit in range(8):
            flipped = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            if verify(flipped, policy).word in (Word.ABSENT, Word.PRESENT):
                accepted.append((at, bit))
    assert accepted == []


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_bit_flip_in_a_statement_of_presence_is_rejected(data, session_statement):
    raw, policy = session_statement
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    flipped = raw[: bit // 8] + bytes([raw[bit // 8] ^ 1 << bit % 8]) + raw[bit // 8 + 1 :]
    assert verify(flipped, policy).word is Word.INVALID


@pytest.fixture(scope="module")
def session_statement(request):
    world = request.getfixturevalue("busy_world")
    return encode_file(world.statement(ANN, START, None, json.loads(default_prices()))), world.policy()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_flips_under_a_new_checksum_never_change_the_answer(data, session_statement):
    """The checksum is no protection against a forger, so what it covers has to hold by itself."""
    raw, policy = session_statement
    honest = verify(raw, policy)
    field = data.draw(st.sampled_from(["proof", "vrf", "path", "checkpoint"]))
    inner = json.loads(raw)["statement"]
    packed = bytearray(inner[field].encode() if field == "checkpoint" else from_b64url(inner[field]))
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    packed[bit // 8] ^= 1 << bit % 8
    inner[field] = packed.decode(errors="replace") if field == "checkpoint" else b64url(bytes(packed))
    verdict = verify(wrap("statement", inner), policy)
    assert verdict.word in (Word.INVALID, Word.UNDETERMINED)
    assert honest.word is Word.PRESENT


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered_calmly(junk):
    from custodes.ledger.tlog.trust import parse_policy

    assert verify(junk, parse_policy(b"quorum none\n")).word is Word.INVALID


# The file


def test_a_statement_goes_round(world):
    for statement in (world.statement(ANN, START, None, json.loads(default_prices())), world.statement(EVE)):
        assert parse(encode_file(statement)) == statement
        assert encode_file(parse(encode_file(statement))) == encode_file(statement)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data + b"\n", "canonical"),
        (lambda data: b" " + data, "canonical"),
        (lambda data: data.replace(b'"v":1,', b'"v":1,"v":1,'), "canonical"),
        (lambda data: data.replace(b'"v":1,', b'"v":1.0,'), "not JSON"),
        (lambda data: data.replace(b'"v":1,', b'"v":NaN,'), "not JSON"),
        (lambda data: data.replace(b'"v":1,', b'"v":99999999999999999999,'), "too large"),
        (lambda data: data.replace(b'"v":1,', b'"v":2,'), "damaged"),
        (lambda data: data[:-1], "not JSON"),
        (lambda data: b"[" * 100_000, "not JSON"),
        (lambda data: b"[" * 50 + b"]" * 50, "too deeply"),
        (lambda data: b'{"\xc3\xa9":1}', "ASCII"),
        (lambda data: b'"\\ud800"', "half a character"),
        (lambda data: b"\xff", "not JSON"),
    ],
)
def test_other_spellings_are_refused(world, change, reason):
    with pytest.raises(StatementError, match=reason):
        parse(change(encode_file(world.statement(EVE))))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda inner: inner.update(v=2), "version"),
        (lambda inner: inner.update(extra=1), "no place"),
        (lambda inner: inner.pop("vrf"), "missing"),
        (lambda inner: inner.update(vrf="A"), "base64"),
        (lambda inner: inner.update(vrf=1), "no text"),
        (lambda inner: inner.update(proof="AAAA"), "row of hashes"),
        (lambda inner: inner.update(uses={}), "no list"),
        (lambda inner: inner.update(prices=3), "price list"),
        (lambda inner: inner["question"].update({"from": -1}), "no count"),
        (lambda inner: inner["question"].update({"from": True}), "no count"),
        (lambda inner: inner["head"].update(x=1), "no place"),
        (lambda inner: inner.update(head=[]), "object"),
    ],
)
def test_other_shapes_are_refused_even_with_a_fitting_checksum(world, change, reason):
    with pytest.raises(StatementError, match=reason):
        parse(remade(world.statement(EVE), change))


def test_a_long_key_or_text_in_the_file_cannot_draw_a_verdict(world):
    world.use("100000000003", op="x\nABSENT: all is well\x1b[2J")
    world.close()
    text = render(verify(encode_file(world.statement(EVE)), world.policy()))
    assert not any(line.startswith("ABSENT") for line in text.splitlines())
    assert "\x1b" not in text


# Money and words


def test_money_is_what_the_uses_say(world):
    for price in ("0.001", "0.0008"):
        world.use("100000000003", price=price, currency="USD")
    world.close()
    verdict = verify(encode_file(world.statement(EVE)), world.policy())
    assert "Price recorded with the uses: 0.0018 USD" in render(verdict)
    assert as_json(verdict)["money"] == {"USD": "0.0018"}


def test_without_recorded_prices_the_price_list_in_the_file_is_applied_and_named_as_unproven(world):
    text = render(verify(encode_file(world.statement(ANN, None, None, json.loads(default_prices()))), world.policy()))
    assert "not proven" in text
    units = {"group-1": 0, "group-2": 0}
    for use in world.uses_of("100000000001", 99):
        units["group-1" if use.facts["op"] in ("SearchFacesByImage", "CompareFaces") else "group-2"] += use.units
    total = sum(units.values())
    assert f"Sum: {total / 1000:.4f} USD" in text


def test_every_verdict_says_what_it_does_not_show(world):
    for identifier in (ANN, EVE):
        for entries in (None, world.whole_log):
            text = render(verify(encode_file(world.statement(identifier)), world.policy(), entries))
            assert text.split()[0] in ("PRESENT", "ABSENT")
            assert "What this does not show" in text
            assert "behind an identifier" in text


# The command


@pytest.fixture
def files(tmp_path, world):
    def write(statement, need=None):
        (tmp_path / "s.json").write_bytes(statement if isinstance(statement, bytes) else encode_file(statement))
        (tmp_path / "trust.policy").write_text(world.policy_text(need))
        return [str(tmp_path / "s.json"), "--trust", str(tmp_path / "trust.policy")]

    return write


def run(command, *arguments):
    done = subprocess.run([*command, "verify", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout.split()[0]


MODULE = [sys.executable, "-m", "custodes.ledger"]


def test_first_word_and_exit_status_of_the_command(world, files):
    assert run(MODULE, *files(world.statement(ANN))) == (0, "PRESENT")
    assert run(MODULE, *files(world.statement(EVE))) == (0, "ABSENT")
    assert run(MODULE, *files(world.statement(EVE, None, world.t * 2))) == (2, "UNDETERMINED")
    assert run(MODULE, *files(b"junk")) == (1, "INVALID")
    missing = [*MODULE, "verify", "missing.json", *files(b"junk")[1:]]
    done = subprocess.run(missing, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, "there is no file missing.json" in done.stderr) == (2, "", True)


def test_the_zipapp_says_the_same_without_our_package(world, files, tmp_path):
    from custodes.ledger.prover.verifier_zipapp import build

    build(tmp_path / "verify.pyz")
    build(tmp_path / "again.pyz")
    assert (tmp_path / "verify.pyz").read_bytes() == (tmp_path / "again.pyz").read_bytes()
    alone = [sys.executable, "-I", str(tmp_path / "verify.pyz")]
    assert run(alone, *files(world.statement(ANN))) == (0, "PRESENT")
    assert run(alone, *files(world.statement(EVE))) == (0, "ABSENT")


def test_the_verifier_imports_only_what_the_zipapp_holds():
    code = "import sys; import custodes.ledger.__main__; print(*(n for n in sys.modules if n.startswith('custodes.')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    rooms = {name.split(".")[2] for name in found if name.count(".") >= 2}
    assert rooms == {"__main__", "tlog", "verifier"}


def test_public_files_of_the_log_can_be_checked_along(world, files, tmp_path):
    from custodes.ledger.tlog.tiles import bundle_path
    from custodes.ledger.tree.tiles import encode_bundle

    arguments = files(world.statement(EVE))
    bundle = tmp_path / "ledger" / bundle_path(0, len(world.envelopes))
    bundle.parent.mkdir(parents=True)
    bundle.write_bytes(encode_bundle(world.envelopes))
    assert run(MODULE, *arguments, "--ledger", str(tmp_path / "ledger")) == (0, "ABSENT")
    bundle.write_bytes(encode_bundle([*world.envelopes[:-1], world.envelopes[0]]))
    assert run(MODULE, *arguments, "--ledger", str(tmp_path / "ledger")) == (1, "INVALID")
    bundle.unlink()
    assert run(MODULE, *arguments, "--ledger", str(tmp_path / "ledger")) == (2, "UNDETERMINED")


# The account map over time


def test_the_state_of_the_account_map_survives_a_restart(world):
    kept = AccountMap.load(world.vrf, world.accounts.dump())
    assert (kept.size, len(kept), kept.head()) == (world.accounts.size, len(world.accounts), world.accounts.head())
    for operator in (kept, world.accounts):
        operator.advance([], kept.size)
    world.use("100000000001")
    new = list(world.uses(kept.size, len(world.envelopes)))
    for operator in (kept, world.accounts):
        operator.advance(new, len(world.envelopes))
    assert kept.head() == world.accounts.head()


def test_the_account_map_refuses_uses_out_of_order(world):
    uses = list(world.uses(0, len(world.envelopes)))
    with pytest.raises(ValueError, match="out of order"):
        AccountMap(world.vrf).advance(uses[::-1], len(world.envelopes))
    with pytest.raises(ValueError, match="out of order"):
        world.accounts.advance(uses[:1], len(world.envelopes))
    with pytest.raises(ValueError, match="cut off"):
        AccountMap.load(world.vrf, world.accounts.dump()[:-1])
    with pytest.raises(ValueError, match="another key"):
        AccountMap.load(vrf.secret_key(bytes(32)), world.accounts.dump())


def test_a_use_is_opened_against_its_commitment(world):
    index = next(iter(world.bodies))
    salt, body = world.bodies[index]
    with pytest.raises(Exception, match="committed"):
        opened_use(index, world.envelopes[index], salt, body + b" ")
    with pytest.raises(ValueError, match="no use"):
        opened_use(0, world.envelopes[0], salt, body)


def test_base64_and_roots_are_those_of_the_log(world):
    # The statement's checkpoint is the C2SP one, so any other tool can follow from here.
    lines = parse(encode_file(world.statement(EVE))).checkpoint.decode().split("\n")
    assert int(lines[1]) == len(world.envelopes)
    assert base64.b64decode(lines[2]) == tree_root([leaf_hash(e) for e in world.envelopes])

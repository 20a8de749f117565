"""Each head proves that it continues the one before; an operator who moves, drops or invents uses cannot."""

import dataclasses
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.ledger.prover.files import encode_growth
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.ports import Use
from custodes.ledger.tlog.entry import Entry
from custodes.ledger.tlog.merkle import leaf_hash
from custodes.ledger.verifier.maps.growth import MapGrowth, check_growth, parse_growth
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, MapHead
from custodes.ledger.verifier.maps.proof import MapError, MapNode

KEY = vrf.secret_key(hashlib.sha256(b"growth").digest())


def use(index, account):
    envelope = Entry("use", 1_767_225_600_000 + index, 1 + index % 3, None, {"a": 0}).encode()
    return Use(index, envelope, account, 1_767_225_600_000 + index, 1 + index % 3)


def head(accounts):
    return MapHead(ACCOUNT_MAP, accounts.size, accounts.head(), accounts.public)


def public(uses):
    return {one.index: (leaf_hash(one.envelope), one.units) for one in uses}


def rounds(script):
    """Heads with their proofs over a script: per round, whose uses came."""
    accounts, last, index = AccountMap(KEY), None, 0
    for owners in script:
        uses = [use(index + at, f"{owner:012d}") for at, owner in enumerate(owners)]
        index += len(uses) + 1
        growth = accounts.grow(uses, index)
        new = head(accounts)
        yield last, new, growth, public(uses)
        last = new


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), max_size=30), min_size=1, max_size=6))
def test_every_head_of_any_history_continues_the_one_before(script):
    for old, new, growth, uses in rounds(script):
        assert parse_growth(encode_growth(growth)) == growth
        check_growth(old, new, growth, uses)


@pytest.fixture(scope="module")
def history():
    return list(rounds([[*range(30)], [1, 1, 31], [2, 32, 33, 34], [1]]))


def test_no_proof_fits_another_step_or_other_uses(history):
    for at, (old, new, growth, uses) in enumerate(history):
        others = [each for number, each in enumerate(history) if number != at]
        for wrong_old, wrong_new, wrong_growth, wrong_uses in others:
            for step in (
                (wrong_old, new, growth, uses),
                (old, wrong_new, growth, uses),
                (old, new, wrong_growth, uses),
                (old, new, growth, wrong_uses),
            ):
                with pytest.raises(MapError):
                    check_growth(*step)


def cheats(growth):
    places, siblings = growth.places, growth.siblings
    one = next(at for at, place in enumerate(places) if place.added)

    def with_place(**change):
        return (*places[:one], dataclasses.replace(places[one], **change), *places[one + 1 :])

    yield MapGrowth(places[:one] + places[one + 1 :], siblings)
    yield MapGrowth(places[::-1] if len(places) > 1 else (), siblings)
    yield MapGrowth(with_place(units=places[one].units + 1), siblings)
    yield MapGrowth(with_place(added=places[one].added[1:]), siblings)
    yield MapGrowth(with_place(added=places[one].added * 2), siblings)
    yield MapGrowth(with_place(added=(*places[one].added, 10**6)), siblings)
    yield MapGrowth(with_place(depth=places[one].depth + 1), siblings)
    yield MapGrowth(with_place(place=bytes([places[one].place[0] ^ 0x80]) + places[one].place[1:]), siblings)
    yield MapGrowth(places, siblings[1:])
    yield MapGrowth(places, (*siblings, MapNode(bytes(32), 0, 0)))
    yield MapGrowth(places, tuple(dataclasses.replace(node, units=node.units + 1) for node in siblings))


def test_no_changed_proof_is_accepted(history):
    old, new, growth, uses = history[2]
    for cheat in cheats(growth):
        assert cheat != growth
        with pytest.raises(MapError):
            check_growth(old, new, cheat, uses)
    data = encode_growth(growth)
    for at in range(len(data)):
        mutated = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(MapError):
            check_growth(old, new, parse_growth(mutated), uses)


@pytest.mark.parametrize("lie", ["moved", "dropped", "invented"])
def test_an_operator_who_rewrites_the_past_finds_no_proof(lie):
    """Between two heads a use of Ann's is moved to Eve; the honest prover's proof of the new map does not fit."""
    first = [use(at, "000000000001" if at % 2 else "000000000002") for at in range(6)]
    honest = AccountMap(KEY)
    honest.advance(first, 7)
    old = head(honest)
    owners = {"moved": lambda one: "000000000003" if one.index == 1 else one.account}.get(lie, lambda one: one.account)
    kept = [dataclasses.replace(one, account=owners(one)) for one in first if lie != "dropped" or one.index != 1]
    lying = AccountMap(KEY)
    lying.advance(kept, 7)
    fresh = [use(8, "000000000001")]
    growth = lying.grow([*fresh, use(9, "000000000001")] if lie == "invented" else fresh, 10)
    with pytest.raises(MapError):
        check_growth(old, head(lying), growth, public(fresh))

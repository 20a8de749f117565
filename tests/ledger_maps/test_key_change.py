"""A change of the VRF key by an operator who uses it to drop, exchange or shorten what a name had."""

import base64
import dataclasses

import pytest

from custodes.ledger.prover.files import encode_file, encode_moved
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.tlog.trust import parse_policy
from custodes.ledger.verifier.maps.growth import check_moved
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, MapHead
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.statement import ShownUse
from custodes.ledger.verifier.verdict import Word, verify

ANN, BEN, EVE = "100000000001", "100000000002", "100000000003"


def busy(world):
    for account in (ANN, BEN, ANN, BEN, BEN):
        world.use(account)
    return world


def credited(world, owners):
    """A first map under the new key in which the uses belong to whom ``owners`` says; None leaves them out."""

    def moved(accounts, key, _places):
        uses = list(world.uses(0, accounts.size))
        world.relabel = {use.index: owners[use.account] for use in uses if use.account in owners}
        lying = AccountMap(key)
        lying.advance(world.uses(0, accounts.size), accounts.size)
        return lying

    return moved


def judged(world, statement, entries=False):
    found = verify(encode_file(statement), world.policy(), world.whole_log if entries else None)
    return found.word, " ".join(found.reasons)


def test_an_honest_change_changes_no_answer(make_world):
    world = busy(make_world())
    for _ in range(3):
        world.change_key()
        world.use(ANN)
        world.close()
        for account, word in ((ANN, Word.PRESENT), (BEN, Word.PRESENT), (EVE, Word.ABSENT)):
            assert judged(world, world.statement(f"acct:{account}"), entries=True)[0] is word
    assert len(world.statement(f"acct:{ANN}").changes) == 3


def test_an_account_that_is_dropped_is_not_absent(make_world):
    world = busy(make_world())
    world.change_key(credited(world, {ANN: None}))
    claim = world.statement(f"acct:{ANN}")
    gone = dataclasses.replace(claim, uses=())
    assert judged(world, gone) == (
        Word.INVALID,
        "under the VRF key of before, the map had something else under this name",
    )
    word, text = judged(world, dataclasses.replace(gone, changes=()))
    assert (word is Word.INVALID and "proof" in text) or "another VRF key" in text
    word, text = judged(world, world.statement(f"acct:{BEN}"), entries=True)
    assert word is Word.INVALID and "left out or invented" in text, "whoever counts sees it in any statement"


def test_accounts_that_are_exchanged_are_both_refused(make_world):
    world = busy(make_world())
    world.change_key(credited(world, {ANN: BEN, BEN: ANN}))
    for account in (ANN, BEN):
        word, text = judged(world, world.statement(f"acct:{account}"))
        assert word is Word.INVALID and "made by another one" in text
    # Without their bodies nothing says whose the uses are, but the past does.
    for account in (ANN, BEN):
        bare = world.statement(f"acct:{account}")
        bare = dataclasses.replace(bare, uses=tuple(ShownUse(use.index, use.envelope) for use in bare.uses))
        assert "something else under this name" in judged(world, bare)[1]


def test_somebody_elses_past_is_not_ones_own(make_world):
    world = busy(make_world())
    world.change_key(credited(world, {ANN: None}))
    claim = dataclasses.replace(world.statement(f"acct:{ANN}"), uses=())
    eve = world.statement(f"acct:{EVE}").changes
    borrowed = tuple(
        dataclasses.replace(own, vrf=one.vrf, path=one.path) for own, one in zip(claim.changes, eve, strict=True)
    )
    assert judged(world, dataclasses.replace(claim, changes=borrowed))[0] is Word.INVALID


def test_no_change_may_be_left_out_or_turned_round(make_world):
    world = busy(make_world())
    world.change_key()
    world.change_key()
    statement = world.statement(f"acct:{ANN}")
    assert judged(world, statement)[0] is Word.PRESENT
    first, second = statement.changes
    for changes in ((first,), (second,), (second, first), (first, first, second), ()):
        assert judged(world, dataclasses.replace(statement, changes=changes))[0] is Word.INVALID
    swapped = dataclasses.replace(first, head=second.head), dataclasses.replace(second, head=first.head)
    assert judged(world, dataclasses.replace(statement, changes=swapped))[0] is Word.INVALID


def test_a_change_without_an_entry_is_seen_by_whoever_has_the_log(make_world):
    world = busy(make_world())
    world.close()
    first = world.vrf
    honest = make_world(seed=b"other")
    world.vrf = honest.vrf
    world.accounts = AccountMap(honest.vrf)
    world.close()
    claim = world.statement(f"acct:{EVE}")
    assert judged(world, claim)[0] is Word.ABSENT, "nobody can tell from this file alone, without a key in the policy"
    assert "another VRF key" in judged(world, claim, entries=True)[1]
    policy = world.policy_text() + f"#vrf {base64.b64encode(first.public).decode()}\n"
    assert verify(encode_file(claim), parse_policy(policy.encode())).word is Word.INVALID


@pytest.mark.parametrize("since", ["entry", "earlier", "later"])
def test_a_policy_says_from_which_entry_on_a_key_holds(make_world, since):
    world = busy(make_world())
    first = world.vrf
    world.change_key()
    at = world.past[0][0] + {"entry": 0, "earlier": -1, "later": 1}[since]
    keys = [f"#vrf {base64.b64encode(key.public).decode()}" for key in (first, world.vrf)]
    policy = parse_policy(f"{world.policy_text()}{keys[0]}\n{keys[1]} {at}\n".encode())
    word = verify(encode_file(world.statement(f"acct:{ANN}")), policy).word
    assert word is (Word.PRESENT if since == "entry" else Word.INVALID)


def test_growth_over_a_change_shows_every_list_again(make_world):
    world = busy(make_world())
    world.close()
    old, key = world.accounts, make_world(seed=b"new").vrf
    new = old.moved(key, {})
    heads = [MapHead(ACCOUNT_MAP, one.size, one.head(), one.public) for one in (old, new)]
    proof = encode_moved(old.places_of(new))
    check_moved(*heads, proof)
    dropped = credited(world, {ANN: None})(old, key, {})
    lie = dataclasses.replace(heads[1], node=dropped.head())
    for wrong in ((heads[0], lie, proof), (heads[1], heads[0], proof), (*heads, proof[112:]), (*heads, proof[:-1])):
        with pytest.raises(MapError):
            check_moved(*wrong)
    for at in range(len(proof)):
        with pytest.raises(MapError):
            check_moved(*heads, proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :])

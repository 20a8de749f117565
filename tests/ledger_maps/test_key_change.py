"""A change of the VRF key by an operator who uses it to drop, exchange or shorten what a name had."""

import base64
import dataclasses
import json

import pytest

from custodes.ledger.prover.files import encode_file, encode_moved
from custodes.ledger.prover.maps import vrf as prover
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.tree import first_place
from custodes.ledger.prover.maps.vrf_keys import after
from custodes.ledger.tlog.entry import b64url, from_b64url
from custodes.ledger.tlog.trust import parse_policy
from custodes.ledger.verifier.maps.growth import check_moved
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP, MapHead
from custodes.ledger.verifier.maps.key_change_file import verify_key_change
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.verdict import Word, verify
from custodes.ledger.writer.body import canonical

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


def judged(world, statement, entries=False, policy=None):
    found = verify(encode_file(statement), policy or world.keyed_policy(), world.whole_log if entries else None)
    return found.word, " ".join(found.reasons)


def change_of(world, file, policy=None):
    found = verify_key_change(file, policy or world.policy())
    return found.word, " ".join(found.reasons)


def test_an_honest_change_changes_no_answer(make_world):
    world, sizes = busy(make_world()), []
    for number in range(5):
        world.change_key()
        world.use(ANN)
        world.close()
        for account, word in ((ANN, Word.PRESENT), (BEN, Word.PRESENT), (EVE, Word.ABSENT)):
            assert judged(world, world.statement(f"acct:{account}"), entries=True)[0] is word
        for at in range(number + 1):
            assert change_of(world, world.change_file(at), world.keyed_policy())[0] == "PRESENT"
        sizes.append(len(encode_file(world.statement(f"acct:{EVE}"))))
    assert max(sizes) - min(sizes) < 400, "a statement does not grow with the number of changes"


def test_whoever_names_no_key_is_not_told_an_absence_under_a_changed_one(make_world):
    world = busy(make_world())
    policy = world.policy()
    world.change_key()
    for account in (ANN, EVE):
        word, text = judged(world, world.statement(f"acct:{account}"), policy=policy)
        assert word is Word.UNDETERMINED and "check the file about that change" in text
    told_of_none = parse_policy(
        f"{world.policy_text()}#vrf {base64.b64encode(world.first_key.public).decode()}\n".encode()
    )
    assert judged(world, world.statement(f"acct:{EVE}"), policy=told_of_none)[0] is Word.INVALID


@pytest.mark.parametrize("shown", ["old", "new", "lent"])
@pytest.mark.parametrize("owners", [{ANN: None}, {ANN: BEN, BEN: ANN}, {ANN: EVE}, {BEN: ANN}])
def test_an_account_that_is_dropped_exchanged_or_merged_is_seen_in_the_file_about_the_change(make_world, owners, shown):
    """Whichever places the operator shows: those of before, those of behind, or those of before at other new places."""
    world = busy(make_world())

    def places(_honest, old, new, key):
        rows = []
        for name, value in dict((new if shown == "new" else old).values()).items():
            there = owners.get(name) or name if shown == "lent" else name
            was, here = (first_place(world.vrf, f"acct:{one}") for one in (name, there))
            rows.append({"b": b64url(was), "v": b64url(value.encode()), "y": b64url(prover.prove(key, here))})
        return canonical({"accounts": sorted(rows, key=lambda row: from_b64url(row["b"])), "parties": []})

    world.change_key(credited(world, owners), places=places)
    word, text = change_of(world, world.change_file())
    assert word == "INVALID" and ("do not lead to the head" in text or "does not belong" in text), text
    if None in owners.values():
        word, text = judged(world, world.statement(f"acct:{BEN}"), entries=True)
        assert word is Word.INVALID and "left out or invented" in text, "whoever counts sees it in any statement"


def test_the_first_key_is_the_same_for_ever(make_world):
    """Another first key gives every name another place: whoever chose it could have anybody unknown."""
    world = busy(make_world())
    world.change_key()
    honest = world.statement(f"acct:{ANN}")
    assert judged(world, honest)[0] is Word.PRESENT
    other = prover.secret_key(bytes(32))
    fake = dataclasses.replace(honest.change, first=other.public)
    assert "another first key" in judged(world, dataclasses.replace(honest, change=fake))[1]
    world.change_key(first=other.public)  # now the entry itself commits to another one
    lying = after(other, world.vrf)
    proof = prover.prove(other, f"acct:{ANN}".encode()) + prover.prove(lying, first_place(lying, f"acct:{ANN}"))
    claim = dataclasses.replace(world.statement(f"acct:{ANN}"), vrf=proof)
    assert "than your trust policy names" in judged(world, claim)[1]
    word, text = change_of(world, world.change_file())
    assert word == "INVALID" and "the first one" in text
    word, text = change_of(world, world.change_file(before=None))
    assert word == "INVALID"


def test_no_change_may_be_left_out_or_be_another(make_world):
    world = busy(make_world())
    world.change_key()
    first = world.statement(f"acct:{ANN}")
    world.change_key()
    statement = world.statement(f"acct:{ANN}")
    assert judged(world, statement)[0] is Word.PRESENT
    for change in (None, first.change, dataclasses.replace(statement.change, places=bytes(32))):
        assert judged(world, dataclasses.replace(statement, change=change))[0] is Word.INVALID
    for proof in (statement.vrf[:80], statement.vrf[80:], first.vrf, statement.vrf + bytes(80), b""):
        assert judged(world, dataclasses.replace(statement, vrf=proof))[0] is Word.INVALID
    somebody = world.statement(f"acct:{BEN}").vrf
    for proof in (statement.vrf[:80] + somebody[80:], somebody[:80] + statement.vrf[80:], somebody):
        assert judged(world, dataclasses.replace(statement, vrf=proof))[0] is Word.INVALID


def test_a_file_about_a_change_is_held_to_its_form(make_world):
    world = busy(make_world())
    world.change_key()
    world.change_key()
    for at in (0, 1):
        honest = json.loads(world.change_file(at))["vrf"]
        assert change_of(world, world.change_file(at))[0] == "PRESENT"
        for changed in (
            {"before": None if at else honest["entry"]},
            {"heads": honest["heads"][::-1]},
            {"heads": honest["heads"][:3]},
            {"accounts": honest["accounts"][:1]},
            {"accounts": honest["accounts"][::-1]},
            {"v": 1},
        ):
            assert change_of(world, world.change_file(at, **changed))[0] == "INVALID", changed


@pytest.mark.parametrize("what", ["turned", "twice", "lent", "bare", "left out"])
def test_places_that_an_entry_commits_to_are_still_checked(make_world, what):
    def places(honest, _old, _new, _key):
        rows = honest["accounts"]
        wrong = {
            "turned": rows[::-1],
            "twice": [rows[0], *rows],
            "lent": [{**row, "o": row["y"]} for row in rows],
            "bare": [{name: row[name] for name in row if name != "o"} for row in rows],
            "left out": rows[1:],
        }
        return canonical({"accounts": wrong[what], "parties": []})

    for before in (False, True):
        world = busy(make_world())
        if before:
            world.change_key()
        world.change_key(places=places)
        assert change_of(world, world.change_file())[0] == (
            "PRESENT" if (what, before) == ("bare", False) else "INVALID"
        )


def test_a_change_without_an_entry_is_seen_by_whoever_has_the_log(make_world):
    world = busy(make_world())
    world.close()
    first = world.vrf
    honest = make_world(seed=b"other")
    world.vrf = honest.vrf
    world.accounts = AccountMap(honest.vrf)
    world.close()
    claim = world.statement(f"acct:{EVE}")
    policy = world.policy()
    assert judged(world, claim, policy=policy)[0] is Word.ABSENT, "nobody can tell from this file alone, without a key"
    assert "another VRF key" in judged(world, claim, entries=True, policy=policy)[1]
    named = world.policy_text() + f"#vrf {base64.b64encode(first.public).decode()}\n"
    assert verify(encode_file(claim), parse_policy(named.encode())).word is Word.INVALID


@pytest.mark.parametrize("since", ["entry", "earlier", "later"])
def test_a_policy_says_from_which_entry_on_a_key_holds(make_world, since):
    world = busy(make_world())
    first = world.vrf
    world.change_key()
    at = world.past[0].entry + {"entry": 0, "earlier": -1, "later": 1}[since]
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

"""A verifier in JavaScript that follows FORMAT.md says the same as ours, of good files and of bad ones."""

# ruff: noqa: RUF001 - names in several alphabets
from __future__ import annotations

import base64
import dataclasses
import io
import json
import random
import unicodedata

import pytest

from custodes.ledger.prover.files import encode_file, encode_growth, encode_moved, wrap
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tlog.proof import Receipt, verify_token
from custodes.ledger.tlog.trust import open_trusted, parse_policy
from custodes.ledger.tree.growth import inclusion_proof
from custodes.ledger.verifier.canonical_json import StatementError, canonical
from custodes.ledger.verifier.map_chain import check_chain
from custodes.ledger.verifier.maps.key_change_file import verify_key_change
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.party_names import name_keys
from custodes.ledger.verifier.statement import ShownUse
from custodes.ledger.verifier.verdict import Word, verify
from custodes.ledger.writer.receipt import receipt_token
from tests.second_verifier.node import answers, mutations, words

ANN, EVE, ODD = "acct:100000000001", "acct:100000000003", "acct:12"
START, MINUTE = 1_767_225_600_000, 60_000


def ours(world, files):
    return [verify(file, world.policy()).word.value for file in files]


def statements(world):
    """Files of every word and of every shape that a statement about an account can have."""
    yield world.statement(ANN)
    yield world.statement(EVE)
    yield world.statement(ANN, START + 5 * MINUTE, START + 9 * MINUTE)
    yield world.statement(ANN, None, START)
    yield world.statement(EVE, START, world.t + MINUTE)
    odd = world.statement(EVE)
    yield dataclasses.replace(odd, question=dataclasses.replace(odd.question, identifier=ODD))
    honest = world.statement(ANN)
    yield dataclasses.replace(honest, uses=tuple(ShownUse(use.index, use.envelope) for use in honest.uses))


def questions(file):
    """Other periods, behind a checksum that is made anew."""
    inner = json.loads(file)["statement"]
    for name in ("from", "to"):
        for value in (0, START + 6 * MINUTE, START + 26 * MINUTE, -1):
            yield wrap("statement", {**inner, "question": {**inner["question"], name: value}})


def test_both_say_the_same_of_every_file(busy_world):
    files = [encode_file(statement) for statement in statements(busy_world)]
    own = ours(busy_world, files)
    assert {Word.PRESENT, Word.ABSENT, Word.UNDETERMINED} <= set(own)
    assert words(busy_world.policy_text(), files) == own


def test_both_say_the_same_when_a_clock_was_wrong(make_world):
    world = make_world()
    world.use(ANN[5:])
    world.append("inc", None, {"n": 3 * MINUTE, "x": "clock-set"})
    world.use(ANN[5:])
    for _ in range(20):
        world.append("boot", None, {"r": "A" * 43})
    size = len(world.envelopes)
    world.accounts.advance(world.uses(0, size), size)
    world.head = world.append("map", None, {**world.accounts.head_fields(), "i": 1})
    world.publish()
    base = [
        world.statement(ANN),
        world.statement(ANN, START + 2 * MINUTE, START + 4 * MINUTE + 1),
        world.statement(EVE),
    ]
    base += [world.statement(ANN, START + 3 * MINUTE, START + 4 * MINUTE), world.statement(EVE, START, START + MINUTE)]
    files = [encode_file(one) for one in base]
    files += [encode_file(dataclasses.replace(one, clock=())) for one in base]
    own = ours(world, files)
    assert {Word.PRESENT, Word.ABSENT, Word.UNDETERMINED, Word.INVALID} <= set(own)
    assert words(world.policy_text(), files) == own


def test_both_say_the_same_of_every_mutation(busy_world):
    files = []
    for seed, statement in enumerate(list(statements(busy_world))[:3]):
        file = encode_file(statement)
        files += [*mutations(file, 60, seed), *questions(file)]
    own = ours(busy_world, files)
    assert own.count("INVALID") > 150
    assert words(busy_world.policy_text(), files) == own


def changed_keys(world):
    """Statements over two changes of the VRF key, and the files about both."""
    for account in ("100000000001", "100000000002", "100000000001"):
        world.use(account)
    world.change_key()
    world.use("100000000002")
    world.change_key()
    return [encode_file(world.statement(who)) for who in (ANN, EVE)] + [world.change_file(at) for at in (0, 1)]


def test_both_say_the_same_of_changes_of_the_vrf_key(make_world):
    world = make_world()
    good = changed_keys(world)
    files = [*good, *(one for seed, file in enumerate(good) for one in mutations(file, 40, seed))]
    files += [world.change_file(1, before=None), world.change_file(0, before=json.loads(good[3])["vrf"]["entry"])]
    own = [_any(file, world.keyed_policy()) for file in files]
    assert own[:4] == ["PRESENT", "ABSENT", "PRESENT", "PRESENT"]
    assert own.count("INVALID") > 200
    assert words(world.keyed_policy_text(), files) == own
    unnamed = [_any(file, world.policy()) for file in good]
    assert unnamed == ["UNDETERMINED", "UNDETERMINED", "PRESENT", "PRESENT"]
    assert words(world.policy_text(), good) == unnamed


def _any(file, policy):
    about_key = file[56:62] == b'"vrf":'
    return str(verify_key_change(file, policy).word if about_key else verify(file, policy).word.value)


def grown(world, lines):
    """A log of four heads, one of them the first under a new key, and the lines that prove their growth."""
    accounts = AccountMap(world.vrf)

    def close():
        size = len(world.envelopes)
        lines.append(encode_growth(accounts.grow(world.uses(accounts.size, size), size)))
        world.accounts.advance(world.uses(world.accounts.size, size), size)
        world.head = world.append("map", None, world.head_fields())
        return world.head

    heads = []
    for owners in ((1, 2, 3, 1), (2, 4, 5, 5)):
        for owner in owners:
            world.use(f"{owner:012d}")
        heads.append(close())
    return accounts, heads


def test_both_say_the_same_of_growth(make_world):
    world, proofs = make_world(), []
    accounts, heads = grown(world, proofs)
    world.use("000000000006")
    heads.append(len(world.envelopes))
    proofs.append(encode_growth(accounts.grow(world.uses(accounts.size, len(world.envelopes)), len(world.envelopes))))
    world.change_key()
    moved = accounts.moved(world.vrf, {})
    heads.append(world.head)
    proofs.append(encode_moved(accounts.places_of(moved)))
    lines = [canonical({"head": at, "proof": b64url(one)}) for at, one in zip(heads, proofs, strict=True)]
    files = [b"".join(line + b"\n" for line in lines)]
    files += [
        b"".join(line + b"\n" for line in part) for part in (lines[1:], lines[:-1], lines[::-1], [*lines, lines[0]])
    ]
    choice = random.Random(5)
    for at, proof in enumerate(proofs):
        for _ in range(60):
            place = choice.randrange(len(proof))
            changed = proof[:place] + bytes([proof[place] ^ 1 << choice.randrange(8)]) + proof[place + 1 :]
            for bad in (changed, proof[:place]) if place % 4 == 0 else (changed,):
                line = canonical({"head": heads[at], "proof": b64url(bad)})
                files.append(b"".join(one + b"\n" for one in (*lines[:at], line, *lines[at + 1 :])))
    tree = open_trusted(world.note, world.policy()).checkpoint
    own = []
    for file in files:
        try:
            check_chain(io.BytesIO(file), world.entries(tree.size), tree)
            own.append("PRESENT")
        except (MapError, ProofError, StatementError) as error:
            own.append(f"INVALID {error}"[:7])
    assert own[0] == "PRESENT" and own.count("PRESENT") == 1
    entries = [base64.b64encode(envelope).decode() for envelope in world.envelopes]
    asked = {"checkpoint": world.note.decode(), "entries": entries, "files": [file.decode() for file in files]}
    found = answers(world.policy_text(), growth=asked)
    assert [one["verdict"] for one in found] == own, found[0]


@pytest.mark.parametrize("at", ["time", "settled twice", "sums", "clock", "key"])
def test_both_hold_the_rules_of_the_log(make_world, at):
    world = make_world()
    world.use("000000000001")
    use = len(world.envelopes) - 1
    size = len(world.envelopes)
    world.accounts.advance(world.uses(0, size), size)
    fields = world.accounts.head_fields()
    if at == "time":
        world.t = START - MINUTE
    elif at == "settled twice":
        world.append("void", None, {"a": use - 1})
    elif at == "sums":
        fields["q"] = 2
    elif at == "clock":
        fields["i"] = 1
    else:
        fields["b"] = 1
    world.head = world.append("map", None, fields)
    world.publish()
    tree = open_trusted(world.note, world.policy()).checkpoint
    accounts = AccountMap(world.vrf)
    proof = encode_growth(accounts.grow(world.uses(0, size), size))
    file = canonical({"head": world.head, "proof": b64url(proof)}) + b"\n"
    with pytest.raises(MapError):
        check_chain(io.BytesIO(file), world.entries(tree.size), tree)
    entries = [base64.b64encode(envelope).decode() for envelope in world.envelopes]
    asked = {"checkpoint": world.note.decode(), "entries": entries, "files": [file.decode()]}
    assert answers(world.policy_text(), growth=asked)[0]["verdict"] == "INVALID"


def test_both_find_the_same_places_of_a_name():
    names = ["VisionLabs", "Vision Labs", "ВижнЛабс", "N-Tech Lab", "Bäckerei Größe & Söhne GmbH", "A.B.C. s.r.l."]
    names += ["O’Neill Ltd.", "Łódź Żółć", "株式会社 日立", "हिन्दी लिमिटेड", "ı İ ŉ ǰ ﬃ ẞ", "ΣΟΦΟΣ", "٣ Arabia"]
    names += ["x" * 500, "", "--", "Ꭰꭰ"]
    blocks = [range(0x20, 0x2000), range(0x2000, 0x3300), range(0xA640, 0xABFF), range(0xF900, 0x10000, 7)]
    assigned = [chr(code) for block in blocks for code in block if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
    names += ["".join(assigned[at : at + 16]) for at in range(0, len(assigned), 16)]
    names += [f"{char}bcdfgkl m{char}" for char in assigned[::5]]
    theirs = answers("quorum none\n", names=names)
    assert [name for name, keys in zip(names, theirs, strict=True) if keys != list(name_keys(name))] == []


def test_both_say_the_same_of_receipts(busy_world):
    world, size = busy_world, len(busy_world.envelopes)
    note = parse_note(world.note)
    tree, own = parse_checkpoint(note.text), note.signatures[:1]
    tokens = []
    for index in (0, 1, size // 2, size - 1):
        path = inclusion_proof(index, size, world.node)
        tokens.append(receipt_token(Receipt(index, world.envelopes[index], path, tree, own, bytes(16))))
    places = [(token, at) for token in tokens[1:3] for at in range(3, len(token), 5)]
    broken = [f"{token[:at]}{'AB'[token[at] == 'A']}{token[at + 1 :]}" for token, at in places]
    found = []
    for token in tokens + broken:
        try:
            found.append(("PRESENT", verify_token(token, world.policy().logs).index))
        except ProofError:
            found.append(("INVALID", None))
    assert [word for word, _ in found[:4]] == ["PRESENT"] * 4
    assert found.count(("INVALID", None)) > 100
    theirs = answers(world.policy_text(), receipts=tokens + broken)
    assert [(one["verdict"], one.get("index")) for one in theirs] == found


def test_signatures_hold_with_and_without_the_browsers_own(busy_world):
    private = busy_world.witnesses[0].private
    key, message = private.public_key().public_bytes_raw(), b"a checkpoint"
    good = private.sign(message)
    order = (1 << 252) + 27742317777372353535851937790883648493
    other_s = good[:32] + (int.from_bytes(good[32:], "little") + order).to_bytes(32, "little")
    wrong = [
        (key, message + b".", good),
        (key, message, good[:-1]),
        (key, message, other_s),
        (bytes(32), message, good),
    ]
    wrong += [(key, message, good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]) for at in (0, 31, 32, 63)]
    found = answers("quorum none\n", signatures=[(key, message, good), *wrong])
    assert found == [[True, True]] + [[False, False]] * len(wrong)


def test_both_hold_heads_to_the_key_that_the_policy_names(busy_world):
    file = encode_file(busy_world.statement(ANN))
    own_key, other = busy_world.vrf.public, bytes([88] + [102] * 31)
    for key, word in ((own_key, "PRESENT"), (other, "INVALID")):
        policy = busy_world.policy_text() + f"#vrf {base64.b64encode(key).decode()}\n"
        assert verify(file, parse_policy(policy.encode())).word == word
        assert words(policy, [file]) == [word]

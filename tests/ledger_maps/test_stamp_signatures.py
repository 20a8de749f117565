"""Signatures of time stamping authorities, of every kind that is known."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from custodes.ledger.prover.files import encode_file, encode_stamps
from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.tlog.note import parse_note
from custodes.ledger.tree import multiproof
from custodes.ledger.tree.growth import consistency_proof
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.timestamps.bracket import ShownStamp, StampFile
from custodes.ledger.verifier.timestamps.token import StampError, read_roots, verify_stamp
from custodes.ledger.verifier.verdict import verify
from tests.fakes.stamped import AT, SHA256, SHA512, authority, der, integer, oid, seq
from tests.second_verifier.node import answers, mutations

ANN, EVE, MINUTE = "100000000001", "100000000003", 60_000
KINDS = ("rsa", "pss", "pss-key", "pss-strict", "ecdsa", "ed25519")


@pytest.fixture(scope="module")
def authorities():
    return {kind: authority(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_of_each_kind_holds_and_no_changed_one(authorities, kind):
    own = authorities[kind]
    token, roots = own.token(b"a checkpoint"), read_roots(own.root_pem)
    stamp = verify_stamp(token, b"a checkpoint", roots)
    assert (stamp.at, stamp.root) == (AT, f"CN={kind} root")
    for other in KINDS:
        if other != kind:
            with pytest.raises(StampError, match="pinned"):
                verify_stamp(token, b"a checkpoint", read_roots(authorities[other].root_pem))
    with pytest.raises(StampError, match="something else"):
        verify_stamp(token, b"another checkpoint", roots)
    with pytest.raises(StampError, match="valid at the time"):
        verify_stamp(own.token(b"a checkpoint", AT + timedelta(days=31)), b"a checkpoint", roots)
    accepted = 0
    for at in range(0, len(token), 3):
        try:
            verify_stamp(token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :], b"a checkpoint", roots)
            accepted += 1
        except StampError:
            pass
    # Serial number and policy of the authority, version numbers and the like are not looked at, but they are signed or
    # stand beside what is; nothing that is accepted says another time.
    assert accepted < len(token) / 30, accepted


def test_a_salt_of_another_length_is_fine_where_it_is_said(authorities):
    own = authorities["pss"]
    assert verify_stamp(own.token(b"x", salt=20), b"x", read_roots(own.root_pem)).at == AT


def pss(digest, mask, salt, mgf="2a864886f70d010108"):
    return seq(der(0xA0, seq(oid(digest))), der(0xA1, seq(oid(mgf), seq(oid(mask)))), der(0xA2, integer(salt)))


@pytest.mark.parametrize(
    "parameters",
    [
        pss(SHA256, SHA512, 32),
        pss(SHA512, SHA512, 32),
        pss(SHA256, SHA256, 31),
        pss(SHA256, SHA256, 65),
        pss(SHA256, SHA256, 32, "2a864886f70d010109"),
        seq(),
        seq(der(0xA0, seq(oid(SHA256)))),
    ],
)
def test_parameters_that_are_others_or_left_out_are_refused(authorities, parameters):
    own = authorities["pss"]
    with pytest.raises(StampError):
        verify_stamp(own.token(b"x", parameters=parameters), b"x", read_roots(own.root_pem))


def forged(own, how):
    """Tokens with right signatures by keys that may not sign so."""
    if how == "a shorter salt than the key allows":
        return own.token(b"x", salt=20)
    return replace(own, kind="rsa").token(b"x")  # PKCS 1.5


@pytest.mark.parametrize(
    ("kind", "how", "holds"),
    [
        ("pss", "by PKCS 1.5", True),
        ("pss-key", "by PKCS 1.5", False),
        ("pss-strict", "by PKCS 1.5", False),
        ("pss-key", "a shorter salt than the key allows", True),
        ("pss-strict", "a shorter salt than the key allows", False),
    ],
)
def test_a_key_for_pss_signs_by_that_only_and_as_it_says(authorities, kind, how, holds):
    own = authorities[kind]
    token, roots = forged(own, how), read_roots(own.root_pem)
    if holds:
        assert verify_stamp(token, b"x", roots).at == AT
    else:
        with pytest.raises(StampError, match="not one for such signatures"):
            verify_stamp(token, b"x", roots)
    (theirs,) = answers("quorum none\n", tokens=[asked(token, b"x", own)])
    assert theirs == (int(AT.timestamp() * 1000) if holds else None)


# The same in JavaScript


def asked(token, data, own):
    packed = (base64.b64encode(part).decode() for part in (token, data))
    return dict(zip(("token", "data", "roots"), (*packed, own.root_pem.decode()), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_both_verifiers_say_the_same_of_every_token(authorities, kind):
    own, data = authorities[kind], b"a checkpoint"
    token, roots = own.token(data), read_roots(own.root_pem)
    tokens = [token, token[:-1], token + b"\x00"]
    tokens += [token[:at] + bytes([token[at] ^ 1 << at % 8]) + token[at + 1 :] for at in range(0, len(token), 5)]
    said = []
    for one in tokens:
        try:
            said.append(int(verify_stamp(one, data, roots).at.timestamp() * 1000))
        except StampError:
            said.append(None)
    assert said[0] == int(AT.timestamp() * 1000) and said.count(None) > len(tokens) * 0.9
    found = answers("quorum none\n", tokens=[asked(one, data, own) for one in tokens])
    different = [at for at, pair in enumerate(zip(said, found, strict=True)) if pair[0] != pair[1]]
    assert different == [], [(said[at], found[at]) for at in different]


def stamped_world(make_world, authorities, kinds):
    """Uses before, in and after a period, with stamps of each authority before and after it."""
    world, stamps = make_world(), []

    def stamp():
        world.publish()
        note = parse_note(world.note)
        size = len(world.envelopes)
        for kind in kinds:
            at = datetime.fromtimestamp(world.t // 1000, UTC)
            token = authorities[kind].token(note.text.encode(), at)
            index = world.append("tsa", None, {"n": size, "x": kind}, {"authority": kind, "token": b64url(token)})
            stamps.append((index, parse_checkpoint(note.text)))

    world.use(ANN)
    stamp()
    begin = world.t
    world.use(ANN)
    end = world.t
    stamp()
    world.use(ANN)
    world.close()
    return world, stamps, begin, end


def stamp_file_of(world, stamps):
    size = len(world.envelopes)
    shown = []
    for index, tree in stamps:
        salt, body = world.bodies[index]
        proof = tuple(consistency_proof(tree.size, size, world.node))
        shown.append(ShownStamp(PlacedEntry(index, world.envelopes[index]), salt, body, tree.root, proof))
    proof = multiproof.make(sorted(index for index, _ in stamps), size, world.node)
    return encode_stamps(shown, proof)


def test_both_verifiers_say_the_same_of_stamped_statements(make_world, authorities):
    kinds = ("pss-strict", "ed25519", "ecdsa")
    world, stamps, begin, end = stamped_world(make_world, authorities, kinds)
    file = stamp_file_of(world, stamps)
    pems = [b"".join(authorities[kind].root_pem for kind in some) for some in (kinds, kinds[:1], ("rsa", "pss-strict"))]
    questions = [(None, None), (begin, end), (begin - 1, end + 1), (None, begin), (end + MINUTE, None)]
    questions.append((begin, world.t - MINUTE))  # over after the last stamp
    statements = [encode_file(world.statement(f"acct:{who}", *when)) for who in (ANN, EVE) for when in questions]
    files = [file, *islice(mutations(file, 10, 3), 0, None, 9)]
    cases = [(one, file, pem) for one in statements for pem in [*pems, None]]
    cases += [(statements[1], one, pems[0]) for one in files]
    own = []
    for statement, one, pem in cases:
        roots = () if pem is None else read_roots(pem)
        own.append(verify(statement, world.policy(), stamps=StampFile(one, roots, world.policy()).bracket).word.value)
    assert {"PRESENT", "ABSENT", "UNDETERMINED", "INVALID"} <= set(own)
    told = [
        {"statement": a.decode(), "file": b.decode(errors="replace"), "roots": c and c.decode()} for a, b, c in cases
    ]
    found = answers(world.policy_text(), stamped=told)
    different = [at for at, (mine, theirs) in enumerate(zip(own, found, strict=True)) if mine != theirs["verdict"]]
    assert different == [], [(own[at], found[at], at) for at in different]

"""Certificates of erasure: honest ones hold, everything else does not."""

import dataclasses
import json
import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.ledger.prover.erasure import erasure_fields
from custodes.ledger.prover.files import encode_file, encode_path, wrap
from custodes.ledger.prover.maps.account_map import CollectionMap
from custodes.ledger.prover.maps.tree import FaceTree
from custodes.ledger.tlog.entry import b64url, from_b64url
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import PlacedEntry, StatementError
from custodes.ledger.verifier.erasure import Certificate, Later, parse, verify_certificate
from custodes.ledger.verifier.maps.head import collection_name
from custodes.ledger.verifier.maps.proof import face_place
from tests.second_verifier.node import mutations, words

FACES = [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"face {i}")) for i in range(20)]
GONE = FACES[7]
ACCOUNT, COLLECTION = "100000000001", "visitors"


def certify(world, later=True, put_back=False, count=1):
    """Erase one face the way the operator should, with a head of the collection map afterwards."""
    tree = FaceTree()
    for face in FACES:
        tree.add(face)
    before, before_path = tree.head(), encode_path(tree.path(face_place(GONE)))
    tree.discard(GONE)
    after, after_path = tree.head(), encode_path(tree.path(face_place(GONE)))
    era = world.append("era", None, erasure_fields(count, before, after))
    if put_back:
        tree.add(GONE)
    maps = CollectionMap(world.vrf)
    maps.put(ACCOUNT, COLLECTION, tree.head())
    head = world.append("map", None, maps.head_fields(len(world.envelopes)))
    world.publish()
    vrf_proof, path = maps.path(collection_name(ACCOUNT, COLLECTION))
    shown = Later(
        PlacedEntry(head, world.entry(head)), vrf_proof, encode_path(path), encode_path(tree.path(face_place(GONE)))
    )
    indexes = [era, head] if later else [era]
    proof = tuple(multiproof.make(indexes, len(world.envelopes), world.node))
    placed = PlacedEntry(era, world.entry(era))
    return Certificate(
        ACCOUNT, COLLECTION, GONE, world.checkpoint(), placed, before_path, after_path, proof, shown if later else None
    )


@pytest.mark.parametrize("later", [True, False])
def test_an_erased_face_is_absent(world, later):
    certificate = certify(world, later)
    assert parse(encode_file(certificate)) == certificate
    verdict = verify_certificate(encode_file(certificate), world.policy())
    assert verdict.word == "ABSENT"
    assert any("was in the index" in reason for reason in verdict.reasons)
    assert any("searched without this face" in reason for reason in verdict.reasons) == later


def test_the_last_face_of_a_collection_can_go_too(world):
    tree = FaceTree()
    tree.add(GONE)
    before, before_path = tree.head(), encode_path(tree.path(face_place(GONE)))
    tree.discard(GONE)
    era = world.append("era", None, erasure_fields(1, before, tree.head()))
    world.publish()
    proof = tuple(multiproof.make([era], len(world.envelopes), world.node))
    placed = PlacedEntry(era, world.entry(era))
    after_path = encode_path(tree.path(face_place(GONE)))
    certificate = Certificate(ACCOUNT, COLLECTION, GONE, world.checkpoint(), placed, before_path, after_path, proof)
    assert verify_certificate(encode_file(certificate), world.policy()).word == "ABSENT"


def test_a_face_that_is_back_is_found_at_the_later_head(world):
    verdict = verify_certificate(encode_file(certify(world, put_back=True)), world.policy())
    assert verdict.word == "INVALID"
    assert "again" in verdict.reasons[0]


def test_lies_about_an_erasure(world):
    honest = certify(world)
    policy = world.policy()
    for lie, reason in [
        (dataclasses.replace(honest, face=FACES[8]), "does not lie on the way|not the one"),
        (dataclasses.replace(honest, after=honest.before), "not the one"),
        (dataclasses.replace(honest, before=honest.after), "not the one"),
        (
            dataclasses.replace(honest, entry=PlacedEntry(honest.entry.index - 1, honest.entry.envelope)),
            "hashes|not in the log",
        ),
        (dataclasses.replace(honest, entry=honest.later.head), "proof|log"),
        (dataclasses.replace(honest, collection="others"), "VRF"),
    ]:
        verdict = verify_certificate(encode_file(lie), policy)
        assert verdict.word == "INVALID"
        assert re.search(reason, verdict.reasons[0])
    assert verify_certificate(encode_file(certify(world, count=2)), policy).word == "INVALID"


def test_an_entry_that_is_no_erasure_certifies_nothing(world):
    honest = certify(world, later=False)
    index = 0
    proof = tuple(multiproof.make([index], len(world.envelopes), world.node))
    other = dataclasses.replace(honest, entry=PlacedEntry(index, world.entry(index)), proof=proof)
    verdict = verify_certificate(encode_file(other), world.policy())
    assert (verdict.word, verdict.reasons) == ("INVALID", ("the entry shown records no erasure from an index",))


def test_a_later_head_must_be_later(world):
    tree = FaceTree()
    maps = CollectionMap(world.vrf)
    maps.put(ACCOUNT, COLLECTION, tree.head())
    early = world.append("map", None, maps.head_fields(len(world.envelopes)))
    vrf_proof, path = maps.path(collection_name(ACCOUNT, COLLECTION))
    honest = certify(world, later=False)
    shown = Later(
        PlacedEntry(early, world.entry(early)), vrf_proof, encode_path(path), encode_path(tree.path(face_place(GONE)))
    )
    proof = tuple(multiproof.make([early, honest.entry.index], len(world.envelopes), world.node))
    verdict = verify_certificate(encode_file(dataclasses.replace(honest, later=shown, proof=proof)), world.policy())
    assert "later head is not" in verdict.reasons[0]


def test_too_few_witnesses_leave_it_open(world):
    certificate = certify(world)
    note = b"".join(certificate.checkpoint.splitlines(keepends=True)[:-1])
    lonely = encode_file(dataclasses.replace(certificate, checkpoint=note))
    assert verify_certificate(lonely, world.policy()).word == "UNDETERMINED"
    assert "no witnesses" in verify_certificate(lonely, world.policy(need=0)).reasons[-1]


@pytest.fixture(scope="module")
def certified(busy_world):
    return encode_file(certify(busy_world)), busy_world.policy()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_flipped_bits_are_rejected_with_and_without_a_new_checksum(data, certified):
    raw, policy = certified
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    flipped = raw[: bit // 8] + bytes([raw[bit // 8] ^ 1 << bit % 8]) + raw[bit // 8 + 1 :]
    assert verify_certificate(flipped, policy).word == "INVALID"
    inner = json.loads(raw)["erasure"]
    name = data.draw(st.sampled_from(["after", "before", "proof"]))
    packed = bytearray(from_b64url(inner[name]))
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    packed[bit // 8] ^= 1 << bit % 8
    inner[name] = b64url(bytes(packed))
    assert verify_certificate(wrap("erasure", inner), policy).word == "INVALID"


def test_another_version_is_refused(certified):
    inner = json.loads(certified[0])["erasure"]
    with pytest.raises(StatementError, match="version"):
        parse(wrap("erasure", {**inner, "v": 2}))


def test_the_verifier_in_javascript_says_the_same(make_world):
    world = make_world()
    world.append("boot", None, {"r": "A" * 43})
    files = [encode_file(certify(world, **how)) for how in ({}, {"later": False}, {"put_back": True}, {"count": 2})]
    for seed, file in enumerate(files[:2]):
        files += mutations(file, 30, seed)
    own = [verify_certificate(file, world.policy()).word for file in files]
    assert own[:4] == ["ABSENT", "ABSENT", "INVALID", "INVALID"]
    assert words(world.policy_text(), files) == own

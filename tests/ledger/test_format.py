"""FORMAT.md says what the code does: the worked example is computed anew here, from hashlib up where that is short."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import custodes.ledger
from custodes.ledger.prover.files import encode_file, encode_path
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.ports import Use
from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.commitment import commit
from custodes.ledger.tlog.entry import KINDS, Entry, decode, from_b64url
from custodes.ledger.tlog.merkle import Frontier, leaf_hash
from custodes.ledger.tlog.proof import Receipt, verify_token
from custodes.ledger.tlog.trust import parse_policy
from custodes.ledger.tree import multiproof
from custodes.ledger.tree.growth import grow
from custodes.ledger.tree.signing import sign_checkpoint, signed_note
from custodes.ledger.tree.tlog_proof import encode_tlog_proof
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.statement import Question, StatementFile
from custodes.ledger.verifier.verdict import Word, verify
from custodes.ledger.writer.body import seal
from custodes.ledger.writer.keys import SigningKey
from custodes.ledger.writer.receipt import receipt_token
from tests.second_verifier.node import words

TEXT = (Path(custodes.ledger.__file__).parent / "FORMAT.md").read_text()
BLOCKS = dict(re.findall(r"```([a-z]+(?: \d)?)\n(.*?)\n```", TEXT, re.DOTALL))
KEY = SigningKey.from_seed("example.org/ledger", bytes(range(32)))
SALT = bytes(range(16))
ENTRIES = [BLOCKS["entry 0"].encode(), BLOCKS["entry 1"].encode()]


def test_verifier_key() -> None:
    assert str(KEY.verifier) == BLOCKS["verifier"]


def test_entries_and_commitment() -> None:
    body = BLOCKS["body"].encode()
    assert hashlib.sha256(SALT + body).hexdigest() == BLOCKS["commitment"] == commit(SALT, body).hex()
    for data in ENTRIES:
        assert decode(data).encode() == data
    assert from_b64url(str(re.search(r'"c":"([^"]+)"', BLOCKS["entry 1"])[1])).hex() == BLOCKS["commitment"]  # type: ignore[index]


def test_tree() -> None:
    leaves = [hashlib.sha256(b"\x00" + data).digest() for data in ENTRIES]
    assert [leaf.hex() for leaf in leaves] == [BLOCKS["leaf 0"], BLOCKS["leaf 1"]]
    assert hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).hexdigest() == BLOCKS["root"]


def test_checkpoint_receipt_and_proof() -> None:
    growth = grow(Frontier(), [leaf_hash(data) for data in ENTRIES])
    tree = Checkpoint(KEY.name, 2, growth.frontier.root())
    note = sign_checkpoint(tree, [KEY])
    assert note.decode() == BLOCKS["checkpoint"] + "\n"
    path = growth.inclusion_proof(1)
    receipt = Receipt(1, ENTRIES[1], path, tree, signed_note(tree.text(), [KEY]).signatures, SALT)
    assert (receipt.checkpoint, receipt_token(receipt)) == (note, BLOCKS["receipt"])
    assert encode_tlog_proof(1, path, note).decode() == BLOCKS["proof"] + "\n"
    assert verify_token(BLOCKS["receipt"], [KEY.verifier]).entry == decode(ENTRIES[1])


def test_sealed_body() -> None:
    body, master, commitment = BLOCKS["body"].encode(), bytes([7] * 32), bytes.fromhex(BLOCKS["commitment"])
    key = hashlib.blake2b(SALT, digest_size=32, key=master, person=b"custodes-body-1").digest()
    assert AESGCM(key).decrypt(bytes(12), bytes.fromhex(BLOCKS["sealed"]), commitment) == body
    assert seal(body, SALT, commitment, master).sealed.hex() == BLOCKS["sealed"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_and_member_is_described(kind: str) -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{kind}` |"))
    must, may = row.split("|")[3:5]
    assert set(re.findall(r"`([a-z])`", must)) == set(KINDS[kind].must)
    assert set(re.findall(r"`([a-z])`", may)) == set(KINDS[kind].may)


def _statement() -> StatementFile:
    """Nobody with twelve nines used the log of two entries and a head."""
    key = vrf.secret_key(bytes(range(32, 64)))
    accounts = AccountMap(key)
    accounts.advance([Use(1, ENTRIES[1], "123456789012", 1767225600123, 1)], 2)
    head = Entry("map", 1767225601000, None, None, accounts.head_fields()).encode()
    growth = grow(Frontier(), [leaf_hash(data) for data in (*ENTRIES, head)])
    checkpoint = sign_checkpoint(Checkpoint(KEY.name, 3, growth.frontier.root()), [KEY])
    proof, path = accounts.path("acct:999999999999")
    hashes = tuple(multiproof.make([2], 3, growth.node))
    question = Question("acct:999999999999", None, 1767225601000)
    return StatementFile(question, checkpoint, PlacedEntry(2, head), None, hashes, proof, encode_path(path))


def test_statement() -> None:
    data = encode_file(_statement())
    assert data.decode() == BLOCKS["statement"].replace("\n", "")
    policy = f"log {BLOCKS['verifier']}\nquorum none\n"
    assert verify(data, parse_policy(policy.encode())).word is Word.ABSENT
    assert words(policy, [data]) == ["ABSENT"]

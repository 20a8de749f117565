"""A whole operator in memory: log, witnesses, account map, bodies. It implements the ports, nothing is patched."""

import dataclasses
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.ledger.prover.body_deletion import Deletion
from custodes.ledger.prover.files import encode_path
from custodes.ledger.prover.key_changes import encode_names, moved_names
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.party_map import PartyMap
from custodes.ledger.prover.ports import opened_use
from custodes.ledger.prover.statement import Sources, build
from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.commitment import commit
from custodes.ledger.tlog.entry import Entry, b64url
from custodes.ledger.tlog.merkle import leaf_hash, tree_root
from custodes.ledger.tlog.note import Note, Signature, parse_note
from custodes.ledger.tlog.trust import CosignerKey, Witness, parse_policy
from custodes.ledger.tree.signing import sign_checkpoint
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP
from custodes.ledger.verifier.maps.key_change import ShownChange
from custodes.ledger.verifier.public_log import log_check
from custodes.ledger.verifier.statement import Question
from custodes.ledger.witness.trust_policy import write_policy
from custodes.ledger.witness.witness import cosign
from custodes.ledger.writer.body import canonical
from custodes.ledger.writer.keys import SigningKey

START = 1_767_225_600_000  # 2026-01-01 00:00:00 UTC
MINUTE = 60_000


class Cosigner:
    def __init__(self, name, seed):
        self.private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
        self.witness = Witness(name, CosignerKey(f"{name}.example", self.private.public_key().public_bytes_raw()))


class World:
    """One operator. Time moves a minute with every entry."""

    def __init__(self, seed=b"world", witnesses=2):
        self.key = SigningKey.from_seed("ledger.example/1", hashlib.sha256(seed).digest())
        self.vrf = vrf.secret_key(hashlib.sha256(seed + b"vrf").digest())
        self.witnesses = [Cosigner(f"w{i}", f"witness {i}") for i in range(witnesses)]
        self.accounts = AccountMap(self.vrf)
        self.envelopes = []
        self.bodies = {}
        self.relabel = {}
        self.t = START
        self.head = None
        self.note = None
        self.past = []

    def policy_text(self, need=None):
        chosen = [w.witness for w in self.witnesses]
        return write_policy([str(self.key.verifier)], chosen, len(chosen) if need is None else need)

    def policy(self, need=None):
        return parse_policy(self.policy_text(need).encode())

    def append(self, kind, units=None, fields=None, body=None, salt=None):
        index = len(self.envelopes)
        commitment = None
        if body is not None:
            salt = salt or hashlib.sha256(b"salt %d" % index).digest()[:16]
            self.bodies[index] = (salt, canonical(body))
            commitment = commit(salt, canonical(body))
        self.envelopes.append(Entry(kind, self.t, units, commitment, fields or {}).encode())
        self.t += MINUTE
        return index

    def use(self, account, op="DetectFaces", units=1, **more):
        """A use of the permission in front of it; where there is none, a plain one is written first."""
        if not (self.envelopes and json.loads(self.envelopes[-1]).get("d") == "allow"):
            self.append("auth", None, {"d": "allow"})
        allowed = len(self.envelopes) - 1
        return self.append("use", units, {"a": allowed}, {"acct": account, "op": op, **more})

    def close(self, gap=0):
        """Take a head over all entries, log it, and publish a checkpoint that the witnesses confirm."""
        size = len(self.envelopes)
        self.accounts.advance(self.uses(self.accounts.size, size), size)
        fields = self.head_fields()
        for _ in range(gap):
            self.append("inc")
        self.head = self.append("map", None, fields)
        self.publish()

    def head_fields(self):
        return {**self.accounts.head_fields(), **self._under()}

    def change_key(self, moved=None):
        """A new VRF key, honestly or so that ``moved`` gives the first map under it."""
        self.close()
        parties = PartyMap(self.vrf)
        party = self.append("map", None, {**parties.head_fields(self.accounts.size), **self._under()})
        new = vrf.secret_key(hashlib.sha256(self.vrf.public).digest())
        names = encode_names(moved_names(self.vrf, new, self.accounts, parties))
        digest, number = b64url(hashlib.sha256(names).digest()), len(self.past) + 1
        fields = {
            "a": self.head,
            "b": party,
            "e": digest,
            "i": number,
            "n": len(self.accounts),
            "y": b64url(new.public),
        }
        self.past.append((self.append("vrf", None, fields), self.head, self.accounts))
        self.vrf, self.accounts = new, (moved or AccountMap.moved)(self.accounts, new, {})
        self.head = self.append("map", None, self.head_fields())
        self.party_heads = (
            party,
            self.append("map", None, {**PartyMap(new).head_fields(self.accounts.size), **self._under()}),
        )
        self.names = names
        self.publish()

    def _under(self):
        return {"b": self.past[-1][0]} if self.past else {}

    def publish(self, time=None):
        leaves = [leaf_hash(envelope) for envelope in self.envelopes]
        note = parse_note(sign_checkpoint(Checkpoint(self.key.name, len(leaves), tree_root(leaves)), [self.key]))
        seconds = self.t // 1000 if time is None else time
        lines = tuple(
            Signature(w.witness.key.name, w.witness.key.key_id, cosign(w.private, note.text.encode(), seconds))
            for w in self.witnesses
        )
        self.note = Note(note.text, note.signatures + lines).encode()

    # LogReader
    def checkpoint(self):
        return self.note

    def entry(self, index):
        return self.envelopes[index]

    def node(self, level, index):
        return tree_root([leaf_hash(e) for e in self.envelopes[index << level : (index + 1) << level]])

    def clock_entries(self, end):
        for index, envelope in enumerate(self.envelopes[:end]):
            if b'"k":"inc"' in envelope and b'"x":"clock' in envelope:
                yield PlacedEntry(index, envelope)

    def deletions(self):
        for index, envelope in enumerate(self.envelopes):
            if b'"k":"del"' in envelope:
                yield Deletion.read(index, envelope, *self.bodies[index])

    # MapReader
    def head_index(self, name):
        if name != ACCOUNT_MAP:
            raise LookupError(name)
        return self.head

    def path(self, name, identifier):
        proof, path = self.accounts.path(identifier)
        return proof, encode_path(path)

    def changes(self, head, identifier):
        found = []
        for entry, old, accounts in self.past:
            proof, path = accounts.path(identifier)
            placed = (PlacedEntry(at, self.envelopes[at]) for at in (entry, old))
            found.append(ShownChange(*placed, proof, encode_path(path)))
        return tuple(found)

    # UseSource
    def uses(self, begin, end):
        """The uses, in the way this operator wants to see them: ``relabel`` says whose they are, None hides one."""
        for index in range(begin, min(end, len(self.envelopes))):
            if json.loads(self.envelopes[index])["k"] == "use":
                use = opened_use(index, self.envelopes[index], *self.bodies[index])
                account = self.relabel.get(index, use.account)
                if account is not None:
                    yield dataclasses.replace(use, account=account)

    def uses_of(self, account, end):
        return (use for use in self.uses(0, end) if use.account == account)

    @property
    def whole_log(self):
        return log_check(self.entries)

    def entries(self, size):
        return enumerate(self.envelopes[:size])

    def statement(self, identifier, begin=None, end=None, prices=None):
        return build(Question(identifier, begin, end), Sources(self, self, self), prices)


ANN, BEN, EVE = "100000000001", "100000000002", "100000000003"


def busy(world, uses=12):
    world.append("boot", None, {"r": "A" * 43})
    operations = ["DetectFaces", "SearchFacesByImage", "CompareFaces", "DetectLabels"]
    for i in range(uses):
        world.append("auth", None, {"d": "allow"})
        world.use(ANN if i % 3 else BEN, operations[i % 4], 1 + i % 2)
    world.close()
    return world


@pytest.fixture(scope="session")
def make_world():
    return World


@pytest.fixture
def world():
    return busy(World())


@pytest.fixture(scope="module")
def busy_world():
    return busy(World())

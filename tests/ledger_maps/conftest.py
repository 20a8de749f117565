"""A whole operator in memory: log, witnesses, account map, bodies. It implements the ports, nothing is patched."""

import base64
import dataclasses
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.ledger.prover.body_deletion import Deletion
from custodes.ledger.prover.files import change_member, encode_path, entry_member, wrap
from custodes.ledger.prover.key_changes import moved_places
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.party_map import PartyMap
from custodes.ledger.prover.maps.vrf_keys import after
from custodes.ledger.prover.ports import opened_use
from custodes.ledger.prover.statement import Sources, build
from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.commitment import commit
from custodes.ledger.tlog.entry import Entry, b64url, from_b64url
from custodes.ledger.tlog.merkle import leaf_hash, tree_root
from custodes.ledger.tlog.note import Note, Signature, parse_note
from custodes.ledger.tlog.trust import CosignerKey, Witness, parse_policy
from custodes.ledger.tree import multiproof
from custodes.ledger.tree.signing import sign_checkpoint
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.maps.head import ACCOUNT_MAP
from custodes.ledger.verifier.maps.key_change import ShownChange, commitment_of
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


@dataclasses.dataclass(frozen=True)
class Past:
    """A change of the VRF key: its entry, the last heads (account, party), what it commits to, the first new heads."""

    entry: int
    old: tuple[int, int]
    first: bytes
    places: bytes
    new: tuple[int, int] = (0, 0)


class World:
    """One operator. Time moves a minute with every entry."""

    def __init__(self, seed=b"world", witnesses=2):
        self.key = SigningKey.from_seed("ledger.example/1", hashlib.sha256(seed).digest())
        self.vrf = vrf.secret_key(hashlib.sha256(seed + b"vrf").digest())
        self.witnesses = [Cosigner(f"w{i}", f"witness {i}") for i in range(witnesses)]
        self.first_key = self.vrf
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

    def change_key(self, moved=None, first=None, places=None):
        """A new VRF key, honestly or so that ``moved`` gives the first map under it, with another first key, or with
        what ``places`` makes of the honest places, the old and the new map, and the new key."""
        self.close()
        parties = PartyMap(self.vrf)
        party = self.append("map", None, {**parties.head_fields(self.accounts.size), **self._under()})
        new = after(self.first_key, vrf.secret_key(hashlib.sha256(self.vrf.public).digest()))
        accounts = (moved or AccountMap.moved)(self.accounts, new, {})
        kept = moved_places(self.vrf, new, self.accounts, parties)
        kept = places(json.loads(kept), self.accounts, accounts, new) if places else kept
        digest, number = hashlib.sha256(kept).digest(), len(self.past) + 1
        fields = {
            "a": self.head,
            "b": party,
            "e": b64url(commitment_of(first or self.first_key.public, digest)),
            "i": number,
            "n": len(self.accounts),
            "y": b64url(new.public),
        }
        entry = self.append("vrf", None, fields)
        self.past.append(Past(entry, (self.head, party), first or self.first_key.public, kept))
        self.vrf, self.accounts = new, accounts
        self.head = self.append("map", None, self.head_fields())
        party = self.append("map", None, {**PartyMap(new).head_fields(self.accounts.size), **self._under()})
        self.past[-1] = dataclasses.replace(self.past[-1], new=(self.head, party))
        self.publish()

    def change_file(self, number=-1, **changed):
        """The file about a change of the key, with other members where these are given."""
        past = self.past[number]
        at = len(self.past) + number if number < 0 else number
        before = None if at == 0 else self._shown(self.past[at - 1])
        heads = [past.old[0], past.new[0], past.old[1], past.new[1]]
        shown = {past.entry, *heads} | (set() if before is None else {before.entry.index})
        inner = {
            **json.loads(past.places),
            "before": None if before is None else change_member(before),
            "checkpoint": self.note.decode(),
            "entry": change_member(self._shown(past)),
            "heads": [entry_member(PlacedEntry(index, self.envelopes[index])) for index in heads],
            "proof": b64url(b"".join(multiproof.make(sorted(shown), len(self.envelopes), self.node))),
            "v": 2,
        }
        return wrap("vrf", {**inner, **changed})

    def _shown(self, past):
        entry = PlacedEntry(past.entry, self.envelopes[past.entry])
        return ShownChange(entry, past.first, hashlib.sha256(past.places).digest())

    def keyed_policy_text(self):
        """The policy of a reader who was told of all changes of the key."""
        lines = [(self.first_key.public, 0), *((self.past_key(past), past.entry) for past in self.past)]
        return self.policy_text() + "".join(f"#vrf {base64.b64encode(key).decode()} {at}\n" for key, at in lines)

    def keyed_policy(self):
        return parse_policy(self.keyed_policy_text().encode())

    def past_key(self, past):
        return from_b64url(json.loads(self.envelopes[past.entry])["y"])

    def _under(self):
        return {"b": self.past[-1].entry} if self.past else {}

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

    def change(self, head):
        return self._shown(self.past[-1]) if self.past else None

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

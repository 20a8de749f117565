"""Statements of absence and presence over 100,000 accounts: size, time to verify, and what the operator pays.

Run: ``python bench/statements.py [--accounts N] [--json]``. Writes its section of BENCHMARKS.md. The log is real (every
account has three uses, one has 5,000), signed and cosigned by two witnesses. The statement of absence is measured again
after changes of the VRF key. To save three minutes, places of the other
accounts in the map are random instead of VRF outputs, which nobody without the key can tell apart; the price of the VRF
per account is measured by itself.
"""

from __future__ import annotations

import argparse
import base64
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.ledger.prover.files import encode_file, encode_path
from custodes.ledger.prover.maps import vrf
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.prover.maps.tree import place
from custodes.ledger.prover.maps.vrf_keys import after
from custodes.ledger.prover.ports import Use, opened_use
from custodes.ledger.prover.statement import Sources, build
from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.commitment import commit
from custodes.ledger.tlog.entry import Entry, b64url
from custodes.ledger.tlog.merkle import Frontier, leaf_hash, parents
from custodes.ledger.tlog.note import Note, Signature, parse_note
from custodes.ledger.tlog.trust import VRF, CosignerKey, TrustPolicy, Witness, parse_policy
from custodes.ledger.tree.signing import sign_checkpoint
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.verifier.maps.head import MapHead, account_name, use_leaf
from custodes.ledger.verifier.maps.key_change import ShownChange, commitment_of
from custodes.ledger.verifier.statement import Question
from custodes.ledger.verifier.verdict import Word, verify
from custodes.ledger.verifier.vrf import vrf as verifier
from custodes.ledger.witness.trust_policy import write_policy
from custodes.ledger.witness.witness import cosign
from custodes.ledger.writer.body import canonical
from custodes.ledger.writer.keys import SigningKey

sys.path.insert(0, str(Path(__file__).resolve().parent))

import report

START = 1_767_225_600_000
STRANGER, CUSTOMER, BUSY = "999999999999", "000000000007", "888888888888"
BUSY_USES = 5_000
_CASES = (("absent", STRANGER, "ABSENT"), ("present", CUSTOMER, "PRESENT"), ("busy", BUSY, "PRESENT"))
LIMIT_BYTES, CHANGED_BYTES, LIMIT_MS = 4096, 8192, 50.0


@dataclass(slots=True)
class World:
    """A log in memory with its account map, as the ports want to see it."""

    key: SigningKey
    vrf_key: vrf.SecretKey
    accounts: AccountMap
    envelopes: list[bytes] = field(default_factory=list)
    bodies: dict[int, tuple[str, bytes, bytes]] = field(default_factory=dict)
    by_account: dict[str, list[int]] = field(default_factory=dict)
    rows: list[list[bytes]] = field(default_factory=list)
    note: bytes = b""
    head: int = 0
    shown: ShownChange | None = None

    def checkpoint(self) -> bytes:
        return self.note

    def entry(self, index: int) -> bytes:
        return self.envelopes[index]

    def node(self, level: int, index: int) -> bytes:
        return self.rows[level][index]

    def head_index(self, name: str) -> int:
        del name
        return self.head

    def path(self, name: str, identifier: str) -> tuple[bytes, bytes]:
        del name
        proof, path = self.accounts.path(identifier)
        return proof, encode_path(path)

    def change(self, _head: MapHead) -> ShownChange | None:
        return self.shown

    def uses(self, begin: int, end: int) -> Iterator[Use]:
        return (self._use(index) for index in range(begin, end) if index in self.bodies)

    def uses_of(self, account: str, end: int) -> Iterator[Use]:
        return (self._use(index) for index in self.by_account.get(account, []) if index < end)

    def add_use(self, account: str) -> None:
        index = len(self.envelopes)
        body, salt = canonical({"acct": account, "op": "SearchFacesByImage"}), sha256(b"%d" % index).digest()[:16]
        self.envelopes.append(Entry("use", START + index, 1, commit(salt, body), {"a": 0}).encode())
        self.bodies[index] = (account, salt, body)
        self.by_account.setdefault(account, []).append(index)

    def _use(self, index: int) -> Use:
        _, salt, body = self.bodies[index]
        return opened_use(index, self.envelopes[index], salt, body)


def make_world(accounts: int) -> World:
    """Everything but the head and the checkpoint."""
    key = vrf.secret_key(sha256(b"bench vrf").digest())
    world = World(SigningKey.from_seed("ledger.example/bench", bytes(32)), key, AccountMap(key))
    names = [f"{number:012d}" for number in range(accounts - 1)]
    for _ in range(3):
        for name in names:
            world.add_use(name)
    for _ in range(BUSY_USES):
        world.add_use(BUSY)
    return world


def dump_of(world: World) -> bytes:
    """State of the account map with places drawn at random, but for the accounts that are asked for."""
    places = Random(world.vrf_key.public)
    dump = [b"custodes account map v1\n", world.vrf_key.public, len(world.envelopes).to_bytes(8, "big")]
    for name, indexes in world.by_account.items():
        leaves = [use_leaf(index, leaf_hash(world.envelopes[index])) for index in indexes]
        frontier = Frontier().extend(leaves)
        real = name in (CUSTOMER, BUSY)
        where = place(world.vrf_key, account_name(name)) if real else places.randbytes(32)
        dump += [len(name).to_bytes(2, "big"), name.encode(), where, len(indexes).to_bytes(8, "big")]
        dump += [frontier.size.to_bytes(8, "big"), *(node for node in frontier.nodes if node)]
    return b"".join(dump)


def publish(world: World, witnesses: list[tuple[Witness, Ed25519PrivateKey]]) -> None:
    """Log the head, sign, and have it cosigned."""
    world.head = len(world.envelopes)
    under = {} if world.shown is None else {"b": world.shown.entry.index}
    fields = {**world.accounts.head_fields(), **under}
    world.envelopes.append(Entry("map", START + world.head, fields=fields).encode())
    world.rows.clear()
    row = [leaf_hash(envelope) for envelope in world.envelopes]
    root = Frontier().extend(row).root()
    while row:
        world.rows.append(row)
        row = parents(row)
    note = parse_note(sign_checkpoint(Checkpoint(world.key.name, len(world.envelopes), root), [world.key]))
    now = (START + world.head) // 1000 + 1
    lines = tuple(
        Signature(w.key.name, w.key.key_id, cosign(private, note.text.encode(), now)) for w, private in witnesses
    )
    world.note = Note(note.text, note.signatures + lines).encode()


def change_key(world: World, first: vrf.SecretKey) -> None:
    """Another VRF key by an entry of the log; what it commits to is not looked at by statements."""
    key = after(first, vrf.secret_key(sha256(world.vrf_key.public).digest()))
    places = sha256(key.public).digest()
    fields = {
        "a": world.head,
        "b": world.head,
        "e": b64url(commitment_of(first.public, places)),
        "y": b64url(key.public),
    }
    index = len(world.envelopes)
    world.envelopes.append(Entry("vrf", START + index, fields=fields).encode())
    world.shown = ShownChange(PlacedEntry(index, world.envelopes[index]), first.public, places)
    world.vrf_key = key
    world.accounts = AccountMap.load(key, dump_of(world))


def after_changes(world: World, cosigners: list[tuple[Witness, Ed25519PrivateKey]], policy: str) -> dict[str, Any]:
    """The statement of absence behind one change of the key and behind ten, for a reader who was told of them."""
    first, keys, found = world.vrf_key, [(world.vrf_key.public, 0)], {}
    question = Question(account_name(STRANGER))
    for number in range(1, 11):
        change_key(world, first)
        assert world.shown is not None
        keys.append((world.vrf_key.public, world.shown.entry.index))
        if number not in (1, 10):
            continue
        publish(world, cosigners)
        lines = "".join(f"{VRF} {base64.b64encode(key).decode()} {at}\n" for key, at in keys)
        told = parse_policy((policy + lines).encode())
        data = encode_file(build(question, Sources(world, world, world)))
        if verify(data, told).word is not Word.ABSENT:
            raise SystemExit(f"after {number} changes: {verify(data, told)}")
        took = median_ms(lambda data=data, told=told: verify(data, told), 51)
        found[str(number)] = {"bytes": len(data), "verify_ms": took, "flips": flips_accepted(data, told)}
    return found


def median_ms(run: Callable[[], object], times: int) -> float:
    """Median time of ``run`` in ms, after one that does not count."""
    run()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def flips_accepted(data: bytes, policy: TrustPolicy) -> int:
    """How many of all single-bit flips of ``data`` still give an answer."""
    count = 0
    for at in range(len(data)):
        for bit in range(8):
            flipped = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            count += verify(flipped, policy).word in (Word.ABSENT, Word.PRESENT)
    return count


def measure(accounts: int) -> dict[str, Any]:
    """All figures."""
    privates = [Ed25519PrivateKey.from_private_bytes(bytes([i + 1]) * 32) for i in range(2)]
    keys = [CosignerKey(f"w{i}.example", key.public_key().public_bytes_raw()) for i, key in enumerate(privates)]
    witnesses = [Witness(f"w{i}", key) for i, key in enumerate(keys)]
    world = make_world(accounts)
    text = write_policy([str(world.key.verifier)], witnesses, 2)
    policy = parse_policy(text.encode())
    dump = dump_of(world)
    start = time.perf_counter()
    world.accounts = AccountMap.load(world.vrf_key, dump)
    head = world.accounts.head()
    load_s = time.perf_counter() - start
    publish(world, list(zip(witnesses, privates, strict=True)))
    found: dict[str, Any] = {"accounts": len(world.accounts), "entries": len(world.envelopes), "load_s": load_s}
    found["counted"] = (head.count, len(world.bodies))
    for name, account, word in (
        ("absent", STRANGER, "ABSENT"),
        ("present", CUSTOMER, "PRESENT"),
        ("busy", BUSY, "PRESENT"),
    ):
        question = Question(account_name(account))
        data = encode_file(build(question, Sources(world, world, world)))
        verdict = verify(data, policy)
        if verdict.word != word:
            raise SystemExit(f"{name}: {verdict.word} {verdict.reasons}")
        times = 5 if name == "busy" else 51
        found[name] = {
            "bytes": len(data),
            "uses": len(world.by_account.get(account, [])),
            "verify_ms": median_ms(lambda data=data: verify(data, policy), times),
            "build_ms": median_ms(lambda q=question: build(q, Sources(world, world, world)), times),
        }
        if name == "absent":
            found["flips"] = (8 * len(data), flips_accepted(data, policy))
    found["vrf"] = vrf_times(world.vrf_key)
    found["changed"] = after_changes(world, list(zip(witnesses, privates, strict=True)), text)
    found["head_s"] = next_head(world)
    return found


def vrf_times(key: vrf.SecretKey) -> dict[str, float]:
    """Milliseconds per VRF operation."""
    names = iter(range(10**9))
    proof = vrf.prove(key, b"acct:1")
    return {
        "output_ms": median_ms(lambda: vrf.output(key, b"%d" % next(names)), 51),
        "prove_ms": median_ms(lambda: vrf.prove(key, b"%d" % next(names)), 51),
        "verify_ms": median_ms(lambda: verifier.verify(key.public, b"acct:1", proof), 51),
    }


def next_head(world: World) -> float:
    """Seconds for a head after 10,000 accounts each used the service once more."""
    first = len(world.envelopes)
    for number in range(min(10_000, len(world.accounts) - 1)):
        world.add_use(f"{number:012d}")
    uses = list(world.uses(first, len(world.envelopes)))
    start = time.perf_counter()
    world.accounts.advance(uses, len(world.envelopes))
    world.accounts.head()
    return time.perf_counter() - start


def section(found: dict[str, Any], command: str) -> report.Section:
    """The section of the page."""
    rows = []
    for name, title in (("absent", "absence"), ("present", "presence"), ("busy", "presence")):
        row = found[name]
        rows.append(
            (title, f"{row['uses']:,}", f"{row['bytes']:,}", f"{row['verify_ms']:.1f}", f"{row['build_ms']:.1f}")
        )
    for number, row in found["changed"].items():
        title = f"absence, the VRF key changed {number} time{'s' if number != '1' else ''}"
        rows.append((title, "0", f"{row['bytes']:,}", f"{row['verify_ms']:.1f}", ""))
    times = found["vrf"]
    text = report.table(("statement of", "uses", "bytes", "verified in ms", "made in ms"), rows)
    text += (
        f"\n\nMedians, over {found['accounts']:,} accounts in a log of {found['entries']:,} entries, with two "
        f"cosignatures; limits: {LIMIT_BYTES:,} bytes and {LIMIT_MS:.0f} ms for absence, {CHANGED_BYTES:,} bytes "
        f"behind changes of the key, for a reader whose policy names them. Of all {found['flips'][0]:,} "
        f"single-bit flips of the statement of absence, {found['flips'][1]} are accepted.\n\n"
        f"VRF in plain Python: {times['output_ms']:.1f} ms to place a new account, {times['prove_ms']:.1f} ms to "
        f"prove, {times['verify_ms']:.1f} ms to verify. The account map is loaded and hashed in {found['load_s']:.1f} "
        f"s; a head after 10,000 accounts changed takes {found['head_s']:.2f} s."
    )
    return report.Section("statements", "Statements of absence and presence", command, text)


def main() -> int:
    """Measure, print, write; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    found = measure(options.accounts)
    if options.json:
        print(json.dumps(found))
    else:
        made = section(found, "python bench/statements.py")
        report.write(made)
        print(made.text)
    absent = found["absent"]
    changed = found["changed"].values()
    within = all(row["bytes"] < CHANGED_BYTES and row["verify_ms"] < LIMIT_MS and not row["flips"] for row in changed)
    within = within and absent["bytes"] < LIMIT_BYTES and absent["verify_ms"] < LIMIT_MS and found["flips"][1] == 0
    return 0 if within and found["counted"][0] == found["counted"][1] else 1


if __name__ == "__main__":
    sys.exit(main())

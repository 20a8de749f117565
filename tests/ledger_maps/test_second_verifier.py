"""A verifier in JavaScript that follows FORMAT.md says the same as ours, of good files and of bad ones."""

from __future__ import annotations

import base64
import dataclasses
import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from custodes.ledger.prover.files import encode_file, wrap
from custodes.ledger.verifier.statement import ShownUse
from custodes.ledger.verifier.verdict import Word, verify

SCRIPT = Path(__file__).parents[1] / "second_verifier" / "verify.mjs"
ANN, EVE, ODD = "acct:100000000001", "acct:100000000003", "acct:12"
START, MINUTE = 1_767_225_600_000, 60_000


def theirs(policy, files):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    asked = json.dumps({"policy": policy, "files": [base64.b64encode(file).decode() for file in files]})
    done = subprocess.run([node, str(SCRIPT)], input=asked, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


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


def mutations(file, number, seed):
    """A bit, a byte, a cut; and members changed behind a checksum that is made anew."""
    choice = random.Random(seed)
    for _ in range(number):
        at = choice.randrange(len(file))
        yield file[:at] + bytes([file[at] ^ 1 << choice.randrange(8)]) + file[at + 1 :]
    yield file[:-1]
    yield file + b"\n"
    inner = json.loads(file)["statement"]
    for name in inner:
        for value in (None, 0, "", [], inner["path"], inner["question"]):
            if value != inner[name]:
                yield wrap("statement", {**inner, name: value})
    yield wrap("statement", {**inner, "more": 1})
    for name in ("from", "to"):
        for value in (0, START + 6 * MINUTE, START + 26 * MINUTE, -1):
            yield wrap("statement", {**inner, "question": {**inner["question"], name: value}})


def test_both_say_the_same_of_every_file(busy_world):
    files = [encode_file(statement) for statement in statements(busy_world)]
    own = ours(busy_world, files)
    assert {Word.PRESENT, Word.ABSENT, Word.UNDETERMINED} <= set(own)
    assert theirs(busy_world.policy_text(), files) == own


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
    assert theirs(world.policy_text(), files) == own


def test_both_say_the_same_of_every_mutation(busy_world):
    files = []
    for seed, statement in enumerate(list(statements(busy_world))[:3]):
        files += mutations(encode_file(statement), 60, seed)
    own = ours(busy_world, files)
    assert own.count("INVALID") > 150
    assert theirs(busy_world.policy_text(), files) == own

"""The verifier in JavaScript, run under Node, and files that were changed on purpose."""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path

import pytest

from custodes.ledger.prover.files import wrap

RUNNER = Path(__file__).parent / "run.mjs"
MODULE = Path(str(resources.files("custodes.ledger"))) / "javascript"


def answers(
    policy: str,
    files: Sequence[bytes] = (),
    receipts: Sequence[str] = (),
    names: Sequence[str] = (),
    signatures: Sequence[tuple[bytes, bytes, bytes]] = (),
    growth: dict[str, object] | None = None,
    stamped: Sequence[dict[str, object]] = (),
    tokens: Sequence[dict[str, str]] = (),
) -> list:
    """What it says of each file and receipt (verdict and reasons), the places of each name, signatures in two ways."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    asked = {
        "module": MODULE.as_uri(),
        "policy": policy,
        "files": [base64.b64encode(file).decode() for file in files],
        "receipts": list(receipts),
        "names": list(names) or None,
        "growth": growth,
        "stamped": list(stamped),
        "tokens": list(tokens),
        "signatures": [[base64.b64encode(part).decode() for part in each] for each in signatures],
    }
    done = subprocess.run(
        [node, str(RUNNER)], input=json.dumps(asked), capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def words(policy: str, files: Sequence[bytes]) -> list[str]:
    """The verdicts on files."""
    return [answer["verdict"] for answer in answers(policy, files)]


def mutations(file: bytes, number: int, seed: int) -> Iterator[bytes]:
    """Bits flipped and a cut; and every member, at every depth, changed behind a checksum that is made anew."""
    choice = random.Random(seed)
    for _ in range(number):
        at = choice.randrange(len(file))
        yield file[:at] + bytes([file[at] ^ 1 << choice.randrange(8)]) + file[at + 1 :]
    yield file[:-1]
    yield file + b"\n"
    outer = json.loads(file)
    kind = next(name for name in outer if name != "digest")
    inner = outer[kind]
    places = [at for at in _places(inner) if at]
    for at in places if len(places) <= 2 * number else choice.sample(places, 2 * number):
        for value in (None, 0, "", [], {}, -1, "other", True):
            changed = json.loads(json.dumps(inner))
            spot = changed
            for step in at[:-1]:
                spot = spot[step]
            if spot[at[-1]] != value or isinstance(value, bool):
                spot[at[-1]] = value
                yield wrap(kind, changed)
        if isinstance(at[-1], str):
            changed = json.loads(json.dumps(inner))
            spot = changed
            for step in at[:-1]:
                spot = spot[step]
            del spot[at[-1]]
            yield wrap(kind, changed)
    yield wrap(kind, {**inner, "more": 1})


def _places(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield at
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _places(member, (*at, name))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _places(member, (*at, number))

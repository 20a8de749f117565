"""Anybody can decide again: Cedar's own engine in Node agrees with what the ledger says was decided and by which rules.

It runs where the tools are; scripts/install-test-tools.sh installs them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from custodes.governance.provider.guardrails import BOOLEANS, VOCABULARIES, Call, load, shipped, shipped_schema
from custodes.governance.provider.policy_set import PolicySet
from custodes.ledger.tlog.entry import decode
from tests.fakes.engine import Square, picture

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("interop") / "replay.cjs"
NODE_MODULES = Path(os.environ.get("CUSTODES_NODE_MODULES", Path(__file__).parents[2] / "build" / "node_modules"))
NOW = 1_795_000_000_000
SET = PolicySet(shipped(), shipped_schema())


def replay(policy: PolicySet, decisions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "@cedar-policy" / "cedar-wasm").is_dir():
        pytest.skip("needs node and @cedar-policy/cedar-wasm in build/node_modules (scripts/install-test-tools.sh)")
    asked = json.dumps({"set": policy.members(), "decisions": list(decisions)})
    done = subprocess.run(
        [node, str(SCRIPT), str(NODE_MODULES)], input=asked, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.npm
def test_what_the_ledger_says_was_decided_is_decided_again(live_server: Any, rekognition: Any) -> None:
    photo = {"Bytes": picture(Square(1))}
    rekognition.create_collection(CollectionId="people")
    rekognition.search_faces_by_image(CollectionId="people", Image=photo)
    rekognition.detect_faces(Image=photo, Attributes=["ALL"])
    with pytest.raises(ClientError):
        rekognition.search_faces(CollectionId="none", FaceId="11111111-2222-3333-4444-555555555555")
    log = live_server.deployment.ledger.log
    log.flush()
    found = [(index, decode(envelope)) for index, envelope in log.tree().entries() if b'"k":"auth"' in envelope]
    bodies = [json.loads(log.body(index)) for index, _ in found]
    in_force = bodies[0]["policy"]
    stored = json.loads((live_server.data / "policy" / "sets" / f"{in_force}.json").read_bytes())
    again = replay(PolicySet(stored["packs"], stored["schema"]), bodies)
    assert {body["policy"] for body in bodies} == {again["digest"]} and len(bodies) == 4
    for body, (_, entry), decision in zip(bodies, found, again["decisions"], strict=True):
        assert decision["allowed"] is (entry.fields["d"] == "allow")
        assert decision["rules"] == body["rules"]


@pytest.mark.npm
def test_two_engines_agree_on_facts_of_all_kinds() -> None:
    chosen = random.Random(7)
    guardrails = load(SET.packs, SET.schema)
    within = frozenset().union(*guardrails.groups.values())
    operations = sorted(guardrails.groups.keys() - within)
    calls = []
    for _ in range(400):
        facts = {name: chosen.choice(sorted(words)) for name, words in VOCABULARIES.items()}
        facts |= {name: chosen.random() < 0.5 for name in BOOLEANS}
        facts |= {"country": "NL", "now": NOW, "screened_at": NOW - chosen.choice([0, 86_400_000, 86_400_001])}
        facts |= {"threshold_milli": chosen.choice([80_000, 99_000])}
        calls.append({"acct": "111122223333", "op": chosen.choice(operations), "resource": "*", "facts": facts})
    again = replay(SET, calls)
    assert again["digest"] == SET.digest()
    for call, decision in zip(calls, again["decisions"], strict=True):
        verdict = guardrails.decide(Call(call["acct"], call["op"], call["resource"], call["facts"]))
        assert (decision["allowed"], tuple(decision["rules"])) == (verdict.allowed, verdict.rules)

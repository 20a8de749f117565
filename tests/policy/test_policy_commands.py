"""The commands that change and explain the rules, as an operator types them, beside a running server and without."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from custodes.cli.policy.policy import app
from custodes.core.errors import CustodesError
from tests.fakes.engine import Square, picture


@pytest.fixture
def policy(live_server: Any) -> Any:
    """Runs ``custodes policy ...`` on the live server's directory; gives output, or the error in brackets."""

    def run(*arguments: str) -> str:
        more = [] if arguments[:2] == ("officer", "key") else ["--data", str(live_server.data)]
        done = CliRunner().invoke(app, [*arguments, *more])
        if isinstance(done.exception, CustodesError | OSError):
            return f"[{done.exception}]"
        assert done.exit_code == 0, done.output
        return done.output.strip()

    return run


def officers(policy: Any, folder: Path) -> None:
    keys = [policy("officer", "key", name, "--out", str(folder / name)) for name in ("ann", "ben")]
    assert "first officer" in policy("officer", "add", keys[0])
    proposal = str(folder / "officers.json")
    policy("officer", "add", keys[1], "--out", proposal)
    assert "signed by officers" in policy("apply", proposal)
    policy("sign", proposal, "--key", str(folder / "ann"))
    assert "on record" in policy("apply", proposal)
    assert stat.S_IMODE((folder / "ann").stat().st_mode) == 0o600


def test_a_change_from_proposal_to_force(policy: Any, live_server: Any, rekognition: Any, tmp_path: Path) -> None:
    assert json.loads(policy("status", "--json"))["officers"] == {}
    officers(policy, tmp_path)
    tighter = str(tmp_path / "tighter.json")
    policy("propose", "--enable", "uk-russia-sanctions", "--out", tighter)
    policy("sign", tighter, "--key", str(tmp_path / "ben"))
    assert "in force now" in policy("apply", tighter)
    assert "uk-russia-sanctions" in json.loads(policy("status", "--json"))["packs"]
    rekognition.list_collections()  # the operator is not a party to be screened

    weaker, packs = str(tmp_path / "weaker.json"), tmp_path / "packs"
    policy("export", str(packs))
    pack = packs / "police-moratorium.cedar"
    pack.write_text(pack.read_text().replace("2028-01-01", "2026-01-01"))
    assert "weakening: forbid edited" in policy("propose", str(packs), "--out", weaker)
    assert "ann" in policy("sign", weaker, "--key", str(tmp_path / "ann"))
    assert "2 officers must sign, 1 did" in policy("apply", weaker)
    policy("sign", weaker, "--key", str(tmp_path / "ben"))
    assert "takes force at" in policy("apply", weaker)
    parsed = json.loads(policy("status", "--json"))
    assert parsed["waiting"]["changes"] == ["forbid edited: police-moratorium.face-comparison"]
    assert [row["act"] for row in json.loads(policy("history", "--json"))] == [
        "release",
        "officers",
        "officers",
        "set",
        "set",
    ]


def test_an_explanation(policy: Any, live_server: Any, rekognition: Any) -> None:
    with pytest.raises(ClientError) as missing:
        rekognition.search_faces(CollectionId="people", FaceId="11111111-2222-3333-4444-555555555555")
    done = rekognition.detect_faces(Image={"Bytes": picture(Square(1))}, Attributes=["ALL"])
    live_server.deployment.ledger.log.flush()
    for answer, operation, code in (
        (missing.value.response, "SearchFaces", "NotFoundError"),
        (done, "DetectFaces", "Done"),
    ):
        metadata = answer["ResponseMetadata"]
        parsed = json.loads(policy("explain", metadata["RequestId"], "--json"))
        assert parsed["decision"] == "allow" and parsed["body"]["op"] == operation and parsed["again"] is True
        assert parsed["outcome"]["code"] == code
        assert [rule["id"] for rule in parsed["rules"]] == ["baseline.serve"]
        assert parsed["body"]["facts"]["sector"] == "operator"
        index = metadata["HTTPHeaders"]["x-custodes-ledger-index"]
        assert json.loads(policy("explain", "--index", index, "--json"))["body"] == parsed["body"]
    assert "facts:" in policy("explain", metadata["RequestId"])
    assert policy("explain", "no-such-request").startswith("[no decision on a request")
    assert policy("explain").startswith("[give either")
    assert policy("explain", "--index", "0").startswith("[entry 0 is no decision")


def test_what_is_no_key_or_proposal_is_one_plain_line(policy: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    assert policy("apply", str(bad)).startswith("[")
    key, good = tmp_path / "ann", tmp_path / "good.json"
    policy("officer", "key", "ann", "--out", str(key))
    policy("propose", "--enable", "uk-russia-sanctions", "--out", str(good))
    key.chmod(0o644)
    assert "0600" in policy("sign", str(good), "--key", str(key))
    assert "cannot be read" in policy("sign", str(bad), "--key", str(key))
    assert "File exists" in policy("officer", "key", "ann", "--out", str(key))
    assert policy("propose", "--enable", "nonsense").startswith("[no pack nonsense")
    assert policy("officer", "add", "nonsense").startswith("[not a public key")

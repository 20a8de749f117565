"""Reports for regulators: every number is counted again by whoever receives them, and a changed one is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from custodes.governance.authorisation import EXCEPTIONAL, WINDOW_MS
from custodes.governance.provider.guardrails import DEFAULT_PACKS, load, shipped, shipped_schema
from custodes.ledger.__main__ import check
from custodes.ledger.prover.files import wrap
from custodes.ledger.tlog.tiles import read_entries
from custodes.ledger.tlog.trust import parse_policy
from custodes.ledger.verifier.expected import Expectation
from custodes.ledger.verifier.regulation import figures as numbers
from custodes.ledger.verifier.regulation.check import verify_regulation
from custodes.ledger.verifier.regulation.figures import Counted, CountedRecord, CountedUse, figures
from custodes.storage.ledger.open import read_tiles
from tests.fakes.engine import Square, picture
from tests.second_verifier.node import answers, mutations

DAY = 86_400_000
START = 1_790_000_000_000
PROFILE = {
    "legal_name": "Museum of Exampletown <b>", "country": "NL", "sector": "media", "purposes": ["research"],
    "references": {"fria": "F-12", "dpia": "D-7"},
}  # fmt: skip


@pytest.fixture
def made(live_server: Any, custodes: Any, tmp_path: Path) -> Path:
    """A folder with the report on an account that searched, enrolled, and was refused."""
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps(PROFILE))
    opened = json.loads(custodes("account", "create", "--profile", str(profile), "--json").stdout)
    client = boto3.client(
        "rekognition",
        endpoint_url=live_server.url,
        region_name="eu-central-1",
        aws_access_key_id=opened["access_key_id"],
        aws_secret_access_key=opened["secret_access_key"],
    )
    client.create_collection(CollectionId="people")
    client.index_faces(CollectionId="people", Image={"Bytes": picture(Square(1))})
    client.search_faces_by_image(CollectionId="people", Image={"Bytes": picture(Square(1))})
    client.search_faces_by_image(CollectionId="people", Image={"Bytes": picture(Square(2))})
    custodes("account", "suspend", opened["account_id"], "--reason", "unpaid")
    with pytest.raises(ClientError):
        client.detect_faces(Image={"Bytes": picture(Square(1))})
    live_server.client().detect_faces(Image={"Bytes": picture(Square(1))})  # somebody else's
    out = tmp_path / "report"
    done = custodes("report", "ai-act", "--account", opened["account_id"], "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


def test_numbers_are_counts_and_a_changed_one_is_found(made: Path, custodes: Any, live_server: Any) -> None:
    trust = str(made / "trust.policy")
    checked = custodes("statement", "verify", str(made / "report.json"), "--trust", trust)
    assert checked.stdout.startswith("PRESENT"), checked.stdout
    inner = json.loads((made / "report.json").read_bytes())["regulation"]
    for account, word in ((inner["account"], "PRESENT"), ("999999999999", "INVALID")):
        asked = Expectation(identifier=f"acct:{account}")
        assert check(made / "report.json", made / "trust.policy", None, asked)[0] == word
    said = inner["figures"]
    assert (said["12.uses"], said["12.3.identifications"], said["12.3.b.database_and_version"]) == (4, 2, 2)
    assert (said["12.3.c.with_match"], said["12.3.c.with_match_and_input"]) == (1, 1)
    assert (said["26.allowed"], said["26.refused"], said["26.5.suspensions"], said["35.faces_enrolled"]) == (4, 1, 1, 1)
    page = (made / "report.html").read_text()
    assert "Museum of Exampletown &lt;b&gt;" in page and "F-12" in page and "<script" not in page

    policy_text = (made / "trust.policy").read_text()
    policy = parse_policy(policy_text.encode())
    files = [(made / "report.json").read_bytes()]
    for name in said:
        files.append(wrap("regulation", {**inner, "figures": {**said, name: said[name] + 1}}))
        files.append(wrap("regulation", {**inner, "figures": {k: v for k, v in said.items() if k != name}}))
    files.append(wrap("regulation", {**inner, "figures": {**said, "26.10.late": 0}}))
    files.append(wrap("regulation", {**inner, "records": inner["records"][1:]}))
    files.append(wrap("regulation", {**inner, "account": "999999999999"}))
    tiles = read_tiles(live_server.deployment.settings.data)
    public = verify_regulation(files[0], policy, lambda size: read_entries(tiles, size))
    assert any("1 refusals of all accounts" in one and "none was left out" in one for one in public.reasons), public
    shown = [one for one in inner["records"] if one["e"].get("d") != "deny"]
    assert len(shown) == len(inner["records"]) - 1
    own = [verify_regulation(file, policy).word for file in files]
    assert own == ["PRESENT"] + ["INVALID"] * (len(files) - 1)
    files += mutations(files[0], 60, 7)
    own = [verify_regulation(file, policy).word for file in files]
    assert [one["verdict"] for one in answers(policy_text, files)] == own


def test_what_identifies_and_what_is_exceptional_is_what_the_rules_say() -> None:
    rules = load(shipped(DEFAULT_PACKS), shipped_schema())
    assert set(rules.operations_in("FaceIdentification")) == numbers.IDENTIFICATIONS
    assert numbers.EXCEPTIONAL == EXCEPTIONAL and numbers.AUTHORISATION_MS == WINDOW_MS


def record(index: int, kind: str, t: int, word: str = "", **facts: object) -> CountedRecord:
    return CountedRecord(index, kind, t, word, facts)


def test_cases_without_an_authorisation_in_time_are_counted() -> None:
    records = [
        record(1, "acc", START, "case", case="in time"),
        record(2, "acc", START + WINDOW_MS - 1, "authorised", case="in time"),
        record(3, "acc", START, "case", case="late"),
        record(4, "acc", START + WINDOW_MS, "authorised", case="late"),
        record(5, "acc", START, "case", case="never"),
        record(6, "acc", START + 29 * DAY, "case", case="still open"),
    ]
    found = figures(Counted((), records, START, START + 30 * DAY, 0))
    assert (found["26.10.cases"], found["26.10.granted"], found["26.10.late"]) == (4, 2, 2)


def test_identifications_for_exceptional_purposes_are_counted_by_year() -> None:
    year = 1_798_761_600_000  # 2027-01-01
    search = {"op": "SearchFaces", "code": "Done"}
    uses = [CountedUse(t, 1, 1, search) for t in (year - 1, year, year + 1)] + [CountedUse(year, 1, 2, search)]
    records = [
        record(1, "auth", year - 9, "allow", purpose="missing-person"),
        record(2, "auth", year, "allow", purpose="x"),
    ]
    found = figures(Counted(uses, records, year - DAY, year + DAY, 0))
    assert (found["26.10.uses.2026"], found["26.10.uses.2027"], found["30.purpose.missing-person"]) == (1, 2, 1)


def test_a_release_counts_as_verified_when_two_persons_confirmed_it() -> None:
    votes = [("one", "person:a"), ("one", "person:b"), ("two", "person:a"), ("two", "person:a")]
    records = [record(at, "rev", at, review=name, person=who, what="confirm") for at, (name, who) in enumerate(votes)]
    records += [record(9, "rev", 9, review=name, what="release") for name in ("one", "two")]
    found = figures(Counted((), records, 0, 10, 0))
    assert (found["14.5.confirm"], found["14.5.release"], found["14.5.verified_by_two"]) == (4, 2, 1)

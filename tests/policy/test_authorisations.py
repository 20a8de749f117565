"""An identification for an exceptional purpose has 48 hours to be authorised; what comes of it is on record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from custodes.core.clock import FixedClock
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.core.ids import AccountId, RequestId
from custodes.deployment.record.ledger import started
from custodes.governance.authorisation import WINDOW_MS, Authorisation
from custodes.governance.iam.evaluate import IamDecision, Reason
from custodes.governance.provider.guardrails import DEFAULT_PACKS, load, shipped, shipped_schema
from custodes.ledger.tlog.entry import decode
from custodes.operations.collections.search import SearchFaces
from custodes.operations.policy.authorisations import Authorisations
from custodes.operations.policy.decide import PolicyLayers, RulesInForce
from custodes.operations.policy.facts import PolicyFacts, Profile
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import Allow, Decision, Deny, Intent
from custodes.storage.files.cases import CaseFile
from tests.fakes.unrecorded import NoLists

START = 1_795_000_000_000
POLICE = AccountId("111111111111")
RULE = "eu-ai-act.26-10"
RULES = RulesInForce("0" * 64, load(shipped(DEFAULT_PACKS), shipped_schema()))
FACTS = {
    "sector": "law-enforcement", "country": "NL", "status": "active", "purpose": "missing-person",
    "legal_basis": "public-task", "place": "private", "face_source": "unstated",
}  # fmt: skip
GRANTED = Authorisation("26/1044", "Court of Exampletown", "2026-11-20")


class Anything:
    def decide(self, intent: Intent) -> IamDecision:
        return IamDecision(True, Reason.IDENTITY_ALLOW, "root")


class Station:
    """A police account over a real ledger, on a clock that tests move."""

    def __init__(self, data: Path) -> None:
        data.mkdir(exist_ok=True)
        self.data, self.clock = data, FixedClock(START)

    @contextmanager
    def open(self) -> Iterator[Authorisations]:
        with started(self.data, "test/cases", None, self.clock) as self.log:
            cases = Authorisations(CaseFile(self.data / "cases.json"), self.log, self.clock)
            profile = Profile(FACTS, frozenset({"missing-person", "criminal-investigation"}))
            facts = PolicyFacts({POLICE: profile}.get, NoLists(), cases.state)
            self.layers = PolicyLayers(lambda: RULES, facts, Anything(), cases.begin)
            yield cases

    def search(self, case: str | None = None, **tags: str) -> Decision:
        stated = {"custodes:human_review": "true", **({} if case is None else {"custodes:case": case}), **tags}
        caller = Caller(POLICE, "AKCU", f"arn:aws:iam::{POLICE}:root", "eu-central-1", stated)
        context = Context(caller, RequestId("r"), self.clock.now_ms())
        facts = {"threshold_pct": 99.5}
        return self.layers.decide(Intent(context, "rekognition:SearchFaces", "*", facts, SearchFaces.properties))

    def entries(self) -> list[str]:
        self.log.flush()
        found = [decode(envelope) for _, envelope in self.log.tree().entries()]
        return [str(entry.fields.get("x")) for entry in found if entry.kind == "acc"]


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path / "data")


def refused(decision: Decision) -> bool:
    return isinstance(decision, Deny) and RULE in decision.grounds.rules


def test_after_48_hours_without_an_authorisation_the_rule_denies(station: Station) -> None:
    with station.open():
        assert isinstance(station.search("case-1"), Allow)
        station.clock.advance(WINDOW_MS - 1)
        assert isinstance(station.search("case-1"), Allow)
        station.clock.advance(1)
        assert refused(station.search("case-1"))
        assert isinstance(station.search("case-2"), Allow)  # another case has hours of its own
        assert station.entries() == ["case", "case"]
    with station.open():  # a start forgets nothing
        assert refused(station.search("case-1"))


def test_an_authority_decides(station: Station) -> None:
    with station.open() as cases:
        assert isinstance(station.search("case-1"), Allow)
        cases.decide(POLICE, "case-1", GRANTED)
        station.clock.advance(10 * WINDOW_MS)
        assert isinstance(station.search("case-1"), Allow)
        cases.decide(POLICE, "case-1", Authorisation("26/1045", "Court of Exampletown", "2026-11-21", granted=False))
        assert refused(station.search("case-1"))
        assert station.entries() == ["case", "authorised", "refused"]


def test_without_a_case_the_purpose_is_one(station: Station) -> None:
    with station.open() as cases:
        assert isinstance(station.search(), Allow)
        station.clock.advance(WINDOW_MS)
        assert refused(station.search())
        cases.decide(POLICE, "missing-person", GRANTED)
        assert isinstance(station.search(), Allow)


def test_a_session_cannot_authorise_itself(station: Station) -> None:
    with station.open():
        assert isinstance(station.search(**{"custodes:authorisation": "granted"}), Deny)
        assert isinstance(station.search("no case \u2028"), Deny)


def test_a_case_whose_beginning_cannot_be_recorded_is_not_begun(station: Station) -> None:
    with station.open():
        station.log.close()
        found = station.search("case-1")
        assert isinstance(found, Deny) and found.rule_id == "cases.record"
    with station.open() as cases:
        assert cases.listed(None) == []


def test_damaged_files_and_wrong_words_are_refused(station: Station) -> None:
    (station.data / "cases.json").write_text("[{}]")
    with pytest.raises(UnavailableError, match="backup"), station.open():
        pass
    for wrong in ({"date": "yesterday"}, {"reference": ""}, {"issuer": "\n"}):
        with pytest.raises(InvalidParameterError):
            Authorisation(**{"reference": "1", "issuer": "Court", "date": "2026-01-01", **wrong})

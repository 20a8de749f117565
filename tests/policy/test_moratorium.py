"""The moratorium report: counts that hold against a lying operator, and rules whose history is unbroken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.core.clock import FixedClock
from custodes.core.ids import AccountId, RequestId
from custodes.deployment.record.ledger import started
from custodes.deployment.record.statements import open_statements
from custodes.governance.accounts.account import Account, AccountKind, Status
from custodes.governance.accounts.organisation import OrganisationProfile
from custodes.governance.iam.evaluate import IamDecision, Reason
from custodes.governance.provider.guardrails import DEFAULT_PACKS, load, shipped, shipped_schema
from custodes.governance.provider.policy_set import NOTICE_MS, PolicySet
from custodes.governance.provider.proposal import propose_officers, propose_set
from custodes.ledger.prover.files import encode_file
from custodes.ledger.prover.moratorium import build_report
from custodes.ledger.prover.sources import open_log_files
from custodes.ledger.prover.verifier_zipapp import build as build_zipapp
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tlog.trust import TrustPolicy, Witness, parse_policy
from custodes.ledger.verifier.moratorium.check import verify_moratorium
from custodes.ledger.verifier.moratorium.report import MoratoriumQuestion, Report, parse
from custodes.ledger.witness.trust_policy import write_policy
from custodes.ledger.witness.witness import WitnessKey
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.operations.accounts.log import AccountLog
from custodes.operations.policy.change_control import Own, PolicyChanges
from custodes.operations.policy.decide import PolicyLayers
from custodes.operations.policy.facts import PolicyFacts, Profile
from custodes.operations.record.recorder import LedgerRecorder
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import DENIED, DONE, Intent, UseOutcome
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.files.policy import PolicyFiles
from custodes.storage.ledger.open import LedgerPaths, read_bodies, read_tiles
from tests.fakes.unrecorded import NoLists
from tests.second_verifier.node import mutations, words

START = 1_795_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
KEYS = {name: Ed25519PrivateKey.from_private_bytes(bytes([at]) * 32) for at, name in enumerate(("ann", "ben"), 1)}
OWN = PolicySet(shipped(DEFAULT_PACKS), shipped_schema())
OPERATIONS = load(OWN.packs, OWN.schema).operations_in("FaceComparison")
RULE = "police-moratorium.face-comparison"
STATED = {
    "purpose": "criminal-investigation",
    "legal_basis": "public-task",
    "place": "private",
    "face_source": "unstated",
}
PROFILES = {
    AccountId("111111111111"): Profile({"sector": "law-enforcement", "country": "GB", "status": "active", **STATED}),
    AccountId("222222222222"): Profile({"sector": "software", "country": "GB", "status": "active", **STATED}),
}


class Anything:
    """A tenant that lets everybody of its own do everything."""

    def decide(self, intent: Intent) -> IamDecision:
        return IamDecision(True, Reason.IDENTITY_ALLOW, "root")


class World:
    """A server's ledger, rules and gatekeeping without a server, on a clock that tests move."""

    def __init__(self, data: Path) -> None:
        self.data, self.clock = data, FixedClock(START)
        data.mkdir()
        self.context = started(data, "test/moratorium", None, self.clock)
        self.log = self.context.__enter__()
        self.files = PolicyFiles(FolderDocuments(data))
        self.office = PolicyChanges(self.files, self.log, self.clock, Own(OWN), self.clock.now_ms)
        self.office.open()
        self.layers = PolicyLayers(self.office.in_force, PolicyFacts(PROFILES.get, NoLists()), Anything())
        self.recorder = LedgerRecorder(self.log, "model")
        self.calls = 0

    def appoint(self) -> None:
        public = {name: key.public_key().public_bytes_raw() for name, key in KEYS.items()}
        self.office.apply(propose_officers(self.office.state.head, {"ann": public["ann"]}))
        self.office.apply(propose_officers(self.office.state.head, public).signed("ann", KEYS["ann"].sign))

    def repeal(self) -> None:
        text = OWN.packs["police-moratorium"].replace("2028-01-01", "2026-01-01")
        weaker = PolicySet({**OWN.packs, "police-moratorium": text}, OWN.schema)
        proposal = propose_set(OWN.digest(), weaker, self.clock.now_ms() + NOTICE_MS + DAY)
        for name, key in KEYS.items():
            proposal = proposal.signed(name, key.sign)
        self.office.apply(proposal)

    def call(self, account: str, operation: str = "SearchFaces", threshold_pct: float = 99.5) -> bool:
        self.calls += 1
        self.clock.advance(1000)
        tags = {"custodes:human_review": "true"}
        caller = Caller(AccountId(account), "AKCU", f"arn:aws:iam::{account}:root", "eu-central-1", tags)
        context = Context(caller, RequestId(f"request-{self.calls}"), self.clock.now_ms())
        intent = Intent(context, f"rekognition:{operation}", "*", {"threshold_pct": threshold_pct})
        decision = self.layers.decide(intent)
        allowed = type(decision).__name__ == "Allow"
        slot = self.recorder.reserve(intent, decision)
        self.recorder.record(slot, UseOutcome(DONE if allowed else DENIED))
        return allowed

    def pass_time(self, ms: int) -> None:
        """Let the server run so long, writing an entry each hour."""
        for _ in range(0, ms, HOUR):
            self.clock.advance(HOUR)
            self.log.append("rec", fields={"n": 0, "s": 0, "x": "network-runs"}).wait()
        self.log.flush()

    def report(self, begin: int | None = None, end: int | None = None) -> Report:
        open_statements(self.data).close_head(self.log)
        files = open_log_files(
            read_tiles(self.data), read_bodies(self.data), load_or_create_secret(LedgerPaths(self.data).body_key)
        )
        question = MoratoriumQuestion("law-enforcement", OPERATIONS, RULE, begin, end)
        return build_report(question, files, self.files.members)

    def trust_text(self) -> str:
        return write_policy([LedgerPaths(self.data).verifier.read_text().strip()], [], 0)

    def trust(self) -> TrustPolicy:
        return parse_policy(self.trust_text().encode())

    def verdict(self, report: Report) -> tuple[str, str]:
        found = verify_moratorium(encode_file(report), self.trust())
        return found.word, "\n".join(found.reasons)


@pytest.fixture
def world(tmp_path: Path) -> Any:
    world = World(tmp_path / "data")
    yield world
    world.context.__exit__(None, None, None)


def test_a_moratorium_that_was_kept(world: World) -> None:
    world.appoint()
    assert world.call("222222222222") and not world.call("111111111111")
    assert not world.call("111111111111", "CompareFaces") and world.call("111111111111", "DetectLabels")
    word, text = world.verdict(world.report())
    assert word == "ABSENT", text
    assert "allowed 0 and refused 2 requests" in text
    assert f"refusals by {RULE}: 2" in text and "other sectors: software, allow: 1" in text
    assert f"with {RULE}" in text and "WITHOUT" not in text


def test_the_newest_entry_of_a_kind_is_found_from_the_end(world: World) -> None:
    for _ in range(300):
        world.log.append("inc", fields={"x": "filler"})
    world.log.flush()
    tree = world.log.tree()
    entries = [(index, envelope) for index, envelope in tree.entries() if b'"k":"pol"' in envelope]
    assert tree.newest("pol") == entries[-1]
    assert tree.newest("inc") == list(tree.entries())[-1] and tree.newest("bil") is None


def test_a_moratorium_that_was_lifted_with_notice(world: World) -> None:
    world.appoint()
    world.repeal()
    assert not world.call("111111111111")
    world.pass_time(NOTICE_MS + 2 * DAY)
    lifted = world.clock.now_ms()
    world.office.activate()
    assert world.call("111111111111")
    word, text = world.verdict(world.report())
    assert word == "PRESENT" and "allowed 1 and refused 1" in text and "1 were used" in text
    assert "signed by ann, ben, announced in entry" in text
    word, text = world.verdict(world.report(None, lifted - DAY))
    assert word == "ABSENT" and "allowed 0 and refused 1" in text
    word, text = world.verdict(world.report(lifted, None))
    assert word == "PRESENT" and "allowed 1 and refused 0" in text


def test_a_set_that_came_with_the_program_is_told_as_such(world: World) -> None:
    weaker = PolicySet({name: text for name, text in OWN.packs.items() if "police" not in name}, OWN.schema)
    again = PolicyChanges(world.files, world.log, world.clock, Own(weaker), world.clock.now_ms)
    again.open()
    word, text = world.verdict(world.report())
    assert word == "ABSENT" and "not weakened" in text and "a set that waits until" in text
    world.pass_time(NOTICE_MS)
    again.activate()
    word, text = world.verdict(world.report())
    assert word == "ABSENT" and f"WITHOUT {RULE}; the set of the program; nobody was appointed" in text
    assert "WEAKENED" in text.splitlines()[1]
    word, text = world.verdict(world.report(None, START + DAY))
    assert word == "ABSENT" and "not weakened" in text.splitlines()[1]


def test_a_sector_that_was_changed_meanwhile_is_in_the_verdict(world: World) -> None:
    log = AccountLog(world.log, bytes)
    police = OrganisationProfile("Police of Exampletown", "GB", "law-enforcement")
    account = Account(AccountId("111111111111"), AccountKind.CUSTOMER, Status.ACTIVE, police)
    disguised = replace(account, organisation=replace(police, sector="software"))
    world.call("222222222222")
    log.state(disguised, "update", 2, account)
    log.state(disguised, "update", 2, disguised)
    word, text = world.verdict(world.report())
    assert word == "ABSENT" and "1 accounts left this sector and 0 joined it" in text.splitlines()[1]
    assert "Exampletown" not in encode_file(world.report()).decode()
    report = world.report()
    hidden = replace(report, excerpts=tuple(each for each in report.excerpts if b"before" not in each.text))
    assert world.verdict(hidden)[0] == "UNDETERMINED"


def test_the_report_tells_for_which_purposes(world: World) -> None:
    world.appoint()
    stated = dict(PROFILES[AccountId("111111111111")].facts) | {"purpose": "missing-person"}
    exceptional = Profile(stated, frozenset({"missing-person"}))
    world.layers = PolicyLayers(
        world.office.in_force, PolicyFacts({AccountId("111111111111"): exceptional}.get, NoLists()), Anything()
    )
    assert world.call("111111111111")
    word, text = world.verdict(world.report())
    assert word == "PRESENT" and "purpose 'missing-person', allow: 1" in text


def test_the_report_names_nobody(world: World) -> None:
    world.call("111111111111")
    data = encode_file(world.report())
    for secret in (b"111111111111", b"AKCU", b"request-"):
        assert secret not in data


def test_what_was_erased_is_not_called_absent(world: World) -> None:
    world.call("222222222222")
    world.log.flush()
    index = next(each.index for each in world.report().excerpts)
    world.log.erase([index])
    word, text = world.verdict(world.report())
    assert word == "UNDETERMINED" and "1 permissions or changes of accounts are shown without an excerpt" in text


def test_without_the_witnesses_that_the_reader_trusts_it_is_undetermined(world: World) -> None:
    world.call("111111111111")
    key = WitnessKey("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    log = LedgerPaths(world.data).verifier.read_text().strip()
    trust = parse_policy(write_policy([log], [Witness("w", key.public)], 1).encode())
    found = verify_moratorium(encode_file(world.report()), trust)
    assert found.word == "UNDETERMINED" and "too few of the witnesses" in found.reasons[0]
    other = parse_policy(write_policy([str(VerifierKey("test/moratorium", b"x" * 32))], [], 0).encode())
    assert verify_moratorium(encode_file(world.report()), other).word in ("INVALID", "UNDETERMINED")


def test_a_period_that_is_not_over_is_undetermined(world: World) -> None:
    world.call("222222222222")
    assert world.verdict(world.report(None, START + DAY))[0] == "UNDETERMINED"
    assert world.verdict(world.report(START, START))[0] == "UNDETERMINED"


def test_a_notice_that_only_the_clock_says_is_over_is_not_taken_for_one(world: World) -> None:
    """The clock set ahead while the server is off, by a program that does not wait for what the log shows."""
    world.appoint()
    world.repeal()
    world.pass_time(DAY)
    announced = world.clock.now_ms()
    world.clock.advance(NOTICE_MS)
    world.log.append("boot", fields={"r": "A" * 43})
    world.office.activate()
    report = world.report(announced)
    assert report.range[0] != report.range[-1] and b'"x":"set"' in b"".join(report.range), "from the announcement on"
    word, text = world.verdict(report)
    assert word == "UNDETERMINED" and "after a notice of 1.0 days" in text and "instead of 15.0" in text
    # The operator who leaves the announcement out of the range gains nothing.
    cut = len(report.range) - 4
    short = replace(report, first=report.first + cut, range=report.range[cut:])
    assert world.verdict(short)[0] in ("UNDETERMINED", "INVALID")
    own = [world.verdict(one)[0] for one in (report, short)]
    assert words(world.trust_text(), [encode_file(one) for one in (report, short)]) == own


def test_decisions_that_a_wrong_clock_dated_out_of_the_period_are_not_absent(world: World) -> None:
    """A minute with the clock a year ahead: what was allowed in it is dated out of every period that is asked about."""
    world.call("222222222222")
    begin = world.clock.now_ms()
    world.clock.advance(365 * DAY)
    world.layers = PolicyLayers(world.office.in_force, PolicyFacts({}.get, NoLists()), Anything())
    world.call("222222222222")
    world.clock.advance(-365 * DAY)
    world.clock.advance(DAY)
    end = world.clock.now_ms()
    early = world.report(begin, end)
    now = verify_moratorium(encode_file(early), world.trust(), end)
    assert now.word == "UNDETERMINED" and "ahead of yours" in now.reasons[0]
    world.log.append("inc", fields={"n": 365 * DAY + DAY, "x": "clock-behind-log"})
    told = world.report(begin, end)
    word, text = world.verdict(told)
    assert word == "UNDETERMINED" and "clock was wrong at an edge" in text
    lies = [
        replace(told, clock=()),
        replace(told, head=early.head, clock=()),
        replace(told, head=told.clock[0]),
        replace(told, clock=told.clock * 2),
    ]
    assert [world.verdict(hidden)[0] for hidden in lies] == ["INVALID"] * len(lies)
    files = [encode_file(one) for one in (told, *lies)]
    assert words(world.trust_text(), files) == ["UNDETERMINED"] + ["INVALID"] * len(lies)
    inside = world.report(None, None)
    assert world.verdict(inside)[0] != "INVALID"


Lie = Callable[[dict[str, Any]], None]


def leave_out_the_denied(inner: dict[str, Any]) -> None:
    inner["range"] = [entry for entry in inner["range"] if entry.get("d") != "deny"]


def start_late(inner: dict[str, Any]) -> None:
    inner["range"], inner["first"] = inner["range"][3:], inner["first"] + 3


def end_early(inner: dict[str, Any]) -> None:
    inner["range"] = inner["range"][:-2]


def relabel(inner: dict[str, Any]) -> None:
    for each in inner["excerpts"]:
        each["b"]["sector"] = "software"


def swap_excerpts(inner: dict[str, Any]) -> None:
    first, second = inner["excerpts"][:2]
    first["b"], second["b"], first["s"], second["s"] = second["b"], first["b"], second["s"], first["s"]


def hide_a_change(inner: dict[str, Any]) -> None:
    inner["opened"] = inner["opened"][1:]


def edit_a_change(inner: dict[str, Any]) -> None:
    inner["opened"][-1]["b"]["record"]["officers"] = {}


def edit_a_set(inner: dict[str, Any]) -> None:
    inner["sets"][0]["packs"]["police-moratorium"] = ""


def other_excerpt_twice(inner: dict[str, Any]) -> None:
    inner["excerpts"].append(dict(inner["excerpts"][0]))


@pytest.mark.parametrize(
    "lie",
    [leave_out_the_denied, start_late, end_early, relabel, swap_excerpts, hide_a_change, edit_a_change,
     other_excerpt_twice],
)  # fmt: skip
def test_a_lie_is_found(world: World, lie: Lie) -> None:
    world.appoint()
    world.call("111111111111")
    world.call("222222222222")
    honest = world.report()
    assert world.verdict(honest)[0] == "ABSENT"
    assert verify_moratorium(rewritten(honest, lie), world.trust()).word == "INVALID"


def test_a_false_text_of_the_rules_is_not_taken_for_them(world: World) -> None:
    world.call("222222222222")
    found = verify_moratorium(rewritten(world.report(), edit_a_set), world.trust())
    assert "its text is not in the file" in "\n".join(found.reasons)


def rewritten(report: Report, lie: Lie) -> bytes:
    """The file with a lie in it, and a checksum that fits."""
    from custodes.ledger.prover.files import wrap

    inner = json.loads(encode_file(report))["moratorium"]
    lie(inner)
    return wrap("moratorium", inner)


def test_every_flipped_bit_is_found(world: World) -> None:
    world.appoint()
    world.call("111111111111")
    data = encode_file(world.report())
    assert encode_file(parse(data)) == data
    for at in range(0, len(data), max(1, len(data) // 400)):
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert verify_moratorium(flipped, world.trust()).word == "INVALID", at


def test_a_decision_by_other_rules_than_those_in_force_is_found(world: World) -> None:
    world.appoint()
    stale = world.office.in_force()
    packs: Mapping[str, str] = {**OWN.packs, **shipped(("uk-russia-sanctions",))}
    change = propose_set(OWN.digest(), PolicySet(packs, OWN.schema), 0).signed("ann", KEYS["ann"].sign)
    world.office.apply(change)
    world.clock.advance(120_000)
    world.layers = PolicyLayers(lambda: stale, PolicyFacts(PROFILES.get, NoLists()), Anything())
    world.call("222222222222")
    word, text = world.verdict(world.report())
    assert word == "INVALID" and "rules that were not in force" in text


def test_the_verifier_in_one_file_checks_reports(world: World, tmp_path: Path) -> None:
    world.call("111111111111")
    (tmp_path / "report.json").write_bytes(encode_file(world.report()))
    build_zipapp(tmp_path / "verify.pyz")
    trust = write_policy([LedgerPaths(world.data).verifier.read_text().strip()], [], 0)
    (tmp_path / "trust.policy").write_text(trust)
    command = [sys.executable, "-I", "verify.pyz", "verify", "report.json", "--trust", "trust.policy", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    parsed = json.loads(done.stdout)
    assert (parsed["verdict"], parsed["allowed"], parsed["refused"]) == ("ABSENT", 0, 1)


def test_the_verifier_in_javascript_says_the_same(world: World) -> None:
    world.appoint()
    world.repeal()
    world.call("111111111111")
    world.call("222222222222")
    world.pass_time(NOTICE_MS + 2 * DAY)
    world.office.activate()
    world.call("111111111111")
    reports = [world.report(), world.report(None, START + DAY), world.report(START + 3 * DAY, None)]
    files = [encode_file(report) for report in reports]
    files.append(encode_file(world.report(None, START + 400 * DAY)))
    changed = list(mutations(files[1], 60, 5))
    own = [verify_moratorium(file, world.trust()).word for file in files + changed]
    assert own[:4] == ["PRESENT", "ABSENT", "PRESENT", "UNDETERMINED"]
    log = LedgerPaths(world.data).verifier.read_text().strip()
    assert words(write_policy([log], [], 0), files + changed) == own

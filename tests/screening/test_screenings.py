"""The use cases of screening over a real ledger: who is suspended when, what is on record, deltas that hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.core.clock import FixedClock
from custodes.core.errors import (
    ConflictError,
    CustodesError,
    DeniedError,
    InvalidParameterError,
    NotFoundError,
    UnavailableError,
)
from custodes.core.ids import AccountId, RequestId
from custodes.deployment.record.statements import open_statements
from custodes.governance.accounts.account import Account, AccountKind, Status
from custodes.governance.accounts.organisation import Counterparty
from custodes.governance.accounts.organisation import OrganisationProfile as Profile
from custodes.governance.provider.guardrails import PACKS, Call, load, shipped, shipped_schema
from custodes.ledger.tlog.trust import parse_policy
from custodes.ledger.verifier.party import PartyQuestion, verify_party
from custodes.ledger.writer.log import LedgerLog
from custodes.operations.accounts.accounts import Accounts, Update
from custodes.operations.accounts.credentials.sessions import SessionTokens
from custodes.operations.accounts.directory import AccountDirectory, account_record
from custodes.operations.accounts.log import AccountLog
from custodes.operations.accounts.states import AccountStates
from custodes.operations.policy.account_facts import AccountProfiles
from custodes.operations.policy.facts import PolicyFacts
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import Intent
from custodes.operations.screening.account_effects import (
    AccountSuspender,
    ScreenedAdmission,
    ScreenedFacts,
    screen_missing,
)
from custodes.operations.screening.admin import Officers, ScreeningAdmin
from custodes.operations.screening.graph import PROFILE, graph_of, places
from custodes.operations.screening.log import ScreeningLog
from custodes.operations.screening.ports import CustomerCase
from custodes.operations.screening.screening import ScreeningParts, Screenings
from custodes.screening.assessment import Decision
from custodes.screening.entities import ListedName, ListEntry
from custodes.screening.organisation import read_organisation
from custodes.screening.screen import screen_party
from custodes.storage.files.seal import KeyBox
from custodes.storage.ledger.open import open_ledger
from custodes.storage.sql.accounts.sealer import MasterSealer
from tests.fakes.accounts import MemoryAccountStore
from tests.fakes.administration import carry_out
from tests.fakes.screening import Drafts, MemoryCases, MemoryLists, Suspensions

SESSIONS = SessionTokens(MasterSealer(KeyBox(bytes(32), bytes)), bytes)
A, B = AccountId("100000000001"), AccountId("100000000002")
START = 1_769_558_400_000  # 2026-01-28
HOUR = 3_600_000


def entry(uid: str, name: str, inn: str = "") -> ListEntry:
    return ListEntry("house", uid, "organisation", (ListedName(name),), (), (), (("ru-inn", inn),) if inn else ())


OTHER, PARENT = entry("1", "Quite Other Mills"), entry("2", "Severnaya Linza", "0012345680")


def owned(name: str = "Windmolen Beeld B.V.", inn: str = "0012345680", share: object = 80) -> object:
    return {
        "subject": "bv",
        "parties": [
            {"id": "bv", "name": name},
            {"id": "top", "name": "Firma Sever OOO", "identifiers": {"ru-inn": inn}},
        ],
        "edges": [{"owner": "top", "asset": "bv", "share": share}],
    }


@dataclass
class Desk:
    """Everything around screening: real use cases and a real ledger, fakes of lists and stores."""

    log: LedgerLog
    data: Path

    def __post_init__(self) -> None:
        self.clock = FixedClock(START)
        self.lists, self.cases, self.drafts = MemoryLists(), MemoryCases(), Drafts()
        self.acted = Suspensions()
        self.open()

    def open(self) -> None:
        """Start anew over the same stores, as after a restart."""
        value = ScreeningLog(self.log, open_statements(self.data).parties, bytes)
        self.parts = ScreeningParts(self.lists, self.cases, value, self.drafts, self.clock)
        self.screenings = Screenings(self.parts, self.acted)
        self.officers = Officers(self.cases, value, self.clock)

    def enter(self, account: AccountId = A, parsed: object = None) -> str:
        done = self.screenings.enter(account, read_organisation(parsed or owned()), ["a" * 64], cause="ownership")
        self.screenings.follow([done])
        return done.case.verdict

    def kinds(self) -> list[str]:
        self.log.flush()
        tree = self.log.tree()
        return [json.loads(envelope)["k"] for _, envelope in tree.entries(0, tree.size)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    log = open_ledger(tmp_path, "ledger.example/screening", FixedClock(START))
    log.start()
    yield Desk(log, tmp_path)
    log.close()


def test_a_parent_that_is_listed_later_flips_a_cleared_customer(desk: Desk) -> None:
    desk.lists.publish(OTHER)
    assert desk.enter() == "clear"
    assert desk.screenings.refresh() == {"clear": 1}
    afresh = desk.lists.afresh
    desk.lists.publish(OTHER, PARENT)
    assert desk.screenings.stale()
    assert desk.screenings.refresh() == {"blocked": 1}
    assert desk.lists.afresh == afresh, "only what changed was compared"
    assert desk.acted.log[-2:] == [("suspend", A), ("suspend", A)]
    assert {name[-7:] for name in desk.drafts.texts} == {
        "OFAC.md"[-7:],
        "5-EU.md"[-7:],
        "5-UK.md"[-7:],
    } or desk.drafts.texts
    assert {name.rpartition("-")[2] for name in desk.drafts.texts} == {"OFAC.md", "EU.md", "UK.md"}
    assert not desk.screenings.stale()
    # Delisted again: clear, but nobody is let in again without a person.
    desk.lists.publish(OTHER)
    assert desk.screenings.refresh() == {"clear": 1}


def test_verdicts_and_dossiers_are_on_record_before_anybody_acts(desk: Desk) -> None:
    desk.lists.publish(PARENT)
    desk.enter()
    assert desk.kinds() == ["org", "scr"]
    desk.log.close()
    with pytest.raises(CustodesError):
        desk.enter(B)
    assert ("suspend", B) not in desk.acted.log
    assert desk.screenings.known(B) is None


def test_the_same_graph_is_not_entered_into_the_map_again(desk: Desk) -> None:
    desk.lists.publish(OTHER)
    desk.enter()
    desk.enter()
    assert desk.kinds() == ["org", "scr", "scr"]
    desk.enter(parsed=owned(share=81))
    assert desk.kinds() == ["org", "scr", "scr", "org", "scr"]


def test_a_restart_knows_what_was_known(desk: Desk) -> None:
    desk.lists.publish(OTHER)
    desk.enter()
    desk.screenings.refresh()
    desk.lists.publish(OTHER, PARENT)
    desk.open()
    assert desk.screenings.stale()
    assert desk.screenings.refresh() == {"blocked": 1}


def test_several_editions_at_once_screen_everybody_afresh(desk: Desk) -> None:
    desk.lists.publish(OTHER)
    desk.enter()
    desk.screenings.refresh()
    afresh = desk.lists.afresh
    desk.lists.publish(PARENT)
    desk.lists.publish(PARENT, OTHER)
    assert desk.screenings.refresh() == {"blocked": 1}
    assert desk.lists.afresh > afresh


def test_a_share_that_ends_frees_by_itself_and_one_that_begins_blocks(desk: Desk) -> None:
    desk.lists.publish(PARENT)
    value = owned()
    value["edges"][0]["from"] = "2026-01-29"  # type: ignore[index]
    assert desk.enter(parsed=value) == "review"
    desk.clock.advance(24 * HOUR)
    assert desk.screenings.refresh() == {"blocked": 1}


def directory_of(store: MemoryAccountStore) -> AccountDirectory:
    return AccountDirectory(store, ["ListCollections"], SESSIONS)


names = st.sampled_from(["Severnaya Linza", "Zarya Optika", "Quite Other Mills", "Polder Holding", "Meridian Lens"])
entries = st.lists(st.builds(entry, st.sampled_from("123"), names, st.sampled_from(["", "0012345680"])), max_size=3)


@settings(max_examples=25, deadline=None)
@given(history=st.lists(st.one_of(entries, st.tuples(st.sampled_from([A, B]), names)), min_size=1, max_size=6))
def test_following_changes_says_what_screening_afresh_says(
    history: list[object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("desk")
    log = open_ledger(folder, "ledger.example/screening", FixedClock(START))
    log.start()
    try:
        desk = Desk(log, folder)
        desk.lists.publish(OTHER)
        for step in history:
            if isinstance(step, tuple):
                desk.enter(step[0], owned(name=step[1]))
            else:
                desk.lists.publish(*{one.uid: one for one in step}.values())  # type: ignore[attr-defined]
                desk.screenings.refresh()
        desk.screenings.refresh()
        for case in desk.screenings.cases():
            afresh = (screen_party(party, desk.lists.index) for party in case.graph.parties.values())
            assert set(case.hits) == {hit for hits in afresh for hit in hits}
    finally:
        log.close()


def officer(desk: Desk, name: str, seed: int) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    desk.officers.add(name, key.public_key().public_bytes_raw())
    return key


DECIDE = "screening decide"


def signed(desk: Desk, key: Ed25519PrivateKey, who: str, finding: str, **more: object) -> dict[str, object]:
    plain = replace(Decision(finding, "false", who, "somebody else", (), desk.clock.now_ms()), **more)  # type: ignore[arg-type]
    return {
        "finding": finding, "call": plain.call, "officer": who, "reason": plain.reason,
        "evidence": list(plain.evidence), "at_ms": plain.at_ms, "signature": key.sign(plain.message()).hex(),
    }  # fmt: skip


def test_two_officers_free_a_customer_who_waits(desk: Desk) -> None:
    desk.lists.publish(entry("3", "Windmolen Beelt"))
    assert desk.enter() == "review"
    commands = ScreeningAdmin(desk.screenings, desk.officers, directory_of(MemoryAccountStore())).handlers
    ann, ben = officer(desk, "ann", 1), officer(desk, "ben", 2)
    [finding] = [one["finding"] for one in carry_out(commands, "screening show", {"account": A})["findings"]]  # type: ignore[attr-defined]
    half = carry_out(commands, DECIDE, signed(desk, ann, "ann", finding))
    assert half["finding"]["state"] == "half"  # type: ignore[index]
    assert carry_out(commands, DECIDE, signed(desk, ann, "ann", finding))["finding"]["state"] == "half"  # type: ignore[index]
    assert ("admit", A) not in desk.acted.log
    carry_out(commands, DECIDE, signed(desk, ben, "ben", finding))
    assert desk.acted.log == [("admit", A)]
    # The memory outlives a restart, and lapses when the entry changes.
    desk.open()
    assert desk.screenings.refresh() == {"clear": 1}
    desk.lists.publish(entry("3", "Windmolen Beelt", "1"))
    assert desk.screenings.refresh() == {"review": 1}


def test_decisions_need_an_officer_a_fresh_signature_and_a_reason(desk: Desk) -> None:
    desk.lists.publish(entry("3", "Windmolen Beelt"))
    desk.enter()
    commands = ScreeningAdmin(desk.screenings, desk.officers, directory_of(MemoryAccountStore())).handlers
    ann = officer(desk, "ann", 1)
    finding = desk.screenings.assessment(A).findings[0].key
    good = signed(desk, ann, "ann", finding)
    for change, error in (
        ({"officer": "ben"}, NotFoundError),
        ({"call": "accept"}, DeniedError),
        ({"reason": "another"}, DeniedError),
        ({"reason": " "}, InvalidParameterError),
        ({"call": "maybe"}, InvalidParameterError),
        ({"evidence": ["x"]}, InvalidParameterError),
        ({"signature": "zz"}, InvalidParameterError),
        (signed(desk, ann, "ann", "0" * 32), NotFoundError),
        (signed(desk, ann, "ann", finding, at_ms=START - HOUR), DeniedError),
    ):
        with pytest.raises(error):
            carry_out(commands, DECIDE, good | change)  # type: ignore[operator]
    assert not desk.cases.decided
    desk.officers.remove("ann")
    with pytest.raises(NotFoundError):
        carry_out(commands, DECIDE, good)
    with pytest.raises(ConflictError, match="already"):
        desk.officers.add("anna", ann.public_key().public_bytes_raw())


class Office:
    """Accounts that screening admits, over the same ledger."""

    def __init__(self, desk: Desk) -> None:
        self.directory = directory_of(MemoryAccountStore())
        log = AccountLog(desk.log, bytes)
        self.numbers = iter(range(1, 100))
        states = AccountStates(self.directory, log, desk.clock)
        desk.acted = AccountSuspender(states)
        desk.open()
        self.screenings = desk.screenings
        self.accounts = Accounts(
            states, log, ScreenedAdmission(desk.screenings), desk.clock,
            random=lambda count: next(self.numbers).to_bytes(count, "big"),
        )  # fmt: skip
        self.facts = ScreenedFacts(desk.screenings, AccountId("999999999999"))

    def create(self, name: str, **more: object) -> Account:
        from custodes.governance.accounts.account import StatedUse

        profile = Profile(name, "NL", "retail", **more)  # type: ignore[arg-type]
        return self.accounts.create(profile, StatedUse())[0]

    def own(self, account: Account) -> Account:
        """Declare that one person owns the customer."""
        declared = read_organisation(
            {
                "subject": "s",
                "parties": [{"id": "s", "name": account.organisation.legal_name},
                            {"id": "o", "name": "Wilhelmina Tulp", "kind": "person"}],
                "edges": [{"owner": "o", "asset": "s", "share": 100}],
            }
        )  # fmt: skip
        graph = graph_of(account.organisation, declared)
        screenings = self.screenings
        screenings.follow([screenings.enter(account.account_id, graph, ["a" * 64], cause="ownership")])
        return self.directory.account(account.account_id)


def test_without_lists_everybody_starts_and_nothing_is_required(desk: Desk) -> None:
    office = Office(desk)
    made = office.create("Any B.V.")
    assert made.status is Status.ACTIVE
    assert office.facts.of(made.account_id).verdict == "not-required"
    assert desk.kinds().count("scr") == 0
    assert desk.screenings.known(made.account_id) is not None


def test_admission_suspension_and_what_rules_see(desk: Desk) -> None:
    desk.lists.publish(OTHER)
    desk.screenings.refresh()
    office = Office(desk)
    waiting = office.create("Windmolen Beeld B.V.")
    assert waiting.status is Status.PENDING, "nobody said who owns it"
    clear, alike = office.own(waiting), office.own(office.create("Quite Other Mils B.V."))
    payer = Counterparty("Whoever", identifiers=(("ru-inn", "0012345680"),))
    paid = office.own(office.create("Paid By Others", payers=(payer,)))
    assert (clear.status, alike.status, paid.status) == (Status.ACTIVE, Status.PENDING, Status.ACTIVE)
    with pytest.raises(ConflictError, match="review"):
        office.accounts.move(alike.account_id, Status.ACTIVE)
    assert (office.facts.of(clear.account_id).verdict, office.facts.of(alike.account_id).verdict) == ("clear", "review")
    desk.clock.advance(HOUR)
    desk.lists.publish(OTHER, PARENT)
    desk.screenings.stale()
    assert not office.facts.of(clear.account_id).lists_current
    desk.screenings.refresh()
    assert office.directory.status(paid.account_id) is Status.SUSPENDED
    assert office.directory.status(clear.account_id) is Status.ACTIVE
    seen = office.facts.of(clear.account_id)
    assert (seen.verdict, seen.screened_at_ms, seen.lists_current) == ("clear", START + HOUR, True)
    with pytest.raises(ConflictError, match="blocked"):
        office.accounts.move(paid.account_id, Status.ACTIVE)
    # A profile that changes is screened at once.
    office.accounts.update(clear.account_id, Update(profile={"identifiers": {"ru-inn": "0012345680"}}))
    assert office.directory.status(clear.account_id) is Status.SUSPENDED
    assert office.facts.of(AccountId("999999999999")).verdict == "not-required"
    assert office.facts.of(AccountId("000000000000")).verdict == "review"


def test_accounts_from_before_screening_are_screened_at_the_start(desk: Desk) -> None:
    store = MemoryAccountStore()
    old = Account(A, AccountKind.CUSTOMER, Status.ACTIVE, Profile("Severnaya Linza", "NL", "retail"), created_ts_ms=1)
    directory = directory_of(store)
    directory.change([account_record(old)])
    desk.lists.publish(PARENT)
    assert [one.case.verdict for one in screen_missing(directory, desk.screenings)] == ["review"]
    assert screen_missing(directory, desk.screenings) == []


def test_every_node_has_a_place_under_each_number_and_name() -> None:
    profile = Profile("Customer B.V.", "NL", "retail", (("nl-kvk", "12345678"),), (Counterparty("End User Ltd"),))
    graph = graph_of(profile, read_organisation(owned(name="Former Name B.V.", share=[25, 50])))
    found = {(name, body["role"]) for name, body in places(A, graph)}
    assert found == {
        ("nl-kvk:12345678", "customer"), ("namefp:kustomer", "customer"), ("namefp:former-name", "customer"),
        ("ru-inn:0012345680", "owner"), ("namefp:firma-sever", "owner"), ("namefp:end-user", "end_customer"),
        ("namesound:kstmr", "customer"), ("namesound:frmrnm", "customer"), ("namesound:frmsvr", "owner"),
    }  # fmt: skip
    owner = next(body for name, body in places(A, graph) if name == "ru-inn:0012345680")
    assert owner == {"acct": A, "role": "owner", "low": 25_000, "high": 50_000}
    # A later profile replaces what an earlier one brought, and nothing else.
    later = graph_of(Profile("Customer B.V.", "NL", "retail"), graph)
    assert [one for one in later.parties if one.startswith(PROFILE)] == []
    assert len(later.edges) == 1


def test_with_the_pack_in_force_only_who_is_clear_and_freshly_screened_is_served(desk: Desk) -> None:
    desk.lists.publish(OTHER)
    desk.screenings.refresh()
    office = Office(desk)
    made = office.own(office.create("Windmolen Beeld B.V."))
    rules = load(shipped(PACKS), shipped_schema())
    dossier = PolicyFacts(AccountProfiles(office.directory).of, office.facts)

    def refused_by(account: AccountId) -> tuple[str, ...]:
        caller = Caller(account, "key", f"arn:aws:iam::{account}:root", "eu-central-1")
        intent = Intent(Context(caller, RequestId("r"), desk.clock.now_ms()), "rekognition:DetectFaces", "*", {})
        verdict = rules.decide(Call(account, "DetectFaces", "*", dossier.facts(intent)))
        return tuple(rule for rule in verdict.rules if rule.startswith("uk-russia"))

    assert refused_by(made.account_id) == ()
    desk.clock.advance(25 * HOUR)
    assert refused_by(made.account_id) == ("uk-russia-sanctions.fresh",)
    desk.screenings.refresh()  # what a running server does every hour
    assert refused_by(made.account_id) == ()
    desk.lists.publish(OTHER, entry("9", "Windmolen Beelt"))
    desk.screenings.stale()
    assert refused_by(made.account_id) == ("uk-russia-sanctions.fresh",)
    desk.screenings.refresh()
    assert refused_by(made.account_id) == ("uk-russia-sanctions.clear",)


class TornCases(MemoryCases):
    """A store that a crash keeps from saving."""

    def save(self, cases: Sequence[CustomerCase]) -> None:
        raise UnavailableError("the power is gone")


def test_a_crash_between_record_and_store_is_made_good_at_the_next_start(desk: Desk) -> None:
    """The dossier is in the log, the case is not: the account is screened again, and the map holds both dossiers."""
    desk.lists.publish(PARENT)
    whole, desk.cases = desk.cases, TornCases()
    desk.open()
    with pytest.raises(UnavailableError):
        desk.enter()
    assert desk.acted.log == []
    assert desk.kinds() == ["org", "scr"]
    desk.cases = whole
    desk.open()
    profile = Profile("Windmolen Beeld B.V.", "NL", "retail", (("ru-inn", "0012345680"),))
    directory = directory_of(MemoryAccountStore())
    directory.change([account_record(Account(A, AccountKind.CUSTOMER, Status.ACTIVE, profile, created_ts_ms=1))])
    desk.screenings.follow(screen_missing(directory, desk.screenings))
    assert ("suspend", A) in desk.acted.log
    statements = open_statements(desk.data)
    statements.close_party_head(desk.log)
    file = statements.create_party(PartyQuestion((), (("ru-inn", "0012345680"),)), None, None)
    key = (desk.data / "ledger.pub").read_text().strip()
    verdict = verify_party(file, parse_policy(f"log {key}\nquorum none\n".encode()))
    assert [place.facts["role"] for place in verdict.places if place.facts] == ["owner", "customer"]

"""Accounts: their states, what the ledger says about them, what survives a restart, what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.errors import ConflictError, CustodesError, InvalidParameterError, NotFoundError, UnavailableError
from custodes.core.ids import AccountId
from custodes.governance.accounts.account import NEXT, AccountKind, Status, account
from custodes.governance.accounts.organisation import organisation
from custodes.governance.accounts.vocabulary import sectors
from custodes.operations.accounts.accounts import keep_operator
from tests.accounts.conftest import Office
from tests.fakes.accounts import Admits

MOVES = {Status.ACTIVE: "activate", Status.SUSPENDED: "suspend", Status.CLOSED: "close"}


def test_a_new_account_works_at_once_and_its_key_is_its_roots(office: Office) -> None:
    made = office.create()
    assert made["status"] == "active"
    assert len(made["account_id"]) == 12 and made["account_id"].isdigit()
    key = office.directory.find(made["access_key_id"])
    assert key is not None
    assert (key.account_id, key.principal.path, key.secret) == (made["account_id"], "root", made["secret_access_key"])
    assert made["secret_access_key"] not in repr(key)


def test_everything_is_there_after_a_restart(office: Office) -> None:
    made = office.create(
        identifiers={"nl-kvk": "12345678"},
        end_customers=["Zoo of Exampletown", {"name": "Museum", "country": "BE", "identifiers": {"lei": "X"}}],
        payers=[{"name": "Holding"}],
        purposes=["photo-management"],
        legal_bases=["consent"],
    )
    office.order("update", account=made["account_id"], stated={"purpose": "photo-management"}, demographics=False)
    before = office.order("show", account=made["account_id"])
    after = office.again()
    assert after.order("show", account=made["account_id"]) == before
    assert after.directory.find(made["access_key_id"]) == office.directory.find(made["access_key_id"])
    assert (before["demographics"], before["stated"]["purpose"]) == (False, "photo-management")


def test_states_change_only_as_the_table_says(office: Office) -> None:
    for start, wanted in itertools.product(Status, MOVES):
        made = AccountId(office.create()["account_id"])
        found = office.directory.account(made)
        for step in {Status.SUSPENDED: ["suspend"], Status.CLOSED: ["close"]}.get(start, []):
            office.order(step, account=made)
        if start is Status.PENDING:
            office.admission = Admits(Status.PENDING)
            made = AccountId(office.create()["account_id"])
            office.admission = Admits(Status.ACTIVE)
        found = office.directory.account(made)
        assert found.status is start
        if wanted in NEXT[start]:
            assert office.order(MOVES[wanted], account=made)["status"] == wanted.value
        else:
            with pytest.raises(ConflictError, match="cannot become"):
                office.order(MOVES[wanted], account=made)
            assert office.directory.account(made).status is start


def test_each_change_is_on_record_and_the_public_part_names_nobody(office: Office) -> None:
    name = "Very Recognisable Name plc"
    made = office.create(sector="law-enforcement", legal_name=name)
    number = made["account_id"]
    office.order("suspend", account=number, reason="unpaid")
    office.order("activate", account=number)
    office.order("update", account=number, profile={"sector": "retail"})
    office.order("close", account=number)
    states = office.entries("acc")
    assert all("s" in entry.fields for entry, _ in states)
    assert [{"n": entry.fields["n"], "x": entry.fields["x"]} for entry, _ in states] == [
        {"n": 1, "x": "open"},
        {"n": 1, "x": "suspend"},
        {"n": 1, "x": "activate"},
        {"n": 1, "x": "update"},
        {"n": 0, "x": "close"},
    ]
    assert [body["sector"] for _, body in states] == ["law-enforcement"] * 3 + ["retail"] * 2
    assert {body["acct"] for _, body in states} == {number}
    assert states[1][1]["reason"] == "unpaid"
    profiles = office.entries("org")
    assert len(profiles) == 2  # the opening and the change of sector
    assert len({entry.fields["e"] for entry, _ in profiles}) == 2
    public = b"".join(path.read_bytes() for path in (office.data / "ledger").rglob("*") if path.is_file())
    for secret in (name, number, "law-enforcement", made["secret_access_key"], made["access_key_id"]):
        assert secret.encode() not in public


def test_the_published_digest_is_that_of_the_profile_and_cannot_be_guessed(office: Office) -> None:
    import base64

    from custodes.ledger.tlog.entry import b64url, from_b64url

    office.create()
    office.create()
    (first, body), (second, _) = office.entries("org")
    profile = organisation(body["profile"])
    assert b64url(profile.digest(from_b64url(body["salt"]))) == first.fields["e"]
    assert first.fields["e"] != second.fields["e"]  # the same profile twice
    assert len(base64.urlsafe_b64decode(body["salt"] + "==")) == 16


def test_without_a_ledger_nothing_changes(office: Office) -> None:
    made = office.create()
    kept = dict(office.store.records)
    office.log.close()
    for act, members in (
        ("create", {"profile": {"legal_name": "N", "sector": "retail", "country": "NL"}}),
        ("suspend", {"account": made["account_id"]}),
        ("update", {"account": made["account_id"], "demographics": False}),
    ):
        with pytest.raises(UnavailableError):
            office.order(act, **members)
    assert office.store.records == kept
    assert office.directory.status(made["account_id"]) is Status.ACTIVE


def test_without_a_disk_memory_does_not_run_ahead(office: Office) -> None:
    made = office.create()
    office.store.broken = True
    with pytest.raises(UnavailableError):
        office.order("suspend", account=made["account_id"])
    assert office.directory.status(made["account_id"]) is Status.ACTIVE
    with pytest.raises(UnavailableError):
        office.create()
    assert len(office.directory.accounts()) == 1


def test_keys_of_a_suspended_account_are_known_and_those_of_a_closed_one_are_not(office: Office) -> None:
    made = office.create()
    office.order("suspend", account=made["account_id"])
    assert office.directory.find(made["access_key_id"]) is not None
    office.order("close", account=made["account_id"])
    assert office.directory.find(made["access_key_id"]) is None
    assert office.again().directory.find(made["access_key_id"]) is None


def test_admission_is_asked_at_the_opening_and_when_the_profile_changes(office: Office) -> None:
    office.admission = Admits(Status.PENDING)
    made = office.create()
    assert made["status"] == "pending"
    asked = office.admission.asked
    assert [item.organisation.legal_name for item in asked] == ["Anna's Photos B.V."]
    office.admission.verdict = Status.SUSPENDED
    office.order("update", account=made["account_id"], demographics=False)
    assert len(asked) == 1
    changed = office.order("update", account=made["account_id"], profile={"legal_name": "Another B.V."})
    assert changed["status"] == "suspended"
    assert [item.organisation.legal_name for item in asked] == ["Anna's Photos B.V.", "Another B.V."]


def test_the_operators_account_is_there_stays_active_and_is_the_only_one_of_its_sector(office: Office) -> None:
    operator = AccountId("123456789012")
    keep_operator(office.directory, operator, 5)
    keep_operator(office.directory, operator, 6)
    found = office.directory.account(operator)
    assert (found.kind, found.status, found.organisation.sector) == (AccountKind.OPERATOR, Status.ACTIVE, "operator")
    assert found.created_ts_ms == 5
    for act in ("suspend", "close", "activate"):
        with pytest.raises(ConflictError):
            office.order(act, account=operator)
    with pytest.raises(ConflictError):
        office.create(sector="operator")
    with pytest.raises(ConflictError):
        office.order("update", account=operator, profile={"sector": "retail"})
    made = office.create()
    with pytest.raises(ConflictError):
        office.order("update", account=made["account_id"], profile={"sector": "operator"})
    shown = office.order("update", account=operator, profile={"country": "NL", "legal_name": "Exampletown Hosting"})
    assert shown["organisation"]["country"] == "NL"


@pytest.mark.parametrize(
    "profile",
    [
        {"legal_name": ""},
        {"legal_name": "a\nb\x00"},
        {"legal_name": "x" * 301},
        {"legal_name": 7},
        {"country": "nl"},
        {"country": "unknown"},
        {"sector": "unknown"},
        {"sector": "police"},
        {"purposes": "retail"},
        {"purposes": ["unknown"]},
        {"legal_bases": ["because"]},
        {"identifiers": [["lei", "x"]]},
        {"identifiers": {"LEI": "x"}},
        {"payers": [{"name": "x", "owner": "y"}]},
        {"payers": [{}]},
        {"end_customers": [f"customer {number} {'x' * 200}" for number in range(100)]},
        {"surprise": 1},
    ],
    ids=str,
)
def test_what_is_not_understood_is_refused_and_leaves_nothing(office: Office, profile: dict[str, object]) -> None:
    with pytest.raises(InvalidParameterError):
        office.create(**profile)
    assert office.directory.accounts() == ()
    assert office.entries("acc") == []


def test_unknown_accounts_and_orders_are_said_to_be_so(office: Office) -> None:
    for act in ("show", "update", "suspend", "activate", "close"):
        with pytest.raises(NotFoundError, match="there is no account 999999999999"):
            office.order(act, account="999999999999")
    with pytest.raises(InvalidParameterError):
        office.order("fly")
    with pytest.raises(CustodesError):
        office.order("create")


def test_a_closed_account_keeps_what_it_was(office: Office) -> None:
    made = office.create()
    office.order("close", account=made["account_id"])
    with pytest.raises(ConflictError, match="is closed"):
        office.order("update", account=made["account_id"], profile={"legal_name": "Somebody Else"})


WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp", "Zs")), min_size=1)


@given(name=WORDS.filter(lambda text: len(text) <= 300), sector=st.sampled_from(sectors()), payers=st.lists(WORDS))
def test_profiles_read_as_they_were_written(name: str, sector: str, payers: list[str]) -> None:
    payers = [payer[:50] for payer in payers[:20]]
    made = organisation({"legal_name": name, "sector": sector, "country": "NL", "payers": payers})
    assert organisation(made.members()) == made


def test_a_stored_account_reads_as_it_was(office: Office, tmp_path: Path) -> None:
    found = office.directory.account(AccountId(office.create()["account_id"]))
    assert account(found.encoded()) == found

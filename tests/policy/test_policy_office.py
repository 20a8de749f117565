"""Changes of the rules in force: on record first, never early, never quietly, and not behind the ledger's back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.core.clock import FixedClock
from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.deployment.record.ledger import started
from custodes.governance.provider.guardrails import DEFAULT_PACKS, Call, shipped, shipped_schema
from custodes.governance.provider.policy_set import NOTICE_MS, PolicySet
from custodes.governance.provider.proposal import Proposal, propose_officers, propose_set
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.operations.policy.change_control import Own, PolicyChanges
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.files.policy import PolicyFiles

START = 1_795_000_000_000
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([at]) * 32) for at, name in enumerate(("ann", "ben", "eve"), 1)
}
PUBLIC = {name: key.public_key().public_bytes_raw() for name, key in KEYS.items()}
NOTES = '@reason("r") @source("s") @date("d")'
OWN = PolicySet(shipped(DEFAULT_PACKS), shipped_schema())
MORATORIUM = OWN.packs["police-moratorium"]
TIGHTER = PolicySet({**OWN.packs, **shipped(("uk-russia-sanctions",))}, OWN.schema)
WEAKER = PolicySet({**OWN.packs, "police-moratorium": MORATORIUM.replace("2028-01-01", "2026-01-01")}, OWN.schema)


class Desk:
    """An office over a real ledger on a clock that tests move."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.clock = FixedClock(START)

    @contextmanager
    def open(
        self, own: PolicySet | None = OWN, notice_ms: int = NOTICE_MS, fault: Faulty | None = None
    ) -> Iterator[PolicyChanges]:
        with started(self.data, "test/policy", None, self.clock) as log:
            whose = None if own is None else Own(own, notice_ms)
            written: Any = log if fault is None else fault.over(log)
            office = PolicyChanges(
                PolicyFiles(FolderDocuments(self.data)), written, self.clock, whose, self.clock.now_ms
            )
            office.open()
            yield office

    def entries(self) -> list[Any]:
        with started(self.data, "test/policy", None, self.clock) as log:
            log.flush()
            return [decode(envelope) for _, envelope in log.tree().entries()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "data").mkdir()
    return Desk(tmp_path / "data")


def signed(proposal: Proposal, *names: str) -> Proposal:
    for name in names:
        proposal = proposal.signed(name, KEYS[name].sign)
    return proposal


def appoint(office: PolicyChanges) -> None:
    office.apply(propose_officers(office.state.head, {"ann": PUBLIC["ann"]}))
    both = {"ann": PUBLIC["ann"], "ben": PUBLIC["ben"]}
    office.apply(signed(propose_officers(office.state.head, both), "ann"))


def police(office: PolicyChanges, now: int) -> bool:
    facts = {
        "sector": "law-enforcement", "country": "GB", "status": "active", "screening": "clear", "screened_at": 0,
        "lists_current": True, "purpose": "criminal-investigation", "legal_basis": "public-task", "place": "private",
        "real_time": False, "emotions": False, "face_source": "unstated", "authorisation": "none",
        "human_review": True, "threshold_milli": 99_000, "now": now,
    }  # fmt: skip
    return office.in_force().guardrails.decide(Call("1", "SearchFaces", "*", facts)).allowed


def weakening(office: PolicyChanges, clock: FixedClock) -> Proposal:
    return propose_set(office.state.in_force, WEAKER, clock.now_ms() + NOTICE_MS + 600_000)


def test_the_set_of_the_program_is_in_force_and_announced(desk: Desk) -> None:
    with desk.open() as office:
        assert office.in_force().digest == OWN.digest() and not police(office, START)
    with desk.open():
        pass
    assert [(entry.kind, entry.fields["x"]) for entry in desk.entries()] == [("pol", "release"), ("pol", "start")]


def test_while_nobody_is_appointed_the_set_follows_the_program(desk: Desk) -> None:
    with desk.open():
        pass
    with desk.open(TIGHTER) as office:
        assert office.in_force().digest == TIGHTER.digest()
        with pytest.raises(InvalidParameterError, match="officer"):
            office.apply(signed(propose_set(TIGHTER.digest(), OWN, 0), "ann"))
        appoint(office)
    with desk.open(OWN) as office:
        assert office.in_force().digest == TIGHTER.digest()


def test_a_weakening_by_the_program_waits_where_nobody_is_appointed(desk: Desk) -> None:
    with desk.open(OWN):
        pass
    with desk.open(WEAKER) as office:
        assert office.in_force().digest == OWN.digest() and not police(office, START)
        waiting = office.state.waiting
        assert waiting is not None and (waiting.policy, waiting.signers) == (WEAKER.digest(), ())
    with desk.open(WEAKER) as office:  # a second start announces nothing anew
        assert office.state.waiting == waiting
        desk.clock.ts_ms = waiting.effective_ms - 1
        office.activate()
        assert office.in_force().digest == OWN.digest()
    with desk.open(OWN) as office:  # the older program again: nothing waits any more
        assert office.state.waiting is None
    with desk.open(WEAKER) as office:
        desk.clock.ts_ms += NOTICE_MS
        office.activate()
        assert office.in_force().digest == WEAKER.digest()
    said = [(entry.fields["x"], "b" in entry.fields) for entry in desk.entries() if entry.kind == "pol"]
    assert [x for x, _ in said] == ["release", "upgrade", "start", "release", "upgrade", "force"]


def test_the_first_officer_ends_what_the_program_announced(desk: Desk) -> None:
    with desk.open(OWN):
        pass
    with desk.open(WEAKER) as office:
        assert office.state.waiting is not None
        appoint(office)
        assert office.state.waiting is None
    desk.clock.ts_ms += 2 * NOTICE_MS
    with desk.open(WEAKER) as office:
        assert office.in_force().digest == OWN.digest()


def test_shorter_notice_waits_for_the_longer_one(desk: Desk) -> None:
    with desk.open(OWN):
        pass
    with desk.open(OWN, 0) as office:
        assert office.state.notice_ms == NOTICE_MS and office.state.waiting is not None
        desk.clock.ts_ms += NOTICE_MS
        office.activate()
        assert office.state.notice_ms == 0


def test_tightening_acts_at_once_with_one_signature(desk: Desk) -> None:
    with desk.open() as office:
        appoint(office)
        office.apply(signed(propose_set(OWN.digest(), TIGHTER, 0), "ben"))
        assert office.in_force().digest == TIGHTER.digest()


@pytest.mark.parametrize(
    ("names", "wait", "says"),
    [
        ((), NOTICE_MS * 2, "2 officers must sign, 0 did"),
        (("ann",), NOTICE_MS * 2, "2 officers must sign, 1 did"),
        (("ann", "eve"), NOTICE_MS * 2, "eve is not an officer"),
        (("ann", "ben"), 0, "14 days"),
        (("ann", "ben"), NOTICE_MS - 1, "14 days"),
    ],
)
def test_a_quiet_repeal_is_refused(desk: Desk, names: tuple[str, ...], wait: int, says: str) -> None:
    with desk.open() as office:
        appoint(office)
        before = office.state
        with pytest.raises(InvalidParameterError, match=says):
            office.apply(signed(propose_set(OWN.digest(), WEAKER, START + wait), *names))
        assert office.state == before and not police(office, START)
    count = len(desk.entries())
    with desk.open() as office:
        assert office.state == before
    assert len(desk.entries()) == count + 1


def test_a_weakening_takes_force_by_itself_and_never_early(desk: Desk) -> None:
    with desk.open() as office:
        appoint(office)
        proposal = signed(weakening(office, desk.clock), "ann", "ben")
        office.apply(proposal)
        office.activate()
        assert not police(office, START) and office.state.waiting is not None
    effective = proposal.manifest.not_before_ms
    for moment in (START - NOTICE_MS, START, effective - 1):  # also with a clock that jumps back
        desk.clock.ts_ms = moment
        with desk.open() as office:
            office.activate()
            assert office.in_force().digest == OWN.digest() and not police(office, moment)
    desk.clock.ts_ms = effective
    with desk.open() as office:
        office.activate()
        assert office.in_force().digest == OWN.digest(), "nobody saw the notice run: the server was off"
        desk.clock.ts_ms += effective - START
        office.activate()
        assert office.in_force().digest == WEAKER.digest() and police(office, effective)
    desk.clock.ts_ms = START  # what took force stays in force: nobody can take it back by the clock
    with desk.open() as office:
        assert office.in_force().digest == WEAKER.digest()
    acts = [entry.fields["x"] for entry in desk.entries() if "x" in entry.fields]
    assert acts.count("set") == 1 and acts.count("force") == 1
    announced = next(entry for entry in desk.entries() if entry.fields.get("x") == "set")
    assert announced.fields["b"] == effective and announced.fields["q"] == 2


def test_it_takes_force_while_the_server_runs(desk: Desk) -> None:
    with desk.open() as office:
        appoint(office)
        office.apply(signed(weakening(office, desk.clock), "ann", "ben"))
        desk.clock.advance(NOTICE_MS + 600_000 - 1)
        office.activate()
        assert not police(office, START)
        desk.clock.advance(1)
        office.activate()
        assert police(office, START)


def test_another_change_takes_the_place_of_one_that_waits(desk: Desk) -> None:
    with desk.open() as office:
        appoint(office)
        office.apply(signed(weakening(office, desk.clock), "ann", "ben"))
        office.apply(signed(propose_set(OWN.digest(), TIGHTER, 0), "ann"))
        desk.clock.advance(2 * NOTICE_MS)
        office.activate()
        assert office.in_force().digest == TIGHTER.digest() and office.state.waiting is None


def test_officers_change_by_two_signatures_and_two_stay(desk: Desk) -> None:
    with desk.open() as office:
        appoint(office)
        three = PUBLIC
        for names in ((), ("ann",), ("ann", "eve")):
            with pytest.raises(InvalidParameterError):
                office.apply(signed(propose_officers(office.state.head, three), *names))
        adding = signed(propose_officers(office.state.head, three), "ann", "ben")
        office.apply(adding)
        two = {"ann": PUBLIC["ann"], "ben": PUBLIC["ben"]}
        office.apply(signed(propose_officers(office.state.head, two), "ann", "eve"))
        with pytest.raises(InvalidParameterError, match="another change"):
            office.apply(adding)  # signatures are for one place in the chain: they cannot be used again
        for few in ({"ann": PUBLIC["ann"]}, {}):
            with pytest.raises(InvalidParameterError):
                office.apply(signed(propose_officers(office.state.head, few), "ann", "ben"))
        assert office.state.officers == two


def test_one_key_is_not_two_officers(desk: Desk) -> None:
    with desk.open() as office:
        office.apply(propose_officers(office.state.head, {"ann": PUBLIC["ann"]}))
        twice = {"ann": PUBLIC["ann"], "too": PUBLIC["ann"]}
        with pytest.raises(InvalidParameterError, match="one key"):
            office.apply(signed(propose_officers(office.state.head, twice), "ann"))


def test_a_set_that_this_program_cannot_use_is_refused(desk: Desk) -> None:
    bad = PolicySet({**OWN.packs, "x": "forbid (principal, action, resource) when { context.sectr };"}, OWN.schema)
    with desk.open() as office:
        appoint(office)
        with pytest.raises(InvalidParameterError, match="cannot be used"):
            office.apply(signed(propose_set(OWN.digest(), bad, 0), "ann", "ben"))


def _edit_set(data: Path) -> None:
    path = data / "policy" / "sets" / f"{OWN.digest()}.json"
    path.write_text(path.read_text().replace("2028-01-01", "2020-01-01"))


def _swap_set(data: Path) -> None:
    path = data / "policy" / "000000.json"
    path.write_text(path.read_text().replace(OWN.digest(), "0" * 64))


def _drop_last(data: Path) -> None:
    sorted((data / "policy").glob("0*.json"))[-1].unlink()


def _drop_first(data: Path) -> None:
    (data / "policy" / "000000.json").unlink()


def _drop_all(data: Path) -> None:
    shutil.rmtree(data / "policy")


def _cut(data: Path) -> None:
    path = data / "policy" / "000001.json"
    path.write_bytes(path.read_bytes()[:-10])


def _add_officer(data: Path) -> None:
    path = sorted((data / "policy").glob("0*.json"))[-1]
    parsed = json.loads(path.read_text())
    parsed["record"]["officers"]["eve"] = PUBLIC["eve"].hex()
    path.write_text(json.dumps(parsed))


@pytest.mark.parametrize("harm", [_edit_set, _swap_set, _drop_last, _drop_first, _drop_all, _cut, _add_officer])
def test_rules_changed_on_disk_keep_the_server_from_starting(desk: Desk, harm: Any) -> None:
    with desk.open() as office:
        appoint(office)
    harm(desk.data)
    with pytest.raises(UnavailableError), desk.open():
        pass


def test_an_older_state_of_the_rules_keeps_the_server_from_starting(desk: Desk, tmp_path: Path) -> None:
    with desk.open() as office:
        appoint(office)
        shutil.copytree(desk.data / "policy", tmp_path / "old")
        office.apply(signed(propose_set(OWN.digest(), TIGHTER, 0), "ann"))
    shutil.rmtree(desk.data / "policy")
    shutil.copytree(tmp_path / "old", desk.data / "policy")
    with pytest.raises(UnavailableError, match="not those that the ledger knows"), desk.open():
        pass


class Faulty:
    """A log that fails before or after it took an entry of some occasion, as long as it is armed."""

    def __init__(self, occasion: str, *, after: bool) -> None:
        self.occasion, self.after, self.armed = occasion, after, True
        self.log: Any = None

    def over(self, log: Any) -> Faulty:
        self.log = log
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.log, name)

    def append(self, kind: str, **rest: Any) -> Any:
        if self.armed and rest["fields"]["x"] == self.occasion:
            if self.after:
                self.log.append(kind, **rest).wait()
            raise LedgerUnavailableError("injected")
        return self.log.append(kind, **rest)


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_between_draft_and_ledger_is_settled_by_the_ledger(desk: Desk, after: bool) -> None:
    with desk.open(fault=Faulty("set", after=after)) as office:
        appoint(office)
        change = signed(propose_set(OWN.digest(), TIGHTER, 0), "ann")
        with pytest.raises(UnavailableError):
            office.apply(change)
        assert office.in_force().digest == OWN.digest()
    with desk.open() as office:
        assert office.in_force().digest == (TIGHTER if after else OWN).digest()
        if not after:
            office.apply(change)
            assert office.in_force().digest == TIGHTER.digest()


def test_a_failed_change_can_be_tried_again_without_a_start(desk: Desk) -> None:
    fault = Faulty("set", after=True)
    with desk.open(fault=fault) as office:
        appoint(office)
        change = signed(propose_set(OWN.digest(), TIGHTER, 0), "ann")
        with pytest.raises(UnavailableError):
            office.apply(change)
        fault.armed = False
        with pytest.raises(InvalidParameterError, match="in force already"):
            office.apply(change)
        assert office.in_force().digest == TIGHTER.digest()

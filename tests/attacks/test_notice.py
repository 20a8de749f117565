"""Setting the clock ahead, also while the server is off, so that the notice of a weaker rule is over early."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from custodes.deployment.record.statements import open_statements
from custodes.governance.provider.guardrails import DEFAULT_PACKS, shipped, shipped_schema
from custodes.governance.provider.policy_set import PolicySet
from custodes.operations.policy.change_control import Own, PolicyChanges
from custodes.operations.record.incidents.clock_watch import ClockWatch
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.files.policy import PolicyFiles
from custodes.storage.ledger.open import open_ledger

SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000
START, NOTICE = 1_767_225_600_000, 8 * HOUR
OWN = PolicySet(shipped(DEFAULT_PACKS), shipped_schema())
PACK = OWN.packs["police-moratorium"].replace("2028-01-01", "2026-01-01")
WEAKER = PolicySet({**OWN.packs, "police-moratorium": PACK}, OWN.schema)


class World:
    """A server with rules, whose clock is ``off_ms`` from the true time; it writes a head each hour while it runs."""

    def __init__(self, data: Path) -> None:
        self.data = data
        data.mkdir()
        self.true_ms, self.off_ms, self.sessions = START, 0, 0
        self.own = OWN
        self.open()

    def now_ms(self) -> int:
        return self.true_ms + self.off_ms

    def open(self) -> None:
        self.sessions += 1
        self.log = open_ledger(self.data, "ledger.example/notice", self)
        self.log.start()
        self.log.append("boot", fields={"r": "A" * 43}).wait()
        self.log.flush()
        self.statements = open_statements(self.data)
        self.watch = ClockWatch(self.log, self, lambda: self.true_ms)
        self.watch.look()
        files = PolicyFiles(FolderDocuments(self.data))
        self.office = PolicyChanges(files, self.log, self, Own(self.own, NOTICE), lambda: self.true_ms)
        self.office.open()

    def announce(self) -> int:
        """A newer program with weaker rules; the true time at which it is announced."""
        self.own = WEAKER
        self.restart(0)
        assert self.office.state.waiting is not None
        return self.true_ms

    def run(self, ms: int, off_ms: int) -> None:
        """Run so long, with the clock so far off."""
        self.off_ms = off_ms
        for _ in range(0, ms, HOUR):
            self.watch.look()
            self.office.activate()
            self.true_ms += min(ms, HOUR)
            self.watch.look()
            self.statements.close_head(self.log)
            self.office.activate()

    def restart(self, off_for_ms: int, off_ms: int = 0) -> None:
        self.log.close()
        self.true_ms += off_for_ms
        self.off_ms = off_ms
        self.open()

    @property
    def weak(self) -> bool:
        return self.office.in_force().digest == WEAKER.digest()


@pytest.fixture
def world(tmp_path: Path):
    made = World(tmp_path / "data")
    yield made
    made.log.close()


def test_a_notice_that_runs_takes_as_long_as_it_says(world: World) -> None:
    world.announce()
    world.run(NOTICE - HOUR, 0)
    assert not world.weak
    world.run(HOUR + SECOND, 0)
    assert world.weak


@pytest.mark.parametrize("ahead", [3 * DAY, 400 * DAY])
def test_a_clock_set_ahead_while_the_server_is_off_ends_no_notice(world: World, ahead: int) -> None:
    world.announce()
    for _ in range(3):
        world.restart(SECOND, ahead)
        world.run(HOUR, ahead)
        assert not world.weak
    assert world.office.held_ms() > 3 * HOUR


def test_a_server_that_was_off_goes_on_where_its_notice_was(world: World) -> None:
    world.announce()
    world.run(NOTICE - 2 * HOUR, 0)
    world.restart(10 * DAY)
    assert not world.weak
    world.run(3 * HOUR, 0)
    assert world.weak


def test_commands_without_a_server_let_no_time_pass(world: World) -> None:
    world.announce()
    for _ in range(6):
        world.log.close()
        world.off_ms += 2 * HOUR  # and a command that writes an entry, by itself
        world.log = open_ledger(world.data, "ledger.example/notice", world)
        world.log.start()
        world.log.append("adm", body={"op": "ledger head", "d": "allow", "acct": ""}).wait()
        world.statements.close_head(world.log)
    world.restart(0, world.off_ms)
    world.run(HOUR, world.off_ms)
    assert not world.weak


steps = st.lists(
    st.tuples(
        st.sampled_from(["run", "off"]),
        st.sampled_from([SECOND, HOUR, 3 * HOUR]),
        st.sampled_from([0, 0, -2 * HOUR, 2 * HOUR, DAY, 3 * DAY, 400 * DAY, 4 * SECOND, -30 * SECOND]),
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(script=steps)
def test_under_any_script_of_clock_changes_no_notice_ends_early(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, int, int]]
) -> None:
    world = World(tmp_path_factory.mktemp("notice") / "data")
    try:
        announced = world.announce()
        for what, ms, off in script:
            if what == "run":
                world.run(ms, off)
            else:
                world.restart(ms, off)
            slack = 10 * SECOND * world.sessions
            assert not world.weak or world.true_ms - announced >= NOTICE - slack
    finally:
        world.log.close()

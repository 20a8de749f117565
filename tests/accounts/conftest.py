"""Accounts over a real ledger and a store in memory, with a clock that the test moves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from custodes.core.clock import FixedClock
from custodes.core.ids import AccountId
from custodes.edge.aws.model import load_service
from custodes.ledger.tlog.entry import Entry, decode
from custodes.ledger.writer.body import unseal
from custodes.ledger.writer.keys import load_or_create_secret
from custodes.ledger.writer.log import LedgerLog
from custodes.operations.accounts.accounts import Accounts
from custodes.operations.accounts.admin.accounts import account_handlers
from custodes.operations.accounts.admin.identities import IdentityAdmin
from custodes.operations.accounts.credentials.sessions import SessionTokens
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.accounts.identities import Identities
from custodes.operations.accounts.log import AccountLog
from custodes.operations.accounts.ports import Admission, AdmitAll
from custodes.operations.accounts.states import AccountStates
from custodes.storage.files.seal import KeyBox
from custodes.storage.ledger.open import LedgerPaths, open_ledger, read_bodies
from custodes.storage.sql.accounts.sealer import MasterSealer
from tests.fakes.accounts import MemoryAccountStore
from tests.fakes.administration import carry_out

OPERATOR = AccountId("100000000001")
KEY_COMMANDS = ("key rotate", "key enable", "key disable", "key delete")
OPERATIONS = tuple(load_service().operations)


@dataclass
class Office:
    """Everything that an order about accounts touches."""

    data: Path
    clock: FixedClock
    log: LedgerLog
    store: MemoryAccountStore
    sessions: SessionTokens
    directory: AccountDirectory
    admission: Admission = field(default_factory=AdmitAll)

    @property
    def accounts(self) -> Accounts:
        log = AccountLog(self.log, os.urandom)
        states = AccountStates(self.directory, log, self.clock)
        return Accounts(states, log, self.admission, self.clock, os.urandom)

    def order(self, act: str, **members: object) -> Mapping[str, Any]:
        identities = Identities(self.directory, AccountLog(self.log, os.urandom), self.clock, os.urandom)
        if act in KEY_COMMANDS:  # these find the account by the key
            members.pop("account", None)
        handlers = {**account_handlers(self.accounts), **IdentityAdmin(identities, OPERATOR).handlers}
        return carry_out(handlers, act if " " in act else f"account {act}", members)

    def create(self, sector: str = "retail", **profile: object) -> Mapping[str, Any]:
        members = {"legal_name": "Anna's Photos B.V.", "sector": sector, "country": "NL", **profile}
        return self.order("create", profile=members)

    def again(self) -> Office:
        """The same after a restart."""
        return replace(self, directory=AccountDirectory(self.store, OPERATIONS, self.sessions))

    def entries(self, kind: str) -> list[tuple[Entry, Mapping[str, Any]]]:
        """Entries with their bodies."""
        self.log.flush()
        bodies, key = read_bodies(self.data), load_or_create_secret(LedgerPaths(self.data).body_key)
        found = []
        for index, envelope in self.log.tree().entries():
            entry = decode(envelope)
            if entry.kind == kind:
                sealed = bodies.get(index)
                assert sealed is not None and entry.commitment is not None
                found.append((entry, orjson.loads(unseal(sealed, entry.commitment, key))))
        return found


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    clock = FixedClock()
    log = open_ledger(data, "ledger.example/1", clock)
    log.start()
    store = MemoryAccountStore()
    sessions = SessionTokens(MasterSealer(KeyBox(os.urandom(32), os.urandom)), os.urandom)
    try:
        yield Office(data, clock, log, store, sessions, AccountDirectory(store, OPERATIONS, sessions))
    finally:
        log.close()

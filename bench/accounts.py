"""What accounts cost a server: its start with many of them, and each request's look-ups.

In: nothing. Out: seconds and microseconds of one thread's CPU time, in BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from custodes.core.ids import AccountId, RequestId
from custodes.edge.aws.model import load_service
from custodes.governance.accounts.account import Account, AccountKind, Status
from custodes.governance.accounts.identities import AccountUser
from custodes.governance.accounts.organisation import OrganisationProfile
from custodes.operations.accounts.credentials.access_keys import new_key
from custodes.operations.accounts.credentials.sessions import OpenSession, SessionTokens
from custodes.operations.accounts.directory import AccountDirectory, account_record, key_record, user_record
from custodes.operations.accounts.policy_documents import document_record
from custodes.operations.accounts.ports import AccountRecord
from custodes.operations.policy.tenant import AccountPolicies
from custodes.operations.requests.context import Context, Principal, RoleSession
from custodes.operations.requests.gate import Intent
from custodes.storage.sql.accounts.sealer import MasterSealer
from custodes.storage.sql.accounts.store import SqlAccountStore
from custodes.storage.sql.master import open_master
from custodes.storage.sql.sqlite_database import SqliteDatabase
from report import Section, table, write

ROUNDS, DOCUMENTS = 5000, 20
REGION = "eu-central-1"


def records(count: int) -> list[AccountRecord]:
    """Accounts with a user, a key and a document each; the last user has twenty documents."""
    made: list[AccountRecord] = []
    for number in range(count):
        account = AccountId(str(number).zfill(12))
        profile = OrganisationProfile(f"OrganisationProfile {number}", "NL", "retail")
        made.append(account_record(Account(account, AccountKind.CUSTOMER, Status.ACTIVE, profile)))
        made.append(user_record(AccountUser(account, "ann", f"AUCU{number}")))
        made.append(key_record(new_key(account, "ann", 0, os.urandom)))
        made += [
            document_record(account, "user/ann", f"p{each}", policy(each))
            for each in range(DOCUMENTS if number == count - 1 else 1)
        ]
    return made


def policy(number: int) -> str:
    """A document of usual size; the first allows what is asked."""
    arn = f"arn:aws:rekognition:{REGION}:*:collection/{'people' if number == 0 else f'other{number}'}*"
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": ["rekognition:Search*", "rekognition:List*"], "Resource": arn},
                {"Effect": "Deny", "Action": "rekognition:Delete*", "Resource": "*"},
            ],
        }
    )


def each_us(work: Callable[[], object]) -> float:
    """Median CPU time of one call, in microseconds."""
    taken = []
    for _ in range(ROUNDS):
        start = time.thread_time_ns()
        work()
        taken.append(time.thread_time_ns() - start)
    return statistics.median(taken) / 1000


def main() -> None:
    """Measure and report."""
    count = argparse.ArgumentParser()
    count.add_argument("--accounts", type=int, default=100_000)
    accounts = count.parse_args().accounts
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        with closing(SqliteDatabase.open(data)) as database:
            SqlAccountStore(database, open_master(database, data, os.urandom)).change(records(accounts))
        operations = tuple(load_service().operations)
        with closing(SqliteDatabase.open(data)) as database:
            master = open_master(database, data, os.urandom)
            sessions = SessionTokens(MasterSealer(master), os.urandom)
            start = time.process_time()
            directory = AccountDirectory(SqlAccountStore(database, master), operations, sessions)
            start_s = time.process_time() - start
    last = AccountId(str(accounts - 1).zfill(12))
    rows = look_ups(directory, sessions, last)
    rows = [
        (f"start with {accounts:,} accounts, a user, a key and a document each", f"{start_s:.2f} s"),
        *rows,
    ]
    text = table(("what", "CPU time of one thread"), rows)
    print(text)
    write(Section("accounts", "Accounts", ".venv/bin/python bench/accounts.py", text))


def look_ups(directory: AccountDirectory, sessions: SessionTokens, account: AccountId) -> list[tuple[object, ...]]:
    """Cost of what every request asks."""
    user = directory.user(account, "ann")
    key = directory.keys(account)[0]
    name, secret = sessions.new_key()
    session = RoleSession("s", 0, {"custodes:purpose": "photo-management"}, origin_key=key.access_key_id)
    opened = OpenSession(name, secret, account, "user/ann", user.user_id, 1 << 50, session)
    token = sessions.issue(opened)
    found = directory.find(key.access_key_id)
    assert found is not None and directory.find(name, token) is not None
    layer = AccountPolicies(directory, lambda _: {})
    context = Context(found.caller(REGION), RequestId("r"), 0)
    arn = f"arn:aws:rekognition:{REGION}:{account}:collection/people"
    intent = Intent(context, "rekognition:SearchFacesByImage", arn, {})
    assert layer.decide(intent).allowed
    assert found.principal == Principal("user/ann", user.user_id)
    return [
        ("find a key", f"{each_us(lambda: directory.find(key.access_key_id)):.1f} µs"),
        ("find a key by its session's token", f"{each_us(lambda: directory.find(name, token)):.1f} µs"),
        (f"tenant's decision for a user with {DOCUMENTS} documents", f"{each_us(lambda: layer.decide(intent)):.1f} µs"),
    ]


if __name__ == "__main__":
    main()

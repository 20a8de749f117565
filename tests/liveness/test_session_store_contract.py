"""What every store of liveness sessions promises, on the one in memory and on the database."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from custodes.core.box import BoxRatio
from custodes.core.errors import IdempotencyError
from custodes.core.ids import AccountId
from custodes.liveness.challenge import ChallengePreference, ChallengeType
from custodes.liveness.session import (
    LIFETIME_MS,
    MAX_RUN_MS,
    FeedbackCode,
    LivenessResult,
    LivenessSession,
    LivenessState,
    PictureBucket,
    SessionPicture,
    SessionWishes,
)
from custodes.operations.liveness.ports import LivenessSessions
from custodes.storage.sql.liveness.sessions import SqlLivenessSessions
from custodes.storage.sql.master import open_master
from custodes.storage.sql.sqlite_database import FILE_NAME
from tests.fakes.directories import opened_database
from tests.fakes.liveness import MemorySessions
from tests.fakes.postgres import database_url
from tests.fakes.schema import open_sqlite

MINE, OTHER = AccountId("111111111111"), AccountId("222222222222")
NAME = "00000000-0000-4000-8000-00000000000a"
WISHES = SessionWishes(
    2,
    PictureBucket("pictures", "live/"),
    (ChallengePreference(ChallengeType.MOVEMENT, "1.0.0", "1.5.0"),),
    "token",
    "alias/pictures",
)
RESULT = LivenessResult(
    93.25,
    ChallengeType.LIGHT,
    "2.0.0",
    SessionPicture(BoxRatio(0.1, 0.2, 0.3, 0.4), b"picture of somebody"),
    (SessionPicture(BoxRatio(0, 0, 1, 1), None, "pictures", "live/a.jpg"),),
    (FeedbackCode.HIGH_LIGHTING_DETECTED,),
    "ui-react-liveness/3.6.8",
)


def session(
    name: str = NAME, account: AccountId = MINE, created: int = 1_000, token: str | None = None
) -> LivenessSession:
    return LivenessSession(account, name, created, replace(WISHES, token=token))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LivenessSessions]:
    if request.param == "memory":
        yield MemorySessions()
        return
    database = opened_database(tmp_path / "data", database_url(request))
    try:
        yield SqlLivenessSessions(database, open_master(database, tmp_path / "data", os.urandom))
    finally:
        database.close()


def test_a_session_begins_once_and_ends_once(store: LivenessSessions) -> None:
    assert store.add(session()) == session()
    assert store.find(MINE, NAME) == session()
    assert store.find(OTHER, NAME) is None
    assert store.begin(OTHER, NAME, 2_000) is None
    assert not store.end(MINE, NAME, RESULT, 2_000)  # it has not begun
    begun = store.begin(MINE, NAME, 2_000)
    assert begun is not None and begun.stored is LivenessState.IN_PROGRESS and begun.begun_ts_ms == 2_000
    assert store.begin(MINE, NAME, 2_001) is None
    assert store.end(MINE, NAME, RESULT, 3_000)
    assert not store.end(MINE, NAME, None, 3_001)
    found = store.find(MINE, NAME)
    assert found is not None and found.stored is LivenessState.SUCCEEDED and found.result == RESULT


def test_a_result_is_charged_once(store: LivenessSessions) -> None:
    store.add(session())
    assert not store.charge(MINE, NAME)
    store.begin(MINE, NAME, 2_000)
    assert not store.charge(MINE, NAME)
    store.end(MINE, NAME, RESULT, 3_000)
    assert not store.charge(OTHER, NAME)
    paid: list[bool] = []
    threads = [threading.Thread(target=lambda: paid.append(store.charge(MINE, NAME))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(paid) == [False] * 5 + [True]
    found = store.find(MINE, NAME)
    assert found is not None and found.charged and found.result == RESULT


def test_a_session_without_a_result_has_failed(store: LivenessSessions) -> None:
    store.add(session())
    store.begin(MINE, NAME, 2_000)
    assert store.end(MINE, NAME, None, 3_000)
    found = store.find(MINE, NAME)
    assert found is not None and found.stored is LivenessState.FAILED and found.result is None


def test_time_ends_what_nobody_ends(store: LivenessSessions) -> None:
    store.add(session())
    assert store.begin(MINE, NAME, 1_000 + LIFETIME_MS) is None
    found = store.find(MINE, NAME)
    assert found is not None
    assert found.state_at(1_000 + LIFETIME_MS - 1) is LivenessState.CREATED
    assert found.state_at(1_000 + LIFETIME_MS) is LivenessState.EXPIRED
    assert store.begin(MINE, NAME, LIFETIME_MS) is not None
    assert not store.end(MINE, NAME, RESULT, LIFETIME_MS + MAX_RUN_MS)
    found = store.find(MINE, NAME)
    assert found is not None and found.state_at(LIFETIME_MS + MAX_RUN_MS) is LivenessState.FAILED


def test_a_token_gives_the_same_session_for_three_minutes(store: LivenessSessions) -> None:
    store.add(session(token="t"))
    again = session("00000000-0000-4000-8000-00000000000b", created=2_000, token="t")
    assert store.add(again).session_id == NAME
    with pytest.raises(IdempotencyError):
        store.add(replace(again, wishes=SessionWishes(token="t")))
    assert store.add(replace(again, account_id=OTHER)).session_id == again.session_id
    late = replace(again, created_ts_ms=1_000 + LIFETIME_MS)
    assert store.add(late).session_id == again.session_id


def test_of_many_who_begin_one_does(store: LivenessSessions) -> None:
    store.add(session())
    begun: list[LivenessSession | None] = []
    threads = [threading.Thread(target=lambda: begun.append(store.begin(MINE, NAME, 2_000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in begun) == 1


def test_old_sessions_are_destroyed(store: LivenessSessions) -> None:
    store.add(session())
    store.add(session("00000000-0000-4000-8000-00000000000b", created=5_000))
    assert store.remove_before(1_000) == 0
    assert store.remove_before(5_000) == 1
    assert store.find(MINE, NAME) is None
    assert store.remove_before(9_000) == 1


def test_nothing_about_anybody_stands_in_the_clear(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path)
    store = SqlLivenessSessions(database, open_master(database, tmp_path, os.urandom))
    store.add(session())
    store.begin(MINE, NAME, 2_000)
    store.end(MINE, NAME, RESULT, 3_000)
    database.close()
    written = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE_NAME}*"))
    for secret in (b"picture of somebody", b"93.25", b"ui-react-liveness", b"live/"):
        assert secret not in written

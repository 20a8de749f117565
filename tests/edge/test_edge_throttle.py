"""Two tenants on one server: limits are modelled errors, boto3 tries again, a flood does not reach the other."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from custodes.core.ids import AccountId
from custodes.edge.endpoints.api import Limits
from custodes.governance.limits import AccountLimits
from custodes.operations.accounts.throttle import Throttle, no_overrides
from custodes.operations.requests.ports import AccessKey

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # as in conftest
ANN, FLOOD = AccountId("111111111111"), AccountId("222222222222")


class TwoAccounts:
    def find(self, access_key_id: str, session_token: str | None = None) -> AccessKey | None:
        account = {"AKANN": ANN, "AKFLOOD": FLOOD}.get(access_key_id)
        return None if account is None else AccessKey(access_key_id, SECRET, account)


def nothing(*_: Any) -> dict[str, Any]:
    return {"CollectionIds": []}


def throttle(**limits: int) -> Throttle:
    return Throttle(AccountLimits(**limits), no_overrides, time.monotonic)


def test_beyond_its_rate_an_account_gets_the_modelled_error_and_others_do_not(serve: Any) -> None:
    live = serve({"ListCollections": nothing}, keys=TwoAccounts(), throttle=throttle(rate=1, burst=3))
    ann, flood = live.client("AKANN"), live.client("AKFLOOD")
    for _ in range(3):
        flood.list_collections()
    with pytest.raises(flood.exceptions.ProvisionedThroughputExceededException):
        flood.list_collections()
    ann.list_collections()
    live.settle()
    figures = live.raw(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n").decode()
    counted = 'custodes_requests_total{code="ProvisionedThroughputExceededException",operation="ListCollections"} 1.0'
    assert counted in figures


def test_boto3_tries_again_until_there_is_room(serve: Any) -> None:
    live = serve({"ListCollections": nothing}, keys=TwoAccounts(), throttle=throttle(rate=20, burst=1))
    client = live.client("AKANN", retries={"mode": "standard", "total_max_attempts": 8})
    attempts = [client.list_collections()["ResponseMetadata"]["RetryAttempts"] for _ in range(4)]
    assert sum(attempts) >= 1


def test_a_wrong_signature_takes_nothing_from_whom_it_names(serve: Any) -> None:
    live = serve({"ListCollections": nothing}, keys=TwoAccounts(), throttle=throttle(rate=1, burst=1))
    for _ in range(5):
        with pytest.raises(ClientError, match="InvalidSignature"):
            live.client("AKANN", "w" * 40).list_collections()
    live.client("AKANN").list_collections()


def test_too_many_at_a_time_are_throttled(serve: Any) -> None:
    go_on = threading.Event()

    def wait(*_: Any) -> dict[str, Any]:
        go_on.wait(10)
        return {"CollectionIds": []}

    live = serve(
        {"ListCollections": wait, "DetectFaces": lambda *_: {"FaceDetails": []}},
        keys=TwoAccounts(),
        throttle=throttle(in_flight=2),
    )
    flood = live.client("AKFLOOD", max_pool_connections=8)
    waiting = [threading.Thread(target=flood.list_collections) for _ in range(2)]
    for thread in waiting:
        thread.start()
    time.sleep(0.3)
    with pytest.raises(flood.exceptions.ThrottlingException):
        flood.detect_faces(Image={"Bytes": b"x"})
    live.client("AKANN").detect_faces(Image={"Bytes": b"x"})
    go_on.set()
    for thread in waiting:
        thread.join(10)
    flood.detect_faces(Image={"Bytes": b"x"})


def test_one_tenants_flood_does_not_slow_another(serve: Any) -> None:
    """The flood keeps 40 requests waiting for two threads: in one queue, a newcomer would wait for 20 times 20 ms."""
    work_s = 0.02

    def work(*_: Any) -> dict[str, Any]:
        time.sleep(work_s)
        return {"CollectionIds": []}

    live = serve({"ListCollections": work}, keys=TwoAccounts(), limits=Limits(worker_threads=2))
    flooding, stop = live.client("AKFLOOD", max_pool_connections=40), threading.Event()

    def flood() -> None:
        while not stop.is_set():
            flooding.list_collections()

    threads = [threading.Thread(target=flood) for _ in range(40)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    ann, taken = live.client("AKANN"), []
    for _ in range(15):
        start = time.perf_counter()
        ann.list_collections()
        taken.append(time.perf_counter() - start)
    stop.set()
    for thread in threads:
        thread.join(30)
    # One job to wait for, its own, and what 40 clients in this very process cost the clock.
    assert sorted(taken)[7] < 20 * work_s / 2

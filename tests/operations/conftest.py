"""A server's use cases over fakes, called through the handlers that the edge calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from custodes.core.clock import FixedClock
from custodes.core.ids import AccountId, RequestId
from custodes.edge.aws.model import load_service
from custodes.edge.aws.serialize import serialize
from custodes.edge.aws.translate.catalogue import handlers
from custodes.gallery.exact import BruteForceIndex
from custodes.gallery.gallery import IndexedGallery
from custodes.operations.catalogue import Ports, build
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import Gate
from tests.fakes.engine import SquareEngine
from tests.fakes.gallery import MemoryGalleryStore
from tests.fakes.objects import MemoryObjects
from tests.fakes.records import KeepingRecorder, ScriptedPolicy
from tests.fakes.sight import sight
from tests.fakes.unrecorded import NoReviews, UnrecordedErasures

ACCOUNT, OTHER_ACCOUNT = AccountId("123456789012"), AccountId("210987654321")
REGION = "eu-central-1"
_SERVICE = load_service()


def context(account: AccountId = ACCOUNT) -> Context:
    caller = Caller(account, "AKEXAMPLE", f"arn:aws:iam::{account}:user/ann", REGION)
    return Context(caller, RequestId("11111111-1111-4111-8111-111111111111"), 1_700_000_000_000)


@dataclass
class Server:
    """Everything behind the edge; ``call`` is what the dispatcher does, with the answer checked against the model."""

    engine: SquareEngine
    gallery: IndexedGallery
    objects: MemoryObjects
    recorder: KeepingRecorder
    policy: ScriptedPolicy
    clock: FixedClock
    bare_arn: bool = False

    @cached_property
    def handlers(self) -> dict[str, Any]:
        ports = Ports(
            self.engine,
            self.gallery,
            self.objects,
            self.clock,
            page_key=b"k" * 32,
            erasures=UnrecordedErasures(),
            holding=NoReviews(),
            sight=sight(),
        )
        gate = Gate(self.policy, self.recorder)
        return handlers(gate, build(ports), REGION, bare_arn=self.bare_arn)

    def call(self, operation: str, account: AccountId = ACCOUNT, **params: Any) -> dict[str, Any]:
        output = self.handlers[operation](context(account), params).result
        serialize(output, _SERVICE.known[operation])  # raises for anything the model does not have
        return _as_received(output)

    def collection(self, name: str = "people") -> str:
        self.call("CreateCollection", CollectionId=name)
        return name

    def enrol(self, image: bytes, collection: str = "people", **params: Any) -> list[str]:
        answer = self.call("IndexFaces", CollectionId=collection, Image={"Bytes": image}, **params)
        return [record["Face"]["FaceId"] for record in answer["FaceRecords"]]


def _as_received(value: Any) -> Any:
    """The value as a client sees it, before floats are narrowed: members that are None are not there."""
    if isinstance(value, Mapping):
        return {name: _as_received(item) for name, item in value.items() if item is not None}
    return [_as_received(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def server() -> Server:
    return Server(
        SquareEngine(),
        IndexedGallery(MemoryGalleryStore(), BruteForceIndex),
        MemoryObjects(),
        KeepingRecorder(),
        ScriptedPolicy(),
        FixedClock(),
    )


@pytest.fixture
def request_context() -> Context:
    return context()

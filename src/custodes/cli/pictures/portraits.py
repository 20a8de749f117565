"""Portraits assessed on this machine: the same handlers as behind HTTP, without a server and without a data directory.

In: settings. Out: answers as the API has them. The gate is one of its own that allows and counts; nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from custodes.core.clock import SystemClock
from custodes.core.ids import AccountId
from custodes.deployment.server import new_request_id, open_engine
from custodes.edge.aws.translate.quality import handlers
from custodes.edge.aws.wire import Handler
from custodes.engine.ports import FaceEngine
from custodes.operations.images.assess import PortraitAssessment
from custodes.operations.images.sources import Pictures
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import AllowAll, CountingRecorder, Gate
from custodes.settings import Settings
from custodes.storage.objects.buckets import BucketObjects


@dataclass(frozen=True, slots=True)
class LocalPortraits:
    """Asks about pictures, one at a time."""

    handlers: Mapping[str, Handler]
    region: str

    def quality(self, data: bytes, max_faces: int) -> Mapping[str, Any]:
        """AssessFaceQuality as the API answers it. Raises CustodesError: no picture."""
        return self._ask("AssessFaceQuality", data, max_faces)

    def liveness(self, data: bytes, max_faces: int) -> Mapping[str, Any]:
        """AssessLiveness as the API answers it. Raises CustodesError: no picture."""
        return self._ask("AssessLiveness", data, max_faces)

    def _ask(self, operation: str, data: bytes, max_faces: int) -> Mapping[str, Any]:
        members = {"Image": {"Bytes": data}, "MaxFaces": max_faces}
        return self.handlers[operation](_context(self.region), members).result


@contextmanager
def open_assessment(settings: Settings, engine: FaceEngine | None = None) -> Iterator[LocalPortraits]:
    """Load the networks to assess portraits; ``engine`` stands in for the real one."""
    with open_engine(settings) if engine is None else nullcontext(engine) as faces:
        assessment = PortraitAssessment(faces, Pictures(BucketObjects({})))
        gate = Gate(AllowAll(), CountingRecorder())
        yield LocalPortraits(handlers(gate, assessment), settings.region)


def _context(region: str) -> Context:
    """Somebody at this machine's command line, now."""
    caller = Caller(AccountId("000000000000"), "local", "arn:aws:iam::000000000000:root", region)
    return Context(caller, new_request_id(), SystemClock().now_ms())

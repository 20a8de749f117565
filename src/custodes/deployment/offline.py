"""Operations on single pictures without a server and without a data directory.

In: settings. Out: the API's own handlers behind a gate of their own, which records nothing: whoever runs this computes
with their own hands on their own machine. Operations that keep or look up something are not there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from custodes.core.clock import SystemClock
from custodes.core.ids import AccountId
from custodes.deployment.networks.computing import open_engine
from custodes.deployment.networks.engines import open_sight, open_text
from custodes.deployment.server import new_request_id
from custodes.edge.aws.translate.images import faces, labels, moderation, protection, quality, text
from custodes.edge.aws.wire import Handler
from custodes.engine.ports import FaceEngine, TextEngine
from custodes.engine.runtime.once import Once
from custodes.operations.images.assess import PortraitAssessment
from custodes.operations.images.compare_faces import FaceComparison
from custodes.operations.images.detect_equipment import Protection
from custodes.operations.images.detect_faces import Detection
from custodes.operations.images.detect_labels import LabelDetection
from custodes.operations.images.detect_moderation import Moderation
from custodes.operations.images.detect_text import TextDetection
from custodes.operations.images.engines import ImageEngines
from custodes.operations.images.sources import Pictures
from custodes.operations.requests.context import Caller, Context
from custodes.operations.requests.gate import AllowAll, CountingRecorder, Gate
from custodes.settings import Settings
from custodes.storage.objects.buckets import BucketObjects

_ACCOUNT = AccountId("000000000000")


@dataclass(frozen=True, slots=True)
class Offline:
    """The image operations, in AWS members."""

    handlers: Mapping[str, Handler]
    region: str

    def call(self, operation: str, **members: Any) -> Mapping[str, Any]:
        """Answer of ``operation``, which must be one of ``handlers``.

        Raises:
            CustodesError: no picture, or whatever else the operation refuses.
        """
        caller = Caller(_ACCOUNT, "local", f"arn:aws:iam::{_ACCOUNT}:root", self.region)
        return self.handlers[operation](Context(caller, new_request_id(), SystemClock().now_ms()), members).result


@contextmanager
def open_offline(
    settings: Settings,
    engine: FaceEngine | None = None,
    text_engine: TextEngine | None = None,
    sight: ImageEngines | None = None,
) -> Iterator[Offline]:
    """Load the networks; those for text and for whole pictures when they are first asked.

    Args:
        settings: all of them.
        engine: stands in for the real one.
        text_engine: the same for text.
        sight: the same for whole pictures.

    Raises:
        UnavailableError: networks are missing.
    """
    pictures, gate = Pictures(BucketObjects({})), Gate(AllowAll(), CountingRecorder())
    reader = Once(lambda: open_text(settings) if text_engine is None else text_engine)
    with open_engine(settings) if engine is None else nullcontext(engine) as opened:
        seen = sight or open_sight(settings, opened)
        handlers = {
            **faces.handlers(gate, Detection(opened, pictures), FaceComparison(opened, pictures)),
            **text.handlers(gate, TextDetection(reader, pictures)),
            **labels.handlers(gate, LabelDetection(seen.labels, pictures)),
            **moderation.handlers(gate, Moderation(seen.moderation, pictures)),
            **protection.handlers(gate, Protection(seen.equipment, pictures)),
            **quality.handlers(gate, PortraitAssessment(opened, seen.portraits, pictures)),
        }
        yield Offline(handlers, settings.region)

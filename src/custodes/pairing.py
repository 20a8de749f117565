"""Two pictures compared without a server and without a data directory: the networks, a gate, one operation.

In: pictures as bytes. Out: what CompareFaces answers, and how rare such a similarity is among strangers. Nothing is
stored or recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from custodes.core.clock import SystemClock
from custodes.core.ids import AccountId
from custodes.edge.translate.faces import handlers as face_handlers
from custodes.engine.calibrate import false_match_rate
from custodes.engine.faces.assembly import FALSE_MATCH_RATES
from custodes.engine.ports import FaceEngine
from custodes.operations.compare import Comparison
from custodes.operations.context import Caller, Context
from custodes.operations.detect import Detection
from custodes.operations.gate import AllowAll, CountingRecorder, Gate
from custodes.operations.images import Pictures
from custodes.settings import Settings
from custodes.storage.objects import BucketObjects
from custodes.wiring import new_request_id, open_engine


@dataclass(frozen=True, slots=True)
class PairComparison:
    """Compares two pictures without a data directory, through a gate of its own."""

    engine: FaceEngine
    region: str

    def compare(self, source: bytes, target: bytes) -> Mapping[str, Any]:
        """CompareFaces with threshold 0, as the API answers it: at least one match, best first.

        Raises:
            CustodesError: no picture, or no face in one of them.
        """
        pictures = Pictures(BucketObjects({}))
        by_name = face_handlers(
            Gate(AllowAll(), CountingRecorder()), Detection(self.engine, pictures), Comparison(self.engine, pictures)
        )
        caller = Caller(AccountId("000000000000"), "local", "arn:aws:iam::000000000000:root", self.region)
        context = Context(caller, new_request_id(), SystemClock().now_ms())
        members = {"SourceImage": {"Bytes": source}, "TargetImage": {"Bytes": target}, "SimilarityThreshold": 0.0}
        return by_name["CompareFaces"](context, members)

    def false_match_rate(self, similarity_pct: float) -> float | None:
        """Share of pairs of different people that reach ``similarity_pct``; None below what was measured."""
        return false_match_rate(similarity_pct, FALSE_MATCH_RATES)


@contextmanager
def open_comparison(settings: Settings, engine: FaceEngine | None = None) -> Iterator[PairComparison]:
    """Load the networks to compare pictures; ``engine`` stands in for the real one."""
    with open_engine(settings) if engine is None else nullcontext(engine) as faces:
        yield PairComparison(faces, settings.region)

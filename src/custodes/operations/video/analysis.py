"""What each operation does with a frame: one analysis for each, all with the same few methods.

In: a permit and a frame within the gate. Out: items in the API's spelling. What a frame shows is seen beside other
frames, what is told of it follows in their order. An analysis that joins frames keeps a state, which goes into the
checkpoint. Engines, galleries and the spelling are ports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Generic, TypeVar

from custodes.core.box import Size
from custodes.engine.ports import FaceEngine, LabelEngine, ModerationEngine, TextEngine
from custodes.engine.results.face import DetectedFace
from custodes.engine.results.label import LabelsFound, LabelsWanted
from custodes.engine.results.moderation import ConcernsFound
from custodes.engine.results.text import TextFound
from custodes.imaging.image import Image
from custodes.operations.collections.celebrities import MAX_CELEBRITY_FACES, Celebrities, Named
from custodes.operations.collections.ports import Gallery
from custodes.operations.images.attributes import (
    DEFAULT_ATTRIBUTES,
    Attributes,
    detail_for,
    requested,
    traits_for,
    without,
)
from custodes.operations.images.detect_labels import LabelFilters
from custodes.operations.images.text_filter import EVERY_WORD, Region, WordFilter, reported
from custodes.operations.requests.gate import Permit
from custodes.operations.video.ports import Item, ResultFormat
from custodes.video.segments.curves import Curves, curves_of
from custodes.video.segments.signature import FrameSignature

DEFAULT_CONFIDENCE_PCT = 50.0
DEFAULT_MAX_PIXEL, DEFAULT_MIN_COVERAGE_PCT = 0.2, 99.0
Seen = TypeVar("Seen")
NO_HASH = b""
"""Frames have no bytes as received."""


@dataclass(frozen=True, slots=True)
class VideoEngines:
    """What looks at frames. Engines that are opened when first asked are functions."""

    faces: FaceEngine
    labels: Callable[[], LabelEngine]
    moderation: Callable[[], ModerationEngine]
    text: Callable[[], TextEngine]
    gallery: Gallery
    celebrities: Celebrities
    spelling: ResultFormat


@dataclass(frozen=True, slots=True, eq=False)
class FrameLook(Generic[Seen]):
    """What was ``seen`` in the sampled frame at ``ts_ms``, of ``size``."""

    ts_ms: int
    size: Size
    seen: Seen


class Analysis:
    """Looks at the frames of one job in order."""

    samples_per_second: Fraction | None = None
    """None: as the settings say."""
    every_frame = False

    def __init__(self, engines: VideoEngines, options: Mapping[str, Any]) -> None:
        """Look with ``engines`` as ``options`` of the request say."""
        self.engines = engines
        self.options = options

    @property
    def model_version(self) -> str:
        """Of the engine that looks; empty where the API tells none."""
        return ""

    def see(self, permit: Permit, image: Image) -> Any:
        """What one sampled frame shows, for ``tell``. Several threads look at a frame each: it changes nothing."""
        raise NotImplementedError

    def tell(self, permit: Permit, look: FrameLook[Any]) -> list[Item]:
        """Items of one sampled frame. Frames come in order."""
        raise NotImplementedError

    def state(self) -> Any:
        """What goes into the checkpoint, as JSON."""
        return None

    def restore(self, state: Any) -> None:
        """Go on from a checkpoint."""

    def names(self) -> dict[int, dict[str, float]]:
        """Ids by track with their highest similarities in percent, at the end."""
        return {}


class FaceAnalysis(Analysis):
    """StartFaceDetection."""

    def see(self, permit: Permit, image: Image) -> tuple[DetectedFace, ...]:
        """Faces with what is asked of them."""
        attributes, engine = self._attributes(permit), self.engines.faces
        found = engine.detect(permit.slot, image, detail_for(attributes))
        return engine.describe(permit.slot, image, found.faces, traits_for(attributes))

    def tell(self, permit: Permit, look: FrameLook[tuple[DetectedFace, ...]]) -> list[Item]:
        """One item a face."""
        permit.tally.add(faces_detected=len(look.seen))
        attributes, spelling = self._attributes(permit), self.engines.spelling
        return [{"t": look.ts_ms, "i": spelling.face(face, look.size, attributes)} for face in look.seen]

    def _attributes(self, permit: Permit) -> Attributes:
        """Gaze and occlusion are never told of videos, so they are not computed."""
        asked = requested([self.options["FaceAttributes"]] if "FaceAttributes" in self.options else None)
        if asked == DEFAULT_ATTRIBUTES:
            return DEFAULT_ATTRIBUTES
        return without(asked, frozenset({*permit.withheld, "EYE_DIRECTION", "FACE_OCCLUDED"}))


class LabelAnalysis(Analysis):
    """StartLabelDetection."""

    @property
    def model_version(self) -> str:
        """Of the label engine."""
        return self.engines.labels().model_version

    def see(self, permit: Permit, image: Image) -> LabelsFound:
        """All labels."""
        least = float(self.options.get("MinConfidence", DEFAULT_CONFIDENCE_PCT))
        return self.engines.labels().labels(permit.slot, image, LabelsWanted(min_confidence_pct=least))

    def tell(self, permit: Permit, look: FrameLook[LabelsFound]) -> list[Item]:
        """One item a label, surest first."""
        filters = label_filters(self.options)
        kept = [label for label in look.seen.labels if filters.keep(label)]
        permit.tally.add(labels_detected=len(kept))
        spelling = self.engines.spelling
        return [
            {"t": look.ts_ms, "k": label.name, "c": label.confidence_pct, "i": spelling.label(label, look.seen.size)}
            for label in kept
        ]


class ModerationAnalysis(Analysis):
    """StartContentModeration."""

    @property
    def model_version(self) -> str:
        """Of the taxonomy."""
        return self.engines.moderation().model_version

    def see(self, permit: Permit, image: Image) -> ConcernsFound:
        """All moderation labels."""
        least = float(self.options.get("MinConfidence", DEFAULT_CONFIDENCE_PCT))
        return self.engines.moderation().concerns(permit.slot, image, least)

    def tell(self, permit: Permit, look: FrameLook[ConcernsFound]) -> list[Item]:
        """One item a moderation label, surest first; kinds of content with each."""
        permit.tally.add(moderation_labels_detected=len(look.seen.concerns))
        spelling = self.engines.spelling
        kinds = spelling.kinds(look.seen.kinds)
        return [
            {"t": look.ts_ms, "k": one.name, "c": one.confidence_pct, "i": spelling.moderation(one), "kinds": kinds}
            for one in look.seen.concerns
        ]


class TextAnalysis(Analysis):
    """StartTextDetection."""

    @property
    def model_version(self) -> str:
        """Of the text engine."""
        return self.engines.text().model_version

    def see(self, permit: Permit, image: Image) -> TextFound:
        """All text."""
        return self.engines.text().read(permit.slot, image)

    def tell(self, permit: Permit, look: FrameLook[TextFound]) -> list[Item]:
        """One item a line, then one a word."""
        limits, regions = text_filters(self.options)
        found = reported(look.seen, limits, regions)
        permit.tally.add(words_detected=sum(len(line.words) for line in found.lines))
        return [{"t": look.ts_ms, "i": one} for one in self.engines.spelling.text(found)]


class CelebrityAnalysis(Analysis):
    """StartCelebrityRecognition."""

    def see(self, permit: Permit, image: Image) -> tuple[int, tuple[Named, ...]]:
        """How many faces there are, and those that are known."""
        found = self.engines.faces.detect(permit.slot, image, at_most=MAX_CELEBRITY_FACES)
        return len(found.faces), self.engines.celebrities.named(permit.slot, image, found.faces)

    def tell(self, permit: Permit, look: FrameLook[tuple[int, tuple[Named, ...]]]) -> list[Item]:
        """One item a known person; unknown faces are left out."""
        faces, named = look.seen
        permit.tally.add(faces_detected=faces, matches=len(named))
        spelling = self.engines.spelling
        return [
            {
                "t": look.ts_ms,
                "k": one.person.celebrity_id,
                "i": spelling.celebrity(one.person, one.face, look.size, one.confidence_pct),
            }
            for one in named
        ]


class SegmentAnalysis(Analysis):
    """StartSegmentDetection: looks at every frame's signature, at no pixels."""

    samples_per_second = Fraction(0)
    every_frame = True

    def curves(self, signatures: list[tuple[int, FrameSignature]]) -> Curves:
        """Curves of one part."""
        black = self.options.get("Filters", {}).get("TechnicalCueFilter", {}).get("BlackFrame", {})
        return curves_of(signatures, float(black.get("MaxPixelThreshold", DEFAULT_MAX_PIXEL)))


def label_filters(options: Mapping[str, Any]) -> LabelFilters:
    """Of ``Settings.GeneralLabels``."""
    general = options.get("Settings", {}).get("GeneralLabels", {})
    return LabelFilters(
        include=frozenset(general.get("LabelInclusionFilters", ())),
        exclude=frozenset(general.get("LabelExclusionFilters", ())),
        include_categories=frozenset(general.get("LabelCategoryInclusionFilters", ())),
        exclude_categories=frozenset(general.get("LabelCategoryExclusionFilters", ())),
    )


def text_filters(options: Mapping[str, Any]) -> tuple[WordFilter, tuple[Region, ...]]:
    """Prepared by the edge as plain numbers: ``words`` and ``regions``."""
    words = options.get("words")
    regions = tuple(tuple((x, y) for x, y in region) for region in options.get("regions", ()))
    return EVERY_WORD if words is None else WordFilter(*words), regions

"""What each operation does with a frame: one analysis for each, all with the same few methods.

In: a permit and a frame within the gate. Out: items in the API's spelling. An analysis that joins frames keeps a state,
which goes into the checkpoint. Engines, galleries and the spelling are ports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from custodes.engine.ports import FaceEngine, LabelEngine, ModerationEngine, TextEngine
from custodes.engine.results.label import LabelsWanted
from custodes.imaging.image import Image
from custodes.operations.collections.celebrities import MAX_CELEBRITY_FACES, Celebrities
from custodes.operations.collections.ports import Gallery
from custodes.operations.images.attributes import DEFAULT_ATTRIBUTES, detail_for, requested, traits_for, without
from custodes.operations.images.detect_labels import LabelFilters
from custodes.operations.images.text_filter import EVERY_WORD, Region, WordFilter, reported
from custodes.operations.requests.gate import Permit
from custodes.operations.video.ports import Item, ResultFormat
from custodes.video.frames import VideoFrame
from custodes.video.segments.curves import Curves, curves_of
from custodes.video.segments.signature import FrameSignature

DEFAULT_CONFIDENCE_PCT = 50.0
DEFAULT_MAX_PIXEL, DEFAULT_MIN_COVERAGE_PCT = 0.2, 99.0
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

    def look(self, permit: Permit, frame: VideoFrame, image: Image) -> list[Item]:
        """Items of one sampled frame."""
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

    def look(self, permit: Permit, frame: VideoFrame, image: Image) -> list[Item]:
        """One item a face. Gaze and occlusion are never told of videos, so they are not computed."""
        asked = requested([self.options["FaceAttributes"]] if "FaceAttributes" in self.options else None)
        attributes = without(asked, frozenset({*permit.withheld, "EYE_DIRECTION", "FACE_OCCLUDED"}))
        attributes = attributes if asked != DEFAULT_ATTRIBUTES else DEFAULT_ATTRIBUTES
        engine = self.engines.faces
        found = engine.detect(permit.slot, image, detail_for(attributes))
        faces = engine.describe(permit.slot, image, found.faces, traits_for(attributes))
        permit.tally.add(faces_detected=len(faces))
        return [{"t": frame.ts_ms, "i": self.engines.spelling.face(face, image.size, attributes)} for face in faces]


class LabelAnalysis(Analysis):
    """StartLabelDetection."""

    @property
    def model_version(self) -> str:
        """Of the label engine."""
        return self.engines.labels().model_version

    def look(self, permit: Permit, frame: VideoFrame, image: Image) -> list[Item]:
        """One item a label, surest first."""
        least = float(self.options.get("MinConfidence", DEFAULT_CONFIDENCE_PCT))
        found = self.engines.labels().labels(permit.slot, image, LabelsWanted(min_confidence_pct=least))
        filters = label_filters(self.options)
        kept = [label for label in found.labels if filters.keep(label)]
        permit.tally.add(labels_detected=len(kept))
        spelling = self.engines.spelling
        return [
            {"t": frame.ts_ms, "k": label.name, "c": label.confidence_pct, "i": spelling.label(label, found.size)}
            for label in kept
        ]


class ModerationAnalysis(Analysis):
    """StartContentModeration."""

    @property
    def model_version(self) -> str:
        """Of the taxonomy."""
        return self.engines.moderation().model_version

    def look(self, permit: Permit, frame: VideoFrame, image: Image) -> list[Item]:
        """One item a moderation label, surest first; kinds of content with each."""
        least = float(self.options.get("MinConfidence", DEFAULT_CONFIDENCE_PCT))
        found = self.engines.moderation().concerns(permit.slot, image, least)
        permit.tally.add(moderation_labels_detected=len(found.concerns))
        spelling = self.engines.spelling
        kinds = spelling.kinds(found.kinds)
        return [
            {"t": frame.ts_ms, "k": one.name, "c": one.confidence_pct, "i": spelling.moderation(one), "kinds": kinds}
            for one in found.concerns
        ]


class TextAnalysis(Analysis):
    """StartTextDetection."""

    @property
    def model_version(self) -> str:
        """Of the text engine."""
        return self.engines.text().model_version

    def look(self, permit: Permit, frame: VideoFrame, image: Image) -> list[Item]:
        """One item a line, then one a word."""
        limits, regions = text_filters(self.options)
        found = reported(self.engines.text().read(permit.slot, image), limits, regions)
        permit.tally.add(words_detected=sum(len(line.words) for line in found.lines))
        return [{"t": frame.ts_ms, "i": one} for one in self.engines.spelling.text(found)]


class CelebrityAnalysis(Analysis):
    """StartCelebrityRecognition."""

    def look(self, permit: Permit, frame: VideoFrame, image: Image) -> list[Item]:
        """One item a known person; unknown faces are left out."""
        engine = self.engines.faces
        found = engine.detect(permit.slot, image, at_most=MAX_CELEBRITY_FACES)
        permit.tally.add(faces_detected=len(found.faces))
        named = self.engines.celebrities.named(permit.slot, image, found.faces)
        permit.tally.add(matches=len(named))
        spelling = self.engines.spelling
        return [
            {
                "t": frame.ts_ms,
                "k": one.person.celebrity_id,
                "i": spelling.celebrity(one.person, one.face, image.size, one.confidence_pct),
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

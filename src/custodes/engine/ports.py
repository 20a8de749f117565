"""What operations may ask of the engine. Every entry takes a slot: there is no way to compute without one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from custodes.core.box import Size
from custodes.core.ids import ModelVersion
from custodes.core.slot import Slot
from custodes.engine.results.custom import CustomLabel, Example, Lesson, TrainedModel, TrainingPlan
from custodes.engine.results.equipment import PersonsFound
from custodes.engine.results.face import (
    MAX_FACES,
    Detail,
    DetectedFace,
    FacesFound,
    FloatArray,
    PoorReason,
    QualityFilter,
    Trait,
    VectorUse,
)
from custodes.engine.results.label import LabelsFound, LabelsWanted
from custodes.engine.results.liveness import LivenessFound
from custodes.engine.results.moderation import ConcernsFound
from custodes.engine.results.person import PersonsSeen
from custodes.engine.results.portrait import Inspections
from custodes.engine.results.text import TextFound
from custodes.imaging.image import Image


class SimilarityScale(Protocol):
    """From cosine to percent and back."""

    def similarity_pct(self, cosine: float) -> float:
        """Cosine (-1 to 1) on the calibrated scale, 0 to 100; never falls where the cosine rises."""
        ...

    def cosine(self, similarity_pct: float) -> float:
        """Inverse of ``similarity_pct``: the smallest cosine that reaches the percentage; beyond 1 where none does."""
        ...


class FaceEngine(Protocol):
    """Detects faces, turns them into vectors and puts scores on the published scale."""

    @property
    def model_version(self) -> ModelVersion:
        """The recipe of the vectors that ``embed`` returns now."""
        ...

    @property
    def dimension(self) -> int:
        """Length of the vectors that ``embed`` returns now."""
        ...

    def for_video(self) -> FaceEngine:
        """The same engine for frames of videos, of which there are many: it looks less closely, and upright only."""
        ...

    def detect(self, slot: Slot, image: Image, detail: Detail = Detail.BOX, at_most: int = MAX_FACES) -> FacesFound:
        """Find the ``at_most`` largest faces, largest first. An empty result is a value, not an error.

        For one face alone the engine may look less closely: its box can differ a little from that of a full look.
        """
        ...

    def describe(
        self, slot: Slot, image: Image, faces: Sequence[DetectedFace], traits: Collection[Trait]
    ) -> tuple[DetectedFace, ...]:
        """``faces`` of ``image`` with ``traits`` told as far as networks can; only what they need is computed."""
        ...

    def inspect(self, slot: Slot, image: Image, at_most: int = MAX_FACES) -> Inspections:
        """Portrait checks that faces alone allow, of the ``at_most`` largest, largest first; see PortraitEngine."""
        ...

    def liveness(self, slot: Slot, image: Image, at_most: int = MAX_FACES) -> LivenessFound:
        """How much the ``at_most`` largest faces look like faces and not like pictures of faces."""
        ...

    def embed(self, slot: Slot, image: Image, faces: Sequence[DetectedFace], use: VectorUse) -> FloatArray:
        """Vectors of ``faces``: (N, dimension) float32, unit length; (0, dimension) for no faces."""
        ...

    def poor_reasons(self, face: DetectedFace, size: Size, level: QualityFilter) -> tuple[PoorReason, ...]:
        """Why ``face`` of a picture of ``size`` fails the filter ``level``; empty when it passes. NONE passes all."""
        ...

    def scale(self, *vectors: FloatArray) -> SimilarityScale:
        """The published scale for cosines with one of ``vectors`` (D,), or of one with another of them.

        Which percentage a cosine shows as depends on how alike the strangers of a face are, so it is asked with the
        vector that is searched for; within one search the percentage never falls where the cosine rises.
        """
        ...


class PortraitEngine(Protocol):
    """Tells whether portraits suit a document."""

    def inspect(self, slot: Slot, image: Image, at_most: int = MAX_FACES) -> Inspections:
        """All checks of the ``at_most`` largest faces, largest first. An empty result is a value, not an error."""
        ...


class TextEngine(Protocol):
    """Reads the text of pictures."""

    @property
    def model_version(self) -> str:
        """The recipe that ``read`` follows now."""
        ...

    def read(self, slot: Slot, image: Image) -> TextFound:
        """All lines of text in reading order. An empty result is a value, not an error."""
        ...


class ModerationEngine(Protocol):
    """Tells what a picture shows that a platform may not want."""

    @property
    def model_version(self) -> str:
        """Version of the taxonomy whose names ``concerns`` gives."""
        ...

    def concerns(self, slot: Slot, image: Image, min_confidence_pct: float) -> ConcernsFound:
        """Concerns at or above the confidence, surest first. An empty result is a value, not an error."""
        ...


class EquipmentEngine(Protocol):
    """Tells which protective equipment persons wear."""

    @property
    def model_version(self) -> str:
        """The recipe that ``persons`` follows."""
        ...

    def persons(self, slot: Slot, image: Image) -> PersonsFound:
        """At most 15 persons, surest first. An empty result is a value, not an error."""
        ...

    def bodies(self, slot: Slot, image: Image, at_most: int) -> PersonsSeen:
        """How many persons there are, and the colours worn by the ``at_most`` surest."""
        ...


class LabelEngine(Protocol):
    """Tells what a picture shows and how it looks."""

    @property
    def model_version(self) -> str:
        """Generation of names and members that ``labels`` gives."""
        ...

    def labels(self, slot: Slot, image: Image, wanted: LabelsWanted) -> LabelsFound:
        """Labels surest first, and looks, as far as ``wanted``. An empty result is a value, not an error."""
        ...


class CustomLabelEngine(Protocol):
    """Trains on pictures of the operator's own, and tells what a trained model sees."""

    @property
    def backbones(self) -> tuple[str, ...]:
        """Names of the frozen networks that features can come from, the default first."""
        ...

    def require_backbone(self, name: str) -> None:
        """Raises UnavailableError where that network is not here, with the command that fetches it."""
        ...

    @property
    def moderation_names(self) -> tuple[str, ...]:
        """Names that an adapter can be about."""
        ...

    def study(self, slot: Slot, image: Image, lesson: Lesson, plan: TrainingPlan) -> Example:
        """What is kept of a training picture."""
        ...

    def fit(self, slot: Slot, examples: Sequence[Example], plan: TrainingPlan) -> bytes:
        """A model; the same for the same examples and plan.

        Raises:
            InvalidParameterError: there is nothing to fit.
        """
        ...

    def open(self, model: bytes) -> TrainedModel:
        """A model ready to be asked. Raises UnavailableError when it is damaged, or its network is not here."""
        ...

    def detect(self, slot: Slot, image: Image, model: TrainedModel) -> tuple[CustomLabel, ...]:
        """Everything that ``model`` says about a picture, surest first, however unsure."""
        ...

    def adapt(
        self, slot: Slot, image: Image, model: TrainedModel, base: ConcernsFound, least_pct: float
    ) -> ConcernsFound:
        """What an adapter makes of ``base``, all that moderation says, however unsure; from ``least_pct`` on."""
        ...

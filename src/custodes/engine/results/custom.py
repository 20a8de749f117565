"""What a trained version says about a picture, and what it learns from, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from custodes.core.box import BoxPx
from custodes.engine.results.moderation import ConcernsFound


@dataclass(frozen=True, slots=True)
class CustomLabel:
    """One label of a version.

    Attributes:
        name: of the label.
        confidence_pct: 0 to 100, calibrated on pictures that the head was not fitted to.
        box: where, in pixels; None where the label is about the whole picture.
    """

    name: str
    confidence_pct: float
    box: BoxPx | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a training picture shows: labels of the whole, or labelled boxes in pixels of the upright picture.

    ``base`` is all that moderation says of it, for adapters.
    """

    names: tuple[str, ...] = ()
    boxes: tuple[tuple[str, BoxPx], ...] = ()
    base: ConcernsFound | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A lesson with the features of its picture, in the engine's own encoding."""

    lesson: Lesson
    features: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How to train.

    Attributes:
        names: all labels, in the order of the model's outputs.
        boxes: whether labels have places.
        several: whether a picture may have several labels of the whole, or none.
        views: how many views of each training picture are looked at.
        backbone: which frozen network gives the features.
        seed: of all that is drawn.
        adapter: whether labels shift what moderation says of a picture, instead of standing alone.
        least_pct: of an adapter: from which confidence on moderation counts as having said something.
    """

    names: tuple[str, ...]
    boxes: bool = False
    several: bool = False
    views: int = 3
    backbone: str = "efficientnet-lite2"
    seed: int = 1
    adapter: bool = False
    least_pct: float = 50.0


class TrainedModel(Protocol):
    """An opened model; what is in it is the engine's own."""

    @property
    def names(self) -> tuple[str, ...]:
        """Its labels."""
        ...

    @property
    def boxes(self) -> bool:
        """Whether its labels have places."""
        ...

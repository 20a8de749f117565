"""The moderation engine: classify the whole, look twice before anything explicit is said, ask the label classifier.

It looks for parts of bodies where that was switched on. In: a slot and a picture. Out: ``ConcernsFound``. It opens no
files; ``assembly`` builds it. What no network here can tell (violence as such, drugs, gestures, symbols, death) it
never says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from custodes.core.slot import Slot
from custodes.engine.labels.letterbox import RgbArray, stretched
from custodes.engine.labels.scenes import SceneClassifier
from custodes.engine.labels.taxonomy import Taxonomy
from custodes.engine.moderation.body_parts import BodyPartDetector
from custodes.engine.moderation.second_look import SecondLook
from custodes.engine.moderation.taxonomy import ModerationTaxonomy
from custodes.engine.results.face import FloatArray
from custodes.engine.results.moderation import ConcernsFound, ContentKind
from custodes.engine.runtime.beside import ALONE, Beside
from custodes.imaging.image import Image

MODEL_VERSION = "7.0"
"""Version of the taxonomy: clients choose the names they look for by it."""
CLASSES = ("drawing", "hentai", "neutral", "porn", "sexy")
"""In the order of nsfwjs."""
# "drawing" is said of every other photo without people (BENCHMARKS.md), so only drawn explicit content is told.
_DRAWN = "hentai"
_EXPLICIT = ("hentai", "porn")
_ILLUSTRATED = "Illustrated"
SIDE_PX = 224
"""Of the classifier's input."""

Run = Callable[[NDArray[np.generic]], FloatArray]


@dataclass(frozen=True, slots=True)
class ModerationSteps:
    """The opened steps; ``parts`` is None unless the opt-in network was switched on."""

    whole: Run
    second_look: SecondLook
    scenes: SceneClassifier
    labels: Taxonomy
    taxonomy: ModerationTaxonomy
    parts: BodyPartDetector | None
    beside: Beside = ALONE


class ModerationPipeline:
    """Implements the ``ModerationEngine`` port over ONNX networks."""

    def __init__(self, steps: ModerationSteps, model_version: str = MODEL_VERSION) -> None:
        """Keep the steps, and the version that answers name."""
        self.model_version = model_version
        self._steps = steps

    @property
    def whole(self) -> Run:
        """The classifier's first look alone: (N, 3, 224, 224) to (N, classes)."""
        return self._steps.whole

    def concerns(self, slot: Slot, image: Image, min_confidence_pct: float) -> ConcernsFound:
        """What ``image`` shows that moderation has a name for, at or above ``min_confidence_pct``."""
        slot.require_open()
        with self._steps.beside.running(lambda: self._by_label(image.rgb)) as by_label:
            row = self._steps.whole(stretched(image.rgb, SIDE_PX))[0]
            whole = {name: float(share) for name, share in zip(CLASSES, row, strict=True)}
            whole = self._confirmed(image.rgb, whole)
            shares = self._by_class(whole)
            for more in (by_label(), self._by_part(image.rgb)):
                for name, share in more.items():
                    shares[name] = max(shares.get(name, 0.0), share)
        drawn = 100.0 * whole[_DRAWN]
        kinds = (ContentKind(_ILLUSTRATED, drawn),) if drawn >= min_confidence_pct else ()
        return ConcernsFound(self._steps.taxonomy.concerns(shares, min_confidence_pct), kinds)

    def _confirmed(self, rgb: RgbArray, whole: Mapping[str, float]) -> dict[str, float]:
        """``whole`` with the explicit classes as far as a second look bears them out."""
        first = sum(whole[kind] for kind in _EXPLICIT)
        stays = self._steps.second_look.confirmed(rgb, first, [CLASSES.index(kind) for kind in _EXPLICIT])
        factor = stays / first if first > 0 else 1.0
        return {kind: share * factor if kind in _EXPLICIT else share for kind, share in whole.items()}

    def _by_class(self, whole: Mapping[str, float]) -> dict[str, float]:
        shares: dict[str, float] = {}
        for kind, name in self._steps.taxonomy.whole.items():
            shares[name] = min(1.0, shares.get(name, 0.0) + whole[kind])
        return shares

    def _by_label(self, rgb: RgbArray) -> dict[str, float]:
        sure = self._steps.labels.scene_confidences(self._steps.scenes.probabilities(rgb))
        meant = self._steps.taxonomy.labels.items()
        return {name: min(1.0, sum(sure[label] for label in members)) for name, members in meant}

    def _by_part(self, rgb: RgbArray) -> dict[str, float]:
        if self._steps.parts is None:
            return {}
        best, shares = self._steps.parts.best(rgb), dict[str, float]()
        for kind, name in self._steps.taxonomy.parts.items():
            shares[name] = max(shares.get(name, 0.0), best[kind])
        return shares

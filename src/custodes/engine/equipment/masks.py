"""Face masks: is one worn, and does it cover nose and mouth. Two linear heads of our own over faceres features.

In: a picture's faces as the portrait step reads them. Out: two judgements per face. It says nothing about who it is.

Source of the weights: our own, scripts/fit_mask_heads.py, fitted on masks drawn onto photographs; docs/equipment.md
says what that is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from custodes.engine.faces.portrait import PortraitReadings
from custodes.engine.faces.traits.heads import Head
from custodes.engine.results.face import FloatArray, Judgement

_FILE = "mask_heads.npz"
WORN, COVERING = "worn", "covering"

_LEAST, _LEAST_OF_NO_COVER = 0.5, 0.9


@dataclass(frozen=True, slots=True)
class MaskHeads:
    """``worn``: there is a mask; ``covering``: a mask that is there covers nose and mouth."""

    worn: Head
    covering: Head

    def judge(self, portraits: PortraitReadings) -> list[tuple[Judgement, Judgement]]:
        """Both judgements for each face."""
        seen = mask_features(portraits)
        return list(zip(self.worn.judge(seen), self.covering.judge(seen), strict=True))


def told(worn: Judgement, covering: Judgement) -> bool:
    """Whether a mask is said of a face: one that covers, or one that surely is there and surely covers nothing.

    What is before a chin is more often a collar, a beard or a hand than a mask that was pulled down.
    """
    there, share = worn.chance_pct / 100.0, covering.chance_pct / 100.0
    return there * share >= _LEAST or there * (1.0 - share) >= _LEAST_OF_NO_COVER


def covered_chance_pct(worn: Judgement, covering: Judgement) -> float:
    """How likely a mask covers nose and mouth, 0 to 100."""
    return worn.chance_pct * covering.chance_pct / 100.0


def mask_features(portraits: PortraitReadings) -> FloatArray:
    """(N, 3072): over the whole crop, the lower and the upper middle of the face."""
    return np.hstack([portraits.texture, portraits.mouth, portraits.eyes])


def load_mask_heads() -> MaskHeads:
    """The shipped numbers: each head is (D + 1,) float16, the bias last."""
    with (files("custodes.engine.equipment") / _FILE).open("rb") as file, np.load(file, allow_pickle=False) as kept:
        stored = {name: np.asarray(kept[name], np.float32) for name in kept.files}
    heads = {name: Head(values[:-1], float(values[-1])) for name, values in stored.items()}
    return MaskHeads(heads[WORN], heads[COVERING])

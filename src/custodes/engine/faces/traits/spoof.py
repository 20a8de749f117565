"""Passive liveness: is this a face, or a print or a screen that shows one?

In: an upright RGB picture and the box of a face. Out: a score. Two witnesses: a small network, and the spectrum of the
face's own pixels, in which the dots of a print and the grid of a screen stand out as peaks. The joining was fitted on
simulated attacks, since recordings of real ones are not free; docs/quality.md has figures and what they are worth.

Source of the network: card ``liveness``. The constants are ours, from scripts/fit_liveness.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.core.box import BoxPx
from custodes.engine.faces.embedding.embed import planes
from custodes.engine.faces.geometry.align import RgbArray, warp
from custodes.engine.results.face import FloatArray
from custodes.engine.runtime.batch import Run

_NETWORK_PX = 32
_WINDOW_PX: Final = 128
"""Side of the part of the face, in its own pixels, whose spectrum is looked at."""
_LEAST_FACE_PX = 64.0
_STRONGEST = 8
"""A pattern shows as a few peaks; the mean of so many is steadier than the largest."""
_WEIGHTS = (0.52, -5.62, -3.55)
"""Log odds of live per log odds of the network, and per unit of both peaks above ``_USUAL``."""
_BIAS, _USUAL = -0.54, (0.82, 0.83)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What both witnesses say of one face; peaks are None for small faces."""

    network: float
    brightness_peak: float | None
    colour_peak: float | None

    @property
    def evidence(self) -> tuple[float, float, float]:
        """What the joining weighs: the network's log odds, and how far each peak is above what is usual."""
        chance = min(max(self.network, 1e-4), 1.0 - 1e-4)
        peaks = (self.brightness_peak, self.colour_peak)
        above = [0.0 if peak is None else peak - usual for peak, usual in zip(peaks, _USUAL, strict=True)]
        return (math.log(chance / (1.0 - chance)), above[0], above[1])

    @property
    def score_pct(self) -> float:
        """The joined score."""
        odds = _BIAS + sum(weight * value for weight, value in zip(_WEIGHTS, self.evidence, strict=True))
        return 100.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))


class SpoofReader:
    """The liveness step. ``run`` opens the network when it is first needed: (N, 3, 32, 32) to (N, 2), live first."""

    def __init__(self, run: Callable[[], Run]) -> None:
        """Keep how to get the network."""
        self._run = run
        self._spectrum = _Spectrum()

    def read(self, rgb: RgbArray, boxes: Sequence[BoxPx]) -> list[Witnesses]:
        """What is to be said of the face in each box."""
        if not boxes:
            return []
        live = self._run()(planes([_square(rgb, box) for box in boxes], mirrored=False))[:, 0].tolist()
        peaks = [self._spectrum.peaks(rgb, box) for box in boxes]
        return [Witnesses(chance, *pair) for chance, pair in zip(live, peaks, strict=True)]


def _square(rgb: RgbArray, box: BoxPx) -> RgbArray:
    scale = _NETWORK_PX / max(box.width, box.height)
    shift_x, shift_y = (_NETWORK_PX / 2 - scale * (a + b) / 2 for a, b in ((box.x1, box.x2), (box.y1, box.y2)))
    return warp(rgb, np.array([[scale, 0.0, shift_x], [0.0, scale, shift_y]]), (_NETWORK_PX, _NETWORK_PX))


class _Spectrum:
    """Peaks that stand out of the smooth spectrum of a natural picture."""

    def __init__(self) -> None:
        side = _WINDOW_PX
        taper = np.hanning(side)
        self._taper = np.outer(taper, taper).astype(np.float32)
        along = np.fft.fftshift(np.fft.fftfreq(side))
        fy, fx = np.meshgrid(along, along, indexing="ij")
        radius = np.hypot(fy, fx)
        # JPEG's own blocks make peaks at multiples of an eighth along the axes.
        blocks = (_near_eighth(fx) & (np.abs(fy) < 0.012)) | (_near_eighth(fy) & (np.abs(fx) < 0.012))
        self._where = (radius > 0.08) & (radius < 0.5) & ~blocks

    def peaks(self, rgb: RgbArray, box: BoxPx) -> tuple[float | None, float | None]:
        """The peak of brightness and the larger one of both colours; None when the face is too small."""
        height, width = rgb.shape[:2]
        half = _WINDOW_PX // 2
        if min(box.width, box.height) < _LEAST_FACE_PX or min(height, width) < _WINDOW_PX:
            return None, None
        x = min(max(round((box.x1 + box.x2) / 2), half), width - half)
        y = min(max(round((box.y1 + box.y2) / 2), half), height - half)
        part = cv2.cvtColor(rgb[y - half : y + half, x - half : x + half], cv2.COLOR_RGB2YCrCb)
        found = [self._peak(np.asarray(part[..., channel], np.float32)) for channel in range(3)]
        return found[0], max(found[1:])

    def _peak(self, channel: FloatArray) -> float:
        spectrum: NDArray[np.complexfloating] = np.fft.fftshift(np.fft.fft2((channel - channel.mean()) * self._taper))
        logs = np.log1p(np.abs(spectrum)).astype(np.float32)
        smooth = cv2.blur(cv2.medianBlur(logs, 5), (9, 9))
        above = (cv2.GaussianBlur(logs, (3, 3), 0) - smooth)[self._where]
        return float(np.partition(above, -_STRONGEST)[-_STRONGEST:].mean())


def _near_eighth(frequency: NDArray[np.floating]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(frequency * 8 - np.round(frequency * 8)) < 0.07)

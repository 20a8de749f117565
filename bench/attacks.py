"""Simulated presentation attacks: what a photo would look like printed or shown on a screen and photographed again.

In: an RGB picture. Out: one of the same size. These are simulations by formula, not recordings of attacks: they show
the dots of a halftone, the grid of a screen and its moire, lost contrast, glare and a second lens, in random strength.
Figures on them say how networks react to such traces, not how often real attackers are caught.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
_SCREEN_ANGLES = (15.0, 75.0, 0.0)
"""Degrees of the dot grids of cyan, magenta and yellow, as in offset printing."""


def printed(rgb: Picture, random: np.random.Generator) -> Picture:
    """On paper: ink dots at three angles, paper white and ink black closer together, paper grain, a second lens."""
    scale = 3
    large = _enlarged(rgb, scale)
    pitch = random.uniform(3.5, 6.0)
    inked = np.stack([_dots(large[..., c], _SCREEN_ANGLES[c], pitch) for c in range(3)], axis=-1)
    mixed = random.uniform(0.3, 0.7) * inked + (1 - random.uniform(0.3, 0.7)) * large
    black, white = random.uniform(0.08, 0.18), random.uniform(0.80, 0.95)
    paper = black + (white - black) * np.clip(mixed, 0, 1)
    paper += cv2.GaussianBlur(random.normal(0, 0.03, paper.shape).astype(np.float32), (0, 0), 1.2)
    return _photographed(paper, rgb.shape, random)


def replayed(rgb: Picture, random: np.random.Generator) -> Picture:
    """On a screen: a grid of red, green and blue stripes with dark gaps, a bluish white, glare, a second lens."""
    scale = 3
    large = _enlarged(rgb, scale)
    height, width = large.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    pitch = random.uniform(2.2, 3.8)
    strength = random.uniform(0.3, 0.7)
    stripes = np.stack([0.5 + 0.5 * np.cos(2 * np.pi * (x / pitch - c / 3)) for c in range(3)], axis=-1)
    gaps = 0.5 + 0.5 * np.cos(2 * np.pi * y / pitch)
    shown = large * (1 - strength + strength * stripes) * (1 - 0.4 * strength * gaps[..., None])
    shown = shown * np.array([0.92, 0.97, 1.08], np.float32) * 1.25
    slope = random.uniform(-1, 1, 2) / np.array([height, width])
    glare = np.clip((y - height / 2) * slope[0] + (x - width / 2) * slope[1], 0, 1) * random.uniform(0.1, 0.5)
    return _photographed(shown + glare[..., None].astype(np.float32), rgb.shape, random)


def _enlarged(rgb: Picture, scale: int) -> Floats:
    size = (rgb.shape[1] * scale, rgb.shape[0] * scale)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.float32) / np.float32(255)


def _dots(channel: Floats, angle_deg: float, pitch: float) -> Floats:
    """Halftone of one ink: a dot grid turned by its angle, cut where the channel is darker than the dot's slope."""
    y, x = np.mgrid[0 : channel.shape[0], 0 : channel.shape[1]].astype(np.float32)
    angle = np.deg2rad(angle_deg)
    u = (x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / pitch)
    v = (y * np.cos(angle) - x * np.sin(angle)) * (2 * np.pi / pitch)
    slope = 0.5 + 0.25 * (np.cos(u) + np.cos(v))
    return np.asarray(np.clip((channel - slope) * 4 + 0.5, 0, 1), np.float32)


def _photographed(surface: Floats, shape: tuple[int, ...], random: np.random.Generator) -> Picture:
    """The surface seen by a camera: slightly turned, out of focus, noisy, at the size of the first picture."""
    height, width = surface.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + random.uniform(-0.03, 0.03, (4, 2)).astype(np.float32) * np.float32([width, height])
    warp = cv2.getPerspectiveTransform(corners, moved)
    seen = cv2.warpPerspective(surface, warp, (width, height), borderMode=cv2.BORDER_REFLECT)
    seen = cv2.GaussianBlur(seen, (0, 0), random.uniform(0.6, 1.6))
    seen = cv2.resize(seen, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    seen = seen + random.normal(0, random.uniform(0.005, 0.02), seen.shape)
    return encoded(np.asarray(np.clip(seen * 255, 0, 255).round(), np.uint8), random)


def encoded(rgb: Picture, random: np.random.Generator) -> Picture:
    """Through JPEG once more, as real pictures have to go as well, or chroma would tell which is which."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(80, 96))]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)
    return np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)

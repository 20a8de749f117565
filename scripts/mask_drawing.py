"""Face masks drawn onto photographs, and things before a mouth that are no masks. Shared by fitting and measuring.

In: an upright RGB picture, the 468 mesh vertices of a face, a style, a fit and a source of randomness. Out: the picture
with the mask. Real photographs of people with masks come with no package that we may use, so this stands in for them;
what it cannot stand in for is said where the figures are.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Points = NDArray[np.float64]

COVERING, BELOW_NOSE, ON_CHIN = "covering", "below nose", "on chin"
FITTING_STYLES = ("surgical", "white", "gray")
UNSEEN_STYLES = ("black", "respirator", "patterned")
"""Kept for measuring: a head that only knew the colours it was fitted with would fail on these."""

_JAW = (93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323)
_UPPER = {
    COVERING: ((352, 280, 330), (6, 197, 195), (101, 50, 123)),
    BELOW_NOSE: ((361, 425), (2, 164, 0), (205, 132)),
    ON_CHIN: ((288, 434), (17, 18, 200), (214, 58)),
}
"""Upper edge from the right of the picture to the left: cheek, one of three heights in the middle, cheek."""
_START = {COVERING: 0, BELOW_NOSE: 1, ON_CHIN: 2}
_COLOURS = {
    "surgical": ((150, 195, 220), (120, 180, 200), (165, 205, 190)),
    "white": ((235, 235, 235), (225, 228, 230)),
    "gray": ((120, 122, 125), (165, 160, 155)),
    "black": ((25, 25, 28), (40, 38, 42)),
    "respirator": ((240, 238, 230),),
    "patterned": ((170, 60, 60), (60, 80, 150), (70, 120, 70), (200, 160, 60)),
}


def with_mask(rgb: Rgb, vertices: Points, style: str, fit: str, rng: np.random.Generator) -> Rgb:
    """``rgb`` with a mask of ``style`` worn as ``fit`` says."""
    xy = vertices[:, :2]
    right, middle, left = _UPPER[fit]
    jaw = _JAW[_START[fit] : len(_JAW) - _START[fit]]
    path = [*jaw, *right, int(rng.choice(middle)), *left]
    outline = xy[path]
    centre = outline.mean(0)
    outline = centre + (outline - centre) * rng.uniform(1.0, 1.08)
    face = float(np.ptp(xy[:, 0]))
    outline += rng.normal(0, 0.01 * face, 2)
    alpha = np.zeros(rgb.shape[:2], np.float32)
    cv2.fillPoly(alpha, [np.round(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    alpha = cv2.GaussianBlur(alpha, (0, 0), max(0.6, 0.006 * face))
    cloth = _cloth(rgb, outline, style, face, rng)
    out = rgb.astype(np.float32)
    for side, ear in ((outline[0], 234), (outline[len(jaw) - 1], 454)):
        start, end = (tuple(int(v) for v in point) for point in (side, xy[ear] + rng.normal(0, 0.02 * face, 2)))
        colour = tuple(float(v) for v in cloth[int(np.clip(centre[1], 0, rgb.shape[0] - 1)), 0])
        cv2.line(out, start, end, colour, max(1, round(0.015 * face)), cv2.LINE_AA)
    out = out * (1 - alpha[..., None]) + cloth * alpha[..., None]
    return np.clip(out + rng.normal(0, 2, rgb.shape), 0, 255).astype(np.uint8)


def with_object(rgb: Rgb, vertices: Points, rng: np.random.Generator) -> Rgb:
    """``rgb`` with a hand, a microphone or a cup before mouth or chin, roughly: no mask."""
    xy = vertices[:, :2]
    face = float(np.ptp(xy[:, 0]))
    mouth, cheek = xy[[13, 14]].mean(0), xy[int(rng.choice([50, 280]))]
    y, x = (int(np.clip(v, 0, limit - 1)) for v, limit in zip(cheek[::-1], rgb.shape[:2], strict=True))
    skin = rgb[y, x].astype(np.float64) * rng.uniform(0.8, 1.1)
    colour = [skin, rng.uniform(10, 60, 3), rng.uniform(60, 240, 3)][int(rng.integers(3))]
    alpha = np.zeros(rgb.shape[:2], np.float32)
    at = mouth + rng.normal(0, 0.15 * face, 2) + np.array([0, 0.1 * face])
    count = int(rng.integers(1, 5))
    for i in range(count):
        place = at + np.array([(i - count / 2) * 0.11 * face, 0])
        axes = (max(2, round(face * rng.uniform(0.05, 0.16))), max(3, round(face * rng.uniform(0.15, 0.35))))
        angle = float(rng.uniform(-30, 30))
        cv2.ellipse(alpha, (int(place[0]), int(place[1])), axes, angle, 0, 360, 1.0, -1, cv2.LINE_AA)
    alpha = cv2.GaussianBlur(alpha, (0, 0), max(0.6, 0.01 * face))
    shade = 1 + 0.15 * cv2.GaussianBlur(rng.normal(0, 1, rgb.shape[:2]), (0, 0), 0.08 * face + 1)[..., None] * face / 20
    out = rgb * (1 - alpha[..., None]) + np.asarray(colour) * np.clip(shade, 0.6, 1.4) * alpha[..., None]
    return np.clip(out, 0, 255).astype(np.uint8)


def _cloth(rgb: Rgb, outline: Points, style: str, face: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """The material over the whole picture: colour, folds, light from the face below."""
    height, width = rgb.shape[:2]
    choices = _COLOURS[style]
    colour = np.array(choices[int(rng.integers(len(choices)))], np.float32) * rng.uniform(0.8, 1.05)
    cloth = np.broadcast_to(colour, (height, width, 3)).astype(np.float32).copy()
    rows = np.arange(height)[:, None] - outline[:, 1].min()
    if style in ("surgical", "white", "gray"):
        cloth *= (1 + 0.05 * np.sin(rows / (0.06 * face) * np.pi))[..., None]
    if style == "patterned":
        size = max(2, int(0.06 * face))
        dots = ((np.arange(height)[:, None] // size + np.arange(width)[None] // size) % 2).astype(np.float32)
        other = np.array(choices[int(rng.integers(len(choices)))], np.float32)
        cloth = np.where(dots[..., None] > 0, cloth, other * 0.7 + 60)
    if style == "respirator":
        columns = np.arange(width)[None] - outline[:, 0].mean()
        cloth *= (1.05 - 0.25 * np.minimum(1, np.abs(columns) / (0.5 * face)))[..., None]
    light = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.12 * face + 1)
    across = light / max(float(light.mean()), 1.0)
    return cloth * np.clip(0.45 + 0.55 * across, 0.35, 1.3)[..., None]

"""Face masks drawn onto photographs, and things before a mouth that are no masks. Shared by fitting and measuring.

In: an upright RGB picture, the 468 mesh vertices of a face, a style, a fit and a source of randomness. Out: the picture
with the mask. Real photographs of people with masks come with no package that we may use, so this stands in for them;
what it cannot stand in for is said where the figures are. A mask is lit like a surface that bulges: brightness follows
the slope of the mesh under it, so that no two look alike.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
Points = NDArray[np.float64]
Light = NDArray[np.float32]

COVERING, BELOW_NOSE, ON_CHIN = "covering", "below nose", "on chin"
FITTING_STYLES = ("surgical", "white", "gray", "black", "coloured", "textured")
UNSEEN_STYLES = ("respirator", "patterned")
"""Kept for measuring: a head that only knew the kinds it was fitted with would fail on these."""

_JAW = (93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323)
_UPPER = {
    COVERING: ((352, 280, 330), (6, 197, 195), (101, 50, 123)),
    BELOW_NOSE: ((361, 425), (2, 164, 0), (205, 132)),
    ON_CHIN: ((288, 434), (17, 18, 200), (214, 58)),
}
"""Upper edge from the right of the picture to the left: cheek, one of three heights in the middle, cheek."""
_START = {COVERING: 0, BELOW_NOSE: 1, ON_CHIN: 2}
_COLOURS = {
    "surgical": ((150, 195, 220), (120, 180, 200), (165, 205, 190), (190, 215, 230)),
    "white": ((235, 235, 235), (225, 228, 230), (250, 250, 248)),
    "gray": ((120, 122, 125), (165, 160, 155)),
    "black": ((25, 25, 28), (40, 38, 42), (12, 12, 14)),
    "respirator": ((240, 238, 230),),
    "patterned": ((170, 60, 60), (60, 80, 150), (70, 120, 70), (200, 160, 60)),
}
_PLEATED = frozenset({"surgical", "white", "gray"})


def with_mask(rgb: Rgb, vertices: Points, style: str, fit: str, rng: np.random.Generator) -> Rgb:
    """``rgb`` with a mask of ``style`` worn as ``fit`` says."""
    xy = vertices[:, :2]
    right, middle, left = _UPPER[fit]
    jaw = _JAW[_START[fit] : len(_JAW) - _START[fit]]
    path = [*jaw, *right, int(rng.choice(middle)), *left]
    outline = xy[path]
    centre = outline.mean(0)
    # A cloth lies on the face, a moulded mask stands off from it, below the chin most of all.
    outline = centre + (outline - centre) * np.array([rng.uniform(0.98, 1.1), rng.uniform(1.0, 1.14)])
    face = float(np.ptp(xy[:, 0]))
    outline += rng.normal(0, 0.012 * face, outline.shape)
    alpha = np.zeros(rgb.shape[:2], np.float32)
    cv2.fillPoly(alpha, [np.round(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    alpha = cv2.GaussianBlur(alpha, (0, 0), max(0.6, 0.006 * face))
    cloth = _cloth(rgb, outline, style, face, rng) * _bulge(rgb, vertices, face, rng)[..., None]
    out = rgb.astype(np.float32)
    # What the mask keeps the light from, just outside of it.
    shadow = cv2.GaussianBlur(alpha, (0, 0), max(1.0, 0.03 * face)) * rng.uniform(0.0, 0.35)
    out *= (1 - shadow)[..., None]
    if rng.random() < 0.85:
        for side, ear in ((outline[0], 234), (outline[len(jaw) - 1], 454)):
            start, end = (tuple(int(v) for v in point) for point in (side, xy[ear] + rng.normal(0, 0.02 * face, 2)))
            row, column = (int(np.clip(v, 0, limit - 1)) for v, limit in zip(centre[::-1], rgb.shape[:2], strict=True))
            colour = tuple(float(v) for v in cloth[row, column])
            cv2.line(out, start, end, colour, max(1, round(0.015 * face)), cv2.LINE_AA)
    out = out * (1 - alpha[..., None]) + cloth * alpha[..., None]
    if rng.random() < 0.5:
        edge = cv2.polylines(np.zeros_like(alpha), [np.round(outline).astype(np.int32)], True, 1.0, 1, cv2.LINE_AA)
        edge = cv2.GaussianBlur(edge, (0, 0), max(0.6, 0.008 * face)) * rng.uniform(-0.5, 0.4)
        out *= 1 + edge[..., None]
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


def with_collar(rgb: Rgb, vertices: Points, rng: np.random.Generator) -> Rgb:
    """``rgb`` with a scarf or a high collar that ends at the chin or below it: no mask."""
    xy = vertices[:, :2]
    face, chin = float(np.ptp(xy[:, 0])), xy[152]
    down = chin - xy[10]
    down /= max(1e-3, float(np.hypot(*down)))
    across = np.array([-down[1], down[0]])
    top = chin + down * face * rng.uniform(-0.04, 0.12)
    corners = [(-1.0, -0.25), (-0.45, -0.1), (0.0, 0.0), (0.45, -0.1), (1.0, -0.25), (1.2, 1.5), (-1.2, 1.5)]
    outline = np.array([top + face * (a * across + d * down) for a, d in corners])
    outline += rng.normal(0, 0.02 * face, outline.shape)
    alpha = np.zeros(rgb.shape[:2], np.float32)
    cv2.fillPoly(alpha, [np.round(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    alpha = cv2.GaussianBlur(alpha, (0, 0), max(0.6, 0.008 * face))[..., None]
    style = FITTING_STYLES[int(rng.integers(len(FITTING_STYLES)))]
    out = rgb * (1 - alpha) + _cloth(rgb, outline, style, face, rng) * alpha
    return np.clip(out, 0, 255).astype(np.uint8)


def weathered(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """``rgb`` as photographs from anywhere are: out of focus, small, dark, pale, grainy, stored poorly; some of it."""
    height, width = rgb.shape[:2]
    out = rgb.astype(np.float32)
    if rng.random() < 0.4:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.8))
    if rng.random() < 0.3:
        share = rng.uniform(0.3, 0.8)
        small = cv2.resize(
            out, (max(24, int(width * share)), max(24, int(height * share))), interpolation=cv2.INTER_AREA
        )
        out = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    out = (out - 127) * rng.uniform(0.7, 1.25) + 127 * rng.uniform(0.6, 1.25)
    out *= rng.uniform(0.92, 1.08, 3)
    out += rng.normal(0, rng.uniform(0, 7), rgb.shape)
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def _bulge(rgb: Rgb, vertices: Points, face: float, rng: np.random.Generator) -> Light:
    """(H, W) how much light the surface under a mask gets, about 1: by the slope of the mesh, from a random side."""
    height, width = rgb.shape[:2]
    step = max(1, round(face / 40))
    grid = np.zeros((height // step + 1, width // step + 1), np.float32)
    weight = np.zeros_like(grid)
    for x, y, z in vertices:
        row, column = int(y // step), int(x // step)
        if 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]:
            grid[row, column] += z
            weight[row, column] += 1
    spread = (0, 0), 2.5
    depth = cv2.GaussianBlur(grid, *spread) / (cv2.GaussianBlur(weight, *spread) + 1e-3)
    slope_y, slope_x = np.gradient(cv2.GaussianBlur(depth, (0, 0), 1.5) / step)
    turn, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.45)
    lit = 1 + strength * np.clip(np.cos(turn) * slope_x + np.sin(turn) * slope_y, -1.2, 1.2)
    return np.asarray(cv2.resize(lit.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _cloth(rgb: Rgb, outline: Points, style: str, face: float, rng: np.random.Generator) -> Light:
    """The material over the whole picture: colour, folds, light from the face below."""
    height, width = rgb.shape[:2]
    colour = _colour(style, rng)
    cloth = np.broadcast_to(colour, (height, width, 3)).astype(np.float32).copy()
    rows = np.arange(height)[:, None] - outline[:, 1].min()
    if style in _PLEATED and rng.random() < 0.7:
        cloth *= (1 + rng.uniform(0.02, 0.1) * np.sin(rows / (rng.uniform(0.04, 0.09) * face) * np.pi))[..., None]
    if style == "textured":
        cloth = _other_part(rgb, rng) * rng.uniform(0.6, 1.2)
    if style == "patterned":
        choices = _COLOURS[style]
        size = max(2, int(0.06 * face))
        dots = ((np.arange(height)[:, None] // size + np.arange(width)[None] // size) % 2).astype(np.float32)
        other = np.array(choices[int(rng.integers(len(choices)))], np.float32)
        cloth = np.where(dots[..., None] > 0, cloth, other * 0.7 + 60)
    if style == "respirator":
        columns = np.arange(width)[None] - outline[:, 0].mean()
        cloth *= (1.05 - 0.25 * np.minimum(1, np.abs(columns) / (0.5 * face)))[..., None]
    folds = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 0.05 * face + 1)
    cloth *= (1 + rng.uniform(0, 0.12) * folds / (float(folds.std()) + 1e-6))[..., None]
    light = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.12 * face + 1)
    across = light / max(float(light.mean()), 1.0)
    least = rng.uniform(0.3, 0.6)
    return np.asarray(cloth * np.clip(least + (1 - least) * across, 0.3, 1.3)[..., None], np.float32)


def _colour(style: str, rng: np.random.Generator) -> Light:
    if style in ("coloured", "textured"):
        return rng.uniform(15, 245, 3).astype(np.float32)
    choices = _COLOURS[style]
    return np.array(choices[int(rng.integers(len(choices)))], np.float32) * np.float32(rng.uniform(0.75, 1.05))


def _other_part(rgb: Rgb, rng: np.random.Generator) -> Light:
    """A part of the picture's edge, mirrored over all of it: cloth, hair, walls."""
    height, width = rgb.shape[:2]
    tall, wide = max(8, height // 5), max(8, width // 5)
    y, x = int(rng.integers(0, height - tall)), int(rng.choice([0, width - wide]))
    part = rgb[y : y + tall, x : x + wide]
    row = np.concatenate([part, part[:, ::-1]], axis=1)
    block = np.concatenate([row, row[::-1]], axis=0)
    tiles = -(-height // block.shape[0]), -(-width // block.shape[1]), 1
    return np.asarray(np.tile(block, tiles)[:height, :width], np.float32)

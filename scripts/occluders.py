"""Things drawn over faces: masks, hands, shades and other objects, placed by the face's own geometry.

In: an RGB picture and the five points of a face. Out: a copy with one thing drawn over at least an eye, the nose or the
mouth. Drawings by formula, for fitting the occlusion head and for measuring it on kinds that it was not fitted on; real
occlusions were looked at besides (scripts/trait_labels.toml).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.geometry.align import FIVE_SHAPE, similarity

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]
Drawing = Callable[[Picture, Floats, np.random.Generator], None]
"""Draws on the picture in place; the (2, 3) matrix carries the unit square of the mean face shape to its pixels."""

_LEFT_EYE, _RIGHT_EYE, _NOSE, _MOUTH = (0.23, 0.22), (0.75, 0.22), (0.49, 0.50), (0.49, 0.78)
_SKIN_AT = ((0.20, 0.55), (0.78, 0.55))


def _places(matrix: Floats, points: NDArray[np.floating] | list[tuple[float, float]]) -> Floats:
    return np.asarray(np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2])


def _scale(matrix: Floats) -> float:
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def _fill(rgb: Picture, outline: Floats, colour: Floats, random: np.random.Generator, grain: float = 6.0) -> None:
    """A filled outline with soft edge, slight shade across and grain."""
    alpha = np.zeros(rgb.shape[:2], np.float32)
    cv2.fillPoly(alpha, [np.round(outline).astype(np.int32)], 1.0)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)[..., None]
    y, x = np.mgrid[0 : rgb.shape[0], 0 : rgb.shape[1]]
    slope = random.uniform(-0.25, 0.25, 2) / np.array(rgb.shape[:2])
    shade = 1.0 + slope[0] * (y - rgb.shape[0] / 2) + slope[1] * (x - rgb.shape[1] / 2)
    surface = np.clip(colour * shade[..., None] + random.normal(0, grain, rgb.shape), 0, 255)
    rgb[:] = (rgb * (1 - alpha) + surface * alpha).round().astype(np.uint8)


def _ellipse(centre: tuple[float, float], radii: tuple[float, float], turn: float) -> Floats:
    angle = np.linspace(0, 2 * np.pi, 40)
    ring = np.stack([radii[0] * np.cos(angle), radii[1] * np.sin(angle)], axis=1)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(np.array(centre) + ring @ rotation.T)


def _colour(random: np.random.Generator) -> Floats:
    return random.uniform(10, 245, 3)


def mask(rgb: Picture, matrix: Floats, random: np.random.Generator) -> None:
    """A face mask from the nose to below the chin, in any colour, with ear loops."""
    top = random.uniform(0.30, 0.46)
    outline = np.array([(-0.08, top + 0.14), (0.20, top + 0.06), (0.49, top), (0.78, top + 0.06), (1.06, top + 0.14),
                        (0.98, 0.85), (0.75, 1.08), (0.49, 1.16), (0.23, 1.08), (0.0, 0.85)])  # fmt: skip
    outline += random.normal(0, 0.015, outline.shape)
    colour = np.array([(170, 205, 225), (240, 240, 240), (25, 25, 28)][random.integers(3)], float)
    colour = colour if random.random() < 0.6 else _colour(random)
    _fill(rgb, _places(matrix, outline), colour, random)
    for start, end in (((-0.05, top + 0.2), (-0.2, 0.2)), ((1.03, top + 0.2), (1.18, 0.2))):
        a, b = (tuple(int(v) for v in p) for p in _places(matrix, [start, end]))
        cv2.line(rgb, a, b, colour.tolist(), max(1, round(0.02 * _scale(matrix))), cv2.LINE_AA)


def hand(rgb: Picture, matrix: Floats, random: np.random.Generator) -> None:
    """Fingers in the face's own skin colour over the mouth, the nose or an eye."""
    x, y = (int(v) for v in _places(matrix, [_SKIN_AT[random.integers(2)]])[0])
    y, x = np.clip([y, x], 3, np.array(rgb.shape[:2]) - 4)
    skin = rgb[y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3).mean(0) * random.uniform(0.75, 1.12)
    target = np.array([_LEFT_EYE, _RIGHT_EYE, _NOSE, _MOUTH, _MOUTH, _MOUTH][random.integers(6)])
    turn, side = random.uniform(-0.9, 0.9), random.choice([-1, 1])
    for k in range(int(random.integers(3, 5))):
        shift = np.array([np.cos(turn), np.sin(turn)]) * (k - 1.5) * 0.15
        centre = target + shift + np.array([0.0, 0.12 * side])
        finger = _ellipse((float(centre[0]), float(centre[1])), (0.075, random.uniform(0.28, 0.42)), turn)
        _fill(rgb, _places(matrix, finger), skin * random.uniform(0.88, 1.05), random, grain=4)


def cloth(rgb: Picture, matrix: Floats, random: np.random.Generator) -> None:
    """A scarf over mouth and nose, or over one half of the face, with folds."""
    if random.random() < 0.6:
        level = random.uniform(0.35, 0.62)
        outline = np.array([(-0.5, level + 0.1), (0.49, level), (1.5, level + 0.1), (1.5, 1.9), (-0.5, 1.9)])
    else:
        edge = random.uniform(0.35, 0.6)
        outline = np.array([(edge, -0.7), (1.6, -0.7), (1.6, 1.7), (edge + random.uniform(-0.15, 0.15), 1.7)])
        outline[:, 0] = outline[:, 0] if random.random() < 0.5 else 0.98 - outline[:, 0]
    colour = _colour(random)
    _fill(rgb, _places(matrix, outline), colour, random, grain=14)
    for _ in range(4):
        a, b = random.uniform(outline.min(0), outline.max(0), (2, 2))
        start, end = (tuple(int(v) for v in p) for p in _places(matrix, [tuple(a), tuple(b)]))
        if np.hypot(*(a - b)) < 0.6:
            cv2.line(rgb, start, end, (colour * 0.7).tolist(), 2, cv2.LINE_AA)


def shades(rgb: Picture, matrix: Floats, random: np.random.Generator) -> None:
    """Dark glasses."""
    colour = random.uniform(5, 45, 3)
    radii = (random.uniform(0.19, 0.25), random.uniform(0.12, 0.18))
    for eye in (_LEFT_EYE, _RIGHT_EYE):
        _fill(rgb, _places(matrix, _ellipse((eye[0], eye[1] + 0.03), radii, 0)), colour, random, grain=3)
    a, b = (tuple(int(v) for v in p) for p in _places(matrix, [(0.36, 0.19), (0.62, 0.19)]))
    cv2.line(rgb, a, b, colour.tolist(), max(1, round(0.04 * _scale(matrix))), cv2.LINE_AA)


def board(rgb: Picture, matrix: Floats, random: np.random.Generator) -> None:
    """A plain rectangle or disc held before an eye, the nose or the mouth."""
    target = np.array([_LEFT_EYE, _RIGHT_EYE, _NOSE, _MOUTH][random.integers(4)]) + random.normal(0, 0.05, 2)
    half, turn = random.uniform(0.18, 0.42, 2), random.uniform(0, np.pi)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    square = target + corners @ rotation.T
    disc = _ellipse((float(target[0]), float(target[1])), (float(half[0]), float(half[1])), turn)
    _fill(
        rgb,
        _places(matrix, square if random.random() < 0.6 else disc),
        _colour(random),
        random,
        grain=random.uniform(2, 30),
    )


def phone(rgb: Picture, matrix: Floats, random: np.random.Generator) -> None:
    """A telephone held before the mouth or an eye, its lens side to us."""
    target = np.array([_LEFT_EYE, _RIGHT_EYE, _MOUTH][random.integers(3)]) + random.normal(0, 0.04, 2)
    turn, body = random.uniform(-0.5, 0.5), random.uniform(10, 70, 3)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * np.array([0.26, 0.5])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    _fill(rgb, _places(matrix, target + corners @ rotation.T), body, random, grain=2)
    _fill(
        rgb,
        _places(matrix, target + (corners * 0.3 + np.array([-0.12, -0.3])) @ rotation.T),
        body * 2.2,
        random,
        grain=2,
    )


def microphone(rgb: Picture, matrix: Floats, random: np.random.Generator) -> None:
    """A ball on a stick before the mouth."""
    target = np.array(_MOUTH) + random.normal(0, 0.05, 2)
    stick = np.array([(-0.05, 0), (0.05, 0), (0.12, 1.4), (0.0, 1.4)]) + target
    _fill(rgb, _places(matrix, stick), random.uniform(15, 60, 3), random)
    ball = _ellipse((float(target[0]), float(target[1])), (0.22, 0.24), 0)
    _fill(rgb, _places(matrix, ball), random.uniform(15, 70, 3), random, grain=16)


def leaf(rgb: Picture, matrix: Floats, random: np.random.Generator) -> None:
    """A part of the picture's own border, as of somebody standing before: any texture in a ragged outline."""
    target = np.array([_LEFT_EYE, _RIGHT_EYE, _NOSE, _MOUTH][random.integers(4)])
    angle = np.sort(random.uniform(0, 2 * np.pi, 12))
    reach = random.uniform(0.22, 0.48, 12)
    outline = target + np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
    alpha = np.zeros(rgb.shape[:2], np.float32)
    cv2.fillPoly(alpha, [np.round(_places(matrix, outline)).astype(np.int32)], 1.0)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.8)[..., None]
    moved = np.roll(rgb, (rgb.shape[0] // 2, rgb.shape[1] // 3), axis=(0, 1))
    rgb[:] = (rgb * (1 - alpha) + moved * alpha).round().astype(np.uint8)


FITTED: Mapping[str, Drawing] = MappingProxyType(
    {"mask": mask, "hand": hand, "cloth": cloth, "shades": shades, "board": board}
)
"""Kinds that the head is fitted on."""
UNSEEN: Mapping[str, Drawing] = MappingProxyType({"phone": phone, "microphone": microphone, "leaf": leaf})
"""Kinds that it is only measured on."""


def covered(rgb: Picture, points_px: NDArray[np.floating], drawing: Drawing, random: np.random.Generator) -> Picture:
    """A copy of ``rgb`` with ``drawing`` over the face of five ``points_px``."""
    copy = rgb.copy()
    drawing(copy, similarity(FIVE_SHAPE, points_px), random)
    return copy

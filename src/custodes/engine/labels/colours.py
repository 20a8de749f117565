"""Dominant colours: clusters in a space where distances are as people see them, with names.

In: pixels. Out: colours with CSS names and one of twelve plain names, by share. The same pixels always give the same
answer: nothing is drawn at random.

Sources: clusters by Lloyd's algorithm over a histogram in CIE L*a*b* (D65); plain names are the eleven basic colour
terms of Berlin and Kay (1969) and cyan, told apart by lightness, chroma and hue.
"""

from __future__ import annotations

import math
import tomllib
from functools import cache
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.engine.results.label import DominantColour

_BITS = 4
"""Of each channel that decide a pixel's bin."""
_APART = 14.0
"""Distance in L*a*b* below which two clusters would look like one colour."""
_ROUNDS = 8
_LEAST_PCT = 0.5
_GRAY_CHROMA, _BLACK_LIGHT, _WHITE_LIGHT = 11.0, 18.0, 88.0
# Upper end of each hue in degrees of a*b*, counter-clockwise from +a*.
_HUES = (
    (18.0, "pink"), (48.0, "red"), (74.0, "orange"), (112.0, "yellow"), (172.0, "green"), (228.0, "cyan"),
    (308.5, "blue"), (326.0, "purple"), (360.0, "pink"),
)  # fmt: skip
_DARK_RED_LIGHT, _BROWN_LIGHT, _OLIVE_LIGHT, _PINK_LIGHT = 60.0, 66.0, 55.0, 64.0

Pixels = NDArray[np.uint8]
Lab = NDArray[np.float32]


def dominant_colours(pixels: Pixels, at_most: int) -> tuple[DominantColour, ...]:
    """The ``at_most`` (0 to 20) most frequent colours of (N, 3) RGB ``pixels``, most pixels first."""
    if at_most < 1 or len(pixels) == 0:
        return ()
    codes = (pixels >> (8 - _BITS)).astype(np.int32) @ np.array([1 << 2 * _BITS, 1 << _BITS, 1], np.int32)
    _, where, counts = np.unique(codes, return_inverse=True, return_counts=True)
    means = np.stack([np.bincount(where.ravel(), weights=pixels[:, i]) for i in range(3)], axis=1) / counts[:, None]
    lab = to_lab(means.astype(np.float32))
    owner = _clusters(lab, counts.astype(np.float64), at_most)
    found = []
    for cluster in range(int(owner.max()) + 1):
        members = owner == cluster
        weight = counts[members].sum()
        red, green, blue = (round(float(v)) for v in (means[members] * counts[members, None]).sum(0) / max(weight, 1))
        share = 100.0 * float(weight) / len(pixels)
        if share >= _LEAST_PCT:
            found.append(
                DominantColour(red, green, blue, css_name(red, green, blue), simple_name(red, green, blue), share)
            )
    return tuple(sorted(found, key=lambda colour: -colour.pixels_pct))


def _clusters(lab: Lab, weights: NDArray[np.float64], at_most: int) -> NDArray[np.intp]:
    """Cluster of each bin: centres start far apart where many pixels are, then move to their members' mean."""
    centres = [lab[weights.argmax()]]
    nearest = ((lab - centres[0]) ** 2).sum(1)
    while len(centres) < at_most:
        candidate = int((weights * nearest).argmax())
        if nearest[candidate] < _APART**2:
            # The heaviest far bin is near a centre: look for any that is not.
            apart = np.where(nearest >= _APART**2, weights, 0.0)
            candidate = int(apart.argmax())
            if apart[candidate] == 0.0:
                break
        centres.append(lab[candidate])
        nearest = np.minimum(nearest, ((lab - centres[-1]) ** 2).sum(1))
    points = np.array(centres, np.float64)
    owner = np.zeros(len(lab), np.intp)
    for _ in range(_ROUNDS):
        owner = ((lab[:, None] - points[None]) ** 2).sum(2).argmin(1)
        total = np.bincount(owner, weights=weights, minlength=len(points))
        for axis in range(3):
            moved = np.bincount(owner, weights=weights * lab[:, axis], minlength=len(points))
            points[:, axis] = np.where(total > 0, moved / np.maximum(total, 1e-9), points[:, axis])
    return np.asarray(owner, np.intp)


def to_lab(rgb: Lab) -> Lab:
    """(N, 3) sRGB 0..255 to CIE L*a*b*."""
    return np.asarray(cv2.cvtColor((rgb[None] / np.float32(255.0)), cv2.COLOR_RGB2LAB)[0], np.float32)


def css_name(red: int, green: int, blue: int) -> str:
    """The CSS colour that looks most like this one."""
    names, lab = _css_colours()
    distances = ((lab - to_lab(np.array([[red, green, blue]], np.float32))) ** 2).sum(1)
    return names[int(distances.argmin())]


def simple_name(red: int, green: int, blue: int) -> str:
    """One of black, blue, brown, cyan, gray, green, orange, pink, purple, red, white, yellow."""
    light, a, b = (float(v) for v in to_lab(np.array([[red, green, blue]], np.float32))[0])
    chroma = math.hypot(a, b)
    if light < _BLACK_LIGHT and chroma < 2 * _GRAY_CHROMA:
        return "black"
    if chroma < _GRAY_CHROMA:
        return "white" if light > _WHITE_LIGHT else "gray"
    hue = math.degrees(math.atan2(b, a)) % 360.0
    name = next(name for end, name in _HUES if hue <= end)
    if name == "orange" or (name == "yellow" and hue < 95.0):
        # Tan, beige's darker neighbours and wood: what is dull or dark in the direction of orange is brown.
        dull = light < (_BROWN_LIGHT if name == "orange" else _OLIVE_LIGHT) or (chroma < 42.0 and light < 80.0)
        return "brown" if dull else name
    if name == "red" and chroma < 45.0:
        return "brown" if light < _DARK_RED_LIGHT else "pink"
    if name == "pink" and light < _PINK_LIGHT:
        return "red" if hue <= 18.0 and chroma > 30.0 else "purple"
    return name


@cache
def _css_colours() -> tuple[tuple[str, ...], Lab]:
    text = resources.files("custodes.engine.labels").joinpath("css_colours.toml").read_text("utf-8")
    table = tomllib.loads(text)
    rgb = np.array([[int(code[i : i + 2], 16) for i in (1, 3, 5)] for code in table.values()], np.float32)
    return tuple(table), to_lab(rgb)

"""Pictures with known words for bench/text.py: words of our own licence, drawn on photos or plain grounds.

In: a seed and an angle. Out: a picture and its words with their corners. Typefaces are those that Pillow and OpenCV
carry, so that every machine draws the same pictures. Scenes differ in size, colour, contrast, blur, noise and JPEG
quality; people cannot read the hardest ones either.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

ROOT = Path(__file__).resolve().parent.parent
WORDS = sorted(set(re.findall(r"[A-Za-z][A-Za-z'-]{1,}", (ROOT / "LICENSE").read_text(encoding="utf-8"))))
SIDE_PX = 720
_HERSHEY = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)


@dataclass(frozen=True, slots=True)
class Placed:
    """A word and its four corners in pixels, clockwise from its top left."""

    text: str
    corners: np.ndarray


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture (H, W, 3) uint8 RGB and its words."""

    rgb: np.ndarray
    words: tuple[Placed, ...]


def scene(seed: int, angle_deg: float, grounds: Sequence[Path] = ()) -> Scene:
    """Three to seven lines, all turned by ``angle_deg`` clockwise, on one of ``grounds`` or on a gradient."""
    random = np.random.default_rng(seed)
    ground = _ground(random, grounds)
    layer = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    placed: list[Placed] = []
    y = SIDE_PX * 0.22
    while y < SIDE_PX * 0.74 and len(placed) < 24:
        height = float(np.exp(random.uniform(np.log(9), np.log(56))))
        y += height * 1.7
        placed += _line(random, layer, y, height)
    matrix = cv2.getRotationMatrix2D((SIDE_PX / 2, SIDE_PX / 2), -angle_deg, 1.0)
    layer = cv2.warpAffine(layer, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_CUBIC)
    placed = [Placed(word.text, word.corners @ matrix[:, :2].T + matrix[:, 2]) for word in placed]
    dark = ground.mean() > 127
    ink = random.integers(0, 70, 3) if dark else random.integers(185, 256, 3)
    alpha = (layer / 255.0)[..., None] * random.uniform(0.25, 1.0)
    picture = ground * (1 - alpha) + ink * alpha
    blur = float(random.uniform(0, 1.8))
    if blur > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture += random.normal(0, random.uniform(0, 16), picture.shape)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 96))]
    _, packed = cv2.imencode(".jpg", np.clip(picture, 0, 255).astype(np.uint8), quality)
    return Scene(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8), tuple(placed))


def _ground(random: np.random.Generator, grounds: Sequence[Path]) -> np.ndarray:
    """A photo with its contrast reduced to what signs and labels have, or a gradient."""
    tone = float(random.choice([random.uniform(20, 80), random.uniform(175, 235)]))
    if not grounds:
        ramp = np.linspace(-15, 15, SIDE_PX)
        return np.repeat((tone + ramp[:, None] + ramp[None])[..., None], 3, axis=2)
    photo = np.asarray(PIL.Image.open(grounds[int(random.integers(len(grounds)))]).convert("RGB"), np.float64)
    photo = cv2.resize(photo, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return tone + (photo - photo.mean()) * float(random.uniform(0.1, 0.35))


def _line(random: np.random.Generator, layer: np.ndarray, y: float, height: float) -> list[Placed]:
    """One to five words around the middle of the layer, baseline near ``y``."""
    words = [str(word) for word in random.choice(WORDS, int(random.integers(1, 6)))]
    if random.random() < 0.2:
        words = [word.upper() for word in words]
    face = int(random.integers(0, 5))
    drawn = [drawn_word(word, height, face) for word in words]
    gap = height * float(random.uniform(0.28, 0.5))
    limit = SIDE_PX * 0.62
    while drawn and sum(mask.shape[1] for mask in drawn) + gap * (len(drawn) - 1) > limit:
        drawn, words = drawn[:-1], words[:-1]
    width = sum(mask.shape[1] for mask in drawn) + gap * (len(drawn) - 1)
    x = (SIDE_PX - width) / 2
    placed = []
    for word, mask in zip(words, drawn, strict=True):
        top, left = round(y - mask.shape[0]), round(x)
        area = layer[top : top + mask.shape[0], left : left + mask.shape[1]]
        np.maximum(area, mask, out=area)
        right, bottom = left + mask.shape[1], top + mask.shape[0]
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
        placed.append(Placed(word, corners))
        x += mask.shape[1] + gap
    return placed


def drawn_word(word: str, height: float, face: int) -> np.ndarray:
    """Coverage 0..255 of one word, its line box high: ascenders to descenders of the face."""
    if face >= len(_HERSHEY):
        font = PIL.ImageFont.load_default(height)
        ascent, descent = font.getmetrics()
        width = math.ceil(font.getlength(word)) + 2
        image = PIL.Image.new("L", (width, ascent + descent))
        PIL.ImageDraw.Draw(image).text((1, 0), word, 255, font)
        return np.asarray(image)
    # Hershey's capitals are 21 units at scale 1; letters below the line take a third more.
    scale, thick = height * 0.72 / 21, max(1, round(height / 18))
    (width, above), _ = cv2.getTextSize(word, _HERSHEY[face], scale, thick)
    image = np.zeros((math.ceil(above * 1.4) + thick, width + 2), np.uint8)
    cv2.putText(image, word, (1, above + thick // 2), _HERSHEY[face], scale, 255, thick, cv2.LINE_AA)
    return image

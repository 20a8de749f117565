"""Photos with their face in one hard light, drawn from the depth that the mesh network sees in it.

In: a photo and a light. Out: the photo in that light. Shadows that parts of a face throw onto others are not drawn, and
all heads get shadows of the same smooth shape, so that strangers look more alike here than in a real light. The lights
of ``LIGHTS`` are those that bench/hard_light.py measures; ``any_light`` draws one from a range, for fitting.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.pipeline import FacePipeline
from custodes.imaging.image import Image
from report import ROOT

sys.path.append(str(ROOT))
from tests.fakes.liveness_film import depth_px, portrait_of

GAMMA = 2.2
Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Light:
    """From where, in degrees to the right and upwards of the camera; how much comes from everywhere, and from there."""

    right_deg: float
    up_deg: float
    ambient: float
    direct: float


LIGHTS = {
    "from a side, 90°, nearly nothing else": Light(90, 0, 0.02, 1.2),
    "from a side, 70°": Light(70, 0, 0.05, 1.3),
    "from a side, 60°, with light all round": Light(60, 0, 0.10, 1.2),
    "from above, 75°, little else": Light(0, 75, 0.03, 1.3),
    "from above, 60°, with light all round": Light(0, 60, 0.10, 1.2),
    "from below, 50°, with light all round": Light(0, -50, 0.08, 1.2),
}


def any_light(kind: str, random: np.random.Generator) -> Light:
    """A hard light from a ``"side"`` or from ``"above"``; none from below, which nothing is fitted on."""
    ambient, direct = random.uniform(0.02, 0.13), random.uniform(1.1, 1.4)
    if kind == "above":
        return Light(random.uniform(-25, 25), random.uniform(45, 80), ambient, direct)
    return Light(random.choice((-1, 1)) * random.uniform(45, 95), random.uniform(-5, 25), ambient, direct)


def normals_of(engine: FacePipeline, image: Image) -> Floats:
    """(H, W, 3) where the surface of the largest face looks to: right, down, away from the camera."""
    depth = cv2.GaussianBlur(depth_px(portrait_of(engine, image.rgb), image.rgb.shape[:2]), (0, 0), 1.5)
    down, across = np.gradient(depth)
    normal = np.stack([across, down, -np.ones_like(depth)], axis=-1)
    return np.asarray(normal / np.linalg.norm(normal, axis=-1, keepdims=True))


def lit(image: Image, normals: Floats, light: Light) -> Image:
    """``image`` in ``light``."""
    right, up = np.radians(light.right_deg), np.radians(light.up_deg)
    towards = np.array([np.sin(right) * np.cos(up), -np.sin(up), -np.cos(right) * np.cos(up)])
    shade = light.ambient + light.direct * np.clip(normals @ towards, 0, None)
    linear = (image.rgb / 255.0) ** GAMMA * shade[..., None]
    return replace(image, rgb=(255 * np.clip(linear, 0, 1) ** (1 / GAMMA)).astype(np.uint8))

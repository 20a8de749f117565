"""Fits the two heads that tell whether a face mask is worn and whether it covers nose and mouth.

In: portraits of the fitting half of LFW's people and of UTKFace, and the fetched model pack. Out:
src/custodes/engine/equipment/mask_heads.npz. Masks are drawn onto the faces (mask_drawing.py), and so are hands,
microphones, cups, scarves and collars that are none; every picture then goes the whole way: spoiled as photographs are,
JPEG, detection, mesh, crop, features. Bare faces of the whole fitting half are counted in, because real masks are told
from real faces: what a bare face may look like needs no drawing. bench/equipment.py measures on the other half, with
styles of mask that are not used here.

Usage: python scripts/fit_mask_heads.py
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from fit_trait_heads import central, head
from mask_drawing import (
    BELOW_NOSE,
    COVERING,
    FITTING_STYLES,
    ON_CHIN,
    Rgb,
    weathered,
    with_collar,
    with_mask,
    with_object,
)
from numpy.typing import NDArray
from trait_data import DATA, TRAIN, half_of, lfw_half

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.equipment.masks import COVERING as COVERING_HEAD
from custodes.engine.equipment.masks import WORN, mask_features
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import DetectedFace
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root

OUT = Path(__file__).parents[1] / "src" / "custodes" / "engine" / "equipment" / "mask_heads.npz"
BARE, OBJECT, COLLAR = "bare", "object", "collar"
YOUNGEST = 6
"""Years: babies' faces are not what protective equipment is about."""


@dataclass(frozen=True, slots=True)
class Case:
    """One picture: what is before the mouth, in which style, and the features of the face; None when none was found."""

    fit: str
    style: str
    features: NDArray[np.float32] | None


def portraits(half: str, people: int, others: int) -> list[Path]:
    """``people`` of LFW's and ``others`` of UTKFace's pictures of a half."""
    test = half != TRAIN
    faces = [path for path in sorted((DATA / "utkface").glob("*.jpg")) if half_of(path.name) == test]
    grown = [path for path in faces if int(path.name.split("_")[0]) >= YOUNGEST]
    drawn = np.random.default_rng(3).permutation(len(grown))[:others]
    return lfw_half(half)[:people] + [grown[i] for i in drawn]


def cases(engine: FacePipeline, paths: list[Path], styles: tuple[str, ...], seed: int) -> Iterator[Case]:
    """Seven pictures of each portrait in which a face is found: as it is, with an object, a collar, four masks."""
    rng = np.random.default_rng(seed)
    for i, path in enumerate(paths):
        rgb = decode(path.read_bytes()).rgb
        face = find(engine, rgb)
        if face is None:
            continue
        mesh = engine.steps.finder.mesh.read(rgb, [face.points_px])[0].vertices_px.astype(np.float64)
        for fit, drawn in ((BARE, rgb), (OBJECT, with_object(rgb, mesh, rng)), (COLLAR, with_collar(rgb, mesh, rng))):
            yield Case(fit, "", features(engine, over_the_wire(weathered(drawn, rng))))
        for fit in (COVERING, COVERING, COVERING, (BELOW_NOSE, ON_CHIN)[i % 2]):
            style = styles[int(rng.integers(len(styles)))]
            drawn = with_mask(rgb, mesh, style, fit, rng)
            yield Case(fit, style, features(engine, over_the_wire(weathered(drawn, rng))))


def bare(engine: FacePipeline, paths: list[Path]) -> Iterator[Case]:
    """Portraits as they are."""
    for path in paths:
        yield Case(BARE, "", features(engine, decode(path.read_bytes()).rgb))


def over_the_wire(rgb: Rgb) -> Rgb:
    """``rgb`` after it was stored as a JPEG."""
    data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1]
    return decode(data.tobytes()).rgb


def find(engine: FacePipeline, rgb: Rgb) -> DetectedFace | None:
    """The face that the portrait is of."""
    faces = engine.detect(Slot(0, RequestId("fit")), Image(rgb, b"")).faces
    return central(faces, rgb.shape[1], rgb.shape[0])


def features(engine: FacePipeline, rgb: Rgb) -> NDArray[np.float32] | None:
    """(3072,) of the face; None when it is not found."""
    face = find(engine, rgb)
    if face is None:
        return None
    return np.asarray(mask_features(engine.steps.traits.portrait.read(rgb, [face]))[0], np.float32)


def main() -> int:
    """Fit both and write them."""
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    made = list(cases(engine, portraits(TRAIN, 450, 300), FITTING_STYLES, seed=7))
    made += bare(engine, portraits(TRAIN, 5000, 1500))
    seen = [(case.fit, case.features.astype(np.float64)) for case in made if case.features is not None]
    order = np.random.default_rng(5).permutation(len(seen))
    x, fit = np.array([seen[i][1] for i in order]), np.array([seen[i][0] for i in order])
    masked = ~np.isin(fit, (BARE, OBJECT, COLLAR))
    fitted = {
        WORN: head(x, masked.astype(np.float64)),
        COVERING_HEAD: head(x[masked], (fit[masked] == COVERING).astype(np.float64)),
    }
    np.savez(OUT, **{name: values.astype(np.float16) for name, values in fitted.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())

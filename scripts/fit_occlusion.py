"""Fits the head that tells whether something covers a face.

In: the training half of the labelled faces (trait_labels.toml), the other people of LFW's fitting half, faces of
UTKFace's, and the fetched model pack. Out: the row ``FACE_OCCLUDED`` of
src/custodes/engine/faces/traits/trait_heads.npz. Things are drawn over faces (occluders.py, mask_drawing.py); what
covers nothing is as much a part of it: bare faces as they are and spoiled as photographs are, collars and scarves.
Otherwise a blurred face or a child's looks covered.
bench/attributes.py measures on the other half.

Usage: python scripts/fit_occlusion.py
"""

from __future__ import annotations

import os
import sys

import numpy as np
from fit_mask_heads import BARE, COLLAR, bare, cases, portraits
from fit_trait_heads import OUT, Floats, Picture, head, row
from mask_drawing import COVERING, FITTING_STYLES, weathered, with_collar
from occluders import FITTED, covered
from trait_data import TRAIN, labelled, lfw_half

from custodes.core.device import Device
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import Trait
from custodes.imaging.image import decode
from custodes.models.store import ModelStore, default_root

PEOPLE, EVERY_MASK = 450, 4
WIDTH = 1024
Pairs = list[tuple[Floats, float]]


def labelled_faces(engine: FacePipeline) -> Pairs:
    """Faces that were looked at, as they are, spoiled, with collars, and with things drawn over."""
    rng, known, kinds = np.random.default_rng(11), labelled(TRAIN), list(FITTED)
    pairs: Pairs = []

    def add(rgb: Picture, is_covered: float) -> None:
        found = row(engine, rgb)
        if found is not None:
            pairs.append((found.at("both"), is_covered))

    for i, (path, said) in enumerate(list(zip(known.paths, known.labels["occluded"], strict=True))[:PEOPLE]):
        rgb = decode(path.read_bytes()).rgb
        plain = row(engine, rgb)
        if plain is None or np.isnan(said):
            continue
        pairs.append((plain.at("both"), float(said)))
        if said == 1:
            continue
        add(weathered(weathered(rgb, rng), rng), 0.0)
        add(covered(rgb, plain.points_px, FITTED[kinds[i % len(kinds)]], rng), 1.0)
        other = FITTED[kinds[int(rng.integers(len(kinds)))]]
        add(weathered(covered(rgb, plain.points_px, other, rng), rng), 1.0)
        if i % 2:
            vertices = engine.steps.finder.mesh.read(rgb, [plain.points_px])[0].vertices_px.astype(np.float64)
            add(weathered(with_collar(rgb, vertices, rng), rng), 0.0)
    return pairs


def other_faces(engine: FacePipeline) -> Pairs:
    """Bare faces of further people, masks, and what is near a mask and covers nothing."""

    def both(features: np.ndarray) -> Floats:
        texture_mouth_eyes = features.astype(np.float64)
        return np.concatenate([texture_mouth_eyes[2 * WIDTH :], texture_mouth_eyes[WIDTH : 2 * WIDTH]])

    looked_at = frozenset(labelled(TRAIN).paths)
    paths = [path for path in lfw_half(TRAIN) if path not in looked_at]
    pairs = [(both(case.features), 0.0) for case in bare(engine, paths) if case.features is not None]
    for i, case in enumerate(cases(engine, portraits(TRAIN, 450, 300), FITTING_STYLES, seed=7)):
        if case.features is None:
            continue
        if case.fit in (BARE, COLLAR):
            pairs.append((both(case.features), 0.0))
        elif case.fit == COVERING and i % EVERY_MASK == 0:
            pairs.append((both(case.features), 1.0))
    return pairs


def main() -> int:
    """Fit and write one row; the others stay."""
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    pairs = labelled_faces(engine) + other_faces(engine)
    order = np.random.default_rng(1).permutation(len(pairs))
    fitted = head(np.array([pairs[i][0] for i in order]), np.array([pairs[i][1] for i in order]))
    kept = dict(np.load(OUT))
    np.savez(OUT, **{**kept, Trait.FACE_OCCLUDED.value: fitted.astype(np.float16)})
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Closed eyes and winks: what DetectFaces says of faces as photographed, and of the same with lids drawn shut.

In: ../shared/data/lfw, the labels of scripts/lid_labels.toml and the fetched networks. Out: a section of BENCHMARKS.md.
People are those of the half that scripts/fit_lids.py did not use. Lids are drawn shut in the photo itself
(scripts/lid_drawing.py), on both eyes or on one; the whole engine then looks anew.

Run: ``.venv/bin/python bench/eyes.py [--people N]``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

import cv2
import numpy as np

import face_features
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.faces.traits.eyes import CROP_PX
from custodes.engine.results.face import Detail, FloatArray, Judgement
from custodes.imaging.image import Image, decode
from report import ROOT, Section, table, write

sys.path.append(str(ROOT / "scripts"))
from fit_lids import PEOPLE, central_mesh, eye_crops, eye_matrices, labels, planes
from lid_drawing import Pixels, shut
from trait_data import TEST, lfw_half

COMMAND = ".venv/bin/python bench/eyes.py"
SLOT = Slot(0, RequestId("bench"))
SURE = 80.0


def said(engine: FacePipeline, rgb: Pixels) -> Judgement | None:
    """What is said of the eyes of the face in the middle; None where none is found."""
    found = engine.detect(SLOT, Image(rgb, b""), Detail.FULL)
    return found.faces[face_features.central(found)].eyes_open if found.faces else None


def with_shut(engine: FacePipeline, rgb: Pixels, vertices: FloatArray, which: Iterable[int]) -> Pixels:
    """``rgb`` with the lids of the eyes ``which`` (0 and 1) drawn shut."""
    crops, random, out = eye_crops(rgb, vertices), np.random.default_rng(rgb.size + int(rgb.sum())), rgb.copy()
    points = engine.steps.eyes.points(planes(crops))
    inside = cv2.GaussianBlur(np.pad(np.ones((CROP_PX - 20, CROP_PX - 20), np.float32), 10), (0, 0), 2)
    for i in which:
        drawn = shut(crops[i], points[i], random)
        matrix = eye_matrices(vertices)[i]
        turned = drawn if i == 0 else np.ascontiguousarray(drawn[:, ::-1])
        size = (rgb.shape[1], rgb.shape[0])
        back = cv2.warpAffine(turned, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        share = cv2.warpAffine(inside, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)[..., None]
        out = np.asarray(out * (1 - share) + back * share, np.uint8)
    return out


def row(name: str, judged: list[Judgement | None]) -> tuple[object, ...]:
    """Of one kind of eyes: how often they are told closed, closed for sure, open for sure."""
    told = [one for one in judged if one is not None]
    closed = [one for one in told if not one.value]
    sure = [sum(one.confidence_pct >= SURE for one in side) for side in (closed, [o for o in told if o.value])]
    return (name, len(told), len(closed), *sure)


def main() -> int:
    """Measure, print, write."""
    options = argparse.ArgumentParser()
    options.add_argument("--people", type=int, default=PEOPLE, help="of the half, with their photo as it is")
    options.add_argument("--drawn", type=int, default=150, help="of these, with lids drawn shut")
    given = options.parse_args()
    if not face_features.LFW.exists():
        print("skipped: ../shared/data has no LFW")
        return 0
    engine, known = face_features.open_engine(), labels(TEST)
    kinds: dict[str, list[Judgement | None]] = {
        name: [] for name in ("shut", "unclear", "open", "both drawn shut", "one drawn shut: a wink")
    }
    for place, path in enumerate(lfw_half(TEST)[:PEOPLE]):
        kind = next((kind for kind, places in known.items() if place in places), "open")
        if kind == "open" and place >= given.people:
            continue
        rgb = decode(path.read_bytes()).rgb
        kinds[kind].append(said(engine, rgb))
        if kind == "open" and len(kinds["both drawn shut"]) < given.drawn:
            vertices = central_mesh(engine, rgb)
            if vertices is not None:
                kinds["both drawn shut"].append(said(engine, with_shut(engine, rgb, vertices, (0, 1))))
                kinds["one drawn shut: a wink"].append(said(engine, with_shut(engine, rgb, vertices, (place % 2,))))
    text = table(
        ("eyes", "faces", "told closed", f"closed, {SURE:.0f} % and more", f"open, {SURE:.0f} % and more"),
        [row(name, judged) for name, judged in kinds.items()],
    ) + (
        "\n\nPeople of LFW, half not fitted on; the first three rows are photos as they are, labelled by us by looking "
        "at the eyes with the narrowest openings. Unclear are lids nearly shut, squeezed by a laugh, lowered, blurred."
    )
    print(text)
    write(Section("eyes", "Eyes open and closed", COMMAND, text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

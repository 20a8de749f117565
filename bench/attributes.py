"""What DetectFaces says of faces, against labels: age, gender, emotions, and the heads of our own.

In: ../shared/data (utkface, fer2013-publictest, lfw), the labels of scripts/trait_labels.toml and the fetched model
pack. Out: a section of BENCHMARKS.md. Where something was fitted on one half of a set, figures are of the other half
(scripts/trait_data.py says which is which). Sets that are absent are left out, saying so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import DetectedFace, Judgement, Trait, Traits
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root
from report import ROOT, Section, table, write

sys.path.append(str(ROOT / "scripts"))
from occluders import FITTED, UNSEEN, Drawing, covered
from trait_data import DATA, EXPRESSIONS, TEST, central, fer_pictures, half_of, labelled, lfw_half

COMMAND = ".venv/bin/python bench/attributes.py"
SLOT = Slot(0, RequestId("bench"))
AGES = ((0, 5), (5, 13), (13, 20), (20, 30), (30, 50), (50, 70), (70, 120))
ORIGINS = ("White", "Black", "Asian", "Indian", "others")
"""What the file names of UTKFace call the five groups, by number. Used to measure; the engine has no such notion."""
TOLD: dict[str, Callable[[Traits], Judgement | None]] = {
    "eyeglasses": lambda reported: reported.eyeglasses,
    "sunglasses": lambda reported: reported.sunglasses,
    "beard": lambda reported: reported.beard,
    "mustache": lambda reported: reported.mustache,
    "smile": lambda reported: reported.smile,
    "occluded": lambda reported: reported.occluded,
}
Booleans = NDArray[np.bool_]


def described(engine: FacePipeline, path: Path, traits: set[Trait]) -> DetectedFace | None:
    """The face that the portrait at ``path`` is of, or None when none was found."""
    image = decode(path.read_bytes())
    face = central(engine.detect(SLOT, image).faces, image.size.width, image.size.height)
    return None if face is None else engine.describe(SLOT, image, [face], traits)[0]


def calibration_error(confidence: NDArray[np.float64], right: Booleans, bins: int = 10) -> float:
    """Mean distance between stated and met confidence over ten equally filled bins, in percent points."""
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    gaps = [abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts if len(part)]
    return 100 * float(sum(gaps)) / len(confidence)


def percent(part: Booleans) -> str:
    """Share of True."""
    return f"{100 * part.mean():.1f} %" if len(part) else "-"


def ages_and_genders(engine: FacePipeline) -> str:
    """Tables for UTKFace."""
    files = sorted((DATA / "utkface").glob("*.jpg"))
    rows = []
    for path in files:
        age, gender, origin = (int(part) for part in path.name.split("_")[:3])
        face = described(engine, path, {Trait.AGE_RANGE, Trait.GENDER})
        if face is not None and face.traits.age is not None and face.traits.male is not None:
            reported, male = face.traits.age, face.traits.male
            rows.append(
                (age, gender == 0, origin, half_of(path.name), reported.low_years, reported.high_years, male.value,
                 male.confidence_pct / 100)
            )  # fmt: skip
    facts = np.array(rows, np.float64)
    kept = facts[facts[:, 3] == 1]
    groups: list[tuple[str, Booleans]] = [("all", np.ones(len(kept), bool))]
    groups += [(f"{low} to {high - 1} years", (kept[:, 0] >= low) & (kept[:, 0] < high)) for low, high in AGES]
    groups += [("15 years and more", kept[:, 0] >= 15)]
    groups += [(f"group {name!r}", kept[:, 2] == i) for i, name in enumerate(ORIGINS)]
    groups += [("women and girls", kept[:, 1] == 0), ("men and boys", kept[:, 1] == 1)]
    text = table(
        ("held-out half of UTKFace", "faces", "age error, years", "in the range", "width, years", "gender right",
         "gender right from 15 years"),
        [_age_row(name, kept[where]) for name, where in groups],
    )  # fmt: skip
    every = np.abs((facts[:, 4] + facts[:, 5]) / 2 - facts[:, 0]).mean()
    right = kept[:, 6] == kept[:, 1]
    return (
        f"{text}\n\nA face was found in {len(facts)} of {len(files)} pictures. Age error is "
        f"that of the middle of the range; over both halves it is {every:.2f} years. The confidence in gender is off "
        f"by {calibration_error(kept[:, 7], right):.1f} points on average (ten bins)."
    )


def _age_row(name: str, rows: NDArray[np.float64]) -> tuple[object, ...]:
    age, low, high = rows[:, 0], rows[:, 4], rows[:, 5]
    right, grown = rows[:, 6] == rows[:, 1], age >= 15
    error = np.abs((low + high) / 2 - age).mean() if len(rows) else float("nan")
    inside = (low <= age) & (age <= high)
    return (
        name,
        len(rows),
        f"{error:.1f}",
        percent(inside),
        f"{(high - low).mean():.1f}",
        percent(right),
        percent(right[grown]),
    )


def emotions(engine: FacePipeline) -> str:
    """Table for FER2013: its pictures are the crops."""
    paths, labels = fer_pictures()
    pictures = [cv2.imread(str(path), cv2.IMREAD_COLOR) for path in paths]
    crops = [[cv2.resize(picture, (side, side)) for picture in pictures] for side in (64, 112)]
    chances = engine.steps.traits.expression().chances(*crops)
    said, held = chances.argmax(1), np.array([half_of(path.name) == 1 for path in paths])
    right = said == labels
    rows: list[tuple[object, ...]] = [("all", int(held.sum()), percent(right[held]))]
    rows += [
        (name, int((held & (labels == i)).sum()), percent(right[held & (labels == i)]))
        for i, name in enumerate(EXPRESSIONS)
    ]
    off = calibration_error(chances.max(1)[held].astype(np.float64), right[held])
    text = table(("held-out half of FER2013 public test", "pictures", "most likely emotion right"), rows)
    return (
        f"{text}\n\nOver both halves {percent(right)}; small open networks reach 66 to 70 %, so ours are below. The "
        f"stated confidence is off by {off:.1f} points on average (ten bins)."
    )


def heads(engine: FacePipeline) -> str:
    """Table for the labelled test half of LFW."""
    sheets, more = labelled(TEST), labelled(TEST, more=True)
    faces = [described(engine, path, set(Trait)) for path in sheets.paths + more.paths]
    rows: list[tuple[object, ...]] = []
    for kind, member in TOLD.items():
        for name, start, count, source in (
            ("", 0, len(sheets.paths), sheets),
            (", more", len(sheets.paths), len(more.paths), more),
        ):
            truth = source.labels[kind]
            judged = [None if f is None else member(f.traits) for f in faces[start : start + count]]
            kept = np.array([j is not None for j in judged]) & ~np.isnan(truth)
            if not kept.any():
                continue
            said = np.array([j is not None and j.value for j in judged])[kept]
            confidence = np.array([0.0 if j is None else j.confidence_pct / 100 for j in judged])[kept]
            yes = truth[kept] == 1
            rows.append(
                (kind + name, len(yes), int(yes.sum()), percent(said == yes), percent(said[yes]), percent(said[~yes]),
                 f"{calibration_error(confidence, said == yes):.1f}")
            )  # fmt: skip
    head = ("statement", "faces", "of them yes", "right", "yes found", "yes said of no", "confidence off by, points")
    return (
        table(head, rows) + "\n\nFaces of 460 people of LFW of whom nothing was used in fitting, labelled by us by "
        "looking; undecided ones are left out. *More* are 60 faces with the darkest eyes, looked at for glasses only."
    )


def occlusions(engine: FacePipeline) -> str:
    """Table for things drawn over faces of the test half."""
    random, rows = np.random.default_rng(2), list[tuple[object, ...]]()
    people = [decode(path.read_bytes()).rgb for path in lfw_half(TEST)[400:550]]
    for kinds, fitted in ((FITTED, "yes"), (UNSEEN, "no")):
        for name, drawing in kinds.items():
            said = [reported for rgb in people if (reported := _covered(engine, rgb, drawing, random)) is not None]
            rows.append((name, fitted, len(said), percent(np.array(said))))
    return (
        table(("drawn over the face", "kind fitted on", "faces found", "occlusion told"), rows)
        + "\n\nDrawn by formula (scripts/occluders.py) over 150 people of the test half. How often it is told of "
        "faces that nothing covers, and of really covered ones, is in the table above."
    )


def _covered(engine: FacePipeline, rgb: RgbArray, drawing: Drawing, random: np.random.Generator) -> bool | None:
    plain = central(engine.detect(SLOT, Image(rgb, b"")).faces, rgb.shape[1], rgb.shape[0])
    if plain is None:
        return None
    image = Image(covered(rgb, plain.points_px, drawing, random), b"")
    face = central(engine.detect(SLOT, image).faces, rgb.shape[1], rgb.shape[0])
    if face is None:
        return None
    (reported,) = engine.describe(SLOT, image, [face], {Trait.FACE_OCCLUDED})
    return reported.traits.occluded is not None and reported.traits.occluded.value


def main() -> int:
    """Measure what there is data for and write the section."""
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    parts = (("utkface", ages_and_genders), ("fer2013-publictest", emotions), ("lfw", heads), ("lfw", occlusions))
    texts = [measure(engine) if (DATA / name).exists() else f"No data: {name}." for name, measure in parts]
    text = "\n\n".join(texts)
    print(text)
    write(Section("attributes", "Facial attributes", COMMAND, text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Faces in one hard light: how alike strangers look, and how many of them the quality filters refuse.

In: ../shared/data (LFW, UTKFace) and the fetched networks. Light is drawn onto photos (bench/drawn_light.py) of people
of whom nothing was fitted on; none was fitted on light from below. Out: a section of BENCHMARKS.md.

Run: ``.venv/bin/python bench/hard_light.py [--people N]``.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import face_features
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.calibrate import FALSE_MATCH_RATES, Calibration
from custodes.engine.faces.assembly import KNOTS, face_recipe
from custodes.engine.faces.embedding.lookalikes import level_of
from custodes.engine.faces.quality import poor_reasons
from custodes.engine.results.face import FloatArray, QualityFilter, VectorUse
from custodes.imaging.image import Image, decode
from drawn_light import LIGHTS, lit, normals_of
from look_alike_pairs import photographed_twice
from report import Section, table, write

COMMAND = ".venv/bin/python bench/hard_light.py"
SLOT = Slot(0, RequestId("bench"))
LEVELS = (QualityFilter.LOW, QualityFilter.AUTO, QualityFilter.MEDIUM, QualityFilter.HIGH)
SHOWN = (80.0, 99.0)
RACES = ("white", "black", "Asian", "Indian", "other")
_CURVE, _RECIPE = Calibration(KNOTS), face_recipe()


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A face as a query and an enrolment see it, and which levels refuse it."""

    person: int
    query: FloatArray
    enrol: FloatArray
    refused: tuple[bool, ...]


def looked(image: Image, person: int) -> Looked | None:
    """The face in the middle of ``image``; None where none is found."""
    engine = face_features.open_engine()
    found = engine.detect(SLOT, image)
    if not found.faces:
        return None
    face = found.faces[face_features.central(found)]
    query, enrol = (
        engine.steps.embedder.features(image.rgb, [face], use)[0] for use in (VectorUse.QUERY, VectorUse.ENROL)
    )
    return Looked(person, query, enrol, tuple(bool(poor_reasons(face, found.size, level)) for level in LEVELS))


def scores(asked: Sequence[Looked], enrolled: Sequence[Looked]) -> tuple[NDArray[np.bool_], NDArray[np.floating]]:
    """(n, m) whether two are one person, and their cosines among people who look alike."""
    queries = _RECIPE.lookalikes.vectors(np.array([one.query for one in asked]))
    vectors = _RECIPE.lookalikes.vectors(np.array([one.enrol for one in enrolled]))
    level = np.array([level_of(vector) for vector in queries])[:, None]
    same = np.array([one.person for one in asked])[:, None] == np.array([one.person for one in enrolled])[None]
    return same, np.asarray((queries @ vectors.T - level) / (1 - level))


def rates(chosen: NDArray[np.floating]) -> str:
    """Shares at ``SHOWN``."""
    return " / ".join(f"{(chosen >= _CURVE.cosine(percent)).mean():.1e}" if len(chosen) else "-" for percent in SHOWN)


def row(name: str, seen: Sequence[Looked], plain: Sequence[Looked], people: int) -> tuple[object, ...]:
    """Of one light: faces found, strangers in the same light, strangers that AUTO lets pass, true matches, refusals."""
    auto = LEVELS.index(QualityFilter.AUTO)
    passed = [one for one in seen if not one.refused[auto]]
    same, cosines = scores(seen, seen)
    other = rates(cosines[~same])
    left = "none"
    if len(passed) > 1:
        same, cosines = scores(passed, passed)
        left = f"{rates(cosines[~same])} ({len(passed)})"
    true, against = scores(seen, plain)
    genuine = " / ".join(f"{100 * (against[true] >= _CURVE.cosine(percent)).mean():.0f} %" for percent in SHOWN)
    refused = [f"{100 * np.mean([one.refused[level] for one in seen]):.0f} %" for level in range(len(LEVELS))]
    return (name, f"{len(seen)} of {people}", other, left, genuine, *refused)


def groups(most: int) -> Iterator[tuple[str, Path]]:
    """Ordinary photos by group: LFW, and grown-ups of UTKFace by race as labelled there."""
    for folder in sorted(face_features.LFW.iterdir())[::6][:most]:
        yield "LFW", sorted(folder.iterdir())[0]
    count: dict[str, int] = defaultdict(int)
    for path in sorted(face_features.UTKFACE.glob("*.jpg")):
        facts = path.name.split("_")
        if len(facts) == 4 and int(facts[0]) > 12 and count[facts[2]] < most // 2:
            count[facts[2]] += 1
            yield f"UTKFace, {RACES[int(facts[2])]}", path


def ordinary(most: int) -> str:
    """The table of what the filters refuse of photos in ordinary light because of shadows, or for anything."""
    refused: dict[str, list[tuple[bool, ...]]] = defaultdict(list)
    for group, path in groups(most):
        one = looked(decode(path.read_bytes()), 0)
        if one is not None:
            refused[group].append(one.refused)
    rows = [
        (name, len(seen), *(f"{100 * np.mean([one[level] for one in seen]):.1f} %" for level in range(len(LEVELS))))
        for name, seen in refused.items()
    ]
    return table(("ordinary photos, refused for any reason", "faces", *(level.value for level in LEVELS)), rows)


def main() -> int:
    """Measure, print, write."""
    options = argparse.ArgumentParser()
    options.add_argument("--people", type=int, default=110, help="of LFW")
    given = options.parse_args()
    if not face_features.UTKFACE.exists() or not face_features.LFW.exists():
        print("skipped: ../shared/data has no LFW or no UTKFace")
        return 0
    names = np.random.default_rng(5).permutation(photographed_twice(face_features.LFW, fitting=False))[: given.people]
    photos = [sorted((face_features.LFW / str(name)).iterdir())[:2] for name in names]
    pictures = [(person, [decode(path.read_bytes()) for path in both]) for person, both in enumerate(photos)]
    plain = [one for person, (_, second) in pictures if (one := looked(second, person))]
    firsts = [one for person, (first, _) in pictures if (one := looked(first, person))]
    rows = [row("as photographed", firsts, plain, len(pictures))]
    reliefs = [normals_of(face_features.open_engine(), first) for _, (first, _) in pictures]
    for name, light in LIGHTS.items():
        shown = [
            (person, lit(first, relief, light)) for (person, (first, _)), relief in zip(pictures, reliefs, strict=True)
        ]
        seen = [one for person, image in shown if (one := looked(image, person))]
        rows.append(row(name, seen, plain, len(pictures)))
        print(rows[-1], flush=True)
    at = " / ".join(f"{percent:.0f} %" for percent in SHOWN)
    head = (
        "light",
        "found",
        f"strangers in it match, {at}",
        "of those that AUTO lets pass",
        f"own ordinary photo, {at}",
    )
    stated = " / ".join(f"{dict(FALSE_MATCH_RATES)[percent]:.1e}" for percent in SHOWN)
    text = (
        "Shares of pairs of different people whose photos are in the same light, which is drawn; published are "
        f"{stated}. {len(pictures)} people of the half of LFW that nothing was fitted on; scripts/fit_hard_light.py "
        "knows no light from below.\n\n"
        + table((*head, *(f"{level.value} refuses" for level in LEVELS)), rows)
        + "\n\n"
        + ordinary(2 * given.people)
    )
    print(text)
    write(Section("hard_light", "Hard light", COMMAND, text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

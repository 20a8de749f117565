"""Scores of pairs: genuine and impostor scores, and impostors among people who look alike.

In: features and a mixture of look-alikes, or finished vectors. Out: sorted scores *at level 0* (what the curve of the
recipe takes), so that one threshold means the same for everybody. Look-alikes are pairs of different people of one
group of UTKFace: same race and gender as labelled, same span of ages. Shared by the fit and by what is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.embedding.lookalikes import Lookalikes, level_of
from face_features import Labelled
from halves import is_fitted_on

RACES = ("white", "black", "Asian", "Indian", "other")
SPANS = ((0, 4), (5, 12), (13, 19), (20, 34), (35, 49), (50, 64), (65, 200))
LEAST_FACES = 16
"""A group of fewer faces in a half has too few pairs to say anything."""


def at_level_zero(
    cosines: NDArray[np.floating], one: NDArray[np.floating], other: NDArray[np.floating]
) -> NDArray[np.float32]:
    """``cosines`` (N, M) of vectors of levels ``one`` (N,) and ``other`` (M,), the higher of both taken off."""
    level = np.maximum(one[:, None], other[None])
    return np.asarray((cosines - level) / (1 - level), np.float32)


def photographed_twice(folder: Path, *, fitting: bool) -> list[str]:
    """People of LFW, as their folders are called, of whom there are two photos or more, of either half."""
    names = sorted(path.name for path in folder.iterdir() if is_fitted_on(path.name) == fitting)
    return [name for name in names if len(list((folder / name).glob("*.jpg"))) > 1]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Sorted scores at level 0 of one person's different photos, and of different people."""

    genuine: NDArray[np.float32]
    impostor: NDArray[np.float32]

    @staticmethod
    def of_vectors(enrolled: NDArray[np.float32], asked: NDArray[np.float32], person: NDArray[np.int64]) -> Scores:
        """All enrolled against all asked, as a search compares them: the level of what is asked counts."""
        level = np.array([level_of(vector) for vector in asked])
        genuine, impostor = [], []
        for start in range(0, len(enrolled), 500):
            cosines = (enrolled[start : start + 500] @ asked.T - level[None]) / (1 - level[None])
            same = person[start : start + 500, None] == person[None]
            own = np.arange(start, start + len(cosines))[:, None] == np.arange(len(person))[None]
            genuine.append(cosines[same & ~own])
            impostor.append(cosines[~same].astype(np.float32))
        return Scores(np.sort(np.concatenate(genuine)).astype(np.float32), np.sort(np.concatenate(impostor)))


def groups(faces: Labelled, rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Those of ``rows`` in each group that is large enough, by a name like "Asian women 20 to 34"."""
    found: dict[str, NDArray[np.int64]] = {}
    for race, name in enumerate(RACES):
        for low, high in SPANS:
            for male, sex in ((True, "men" if low >= 20 else "boys"), (False, "women" if low >= 20 else "girls")):
                inside = (faces.race == race) & (faces.male == male) & (faces.years >= low) & (faces.years <= high)
                members = rows[inside[rows]]
                if len(members) >= LEAST_FACES:
                    span = f"{low} to {high}" if high < 200 else f"{low} and more"
                    found[f"{name} {sex} {span}"] = members
    return found


def strangers(vectors: NDArray[np.float32], person: NDArray[np.int64]) -> NDArray[np.float32]:
    """Sorted scores of all pairs of different people among ``vectors``."""
    level = np.array([level_of(vector) for vector in vectors])
    scores = at_level_zero(vectors @ vectors.T, level, level)
    first, second = np.triu_indices(len(vectors), 1)
    different = person[first] != person[second]
    return np.sort(scores[first[different], second[different]])


def look_alikes(model: Lookalikes, faces: Labelled, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Sorted scores of pairs of different grown-ups of one group, all groups together."""
    found = [
        strangers(model.vectors(faces.features.enrol[members]), faces.person[members])
        for members in groups(faces, rows).values()
        if faces.years[members].min() >= 13
    ]
    return np.sort(np.concatenate(found))


def excess(alike: NDArray[np.float32], apart: NDArray[np.float32]) -> float:
    """How much more often look-alikes reach a score than strangers do, at the score that one in 1,000 of them reach."""
    cut = alike[int(len(alike) * (1 - 1e-3))]
    return float(1e-3 / (1 - np.searchsorted(apart, cut) / len(apart)))

"""Differential performance: false and true match rates by group of people, quality of picture and size of enrolment.

In: ../shared/data (LFW, UTKFace) and the fetched model pack. Out: a section of BENCHMARKS.md, the tables of
docs/differential-performance.md, and the rates that engine/faces/assembly.py must publish. Nobody whom this measures
had a part in fitting anything: scripts/fit_lookalikes.py used the other half of the people of both sets.
Terms: ISO/IEC 19795-10:2024 (quantifying biometric system performance variation across demographic groups).
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

import face_features
import look_alike_pairs as pairs
from custodes.engine.calibrate import FALSE_MATCH_RATES, Calibration
from custodes.engine.faces.assembly import KNOTS, face_recipe
from custodes.engine.faces.embedding.embed import unit
from custodes.engine.faces.embedding.lookalikes import level_of
from halves import measured_rows
from report import ROOT, Section, table, write

COMMAND = ".venv/bin/python bench/differential.py"
SHOWN = (80.0, 90.0, 95.0, 99.0)
ENROLLED = (1, 2, 3, 5)
MANY_PAIRS = 1_000
"""Groups with fewer pairs of different people are shown apart: their intervals span more than they tell."""
SPREAD = 2.0
"""The published rate is this much above that of all look-alikes together, so that it holds for groups that fare worse:
groups of the fitting half spread by a factor of 1.8 (a standard deviation, at 5e-3)."""
LEAST_COUNT = 10
"""As many false matches make a rate of look-alikes; rarer ones are read off strangers, times what look-alikes have."""

_CURVE, _RECIPE = Calibration(KNOTS), face_recipe()


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """The halves that nothing was fitted on: finished vectors and persons."""

    lfw: face_features.Features
    lfw_person: NDArray[np.int64]
    faces: face_features.Labelled
    rows: NDArray[np.int64]
    hard: face_features.Features
    hard_person: NDArray[np.int64]


def held() -> Held:
    """All three sets."""
    lfw, faces, hard = face_features.lfw(), face_features.labelled(), face_features.hard()
    person = face_features.people(lfw)
    kept = measured_rows(face_features.people_names(lfw), person)
    number = dict(zip(lfw.paths.tolist(), person.tolist(), strict=True))
    hard_person = np.array([number[path] for path in hard.paths.tolist()])
    hard_kept = np.flatnonzero(np.isin(hard_person, person[kept]))
    return Held(
        lfw.take(kept),
        person[kept],
        faces,
        measured_rows(face_features.file_names(faces.features), faces.person),
        hard.take(hard_kept),
        hard_person[hard_kept],
    )


def above(scores: NDArray[np.floating], percent: float) -> int:
    """How many of the sorted ``scores`` show as at least ``percent``."""
    return len(scores) - int(np.searchsorted(scores, np.float32(_CURVE.cosine(percent))))


def rate_text(count: int, total: int) -> str:
    """A rate with its interval of 95 % (Clopper and Pearson), pairs taken as independent."""
    low = float(beta.ppf(0.025, count, total - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, total - count)) if count < total else 1.0
    return f"{count / total:.1e} ({low:.0e} to {high:.0e})" if count else f"0 (to {high:.0e})"


def share_text(hits: NDArray[np.bool_]) -> str:
    """A share in percent with its standard error."""
    mean = float(hits.mean())
    return f"{100 * mean:.1f} ± {100 * np.sqrt(mean * (1 - mean) / len(hits)):.1f}"


def group_rows(half: Held) -> tuple[list[tuple[object, ...]], dict[str, NDArray[np.float32]]]:
    """A row per group, and its sorted scores of strangers."""
    vectors = _RECIPE.lookalikes.vectors(half.faces.features.enrol)
    found: dict[str, NDArray[np.float32]] = {}
    rows: list[tuple[object, ...]] = []
    members = pairs.groups(half.faces, half.rows)
    years = half.faces.years
    members["all children 5 to 12"] = half.rows[(years[half.rows] >= 5) & (years[half.rows] <= 12)]
    members["all black grown-ups"] = half.rows[(half.faces.race[half.rows] == 1) & (years[half.rows] >= 20)]
    for name, inside in members.items():
        scores = pairs.strangers(vectors[inside], half.faces.person[inside])
        found[name] = scores
        limit = _RECIPE.children_cap_pct
        child = np.mean([level_of(v) > _RECIPE.children_from for v in vectors[inside]])
        cells = [rate_text(above(scores, p), len(scores)) if p <= limit or child < 0.5 else "capped" for p in SHOWN]
        rows.append((name, len(inside), f"{len(scores):,}", *cells))
    return rows, found


def published(half: Held) -> tuple[tuple[float, float], ...]:
    """What is published by percentage: the false match rate among grown-up look-alikes, times ``SPREAD``."""
    alike = pairs.look_alikes(_RECIPE.lookalikes, half.faces, half.rows)
    apart = strangers_of_lfw(half).impostor
    more = pairs.excess(alike, apart)
    print(f"look-alikes reach a score {more:.2f} times as often; {len(alike):,} and {len(apart):,} pairs")
    rates = []
    for percent in (50.0, *SHOWN, 99.9):
        count = above(alike, percent)
        by_strangers = more * above(apart, percent) / len(apart)
        print(percent, "look-alikes", count / len(alike), f"({count})", "strangers times excess", by_strangers)
        measured = count / len(alike) if count >= LEAST_COUNT else by_strangers
        rates.append((percent, float(f"{SPREAD * measured:.1e}")))
    return tuple(rates)


def strangers_of_lfw(half: Held) -> pairs.Scores:
    """One enrolment against one query vector of LFW."""
    recipe = _RECIPE.lookalikes
    return pairs.Scores.of_vectors(recipe.vectors(half.lfw.enrol), recipe.vectors(half.lfw.query), half.lfw_person)


def true_match_rows(half: Held) -> list[tuple[object, ...]]:
    """Genuine searches of LFW by how many photos were enrolled, and of hard photos against one."""
    recipe = _RECIPE.lookalikes
    enrol, query = recipe.vectors(half.lfw.enrol), recipe.vectors(half.lfw.query)
    rng = np.random.default_rng(7)
    rows: list[tuple[object, ...]] = []
    for count in ENROLLED:
        scores = []
        for person in np.unique(half.lfw_person):
            photos = rng.permutation(np.flatnonzero(half.lfw_person == person))
            if len(photos) <= count:
                continue
            user = unit(enrol[photos[:count]].mean(axis=0, keepdims=True))[0]
            asked = query[photos[count:][:5]]
            level = np.array([level_of(vector) for vector in asked])
            scores.append((asked @ user - level) / (1 - level))
        rows.append(_true_row(f"LFW, {count} enrolled", np.concatenate(scores)))
    for kind in sorted(set(half.hard.kinds.tolist())):
        asked_rows = np.flatnonzero(half.hard.kinds == kind)
        asked = recipe.vectors(half.hard.query[asked_rows])
        level = np.array([level_of(vector) for vector in asked])
        cosines = (asked @ enrol.T - level[:, None]) / (1 - level[:, None])
        same = half.hard_person[asked_rows][:, None] == half.lfw_person[None]
        own = half.hard.paths[asked_rows][:, None] == half.lfw.paths[None]
        rows.append(_true_row(f"LFW, {kind} photo, 1 enrolled", cosines[same & ~own]))
    return rows


def _true_row(name: str, scores: NDArray[np.floating]) -> tuple[object, ...]:
    return (name, len(scores), *(share_text(scores >= _CURVE.cosine(percent)) for percent in SHOWN))


def main() -> int:
    """Measure, print, write the section and the page's tables; 1 when the published rates are not those measured."""
    if not face_features.UTKFACE.exists() or not face_features.LFW.exists():
        print("skipped: ../shared/data has no LFW or no UTKFace")
        return 0
    if face_features.digest_of_shipped() != face_features.digest_of_fitted():
        print("refused: lookalikes.npz was fitted on other pictures than those that halves.py keeps for that")
        return 1
    half = held()
    rows, scores = group_rows(half)
    rates = published(half)
    at = [f"at {percent:.0f} %" for percent in SHOWN]
    large = [row for row in rows if len(scores[str(row[0])]) >= MANY_PAIRS]
    small = [row for row in rows if len(scores[str(row[0])]) < MANY_PAIRS]
    stated = dict(FALSE_MATCH_RATES)
    shown = ("published", "", "", *(f"{stated[percent]:.1e}" for percent in SHOWN))
    head = ("group", "faces", "pairs", *at)
    text = "False match rates of pairs of different people of one group, with intervals of 95 %.\n\n"
    text += table(head, [shown, *large])
    text += f"\n\nGroups of fewer than {MANY_PAIRS:,} pairs:\n\n" + table(head, small)
    text += "\n\nTrue match rates in percent, with standard errors:\n\n"
    text += table(("searches", "number", *at), true_match_rows(half))
    print(text)
    write(Section("differential", "Differential performance by group", COMMAND, text))
    page = ROOT / "docs" / "differential-performance.md"
    marked = re.compile("<!-- rates -->.*?<!-- /rates -->", re.DOTALL)
    filled = marked.sub(lambda _: f"<!-- rates -->\n{text}\n<!-- /rates -->", page.read_text(encoding="utf-8"))
    page.write_text(filled, encoding="utf-8")
    if rates != FALSE_MATCH_RATES:
        print("measured rates differ from engine/faces/assembly.py:", rates)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Adds to lookalikes.npz what one hard light does to any face: distributions of their own, beside those of people.

In: ../shared/data/lfw, the fetched networks and the mixture that scripts/fit_lookalikes.py wrote. Out: the mixture with
``DISTRIBUTIONS`` more, in place of those that an earlier run added. What people share stays as it was. Lights from a
side and from above are drawn (bench/drawn_light.py) onto photos of the half of the people that is fitted on;
bench/hard_light.py measures on the others. How many, how rare, and their level: chosen within the fitting half, one
half of its people against the other.

Usage: python scripts/fit_hard_light.py
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

import face_features  # noqa: E402
import look_alike_pairs as pairs  # noqa: E402
from custodes.engine.calibrate import Calibration  # noqa: E402
from custodes.engine.faces.assembly import KNOTS  # noqa: E402
from custodes.engine.faces.embedding.embed import unit  # noqa: E402
from custodes.engine.faces.embedding.lookalikes import Lookalikes, load_lookalikes  # noqa: E402

PEOPLE, DISTRIBUTIONS = 400, 6
LOG_PRIOR, LEVEL = -2.0, 0.04
"""Rarer ones leave strangers in one light as alike as they were, more common ones take in ordinary faces (at -2, 1.5 %
of UTKFace belong to them by a tenth or more). A higher level costs as many true matches as false ones."""
_ROUNDS = 60


def extended(model: Lookalikes, rows: NDArray[np.float64]) -> Lookalikes:
    """``model`` with distributions of ``rows`` (N, D), by expectation maximisation; its own stay fixed."""
    random, own = np.random.default_rng(0), len(model.directions)
    start = rows[random.choice(len(rows), DISTRIBUTIONS, replace=False)]
    directions = unit(start + 0.3 / np.sqrt(rows.shape[1]) * random.normal(size=start.shape))
    priors, levels = (np.full(DISTRIBUTIONS, value, np.float32) for value in (LOG_PRIOR, LEVEL))
    means, added = directions, model
    for _ in range(_ROUNDS):
        added = replace(
            model,
            log_priors=np.append(model.log_priors, priors),
            directions=np.vstack([model.directions, directions]),
            means=np.vstack([model.means, means]),
            levels=np.append(model.levels, levels),
        )
        part = added.shares(np.asarray(rows, np.float32))[:, own:]
        sums = part.T @ rows
        directions, means = unit(sums), np.asarray(sums / part.sum(axis=0)[:, None], np.float32)
    print(f"faces in each: {part.sum(axis=0).min():.0f} to {part.sum(axis=0).max():.0f}")
    return added


def people_alone(model: Lookalikes) -> Lookalikes:
    """``model`` without what an earlier run added."""
    kept = model.log_priors == 0
    return replace(
        model,
        log_priors=model.log_priors[kept],
        directions=model.directions[kept],
        means=model.means[kept],
        levels=model.levels[kept],
    )


def main() -> int:
    """Fit, write, print how many strangers in one light reach 80 %, before and after."""
    names = pairs.photographed_twice(face_features.LFW, fitting=True)[:PEOPLE]
    lit = face_features.lit_hard(names)
    before = people_alone(load_lookalikes())
    after = extended(before, lit.enrol.astype(np.float64))
    numbers = {name: np.asarray(getattr(after, name), np.float32) for name in Lookalikes.__slots__}
    fitted_on = {face_features.FITTED_ON: np.array(face_features.digest_of_shipped())}
    np.savez(face_features.MIXTURE, **numbers, **fitted_on)
    cut = Calibration(KNOTS).cosine(80.0)
    for kind in ("side", "above"):
        chosen = lit.take(np.flatnonzero(lit.kinds == kind))
        shares = [
            float((pairs.strangers(m.vectors(chosen.enrol), face_features.people(chosen)) >= cut).mean())
            for m in (before, after)
        ]
        print(f"light from {kind}: {shares[0]:.1e} of strangers reach 80 %, then {shares[1]:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

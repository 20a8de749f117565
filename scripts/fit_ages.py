"""Fits the constants of engine/faces/traits/ages.py on one half of labelled faces: years, interval, gender's odds.

In: ../shared/data/utkface and the fetched model pack. Out: ``_MEANT``, ``_SPREADS``, ``_ADULT`` and ``_CHILD`` on
standard output. bench/attributes.py measures on the other half. Nobody in the set is over 49, so the correction ends at
50, where the network's own word stands.

Usage: python scripts/fit_ages.py
"""

from __future__ import annotations

import os
import sys

import numpy as np
from scipy.optimize import minimize
from trait_data import DATA, central, half_of

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.traits.ages import _ADULT_FROM, _CHILD_UNTIL, _HEARD
from custodes.imaging.image import decode
from custodes.models.store import ModelStore, default_root

COVERED = 0.8
"""Share of the fitting half that the interval holds."""


def main() -> int:
    """Fit and print."""
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    rows = []
    for path in sorted((DATA / "utkface").glob("*.jpg")):
        if half_of(path.name) == 1:
            continue
        image = decode(path.read_bytes())
        face = central(engine.detect(Slot(0, RequestId("fit")), image).faces, image.size.width, image.size.height)
        if face is not None:
            said = engine.steps.traits.portrait.read(image.rgb, [face])
            middle = float(said.years[0] @ np.arange(1, 101))
            spread = float(said.years[0] @ np.arange(1, 101) ** 2) - middle**2
            age, gender = (int(part) for part in path.name.split("_")[:2])
            rows.append((age, gender == 0, middle, max(0.0, spread) ** 0.5, float(said.male[0])))
    age, man, middle, spread, male = np.array(rows).T
    heard = np.array(_HEARD)

    def corrected(meant: np.ndarray) -> np.ndarray:
        return np.interp(middle, heard, np.append(meant, (50.0, 100.0)))

    start = heard[:-2]
    fit = minimize(lambda v: np.abs(corrected(v) - age).mean(), start, method="Nelder-Mead", options={"maxfev": 20000})
    off = np.abs(corrected(fit.x) - age) / np.maximum(spread, 1e-6)
    odds = np.log(np.clip(male, 1e-6, 1 - 1e-6) / np.clip(1 - male, 1e-6, 1 - 1e-6))
    grown = np.interp(middle, (_CHILD_UNTIL, _ADULT_FROM), (0, 1))

    def loss(p: np.ndarray) -> float:
        fitted = (grown * p[0] + (1 - grown) * p[2]) * odds + grown * p[1] + (1 - grown) * p[3]
        return float((np.logaddexp(0, fitted) - man * fitted).mean())

    gender = minimize(loss, [1, 0, 1, 0]).x.round(2)
    print("_MEANT =", (*fit.x.round(1).tolist(), 50.0, 100.0))
    print("_SPREADS =", round(float(np.quantile(off, COVERED)), 2))
    print("_ADULT, _CHILD =", tuple(gender[:2].tolist()), tuple(gender[2:].tolist()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

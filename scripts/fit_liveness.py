"""Fits how passive liveness joins its witnesses, on simulated prints and screens of LFW's training half.

In: ../shared/data/lfw and the fetched models. Out: ``_WEIGHTS``, ``_BIAS`` and ``_USUAL`` for
engine/faces/traits/spoof.py on standard output. Real and attack count the same. bench/liveness.py measures on the
people of the other half.

Usage: python scripts/fit_liveness.py [PEOPLE]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))
from fit_trait_heads import logistic
from trait_data import TRAIN

from liveness import witnesses


def main() -> int:
    """Fit and print."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    said = witnesses(TRAIN, people, seed=7)
    pairs = [(w.brightness_peak, w.colour_peak) for w in said["real"] if w.colour_peak is not None]
    usual = np.median(np.array(pairs), axis=0)
    rows, labels = [], []
    for kind, found in said.items():
        rows += [w.evidence for w in found]
        labels += [float(kind == "real")] * len(found)
    x, y = np.array(rows), np.array(labels)
    weights = np.where(y == 1, 0.5 / (y == 1).sum(), 0.5 / (y == 0).sum())
    fitted = logistic(x, y, weights, 1e-4)
    print("evidence is relative to _USUAL; medians of real faces now:", [round(v, 3) for v in usual])
    print("_WEIGHTS =", tuple(round(float(v), 2) for v in fitted[:-1]), "_BIAS =", round(float(fitted[-1]), 2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

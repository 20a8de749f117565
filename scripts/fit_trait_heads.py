"""Fits what describing a face ships: heads for glasses, facial hair and smiles, and the joining of expressions.

In: the training half of the labelled faces (scripts/trait_labels.toml, 600 people of LFW), the fitting half of
FER2013's public test, and the fetched model pack. Out: src/custodes/engine/faces/traits/trait_heads.npz. The other
halves are not looked at; bench/attributes.py measures on them. How strongly weights are held back is chosen by
cross-validation, and the curve from score to confidence is fitted on scores of faces that the fold's weights have not
seen.

Usage: python scripts/fit_trait_heads.py
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from trait_data import TRAIN, central, fer_pictures, half_of, labelled

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.faces.traits.heads import EMOTIONS
from custodes.engine.results.face import FloatArray, Trait
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root

OUT = Path(__file__).parents[1] / "src" / "custodes" / "engine" / "faces" / "traits" / "trait_heads.npz"
HEADS = {
    Trait.EYEGLASSES: "eyes",
    Trait.SUNGLASSES: "eyes",
    Trait.BEARD: "mouth",
    Trait.MUSTACHE: "mouth",
    Trait.SMILE: "mouth",
}
"""Which features of ``Portraits`` each head sees."""
STRENGTHS = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1)
FOLDS = 5
SLOT = Slot(0, RequestId("fit"))
Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Row:
    """Features over the eyes and over the mouth, (1024,) each, and the face's five points."""

    eyes: Floats
    mouth: Floats
    points_px: FloatArray

    def at(self, place: str) -> Floats:
        """Features at ``eyes``, ``mouth`` or ``both``."""
        return {"eyes": self.eyes, "mouth": self.mouth, "both": np.concatenate([self.eyes, self.mouth])}[place]


def row(engine: FacePipeline, rgb: Picture) -> Row | None:
    """Features of the face that a portrait is of, and where it is; None when none is found."""
    found = engine.detect(SLOT, Image(rgb, b"")).faces
    face = central(found, rgb.shape[1], rgb.shape[0])
    if face is None:
        return None
    portraits = engine.steps.traits.portrait.read(rgb, [face])
    return Row(portraits.eyes[0].astype(np.float64), portraits.mouth[0].astype(np.float64), face.points_px)


def logistic(x: Floats, y: Floats, weights: Floats, strength: float) -> Floats:
    """Weights and bias (D + 1,) of the regularised logistic fit; ``weights`` count each row."""

    def loss(w: Floats) -> tuple[float, Floats]:
        odds = x @ w[:-1] + w[-1]
        chance = 1 / (1 + np.exp(-odds))
        off = (chance - y) * weights
        value = float((weights * (np.logaddexp(0, odds) - y * odds)).sum() + strength * (w[:-1] ** 2).sum())
        return value, np.append(x.T @ off + 2 * strength * w[:-1], off.sum())

    return np.asarray(minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x)


def head(x: Floats, y: Floats) -> Floats:
    """One head: strength by cross-validation, then a curve on held-out scores, then weights from all rows."""
    mean, spread = x.mean(0), x.std(0) + 1e-3
    z = (x - mean) / spread / np.sqrt(x.shape[1])
    each = np.full(len(y), 1 / len(y))
    fold = np.arange(len(y)) % FOLDS
    best, scores = np.inf, np.zeros(len(y))
    strength = STRENGTHS[0]
    for tried in STRENGTHS:
        seen = np.zeros(len(y))
        for k in range(FOLDS):
            w = logistic(z[fold != k], y[fold != k], each[fold != k], tried / 10)
            seen[fold == k] = z[fold == k] @ w[:-1] + w[-1]
        loss = float((np.logaddexp(0, seen) - y * seen).mean())
        if loss < best:
            best, scores, strength = loss, seen, tried
    curve = logistic(scores[:, None], y, each, 1e-6)
    w = logistic(z, y, each, strength / 10)
    w = np.append(w[:-1] * curve[0], w[-1] * curve[0] + curve[1])
    print(f"  strength {strength}, held-out log loss {best:.4f}, right {np.mean((scores > 0) == y):.4f}")
    plain = w[:-1] / spread / np.sqrt(x.shape[1])
    return np.append(plain, w[-1] - plain @ mean)


def joining(said: Floats, y: NDArray[np.int64], strength: float = 1e-3) -> Floats:
    """(7, 15): the regularised multinomial fit of expressions on the 14 log probabilities of both networks."""
    count, width = said.shape
    mean, spread = said.mean(0), said.std(0)
    z = (said - mean) / spread
    hot = np.eye(7)[y]

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(7, width + 1)
        odds = z @ w[:, :-1].T + w[:, -1]
        odds -= odds.max(1, keepdims=True)
        chance = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
        off = (chance - hot) / count
        value = -float(np.log((chance * hot).sum(1)).mean()) + strength * float((w[:, :-1] ** 2).sum())
        return value, np.hstack([off.T @ z + 2 * strength * w[:, :-1], off.sum(0)[:, None]]).ravel()

    w = minimize(loss, np.zeros(7 * (width + 1)), jac=True, method="L-BFGS-B").x.reshape(7, width + 1)
    plain = w[:, :-1] / spread
    return np.hstack([plain, (w[:, -1] - plain @ mean)[:, None]])


def expressions(engine: FacePipeline) -> Floats:
    """The joining, fitted on the fitting half of FER2013."""
    paths, labels = fer_pictures()
    fitting = np.array([half_of(path.name) == 0 for path in paths])
    pictures = [cv2.imread(str(path), cv2.IMREAD_COLOR) for path, fit in zip(paths, fitting, strict=True) if fit]
    crops = [[cv2.resize(picture, (side, side)) for picture in pictures] for side in (64, 112)]
    said = engine.steps.traits.expression().said(*crops)
    return joining(said.astype(np.float64), labels[fitting])


def main() -> int:
    """Fit all and write them beside the row of fit_occlusion.py."""
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    sheets, more = labelled(TRAIN), labelled(TRAIN, more=True)
    paths = sheets.paths + more.paths
    rows = [row(engine, decode(path.read_bytes()).rgb) for path in paths]
    fitted: dict[str, Floats] = {}
    for trait, place in HEADS.items():
        kind = trait.value.lower().removeprefix("face_")
        labels = np.concatenate([sheets.labels[kind], more.labels[kind]])
        pairs = [(one.at(place), y) for one, y in zip(rows, labels, strict=True) if one is not None and not np.isnan(y)]
        y = np.array([label for _, label in pairs])
        print(trait, f"{int(y.sum())} of {len(y)}")
        fitted[trait.value] = head(np.array([x for x, _ in pairs]), y)
    fitted[EMOTIONS] = expressions(engine)
    made = {name: values.astype(np.float16) for name, values in fitted.items()}
    np.savez(OUT, **{**dict(np.load(OUT)), **made})
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Passive liveness on simulated prints and screens: how well the score, and each witness alone, tells them from faces.

In: ../shared/data/lfw and the fetched models, those of the networks that were not taken, too, where they are there.
Out: a section of BENCHMARKS.md. The attacks are simulated (bench/attacks.py) on people of whom nothing was used in
fitting, with other random strengths. No figure here says how often a real attacker is caught.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from attacks import encoded, printed, replayed
from custodes.core.box import BoxPx
from custodes.core.device import Device
from custodes.core.errors import CustodesError
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.geometry.align import warp
from custodes.engine.faces.traits.spoof import Witnesses
from custodes.engine.runtime.session import NetworkSession, open_session
from custodes.imaging.image import decode
from custodes.models.card import load_cards
from custodes.models.store import ModelStore, default_root
from report import ROOT, Section, table, write

sys.path.append(str(ROOT / "scripts"))
from trait_data import DATA, TEST, lfw_half

COMMAND = ".venv/bin/python bench/liveness.py"
PEOPLE = 400
KINDS = {"real": encoded, "print": printed, "screen": replayed}
Floats = NDArray[np.float64]


def antispoof() -> NetworkSession | None:
    """The network that was measured and not taken, when it is fetched."""
    card = load_cards()["antispoof"]
    try:
        return open_session(ModelStore(default_root(os.environ)).path(card), card, Device.CPU)
    except CustodesError:
        return None


def witnesses(
    half: str, people: int, seed: int, other: dict[str, list[float]] | None = None
) -> dict[str, list[Witnesses]]:
    """What is said of the central face of one picture per person: as it is, printed, shown.

    ``other`` takes what the antispoof network says, if given and fetched.
    """
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    rejected = antispoof() if other is not None else None
    said: dict[str, list[Witnesses]] = {kind: [] for kind in KINDS}
    random = np.random.default_rng(seed)
    for path in lfw_half(half)[:people]:
        rgb = decode(path.read_bytes()).rgb
        for kind, attack in KINDS.items():
            shown = attack(rgb, random)
            found = engine.steps.finder.detector.detect(shown)
            if len(found.scores) == 0:
                continue
            middle = np.abs(found.boxes[:, :2] + found.boxes[:, 2:] - np.array(shown.shape[1::-1])).sum(axis=1)
            box = BoxPx(*(float(v) for v in found.boxes[int(np.argmin(middle))]))
            said[kind] += engine.steps.spoof.read(shown, [box])
            if other is not None and rejected is not None:
                other.setdefault(kind, []).append(_asked(rejected, shown, box))
    return said


def _asked(network: NetworkSession, rgb: NDArray[np.uint8], box: BoxPx) -> float:
    side = 128
    scale = side / max(box.width, box.height)
    shift = [side / 2 - scale * (a + b) / 2 for a, b in ((box.x1, box.x2), (box.y1, box.y2))]
    crop = warp(rgb, np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), (side, side))
    return float(network.run({"rgb": crop.transpose(2, 0, 1)[None].astype(np.float32)})["real"][0, 0])


def area(real: Floats, attack: Floats) -> float:
    """Area under the ROC: how often a face scores above an attack."""
    return float((real[:, None] > attack[None]).mean() + 0.5 * (real[:, None] == attack[None]).mean())


def row(name: str, scores: Mapping[str, Floats]) -> tuple[object, ...]:
    """Areas, and the attacks passed when one face in twenty, and one in a hundred, is refused."""
    cells: list[object] = [name]
    for kind in ("print", "screen"):
        cells.append(f"{area(scores['real'], scores[kind]):.3f}")
        for refused in (0.05, 0.01):
            cut = np.quantile(scores["real"], refused)
            cells.append(f"{100 * float((scores[kind] >= cut).mean()):.1f} %")
    return tuple(cells)


def other_faces() -> str:
    """How many real faces of another set, which no part of the fitting saw, reach a score of 50."""
    files = sorted((DATA / "utkface").glob("*.jpg"))[::10]
    if not files:
        return ""
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    slot = Slot(0, RequestId("bench"))
    scores = [f.score_pct for path in files for f in engine.liveness(slot, decode(path.read_bytes()), 1).faces]
    passed = 100 * float((np.array(scores) >= 50).mean())
    return f" Of {len(scores)} real faces of UTKFace, none of which was used in fitting, {passed:.1f} % reach 50."


def main() -> int:
    """Measure and write the section."""
    if not (DATA / "lfw").exists():
        print("skipped: no LFW photos in ../shared/data/lfw")
        return 0
    other: dict[str, list[float]] = {}
    said = witnesses(TEST, PEOPLE, seed=11, other=other)
    parts = {
        "score": {k: np.array([w.score_pct for w in v]) for k, v in said.items()},
        "network `liveness` alone": {k: np.array([w.network for w in v]) for k, v in said.items()},
        "brightness peak alone": {k: -np.array([w.brightness_peak or 0.0 for w in v]) for k, v in said.items()},
        "colour peak alone": {k: -np.array([w.colour_peak or 0.0 for w in v]) for k, v in said.items()},
    }
    if other:
        parts["network `antispoof` (not used)"] = {k: np.array(v) for k, v in other.items()}
    head = (
        "what", "print: area", "passed, 5 % of faces refused", "1 % refused",
        "screen: area", "passed, 5 % of faces refused", "1 % refused",
    )  # fmt: skip
    text = table(head, [row(name, scores) for name, scores in parts.items()])
    cut = {k: 100 * float((np.array([w.score_pct for w in v]) >= 50).mean()) for k, v in said.items()}
    text += (
        f"\n\nSimulated attacks on one picture each of {PEOPLE} people of LFW, of whom nothing was used in fitting; an "
        "area of 0.5 is chance. At a score of 50 "
        f"{cut['real']:.1f} % of faces, {cut['print']:.1f} % of prints and {cut['screen']:.1f} % of screens pass. "
        "These are pictures changed by formula, small and compressed as LFW is: they show what the score reacts to and "
        "not how often a real attacker is caught."
    )
    text += other_faces()
    print(text)
    write(Section("liveness", "Passive liveness on simulated attacks", COMMAND, text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Fits the weights of face liveness, and counts what they say of films that were kept apart.

In: portraits (../shared/data/lfw, and pictures named on the command line) and the fetched networks. Films are rendered
by tests/fakes/liveness_film.py, compressed frame by frame, and looked at by the product's own analysis. Out: weights as
a logistic fit has them, and the table of docs/liveness.md: for each species how many films were taken for live.

Nobody was filmed. Figures say how the machinery tells rendered films apart, not how often an attacker is caught.

    .venv/bin/python scripts/fit_face_liveness.py --people 8
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from custodes.core.box import Size
from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.imaging.image import decode
from custodes.liveness.challenge import ChallengeType, LivenessChallenge, draw
from custodes.liveness.judgement import LivenessEvidence, conditions, confidence_pct, features
from custodes.models.store import ModelStore, default_root
from custodes.operations.liveness.analysis import VideoLook
from custodes.video.formats.facts import VideoFacts
from custodes.video.frames import DecodingPlan, VideoFrame

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))
from fakes.liveness_film import Film, Light, Portrait, as_shown, displayed, portrait_of  # noqa: E402

FPS = 10.0
SLOT = Slot(0, RequestId("fit"))
SPECIES = (
    "bona fide", "no reflection", "wrong order", "replay of another session", "print in its own light",
    "print lit by the screen", "shrunk print lit by the screen", "two faces", "face swapped",
)  # fmt: skip


class Rendered:
    """A probe and a source of frames for a film that is in no file."""

    def __init__(self) -> None:
        self.film: Film | None = None

    def facts(self, path: Path) -> VideoFacts:  # noqa: ARG002 - the port's signature
        """Those of the film."""
        assert self.film is not None
        return VideoFacts("vp8", "WebM", int(self.film.end_ms), Fraction(int(FPS)), None, Size(640, 480))

    @contextmanager
    def frames(self, path: Path, plan: DecodingPlan) -> Iterator[Iterator[VideoFrame]]:  # noqa: ARG002 - as above
        """Those of the film, as a codec would leave them."""
        yield self._frames()

    def _frames(self) -> Iterator[VideoFrame]:
        assert self.film is not None
        for number in range(int(self.film.end_ms * FPS / 1000)):
            ts_ms = number * 1000 / FPS
            _, jpeg = cv2.imencode(".jpg", self.film.frame(ts_ms), [cv2.IMWRITE_JPEG_QUALITY, 60])
            yield VideoFrame(number, int(ts_ms), rgb=cv2.imdecode(jpeg, cv2.IMREAD_COLOR))


def films(
    one: Portrait, other: Portrait, challenge: LivenessChallenge, random: np.random.Generator
) -> dict[str, tuple[Film, list[float]]]:
    """A film of each species before ``challenge``, and when the client says that colours began."""
    colours = [colour.rgb for colour in challenge.colours]
    far, near = float(random.uniform(700, 1300)), float(random.uniform(2400, 3400))
    starts = as_shown(near + 1000, len(colours), tick_ms=float(random.uniform(4, 25)))
    end = starts[-1] + 330
    share, lag = float(random.uniform(0.015, 0.08)), float(random.uniform(60, 250))
    order = [colours[i] for i in random.permutation(len(colours))]
    drawn = [c.rgb for c in draw(ChallengeType.LIGHT, challenge.video, random.bytes).colours]
    lit = Light(displayed(starts, colours), share, lag)
    tint = tuple(float(v) for v in random.uniform(0.9, 1.1, 3))
    seed = int(random.integers(1 << 30))
    base = Film(one, challenge.oval, (640, 480), far, near, end, float(random.uniform(0.38, 0.5)), light=lit,
                noise=float(random.uniform(1, 3)), tint=tint, seed=seed)  # fmt: skip
    soft = lambda rgb: cv2.GaussianBlur(rgb, (3, 3), 0)  # noqa: E731
    return {
        "bona fide": (base, starts),
        "no reflection": (replace(base, light=None), starts),
        "wrong order": (replace(base, light=replace(lit, shown=displayed(starts, order))), starts),
        "replay of another session": (
            replace(base, light=replace(lit, shown=displayed(starts, drawn)), paper=soft),
            starts,
        ),
        "print in its own light": (replace(base, flat=True, light=None), starts),
        "print lit by the screen": (replace(base, flat=True), starts),
        "shrunk print lit by the screen": (replace(base, flat=True, start_share=0.3, paper=soft), starts),
        "two faces": (replace(base, second=other, beside=True), starts),
        "face swapped": (replace(base, second=other, second_from_ms=(far + near) / 2), starts),
    }


def portraits(engine: FacePipeline, names: list[Path]) -> list[Portrait]:
    """Of each picture with a face, enlarged to 512 pixels."""
    found = []
    for path in names:
        rgb = decode(path.read_bytes()).rgb
        side = max(rgb.shape[:2])
        rgb = np.asarray(cv2.resize(rgb, None, fx=512 / side, fy=512 / side, interpolation=cv2.INTER_CUBIC), np.uint8)
        if len(engine.steps.finder.find(rgb, 1).meshes):
            found.append(portrait_of(engine, rgb))
    return found


def looked(engine: FacePipeline, people: list[Portrait], seed: int) -> dict[str, list[LivenessEvidence]]:
    """Evidence by species."""
    rendered = Rendered()
    look = VideoLook(engine, rendered, rendered)
    random = np.random.default_rng(seed)
    said: dict[str, list[LivenessEvidence]] = {name: [] for name in SPECIES}
    for i, one in enumerate(people):
        challenge = draw(ChallengeType.LIGHT, Size(640, 480), random.bytes)
        for name, (film, starts) in films(one, people[i - 1], challenge, random).items():
            rendered.film = film
            said[name].append(look.look(SLOT, Path("none"), challenge, starts).evidence)
        print(f"{i + 1} of {len(people)}", file=sys.stderr, flush=True)
    return said


def fitted(said: dict[str, list[LivenessEvidence]], columns: tuple[int, ...]) -> np.ndarray:
    """Logistic weights (bias first) of the columns of ``features``, over films whose conditions hold; ridge 0.02."""
    rows = [
        (features(e, e.approach), name == "bona fide") for name, es in said.items() for e in es if conditions(e) > 0.5
    ]
    x = np.array([[1.0, *(f[c] for c in columns)] for f, _ in rows])
    y = np.array([float(live) for _, live in rows])
    weight = np.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    w = np.zeros(x.shape[1])
    for _ in range(200):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        ridge = np.diag([0.0] + [RIDGE] * (len(w) - 1)) * np.array([0.0, *(SCALE[c] ** 2 for c in columns)])
        gradient = x.T @ (weight * (p - y)) + ridge @ w
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge + 1e-9 * np.eye(len(w))
        w = w - np.linalg.solve(hessian, gradient)
    return w


RIDGE = 2e-3
SCALE = (1.0, 1.0, 0.03, 1.0)


def table(said: dict[str, list[LivenessEvidence]], at: float) -> None:
    """Rows of the table."""
    for name, evidence in said.items():
        scores = np.array([confidence_pct(e) for e in evidence])
        moved = np.array([confidence_pct(replace(e, reflection=None)) for e in evidence])
        fine = int((scores >= at).sum()), int((moved >= at).sum())
        print(f"| {name} | {len(scores)} | {fine[0]} | {np.median(scores):.1f} | {fine[1]} | {np.median(moved):.1f} |")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--people", type=int, default=8, help="of each half")
    options.add_argument("pictures", type=Path, nargs="*")
    given = options.parse_args()
    cv2.setNumThreads(1)
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    folders = sorted((ROOT.parent / "shared" / "data" / "lfw" / "images").iterdir())
    chosen = np.random.default_rng(18).permutation(len(folders))[: 2 * given.people]
    names = [sorted(folders[i].glob("*.jpg"))[0] for i in chosen]
    halves = [portraits(engine, [*given.pictures[half::2], *names[half::2]]) for half in (0, 1)]
    fit, held = looked(engine, halves[0], 1), looked(engine, halves[1], 2)
    for title, columns in (("light", (0, 1, 2, 3)), ("movement", (2, 3))):
        print(title, np.round(fitted(fit, columns), 2).tolist())
    for title, said in (("fitted on", fit), ("kept apart", held)):
        print(f"\n{title}\n\n| species | films | live by colours | median | live by movement alone | median |")
        table(said, 50.0)

"""Fits the weights of face liveness on films of one half of the people, and counts what they say of the other half.

In: portraits of people of ../shared/data/lfw, and the fetched networks. Films are rendered by
tests/fakes/liveness_film.py: heads with the perspective of their distance and the light of a screen, copies without,
with noise, exposure, white balance and compression that differ. The product's own analysis looks at them; what it saw
is kept in a folder, so that a run that was stopped goes on and a fit takes seconds. Out: weights for
liveness/judgement.py and the table of species in bench/face_liveness.json; ``--write`` puts them there.

Nobody was filmed. Figures say how the machinery tells rendered films apart, not how often an attacker is caught.

    .venv/bin/python scripts/fit_face_liveness.py --people 24
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import msgspec
import numpy as np

from custodes.core.box import Size
from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.imaging.image import decode
from custodes.liveness import judgement
from custodes.liveness.approach import OvalLook, approach
from custodes.liveness.challenge import ChallengeType, LivenessChallenge, draw
from custodes.liveness.judgement import (
    LivenessEvidence,
    Weights,
    colour_features,
    conditions,
    confidence_pct,
    depth_features,
)
from custodes.liveness.reflection import ColourSample, reflection
from custodes.models.store import ModelStore, default_root
from custodes.operations.liveness.analysis import VideoLook
from custodes.video.formats.facts import VideoFacts
from custodes.video.frames import DecodingPlan, VideoFrame

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))
from tests.fakes.liveness_film import Film, Light, Portrait, as_shown, displayed, portrait_of  # noqa: E402

FPS = 10.0
SLOT = Slot(0, RequestId("fit"))
LIVE = "bona fide (a head, lit by the screen)"
FITTED, HELD = 0, 1
RIDGE = 2e-5
SURE, REFUSED_SHARE = 0.95, 0.1
"""Each sign's bias is raised until all but this share of what it should pass, in the half fitted on, get so much of it:
two signs make 90. Where attacks and life overlap, as in depth, logistic outputs alone call no living person sure."""
SPECIES = (
    LIVE, "a head without reflection", "a head lit in the wrong order", "recording of another session",
    "print moved by hand, in daylight", "print moved by hand, lit by the screen", "shrunk print, lit by the screen",
    "bent print, lit by the screen", "photo that is not moved", "two faces", "face swapped between frames",
)  # fmt: skip
PLAIN = frozenset({"photo that is not moved", "two faces", "face swapped between frames"})
"""Species that conditions tell, of which a third of the people is enough."""


HEADS = frozenset(SPECIES[:4])
SHEETS = frozenset(SPECIES[4:8])
LIT_WRONG = frozenset({*SPECIES[1:4], SPECIES[4]})


@dataclass(frozen=True)
class Take:
    """A film, its compression (quality of each frame as a JPEG), and when the client says that colours began."""

    film: Film
    quality: int
    starts: list[float]


class Rendered:
    """A source of frames for a film that is in no file."""

    def __init__(self) -> None:
        self.take: Take | None = None

    def structure(self, data: bytes) -> VideoFacts:  # noqa: ARG002 - the port's signature
        """Of any of them."""
        return VideoFacts("vp8", "WebM", 10_000, Fraction(int(FPS)), None, Size(640, 480))

    @contextmanager
    def frames(self, path: Path, plan: DecodingPlan) -> Iterator[Iterator[VideoFrame]]:  # noqa: ARG002 - as above
        """Those of the film, as a codec would leave them."""
        yield self._frames()

    def _frames(self) -> Iterator[VideoFrame]:
        assert self.take is not None
        film = self.take.film
        for number in range(int(film.end_ms * FPS / 1000)):
            ts_ms = number * 1000 / FPS
            _, jpeg = cv2.imencode(".jpg", film.frame(ts_ms), [cv2.IMWRITE_JPEG_QUALITY, self.take.quality])
            yield VideoFrame(number, int(ts_ms), rgb=cv2.imdecode(jpeg, cv2.IMREAD_COLOR))


def takes(one: Portrait, other: Portrait, challenge: LivenessChallenge, random: np.random.Generator) -> dict[str, Take]:
    """A film of each species before ``challenge``."""
    colours = [colour.rgb for colour in challenge.colours]
    far, near = float(random.uniform(500, 1100)), float(random.uniform(1900, 3000))
    starts = as_shown(near + 800, len(colours), tick_ms=float(random.uniform(4, 25)))
    share, lag = float(random.uniform(0.015, 0.08)), float(random.uniform(60, 250))
    order = [colours[i] for i in random.permutation(len(colours))]
    drawn = [c.rgb for c in draw(ChallengeType.LIGHT, challenge.video, random.bytes).colours]
    lit = Light(displayed(starts, colours), share, lag)
    tint = tuple(float(v) for v in random.uniform(0.9, 1.1, 3))
    turn, quality = float(random.uniform(0, 6)), int(random.integers(40, 80))
    base = Film(one, challenge.oval, (640, 480), far, near, starts[-1] + 330, float(random.uniform(0.36, 0.5)),
                light=lit, noise=float(random.uniform(1, 4)), tint=tint, turn_deg=turn,
                exposure=float(random.uniform(0.6, 1.3)), seed=int(random.integers(1 << 30)))  # fmt: skip
    soft = lambda rgb: cv2.GaussianBlur(rgb, (3, 3), 0)  # noqa: E731
    sheet = replace(base, flat=True, turn_deg=float(random.uniform(3, 12)))
    films = (
        base,
        replace(base, light=None),
        replace(base, light=replace(lit, shown=displayed(starts, order))),
        replace(base, light=replace(lit, shown=displayed(starts, drawn)), paper=soft),
        replace(sheet, light=None),
        sheet,
        replace(sheet, start_share=0.3, paper=soft),
        replace(sheet, bend=float(random.uniform(0.3, 0.9))),
        replace(sheet, frozen=True, turn_deg=0.0),
        replace(base, second=other, beside=True),
        replace(base, second=other, second_from_ms=(far + near) / 2),
    )
    return {name: Take(film, quality, starts) for name, film in zip(SPECIES, films, strict=True)}


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


def people(count: int) -> list[Path]:
    """One picture of each of ``2 * count`` people; every other one is held apart."""
    folders = sorted((ROOT.parent / "shared" / "data" / "lfw" / "images").iterdir())
    chosen = np.random.default_rng(18).permutation(len(folders))[: 2 * count]
    return [sorted(folders[i].glob("*.jpg"))[0] for i in chosen]


@dataclass(frozen=True, eq=False)
class Seen:
    """What the product's analysis saw of one film: all that evidence is computed from."""

    sightings: list[OvalLook]
    samples: list[ColourSample]
    challenge: LivenessChallenge
    starts: list[float]
    end_ms: int
    same_pct: float
    passive_pct: float

    def evidence(self) -> LivenessEvidence:
        """Of the challenge with colours."""
        challenge = self.challenge
        seed = int(challenge.digest()[:8], 16)
        return LivenessEvidence(
            approach(self.sightings, challenge.oval, self.end_ms),
            self.same_pct,
            self.passive_pct,
            reflection(self.samples, self.starts, challenge.colours, seed),
        )

    def moved(self) -> LivenessEvidence:
        """Of movement alone, which ends where colours would begin."""
        until = int(self.starts[0])
        seen = [one for one in self.sightings if one.ts_ms <= until]
        return LivenessEvidence(approach(seen, self.challenge.oval, until), self.same_pct, self.passive_pct)


def look(names: list[Path], kept: Path, deadline: float) -> bool:
    """Keep what is seen of the films of each of ``names``; False where time was over before all were."""
    kept.mkdir(parents=True, exist_ok=True)
    missing = [i for i in range(len(names)) if not (kept / f"{i}.done").exists()]
    if not missing:
        return True
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    rendered = Rendered()
    looking = VideoLook(engine, rendered.structure, rendered)
    for i in missing:
        pair = portraits(engine, [names[i], names[(i + 2) % len(names)]])
        random = np.random.default_rng(1000 + i)
        challenge = draw(ChallengeType.LIGHT, Size(640, 480), random.bytes)
        made = takes(pair[0], pair[1], challenge, random) if len(pair) == 2 else {}
        for name, take in made.items():
            if name in PLAIN and i % 6 > 1:
                continue
            if time.monotonic() > deadline:
                return False
            rendered.take = take
            at = looking.watch(SLOT, Path("none"))
            found = looking.findings(SLOT, at, challenge, take.starts).evidence
            seen = Seen(at.sightings, at.samples, challenge, take.starts, at.end_ms, found.same_pct, found.passive_pct)
            (kept / f"{i}-{SPECIES.index(name)}.seen").write_bytes(msgspec.json.encode(seen, enc_hook=_numbers))
        (kept / f"{i}.done").touch()
        print(f"{i + 1} of {len(names)}", file=sys.stderr, flush=True)
    return True


def _numbers(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _points(kind: object, value: object) -> object:  # noqa: ARG001 - arrays are all that is asked for
    return np.asarray(value, np.float32)


def films_of(kept: Path, half: int) -> dict[str, list[Seen]]:
    """What was seen of the people of one half, by species."""
    found: dict[str, list[Seen]] = {name: [] for name in SPECIES}
    for path in sorted(kept.glob("*.seen")):
        person, species = map(int, path.stem.split("-"))
        if person % 2 == half:
            found[SPECIES[species]].append(msgspec.json.decode(path.read_bytes(), type=Seen, dec_hook=_points))
    return found


def fitted(live: list[tuple[float, ...]], attacks: list[tuple[float, ...]]) -> tuple[float, ...]:
    """Logistic weights, bias first. None is negative: no sign of life counts against it, however few the films."""
    used = list(range(len(live[0])))
    while True:
        rows = [[tuple(row[c] for c in used) for row in side] for side in (live, attacks)]
        bias, *slopes = _logistic(*rows)
        if min(slopes, default=0.0) >= 0:
            found = dict(zip(used, slopes, strict=True))
            return (round(bias, 2), *(round(found.get(c, 0.0), 2) for c in range(len(live[0]))))
        used.pop(int(np.argmin(slopes)))


def _logistic(live: list[tuple[float, ...]], attacks: list[tuple[float, ...]]) -> list[float]:
    """Both sides count the same; ridge ``RIDGE`` on slopes."""
    x = np.array([[1.0, *row] for row in (*live, *attacks)])
    y = np.array([1.0] * len(live) + [0.0] * len(attacks))
    weight = np.where(y > 0, 0.5 / max(1, len(live)), 0.5 / max(1, len(attacks)))
    ridge = np.diag([0.0] + [RIDGE] * (x.shape[1] - 1))
    w = np.zeros(x.shape[1])
    for _ in range(500):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge + 1e-9 * np.eye(len(w))
        step = np.linalg.solve(hessian, x.T @ (weight * (p - y)) + ridge @ w)
        w = w - step * min(1.0, 3.0 / max(1e-9, float(np.abs(step).max())))
    return [float(v) for v in w]


def fitted_weights(films: dict[str, list[Seen]]) -> Weights:
    """Where conditions fail, nothing else counts, so such films are left out."""
    colours: dict[bool, list[tuple[float, ...]]] = {True: [], False: []}
    depth: dict[bool, list[tuple[float, ...]]] = {True: [], False: []}
    for name, seen in films.items():
        for evidence in (one.evidence() for one in seen):
            if evidence.approach is None or evidence.reflection is None or conditions(evidence) < 0.5:
                continue
            if name == LIVE or name in LIT_WRONG:
                colours[name == LIVE].append(colour_features(evidence.reflection))
            if name in HEADS or name in SHEETS:
                depth[name in HEADS].append(depth_features(evidence, evidence.approach))
    return Weights(*(sure_of(fitted(rows[True], rows[False]), rows[True]) for rows in (colours, depth)))


def sure_of(weights: tuple[float, ...], live: list[tuple[float, ...]]) -> tuple[float, ...]:
    """``weights`` with a bias by which all but ``REFUSED_SHARE`` of ``live`` come to ``SURE``."""
    bias, *slopes = weights
    outputs = [float(np.dot(slopes, row)) for row in live]
    enough = float(np.log(SURE / (1 - SURE)) - np.quantile(outputs, REFUSED_SHARE))
    return (round(max(bias, enough), 2), *slopes)


def wilson(hits: int, count: int) -> str:
    """A share in percent with its 95 % interval. Source: Wilson, 1927."""
    if not count:
        return "-"
    z, p = 1.96, hits / count
    middle, half = p + z * z / (2 * count), z * np.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    low, high = ((middle + sign * half) / (1 + z * z / count) * 100 for sign in (-1, 1))
    return f"{100 * p:.0f} % ({max(0.0, low):.0f} to {min(100.0, high):.0f})"


def table(films: dict[str, list[Seen]], weights: Weights) -> tuple[str, dict[str, object]]:
    """The table of species as Markdown, and its figures."""
    lines = [
        "| species | films | colours: live at 50 | at 90 | at 98 | median | movement alone: at 50 | at 90 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rates: dict[tuple[str, str], tuple[int, int]] = {}
    for name, seen in films.items():
        lit = np.array([confidence_pct(one.evidence(), weights) for one in seen])
        moved = np.array([confidence_pct(one.moved(), weights) for one in seen])
        passed = [
            int((scores >= at).sum()) for scores, at in ((lit, 50), (lit, 90), (lit, 98), (moved, 50), (moved, 90))
        ]
        for kind, count in (("colours", passed[1]), ("colours, at 98", passed[2]), ("movement", passed[4])):
            rates[name, kind] = (count, len(seen))
        middle = f"{np.median(lit):.1f}" if len(lit) else "-"
        lines.append(
            f"| {name} | {len(seen)} | {passed[0]} | {passed[1]} | {passed[2]} | {middle} | {passed[3]} | {passed[4]} |"
        )
    attacks = [name for name in SPECIES if name != LIVE and films[name]]
    if not attacks or not films[LIVE]:
        return "\n".join(lines), {"rates": {}}
    titles = {"At 90, colours": "colours", "At 98, colours": "colours, at 98", "At 90, movement": "movement"}
    worst = {
        kind: max(attacks, key=lambda name, kind=kind: rates[name, kind][0] / rates[name, kind][1])  # type: ignore[misc]
        for kind in titles.values()
    }
    said = [
        f"{title}: worst APCER {wilson(*rates[worst[kind], kind])}, {worst[kind]}; "
        f"BPCER {wilson(rates[LIVE, kind][1] - rates[LIVE, kind][0], rates[LIVE, kind][1])}."
        for title, kind in titles.items()
    ]
    text = "\n".join(lines) + "\n\n" + " ".join(said) + " No film went without an answer (APNRR and BPNRR 0 %)."
    return text, {"rates": {" / ".join(key): value for key, value in rates.items()}}


def main() -> int:
    """Look, fit, count."""
    options = argparse.ArgumentParser()
    options.add_argument("--people", type=int, default=20, help="of each half")
    options.add_argument("--kept", type=Path, default=ROOT / "build" / "face-liveness")
    options.add_argument("--seconds", type=float, default=1e9, help="stop looking after so many; a later run goes on")
    options.add_argument("--write", action="store_true", help="put weights and table where rule and pages have them")
    given = options.parse_args()
    cv2.setNumThreads(1)
    if not look(people(given.people), given.kept, time.monotonic() + given.seconds):
        print("more to do")
    weights = fitted_weights(films_of(given.kept, FITTED))
    print(weights)
    for title, half in (("fitted on", FITTED), ("kept apart", HELD)):
        text, rates = table(films_of(given.kept, half), weights)
        print(f"\n{title}\n\n{text}")
    if given.write:
        rule = Path(judgement.__file__)
        line = f"WEIGHTS = Weights({weights.colours}, {weights.depth})"
        rule.write_text(re.sub(r"^WEIGHTS = .*$", line, rule.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
        (ROOT / "bench" / "face_liveness.json").write_text(json.dumps({"text": text, **rates}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

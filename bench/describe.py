"""What DetectFaces with ALL costs beyond the networks it has to run, and what each set of attributes costs.

In: the astronaut picture that scikit-image carries (public domain), once and four times in one picture, and the fetched
model pack. Out: a section of BENCHMARKS.md. Times are of the processor (one thread), so that neighbours on the machine
hardly matter; networks and whole calls alternate. Decoding is left out: it depends on the picture.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import skimage.data

from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import Detail, Trait
from custodes.engine.runtime.session import NetworkSession, Threads, open_session
from custodes.imaging.image import Image
from custodes.models.card import load_cards
from custodes.models.store import ModelStore, default_root
from report import Section, table, write

COMMAND = ".venv/bin/python bench/describe.py"
ROUNDS = int(os.environ.get("ROUNDS", "40"))
SLOT = Slot(0, RequestId("bench"))
ALL = frozenset(Trait)


def networks(faces: int, side: int) -> Mapping[str, tuple[NetworkSession, tuple[int, ...], tuple[str, ...]]]:
    """What one call with ALL has to run: session, input shape and wanted outputs by card."""
    store, cards = ModelStore(default_root(os.environ)), load_cards()

    def opened(name: str) -> NetworkSession:
        return open_session(store.path(cards[name]), cards[name], Device.CPU, Threads(1))

    return {
        "centerface": (opened("centerface"), (1, 3, side, side), ("heatmap", "scale", "offset", "landmarks")),
        "facemesh": (opened("facemesh"), (faces, 3, 192, 192), ("mesh", "presence")),
        "iris, once per face": (opened("iris"), (2, 3, 64, 64), ("points",)),
        "faceres": (opened("faceres"), (faces, 3, 224, 224), ("embedding", "gender", "age", "places")),
        "emotion": (opened("emotion"), (2 * faces, 3, 64, 64), ("emotion",)),
        "expression": (opened("expression"), (2 * faces, 3, 112, 112), ("expression",)),
    }


def processor_ms(run: Callable[[], object]) -> float:
    """Processor time of one run."""
    started = time.process_time()
    run()
    return 1000 * (time.process_time() - started)


def call(engine: FacePipeline, image: Image, detail: Detail, traits: frozenset[Trait]) -> None:
    """What DetectFaces asks of the engine."""
    engine.describe(SLOT, image, engine.detect(SLOT, image, detail).faces, traits)


def measure(engine: FacePipeline, image: Image, faces: int) -> tuple[list[tuple[object, ...]], str]:
    """A row per network and set of attributes, and the ratio in words."""
    side = max(image.size.width, image.size.height)
    random = np.random.default_rng(0)
    sessions = networks(faces, side)
    feeds = {name: random.uniform(0, 255, shape).astype(np.float32) for name, (_, shape, _) in sessions.items()}
    asked = {
        "DEFAULT": (Detail.BOX, frozenset[Trait]()),
        "AGE_RANGE": (Detail.BOX, frozenset({Trait.AGE_RANGE})),
        "EMOTIONS": (Detail.BOX, frozenset({Trait.EMOTIONS})),
        "ALL": (Detail.FULL, ALL),
    }
    times: dict[str, list[float]] = {name: [] for name in (*sessions, *asked)}
    for _ in range(ROUNDS):
        for name, (session, _, wanted) in sessions.items():
            repeated = faces if name.startswith("iris") else 1
            run = partial(session.run, {"rgb": feeds[name]}, wanted)
            times[name].append(sum(processor_ms(run) for _ in range(repeated)))
        for name, (detail, traits) in asked.items():
            times[name].append(processor_ms(partial(call, engine, image, detail, traits)))
    middle = {name: statistics.median(values) for name, values in times.items()}
    total = sum(middle[name] for name in sessions)
    rows: list[tuple[object, ...]] = [(name, faces, f"{middle[name]:.1f}") for name in times]
    return rows, f"{faces} face{'s' if faces > 1 else ''}: ALL is {middle['ALL'] / total:.2f} times its networks"


def main() -> int:
    """Measure one face and four, write the section."""
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    one = skimage.data.astronaut()
    four = np.vstack([np.hstack([one, one]), np.hstack([one, one])])[::2, ::2].copy()
    rows, words = [], []
    for rgb, faces in ((one, 1), (four, 4)):
        image = Image(np.ascontiguousarray(rgb), b"")
        assert len(engine.detect(SLOT, image).faces) == faces
        more, said = measure(engine, image, faces)
        rows += more
        words.append(said)
    text = table(("network, or attributes asked for", "faces", "processor ms"), rows)
    text += f"\n\n{'; '.join(words)} (wanted: at most 1.25)."
    print(text)
    write(Section("describe", "Cost of attributes", COMMAND, text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

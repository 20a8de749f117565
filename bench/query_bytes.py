"""Faces that are searched for in bytes beside float32: how alike the vectors are, what is recognised, and the time.

Run: ``.venv/bin/python bench/query_bytes.py [--photos N]``. Needs a processor with VNNI and ../shared/data/lfw;
skipped, saying so, without. Ranges were fitted on other faces (scripts/fit_byte_ranges.py). Both ways take turns photo
by photo. Out: a section of BENCHMARKS.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import numpy as np

import face_features
import look_alike_pairs
from custodes.core.device import Device, QueryArithmetic
from custodes.core.errors import UnavailableError
from custodes.engine.faces.assembly import face_recipe, open_face_engine
from custodes.engine.results.face import VectorUse
from custodes.imaging.image import decode
from custodes.models.store import ModelStore, default_root
from labels import SLOT
from report import Section, table, write

FARS = (1e-3, 1e-4, 1e-5)
PASSES = 2


def main() -> int:
    """Measure both ways, write the section."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=2_500, help="so many of LFW, by name")
    wanted = parser.parse_args().photos
    sys.argv[1:] = []
    store = ModelStore(default_root(os.environ))
    try:
        ways = {way: open_face_engine(store, Device.CPU, 1, queries=way) for way in QueryArithmetic}
    except UnavailableError as error:
        print(f"skipped: {error.message}")
        return 0
    if not face_features.LFW.exists():
        print("skipped: no LFW photos in ../shared/data/lfw")
        return 0
    paths = sorted(face_features.LFW.glob("*/*.jpg"))[:wanted]
    spent = np.empty((len(paths), len(ways)))
    said: dict[QueryArithmetic, list[np.ndarray]] = {way: [] for way in ways}
    kept = []
    for at, path in enumerate(paths):
        data = path.read_bytes()
        for k, (way, engine) in enumerate(ways.items()):
            times = []
            for _ in range(PASSES):
                start = time.process_time()
                image = decode(data)
                faces = engine.detect(SLOT, image, at_most=1).faces
                vectors = engine.steps.embedder.features(image.rgb, faces, VectorUse.QUERY)
                times.append(time.process_time() - start)
            spent[at, k] = min(times)
            said[way].append(vectors[0])
        kept.append(engine.steps.embedder.features(image.rgb, faces, VectorUse.ENROL)[0])
    person = np.unique([path.parent.name for path in paths], return_inverse=True)[1]
    recipe = face_recipe().lookalikes
    assert recipe is not None
    enrolled = recipe.vectors(np.stack(kept))
    first = np.stack(said[QueryArithmetic.FLOAT32])
    out: list[tuple[object, ...]] = []
    for k, way in enumerate(ways):
        found = np.stack(said[way])
        alike = (first * found).sum(axis=1)
        scores = look_alike_pairs.Scores.of_vectors(enrolled, recipe.vectors(found), person)
        cuts = [float(scores.impostor[int(len(scores.impostor) * (1 - far))]) for far in FARS]
        rates = [f"{100 * float((scores.genuine >= cut).mean()):.1f} %" for cut in cuts]
        ratio = float(np.median(spent[:, k] / spent[:, 0]))
        ms = 1e3 * float(np.median(spent[:, k]))
        out.append((way.value, f"{ms:.1f}", f"**{ratio:.2f}**", f"{alike.mean():.4f} / {alike.min():.3f}", *rates))
    head = (
        "queries",
        "ms of the processor",
        "of float32",
        "cosine to float32, mean / least",
        *(f"TAR at {far:.0e}" for far in FARS),
    )
    text = table(head, out)
    text += (
        f"\n\n{len(paths):,} photos of LFW, decoded, detected, embedded as a search does on one core, against the "
        f"vectors of their enrolments: {len(scores.genuine):,} pairs of one person, {len(scores.impostor):,} of two."
    )
    print(text)
    write(Section("query_bytes", "Queries in bytes", "python bench/query_bytes.py", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

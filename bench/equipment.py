"""DetectProtectiveEquipment: drawn masks and bare faces, covered and bare heads, of people nothing was fitted on.

Run: ``.venv/bin/python bench/equipment.py [--quick] [--print]``. Needs ``../shared/data`` (LFW, UTKFace) and the
fetched model pack; skipped, saying so, without. Masks are drawings; heads are photographs, labelled by
us. ``--quick`` takes a tenth and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import numpy as np

import report
from custodes.core.device import Device
from custodes.engine.equipment.assembly import open_head_scores
from custodes.engine.equipment.head_cover import load_head_cover
from custodes.engine.equipment.masks import load_mask_heads, told
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import Judgement
from custodes.engine.runtime.networks import Networks
from custodes.models.store import ModelStore, default_root

DATA = report.ROOT.parent / "shared" / "data"
sys.path.insert(0, str(report.ROOT / "scripts"))


def masks(engine: FacePipeline, people: int, others: int) -> str:
    """Both mask heads and the rule over them, by what is before the mouth."""
    from fit_mask_heads import BARE, COLLAR, OBJECT, cases, portraits
    from mask_drawing import COVERING, FITTING_STYLES, UNSEEN_STYLES
    from trait_data import TEST

    heads = load_mask_heads()
    groups: dict[str, list[tuple[Judgement, Judgement] | None]] = {}
    for case in cases(engine, portraits(TEST, people, others), FITTING_STYLES + UNSEEN_STYLES, seed=8):
        name = case.fit if not case.style else f"{case.fit}, kind {'new' if case.style in UNSEEN_STYLES else 'fitted'}"
        row = None if case.features is None else case.features[None]
        judged = None if row is None else (heads.worn.judge(row)[0], heads.covering.judge(row)[0])
        groups.setdefault(name, []).append(judged)
    rows: list[tuple[object, ...]] = []
    for name in sorted(groups):
        found = [pair for pair in groups[name] if pair is not None]
        said = [pair for pair in found if told(*pair)]
        right = sum(pair[1].value is name.startswith(COVERING) for pair in said)
        masked = not name.startswith((BARE, OBJECT, COLLAR))
        share = f"{100 * right / len(said):.1f} %" if masked and said else ""
        lost = len(groups[name]) - len(found)
        rows.append((name, len(groups[name]), lost, f"{100 * len(said) / len(found):.1f} %", share))
    return report.table(("before the mouth", "pictures", "face not found", "mask told", "`CoversBodyPart` right"), rows)


def bare_faces(engine: FacePipeline, people: int, others: int) -> str:
    """Masks said of photographs as they are, nearly all of bare faces."""
    from fit_mask_heads import bare, portraits
    from trait_data import TEST

    heads = load_mask_heads()
    rows: list[tuple[object, ...]] = []
    for name, paths in {
        "LFW, press photographs": portraits(TEST, people, 0),
        "UTKFace, 6 years and more": portraits(TEST, 0, others),
    }.items():
        found = np.array([case.features for case in bare(engine, paths) if case.features is not None])
        pairs = list(zip(heads.worn.judge(found), heads.covering.judge(found), strict=True))
        rows.append((name, len(pairs), sum(told(*pair) for pair in pairs)))
    return report.table(("faces as they are", "faces", "mask told"), rows)


def covers(engine: FacePipeline, store: ModelStore, every: int) -> str:
    """Covered and bare heads of the measuring half."""
    from fit_head_cover import labelled_heads, scores
    from trait_data import TEST

    reader = load_head_cover(open_head_scores(Networks(store, Device.CPU, 1)))
    judged: dict[bool, list[Judgement]] = {True: [], False: []}
    for path, covered in list(labelled_heads(TEST))[::every]:
        row = scores(engine, reader, path)
        if row is not None:
            judged[covered].append(reader.covered.judge(row[None].astype(np.float32))[0])
    rows = [
        (name, len(judged[covered]), share(judged[covered], 50), share(judged[covered], 80))
        for name, covered in (("covered", True), ("bare", False))
    ]
    return report.table(("heads", "number", "cover told", "at 80 % and more"), rows)


def share(judged: Sequence[Judgement], least_pct: float) -> str:
    """How many are called covered at ``least_pct`` and more."""
    told_of = sum(one.value and one.confidence_pct >= least_pct for one in judged)
    return f"{told_of} ({100 * told_of / max(1, len(judged)):.1f} %)"


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything; prints and writes nothing")
    parser.add_argument("--print", action="store_true", help="do not write BENCHMARKS.md")
    options = parser.parse_args()
    if not (DATA / "lfw" / "images").is_dir():
        print(f"skipped: there are no photos in {DATA / 'lfw'}")
        return 0
    store = ModelStore(default_root(os.environ))
    engine = open_face_engine(store, Device.CPU, threads=1)
    quick = options.quick
    parts = [
        masks(engine, *((20, 10) if quick else (200, 100))),
        "\nMasks are drawings, spoiled as photographs are (scripts/mask_drawing.py). Collars and scarves end at the "
        "chin; objects are hands, microphones and cups, some of which hide mouth and nose.\n",
        bare_faces(engine, *((100, 50) if quick else (1000, 800))),
        "\n### Heads\n",
        covers(engine, store, 10 if quick else 1),
        "\nHeads of LFW, photographs as they are, labelled by us by looking: caps, helmets, hats, turbans, scarves.",
    ]
    section = report.Section(
        "equipment", "Protective equipment", ".venv/bin/python bench/equipment.py", "\n".join(parts)
    )
    print(section.text)
    if not (quick or options.print):
        report.write(section)
    return 0


if __name__ == "__main__":
    sys.exit(main())

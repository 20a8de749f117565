"""Head pose on portraits turned by computer, of people that nothing was fitted on: the mesh alone, and what is told.

Run: ``.venv/bin/python bench/pose.py [--quick] [--print]``. Needs ``../shared/data`` (LFW) and the fetched model pack;
skipped, saying so, without. Angles are exact because the pictures are made from the angles (scripts/turned_faces.py);
what real profiles do besides is not in them. ``--quick`` takes a tenth and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import sys

import numpy as np

import report
from custodes.core.device import Device
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.geometry.pose import head_pose
from custodes.engine.faces.geometry.turned_pose import load_turned_pose
from custodes.models.store import ModelStore, default_root

DATA = report.ROOT.parent / "shared" / "data"
sys.path.insert(0, str(report.ROOT / "scripts"))
YAWS, PITCHES = ((0, 15), (15, 30), (30, 50), (50, 70), (70, 90)), ((0, 15), (15, 30), (30, 45))


def main() -> int:
    """Turn, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything; prints and writes nothing")
    parser.add_argument("--print", action="store_true", help="do not write BENCHMARKS.md")
    options = parser.parse_args()
    if not (DATA / "lfw" / "images").is_dir():
        print(f"skipped: there are no photos in {DATA / 'lfw'}")
        return 0
    from fit_pose import views
    from trait_data import TEST

    engine, network = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1), load_turned_pose()
    made = list(views(engine, TEST, 8 if options.quick else 80, 8, seed=3))
    known = [(view.angles, view.seen) for view in made if view.seen is not None]

    def off(yaw: bool, low: float, high: float) -> tuple[int, list[float]]:
        """How many views lie between two angles, and the mean error of both ways."""
        rows = []
        for angles, seen in known:
            true = angles.yaw_deg if yaw else angles.pitch_deg
            if not low <= abs(true) < high or (not yaw and abs(angles.yaw_deg) >= 50):
                continue
            told = head_pose(seen.vertices_px), network.pose(seen.vertices_px, seen.points_px, seen.presence)
            rows.append([abs((pose.yaw_deg if yaw else pose.pitch_deg) - true) for pose in told])
        return len(rows), [float(value) for value in np.mean(rows, axis=0)] if rows else [np.nan, np.nan]

    rows: list[tuple[object, ...]] = []
    for yaw, bands in ((True, YAWS), (False, PITCHES)):
        for low, high in bands:
            count, (mesh, told) = off(yaw, low, high)
            name = "yaw" if yaw else "pitch, yaw below 50°"
            rows.append((f"{name} {low} to {high}°", count, f"{mesh:.1f}°", f"**{told:.1f}°**"))
    text = report.table(("angle", "views", "error of the mesh alone", "error of what is told"), rows)
    text += f"\n\nIn {len(made) - len(known)} of {len(made)} views no face was found where it is."
    print(text)
    if not (options.quick or options.print):
        report.write(report.Section("pose", "Head pose", ".venv/bin/python bench/pose.py", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Faces found: portraits enlarged until one face might be reported as several, faces in long pictures, turned faces.

Run: ``.venv/bin/python bench/found.py [--print]``. Needs ``../shared/data/lfw`` and the fetched model pack; without the
pictures it is skipped, saying so. Nothing is fitted on these people.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path

import cv2
import numpy as np

import report
from custodes.core.device import Device
from custodes.core.ids import RequestId
from custodes.core.slot import Slot
from custodes.engine.faces.assembly import open_face_engine
from custodes.engine.faces.geometry.align import RgbArray
from custodes.engine.faces.pipeline import FacePipeline
from custodes.engine.results.face import DetectedFace
from custodes.imaging.image import Image, decode
from custodes.models.store import ModelStore, default_root

LFW = report.ROOT.parent / "shared" / "data" / "lfw" / "images"
SLOT = Slot(0, RequestId("bench"))
PEOPLE, TURNED = 40, 60
PADDINGS = (1.0, 1.3)
LONG_SIDES_PX = (640, 1000, 1700, 3000)
ROLL_TOLERANCE_DEG = 10.0


def image(rgb: RgbArray) -> Image:
    """``rgb`` as the engine takes it."""
    return Image(np.ascontiguousarray(rgb), b"")


def portraits(count: int, seed: int) -> list[Path]:
    """One photo each of ``count`` people."""
    first = [sorted(folder.glob("*.jpg"))[0] for folder in sorted(LFW.iterdir())]
    return random.Random(seed).sample(first, count)


def middle_face(engine: FacePipeline, rgb: RgbArray) -> DetectedFace:
    """The face nearest to the middle of ``rgb``; every portrait of LFW has one."""
    centre = np.array(rgb.shape[1::-1]) / 2

    def distance(face: DetectedFace) -> float:
        box = face.box_px
        return float(np.hypot(*(np.array([box.x1 + box.x2, box.y1 + box.y2]) / 2 - centre)))

    return min(engine.detect(SLOT, image(rgb)).faces, key=distance)


def close(rgb: RgbArray, face: DetectedFace, padding: float) -> RgbArray:
    """The square ``padding`` times as large as the face, as far as it lies in the picture."""
    box = face.box_px
    half, x, y = max(box.width, box.height) * padding / 2, (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    low, high = (max(0, round(x - half)), max(0, round(y - half))), (round(x + half), round(y + half))
    return rgb[low[1] : high[1], low[0] : high[0]]


def enlarged_portraits(engine: FacePipeline) -> str:
    """How many people stay one face at every size and padding."""
    rows: list[tuple[object, ...]] = []
    whole = 0
    alone = {padding: np.zeros(len(LONG_SIDES_PX), int) for padding in PADDINGS}
    for path in portraits(PEOPLE, 77):
        rgb = decode(path.read_bytes()).rgb
        face, every = middle_face(engine, rgb), True
        for padding in PADDINGS:
            part = close(rgb, face, padding)
            for i, side in enumerate(LONG_SIDES_PX):
                factor = side / max(part.shape[:2])
                large = cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
                boxes = [f.box_px for f in engine.detect(SLOT, image(np.asarray(large, np.uint8))).faces]
                # Somebody else beside the face is no mistake; a second box whose middle lies in the first is one.
                inside = [
                    box
                    for box in boxes[1:]
                    if boxes[0].x1 < (box.x1 + box.x2) / 2 < boxes[0].x2
                    and boxes[0].y1 < (box.y1 + box.y2) / 2 < boxes[0].y2
                ]
                one = bool(boxes) and not inside
                alone[padding][i] += one
                every &= one
        whole += every
    for padding, counts in alone.items():
        rows.append((f"{padding:g} times the face", *(f"{count} of {PEOPLE}" for count in counts)))
    head = ("picture", *(f"{side} px" for side in LONG_SIDES_PX))
    return report.table(head, rows) + f"\n\nOne face at every size and padding: **{whole} of {PEOPLE}** people."


def turned_faces(engine: FacePipeline) -> str:
    """Faces of upright photos found again when the photo is turned, and whether their roll is right."""
    rows: list[tuple[object, ...]] = []
    photos = [decode(path.read_bytes()).rgb for path in portraits(TURNED, 5)]
    for degrees in (0, 45, 90, 135, 180, 225, 270, 315):
        found = right = 0
        for rgb in photos:
            side = rgb.shape[0]
            matrix = cv2.getRotationMatrix2D((side / 2 - 0.5, side / 2 - 0.5), -degrees, 1.0)
            turned = np.asarray(cv2.warpAffine(rgb, matrix, (side, side), borderMode=cv2.BORDER_REFLECT_101), np.uint8)
            faces = engine.detect(SLOT, image(turned)).faces
            middle = [f for f in faces if _holds_middle(f, side)]
            found += bool(middle)
            if middle:
                upright = middle_face(engine, rgb).pose.roll_deg
                off = (middle[0].pose.roll_deg - upright - degrees + 180) % 360 - 180
                right += abs(off) <= ROLL_TOLERANCE_DEG
        rows.append((f"{degrees}°", f"{found} of {TURNED}", f"{right} of {TURNED}"))
    return report.table(("clockwise by", "face found", f"roll within {ROLL_TOLERANCE_DEG:g}°"), rows)


def _holds_middle(face: DetectedFace, side: int) -> bool:
    box = face.box_px
    return box.x1 < side / 2 < box.x2 and box.y1 < side / 2 < box.y2


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", help="do not write BENCHMARKS.md")
    options = parser.parse_args()
    if not LFW.is_dir():
        print(f"skipped: there are no photos in {LFW}")
        return 0
    engine = open_face_engine(ModelStore(default_root(os.environ)), Device.CPU, threads=1)
    text = "\n".join(
        [
            "### Close portraits, enlarged\n", enlarged_portraits(engine),
            "\n### Turned photos\n", turned_faces(engine),
        ]
    )  # fmt: skip
    print(text)
    if not options.print:
        report.write(report.Section("found", "Faces found", ".venv/bin/python bench/found.py", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())

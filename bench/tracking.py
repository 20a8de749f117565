"""Persons followed through a real video, against labels made by eye: how many there are, and IDF1.

Run: ``.venv/bin/python bench/tracking.py [--json]``. The video is ``one-by-one-person-detection.mp4`` in
``../shared/data/videos``; the labels are ``tests/video/hand_labels.json``: a point on the body of whoever is seen in
every 20th frame. A told person is the labelled one where the box holds the point. IDF1 is that of Ristani et al., 2016:
twice the sightings that agree under the best assignment of told to labelled persons, over all told and labelled ones.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scipy.optimize import linear_sum_assignment

import report
from video import job, run

VIDEO = report.ROOT.parent / "shared" / "data" / "videos" / "one-by-one-person-detection.mp4"
LABELS = report.ROOT / "tests" / "video" / "hand_labels.json"
FPS = 10


def told(video: Path) -> list[Mapping[str, Any]]:
    """All persons of StartPersonTracking."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / video.name).write_bytes(video.read_bytes())
        return list(run(folder, [job("persons", "PersonTracking", {}, video.name) | {"whole": True}])[1]["whole"])


def score(persons: Sequence[Mapping[str, Any]], labels: Mapping[str, Any]) -> dict[str, Any]:
    """Figures on the labelled frames."""
    frames = {frame: (person, x, y) for frame, person, x, y in labels["persons"]}
    wanted = frames.keys() | set(labels["empty"])
    seen = [(round(one["Timestamp"] * FPS / 1000), one["Person"]) for one in persons]
    seen = [one for one in seen if one[0] in wanted]
    agreed: Counter[tuple[int, int]] = Counter()
    for frame, person in seen:
        box = person.get("BoundingBox") or person["Face"]["BoundingBox"]
        if frame in frames:
            number, x, y = frames[frame]
            if box["Left"] <= x <= box["Left"] + box["Width"] and box["Top"] <= y <= box["Top"] + box["Height"]:
                agreed[person["Index"], number] += 1
    indexes, numbers = sorted({one for one, _ in agreed}), sorted({one for _, one in agreed})
    table = [[agreed[index, number] for number in numbers] for index in indexes]
    rows, columns = linear_sum_assignment(table, maximize=True)
    hits = sum(table[row][column] for row, column in zip(rows, columns, strict=True))
    return {
        "labelled_persons": len({one for one, _, _ in frames.values()}),
        "told_persons": len({one["Person"]["Index"] for one in persons}),
        "idf1": 2 * hits / (len(seen) + len(frames)),
        "labelled": len(frames),
        "told": len(seen),
        "agreed": hits,
    }


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    if not VIDEO.is_file():
        print(f"skipped: there is no {VIDEO}")
        return 0
    found = score(told(VIDEO), json.loads(LABELS.read_text(encoding="utf-8")))
    if options.json:
        print(json.dumps(found))
        return 0
    text = (
        f"`one-by-one-person-detection.mp4` (139 s, persons one at a time): {found['told_persons']} persons told, "
        f"{found['labelled_persons']} are there. IDF1 **{100 * found['idf1']:.1f} %** on {found['labelled']} labelled "
        f"sightings ({found['told']} told in the labelled frames, {found['agreed']} agree). Labels by eye: a point on "
        "the body, which the told box has to hold; box borders are not labelled."
    )
    made = report.Section("tracking", "Persons in stored video", "python bench/tracking.py", text)
    print(made.text)
    report.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())

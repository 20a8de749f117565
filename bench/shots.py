"""Where shots of stored video end: hard cuts against labels made by eye, and against what PySceneDetect finds.

Run: ``.venv/bin/python bench/shots.py [--json]``. Videos are those of ``../shared/data/videos``; labels, and the cuts
of PySceneDetect's ContentDetector, are kept with the tests. The table of SMPTE timecodes is computed beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import report
from custodes.storage.media.decoder import LockedDecoder
from custodes.storage.media.files import StructureProbe
from custodes.video.formats.facts import VideoLimits
from custodes.video.frames import DecodingPlan
from custodes.video.segments.curves import curves_of
from custodes.video.segments.shots import find_shots
from custodes.video.timecode import timecode

VIDEOS = report.ROOT.parent / "shared" / "data" / "videos"
LABELS = report.ROOT / "tests" / "video" / "hand_labels.json"
AT_ONCE = 12.0
"""Change from one frame to the next that no blend or fade has; the labels are of hard cuts alone."""
NTSC = Fraction(30000, 1001)
CODES = {299: "00:00:09;29", 300: "00:00:10;00", 1800: "00:01:00;02", 17982: "00:10:00;00"}
"""Of drop-frame counting at 29.97 frames a second. Source: SMPTE ST 12-1."""


def hard_cuts(path: Path) -> list[int]:
    """First frames after ends of shots at which the picture changes at once."""
    facts = StructureProbe(VideoLimits()).facts(path)
    plan = DecodingPlan(facts.frame_rate, Fraction(0), every_frame=True, duration_ms=facts.duration_ms)
    with LockedDecoder().frames(path, plan) as frames:
        curves = curves_of([(one.ts_ms, one.signature) for one in frames if one.signature is not None], 0.2)
    ends = {end for shot in find_shots(curves) for end in (shot.start_frame, shot.end_frame + 1)}
    return sorted(frame for frame in ends if 0 < frame < len(curves) and curves.change[frame] >= AT_ONCE)


def agreeing(told: Sequence[int], wanted: Sequence[int], within: int) -> int:
    """How many of ``told`` have a partner of their own in ``wanted``, so many frames away at most."""
    left = list(wanted)
    for frame in told:
        near = next((one for one in left if abs(one - frame) <= within), None)
        if near is not None:
            left.remove(near)
    return len(wanted) - len(left)


def rows(
    ours: Mapping[str, Sequence[int]], labels: Mapping[str, Mapping[str, Sequence[int]]]
) -> Iterator[tuple[object, ...]]:
    """Each comparison with its F1."""
    eye, peer = labels["cuts"], labels["pyscenedetect_content"]
    for what, told, wanted, within in (
        ("ours against labels, to the frame", ours, eye, 0),
        ("PySceneDetect 0.7.2 (ContentDetector) against labels, give or take a frame", peer, eye, 1),
        ("ours against PySceneDetect, give or take a frame", ours, peer, 1),
    ):
        hits = sum(agreeing(told[name], wanted[name], within) for name in ours)
        count = sum(len(told[name]) for name in ours), sum(len(wanted[name]) for name in ours)
        yield what, *count, hits, f"{2 * hits / max(1, sum(count)):.3f}"


def main() -> int:
    """Measure, print, write; 1 where a timecode is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print figures and write nothing")
    options = parser.parse_args()
    if not VIDEOS.is_dir():
        print(f"skipped: there is no {VIDEOS}")
        return 0
    labels = json.loads(LABELS.read_text(encoding="utf-8"))
    ours = {name: hard_cuts(VIDEOS / name) for name in sorted(labels["cuts"])}
    found = list(rows(ours, labels))
    codes = {frame: timecode(frame, NTSC) for frame in CODES}
    if options.json:
        print(json.dumps([ours, found, codes]))
        return 0
    text = report.table(("hard cuts", "told", "wanted", "agree", "F1"), found)
    told = ", ".join(f"{frame}: {code}" for frame, code in codes.items())
    text += (
        f"\n\n{len(ours)} videos with few cuts: one more or less moves F1 a lot. PySceneDetect misses two cuts "
        f"between plain colours and takes one fade for a cut.\n\nSMPTE timecodes at 29.97 frames a second: {told}; "
        f"{'all as' if codes == CODES else 'NOT as'} in the standard."
    )
    made = report.Section("shots", "Shots of stored video", "python bench/shots.py", text)
    print(made.text)
    report.write(made)
    return 0 if codes == CODES else 1


if __name__ == "__main__":
    sys.exit(main())

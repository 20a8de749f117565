"""Shots as an edit decision list: what programs that cut films read.

In: shots in the API's words, the frame rate. Out: text in the format CMX 3600: one event a shot, source and record
times alike, so that the film lies on the time line as it is, cut at its shots.

Source: CMX 3600 as read by common editors (SMPTE 258M-2004 has its fields): number, reel, track, transition, source in
and out, record in and out; an out is the first frame that is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from custodes.video.timecode import is_drop_frame, timecode

_REEL = "AX"


def edit_decision_list(shots: Sequence[Mapping[str, Any]], frame_rate: float, title: str) -> str:
    """The list.

    Args:
        shots: segments of type SHOT, at most 999.
        frame_rate: frames a second.
        title: a line that names the list.
    """
    rate = Fraction(frame_rate).limit_denominator(1001)
    mode = "DROP FRAME" if is_drop_frame(rate) else "NON-DROP FRAME"
    lines = [f"TITLE: {title}", f"FCM: {mode}", ""]
    for number, shot in enumerate(shots, 1):
        begin = timecode(shot["StartFrameNumber"], rate)
        end = timecode(shot["EndFrameNumber"] + 1, rate)
        lines.append(f"{number:03}  {_REEL:<8} V     C        {begin} {end} {begin} {end}")
        lines.append(f"* SHOT {shot['ShotSegment']['Index']}, CONFIDENCE {shot['ShotSegment']['Confidence']:.1f}")
    return "\n".join(lines) + "\n"

"""Segments of a job's curves: technical cues, then shots, each by time, as far as they are sure enough.

In: results of StartSegmentDetection and its options. Out: segments with frames and times. A cue ends with the frame
that the next one begins with; a shot ends with its own last frame: so it is in the API's own example.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custodes.operations.video.analysis import DEFAULT_MIN_COVERAGE_PCT
from custodes.operations.video.pages import VideoResults
from custodes.video.segments.cues import find_cues
from custodes.video.segments.curves import Curves, curves_from
from custodes.video.segments.shots import find_shots

TECHNICAL_CUE, SHOT = "TECHNICAL_CUE", "SHOT"
MODEL_VERSION = "2.0"
_DEFAULT_MIN_PCT = 50.0


@dataclass(frozen=True, slots=True)
class Segment:
    """From a frame to a frame. ``cue`` is the API's name of a cue, ``shot`` the number of a shot; one is None."""

    start_frame: int
    end_frame: int
    start_ms: int
    end_ms: int
    confidence_pct: float
    cue: str | None = None
    shot: int | None = None


def segments_of(found: VideoResults, options: Mapping[str, Any]) -> list[Segment]:
    """What the request selected."""
    curves = curves_from(found.curves)
    types, filters = options["SegmentTypes"], options.get("Filters", {})
    segments: list[Segment] = []
    if TECHNICAL_CUE in types:
        segments += _cues(curves, found, filters.get("TechnicalCueFilter", {}))
    if SHOT in types:
        least = filters.get("ShotFilter", {}).get("MinSegmentConfidence", _DEFAULT_MIN_PCT)
        segments += [
            Segment(
                shot.start_frame,
                shot.end_frame,
                int(curves.ts_ms[shot.start_frame]),
                int(curves.ts_ms[shot.end_frame]),
                shot.confidence_pct,
                shot=shot.index,
            )
            for shot in find_shots(curves)
            if shot.confidence_pct >= least
        ]
    return segments


def _cues(curves: Curves, found: VideoResults, filters: Mapping[str, Any]) -> list[Segment]:
    black = filters.get("BlackFrame", {})
    coverage = black.get("MinCoveragePercentage", DEFAULT_MIN_COVERAGE_PCT) / 100
    silent = found.facts is not None and not found.facts.audio
    last = len(curves) - 1
    return [
        Segment(
            cue.start_frame,
            min(cue.end_frame, last),
            int(curves.ts_ms[cue.start_frame]),
            int(curves.ts_ms[min(cue.end_frame, last)]),
            cue.confidence_pct,
            cue=cue.kind.value,
        )
        for cue in find_cues(curves, coverage, silent=silent)
        if cue.confidence_pct >= filters.get("MinSegmentConfidence", _DEFAULT_MIN_PCT)
    ]

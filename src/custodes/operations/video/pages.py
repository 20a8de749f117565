"""Pages of a video job's results, as bytes in its store.

In: items of one part with the times of its samples, curves of one part, or what is known of the whole at the end. Out:
bytes, and all pages read back as one value. An item has the time ``t``, what it is sorted by (``k``, ``c``), its API
members ``i``, and for persons the track ``x`` and matches ``m``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

import orjson

from custodes.core.box import Size
from custodes.operations.video.ports import Item
from custodes.video.formats.facts import AudioFacts, ColourRange, VideoFacts
from custodes.video.segments.curves import CURVES, Curves

_ITEMS, _CURVES, _SUMMARY = b"I", b"D", b"S"
_CURVES_WITHOUT_TEXT = b"C"
"""Of jobs begun before text was looked for: the last array is missing."""


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """What is known at the end of a job.

    Attributes:
        names: ids that each track's sightings speak for, with the highest similarity of each in percent.
        model_version: of the engine that looked.
        counts: items of each page, in order.
    """

    facts: VideoFacts
    names: Mapping[int, Mapping[str, float]]
    model_version: str
    counts: tuple[int, ...]


@dataclass(slots=True)
class VideoResults:
    """All pages of a job.

    Attributes:
        samples_ms: times of all frames looked at.
        items: in the order in which they were found: by time.
        curves: of parts, for segments.
        facts: of the video, once the job succeeded.
    """

    samples_ms: list[int] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    curves: list[bytes] = field(default_factory=list)
    facts: VideoFacts | None = None


def items_page(samples_ms: Sequence[int], items: Sequence[Item]) -> bytes:
    """Of one part."""
    return _ITEMS + orjson.dumps({"samples": list(samples_ms), "items": list(items)})


def curves_page(curves: Curves) -> bytes:
    """Of one part."""
    return _CURVES + curves.to_bytes()


def summary_page(summary: VideoSummary) -> bytes:
    """The last page."""
    value = {
        "facts": encode_facts(summary.facts),
        "names": [[index, dict(sorted(ids.items()))] for index, ids in sorted(summary.names.items()) if ids],
        "model": summary.model_version,
        "counts": summary.counts,
    }
    return _SUMMARY + orjson.dumps(value)


def read_summary(page: bytes) -> VideoSummary | None:
    """What ``summary_page`` wrote; None for any other page."""
    if page[:1] != _SUMMARY:
        return None
    value = orjson.loads(page[1:])
    names = dict(value["names"])
    return VideoSummary(decode_facts(value["facts"]), names, value["model"], tuple(value["counts"]))


def read_pages(pages: Sequence[bytes]) -> VideoResults:
    """All pages in order."""
    results = VideoResults()
    for page in pages:
        kind, data = page[:1], page[1:]
        if kind == _CURVES_WITHOUT_TEXT:
            results.curves.append(data + bytes(len(data) // (CURVES - 1)))
            continue
        if kind == _CURVES:
            results.curves.append(data)
            continue
        value = orjson.loads(data)
        if kind == _ITEMS:
            results.samples_ms += value["samples"]
            results.items += value["items"]
        else:
            results.facts = decode_facts(value["facts"])
    return results


def encode_facts(facts: VideoFacts) -> dict[str, Any]:
    """As JSON."""
    rate = [facts.frame_rate.numerator, facts.frame_rate.denominator]
    return {**asdict(facts), "frame_rate": rate}


def decode_facts(value: dict[str, Any]) -> VideoFacts:
    """From JSON."""
    return VideoFacts(
        **{
            **value,
            "frame_rate": Fraction(*value["frame_rate"]),
            "size": Size(**value["size"]),
            "colour_range": ColourRange(value["colour_range"]),
            "audio": tuple(AudioFacts(**one) for one in value["audio"]),
        }
    )

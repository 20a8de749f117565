"""What the API found in a video, as people look at it: rows of a time line, and boxes at moments.

In: answers in AWS members, by operation. Out: sightings by time, rows with stretches of time, the best sighting of each
row. It reads no files and draws nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from custodes.video.best_shot import shot_score
from custodes.video.stretches import stretches

Answer = Mapping[str, Any]
Point = tuple[float, float]
Colour = tuple[int, int, int]

FACE, PERSON, LABEL, TEXT = (0, 150, 90), (140, 60, 180), (30, 100, 220), (215, 90, 0)
CONCERN, SHOT, CUE = (200, 30, 50), (90, 90, 90), (150, 120, 40)
_STEP_MS = 500
"""Between samples, where fewer than two are known."""


@dataclass(frozen=True, slots=True)
class Appearing:
    """One thing at one moment.

    Attributes:
        row: of the time line.
        caption: at its outline.
        corners: of the outline in ratios of the picture; none for what holds for the whole picture.
        score: how well it shows what the row is about; compares within a row.
        is_track: whether the row is one person all the time.
    """

    ts_ms: int
    row: str
    caption: str
    colour: Colour
    corners: tuple[Point, ...] = ()
    score: float = 0.0
    is_track: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the time line. ``spans`` are (start, end) in milliseconds; ``best`` is None for shots and cues."""

    name: str
    colour: Colour
    spans: tuple[tuple[int, int], ...]
    best: Appearing | None

    @property
    def seen_ms(self) -> int:
        """All its time."""
        return sum(end - start for start, end in self.spans)


@dataclass(frozen=True, slots=True)
class VideoFindings:
    """All that was found.

    Attributes:
        duration_ms: of the video.
        times: of all samples in rising order.
        sightings: by time.
        rows: in the order in which they are shown.
    """

    duration_ms: int
    times: tuple[int, ...]
    sightings: Mapping[int, tuple[Appearing, ...]]
    rows: tuple[Row, ...]
    _tracks: Mapping[tuple[str, int], Appearing] = field(repr=False)

    def at(self, ts_ms: int) -> Iterator[Appearing]:
        """What is shown at ``ts_ms``: as sampled last; persons on their way to where they are sampled next."""
        at = bisect_right(self.times, ts_ms) - 1
        if at < 0:
            return
        now = self.times[at]
        after = self.times[at + 1] if at + 1 < len(self.times) else now
        for one in self.sightings.get(now, ()):
            following = self._tracks.get((one.row, after)) if one.is_track else None
            if following is None or after == now:
                yield one
            else:
                yield _between(one, following, (ts_ms - now) / (after - now))


def findings_of(answers: Mapping[str, Answer]) -> VideoFindings:
    """All of ``answers``, by operation without ``Get``."""
    found = [one for name, answer in answers.items() if name in _READERS for one in _READERS[name](answer)]
    duration_ms = max((_duration(answer) for answer in answers.values()), default=0)
    times = _grid({one.ts_ms for one in found}, duration_ms)
    by_time: dict[int, list[Appearing]] = defaultdict(list)
    for one in found:
        by_time[one.ts_ms].append(one)
    segments = answers.get("SegmentDetection")
    rows = [*([] if segments is None else _segment_rows(segments)), *_rows(found, times, duration_ms)]
    return VideoFindings(
        duration_ms,
        times,
        {ts_ms: tuple(some) for ts_ms, some in by_time.items()},
        tuple(rows),
        {(one.row, one.ts_ms): one for one in found if one.is_track},
    )


def clock(ts_ms: int) -> str:
    """Minutes, seconds and tenths, with hours where there are any."""
    minutes, rest = divmod(ts_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{rest // 1000:02d}.{rest % 1000 // 100}"
    return f"{hours}:{text}" if hours else text


def _rows(found: Sequence[Appearing], times: Sequence[int], duration_ms: int) -> list[Row]:
    best: dict[str, Appearing] = {}
    for one in found:
        if one.row not in best or one.score > best[one.row].score:
            best[one.row] = one
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for stretch in stretches(((one.ts_ms, one.row, 0.0) for one in found), times, duration_ms):
        spans[stretch.name].append((stretch.start_ms, stretch.end_ms))
    rows = [Row(name, best[name].colour, tuple(spans[name]), best[name]) for name in spans]
    kinds = {colour: at for at, colour in enumerate((PERSON, FACE, CONCERN, TEXT, LABEL))}
    return sorted(rows, key=lambda row: (kinds[row.colour], -row.seen_ms, row.name))


def _grid(known: Iterable[int], duration_ms: int) -> tuple[int, ...]:
    """Times of all samples: those at which something was seen, and others like them where nothing was."""
    times = sorted(known)
    step = max(1, min((after - before for before, after in pairwise(times)), default=_STEP_MS))
    whole: list[int] = []
    for ts_ms in times:
        whole += [*range(whole[-1] + step if whole else 0, ts_ms - step // 2, step), ts_ms]
    return (*whole, *range(whole[-1] + step if whole else 0, duration_ms - step // 2, step))


def _between(one: Appearing, other: Appearing, share: float) -> Appearing:
    if len(one.corners) != len(other.corners):
        return one
    corners = tuple(
        (x1 + (x2 - x1) * share, y1 + (y2 - y1) * share)
        for (x1, y1), (x2, y2) in zip(one.corners, other.corners, strict=True)
    )
    return Appearing(one.ts_ms, one.row, one.caption, one.colour, corners, one.score, is_track=True)


def _duration(answer: Answer) -> int:
    facts = answer["VideoMetadata"]
    return int((facts[0] if isinstance(facts, list) else facts)["DurationMillis"])


def _corners(box: Mapping[str, float]) -> tuple[Point, ...]:
    left, top = box["Left"], box["Top"]
    right, bottom = left + box["Width"], top + box["Height"]
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def _face_score(face: Mapping[str, Any]) -> float:
    box, pose = face["BoundingBox"], face.get("Pose", {})
    sharpness = face.get("Quality", {}).get("Sharpness", 50.0)
    return shot_score(box["Width"] * box["Height"], sharpness, pose.get("Yaw", 0.0), pose.get("Pitch", 0.0))


def _faces(answer: Answer) -> Iterator[Appearing]:
    for item in answer["Faces"]:
        face = item["Face"]
        caption = f"face {face['Confidence']:.0f} %"
        yield Appearing(item["Timestamp"], "faces", caption, FACE, _corners(face["BoundingBox"]), _face_score(face))


def _persons(answer: Answer) -> Iterator[Appearing]:
    names: dict[int, str] = {}
    for item in answer["Persons"]:
        for match in item.get("FaceMatches", ())[:1]:
            names.setdefault(item["Person"]["Index"], _name(match["Face"]))
    for item in answer["Persons"]:
        person, face = item["Person"], item["Person"].get("Face")
        index = person["Index"]
        row = f"{names[index]} (person {index})" if index in names else f"person {index}"
        similarity = f" {item['FaceMatches'][0]['Similarity']:.1f} %" if item.get("FaceMatches") else ""
        box = person.get("BoundingBox") or face["BoundingBox"]
        score = 0.0 if face is None else _face_score(face)
        caption = f"{names.get(index, row)}{similarity}"
        yield Appearing(item["Timestamp"], row, caption, PERSON, _corners(box), score, is_track=True)


def _name(face: Mapping[str, Any]) -> str:
    return str(face.get("ExternalImageId") or face.get("FaceId") or "somebody to confirm")


def _celebrities(answer: Answer) -> Iterator[Appearing]:
    for item in answer["Celebrities"]:
        known = item["Celebrity"]
        caption, face = f"{known['Name']} {known['Confidence']:.0f} %", known["Face"]
        yield Appearing(
            item["Timestamp"], known["Name"], caption, PERSON, _corners(face["BoundingBox"]), _face_score(face)
        )


def _labels(answer: Answer) -> Iterator[Appearing]:
    for item in answer["Labels"]:
        label = item["Label"]
        if not label.get("Instances"):
            yield Appearing(item["Timestamp"], label["Name"], "", LABEL, (), label["Confidence"])
        for one in label.get("Instances", ()):
            caption, sure = f"{label['Name']} {one['Confidence']:.0f} %", one["Confidence"]
            yield Appearing(item["Timestamp"], label["Name"], caption, LABEL, _corners(one["BoundingBox"]), sure)


def _texts(answer: Answer) -> Iterator[Appearing]:
    for item in answer["TextDetections"]:
        text = item["TextDetection"]
        if text["Type"] == "LINE":
            corners = tuple((point["X"], point["Y"]) for point in text["Geometry"]["Polygon"])
            row = f"“{text['DetectedText']}”"
            yield Appearing(item["Timestamp"], row, text["DetectedText"], TEXT, corners, text["Confidence"])


def _concerns(answer: Answer) -> Iterator[Appearing]:
    for item in answer["ModerationLabels"]:
        label = item["ModerationLabel"]
        yield Appearing(item["Timestamp"], f"moderation: {label['Name']}", "", CONCERN, (), label["Confidence"])


_READERS: Mapping[str, Callable[[Answer], Iterator[Appearing]]] = MappingProxyType(
    {
        "FaceDetection": _faces,
        "FaceSearch": _persons,
        "PersonTracking": _persons,
        "CelebrityRecognition": _celebrities,
        "LabelDetection": _labels,
        "TextDetection": _texts,
        "ContentModeration": _concerns,
    }
)


def _segment_rows(answer: Answer) -> list[Row]:
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in answer["Segments"]:
        name = "shots" if one["Type"] == "SHOT" else one["TechnicalCueSegment"]["Type"]
        spans[name].append((one["StartTimestampMillis"], one["EndTimestampMillis"]))
    return [Row(name, SHOT if name == "shots" else CUE, tuple(some), None) for name, some in spans.items()]

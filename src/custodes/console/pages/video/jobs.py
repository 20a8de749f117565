"""Stored video: jobs started, how far they are, and what they found along the time line.

In: visits. Out: views over the Start and Get operations, and for the operator over ``job list``. The video itself is
never shown from here: whoever has it drops it on the page, and their browser plays it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from custodes.console.pages.video.edit_decision_list import edit_decision_list
from custodes.console.visit import FileView, GoTo, View, Visit
from custodes.console.web.rendering import segment
from custodes.core.errors import DeniedError, NotFoundError

MAX_ITEMS = 1000
MAX_COLLECTIONS = 100
"""That are offered for a search."""
SHOWN = 50
"""Jobs that are listed."""
MAX_EVENTS = 999
"""The format counts events with three digits."""


@dataclass(frozen=True, slots=True)
class VideoTask:
    """One kind of job: words for it, its operations, the member its results are in, and the one result."""

    name: str
    start: str
    get: str
    results: str
    result: str = ""


KINDS: Mapping[str, VideoTask] = {
    task.name: task
    for task in (
        VideoTask("labels", "StartLabelDetection", "GetLabelDetection", "Labels", "Label"),
        VideoTask("faces", "StartFaceDetection", "GetFaceDetection", "Faces", "Face"),
        VideoTask("persons", "StartPersonTracking", "GetPersonTracking", "Persons", "Person"),
        VideoTask("search", "StartFaceSearch", "GetFaceSearch", "Persons", "Person"),
        VideoTask("text", "StartTextDetection", "GetTextDetection", "TextDetections", "TextDetection"),
        VideoTask(
            "moderation", "StartContentModeration", "GetContentModeration", "ModerationLabels", "ModerationLabel"
        ),
        VideoTask("celebrities", "StartCelebrityRecognition", "GetCelebrityRecognition", "Celebrities", "Celebrity"),
        VideoTask("segments", "StartSegmentDetection", "GetSegmentDetection", "Segments"),
    )
}
_OF_START = {task.start: task for task in KINDS.values()}
GETTING = tuple(task.get for task in KINDS.values())
LISTING = ("job list", "ListCollections")
CUTS = (KINDS["segments"].get,)
STARTING = tuple(task.start for task in KINDS.values())


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of the time line: a name, and stretches as (begin, end, certainty) in ms and percent.

    ``best`` says where the surest of its sightings is to be seen: at which ms, in which box (shares of the frame).
    """

    name: str
    stretches: tuple[tuple[int, int, float], ...]
    best: Mapping[str, Any] | None = None


def listing(visit: Visit) -> View:
    """Jobs, newest first, and the form for a new one."""
    shown = _videos(visit) if visit.is_operator else None
    return View("jobs.html", {"jobs": shown, "kinds": KINDS.values(), "collections": _collections(visit)})


def _videos(visit: Visit) -> list[dict[str, Any]]:
    """The newest jobs on videos; trainings and tasks, which are jobs, too, have pages of their own."""
    found = visit.admin("job list", operations=STARTING, limit=SHOWN)["jobs"]
    return [{**job, "task": _OF_START[job["operation"]].name} for job in found]


def _collections(visit: Visit) -> Sequence[str]:
    """Names to choose from, for who may list them."""
    try:
        return list(visit.api("ListCollections", MaxResults=MAX_COLLECTIONS)["CollectionIds"])
    except DeniedError:
        return []


def start(visit: Visit) -> GoTo:
    """Start one on a video in a bucket."""
    form, task = visit.form, _task(visit.form.text("kind"))
    video = {"S3Object": {"Bucket": form.text("bucket"), "Name": form.text("key")}}
    more: dict[str, Any] = {}
    if task.name == "segments":
        more["SegmentTypes"] = ["SHOT", "TECHNICAL_CUE"]
    if task.name == "search":
        more["CollectionId"] = form.text("collection")
    job = visit.api(task.start, Video=video, **more)["JobId"]
    return GoTo(f"/console/jobs/{task.name}/{job}")


def find(visit: Visit) -> GoTo:
    """The page of a job by its id."""
    return GoTo(f"/console/jobs/{_task(visit.query.get('kind', '')).name}/{segment(visit.query.get('job', ''))}")


def show(visit: Visit) -> View:
    """One job: how far, and what it found."""
    task, job = _task(visit.path["kind"]), visit.path["job"]
    answer = visit.api(task.get, JobId=job, MaxResults=MAX_ITEMS)
    metadata = answer.get("VideoMetadata") or {}
    facts = (metadata[0] if metadata else {}) if isinstance(metadata, list) else metadata
    lanes = lanes_of(answer, task)
    values = {"task": task, "job": job, "answer": answer, "facts": facts, "lanes": lanes}
    return View("job.html", {**values, "more": answer.get("NextToken") is not None})


def export(visit: Visit) -> FileView:
    """All that was found, as JSON in the API's words."""
    task, job = _task(visit.path["kind"]), visit.path["job"]
    found: list[Any] = []
    token = None
    while True:
        answer = visit.api(task.get, JobId=job, MaxResults=MAX_ITEMS, NextToken=token)
        found += answer.get(task.results, ())
        token = answer.get("NextToken")
        if token is None or len(found) >= 100 * MAX_ITEMS:
            break
    return FileView(f"{task.name}-{job[:12]}.json", json.dumps({task.results: found}, indent=1).encode())


def cut_list(visit: Visit) -> FileView:
    """The shots as an edit decision list, for programs that cut films."""
    task, job = KINDS["segments"], visit.path["job"]
    if visit.path["kind"] != task.name:
        raise NotFoundError("There is no such page.")
    shots: list[Mapping[str, Any]] = []
    rate, token = 0.0, None
    while True:
        answer = visit.api(task.get, JobId=job, MaxResults=MAX_ITEMS, NextToken=token)
        shots += [one for one in answer.get(task.results, ()) if one["Type"] == "SHOT"]
        rate = float((answer.get("VideoMetadata") or [{}])[0].get("FrameRate", rate))
        token = answer.get("NextToken")
        if token is None or len(shots) >= MAX_EVENTS:
            break
    text = edit_decision_list(shots[:MAX_EVENTS], rate, f"custodes {job[:12]}")
    return FileView(f"shots-{job[:12]}.edl", text.encode("ascii", "replace"), "text/plain")


def lanes_of(answer: Mapping[str, Any], task: VideoTask) -> Sequence[Lane]:
    """The lines of the time line, those seen longest first."""
    found: dict[str, list[tuple[int, int, float]]] = {}
    best: dict[str, tuple[float, Mapping[str, Any]]] = {}
    for item in answer.get(task.results, ()):
        name, sure = _named(item, task)
        begin = item.get("StartTimestampMillis", item.get("Timestamp", 0))
        found.setdefault(name, []).append((begin, item.get("EndTimestampMillis", begin + 500), sure))
        box = _box(item.get(task.result) or {})
        if box is not None and sure > best.get(name, (-1.0, {}))[0]:
            best[name] = (sure, {"at": begin, "box": box})
    lanes = [Lane(name, tuple(stretches), best.get(name, (0.0, None))[1]) for name, stretches in found.items()]
    return sorted(lanes, key=lambda lane: -len(lane.stretches))[:40]


def _named(item: Mapping[str, Any], task: VideoTask) -> tuple[str, float]:
    one = item if not task.result else item[task.result]
    if task.name == "segments":
        part = one.get("ShotSegment") or one["TechnicalCueSegment"]
        return (one["TechnicalCueSegment"]["Type"] if "TechnicalCueSegment" in one else "SHOT"), part["Confidence"]
    if "Index" in one:
        return f"#{one['Index']}", float(one.get("Face", {}).get("Confidence", 100.0))
    return str(one.get("Name") or one.get("DetectedText") or task.result), float(one.get("Confidence", 100.0))


def _box(one: Mapping[str, Any]) -> list[float] | None:
    """Where a sighting is: the face of a person, or what was found itself."""
    for owner in (one.get("Face"), one, *one.get("Instances", ())):
        box = None if owner is None else owner.get("BoundingBox")
        if box is not None:
            return [round(float(box[side]), 4) for side in ("Left", "Top", "Width", "Height")]
    return None


def _task(name: str) -> VideoTask:
    task = KINDS.get(name)
    if task is None:
        raise NotFoundError("There is no such page.")
    return task

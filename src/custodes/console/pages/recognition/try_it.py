"""Try it: a photo or two, one operation, what came of it, what it means, and the receipt.

In: pictures from a form. Out: the findings of an image operation with the odds of a similarity. Pictures are handed to
the operation and kept nowhere; the browser draws over its own copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from custodes.console.pages.odds import Odds, odds_of
from custodes.console.pages.recognition import findings
from custodes.console.pages.recognition.findings import Findings
from custodes.console.visit import View, Visit
from custodes.core.errors import InvalidParameterError, NotFoundError

MAX_MATCHES = 10
_LEAST_SIMILARITY_PCT = 0.0
"""Try it shows every similarity; what it means is beside it."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to try: its operation, the fields that take a picture, whether it searches a collection."""

    name: str
    operation: str
    pictures: tuple[str, ...] = ("picture",)


TASKS = {
    task.name: task
    for task in (
        Task("compare", "CompareFaces", ("source", "target")),
        Task("faces", "DetectFaces"),
        Task("search", "SearchFacesByImage"),
        Task("labels", "DetectLabels"),
        Task("text", "DetectText"),
        Task("moderation", "DetectModerationLabels"),
        Task("equipment", "DetectProtectiveEquipment"),
    )
}
OPERATIONS = (*(task.operation for task in TASKS.values()), "ListCollections")
_READERS: Mapping[str, Callable[[Mapping[str, Any]], Findings]] = {
    "faces": findings.faces,
    "labels": findings.labels,
    "text": findings.text,
    "moderation": findings.moderation,
    "equipment": findings.equipment,
}
_EXTRA: Mapping[str, Mapping[str, Any]] = {
    "faces": {"Attributes": ["ALL"]},
    "labels": {"MaxLabels": 30, "MinConfidence": 40.0},
}


def page(visit: Visit) -> View:
    """The form of a task."""
    task = _task(visit)
    collections: list[str] = []
    if task.name == "search":
        collections = list(visit.api("ListCollections", MaxResults=100)["CollectionIds"])
    chosen = visit.query.get("collection", "")
    return View("try_it.html", {"task": task, "tasks": TASKS.values(), "collections": collections, "chosen": chosen})


def result(visit: Visit) -> View:
    """What the operation found."""
    task = _task(visit)
    pictures = {name: visit.form.files.get(name) for name in task.pictures}
    if any(content is None for content in pictures.values()):
        raise InvalidParameterError(visit.words("try_it.choose_first"))
    if task.name == "compare":
        return _compared(visit, task, pictures)
    picture = {"Bytes": pictures["picture"]}
    if task.name == "search":
        return _searched(visit, task, picture)
    answer = visit.api(task.operation, Image=picture, **_EXTRA.get(task.name, {}))
    found = _READERS[task.name](answer)
    return View("try_it_result.html", {"task": task, "shown": [found], "best": None, "matches": None, "odds": None})


def _compared(visit: Visit, task: Task, pictures: Mapping[str, bytes | None]) -> View:
    answer = visit.api(
        task.operation,
        SourceImage={"Bytes": pictures["source"]},
        TargetImage={"Bytes": pictures["target"]},
        SimilarityThreshold=_LEAST_SIMILARITY_PCT,
    )
    best = max((match["Similarity"] for match in answer["FaceMatches"]), default=None)
    odds = None if best is None else odds_of(best, visit.parts.false_match_rate)
    shown = findings.compared(answer)
    return View("try_it_result.html", {"task": task, "shown": shown, "best": best, "matches": None, "odds": odds})


def _searched(visit: Visit, task: Task, picture: Mapping[str, bytes | None]) -> View:
    collection = visit.form.text("collection")
    answer = visit.api(task.operation, CollectionId=collection, Image=picture, MaxFaces=MAX_MATCHES)
    matches = [
        {
            "similarity": match["Similarity"],
            **match["Face"],
            "odds": _odds(visit, match),
        }
        for match in answer["FaceMatches"]
    ]
    best = max((match["similarity"] for match in matches), default=None)
    odds = None if best is None else odds_of(best, visit.parts.false_match_rate)
    values = {"task": task, "shown": [findings.searched(answer)], "best": best, "matches": matches, "odds": odds}
    return View("try_it_result.html", {**values, "collection": collection})


def _odds(visit: Visit, match: Mapping[str, Any]) -> Odds:
    return odds_of(match["Similarity"], visit.parts.false_match_rate)


def _task(visit: Visit) -> Task:
    task = TASKS.get(visit.path["task"])
    if task is None:
        raise NotFoundError("There is no such page.")
    return task

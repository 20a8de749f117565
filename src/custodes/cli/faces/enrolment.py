"""Many photos into one collection, several at a time, with a progress bar and a journal.

In: an API, photos, names. Out: one entry per photo. A photo that the API refuses is an entry with a reason; anything
that would fail for the next photo too (no server, no permission, a full collection) ends the run, and the journal keeps
what was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from custodes.cli.client.api import ApiClient, ApiFailureError
from custodes.cli.faces.journal import EnrolmentJournal, JournalLine, open_journal
from custodes.cli.faces.photo_source import PhotoSource
from custodes.core.errors import ImageFormatError, ImageTooLargeError

Work: TypeAlias = Callable[[PhotoSource, "str | None"], JournalLine]
"""Indexes one photo under a name."""

# Codes that speak of this one photo. InvalidParameterException is among them: a picture below 80 pixels has it.
_OF_THE_PHOTO = frozenset(
    {
        "InvalidImageFormatException",
        "ImageTooLargeException",
        "InvalidParameterException",
        "InvalidS3ObjectException",
    }
)
# Source: bounds of FaceIds and MaxResults in the service model.
_PAGE = 4096
# Photos handed to workers ahead of time: enough to keep them busy, few enough to stop soon.
_AHEAD = 4


@dataclass(frozen=True, slots=True)
class EnrolmentReport:
    """What became of all photos, in the order given; how many an earlier run had done; which lost their faces since."""

    entries: tuple[JournalLine, ...]
    done_before: int
    erased: tuple[str, ...]


class Naming(Protocol):
    """Names photos."""

    def of(self, photo: PhotoSource) -> str | None:
        """ExternalImageId of ``photo``; None for none."""
        ...


def prepare(api: ApiClient, data: Path, collection: str) -> EnrolmentJournal:
    """The journal of ``collection``, which is created when it does not exist."""
    try:
        facts = api.call("DescribeCollection", CollectionId=collection)
    except ApiFailureError as error:
        if error.code != "ResourceNotFoundException":
            raise
        api.call("CreateCollection", CollectionId=collection)
        facts = api.call("DescribeCollection", CollectionId=collection)
    return open_journal(data, collection, f"{facts['CollectionARN']} {facts['CreationTimestamp']}")


@dataclass(frozen=True, slots=True)
class EnrolmentPlan:
    """How photos are indexed.

    Attributes:
        collection: where their faces go.
        max_faces: per photo.
        jobs: photos worked on at the same time.
        again: index anew what was done before and has lost its faces since.
    """

    collection: str
    max_faces: int
    jobs: int
    again: bool = False


def enrol(
    api: ApiClient, journal: EnrolmentJournal, photos: Sequence[PhotoSource], names: Naming, plan: EnrolmentPlan
) -> EnrolmentReport:
    """Index ``photos``; the journal decides which are done already.

    A photo whose faces were deleted since is not indexed again unless asked: whoever deleted them may have had to.

    Raises:
        ApiFailureError, UnavailableError: what ends the run.
    """
    named = [(photo, names.of(photo)) for photo in photos]
    known = {photo.place for photo, name in named if journal.knows(photo, name)}
    erased = set(_erased(api, plan.collection, [entry for entry in journal.entries() if entry.path in known]))
    todo = [
        (photo, name) for photo, name in named if photo.place not in known or (plan.again and photo.place in erased)
    ]

    def one(photo: PhotoSource, name: str | None) -> JournalLine:
        return _enrol_one(api, photo, name, plan.collection, plan.max_faces)

    _run(journal, todo, one, plan.jobs)
    done = {entry.path: entry for entry in journal.entries()}
    left = () if plan.again else tuple(photo.place for photo in photos if photo.place in erased)
    return EnrolmentReport(tuple(done[photo.place] for photo in photos), len(photos) - len(todo), left)


def _erased(api: ApiClient, collection: str, entries: Sequence[JournalLine]) -> tuple[str, ...]:
    """Photos of ``entries`` that had faces, none of which is in the collection any more."""
    wanted = [face for entry in entries for face in entry.faces]
    present: set[str] = set()
    for start in range(0, len(wanted), _PAGE):
        some = wanted[start : start + _PAGE]
        answer = api.call("ListFaces", CollectionId=collection, FaceIds=some, MaxResults=_PAGE)
        present.update(face["FaceId"] for face in answer["Faces"])
    return tuple(entry.path for entry in entries if entry.faces and present.isdisjoint(entry.faces))


def _run(journal: EnrolmentJournal, todo: Sequence[tuple[PhotoSource, str | None]], one: Work, jobs: int) -> None:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    waiting = iter(todo)
    with (
        Progress(*columns, console=console, disable=not (todo and console.is_terminal)) as progress,
        ThreadPoolExecutor(jobs) as workers,
    ):
        task = progress.add_task("indexing", total=len(todo))
        running: set[Future[JournalLine]] = set()
        try:
            while True:
                while len(running) < jobs + _AHEAD and (item := next(waiting, None)) is not None:
                    running.add(workers.submit(one, item[0], item[1]))
                if not running:
                    return
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    journal.add(future.result())
                    progress.advance(task)
        finally:
            for future in running:
                future.cancel()


def _enrol_one(api: ApiClient, photo: PhotoSource, name: str | None, collection: str, max_faces: int) -> JournalLine:
    members: dict[str, Any] = {"ExternalImageId": name} if name else {}
    mark, faces, reason, failed = "", (), "", True
    try:
        mark, image = photo.stamp(), photo.image()
        answer = (
            {}
            if image is None
            else api.call("IndexFaces", CollectionId=collection, Image=image, MaxFaces=max_faces, **members)
        )
        faces = tuple(record["Face"]["FaceId"] for record in answer.get("FaceRecords", ()))
        reason, failed = "" if faces else _reason(answer, empty=image is None), image is None
    except ApiFailureError as error:
        if error.code not in _OF_THE_PHOTO:
            raise
        reason = error.reason
    except (ImageFormatError, ImageTooLargeError) as error:
        reason = error.message
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    return JournalLine(photo.place, mark, name, faces, reason, failed)


def _reason(answer: Mapping[str, Any], *, empty: bool) -> str:
    if empty:
        return "the file is empty"
    reasons = {reason for face in answer.get("UnindexedFaces", ()) for reason in face.get("Reasons", ())}
    return f"no face good enough: {', '.join(sorted(reasons))}" if reasons else "no face found"

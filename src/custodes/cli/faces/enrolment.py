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
from custodes.cli.faces.journal import EnrolmentJournal, JournalLine, open_journal, stamp
from custodes.cli.pictures import photo
from custodes.core.errors import ImageFormatError, ImageTooLargeError

Work: TypeAlias = Callable[[Path, "str | None"], JournalLine]
"""Indexes one photo under a name."""

# Codes that speak of this one photo. InvalidParameterException is among them: a picture below 80 pixels has it.
_OF_THE_PHOTO = frozenset({"InvalidImageFormatException", "ImageTooLargeException", "InvalidParameterException"})
# Source: bounds of FaceIds and MaxResults in the service model.
_PAGE = 4096
# Photos handed to workers ahead of time: enough to keep them busy, few enough to stop soon.
_AHEAD = 4


@dataclass(frozen=True, slots=True)
class EnrolmentReport:
    """What became of all photos, in the order given; how many an earlier run had done; which lost their faces since."""

    entries: tuple[JournalLine, ...]
    done_before: int
    erased: tuple[Path, ...]


class Naming(Protocol):
    """Names photos."""

    def of(self, photo: Path) -> str | None:
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
    api: ApiClient, journal: EnrolmentJournal, photos: Sequence[Path], names: Naming, plan: EnrolmentPlan
) -> EnrolmentReport:
    """Index ``photos``; the journal decides which are done already.

    A photo whose faces were deleted since is not indexed again unless asked: whoever deleted them may have had to.

    Raises:
        ApiFailureError, UnavailableError: what ends the run.
    """
    named = {path: names.of(path) for path in photos}
    known = {str(path) for path, name in named.items() if journal.knows(path, name)}
    erased = set(_erased(api, plan.collection, [entry for entry in journal.entries() if entry.path in known]))
    todo = [(path, name) for path, name in named.items() if str(path) not in known or (plan.again and path in erased)]

    def one(path: Path, name: str | None) -> JournalLine:
        return _enrol_one(api, path, name, plan.collection, plan.max_faces)

    _run(journal, todo, one, plan.jobs)
    done = {entry.path: entry for entry in journal.entries()}
    left = () if plan.again else tuple(path for path in photos if path in erased)
    return EnrolmentReport(tuple(done[str(path)] for path in photos), len(photos) - len(todo), left)


def _erased(api: ApiClient, collection: str, entries: Sequence[JournalLine]) -> tuple[Path, ...]:
    """Photos of ``entries`` that had faces, none of which is in the collection any more."""
    wanted = [face for entry in entries for face in entry.faces]
    present: set[str] = set()
    for start in range(0, len(wanted), _PAGE):
        some = wanted[start : start + _PAGE]
        answer = api.call("ListFaces", CollectionId=collection, FaceIds=some, MaxResults=_PAGE)
        present.update(face["FaceId"] for face in answer["Faces"])
    return tuple(Path(entry.path) for entry in entries if entry.faces and present.isdisjoint(entry.faces))


def _run(journal: EnrolmentJournal, todo: Sequence[tuple[Path, str | None]], one: Work, jobs: int) -> None:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    waiting = iter(todo)
    with Progress(*columns, console=console, disable=not todo) as progress, ThreadPoolExecutor(jobs) as workers:
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


def _enrol_one(api: ApiClient, path: Path, name: str | None, collection: str, max_faces: int) -> JournalLine:
    mark = stamp(path)
    members: dict[str, Any] = {"ExternalImageId": name} if name else {}
    try:
        data = photo.read(path)
        answer = (
            api.call("IndexFaces", CollectionId=collection, Image={"Bytes": data}, MaxFaces=max_faces, **members)
            if data
            else {}
        )
    except ApiFailureError as error:
        if error.code not in _OF_THE_PHOTO:
            raise
        return JournalLine(str(path), mark, name, (), error.reason)
    except (ImageFormatError, ImageTooLargeError) as error:
        return JournalLine(str(path), mark, name, (), error.message)
    except OSError as error:
        return JournalLine(str(path), mark, name, (), f"cannot be read: {error.strerror}")
    faces = tuple(record["Face"]["FaceId"] for record in answer.get("FaceRecords", ()))
    return JournalLine(str(path), mark, name, faces, "" if faces else _reason(answer, empty=not data))


def _reason(answer: Mapping[str, Any], *, empty: bool) -> str:
    if empty:
        return "the file is empty"
    reasons = {reason for face in answer.get("UnindexedFaces", ()) for reason in face.get("Reasons", ())}
    return f"no face good enough: {', '.join(sorted(reasons))}" if reasons else "no face found"

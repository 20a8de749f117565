"""Commands of tasks. A start is also what the work of the task is decided by, when it runs.

Shapes and patterns were checked by the edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import CollectionId
from custodes.operations.requests.command import CollectionCommand, Command
from custodes.operations.requests.properties import CHANGES, Properties, Reveals, Unit

SURE_PCT = 99.9
APART_PCT = 80.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCommand(CollectionCommand):
    """The start of a task on a collection."""

    def options(self) -> dict[str, Any]:
        """Members as JSON values; equal commands have equal ones."""
        return asdict(self)


class On(StrEnum):
    """Who computes."""

    LOCAL = "LOCAL"
    """The server itself."""
    RAY = "RAY"
    """Workers of the Ray cluster that the server is set up with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDuplicateSearch(TaskCommand):
    """Pairs of faces of a collection that are as alike as pictures of one person seldom fail to be."""

    operation: ClassVar[str] = "StartDuplicateSearch"
    properties: ClassVar[Properties] = Properties(Reveals.SIMILARITY, changes=True)
    threshold_pct: float = SURE_PCT

    def facts(self) -> Mapping[str, object]:
        """The threshold."""
        return {"threshold_pct": self.threshold_pct}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFaceClustering(TaskCommand):
    """Groups of faces that are proposed to be one person each; nothing is changed.

    Attributes:
        threshold_pct: faces that alike are linked.
        apart_pct: no two faces of a group are less alike.
    """

    operation: ClassVar[str] = "StartFaceClustering"
    properties: ClassVar[Properties] = Properties(Reveals.SIMILARITY, changes=True)
    threshold_pct: float = SURE_PCT
    apart_pct: float = APART_PCT

    def facts(self) -> Mapping[str, object]:
        """The lower threshold."""
        return {"threshold_pct": min(self.threshold_pct, self.apart_pct)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCrossMatch(TaskCommand):
    """Faces of one collection that are like faces of another. Both have to be allowed."""

    operation: ClassVar[str] = "StartCrossMatch"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=True)
    other_collection_id: CollectionId
    threshold_pct: float = SURE_PCT
    on: On = On.LOCAL

    def facts(self) -> Mapping[str, object]:
        """The threshold."""
        return {"threshold_pct": self.threshold_pct}

    def check(self) -> None:
        """Two collections."""
        if self.other_collection_id == self.collection_id:
            raise InvalidParameterError("Request has invalid parameters: these are one collection.")

    def other_way(self) -> StartCrossMatch:
        """The same, asked about the other collection."""
        return StartCrossMatch(
            collection_id=self.other_collection_id,
            other_collection_id=self.collection_id,
            threshold_pct=self.threshold_pct,
            on=self.on,
        )


class LabelBy(StrEnum):
    """What says whose a face is."""

    USER = "USER"
    EXTERNAL_IMAGE_ID = "EXTERNAL_IMAGE_ID"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCalibration(TaskCommand):
    """What percentages stand for among the people of a collection, by what it says itself of whose its faces are."""

    operation: ClassVar[str] = "StartCalibration"
    properties: ClassVar[Properties] = Properties(Reveals.SIMILARITY, changes=True)
    label_by: LabelBy = LabelBy.USER


class NameBy(StrEnum):
    """What becomes the ExternalImageId of the faces of a picture."""

    FOLDER = "FOLDER"
    """The last folder of its key below the prefix, if there is one."""
    FILE = "FILE"
    """The name of its file, without what is behind the last dot."""
    NONE = "NONE"
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartBulkEnrolment(TaskCommand):
    """Enrol the faces of all pictures of a bucket below a prefix.

    Attributes:
        bucket, prefix: where they are.
        name_by: see there.
        max_faces: of each picture.
        on: who finds faces and makes vectors.
        job, part: of a part of the running task; None for the request itself.
    """

    operation: ClassVar[str] = "StartBulkEnrolment"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=True, unit=Unit.IMAGE, enrols=True)
    bucket: str
    prefix: str = ""
    name_by: NameBy = NameBy.FOLDER
    max_faces: int = 1
    on: On = On.LOCAL
    job: str | None = None
    part: int | None = None

    def facts(self) -> Mapping[str, object]:
        """Which part of which task, if it is one."""
        return {} if self.part is None else {"job": self.job, "part": self.part}


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTask(Command):
    """How far a task is, and a page of what it found."""

    operation: ClassVar[str] = "GetTask"
    properties: ClassVar[Properties] = Properties(Reveals.RECORDS, changes=False)
    task_id: str
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTasks(Command):
    """Tasks of the account, newest first."""

    operation: ClassVar[str] = "ListTasks"
    properties: ClassVar[Properties] = Properties(Reveals.NOTHING, changes=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTask(Command):
    """End an open task."""

    operation: ClassVar[str] = "StopTask"
    properties: ClassVar[Properties] = CHANGES
    task_id: str


TASKS: Mapping[str, type[TaskCommand]] = {
    kind.operation: kind
    for kind in (StartDuplicateSearch, StartFaceClustering, StartCrossMatch, StartCalibration, StartBulkEnrolment)
}
_WORDS: Mapping[str, type[StrEnum]] = {"label_by": LabelBy, "name_by": NameBy, "on": On}


def read_task(operation: str, options: Mapping[str, Any]) -> TaskCommand:
    """What ``options`` gave."""
    members: dict[str, Any] = {
        name: _WORDS[name](value) if name in _WORDS else value for name, value in options.items()
    }
    return TASKS[operation](**members)

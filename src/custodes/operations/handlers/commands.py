"""Commands about handlers, and the commands that a document is compiled to.

Shapes and patterns were checked by the edge; the document is read inside the gate, so that a refusal is on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import CollectionId, ExternalImageId
from custodes.engine.results.face import QualityFilter
from custodes.operations.collections.enrol import IndexFaces
from custodes.operations.collections.search import SearchFacesByImage, SearchUsersByImage
from custodes.operations.handlers.document import HandlerDocument, MatchBy, MatchList
from custodes.operations.images.assess import AssessFaceQuality
from custodes.operations.images.attributes import Attribute
from custodes.operations.images.detect_faces import DetectFaces
from custodes.operations.images.sources import ImageInput
from custodes.operations.requests.arn import handler_arn
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller
from custodes.operations.requests.properties import CHANGES, READS, Properties, Reveals

NO_PICTURE = ImageInput(b"")
"""Stands for the picture where only decisions are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerCommand(Command):
    """A request on one handler."""

    name: str

    def resource(self, caller: Caller) -> str:
        """ARN of the handler."""
        return handler_arn(caller.region, caller.account_id, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutHandler(HandlerCommand):
    """Keep a document under a name, over what was there."""

    operation: ClassVar[str] = "PutHandler"
    properties: ClassVar[Properties] = CHANGES
    document: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetHandler(HandlerCommand):
    """Read a document."""

    operation: ClassVar[str] = "GetHandler"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteHandler(HandlerCommand):
    """Forget a document."""

    operation: ClassVar[str] = "DeleteHandler"
    properties: ClassVar[Properties] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHandlers(Command):
    """Names of all handlers of the account."""

    operation: ClassVar[str] = "ListHandlers"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateHandler(Command):
    """What is wrong with a document, and what the rules would decide now about each of its commands."""

    operation: ClassVar[str] = "ValidateHandler"
    properties: ClassVar[Properties] = READS
    document: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHandler(HandlerCommand):
    """Do with a picture what a handler says.

    Attributes:
        source: where the picture is from, in the caller's words.
        taken_ts_ms: when it was taken; None for now.
        document: what the handler says; filled in before the gate decides, None where there is no such handler.
    """

    operation: ClassVar[str] = "RunHandler"
    properties: ClassVar[Properties] = Properties(Reveals.IDENTITY, changes=True, searches=True)
    image: ImageInput
    source: str = ""
    taken_ts_ms: int | None = None
    document: HandlerDocument | None = None

    def facts(self) -> Mapping[str, object]:
        """The lowest similarity that it asks for."""
        return {"threshold_pct": 0.0 if self.document is None else self.document.least_threshold_pct}

    def effects(self) -> Properties:
        """It changes something itself where it keeps events; what a step changes, that step's permission is for."""
        keeps = self.document is None or self.document.store.event is not None
        return replace(self.properties, changes=keeps)

    def check(self) -> None:
        """The picture has exactly one source."""
        self.image.check()


def compiled(document: HandlerDocument, image: ImageInput = NO_PICTURE) -> tuple[Command, ...]:
    """Every command that running ``document`` on ``image`` may perform, in order."""
    found: list[Command] = [detection(document, image)]
    if document.gates.portrait:
        found.append(AssessFaceQuality(image=image, max_faces=document.detect.max_faces))
    found += [search(one, image) for one in document.match]
    if document.store.enrol is not None:
        found.append(enrolment(document, image))
    return tuple(found)


def detection(document: HandlerDocument, image: ImageInput) -> DetectFaces:
    """The first command. Raises InvalidParameterError for an attribute that the API does not have."""
    try:
        attributes = frozenset({Attribute.DEFAULT, *(Attribute(name) for name in document.detect.attributes)})
    except ValueError:
        raise InvalidParameterError(
            "Request has invalid parameters: the handler asks for an attribute that there is not."
        ) from None
    return DetectFaces(image=image, attributes=attributes)


def search(one: MatchList, image: ImageInput) -> SearchFacesByImage | SearchUsersByImage:
    """The search of one list."""
    collection = CollectionId(one.collection)
    if one.by is MatchBy.USERS:
        return SearchUsersByImage(
            collection_id=collection, image=image, max_users=one.limit, threshold_pct=one.threshold
        )
    return SearchFacesByImage(collection_id=collection, image=image, max_faces=one.limit, threshold_pct=one.threshold)


def enrolment(document: HandlerDocument, image: ImageInput) -> IndexFaces:
    """The enrolment. The document has one."""
    enrol = document.store.enrol
    assert enrol is not None
    external_id = None if enrol.external_id is None else ExternalImageId(enrol.external_id)
    return IndexFaces(
        collection_id=CollectionId(enrol.collection),
        image=image,
        external_image_id=external_id,
        max_faces=document.detect.max_faces,
        quality_filter=QualityFilter.NONE,
    )

"""Tags on resources: add, remove, list. Only collections can be tagged so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.errors import InvalidParameterError
from custodes.operations.collections.ports import Gallery
from custodes.operations.requests.arn import parse_collection_arn
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import CHANGES, READS, Properties

RESERVED_PREFIX = "aws:"


def check_tags(keys: Iterable[str]) -> None:
    """Raise InvalidParameterError for a reserved key. Lengths and numbers are the schema's and the store's business."""
    if any(key.lower().startswith(RESERVED_PREFIX) for key in keys):
        raise InvalidParameterError(f"Tag keys must not start with {RESERVED_PREFIX}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagCommand(Command):
    """A request on the tags of the resource that ``arn`` names."""

    arn: str

    def resource(self, caller: Caller) -> str:  # noqa: ARG002 - the ARN names its account itself
        """The ARN as given."""
        return self.arn


@dataclass(frozen=True, slots=True, kw_only=True)
class TagResource(TagCommand):
    """Add or overwrite tags."""

    operation: ClassVar[str] = "TagResource"
    properties: ClassVar[Properties] = CHANGES
    tags: Mapping[str, str]

    def facts(self) -> Mapping[str, object]:
        """Tags asked for."""
        return {"request_tags": dict(self.tags)}

    def check(self) -> None:
        """No reserved keys."""
        check_tags(self.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagResource(TagCommand):
    """Remove tags; keys that are not there are ignored."""

    operation: ClassVar[str] = "UntagResource"
    properties: ClassVar[Properties] = CHANGES
    tag_keys: tuple[str, ...]

    def facts(self) -> Mapping[str, object]:
        """Keys asked for."""
        return {"tag_keys": self.tag_keys}

    def check(self) -> None:
        """No reserved keys."""
        check_tags(self.tag_keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsForResource(TagCommand):
    """List tags."""

    operation: ClassVar[str] = "ListTagsForResource"
    properties: ClassVar[Properties] = READS


class Tagging:
    """Handles the operations on tags. All raise NotFoundError when the resource is not there."""

    def __init__(self, gallery: Gallery) -> None:
        """Keep tags in ``gallery``."""
        self._gallery = gallery

    def tag(self, permit: Permit, command: TagResource) -> None:
        """Raises QuotaError beyond 200 tags."""
        self._gallery.put_tags(parse_collection_arn(permit.context.caller, command.arn), command.tags)

    def untag(self, permit: Permit, command: UntagResource) -> None:
        """Remove the keys."""
        self._gallery.drop_tags(parse_collection_arn(permit.context.caller, command.arn), command.tag_keys)

    def list(self, permit: Permit, command: ListTagsForResource) -> dict[str, str]:
        """All tags."""
        return self._gallery.tags(parse_collection_arn(permit.context.caller, command.arn))

"""Tags on resources: add, remove, list. Collections, stream processors and what projects have can be tagged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from custodes.core.errors import InvalidParameterError, QuotaError
from custodes.core.ids import AccountId
from custodes.gallery.entities import CollectionKey
from custodes.operations.collections.ports import Gallery
from custodes.operations.requests.arn import ProcessorName, parse_arn
from custodes.operations.requests.command import Command
from custodes.operations.requests.context import Caller
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import CHANGES, READS, Properties

RESERVED_PREFIX = "aws:"
PROJECT = ":project/"
MAX_TAGS = 200
"""Of a stream processor. Source: shape TagMap of the service model."""


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


class TaggedProcessors(Protocol):
    """Tags of stream processors. Both raise NotFoundError when there is none of this name."""

    def tags(self, account_id: AccountId, name: str) -> dict[str, str]:
        """All tags."""
        ...

    def put_tags(self, account_id: AccountId, name: str, tags: Mapping[str, str], now_ms: int) -> None:
        """Replace them all."""
        ...


class TaggedProjects(Protocol):
    """Tags of projects, datasets and versions.

    Both raise InvalidParameterError for an ARN of something else, NotFoundError where the caller has no such resource.
    """

    def tags(self, caller: Caller, arn: str) -> dict[str, str]:
        """All tags."""
        ...

    def put_tags(self, caller: Caller, arn: str, tags: Mapping[str, str]) -> None:
        """Replace them all."""
        ...


class Tagging:
    """Handles the operations on tags. All raise NotFoundError when the resource is not there."""

    def __init__(self, gallery: Gallery, processors: TaggedProcessors, projects: TaggedProjects) -> None:
        """Keep tags of collections in ``gallery``, those of everything else with what has them."""
        self._gallery = gallery
        self._projects = projects
        self._processors = processors

    def tag(self, permit: Permit, command: TagResource) -> None:
        """Raises QuotaError beyond 200 tags."""
        caller = permit.context.caller
        if PROJECT in command.arn:
            self._put(permit, command.arn, {**self._projects.tags(caller, command.arn), **command.tags})
            return
        named = parse_arn(caller, command.arn)
        if isinstance(named, CollectionKey):
            self._gallery.put_tags(named, command.tags)
            return
        self._replace(permit, named, {**self._processors.tags(named.account_id, named.name), **command.tags})

    def untag(self, permit: Permit, command: UntagResource) -> None:
        """Remove the keys."""
        caller = permit.context.caller
        if PROJECT in command.arn:
            left = self._projects.tags(caller, command.arn)
            self._put(permit, command.arn, {key: left[key] for key in left if key not in command.tag_keys})
            return
        named = parse_arn(caller, command.arn)
        if isinstance(named, CollectionKey):
            self._gallery.drop_tags(named, command.tag_keys)
            return
        tags = self._processors.tags(named.account_id, named.name)
        self._replace(permit, named, {key: value for key, value in tags.items() if key not in command.tag_keys})

    def list(self, permit: Permit, command: ListTagsForResource) -> dict[str, str]:
        """All tags."""
        if PROJECT in command.arn:
            return self._projects.tags(permit.context.caller, command.arn)
        named = parse_arn(permit.context.caller, command.arn)
        if isinstance(named, CollectionKey):
            return self._gallery.tags(named)
        return self._processors.tags(named.account_id, named.name)

    def _put(self, permit: Permit, arn: str, tags: Mapping[str, str]) -> None:
        if len(tags) > MAX_TAGS:
            raise QuotaError(f"A resource has at most {MAX_TAGS} tags")
        self._projects.put_tags(permit.context.caller, arn, tags)

    def _replace(self, permit: Permit, named: ProcessorName, tags: Mapping[str, str]) -> None:
        if len(tags) > MAX_TAGS:
            raise QuotaError(f"A resource has at most {MAX_TAGS} tags")
        self._processors.put_tags(named.account_id, named.name, tags, permit.context.ts_ms)

"""Collections: create, describe, list, delete. A collection keeps the face model version it was created with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from custodes.core.clock import Clock
from custodes.core.errors import DeniedError
from custodes.core.pages import PageTokens
from custodes.engine.ports import FaceEngine
from custodes.gallery.entities import Collection, CollectionKey
from custodes.operations.collections.erasure import Erasures
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.tags import check_tags
from custodes.operations.requests.command import CollectionCommand, Command
from custodes.operations.requests.gate import Permit
from custodes.operations.requests.properties import CHANGES, READS, Properties

DEFAULT_PAGE = 4096
"""Collections per page when the request names no MaxResults; the API documents none, this is its maximum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCollection(CollectionCommand):
    """Create an empty collection."""

    operation: ClassVar[str] = "CreateCollection"
    properties: ClassVar[Properties] = CHANGES
    tags: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> Mapping[str, object]:
        """Tags asked for."""
        return {"request_tags": dict(self.tags)}

    def check(self) -> None:
        """Tags follow the rules of tags."""
        check_tags(self.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeCollection(CollectionCommand):
    """Ask for counts, model version and age."""

    operation: ClassVar[str] = "DescribeCollection"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCollection(CollectionCommand):
    """Delete with everything in it."""

    operation: ClassVar[str] = "DeleteCollection"
    properties: ClassVar[Properties] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCollections(Command):
    """List the account's collections; ``max_results`` of None or 0 is the default page."""

    operation: ClassVar[str] = "ListCollections"
    properties: ClassVar[Properties] = READS
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class CollectionsListed:
    """One page, ordered by id; ``next_token`` is None on the last one."""

    collections: tuple[Collection, ...]
    next_token: str | None


class Collections:
    """Handles the operations on collections."""

    def __init__(
        self,
        engine: FaceEngine,
        gallery: Gallery,
        pages: PageTokens,
        clock: Clock,
        erasures: Erasures,
        reserved: CollectionKey | None = None,
    ) -> None:
        """Create collections for the vectors of ``engine`` in ``gallery``.

        The collection ``reserved`` belongs to the server: it is not listed and cannot be deleted.
        """
        self._reserved = reserved
        self._erasures = erasures
        self._engine = engine
        self._gallery = gallery
        self._pages = pages
        self._clock = clock

    def create(self, permit: Permit, command: CreateCollection) -> Collection:
        """Raises AlreadyExistsError."""
        collection = Collection(
            key=command.key(permit.context.caller),
            model_version=self._engine.model_version,
            dimension=self._engine.dimension,
            created_ts_ms=self._clock.now_ms(),
        )
        self._gallery.create_collection(collection, command.tags)
        return collection

    def describe(self, permit: Permit, command: DescribeCollection) -> Collection:
        """Raises NotFoundError."""
        return self._gallery.collection(command.key(permit.context.caller))

    def delete(self, permit: Permit, command: DeleteCollection) -> None:
        """Raises NotFoundError, and DeniedError for the server's own collection."""
        key = command.key(permit.context.caller)
        if key == self._reserved:
            raise DeniedError("this collection is the server's own; custodes celebrities remove takes people out of it")
        collection = self._gallery.collection(key)
        self._erasures.erase_collection(collection)
        self._gallery.delete_collection(key)
        permit.tally.add(faces_erased=collection.face_count)

    def list(self, permit: Permit, command: ListCollections) -> CollectionsListed:
        """Raises PaginationTokenError."""
        account = permit.context.caller.account_id
        scope = (command.operation, account)
        after = None if command.next_token is None else self._pages.read(scope, command.next_token)
        page = self._gallery.collections(account, after, command.max_results or DEFAULT_PAGE)
        shown = tuple(collection for collection in page.items if collection.key != self._reserved)
        return CollectionsListed(shown, None if page.last is None else self._pages.issue(scope, page.last))

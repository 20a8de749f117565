"""What every command has: the operation it asks for, the resource it touches, the facts rules may look at, its checks.

A command is a frozen value made by an edge (API, console, command line). Shapes, lengths and patterns were checked
there; ``check`` holds the rules that a schema cannot say, and runs inside the gate so that a refusal is on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from custodes.core.ids import CollectionId
from custodes.gallery.entities import CollectionKey
from custodes.operations.requests.arn import collection_arn
from custodes.operations.requests.context import Caller
from custodes.operations.requests.properties import Properties


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A request for one operation on no particular resource."""

    service: ClassVar[str] = "rekognition"
    operation: ClassVar[str]
    properties: ClassVar[Properties]

    def __init_subclass__(cls) -> None:
        """Refuse an operation that does not say what it is."""
        if "operation" in cls.__dict__ and not hasattr(cls, "properties"):
            raise TypeError(f"{cls.__name__} declares no properties")

    def resource(self, caller: Caller) -> str:  # noqa: ARG002 - commands on a resource need the caller
        """ARN that rules are asked about; ``*`` when the operation has none. Source: service authorization table."""
        return "*"

    def facts(self) -> Mapping[str, object]:
        """Plain values about the request for rules; never image bytes."""
        return {}

    def effects(self) -> Properties:
        """The properties of its operation; where this command changes less than others of it, of this one."""
        return self.properties

    def check(self) -> None:
        """Raise InvalidParameterError when the command breaks a rule by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionCommand(Command):
    """A request on one collection of the caller's account."""

    collection_id: CollectionId

    def resource(self, caller: Caller) -> str:
        """ARN of the collection."""
        return collection_arn(caller, self.collection_id)

    def key(self, caller: Caller) -> CollectionKey:
        """The collection in the gallery; another account's collection cannot be named."""
        return CollectionKey(caller.account_id, self.collection_id)

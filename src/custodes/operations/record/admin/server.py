"""The operator's look at a server: every setting but secrets, every network with its licence, its version.

In: a command, and functions that know. Out: plain JSON. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from custodes.operations.requests.admin import AdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowServer(AdminCommand):
    """Settings and networks of the running server."""

    operation: ClassVar[str] = "server show"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Who knows: ``settings`` gives name, value and explanation, ``models`` name, task, licence and source."""

    version: str
    settings: Callable[[], Rows]
    models: Callable[[], Rows]


@dataclass(frozen=True, slots=True)
class ServerShown:
    """A server's version, settings and networks."""

    version: str
    settings: Rows
    models: Rows


def server_handlers(facts: ServerFacts) -> AdminHandlers:
    """What carries the command out."""
    return {ShowServer: lambda _: ServerShown(facts.version, tuple(facts.settings()), tuple(facts.models()))}

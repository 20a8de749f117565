"""Commands of the operator about destinations of events.

In: typed commands. Out: facts. Passwords go in and never come out; the secret of a webhook is told once, when it is
made.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from custodes.core.errors import NotFoundError
from custodes.core.ids import AccountId
from custodes.operations.requests.admin import AccountAdminCommand, AdminHandlers
from custodes.operations.requests.properties import READS, Properties
from custodes.operations.streams.ports import StreamEventStore
from custodes.video.live.destination import DEFAULT_PREFIX, DestinationKind, EventDestination, EventDestinations

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEventDestination(AccountAdminCommand):
    """Have events of an account sent somewhere, over what was there; it goes on where that was.

    Attributes:
        past: begin with the oldest event that is kept, not with the next one.
    """

    operation: ClassVar[str] = "stream destination set"
    name: str
    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    prefix: str | None = None
    pictures: bool = False
    past: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEventDestinations(AccountAdminCommand):
    """Destinations and how far they are; of all accounts where none is named."""

    operation: ClassVar[str] = "stream destination list"
    properties: ClassVar[Properties] = READS


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveEventDestination(AccountAdminCommand):
    """Send nothing there any more."""

    operation: ClassVar[str] = "stream destination remove"
    name: str


@dataclass(frozen=True, slots=True)
class DestinationFacts:
    """A destination without its secrets.

    Attributes:
        waiting: whether there are events that it has not taken.
        attempt: how often the next one was tried.
        stopped: why nothing is sent any more, or None.
    """

    account: str
    name: str
    url: str
    user: str | None
    prefix: str | None
    pictures: bool
    after: int
    waiting: bool
    attempt: int
    stopped: str | None


@dataclass(frozen=True, slots=True)
class DestinationList:
    """All destinations."""

    destinations: tuple[DestinationFacts, ...]


@dataclass(frozen=True, slots=True)
class DestinationSet:
    """What is sent where now; ``secret`` signs what is posted, and is told this once."""

    account: str
    name: str
    url: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DestinationRemoved:
    """Nothing is sent there any more."""

    account: str
    name: str


def destination_handlers(
    destinations: EventDestinations,
    events: StreamEventStore,
    operator: AccountId,
    random: Callable[[int], bytes],
) -> AdminHandlers:
    """What carries these commands out.

    They raise NotFoundError for no such destination, InvalidParameterError for what is no name or address.
    """

    def of(command: AccountAdminCommand) -> AccountId:
        return operator if command.account is None else AccountId(command.account)

    def found(account: AccountId, name: str) -> EventDestination | None:
        return next((one for one in destinations.all() if (one.account_id, one.name) == (account, name)), None)

    def set_one(command: SetEventDestination) -> DestinationSet:
        account = of(command)
        before = found(account, command.name)
        after = 0 if command.past else events.newest(account)
        one = EventDestination(
            account,
            command.name,
            command.url,
            user=command.user or "",
            password=command.password or "",
            prefix=command.prefix or DEFAULT_PREFIX,
            pictures=command.pictures,
            after=after if before is None or command.past else before.after,
            revision=0 if before is None else before.revision + 1,
        )
        secret = None
        if one.kind is DestinationKind.WEBHOOK:
            secret = "whsec_" + base64.b64encode(random(_SECRET_BYTES)).decode()
        destinations.put(one.with_secret(secret or ""))
        return DestinationSet(account, one.name, one.url, secret)

    def listed(command: ListEventDestinations) -> DestinationList:
        return DestinationList(
            tuple(
                _facts(one, events.newest(one.account_id) > one.after)
                for one in destinations.all()
                if command.account in (None, one.account_id)
            )
        )

    def removed(command: RemoveEventDestination) -> DestinationRemoved:
        account = of(command)
        if not destinations.drop(account, command.name):
            raise NotFoundError(f"no destination {command.name} is set for {account}")
        return DestinationRemoved(account, command.name)

    return {SetEventDestination: set_one, ListEventDestinations: listed, RemoveEventDestination: removed}


def _facts(one: EventDestination, waiting: bool) -> DestinationFacts:
    return DestinationFacts(
        account=one.account_id,
        name=one.name,
        url=one.url,
        user=one.user or None,
        prefix=one.prefix if one.kind is DestinationKind.MQTT else None,
        pictures=one.pictures,
        after=one.after,
        waiting=waiting,
        attempt=one.attempt,
        stopped=one.stopped or None,
    )

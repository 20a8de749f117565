"""Events of live searches on their way to destinations: in order, through the gate, again until they are taken.

In: destinations, events, somebody who sends. Out: events sent, and how far each destination is. What is sent is read by
ListStreamEvents for the account, so that it is decided anew whether the account may, erased faces have no names, and
the disclosure is on record with the name of its destination before it is made. An event may be sent twice, after a
crash between sending and keeping its place, with the same id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError
from custodes.core.ids import AccountId, RequestId
from custodes.operations.requests.context import Caller, Context, Principal
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.principals import principal_arn
from custodes.operations.streams.events import ListStreamEvents, StreamEvents
from custodes.operations.streams.ports import DestinationGoneError, EventSender, KeptEvent
from custodes.video.live.destination import EventDestination, EventDestinations

_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class DeliveryParts:
    """What deliveries need: ``spell`` gives the members of an event as JSON has them."""

    gate: Gate
    events: StreamEvents
    destinations: EventDestinations
    sender: EventSender
    spell: Callable[[KeptEvent], Mapping[str, Any]]
    clock: Clock
    request_ids: Callable[[], RequestId]
    region: str


class EventDelivery:
    """Sends what is new."""

    def __init__(self, parts: DeliveryParts) -> None:
        """Send with ``parts``."""
        self._parts = parts
        self._logger = structlog.get_logger("custodes.streams")

    def deliver(self) -> bool:
        """Send what is due, a few events for each destination; True where there is more.

        Raises:
            UnavailableError: the store cannot be read or written.
        """
        now_ms = self._parts.clock.now_ms()
        served = [self._serve(one) for one in self._parts.destinations.all() if one.is_due(now_ms)]
        return any(served)

    def _serve(self, destination: EventDestination) -> bool:
        """The next events of one destination; True where it took all of them and there may be more."""
        events = self._parts.events
        if events.newest(destination.account_id) <= destination.after:
            return False
        command = ListStreamEvents(after=destination.after, max_results=_AT_ONCE, destination=destination.name)
        try:
            page = self._parts.gate.perform(self._context(destination.account_id), command, events.listing).result
        except CustodesError as error:  # the account may not, or the use cannot be recorded
            self._refused(destination, destination.after, error)
            return False
        for kept in page.events:
            after = self._sent(destination, kept)
            if after is None or after.after < kept.place:
                return False
            destination = after
        return page.after == destination.after or self._keep(destination.took(page.after))

    def _sent(self, destination: EventDestination, kept: KeptEvent) -> EventDestination | None:
        """The destination after one event; None if the operator changed it meanwhile."""
        members = dict(self._parts.spell(kept))
        if not destination.pictures:
            members.pop("Picture", None)
        try:
            self._parts.sender.send(destination, kept, members)
        except DestinationGoneError as error:
            self._keep(destination.ended(error.message))
            return None
        except (CustodesError, OSError) as error:
            return self._refused(destination, kept.place, error)
        after = destination.took(kept.place)
        return after if self._keep(after) else None

    def _refused(self, destination: EventDestination, place: int, error: Exception) -> EventDestination | None:
        after = destination.refused(place, self._parts.clock.now_ms())
        self._logger.warning(
            "an event was not sent",
            account=destination.account_id,
            destination=destination.name,
            place=place,
            given_up=after.after > destination.after,
            error=type(error).__name__,
        )
        return after if self._keep(after) else None

    def _keep(self, destination: EventDestination) -> bool:
        return self._parts.destinations.keep(destination)

    def _context(self, account_id: AccountId) -> Context:
        """The account itself asks: whoever runs the server sends on its behalf."""
        arn = principal_arn(account_id, Principal(), self._parts.region)
        caller = Caller(account_id, "", arn, self._parts.region)
        return Context(caller, self._parts.request_ids(), self._parts.clock.now_ms())

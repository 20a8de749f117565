"""Events of live searches on their way to destinations: in order, through the gate, again until they are taken.

In: destinations, events, somebody who sends. Out: events sent, and how far each destination is. What is sent is read by
ListStreamEvents for the account, so that it is decided anew whether the account may, erased faces have no names, and
the disclosure is on record with the name of its destination before it is made. An event may be sent twice, after a
crash between sending and keeping its place, with the same id. Destinations do not wait for one another: each has its
turns on one of a few threads, and a turn is short, so that slow ones do not keep the threads for long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog

from custodes.core.clock import Clock
from custodes.core.errors import CustodesError
from custodes.core.ids import AccountId, RequestId
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.principals import account_itself
from custodes.operations.streams.events import ListStreamEvents, StreamEvents
from custodes.operations.streams.ports import DestinationGoneError, EventSender, KeptEvent
from custodes.video.live.destination import EventDestination, EventDestinations

_AT_ONCE = 20
_THREADS = 8
_TURN_MS = 10_000
"""A turn with more to send ends after this; the next begins behind those of others."""


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
        self._pool = ThreadPoolExecutor(_THREADS, "event delivery")
        self._turns: dict[tuple[AccountId, str], Future[None]] = {}  # of the thread that calls deliver
        self._closing = threading.Event()

    def deliver(self) -> None:
        """Begin a turn of each destination that is due and has none.

        Raises:
            UnavailableError: the store cannot be read, or could not in a turn that is over. Turns begin all the same.
        """
        now_ms = self._parts.clock.now_ms()
        ended = [key for key, turn in self._turns.items() if turn.done()]
        over = [self._turns.pop(key) for key in ended]
        for one in self._parts.destinations.all():
            key = (one.account_id, one.name)
            if key not in self._turns and one.is_due(now_ms) and self._parts.events.newest(one.account_id) > one.after:
                self._turns[key] = self._pool.submit(self._turn, one, now_ms + _TURN_MS)
        for turn in over:
            turn.result()

    def close(self) -> None:
        """Begin nothing more, and wait for events that are being sent."""
        self._closing.set()
        self._pool.shutdown(cancel_futures=True)

    def _turn(self, destination: EventDestination, until_ms: int) -> None:
        now: EventDestination | None = destination
        while now is not None and not self._closing.is_set() and self._parts.clock.now_ms() <= until_ms:
            now = self._serve(now)

    def _serve(self, destination: EventDestination) -> EventDestination | None:
        """The destination after its next events; None where it did not take all of them or there are no more."""
        events = self._parts.events
        if events.newest(destination.account_id) <= destination.after:
            return None
        command = ListStreamEvents(after=destination.after, max_results=_AT_ONCE, destination=destination.name)
        try:
            page = self._parts.gate.perform(self._context(destination.account_id), command, events.listing).result
        except CustodesError as error:  # the account may not, or the use cannot be recorded
            self._refused(destination, destination.after, error)
            return None
        for kept in page.events:
            after = None if self._closing.is_set() else self._sent(destination, kept)
            if after is None or after.after < kept.place:
                return None
            destination = after
        if page.after == destination.after:
            return destination
        after = destination.took(page.after)
        return after if self._keep(after) else None

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
        caller = account_itself(account_id, self._parts.region)
        return Context(caller, self._parts.request_ids(), self._parts.clock.now_ms())

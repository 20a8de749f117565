"""Where events of live searches are sent: a webhook or a broker of MQTT, as the operator says, and how far it is.

In: an address, what became of the last try. Out: the destination afterwards. Pure rules: events themselves are the
outbox, since a destination keeps the place behind the last event that it took; what it does not take is sent again,
with growing waits, in order, until a day is over. Tenants never give addresses, as with sources.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from custodes.core.errors import InvalidParameterError
from custodes.core.ids import AccountId

FIRST_WAIT_MS = 1_000
MAX_WAIT_MS = 300_000
GIVE_UP_MS = 86_400_000
"""For so long one event is tried; then the next has its turn."""
DEFAULT_PREFIX = "custodes"
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_PREFIX = re.compile(r"[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*")


class DestinationKind(StrEnum):
    """What is spoken there."""

    WEBHOOK = "webhook"
    MQTT = "mqtt"


_KINDS = {
    "http": DestinationKind.WEBHOOK,
    "https": DestinationKind.WEBHOOK,
    "mqtt": DestinationKind.MQTT,
    "mqtts": DestinationKind.MQTT,
}


@dataclass(frozen=True, slots=True)
class EventDestination:
    """One destination.

    Attributes:
        account_id, name: whose events, and how the operator calls it.
        url: ``https://``, ``http://``, ``mqtt://`` or ``mqtts://``, without user and password.
        secret: signs what is posted: ``whsec_`` and 32 bytes in Base64; empty for MQTT.
        user, password: of a broker; empty for none.
        prefix: of a broker's topics.
        pictures: whether pictures of faces are sent, too.
        after: place behind the last event that was sent, or given up.
        attempt: how often the next one was tried.
        since_ts_ms: when it was first tried; 0 for not yet.
        due_ts_ms: when it is tried next.
        stopped: why nothing is sent any more; empty while it is.
        revision: rises with every change.
    """

    account_id: AccountId
    name: str
    url: str
    secret: str = field(default="", repr=False)
    user: str = ""
    password: str = field(default="", repr=False)
    prefix: str = DEFAULT_PREFIX
    pictures: bool = False
    after: int = 0
    attempt: int = 0
    since_ts_ms: int = 0
    due_ts_ms: int = 0
    stopped: str = ""
    revision: int = 0

    def __post_init__(self) -> None:
        """Raises InvalidParameterError for what is no name, address or prefix."""
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            raise InvalidParameterError("this is no address of a destination") from None
        if parts.scheme not in _KINDS or not parts.hostname or port == 0:
            raise InvalidParameterError("a destination is https://, http://, mqtt:// or mqtts:// and a host")
        if parts.username is not None or parts.password is not None:
            raise InvalidParameterError("user and password are given apart, so that they stay out of lists")
        if not _NAME.fullmatch(self.name):
            raise InvalidParameterError("the name of a destination has 1 to 64 of a-z, A-Z, 0-9, _, . and -")
        if len(self.prefix) > 128 or not _PREFIX.fullmatch(self.prefix):
            raise InvalidParameterError("a prefix is words of a-z, A-Z, 0-9, _, . and - with / between them")

    @property
    def kind(self) -> DestinationKind:
        """What is spoken there."""
        return _KINDS[urlsplit(self.url).scheme]

    def is_due(self, now_ms: int) -> bool:
        """Whether it may be tried now."""
        return not self.stopped and self.due_ts_ms <= now_ms

    def took(self, place: int) -> EventDestination:
        """It took the event at ``place``, or there was nothing for it up to there."""
        return self._changed(after=place, attempt=0, since_ts_ms=0, due_ts_ms=0)

    def refused(self, place: int, now_ms: int) -> EventDestination:
        """It did not take the event at ``place``, which is tried again later, or given up after a day."""
        since_ms = self.since_ts_ms or now_ms
        if now_ms - since_ms >= GIVE_UP_MS:
            return self.took(place)
        wait_ms = min(FIRST_WAIT_MS << min(self.attempt, 20), MAX_WAIT_MS)
        return self._changed(attempt=self.attempt + 1, since_ts_ms=since_ms, due_ts_ms=now_ms + wait_ms)

    def with_secret(self, secret: str) -> EventDestination:
        """The same, signed with ``secret``; not a change of its own."""
        return replace(self, secret=secret)

    def ended(self, reason: str) -> EventDestination:
        """Nothing is sent there any more, until the operator sets it anew."""
        return self._changed(stopped=reason)

    def _changed(self, **changes: object) -> EventDestination:
        return replace(self, revision=self.revision + 1, **changes)  # type: ignore[arg-type]


class EventDestinations(Protocol):
    """Keeps destinations. All methods raise UnavailableError when the store cannot be used."""

    def all(self) -> Sequence[EventDestination]:
        """Of all accounts."""
        ...

    def put(self, destination: EventDestination) -> None:
        """Keep it, over what was there of this account and name."""
        ...

    def keep(self, destination: EventDestination) -> bool:
        """Keep it, if what is stored is the revision before; False if it was changed or removed meanwhile."""
        ...

    def drop(self, account_id: AccountId, name: str) -> bool:
        """Take away; False where there is none."""
        ...

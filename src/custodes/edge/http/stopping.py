"""That the server is about to stop, for answers that would go on for long.

In: the state that the server gives to every request. Out: an event that is set when it begins to stop. It ends nothing
itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

_NAME = "custodes_stopping"


def announce(state: MutableMapping[str, Any]) -> asyncio.Event:
    """Give requests with ``state`` an event, for the server to set."""
    event = asyncio.Event()
    state[_NAME] = event
    return event


def stopping(scope: MutableMapping[str, Any]) -> asyncio.Event:
    """The event of a request's server; one that is never set where the server has none."""
    found = scope.get("state", {}).get(_NAME)
    return found if isinstance(found, asyncio.Event) else asyncio.Event()


async def sleep_until(event: asyncio.Event, most_s: float) -> None:
    """Return when ``event`` is set, or after ``most_s`` seconds."""
    try:
        async with asyncio.timeout(most_s):
            await event.wait()
    except TimeoutError:
        pass

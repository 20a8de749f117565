"""One order to whoever may write the ledger of a data directory: the server that runs on it, else this process.

In: a data directory and an order. Out: the index of the entry it led to. A ledger has one writer, so a running server
is asked rather than its ledger opened a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from custodes.core.errors import UnavailableError


def carry_out(data: Path, members: Mapping[str, object]) -> int:
    """Have an order carried out.

    Raises:
        UnavailableError: it could not be; the message says why.
    """
    from custodes.core.clock import SystemClock
    from custodes.deployment.ledger import open_duties, open_orders

    orders = open_orders(data)
    if orders.is_attended():
        value = orders.place(members)
    else:
        with open_duties(data, SystemClock()) as duties:
            value = duties.carry_out(members)
    return _index(value)


def close_head(data: Path, *, behind: Callable[[], bool]) -> None:
    """Have a head of the account map made. Without a server only when ``behind``: its witnesses are not asked then.

    Raises:
        UnavailableError: it could not be made; the message says why.
    """
    from custodes.deployment.ledger import open_orders

    if open_orders(data).is_attended() or behind():
        carry_out(data, {"do": "head"})


def _index(parsed: Mapping[str, object]) -> int:
    index = parsed.get("index")
    if not isinstance(index, int):
        raise UnavailableError(str(parsed.get("error", "the ledger's writer gave no answer")))
    return index

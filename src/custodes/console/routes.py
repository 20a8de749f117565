"""Every page and what it asks for: path, method, handler. The table of docs/console.md is made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from custodes.console.pages import home, try_it
from custodes.console.visit import Outcome, Visit


@dataclass(frozen=True, slots=True)
class PageRoute:
    """One page: its path below ``/console``, how it is asked for, what answers, and the operations that it asks."""

    method: str
    path: str
    handler: Callable[[Visit], Outcome]
    operations: tuple[str, ...] = ()


PAGES: tuple[PageRoute, ...] = (
    PageRoute("GET", "/", home.page, home.OPERATIONS),
    PageRoute("GET", "/try/{task}", try_it.page),
    PageRoute("POST", "/try/{task}", try_it.result, try_it.OPERATIONS),
)

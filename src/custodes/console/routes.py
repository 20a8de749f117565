"""Every page and what it asks for: path, method, handler. The table of docs/console.md is made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from custodes.console.pages import collections, faces, home, people, try_it
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
    PageRoute("GET", "/collections", collections.listing, collections.LISTING),
    PageRoute("POST", "/collections", collections.create, ("CreateCollection",)),
    PageRoute("GET", "/collections/{collection}", collections.show, collections.SHOWING),
    PageRoute("GET", "/collections/{collection}/settings", collections.settings, collections.SETTINGS),
    PageRoute("POST", "/collections/{collection}/retention", collections.retain, ("retention set",)),
    PageRoute("POST", "/collections/{collection}/delete", collections.delete, ("DeleteCollection",)),
    PageRoute("GET", "/collections/{collection}/add", faces.add_page),
    PageRoute("POST", "/collections/{collection}/add", faces.add, faces.ADDING),
    PageRoute("GET", "/collections/{collection}/faces/{face}", faces.show, faces.ONE),
    PageRoute("POST", "/collections/{collection}/faces/{face}", faces.alike, faces.ALIKE),
    PageRoute("POST", "/collections/{collection}/delete-faces", faces.delete, faces.DELETING),
    PageRoute("GET", "/erasures/{face}", faces.certificate, faces.CERTIFICATE),
    PageRoute("GET", "/collections/{collection}/people", people.listing, people.LISTING),
    PageRoute("POST", "/collections/{collection}/people", people.create, ("CreateUser",)),
    PageRoute("GET", "/collections/{collection}/people/{person}", people.show, people.ONE),
    PageRoute("POST", "/collections/{collection}/people/{person}", people.associate, ("AssociateFaces", "ListFaces")),
    PageRoute("POST", "/collections/{collection}/people/{person}/disassociate", people.disassociate),
    PageRoute("POST", "/collections/{collection}/people/{person}/delete", people.delete, ("DeleteUser",)),
)

"""Addresses of pages that others lead to. In: names of things. Out: paths, each name escaped as one segment."""

from __future__ import annotations

from custodes.console.web.rendering import segment


def collection_path(name: str, *more: str) -> str:
    """A page about a collection."""
    return "/".join(["/console/collections", segment(name), *(segment(part) for part in more)])

"""Everything that a listing operation has, page after page. In: an API and its members. Out: items, in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from custodes.cli.client.api import ApiClient


def pages(api: ApiClient, operation: str, **members: Any) -> Iterator[Mapping[str, Any]]:
    """Answers of ``operation`` until there is no token for another. Raises as ``ApiClient.call``."""
    token: dict[str, Any] = {}
    while True:
        page = api.call(operation, **members, **token)
        yield page
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def listed(api: ApiClient, operation: str, member: str, **members: Any) -> Iterator[Mapping[str, Any]]:
    """Items in the list ``member`` of all answers."""
    for page in pages(api, operation, **members):
        yield from page[member]

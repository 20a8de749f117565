"""What browser tests share: a page that is watched, and signing in to a live server.

In: pages of Playwright. Out: the same, with everything that goes wrong on them written down.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.furnished import Furnished
from tests.fakes.live import LiveServer
from tests.fakes.visitor import Visitor

AXE = Path(__file__).parents[2] / "build/node_modules/axe-core/axe.min.js"
SEVERE = ("serious", "critical")
MAX_PAGE_BYTES = 150_000
LOADED = """['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind))
  .reduce((sum, one) => sum + one.encodedBodySize, 0)"""
"""Everything that a page loads, as it comes over the network: scripts, styles, the verifier of its receipts."""


@dataclass
class Watched:
    """A page of the browser, and what went wrong on it."""

    page: Any
    url: str
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.url}/console{path}")

    def follow(self, leading: Any) -> None:
        """Click what leads to another page, and wait for it: a click alone returns while this page still stands."""
        with self.page.expect_navigation():
            leading.click()

    def watch(self) -> None:
        self.page.on("console", lambda message: message.type == "error" and self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self._inside(request.url))

    def _inside(self, address: str) -> None:
        if not address.startswith((self.url, "blob:", "data:")):
            self.wrong.append(f"a request to {address}")


def link(server: LiveServer) -> str:
    """What ``custodes console`` prints."""
    answer = server.deployment.administration.ask("console link", {}, os.getuid())
    return server.url + str(answer["path"])


def sign_in(watched: Watched, server: LiveServer) -> None:
    """As the operator, and look at the first page. ``open_link`` is what a person does; this takes one page less."""
    visitor = Visitor(server.url)
    visitor.enter(link(server))
    _enter(watched, visitor)


def sign_in_with_key(watched: Watched, key: Mapping[str, Any]) -> None:
    """As whoever has an access key, and look at the first page; ``type_key`` is what a person does."""
    visitor = Visitor(watched.url)
    visitor.sign_in(key)
    _enter(watched, visitor)


def _enter(watched: Watched, visitor: Visitor) -> None:
    name, _, value = visitor.cookie.partition("=")
    place = {"domain": "127.0.0.1", "path": "/console", "httpOnly": True, "sameSite": "Strict"}
    watched.page.context.add_cookies([{"name": name, "value": value, **place}])
    watched.go("/")


def open_link(watched: Watched, server: LiveServer) -> None:
    """Sign in with the link that ``custodes console`` prints."""
    watched.page.goto(link(server))
    watched.page.get_by_role("button").click()
    watched.page.wait_for_url(f"{server.url}/console/")


def type_key(watched: Watched, key: Mapping[str, Any]) -> None:
    """Sign in with an access key and its secret."""
    page = watched.page
    page.goto(f"{watched.url}/console/sign-in")
    page.fill("input[name=access_key_id]", key["access_key_id"])
    page.fill("input[name=secret_access_key]", key["secret_access_key"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{watched.url}/console/")


def settle(page: Any, path: str) -> None:
    """Wait until all that the page asks for by itself is there: parts that come later, the verifier and its verdict."""
    if path == "/":
        page.wait_for_load_state("networkidle")
    page.wait_for_function("() => !document.querySelector('[data-state=checking]')")
    page.wait_for_function("() => !document.querySelector('[data-verify-text]:not(:has([data-verdict]))')")


def axe_core() -> str:
    """The program that looks for barriers; the test skips where it is not installed."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: scripts/install-test-tools.sh")
    return AXE.read_text(encoding="utf-8")


def axe_problems(page: Any, axe: str, where: str, rules: list[str] | None) -> list[tuple[str, str, str]]:
    """Serious and critical findings on the page as it is: where, which, and the first place; of all rules with None."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules is not None:
        options["runOnly"] = {"type": "rule", "values": rules}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [(where, one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in SEVERE]


def operator(furnished: Furnished) -> Visitor:
    """Signed in with a link."""
    visitor = Visitor(furnished.server.url)
    visitor.enter(link(furnished.server))
    return visitor


def reviewer(furnished: Furnished) -> Visitor:
    """Signed in as who sees the review."""
    visitor = Visitor(furnished.server.url)
    visitor.sign_in(furnished.reviewer)
    return visitor

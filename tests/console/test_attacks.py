"""Attacks on the console: forged forms, fixed and stolen sessions, old links, other tenants, hostile names."""

from __future__ import annotations

import gzip
import http.client
import os
import re
from typing import Any

import pytest

from custodes.console.routes import PAGES
from tests.fakes.browser import link, sign_in
from tests.fakes.engine import Square, picture
from tests.fakes.visitor import Visitor


def signed_in(served: Any) -> Visitor:
    """As the operator, with the key alone."""
    visitor = Visitor(served.url)
    visitor.sign_in(of_operator(served))
    return visitor


def of_operator(served: Any) -> dict[str, str]:
    key = served.deployment.keys.key
    return {"access_key_id": key.access_key_id, "secret_access_key": key.secret}


@pytest.fixture
def operator(served: Any) -> Visitor:
    return signed_in(served)


def test_every_page_wants_a_session(served: Any) -> None:
    visitor = Visitor(served.url)
    for page in PAGES:
        path = re.sub(r"\{\w+\}", "x", page.path)
        status, headers, _ = visitor.ask(page.method, f"/console{path}", {} if page.method == "POST" else None)
        assert (status, headers["location"].partition("?")[0]) == (303, "/console/sign-in"), page.path


def test_every_form_wants_its_secret(operator: Visitor, served: Any) -> None:
    for page in PAGES:
        if page.method == "POST":
            path = re.sub(r"\{\w+\}", "x", page.path)
            for form in ({}, {"csrf": "0" * 64}, {"csrf": ""}):
                assert operator.ask("POST", f"/console{path}", form)[0] == 403, page.path
    secret = operator.csrf()
    form = {"csrf": secret, "name": "forged"}
    assert operator.ask("POST", "/console/collections", form, origin="https://evil.example")[0] == 403
    assert operator.ask("POST", "/console/collections", form, sec_fetch_site="cross-site")[0] == 403
    assert "forged" not in served.client().list_collections()["CollectionIds"]
    assert operator.ask("POST", "/console/collections", form, origin=served.url)[0] == 303
    served.client().delete_collection(CollectionId="forged")


def test_a_secret_of_another_session_does_not_help(operator: Visitor, served: Any) -> None:
    other = signed_in(served)
    form = {"csrf": other.csrf(), "name": "stolen"}
    assert operator.ask("POST", "/console/collections", form)[0] == 403


def test_a_session_cannot_be_fixed_and_ends_for_good(served: Any) -> None:
    visitor = Visitor(served.url)
    visitor.cookie = f"custodes_session={'a' * 64}"
    visitor.sign_in(of_operator(served))
    assert visitor.cookie != f"custodes_session={'a' * 64}"
    first = visitor.cookie
    visitor.sign_in(of_operator(served))
    second, visitor.cookie = visitor.cookie, first
    assert visitor.ask("GET", "/console/")[0] == 303, "signing in again ends the session before"
    visitor.cookie = second
    assert visitor.ask("GET", "/console/")[0] == 200
    visitor.ask("POST", "/console/sign-out", {"csrf": visitor.csrf()})
    visitor.cookie = second
    assert visitor.ask("GET", "/console/")[0] == 303


def test_a_link_is_good_once_and_a_look_does_not_use_it_up(served: Any) -> None:
    address = link(served).removeprefix(served.url)
    secret = address.partition("link=")[2]
    visitor = Visitor(served.url)
    assert visitor.ask("GET", address)[0] == 200
    assert visitor.ask("POST", "/console/enter", {"link": secret}, x_forwarded_for="192.0.2.1")[0] == 403
    assert visitor.ask("POST", "/console/enter", {"link": secret}, sec_fetch_site="cross-site")[0] == 403
    assert visitor.ask("POST", "/console/enter", {"link": secret})[0] == 303
    assert visitor.ask("GET", "/console/")[0] == 200
    assert Visitor(served.url).ask("POST", "/console/enter", {"link": secret})[0] == 403


def test_guessing_is_slowed_down(served: Any) -> None:
    visitor = Visitor(served.url)
    guess = {"access_key_id": "AKIAGUESSED", "secret_access_key": "x"}
    codes = [visitor.ask("POST", "/console/sign-in", guess)[0] for _ in range(11)]
    assert codes == [403] * 10 + [429]


def test_answers_carry_the_headers_and_nothing_inline(operator: Visitor) -> None:
    for path in ("/console/", "/console/collections", "/console/nowhere", "/console/verify", "/console/server"):
        _, headers, text = operator.ask("GET", path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), path
        assert set(re.findall(r'(?:src|href|action)="(https?:)?//', text)) == set()


def test_where_to_go_back_to_stays_here(served: Any) -> None:
    key = served.deployment.keys.key
    for back in ("https://evil.example/", "//evil.example", "/console/\\evil", "/console/../..//evil", "javascript:1"):
        form = {"access_key_id": key.access_key_id, "secret_access_key": key.secret, "back": back}
        _, headers, _ = Visitor(served.url).ask("POST", "/console/sign-in", form)
        assert headers["location"].startswith("/console/") and "\\" not in headers["location"]


def test_a_closed_account_is_signed_out(served: Any) -> None:
    ask = served.deployment.administration.ask
    profile = {"legal_name": "Gone B.V.", "sector": "retail", "country": "NL"}
    made = ask("account create", {"profile": profile}, os.getuid())
    visitor = Visitor(served.url)
    form = {"access_key_id": made["access_key_id"], "secret_access_key": made["secret_access_key"]}
    assert visitor.ask("POST", "/console/sign-in", form)[0] == 303
    assert visitor.ask("GET", "/console/")[0] == 200
    for page in PAGES:
        if page.path in ("/customers", "/policy", "/server"):
            assert visitor.ask("GET", f"/console{page.path}")[0] in (403, 405)
    ask("account close", {"account": made["account_id"]}, os.getuid())
    assert visitor.ask("GET", "/console/")[0] == 303


def test_a_key_of_the_operator_alone_does_not_administer(operator: Visitor, served: Any) -> None:
    for path in ("/customers", "/policy", "/server"):
        assert operator.ask("GET", f"/console{path}")[0] == 403
    form = {"csrf": operator.csrf(), "name": "Forged", "sector": "retail", "country": "NL"}
    assert operator.ask("POST", "/console/customers", form)[0] == 403
    assert 'href="/console/customers"' not in operator.ask("GET", "/console/")[2]


def test_a_stranger_cannot_send_much_and_nobody_too_much(operator: Visitor, served: Any) -> None:
    assert Visitor(served.url).ask("POST", "/console/sign-in", {"access_key_id": "x" * 70_000})[0] == 400
    secret = operator.csrf()
    assert operator.ask("POST", "/console/collections", {"csrf": secret, "name": "x" * 3_000_000})[0] == 400
    status, _, text = operator.ask(
        "POST", "/console/try/faces", content_length=str(1 << 40), content_type="multipart/x"
    )
    assert status == 413 and "at most" in text


def test_pages_can_be_read_without_scripts(browse: Any, served: Any) -> None:
    with browse(java_script_enabled=False) as watched:
        page = watched.page
        sign_in(watched, served)
        watched.follow(page.get_by_role("link", name="Ledger"))
        assert page.locator("tbody tr").count() > 0
        page.get_by_role("link", name="Try it").click()
        page.set_input_files(
            "input[name=source]", {"name": "a.png", "mimeType": "image/png", "buffer": picture(Square(1))}
        )
        page.set_input_files(
            "input[name=target]", {"name": "b.png", "mimeType": "image/png", "buffer": picture(Square(1, 9))}
        )
        page.get_by_role("button", name="Compare").click()
        assert "%" in page.inner_text(".figure .value")


def test_the_keyboard_is_enough(browse: Any, served: Any) -> None:
    with browse() as watched:
        page = watched.page
        page.goto(link(served))
        page.locator("button:focus").wait_for()  # The browser focuses it with its first picture, maybe after the load.
        page.keyboard.press("Enter")
        page.wait_for_url(f"{served.url}/console/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim()") == "Compare two photos":
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**/try/compare")


def test_the_api_is_where_it_was(served: Any) -> None:
    visitor = Visitor(served.url)
    assert visitor.ask("GET", "/", accept="text/html,*/*")[1]["location"] == "/console/"
    assert visitor.ask("GET", "/console")[1]["location"] == "/console/"
    assert visitor.ask("GET", "/", accept="application/json")[0] == 405
    assert served.client().list_collections()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_scripts_are_compressed_for_whoever_takes_them_so_and_pages_with_their_secrets_never(served: Any) -> None:
    status, headers, text = Visitor(served.url).ask("GET", "/console/sign-in", accept_encoding="gzip")
    assert (status, "content-encoding" in headers) == (200, False)
    path = re.search(r'href="(/console/static/[^"]+/console.css)"', text)
    assert path is not None
    found = {}
    for accepted in ("br, gzip", "gzip;q=0, br"):
        connection = http.client.HTTPConnection(served.url.partition("//")[2], timeout=10)
        connection.request("GET", path[1], headers={"accept-encoding": accepted})
        answer = connection.getresponse()
        found[accepted] = answer.read()
        assert answer.getheader("vary") == "accept-encoding"
        connection.close()
    packed, plain = found.values()
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 2


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("POST", "/nowhere"), ("POST", "/ledger"), ("GET", "/policy/apply")]
)
def test_what_is_no_page_is_a_page_that_says_so(operator: Visitor, method: str, path: str) -> None:
    status, headers, text = operator.ask(method, f"/console{path}", {} if method == "POST" else None)
    assert (status, headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Nothing is here" in text

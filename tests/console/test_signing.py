"""Officers sign in their own browser: a finding of screening decided, a change of the rules put on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from custodes.cli.policy.policy import app as policy_app
from tests.fakes.administration import administer
from tests.fakes.browser import Watched, sign_in
from tests.fakes.engine import SquareEngine
from tests.fakes.live import LiveServer, running


@contextmanager
def signed_in(chromium: Any, server: LiveServer) -> Iterator[Watched]:
    context = chromium.new_context(accept_downloads=True, locale="en-GB")
    watched = Watched(context.new_page(), server.url)
    watched.watch()
    watched.page.set_default_timeout(10_000)
    sign_in(watched, server)
    yield watched
    context.close()


def screening_officer(server: LiveServer, folder: Path, name: str) -> Path:
    key, path = Ed25519PrivateKey.generate(), folder / name
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    administer(server, "screening officer add", name=name, public=key.public_key().public_bytes_raw().hex())
    return path


def test_two_officers_decide_a_finding(chromium: Any, tmp_path: Path) -> None:
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        profile = {"legal_name": "Anna's Photos B.V.", "sector": "retail", "country": "NL"}
        account = administer(server, "account create", profile=profile)["account_id"]
        keys = {name: screening_officer(server, tmp_path, name) for name in ("ann", "ben")}
        with signed_in(chromium, server) as watched:
            page = watched.page
            watched.go(f"/customers/{account}")
            for name, state in (("ann", "half"), ("ben", "accept")):
                page.check("input[name=call][value=accept]")
                page.fill("input[name=officer]", name)
                page.fill("input[name=why]", "a sole trader: nobody owns it")
                page.set_input_files("[data-key]", keys["ann"])
                page.get_by_role("button", name="Sign and decide").click()
                if name == "ben":  # with a key that is not Ben's
                    page.get_by_role("alert").wait_for()
                    assert "signature is not that of ben" in page.inner_text("main")
                    watched.wrong.clear()
                    watched.go(f"/customers/{account}")
                    page.check("input[name=call][value=accept]")
                    page.fill("input[name=officer]", name)
                    page.fill("input[name=why]", "a sole trader: nobody owns it")
                    page.set_input_files("[data-key]", keys["ben"])
                    page.get_by_role("button", name="Sign and decide").click()
                page.locator(".state", has_text=state).first.wait_for()
            told = page.inner_text("main")
            assert "ann: accept" in told and "ben: accept" in told
            page.set_input_files("[data-key]", {"name": "x", "mimeType": "text/plain", "buffer": b"no key"})
            page.locator("details summary", has_text="Decide").click()
        assert watched.wrong == []


def policy(*arguments: str) -> str:
    done = CliRunner().invoke(policy_app, arguments)
    assert done.exit_code == 0, done.output
    return done.output.strip()


def test_a_change_of_rules_is_proposed_signed_and_put_on_record(chromium: Any, tmp_path: Path) -> None:
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        at = ("--data", str(server.data))
        policy("officer", "add", policy("officer", "key", "ann", "--out", str(tmp_path / "ann")), *at)
        with signed_in(chromium, server) as watched:
            page = watched.page
            watched.go("/policy")
            page.check("input[value=uk-russia-sanctions]")
            page.get_by_role("button", name="Write the change down").click()
            assert "uk-russia-sanctions.clear" in page.inner_text("main")
            assert page.get_by_role("button", name="Put it on record").count() == 0
            page.set_input_files("[data-key]", {"name": "x", "mimeType": "text/plain", "buffer": b"no key"})
            page.get_by_role("button", name="Sign in this browser").click()
            page.get_by_text("This file is no private key").wait_for()
            page.set_input_files("[data-key]", tmp_path / "ann")
            page.get_by_role("button", name="Sign in this browser").click()
            page.get_by_role("button", name="Put it on record").wait_for()
            with page.expect_download() as download:
                page.get_by_role("button", name="Keep as a file").click()
            kept = Path(download.value.path())
            assert list(json.loads(kept.read_text())["manifest"]["signatures"]) == ["ann"]
            watched.go("/policy")
            page.set_input_files("input[name=file]", kept)
            page.get_by_role("button", name="Open it").click()
            page.get_by_role("button", name="Put it on record").click()
            page.get_by_text("uk-russia-sanctions.fresh").wait_for()
            assert page.is_checked("input[value=uk-russia-sanctions]")
            # A weakening wants two officers and its notice.
            page.uncheck("input[value=police-moratorium]")
            page.get_by_role("button", name="Write the change down").click()
            page.get_by_text("weakening", exact=True).wait_for()
            page.set_input_files("[data-key]", tmp_path / "ann")
            page.get_by_role("button", name="Sign in this browser").click()
            page.get_by_text("It wants more signatures first.").wait_for()
        assert watched.wrong == []
        assert "uk-russia-sanctions" in json.loads(policy("status", "--json", *at))["packs"]

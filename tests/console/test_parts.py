"""Parts of the console by themselves: files of others, catalogues of languages, sessions, links, attempts."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.console.pages.stretches import stretch
from custodes.console.ports import SessionLimits
from custodes.console.web.attempts import MAX_FAILURES, MAX_OF_ADDRESS, WINDOW_MS, Attempts
from custodes.console.web.language import LANGUAGES, Words, catalogue, preferred
from custodes.console.web.sessions import Sessions
from custodes.core.clock import FixedClock
from custodes.core.errors import CustodesError
from custodes.operations.accounts.credentials.sign_in_links import GOOD_FOR_MS, SignInLinks

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "src/custodes/console"


def test_files_of_others_are_what_the_table_says() -> None:
    table = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    digest = hashlib.sha256((CONSOLE / "static/htmx.min.js").read_bytes()).hexdigest()
    assert re.search(rf"^\| htmx\.min\.js \|.*\| {digest} \|$", table, re.MULTILINE)


def test_no_language_lacks_a_message() -> None:
    for name, texts in catalogue().items():
        assert len(texts) == len(LANGUAGES), name
        assert all(text.strip() for text in texts), name
        places = [sorted(re.findall(r"\{(\w+)\}", text)) for text in texts]
        assert all(found == places[0] for found in places), name


def test_every_message_that_a_page_names_is_there_and_every_message_is_named() -> None:
    sources = [*CONSOLE.rglob("*.html"), *CONSOLE.rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    named = set(re.findall(r"""["']([a-z_]+\.[a-z0-9_]+)["']""", text))
    stems = set(re.findall(r"""["']([a-z_]+\.[a-z0-9_]*)["'] ~""", text))
    subjects = {path.stem for path in (CONSOLE / "messages").glob("*.toml")}
    wanted = {
        name for name in named if name.partition(".")[0] in subjects and not name.endswith((".html", ".js", ".py"))
    }
    assert wanted - stems - catalogue().keys() == set()
    unused = {name for name in catalogue() if name not in named and not name.startswith(tuple(stems))}
    assert unused - {name for name in unused if name.startswith("refused.title_")} == set()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de-CH,de;q=0.9,en;q=0.8", "de"), ("fr", "fr"), ("ja,*;q=0.5", "en"), ("", "en"), ("\x00;;,,", "en")],
)
def test_language_is_what_the_browser_asks_for(accepted: str, language: str) -> None:
    assert preferred(accepted) == language
    assert Words(language)("sign_in.title")


def test_a_session_ends_when_it_is_idle_and_in_any_case() -> None:
    clock = FixedClock()
    sessions = Sessions(clock, os.urandom, SessionLimits(idle_ms=1000, absolute_ms=3000))
    idle, busy = sessions.begin("AKIA1"), sessions.begin("AKIA2")
    clock.advance(999)
    assert sessions.find(busy) is not None
    clock.advance(1)
    assert sessions.find(idle) is None
    for _ in range(2):
        clock.advance(900)
        found = sessions.find(busy)
    assert found is not None and found.access_key_id == "AKIA2"
    clock.advance(200)
    assert sessions.find(busy) is None


def test_a_session_is_known_by_its_secret_only() -> None:
    sessions = Sessions(FixedClock(), os.urandom, SessionLimits())
    secret = sessions.begin("AKIA1", "token")
    found = sessions.find(secret)
    assert found is not None
    assert "token" not in repr(found) and found.csrf not in repr(found)
    assert sessions.find(hashlib.sha256(secret.encode()).hexdigest()) is None
    sessions.end(secret)
    assert sessions.find(secret) is None


def test_a_link_is_good_once_and_for_minutes() -> None:
    clock = FixedClock()
    links = SignInLinks(clock, os.urandom)
    first, _ = links.give_out()
    second, until = links.give_out()
    assert links.take(first)
    assert not links.take(first)
    clock.advance(GOOD_FOR_MS)
    assert clock.now_ms() == until
    assert not links.take(second)
    assert not links.take("")


def test_whoever_fails_often_has_to_wait() -> None:
    clock = FixedClock()
    attempts = Attempts(clock)
    for _ in range(MAX_FAILURES):
        assert attempts.may_try("a", "a k")
        attempts.failed("a", "a k")
    assert not attempts.may_try("a", "a k")
    assert attempts.may_try("a", "a other"), "others behind the same proxy"
    assert attempts.may_try("b", "b k"), "the owner of the key, elsewhere"
    clock.advance(WINDOW_MS)
    assert attempts.may_try("a", "a k")
    for _ in range(MAX_OF_ADDRESS):
        attempts.failed("a", "a many")
    assert not attempts.may_try("a", "a other")


def test_errors_have_a_sentence_of_their_own_in_every_language() -> None:
    """A kind of error without one is told by the sentence for all."""
    kinds = [CustodesError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    names = {name.removeprefix("refused.kind_") for name in catalogue() if name.startswith("refused.kind_")}
    assert "CustodesError" in names and names <= {kind.__name__ for kind in kinds}
    for name in names:
        texts = [Words(language)(f"refused.kind_{name}") for language in LANGUAGES]
        assert len(set(texts)) == len(LANGUAGES), name


@settings(max_examples=50, deadline=None)
@given(st.sets(st.text(min_size=1, max_size=3), max_size=9), st.integers(1, 4))
def test_stretches_of_a_list_are_all_of_it_in_order(names: set[str], limit: int) -> None:
    seen, after = list[str](), ""
    while True:
        rows, following = stretch(names, str, after, limit)
        seen += rows
        if following is None:
            break
        assert len(rows) == limit
        after = following
    assert seen == sorted(names)

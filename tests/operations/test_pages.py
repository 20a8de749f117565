"""Pagination tokens: they go round, fit the API's limit, and serve only the listing they came from."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.errors import PaginationTokenError
from custodes.core.pages import MAX_TOKEN_CHARS, PageTokens

IDS = st.text("abcXYZ019_.-:", max_size=255)
SCOPES = st.lists(st.text(max_size=20), min_size=1, max_size=4).map(tuple)
TOKENS = PageTokens(b"k" * 32)


@given(SCOPES, IDS)
def test_goes_round_within_the_limit(scope, last):
    token = TOKENS.issue(scope, last)
    assert 0 < len(token) <= MAX_TOKEN_CHARS
    assert TOKENS.read(scope, token) == last


@pytest.mark.parametrize("last", ["z" * 255, ":" * 255, "0" * 255, ":" * 128, "", "a"])
def test_longest_and_shortest_ids(last):
    assert TOKENS.read(("op",), TOKENS.issue(("op",), last)) == last
    assert len(TOKENS.issue(("op",), last)) <= MAX_TOKEN_CHARS


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_rows_go_round(row):
    token = TOKENS.issue(("op",), row)
    assert TOKENS.read_row(("op",), token) == row
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token), "short tokens are safe in a shell and in a URL"


def test_a_row_listing_refuses_a_token_of_an_id():
    with pytest.raises(PaginationTokenError):
        TOKENS.read_row(("op",), TOKENS.issue(("op",), "people"))


@given(SCOPES, SCOPES, IDS)
def test_another_scope_is_refused(scope, other, last):
    if scope != other:
        with pytest.raises(PaginationTokenError):
            TOKENS.read(other, TOKENS.issue(scope, last))


def test_parts_of_a_scope_do_not_run_together():
    with pytest.raises(PaginationTokenError):
        TOKENS.read(("ab", "c"), TOKENS.issue(("a", "bc"), "x"))


def test_another_key_is_refused():
    with pytest.raises(PaginationTokenError):
        PageTokens(b"x" * 32).read(("op",), TOKENS.issue(("op",), "x"))


@given(IDS, st.data())
def test_every_altered_character_is_refused(last, data):
    token = TOKENS.issue(("op",), last)
    at = data.draw(st.integers(0, len(token) - 1))
    char = data.draw(st.characters(codec="ascii", exclude_characters=token[at]))
    altered = token[:at] + char + token[at + 1 :]
    with pytest.raises(PaginationTokenError):
        TOKENS.read(("op",), altered)


@given(st.text(max_size=300))
def test_any_text_is_refused_as_a_token(text):
    with pytest.raises(PaginationTokenError):
        TOKENS.read(("op",), text)


def test_ids_that_cannot_exist_are_a_defect():
    with pytest.raises(ValueError, match="page key"):
        TOKENS.issue(("op",), "a b")

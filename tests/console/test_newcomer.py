"""A newcomer: signs in with the link, drops two photos, sees how alike they are, and the receipt verified."""

from __future__ import annotations

from typing import Any

from fakes.browser import sign_in
from fakes.engine import Square


def test_two_photos_and_a_receipt(browse: Any, served: Any, photos: Any) -> None:
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        page.get_by_role("link", name="Compare two photos").click()
        page.set_input_files("input[name=source]", photos(Square(1), name="a"))
        page.set_input_files("input[name=target]", photos(Square(1, 10), Square(2, left=200), name="b"))
        page.get_by_role("button", name="Compare").click()
        page.wait_for_selector("[data-receipt][data-state=good]")
        assert "%" in page.inner_text(".figure .value")
        assert page.locator(".frame svg rect").count() == 3

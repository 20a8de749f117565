"""What a collection's keeper does: sees why faces were left out, finds people who are there twice, sets how long."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.browser import sign_in
from tests.fakes.engine import DARK_AND_BLURRED, Square
from tests.fakes.furnished import Furnished


def test_a_face_that_was_left_out_is_shown_with_the_reason(browse: Any, served: Any, photos: Any) -> None:
    served.client().create_collection(CollectionId="strict")
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        watched.go("/collections/strict/add")
        page.check("input[name=largest]")
        poor, crowd = Square(2, blue=DARK_AND_BLURRED), (Square(3, side=90), Square(4, left=200, side=50))
        page.set_input_files("input[name=photo]", [photos(poor, name="poor"), photos(*crowd, name="crowd")])
        page.get_by_role("button", name="Add to the collection").click()
        page.get_by_text("All photos are done.").wait_for()
        assert page.locator("progress").get_attribute("value") == "2"
        left_out = page.locator("section.added:has(h3) li:has(.warn)")
        assert left_out.locator("canvas").count() == 2
        assert set(left_out.locator(".state").all_inner_texts()) == {"too dark", "too blurred", "not the largest"}


def test_somebody_who_is_there_already_is_said_and_found(browse: Any, served: Any, photos: Any) -> None:
    served.client().create_collection(CollectionId="twice")
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        for name, known in (("first", 0), ("again", 1)):
            watched.go("/collections/twice/add")
            page.set_input_files("input[name=photo]", photos(Square(7), name=name))
            page.get_by_role("button", name="Add to the collection").click()
            page.get_by_text("All photos are done.").wait_for()
            assert page.get_by_text("perhaps known").count() == known
        page.get_by_text("perhaps known").click()
        assert page.inner_text("h1") == "first"
        page.get_by_role("button", name="Look for duplicates").click()
        assert page.locator("li:has(.state.warn) a").inner_text() == "again"
        assert page.get_by_text("strangers").count() == 1


def test_how_long_faces_are_kept(browse: Any, served: Any) -> None:
    served.client().create_collection(CollectionId="guests")
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        watched.go("/collections/guests/settings")
        for days in ("30", "7", ""):
            page.fill("input[name=days]", days)
            page.locator("form:has(input[name=days]) button").click()
            page.wait_for_function("days => document.querySelector('input[name=days]').defaultValue === days", arg=days)
            rules = served.deployment.administration.ask("retention list", {}, os.getuid())["rules"]
            assert [rule["days"] for rule in rules if rule["collection"] == "guests"] == ([int(days)] if days else [])


def test_a_collection_goes_when_its_name_is_typed(browse: Any, served: Any) -> None:
    served.client().create_collection(CollectionId="going")
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        for typed, there in (("wrong", True), ("going", False)):
            watched.go("/collections/going/settings")
            page.fill("form.card input[name=name]", typed)
            page.get_by_role("button", name="Delete collection").click()
            page.wait_for_load_state()
            assert ("going" in served.client().list_collections()["CollectionIds"]) is there
        assert watched.wrong.pop().startswith("Failed to load resource")  # of the refusal


@pytest.mark.parametrize("task", ["faces", "search", "labels", "text", "moderation", "equipment"])
def test_everything_can_be_tried_and_its_receipt_verifies(
    browse: Any, furnished: Furnished, photos: Any, task: str
) -> None:
    with browse() as watched:
        page = watched.page
        sign_in(watched, furnished.server)
        watched.go("/try/compare")
        page.locator(f".tabs a[href='/console/try/{task}']").click()
        page.set_input_files("input[name=picture]", photos(Square(2), name="who"))
        page.locator("button.go").click()
        page.wait_for_selector("#result [data-receipt][data-state=good]")
        assert page.locator("#result .findings").count() == 1
        page.locator("#result .frame img").wait_for()  # the reader's own copy, drawn over
        if task in ("faces", "search"):
            page.locator("#result svg rect").first.wait_for(state="attached")
        if task == "search":
            assert "1 in" in page.inner_text("#result .verdict")


def test_a_picture_is_taken_with_the_camera(browse: Any, served: Any) -> None:
    camera = (Path(__file__).parent / "drawn_camera.js").read_text(encoding="utf-8")
    with browse() as watched:
        page = watched.page
        page.add_init_script(f"window.drawnCamera = {{square: 'rgb(1 0 200)'}};\n{camera}")
        sign_in(watched, served)
        watched.go("/try/faces")
        page.get_by_role("button", name="Take a picture").click()
        page.wait_for_function("() => document.querySelector('.drop video')?.videoWidth > 0")
        page.get_by_role("button", name="Take a picture").click()
        page.wait_for_selector(".drop.filled .drop-preview img")
        assert page.locator(".drop video").count() == 0, "the camera is off again"
        page.get_by_role("button", name="Find faces").click()
        page.wait_for_selector("#result [data-receipt][data-state=good]")

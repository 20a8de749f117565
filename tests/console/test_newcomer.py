"""A newcomer: signs in with the link, compares two photos, enrols some, searches, and sees every receipt verified."""

from __future__ import annotations

import time
from typing import Any

from tests.fakes.browser import open_link, sign_in
from tests.fakes.engine import DARK_AND_BLURRED, Square

MAX_CLICKS, MAX_S = 5, 60.0


def test_from_sign_in_to_a_verified_match(browse: Any, served: Any, photos: Any) -> None:
    with browse() as watched:
        page = watched.page
        open_link(watched, served)
        started, clicks = time.monotonic(), 0
        page.get_by_role("link", name="Compare two photos").click()
        clicks += 1
        page.set_input_files("input[name=source]", photos(Square(1), name="a"))
        page.set_input_files("input[name=target]", photos(Square(1, 10), Square(2, left=200), name="b"))
        page.get_by_role("button", name="Compare").click()
        clicks += 3  # and one for each photo
        page.wait_for_selector("#result [data-receipt][data-state=good]")
        assert clicks <= MAX_CLICKS and time.monotonic() - started < MAX_S
        assert "%" in page.inner_text(".figure .value")
        page.locator(".frame svg rect").nth(2).wait_for(state="attached")  # drawn once the pictures are decoded
        assert page.locator(".frame svg rect").count() == 3
        assert "1 in" in page.inner_text(".verdict")


def test_a_folder_into_a_collection_and_a_search(browse: Any, served: Any, photos: Any) -> None:
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        watched.go("/collections")
        page.fill("input[name=name]", "friends")
        page.get_by_role("button", name="Create").click()
        files = [
            photos(Square(1), name="ann"),
            photos(Square(2), name="ben & <b>co"),
            photos(Square(3), Square(4, left=200, blue=DARK_AND_BLURRED), name="cem"),
            photos(name="nobody"),
        ]
        page.set_input_files("input[name=photo]", files)
        page.get_by_role("button", name="Add to the collection").click()
        page.get_by_text("All photos are done.").wait_for()
        assert page.locator(".state.good").count() == 3
        assert page.get_by_text("Not added").count() == 1
        assert page.get_by_text("No face was found in this photo.").count() == 1
        assert page.locator("canvas").count() == 4
        page.wait_for_function("() => document.querySelectorAll('[data-receipt][data-state=good]').length >= 7")
        watched.follow(page.get_by_role("link", name="Faces", exact=True).first)
        assert sorted(page.locator(".faces a.name").all_inner_texts()) == ["ann", "ben_b_co", "cem"]
        watched.go("/try/search?collection=friends")
        page.set_input_files("input[name=picture]", photos(Square(2, 5), name="who"))
        page.get_by_role("button", name="Search").click()
        page.wait_for_selector("#result [data-receipt][data-state=good]")
        assert page.locator("tbody tr td.name").first.inner_text() == "ben_b_co"


def test_a_face_is_deleted_with_a_certificate(browse: Any, served: Any, photos: Any) -> None:
    client = served.client()
    client.create_collection(CollectionId="short")
    content = photos(Square(5), name="eve").read_bytes()
    client.index_faces(CollectionId="short", Image={"Bytes": content}, ExternalImageId="eve")
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        watched.go("/collections/short")
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Delete the chosen faces").click()
        page.get_by_text("Faces whose keys are destroyed: 1").wait_for()
        watched.go("/collections/short")
        page.get_by_text("No faces yet.").wait_for()


def test_people_join_faces(browse: Any, served: Any, photos: Any) -> None:
    client = served.client()
    client.create_collection(CollectionId="club")
    content = photos(Square(6), name="fay").read_bytes()
    [record] = client.index_faces(CollectionId="club", Image={"Bytes": content})["FaceRecords"]
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        watched.go("/collections/club/people")
        page.fill("input[name=person]", "fay")
        page.get_by_role("button", name="Create").click()
        page.fill("textarea[name=faces]", record["Face"]["FaceId"])
        watched.follow(page.get_by_role("button", name="Give faces to this person"))
        assert page.locator("ul.faces li").count() == 1
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Take the chosen faces away").click()
        page.get_by_text("No faces yet. Paste").wait_for()
        page.get_by_role("button", name="Delete this person").click()
        page.get_by_text("Nobody yet.").wait_for()


def test_small_pictures_are_kept_only_where_they_are_wanted(browse: Any, served: Any, photos: Any) -> None:
    client = served.client()
    client.create_collection(CollectionId="album")
    content = photos(Square(1), name="one").read_bytes()
    client.index_faces(CollectionId="album", Image={"Bytes": content}, ExternalImageId="before")
    with browse() as watched:
        page = watched.page
        sign_in(watched, served)
        watched.go("/collections/album/settings")
        assert not page.is_checked("input[name=keep]")
        page.check("input[name=keep]")
        page.locator("form:has(input[name=keep]) button").click()
        page.wait_for_selector("input[name=keep]:checked")
        content = photos(Square(2), name="two").read_bytes()
        client.index_faces(CollectionId="album", Image={"Bytes": content}, ExternalImageId="after")
        watched.go("/collections/album")
        assert page.locator("li.face").count() == 2
        assert page.locator("li.face img").count() == 1
        assert page.locator("li.face:has(img) a").inner_text() == "after"
        assert page.evaluate("document.querySelector('li.face img').naturalWidth") == 160
        assert page.get_by_text("GetFaceThumbnails").count() == 1

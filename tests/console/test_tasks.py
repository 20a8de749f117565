"""Tasks on pages: begun, seen to the end without loading again, their findings, one that is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from custodes.console.web.language import Words
from custodes.operations.tasks.commands import TASKS
from tests.fakes.browser import Watched, link, sign_in
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import running
from tests.fakes.visitor import Visitor
from tests.fakes.waiting import eventually
from tests.streams.kept import post
from tests.tasks.test_reembedding import NextEngine

ALIKE = {"one": Square(1), "same": Square(1, left=40), "other": Square(2)}


@pytest.mark.npm
def test_duplicates_are_found_on_a_page(chromium: Any, tmp_path: Path) -> None:
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        client = server.client()
        client.create_collection(CollectionId="people")
        for name, square in ALIKE.items():
            client.index_faces(CollectionId="people", Image={"Bytes": picture(square)}, ExternalImageId=name)
        context = chromium.new_context()
        watched = Watched(context.new_page(), server.url)
        watched.watch()
        page = watched.page
        sign_in(watched, server)
        page.get_by_role("link", name="Tasks", exact=True).click()
        page.select_option("select[name=kind]", "duplicates")
        page.fill("input[name=collection]", "people")
        page.get_by_role("button", name="Begin a task").click()
        page.get_by_text("SUCCEEDED").wait_for(timeout=30_000)  # nobody loads the page again
        row = page.locator("#state tbody tr")
        assert row.count() == 1
        assert sorted(row.locator("td a").all_inner_texts()) == ["one", "same"]
        page.locator(".crumbs a").click()
        assert page.locator("tbody th a").inner_text() == "Duplicates"
        context.close()
        assert watched.wrong == []


def test_pictures_that_an_enrolment_left_out_are_named(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "ann.png").write_bytes(picture(Square(1)))
    (photos / "<b>nobody.png").write_bytes(picture())
    with running(tmp_path / "data", {"buckets": {"photos": photos}}, engine=SquareEngine()) as server:
        server.client().create_collection(CollectionId="staff")
        path, asked = "/custodes/v1/tasks", {"CollectionId": "staff", "Bucket": "photos"}
        task = str(post(server, "StartBulkEnrolment", f"{path}/enrolment", **asked)["TaskId"])
        eventually(lambda: post(server, "GetTask", f"{path}/result", TaskId=task)["Task"]["Status"] == "SUCCEEDED")
        visitor = Visitor(server.url)
        visitor.enter(link(server))
        status, _, text = visitor.ask("GET", f"/console/tasks/{task}")
        assert (status, "1 faces of 2 pictures" in text, "&lt;b&gt;nobody" in text) == (200, True, True)
        status, _, text = visitor.ask("GET", "/console/tasks")
        assert (status, "Pictures of a bucket enrolled" in text) == (200, True)


def test_every_kind_of_task_has_a_name_on_pages() -> None:
    assert [kind for kind in TASKS if not Words().has(f"tasks.kind_{kind.removeprefix('Start')}")] == []


@pytest.mark.npm
def test_a_collection_says_how_far_its_reembedding_is_and_is_switched(chromium: Any, tmp_path: Path) -> None:
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        client = server.client()
        client.create_collection(CollectionId="nobody")
    with running(tmp_path / "data", engine=NextEngine()) as server:
        context = chromium.new_context()
        watched = Watched(context.new_page(), server.url)
        watched.watch()
        page = watched.page
        sign_in(watched, server)
        page.goto(f"{server.url}/console/collections/nobody/settings")
        page.get_by_text("0 of 0 faces").wait_for()
        page.get_by_role("button", name="Search the new vectors").click()
        page.get_by_text("of 0 faces").wait_for(state="detached")
        assert server.client().describe_collection(CollectionId="nobody")["FaceModelVersion"] == "2.0"
        context.close()
        assert watched.wrong == []

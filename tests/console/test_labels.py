"""Labels of one's own in the browser: boxes drawn, a training, errors of a manifest, versions side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.browser import Watched, sign_in
from tests.fakes.custom import plain, squares
from tests.fakes.live import running
from tests.fakes.sight import sight
from tests.fakes.studio import PICTURES, RESULTS, FacesInLargePictures, Studio, image_line

NAME = "caf\u00e9 <b>table</b>"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    root = tmp_path_factory.mktemp("labels")
    folders = [root / PICTURES, root / RESULTS]
    for folder in folders:
        folder.mkdir()
    buckets = {PICTURES: folders[0], RESULTS: folders[1]}
    overrides = {"buckets": buckets, "output_buckets": RESULTS, "training_wait_s": 55}
    with running(root / "data", overrides, engine=FacesInLargePictures(), sight=sight()) as server:
        yield Studio(server, server.client(), *folders)


@pytest.fixture
def watched(chromium: Any, studio: Studio) -> Iterator[Watched]:
    context = chromium.new_context(locale="en-GB")
    seen = Watched(context.new_page(), studio.server.url)
    seen.watch()
    seen.page.set_default_timeout(15_000)
    sign_in(seen, studio.server)
    yield seen
    context.close()
    assert seen.wrong == []


def test_boxes_are_drawn_and_become_lines(watched: Watched, studio: Studio, tmp_path: Path) -> None:
    picture = tmp_path / "one.png"
    picture.write_bytes(squares(("red", 40, 60, 100)))
    page = watched.page
    page.get_by_role("link", name="Own labels").click()
    page.fill("input[name=name]", "drawn")
    page.get_by_role("button", name="Create").click()
    page.locator("form:has(input[value=train]) button").click()
    page.get_by_role("link", name="Label pictures").click()
    page.fill("[data-bucket]", PICTURES)
    page.fill("[data-prefix]", "drawn/")
    page.fill("[data-name]", NAME)
    page.set_input_files(".drop input", picture)
    board = page.locator(".drawing-board")
    board.wait_for()
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.15)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.4)
    page.mouse.up()
    assert page.locator(".sheets rect").count() == 1
    page.get_by_role("button", name="Add a box").click()  # the way of the keyboard
    page.locator(".sheets fieldset").nth(1).wait_for()
    assert page.locator(".sheets fieldset").count() == 2
    page.locator(".sheets fieldset").nth(1).get_by_role("button", name="Remove").click()
    numbers = page.locator(".sheets fieldset input[type=number]")
    for at, value in enumerate((40, 60, 100, 100)):
        numbers.nth(at).fill(str(value))
    page.get_by_role("button", name="Add to the dataset").click()
    page.wait_for_url("**/labels/drawn/train")
    assert f"s3://{PICTURES}/drawn/one.png" in page.inner_text("tbody th")
    assert page.inner_text("tbody td") == f"{NAME} \N{MULTIPLICATION SIGN} 1"
    project = studio.client.describe_projects(ProjectNames=["drawn"])["ProjectDescriptions"][0]
    (line,) = studio.client.list_dataset_entries(DatasetArn=project["Datasets"][0]["DatasetArn"])["DatasetEntries"]
    assert '"left":40' in line.replace(" ", "") and "errors" not in line


def test_errors_of_a_manifest_are_seen(watched: Watched, studio: Studio) -> None:
    studio.project("wrong")
    good = image_line(studio.put("wrong/a.png", plain("red")), "red")
    studio.manifest("wrong/train.manifest", [good, '{"no": "source"}', {"source-ref": "not a place"}])
    page = watched.page
    watched.go("/labels/wrong")
    form = page.locator("form:has(input[value=train])")
    form.locator("input[name=bucket]").fill(PICTURES)
    form.locator("input[name=key]").fill("wrong/train.manifest")
    form.get_by_role("button").click()
    watched.follow(page.locator("a.state.bad"))
    codes = page.locator("tbody .state.bad").all_inner_texts()
    assert {"ERROR_MISSING_SOURCE_REF", "ERROR_INVALID_SOURCE_REF_FORMAT"} <= set(codes)
    assert "red" not in page.inner_text("tbody")


def test_a_version_is_trained_started_compared_and_tried(watched: Watched, studio: Studio, tmp_path: Path) -> None:
    project = studio.project("colours")
    lines = studio.coloured(["red", "blue"], 10, "colours/")
    studio.dataset(project, "TRAIN", DatasetSource=studio.manifest("colours/train.manifest", lines))
    page = watched.page
    watched.go("/labels/colours")
    page.locator("form:has(input[value=test]) button").click()
    page.get_by_role("button", name="Move a fifth to the test").click()
    for name in ("first", "second"):
        page.fill("form.card input[name=name]", name)
        page.fill("form.card:has(input[name=prefix]) input[name=bucket]", RESULTS)
        page.get_by_role("button", name="Train a version").click()
        row = page.locator(f"tr:has(th:text-is('{name}'))")
        row.locator(".state", has_text="TRAINING_COMPLETED").wait_for(timeout=60_000)
        assert row.locator("td.number").first.inner_text() == "1.000"
        row.get_by_role("button", name="Start").click()
        row.locator(".state", has_text="RUNNING").wait_for()
    red = tmp_path / "red.png"
    red.write_bytes(plain("red", 99))
    watched.follow(page.get_by_role("link", name="Try on a picture"))
    for box in page.locator("input[name=version]").all():
        box.check()
    page.set_input_files("input[name=picture]", red)
    page.get_by_role("button", name="Try on a picture").click()
    page.wait_for_selector("#result [data-receipt][data-state=good]")
    assert page.locator("tbody tr:first-child td:nth-child(2)").all_inner_texts() == ["red", "red"]
    watched.go("/labels/colours")
    page.locator("tr:has(th:text-is('first'))").get_by_role("button", name="Stop").click()
    page.locator("tr:has(th:text-is('first'))").locator(".state", has_text="STOPPED").wait_for()
    page.locator("tr:has(th:text-is('first'))").get_by_role("button", name="Delete").click()
    page.locator("tr:has(th:text-is('first'))").wait_for(state="detached")

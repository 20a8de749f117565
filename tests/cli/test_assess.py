"""``custodes quality`` and ``custodes liveness`` on photos and folders, with the real networks and without a server."""

from __future__ import annotations

import json
from pathlib import Path

import PIL.Image
import pytest

from tests.fakes.command import custodes as run

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def folder(model_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    skimage = pytest.importorskip("skimage.data")
    place = tmp_path_factory.mktemp("photos")
    PIL.Image.fromarray(skimage.astronaut()).save(place / "ann.jpg", quality=95)
    PIL.Image.new("RGB", (200, 200), "white").save(place / "blank.png")
    (place / "broken.jpg").write_bytes(b"no picture")
    return place


def test_a_folder_gives_a_line_of_json_per_photo_and_names_what_cannot_be_read(folder: Path):
    answer = run("liveness", folder, "--json")
    assert answer.returncode == 3
    assert "broken.jpg" in answer.stderr
    lines = {Path(one["path"]).name: one for one in map(json.loads, answer.stdout.splitlines())}
    assert set(lines) == {"ann.jpg", "blank.png", "broken.jpg"}
    assert lines.pop("broken.jpg").keys() == {"path", "error"}
    found = {name: one["Faces"] for name, one in lines.items()}
    assert found["blank.png"] == []
    assert 0 <= found["ann.jpg"][0]["Score"] <= 100


def test_quality_shows_every_check_and_a_verdict(folder: Path):
    answer = run("quality", folder / "ann.jpg")
    assert answer.returncode == 0
    lines = answer.stdout.splitlines()
    assert any("eye_distance_px" in line and "FAILS" in line for line in lines)
    assert any("yaw_deg" in line and line.endswith("ok") for line in lines)
    assert lines[-1].strip() == "does not pass"


def test_a_missing_photo_is_one_plain_line(folder: Path):
    answer = run("quality", folder / "nobody.jpg")
    assert answer.returncode == 2
    assert answer.stderr.splitlines()[-1] == f"custodes: {folder / 'nobody.jpg'} does not exist"
    assert "Traceback" not in answer.stderr

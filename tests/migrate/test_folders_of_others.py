"""Folders as Frigate and Double Take keep them: names come from the folders."""

from __future__ import annotations

import io
from pathlib import Path

import PIL.Image
import pytest

from tests.fakes.command import custodes
from tests.fakes.engine import Square, SquareEngine, picture
from tests.fakes.live import running

LAYOUTS = {
    "frigate": ("clips/faces/{name}/{name}-{number}.webp", "WEBP"),
    "double-take": ("train/{name}/{number}.png", "PNG"),
}


def save(path: Path, png: bytes, kind: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with PIL.Image.open(io.BytesIO(png)) as found:
        found.save(path, kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_everybody_is_enrolled_under_the_name_of_the_folder(tmp_path: Path, layout: str) -> None:
    pattern, kind = LAYOUTS[layout]
    for who, name in enumerate(("ann", "bob"), start=1):
        for number in range(2):
            save(tmp_path / pattern.format(name=name, number=number), picture(Square(who, left=10 + number)), kind)
    with running(tmp_path / "data", engine=SquareEngine()) as server:
        folder = (tmp_path / pattern.partition("{")[0]).resolve()
        done = custodes("index", folder, "--collection", "home", "--data", server.data, variables=server.environment())
        assert done.returncode == 0, done.stderr
        faces = server.client().list_faces(CollectionId="home")["Faces"]
    assert sorted(one["ExternalImageId"] for one in faces) == ["ann", "ann", "bob", "bob"]

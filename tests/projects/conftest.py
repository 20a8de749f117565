"""A server with folders for pictures and results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from custodes.core.slot import Slot
from custodes.engine.results.face import MAX_FACES, Detail, FacesFound
from custodes.imaging.image import Image
from fakes.engine import SquareEngine
from fakes.live import running
from fakes.sight import sight
from fakes.studio import PICTURES, RESULTS, Studio


class FacesInLargePictures(SquareEngine):
    """Sees squares as faces, but none in the small plain pictures, which are squares of one colour to it."""

    def detect(self, slot: Slot, image: Image, detail: Detail = Detail.BOX, at_most: int = MAX_FACES) -> FacesFound:
        found = super().detect(slot, image, detail, at_most)
        return replace(found, faces=()) if image.size.width <= 120 else found


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    root = tmp_path_factory.mktemp("studio")
    folders = [root / PICTURES, root / RESULTS]
    for folder in folders:
        folder.mkdir()
    overrides = {
        "buckets": {PICTURES: folders[0], RESULTS: folders[1]},
        "output_buckets": RESULTS,
        "training_wait_s": 55,
    }
    with running(root / "data", overrides, engine=FacesInLargePictures(), sight=sight()) as server:
        yield Studio(server, server.client(), *folders)

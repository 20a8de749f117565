"""A server with folders for pictures and results."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.live import running
from tests.fakes.sight import sight
from tests.fakes.studio import PICTURES, RESULTS, FacesInLargePictures, Studio


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

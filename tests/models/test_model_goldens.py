"""Converted models against the golden vectors of their reference implementations, on a real face."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from custodes.core.device import Device
from custodes.engine.runtime.session import open_session
from custodes.models.card import NO_GOLDEN, ModelCard, load_cards
from tests.models import goldens
from tests.models.pictures import face_picture, golden_input

pytestmark = pytest.mark.models
RUN = {name: card for name, card in load_cards().items() if not card.golden.startswith(NO_GOLDEN)}
PACK = [name for name, card in RUN.items() if card.packs]
OTHERS = [name for name, card in RUN.items() if not card.packs]
TOLERANCE = 1e-4
"""Of the largest number of an output."""

Models = Callable[[str], tuple[ModelCard, Path]]


def test_every_card_has_a_golden():
    assert {path.stem for path in goldens.FOLDER.iterdir()} == set(RUN)


@pytest.mark.parametrize("name", [*PACK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_outputs_equal_the_reference(name: str, models: Models):
    card, path = models(name)
    outputs = open_session(path, card, Device.CPU).run({"rgb": golden_input(card)})
    for key, (shape, expected) in goldens.read(name).items():
        assert outputs[key].shape == shape
        largest = np.abs(expected).max()
        assert largest > 0
        assert np.abs(goldens.sample(outputs[key]) - expected).max() <= TOLERANCE * largest, key


@pytest.mark.parametrize("name", PACK)
def test_a_picture_gives_the_same_alone_and_in_a_batch(name: str, models: Models):
    card, path = models(name)
    session = open_session(path, card, Device.CPU)
    pictures = golden_input(card)
    together = session.run({"rgb": pictures})
    alone = session.run({"rgb": pictures[1:2]})
    for key, values in alone.items():
        assert np.allclose(values[0], together[key][1], rtol=1e-4, atol=1e-4 * np.abs(values).max())


@pytest.mark.parametrize(("height", "width"), [(224, 224), (160, 128), (96, 192)])
def test_faceres_takes_any_multiple_of_32(height: int, width: int, models: Models):
    card, path = models("faceres")
    out = open_session(path, card, Device.CPU).run({"rgb": face_picture(height, width)[None]})
    assert out["places"].shape == (1, 1024, height // 32, width // 32)
    np.testing.assert_allclose(out["embedding"], out["places"].mean((2, 3)), atol=1e-4)


def test_centerface_takes_any_multiple_of_32(models: Models):
    card, path = models("centerface")
    session = open_session(path, card, Device.CPU)
    out = session.run({"rgb": np.zeros((1, 3, 96, 160), np.float32)})
    assert {key: value.shape for key, value in out.items()} == {
        "heatmap": (1, 1, 24, 40),
        "scale": (1, 2, 24, 40),
        "offset": (1, 2, 24, 40),
        "landmarks": (1, 10, 24, 40),
    }

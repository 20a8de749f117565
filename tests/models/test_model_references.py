"""The same proof live: our importer and the reference implementation on the same original files, now."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from custodes.core.device import Device
from custodes.engine.runtime.session import open_session
from custodes.models.card import ModelCard
from custodes.models.importers.convert import convert
from tests.models.pictures import face_picture, golden_input
from tests.models.references import reference

pytestmark = [pytest.mark.models, pytest.mark.slow]
Originals = Callable[[str], tuple[ModelCard, Mapping[str, bytes]]]


def compare(name: str, originals: Originals, cache: Path, tmp_path: Path, tolerance: float) -> None:
    """``tolerance`` is absolute for vectors of length 1 or so, relative to the largest number beyond 1."""
    card, files = originals(name)
    pictures = golden_input(card)
    path = tmp_path / "model.onnx"
    path.write_bytes(convert(card, files))
    ours = open_session(path, card, Device.CPU).run({"rgb": pictures})
    theirs = reference(card, files, pictures, cache)
    assert ours.keys() == theirs.keys()
    for key, expected in theirs.items():
        assert ours[key].shape == expected.shape
        assert np.abs(ours[key] - expected).max() <= tolerance * max(1.0, float(np.abs(expected).max())), key


def test_dlib_itself(originals: Originals, tmp_path: Path):
    pytest.importorskip("dlib", reason="dlib-bin is not installed")
    compare("dlib-resnet-v1", originals, tmp_path, tmp_path, 1e-4)


def test_centerface_as_shipped(originals: Originals, tmp_path: Path):
    compare("centerface", originals, tmp_path, tmp_path, 1e-5)


def test_sface_as_shipped(originals: Originals, tmp_path: Path):
    compare("sface", originals, tmp_path, tmp_path, 1e-5)


@pytest.mark.parametrize("name", ["ppocr-v6-det", "ppocr-v6-rec", "ppocr-cls"])
def test_paddle_as_shipped(name: str, originals: Originals, tmp_path: Path):
    compare(name, originals, tmp_path, tmp_path, 1e-4)


@pytest.mark.npm
@pytest.mark.parametrize(
    "name", ["facemesh", "iris", "faceres", "emotion", "antispoof", "liveness", "nsfwjs-mobilenet-v2-mid"]
)
def test_tfjs_itself(name: str, originals: Originals, reference_cache: Path, tmp_path: Path):
    compare(name, originals, reference_cache, tmp_path, 1e-4)


@pytest.mark.npm
@pytest.mark.parametrize(("height", "width"), [(160, 128), (64, 96)])
def test_tfjs_itself_at_other_sizes(
    height: int, width: int, originals: Originals, reference_cache: Path, tmp_path: Path
):
    """The card leaves the size of the picture open, so the reference is told another one."""
    card, files = originals("faceres")
    path = tmp_path / "model.onnx"
    path.write_bytes(convert(card, files))
    session = open_session(path, card, Device.CPU)
    pictures = face_picture(height, width)[None]
    theirs = reference(card, resized(files, height, width), pictures, reference_cache)
    for key, ours in session.run({"rgb": pictures}).items():
        assert ours.shape == theirs[key].shape
        assert np.abs(ours - theirs[key]).max() <= 1e-4 * max(1.0, float(np.abs(theirs[key]).max())), key


def resized(files: Mapping[str, bytes], height: int, width: int) -> dict[str, bytes]:
    """A tfjs graph model whose placeholder takes pictures of another size."""
    changed = dict(files)
    (name,) = (name for name in files if name.endswith(".json"))
    model = json.loads(files[name])
    (placeholder,) = (node for node in model["modelTopology"]["node"] if node["op"] == "Placeholder")
    sizes = placeholder["attr"]["shape"]["shape"]["dim"]
    sizes[1]["size"], sizes[2]["size"] = str(height), str(width)
    changed[name] = json.dumps(model).encode()
    return changed


@pytest.mark.npm
def test_faceapi_itself(originals: Originals, reference_cache: Path, tmp_path: Path):
    compare("expression", originals, reference_cache, tmp_path, 1e-4)


def test_conversion_gives_the_same_bytes_each_time(originals: Originals):
    card, files = originals("iris")
    assert convert(card, files) == convert(card, files)


@pytest.mark.parametrize("name", ["efficientnet-lite2", "nudenet"])
def test_a_classifier_layer_by_layer_and_a_detector_as_shipped(name: str, originals: Originals, tmp_path: Path):
    compare(name, originals, tmp_path, tmp_path, 1e-5)

"""Backbones that others exported: read as their cards say, refused otherwise; a small one stands for the large ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from custodes.core.device import Device
from custodes.core.errors import UnavailableError
from custodes.engine.custom.assembly import CardBackbones
from custodes.engine.runtime.networks import Networks
from custodes.engine.runtime.session import open_session
from custodes.models.card import Archive, FilePin, ModelCard, TensorSpec, load_cards
from custodes.models.importers.convert import convert
from custodes.models.importers.failure import ImportFailedError
from custodes.models.store import ModelStore

NAMES = ("dinov2-small", "siglip-base")
WIDTH = 6


def patches(*, tokens: bool, name: str = "pixel_values") -> onnx.ModelProto:
    """A network of one layer with the inputs and outputs of the large ones: patches of 16 pixels, and their mean."""
    kernel = np.random.default_rng(3).normal(size=(WIDTH, 3, 16, 16)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", [name, "kernel"], ["seen"], strides=[16, 16]),
        helper.make_node("Reshape", ["seen", "shape"], ["flat"]),
        helper.make_node("Transpose", ["flat"], ["patches"], perm=[0, 2, 1]),
        helper.make_node("ReduceMean", ["patches"], ["whole"], axes=[1], keepdims=1),
        helper.make_node("Concat", ["whole", "patches"], ["last_hidden_state"], axis=1),
        helper.make_node("ReduceMean", ["patches"], ["pooler_output"], axes=[1], keepdims=0),
    ]
    outputs = [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["b", "t", WIDTH])]
    if not tokens:
        outputs.append(helper.make_tensor_value_info("pooler_output", TensorProto.FLOAT, ["b", WIDTH]))
    graph = helper.make_graph(
        nodes,
        "patches",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", 3, "h", "w"])],
        outputs,
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(np.array([0, WIDTH, -1]), "shape")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


def card_of(name: str, data: bytes) -> ModelCard:
    """The card of a large network for a small file: all it says but pins and dimension."""
    card = load_cards()[name]
    file, digest = card.archive.file, hashlib.sha256(data).hexdigest()
    return replace(
        card,
        archive=Archive(f"file:{file}", file, digest, len(data)),
        files=(FilePin(file, digest),),
        outputs=(TensorSpec("features", ("batch", WIDTH), "of the tests"),),
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_where_the_file_is_what_it_is_and_how_pictures_enter(name: str) -> None:
    card = load_cards()[name]
    assert card.archive.kind == "https" and not card.default and card.packs == ("backbones",)
    assert "/resolve/" in card.archive.source and "/main/" not in card.archive.source, "a commit, not a branch"
    assert card.licence == "Apache-2.0" and card.archive.size > 50_000_000
    assert card.files[0].sha256 == card.archive.sha256


@pytest.mark.parametrize("name", NAMES)
def test_pictures_enter_as_the_network_was_trained_on_them(name: str, tmp_path: Path) -> None:
    data = patches(tokens=name == "dinov2-small").SerializeToString()
    card = card_of(name, data)
    path = tmp_path / "made.onnx"
    path.write_bytes(convert(card, {card.files[0].member: data}))
    rgb = np.random.default_rng(1).integers(0, 256, (2, 3, 224, 224)).astype(np.float32)
    found = open_session(path, card, Device.CPU).run({"rgb": rgb})["features"]
    mean, spread = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]) if "dino" in name else ([0.5] * 3, [0.5] * 3)
    normal = (rgb / 255 - np.reshape(mean, (1, 3, 1, 1))) / np.reshape(spread, (1, 3, 1, 1))
    kernel = numpy_helper.to_array(onnx.load_model_from_string(data).graph.initializer[0])
    squares = normal.reshape(2, 3, 14, 16, 14, 16).mean((2, 4))
    assert found.shape == (2, WIDTH)
    assert np.allclose(found, np.einsum("bcij,ocij->bo", squares, kernel), atol=1e-3)


def without_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = "picture"


def with_another_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "t"]))


def without_output(model: onnx.ModelProto) -> None:
    del model.graph.output[:]


def with_weights_elsewhere(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../secret"


def with_hidden_weights_elsewhere(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.zeros(3, np.float32), "hidden")
    tensor.data_location = TensorProto.EXTERNAL
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=tensor))


def with_our_name(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Identity", ["flat"], ["rgb"]))


@pytest.mark.parametrize(
    "change",
    [
        without_input,
        with_another_input,
        without_output,
        with_weights_elsewhere,
        with_hidden_weights_elsewhere,
        with_our_name,
    ],
)
def test_another_file_is_refused(change: Callable[[onnx.ModelProto], None]) -> None:
    model = patches(tokens=True)
    change(model)
    data = model.SerializeToString()
    card = card_of("dinov2-small", data)
    with pytest.raises(ImportFailedError):
        convert(card, {card.files[0].member: data})


@pytest.mark.parametrize("data", [b"", b"no network", b"\xff" * 100])
def test_what_is_no_network_is_refused(data: bytes) -> None:
    card = card_of("siglip-base", data or b"-")
    with pytest.raises(ImportFailedError):
        convert(card, {card.files[0].member: data})


def test_every_network_with_features_can_be_chosen_and_says_how_it_is_fetched(tmp_path: Path) -> None:
    backbones = CardBackbones(Networks(ModelStore(tmp_path), Device.CPU, 1))
    assert list(backbones) == ["efficientnet-lite2", *NAMES]
    for name in backbones:
        with pytest.raises(UnavailableError, match=f"custodes models fetch {name}"):
            backbones[name]
    assert backbones.get("iris") is None, "a network without features"

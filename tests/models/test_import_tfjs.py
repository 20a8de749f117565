"""TensorFlow.js graphs made by code: formats of weights, refusals by name, and numbers against plain numpy."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.tfjs.file import read_tfjs, shard_names
from custodes.models.importers.tfjs.graph import Channels, Picture, import_tfjs

Array = NDArray[Any]


def text(value: str) -> dict[str, str]:
    return {"s": base64.b64encode(value.encode()).decode()}


def ints(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


class Model:
    """A graph model under construction."""

    def __init__(self, height: int = 6, width: int = 5, channels: int = 3) -> None:
        shape = {"shape": {"dim": [{"size": str(s)} for s in (-1, height, width, channels)]}}
        self.nodes: list[dict[str, Any]] = [{"name": "x", "op": "Placeholder", "attr": {"shape": shape}}]
        self.specs: list[dict[str, Any]] = []
        self.data = b""

    def const(self, name: str, array: Array, quantization: Mapping[str, Any] | None = None, dtype: str = "") -> str:
        spec = {"name": name, "shape": list(array.shape), "dtype": dtype or str(array.dtype)}
        self.specs.append({**spec, **({"quantization": dict(quantization)} if quantization else {})})
        self.data += array.tobytes()
        self.nodes.append({"name": name, "op": "Const"})
        return name

    def node(self, name: str, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        self.nodes.append({"name": name, "op": operator, "input": list(inputs), "attr": attributes})
        return name

    def json(self) -> bytes:
        manifest = [{"paths": ["a.bin", "b.bin"], "weights": self.specs}]
        return json.dumps({"modelTopology": {"node": self.nodes}, "weightsManifest": manifest}).encode()

    def shards(self) -> dict[str, bytes]:
        return {"a.bin": self.data[:7], "b.bin": self.data[7:]}

    def run(self, rgb: Array, output: str, picture: Picture | None = None) -> Array:
        model = import_tfjs("m", self.json(), self.shards(), picture or Picture(), {"out": output})
        runtime = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        return np.asarray(runtime.run(None, {"rgb": rgb})[0])


def pixels(height: int = 6, width: int = 5, batch: int = 2) -> Array:
    return np.random.default_rng(7).uniform(0, 255, (batch, 3, height, width)).astype(np.float32)


def refused(model: Model, output: str, match: str) -> None:
    with pytest.raises(ImportFailedError, match=match):
        import_tfjs("m", model.json(), model.shards(), Picture(), {"out": output})


def test_unknown_operators_are_named():
    model = Model()
    model.node("odd", "FancyNewOp", ["x"])
    refused(model, "odd", r"FancyNewOp.*odd")


def test_unknown_fused_operators_are_named():
    model = Model()
    model.const("k", np.zeros((1, 1, 3, 2), np.float32))
    fused = {"list": {"s": [text("Swish")["s"]]}}
    strides = ints(1, 1, 1, 1)
    model.node("c", "_FusedConv2D", ["x", "k"], strides=strides, padding=text("SAME"), fused_ops=fused)
    refused(model, "c", "Swish")


def test_an_output_that_is_not_there_is_named():
    refused(Model(), "nowhere", "nowhere")


def test_loops_and_missing_inputs_are_refused():
    model = Model()
    model.node("a", "Relu", ["b"])
    model.node("b", "Relu", ["a"])
    refused(model, "a", "loop")
    model = Model()
    model.node("a", "Relu", ["gone"])
    refused(model, "a", "gone")


def test_mixing_pictures_of_a_batch_is_refused():
    model = Model()
    model.const("axes", np.array([0], np.int32))
    model.node("mean", "Mean", ["x", "axes"])
    refused(model, "mean", "batch")
    model = Model()
    model.const("shape", np.array([-1, 7], np.int32))
    model.node("r", "Reshape", ["x", "shape"])
    refused(model, "r", "between pictures")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"{", b'{"modelTopology": {}, "weightsManifest": []}'])
def test_what_is_no_graph_model_is_refused(content: bytes):
    with pytest.raises(ImportFailedError, match=r"tfjs model\.json"):
        read_tfjs(content, {})


def test_shards_must_be_there_and_whole():
    model = Model()
    model.const("k", np.arange(10, dtype=np.float32))
    assert shard_names(model.json()) == ("a.bin", "b.bin")
    with pytest.raises(ImportFailedError, match=r"b\.bin"):
        read_tfjs(model.json(), {"a.bin": b""})
    for change, reason in ((-1, "end before 'k'"), (4, "more than")):
        shards = model.shards()
        shards["b.bin"] = shards["b.bin"][:change] if change < 0 else shards["b.bin"] + bytes(change)
        with pytest.raises(ImportFailedError, match=reason):
            read_tfjs(model.json(), shards)


def test_quantised_weights_are_restored():
    model = Model()
    model.const("half", np.array([0.5, -2, 65504], np.float16), {"dtype": "float16"}, "float32")
    model.const("eight", np.array([0, 128, 255], np.uint8), {"dtype": "uint8", "scale": 0.5, "min": -1.0}, "float32")
    model.const("sixteen", np.array([0, 65535], np.uint16), {"dtype": "uint16", "scale": 0.1, "min": 2.0}, "float32")
    model.const("whole", np.array([0, 3], np.uint8), {"dtype": "uint8", "scale": 0.5, "min": 0.0}, "int32")
    weights = read_tfjs(model.json(), model.shards()).weights
    assert weights["half"].tolist() == [0.5, -2, 65504]
    assert weights["eight"].tolist() == [-1, 63, 126.5]
    assert np.allclose(weights["sixteen"], [2, 6555.5])
    assert weights["whole"].tolist() == [0, 2]
    assert weights["whole"].dtype == np.int32
    assert {weights[name].dtype for name in ("half", "eight", "sixteen")} == {np.dtype(np.float32)}


def convolved(x: Array, kernel: Array, stride: int, same: bool) -> Array:
    """TensorFlow's convolution of (N, H, W, C), written out."""
    rows, columns = kernel.shape[:2]
    if same:
        pads = []
        for length, reach in ((x.shape[1], rows), (x.shape[2], columns)):
            total = max((math.ceil(length / stride) - 1) * stride + reach - length, 0)
            pads.append((total // 2, total - total // 2))
        x = np.pad(x, ((0, 0), *pads, (0, 0)))
    height, width = ((x.shape[1 + i] - kernel.shape[i]) // stride + 1 for i in range(2))
    out = np.zeros((x.shape[0], height, width, kernel.shape[3]))
    for i in range(height):
        for j in range(width):
            patch = x[:, i * stride : i * stride + rows, j * stride : j * stride + columns]
            out[:, i, j] = np.einsum("nijc,ijco->no", patch, kernel)
    return out


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 9), st.integers(3, 9), st.integers(1, 3), st.integers(1, 3), st.sampled_from(["SAME", "VALID"]))
def test_convolutions_with_all_that_is_folded_into_them(height: int, width: int, side: int, stride: int, padding: str):
    rng = np.random.default_rng(height * 100 + width)
    kernel = rng.normal(size=(side, side, 3, 4)).astype(np.float32)
    factor, shift = rng.normal(size=(2, 4)).astype(np.float32)
    model = Model(height, width)
    for name, array in (("k", kernel), ("f", factor), ("s", shift), ("six", np.float32([6.0])), ("no", np.float32(0))):
        model.const(name, np.asarray(array))
    model.node("c", "Conv2D", ["x", "k"], strides=ints(1, stride, stride, 1), padding=text(padding))
    model.node("m", "Mul", ["c", "f"])
    model.node("a", "AddV2", ["m", "s"])
    model.node("r", "Relu", ["a"])
    model.node("min", "Minimum", ["r", "six"])
    model.node("max", "Maximum", ["min", "no"])
    picture = Picture(1 / 64, (100.0, 110.0, 120.0), Channels.BGR)
    rgb = pixels(height, width)
    fed = ((rgb - np.reshape(picture.mean, (1, 3, 1, 1))) / 64)[:, ::-1].transpose(0, 2, 3, 1)
    expected = np.clip(convolved(fed, kernel.astype(float), stride, padding == "SAME") * factor + shift, 0, 6)
    got = model.run(rgb, "max", picture)
    if got.ndim == 2:  # one by one pixels are given out flat
        got = got[:, :, None, None]
    assert np.allclose(got, expected.transpose(0, 3, 1, 2), atol=1e-4)


def test_depthwise_with_a_multiplier():
    kernel = np.random.default_rng(1).normal(size=(3, 3, 3, 2)).astype(np.float32)
    model = Model()
    model.const("k", kernel)
    model.node("d", "DepthwiseConv2dNative", ["x", "k"], strides=ints(1, 1, 1, 1), padding=text("SAME"))
    rgb = pixels()
    x = rgb.transpose(0, 2, 3, 1)
    parts = [convolved(x[..., c : c + 1], kernel[:, :, c : c + 1].astype(float), 1, True) for c in range(3)]
    assert np.allclose(model.run(rgb, "d"), np.concatenate(parts, -1).transpose(0, 3, 1, 2), rtol=1e-4, atol=1e-2)


def test_reshape_keeps_the_order_of_tensorflow():
    model = Model()
    model.const("shape", np.array([-1, 90], np.int32))
    model.node("r", "Reshape", ["x", "shape"])
    rgb = pixels()
    assert np.array_equal(model.run(rgb, "r"), rgb.transpose(0, 2, 3, 1).reshape(2, 90))


@pytest.mark.parametrize("operator", ["Mean", "Max"])
@pytest.mark.parametrize("keep", [False, True])
def test_reductions_over_the_picture(operator: str, keep: bool):
    model = Model()
    model.const("axes", np.array([1, 2], np.int32))
    model.node("m", operator, ["x", "axes"], keep_dims={"b": keep})
    rgb = pixels()
    expected = rgb.mean((2, 3)) if operator == "Mean" else rgb.max((2, 3))
    assert np.allclose(model.run(rgb, "m"), expected, rtol=1e-5)


@pytest.mark.parametrize("slopes", [[0.1, 0.5, -0.2], [0.1, 2.0, 0.3]])
def test_prelu_below_and_above_one(slopes: list[float]):
    model = Model()
    model.const("middle", np.float32([128]))
    model.const("slopes", np.float32(slopes).reshape(1, 1, 3))
    model.node("s", "Sub", ["x", "middle"])
    model.node("p", "Prelu", ["s", "slopes"])
    rgb = pixels()
    x = rgb - 128
    expected = np.where(x > 0, x, x * np.float32(slopes).reshape(1, 3, 1, 1))
    assert np.array_equal(model.run(rgb, "p"), expected)


def test_padding_is_only_folded_into_convolutions_when_it_is_zero():
    for value in (0.0, 9.0):
        model = Model()
        kernel = np.ones((3, 3, 3, 1), np.float32)
        model.const("k", kernel)
        model.const("w", np.array([[0, 0], [1, 0], [2, 1], [0, 0]], np.int32))
        model.const("v", np.float32(value).reshape(()))
        model.node("p", "PadV2", ["x", "w", "v"])
        model.node("c", "Conv2D", ["p", "k"], strides=ints(1, 1, 1, 1), padding=text("VALID"))
        rgb = pixels()
        padded = np.pad(rgb, ((0, 0), (0, 0), (1, 0), (2, 1)), constant_values=value).transpose(0, 2, 3, 1)
        expected = convolved(padded, kernel.astype(float), 1, False).transpose(0, 3, 1, 2)
        assert np.allclose(model.run(rgb, "c"), expected, rtol=1e-5)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(data: bytes):
    with pytest.raises(ImportFailedError):
        import_tfjs("m", data, {}, Picture(), {"out": "x"})

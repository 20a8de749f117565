"""A TensorFlow.js graph model to ONNX.

In: ``model.json``, its weight shards, how the network wants its picture, and which nodes to give out. Out: an ONNX
graph with one input ``rgb`` (batch, 3, height, width) float32, 0..255, for every network alike: mean, scale and order
of channels are part of the graph. Outputs are (batch, ...) with pictures as (batch, channels, height, width). An
operator that is not in ``OPERATORS`` is refused by name; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import onnx

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.fold import fold
from custodes.models.importers.graphs.graph import BATCH, GraphBuilder
from custodes.models.importers.graphs.prelu import as_maximum
from custodes.models.importers.tfjs import layers, shapes
from custodes.models.importers.tfjs.file import TfGraph, TfNode, read_tfjs
from custodes.models.importers.tfjs.values import FREE, NCHW, Fixed, Flow, Value, plain, stored_as

Operator = Callable[[GraphBuilder, TfNode, Sequence[Value]], Value | list[Value]]

INPUT = "rgb"


class Channels(StrEnum):
    """What the network's own input channels are."""

    RGB = "rgb"
    BGR = "bgr"
    GRAY = "gray"


GRAY_WEIGHTS = (0.2989, 0.5870, 0.1140)
"""Luma of ITU-R BT.601, as the networks were fed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """How the network wants its picture: ``(value - mean) * scale`` per channel of RGB 0..255, then ``channels``.

    ``mean`` has three numbers in RGB order; so has ``scale``, unless one holds for all channels. ``enters`` names the
    node whose value the picture replaces, where a graph first takes its batch apart and puts it together again.
    """

    scale: float | tuple[float, float, float] = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    channels: Channels = Channels.RGB
    enters: str | None = None


def _activation(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    if not isinstance(inputs[0], Flow):
        raise ImportFailedError(f"tfjs node {node.name!r}: a constant where a tensor was expected")
    return layers.activation(builder, node, inputs[0], node.operator)


def _same(_builder: GraphBuilder, _node: TfNode, inputs: Sequence[Value]) -> Value:
    return inputs[0]


OPERATORS: Mapping[str, Operator] = {
    **dict.fromkeys(("Conv2D", "_FusedConv2D"), layers.convolution),
    **dict.fromkeys(("DepthwiseConv2dNative", "FusedDepthwiseConv2dNative"), layers.convolution),
    **dict.fromkeys(("MaxPool", "AvgPool"), layers.pooling),
    **dict.fromkeys(("MatMul", "_FusedMatMul"), layers.matrix_product),
    **dict.fromkeys(("ResizeBilinear", "ResizeNearestNeighbor"), layers.resize),
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), layers.batch_normalisation),
    **dict.fromkeys((*layers.ACTIVATIONS, "Relu6", "LeakyRelu"), _activation),
    "BiasAdd": layers.bias_add,
    "Prelu": layers.prelu,
    "DepthToSpace": layers.depth_to_space,
    **dict.fromkeys(shapes.BINARY, shapes.binary),
    **dict.fromkeys((*shapes.UNARY, "Square", "Rsqrt"), shapes.unary),
    **dict.fromkeys(shapes.REDUCE, shapes.reduction),
    **dict.fromkeys(("Reshape", "Squeeze", "ExpandDims"), shapes.reshape),
    **dict.fromkeys(("Pad", "PadV2"), shapes.pad),
    **dict.fromkeys(("Split", "SplitV"), shapes.split),
    **dict.fromkeys(("Identity", "StopGradient"), _same),
    "Softmax": shapes.softmax,
    "Transpose": shapes.transpose,
    "ConcatV2": shapes.concatenation,
    "StridedSlice": shapes.strided_slice,
    "Shape": shapes.shape_of,
    "Pack": shapes.pack,
    "SparseToDense": shapes.sparse_to_dense,
    "Cast": shapes.cast,
}


def import_tfjs(
    name: str, model_json: bytes, shards: Mapping[str, bytes], picture: Picture, outputs: Mapping[str, str]
) -> onnx.ModelProto:
    """Convert a graph model.

    Args:
        name: name of the graph.
        model_json: the file ``model.json``.
        shards: weight files by the names that ``model_json`` uses.
        picture: how the network wants its picture.
        outputs: our output name to the TensorFlow node (``node`` or ``node:1``) that it gives out.

    Raises:
        ImportFailedError: not a graph model, an unsupported operator or form of one (named), or an unknown output.
    """
    graph = read_tfjs(model_json, shards)
    builder = GraphBuilder(name)
    values = _convert(builder, graph, picture, [tensor.split(":")[0] for tensor in outputs.values()])
    for output, tensor in outputs.items():
        flow = values.get(tensor)
        if not isinstance(flow, Flow):
            raise ImportFailedError(f"tfjs model has no computed tensor {tensor!r}")
        _give_out(builder, output, flow)
    fold(builder)
    as_maximum(builder)
    return builder.build()


def _convert(builder: GraphBuilder, graph: TfGraph, picture: Picture, wanted: Sequence[str]) -> dict[str, Value]:
    """Values of all tensors that the wanted nodes depend on."""
    needed = set(wanted)
    for node in reversed(graph.nodes):
        if node.name in needed and node.name != picture.enters:
            needed.update(tensor.split(":")[0] for tensor in node.inputs)
    shape = next((node.attributes.get("shape") for node in graph.nodes if node.operator == "Placeholder"), None)
    values: dict[str, Value] = {}
    for node in graph.nodes:
        if node.name not in needed:
            continue
        if node.operator == "Placeholder" or node.name == picture.enters:
            values[node.name] = _input(builder, node.name, shape, picture)
        elif node.operator == "Const":
            if node.name not in graph.weights:
                raise ImportFailedError(f"tfjs constant {node.name!r} has no value")
            values[node.name] = Fixed(graph.weights[node.name])
        elif node.operator in OPERATORS:
            result = OPERATORS[node.operator](builder, node, [values[tensor] for tensor in node.inputs])
            results = result if isinstance(result, list) else [result]
            values.update({f"{node.name}:{i}" if i else node.name: value for i, value in enumerate(results)})
        else:
            raise ImportFailedError(f"tfjs operator {node.operator!r} (node {node.name!r}) is not supported")
    return values


def _input(builder: GraphBuilder, name: str, shape: Sequence[int] | None, picture: Picture) -> Flow:
    """The input ``rgb`` brought into the form that the placeholder of ``shape`` wants."""
    wanted = 1 if picture.channels is Channels.GRAY else 3
    if INPUT in builder.inputs or not shape or len(shape) != 4 or wanted not in (shape[1], shape[3]):
        raise ImportFailedError(f"tfjs input {name!r} of shape {shape} is not one picture")
    channels_last = shape[3] == wanted
    height, width = shape[1:3] if channels_last else shape[2:4]
    if min(height, width) < 1:
        raise ImportFailedError(f"tfjs input {name!r}: the size of the picture is open")
    tensor = builder.input(INPUT, [BATCH, 3, height, width])
    if any(picture.mean):
        mean = np.array(picture.mean, np.float32).reshape(1, 3, 1, 1)
        tensor = builder.add("Sub", [tensor, builder.constant(mean, "mean")])
    if isinstance(picture.scale, tuple):
        each = np.array(picture.scale, np.float32).reshape(1, 3, 1, 1)
        tensor = builder.add("Mul", [tensor, builder.constant(each, "scale")])
    if picture.channels is Channels.GRAY:
        weights = np.array(GRAY_WEIGHTS, np.float32).reshape(1, 3, 1, 1)
        tensor = builder.add("Conv", [tensor, builder.constant(weights, "w")], {"kernel_shape": [1, 1]})
    elif picture.channels is Channels.BGR:
        tensor = builder.add("Gather", [tensor, builder.constant(np.array([2, 1, 0], np.int64))], {"axis": 1})
    if not isinstance(picture.scale, tuple) and picture.scale != 1.0:
        tensor = builder.add("Mul", [tensor, builder.constant(np.float32(picture.scale))])
    if channels_last:
        return Flow(tensor, (FREE, height, width, wanted), NCHW)
    return Flow(tensor, (FREE, wanted, height, width), (0, 1, 2, 3))


def _give_out(builder: GraphBuilder, name: str, flow: Flow) -> None:
    if len(flow.shape) == 4 and flow.shape[1:3] == (1, 1):
        flow = stored_as(builder, flow, NCHW)
        count = flow.shape[3]
        shape = builder.constant(np.array([-1, count], np.int64), "shape")
        flow = Flow(builder.add("Reshape", [flow.name, shape]), (flow.shape[0], count), (0, 1))
    elif len(flow.shape) == 4:
        # Channels-first pictures that TensorFlow kept channels-last; networks exported channels-first are plain.
        flow = stored_as(builder, flow, NCHW if not flow.plain else flow.order)
    else:
        flow = plain(builder, flow)
    if flow.shape[0] != FREE:
        raise ImportFailedError(f"tfjs output {name!r} has no batch")
    builder.output(flow.name, name, [BATCH, *(flow.shape[axis] for axis in flow.order[1:])])

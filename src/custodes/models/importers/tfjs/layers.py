"""TensorFlow.js layers with weights or windows to ONNX: convolutions, pooling, matrix products, resizing, activations.

In: decoded nodes and values. Out: values whose pictures are stored as (N, C, H, W). Fused TensorFlow operators are
taken apart; fold.py and ONNX Runtime put together what belongs together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import Array, GraphBuilder
from custodes.models.importers.tfjs.file import TfNode
from custodes.models.importers.tfjs.values import NCHW, Fixed, Flow, Value, fixed_for, plain, stored_as

ACTIVATIONS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "Relu": ("Relu", {}),
    "Elu": ("Elu", {"alpha": 1.0}),
    "Sigmoid": ("Sigmoid", {}),
    "Tanh": ("Tanh", {}),
}


def convolution(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Conv2D, _FusedConv2D and both forms of depthwise convolution."""
    picture, kernel = _picture(builder, node, inputs[0]), _fixed(node, inputs[1])
    depthwise = "Depthwise" in node.operator
    rows, columns = kernel.shape[:2]
    dilations = _spatial(node, "dilations")
    strides = _spatial(node, "strides")
    if depthwise:
        groups, count = kernel.shape[2], kernel.shape[2] * kernel.shape[3]
        # TensorFlow: (rows, columns, in, multiplier); output channel = in * multiplier + m.
        weights = kernel.reshape(rows, columns, count).transpose(2, 0, 1)[:, None]
    else:
        count, groups = kernel.shape[3], picture.shape[3] // max(kernel.shape[2], 1)
        weights = kernel.transpose(3, 2, 0, 1)
    if weights.shape[1] * groups != picture.shape[3]:
        raise ImportFailedError(f"tfjs node {node.name!r}: channels do not fit the kernel")
    pads, size = _window(node, picture, (rows, columns), strides, dilations)
    attributes = {"kernel_shape": [rows, columns], "strides": strides, "pads": pads, "group": groups}
    if dilations != [1, 1]:
        attributes["dilations"] = dilations
    name = builder.add("Conv", [picture.name, builder.constant(weights, "w")], attributes)
    return fused(builder, node, Flow(name, (picture.shape[0], *size, count), NCHW), inputs[2:])


def pooling(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """MaxPool and AvgPool; padding never counts."""
    picture = _picture(builder, node, inputs[0])
    window, strides = _spatial(node, "ksize"), _spatial(node, "strides")
    pads, size = _window(node, picture, window, strides, [1, 1])
    operator = "MaxPool" if node.operator == "MaxPool" else "AveragePool"
    name = builder.add(operator, [picture.name], {"kernel_shape": window, "strides": strides, "pads": pads})
    return Flow(name, (picture.shape[0], *size, picture.shape[3]), NCHW)


def matrix_product(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """MatMul and _FusedMatMul of a (N, in) tensor with a constant."""
    left, weights = inputs[0], _fixed(node, inputs[1])
    if not isinstance(left, Flow) or len(left.shape) != 2 or node.attributes.get("transpose_a"):
        raise ImportFailedError(f"tfjs node {node.name!r}: only (N, in) times a constant is supported")
    left = plain(builder, left)
    weights = weights.T if node.attributes.get("transpose_b") else weights
    name = builder.add("MatMul", [left.name, builder.constant(weights, "w")])
    return fused(builder, node, Flow(name, (left.shape[0], weights.shape[1]), (0, 1)), inputs[2:])


def fused(builder: GraphBuilder, node: TfNode, flow: Flow, extra: Sequence[Value]) -> Flow:
    """Apply the node's ``fused_ops`` in order, taking their constants from ``extra``."""
    remaining = list(extra)
    for operator in node.attributes.get("fused_ops") or []:
        if operator == "BiasAdd":
            flow = bias_add(builder, node, [flow, remaining.pop(0)])
        elif operator == "Prelu":
            flow = prelu(builder, node, [flow, remaining.pop(0)])
        else:
            flow = activation(builder, node, flow, operator)
    return flow


def bias_add(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Flow:
    """Add a vector along the last axis."""
    flow = _flow(node, inputs[0])
    name = builder.add("Add", [flow.name, fixed_for(builder, _fixed(node, inputs[1]), flow)])
    return Flow(name, flow.shape, flow.order)


def prelu(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Flow:
    """Leaky rectifier with constant slopes."""
    flow, slopes = _flow(node, inputs[0]), _fixed(node, inputs[1])
    wide = slopes.reshape((1,) * (len(flow.shape) - slopes.ndim) + slopes.shape)
    # ONNX broadcasts slopes from the right, so the batch axis can go.
    stored = np.transpose(wide, flow.order)
    stored = stored[0] if stored.ndim > 1 and stored.shape[0] == 1 else stored
    return Flow(builder.add("PRelu", [flow.name, builder.constant(stored, "slope")]), flow.shape, flow.order)


def activation(builder: GraphBuilder, node: TfNode, flow: Flow, operator: str) -> Flow:
    """An activation without weights, by TensorFlow's name."""
    if operator == "Relu6":
        bounds = [builder.constant(np.float32(bound)) for bound in (0.0, 6.0)]
        name = builder.add("Clip", [flow.name, *bounds])
    elif operator == "LeakyRelu":
        alpha = node.attributes.get("alpha", node.attributes.get("leakyrelu_alpha", 0.2))
        name = builder.add("LeakyRelu", [flow.name], {"alpha": float(alpha)})
    elif operator in ACTIVATIONS:
        name = builder.add(ACTIVATIONS[operator][0], [flow.name], ACTIVATIONS[operator][1])
    else:
        raise ImportFailedError(f"tfjs node {node.name!r}: activation {operator!r} is not supported")
    return Flow(name, flow.shape, flow.order)


def batch_normalisation(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """FusedBatchNorm at inference: a scale and a shift per channel."""
    flow = _flow(node, inputs[0])
    gamma, beta, mean, variance = (_fixed(node, value).astype(np.float64) for value in inputs[1:5])
    scale = gamma / np.sqrt(variance + float(node.attributes.get("epsilon", 1e-4)))
    shift = beta - mean * scale
    name = builder.add("Mul", [flow.name, fixed_for(builder, scale.astype(np.float32), flow)])
    name = builder.add("Add", [name, fixed_for(builder, shift.astype(np.float32), flow)])
    return Flow(name, flow.shape, flow.order)


def resize(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """ResizeBilinear and ResizeNearestNeighbor to a constant size."""
    picture, size = _picture(builder, node, inputs[0]), _fixed(node, inputs[1])
    height, width = int(size[0]), int(size[1])
    linear = node.operator == "ResizeBilinear"
    mode = "asymmetric"
    if node.attributes.get("align_corners"):
        mode = "align_corners"
    elif node.attributes.get("half_pixel_centers"):
        mode = "half_pixel"
    if not linear and mode != "asymmetric":
        raise ImportFailedError(f"tfjs node {node.name!r}: nearest resizing with {mode} is not supported")
    # Scales, not sizes: sizes would have to name the batch.
    scales = np.array([1, 1, height / picture.shape[1], width / picture.shape[2]], np.float32)
    attributes = {"mode": "linear" if linear else "nearest", "coordinate_transformation_mode": mode}
    if not linear:
        attributes["nearest_mode"] = "floor"
    name = builder.add("Resize", [picture.name, "", builder.constant(scales, "scales")], attributes)
    return Flow(name, (picture.shape[0], height, width, picture.shape[3]), NCHW)


def depth_to_space(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Blocks of channels to blocks of pixels."""
    picture, block = _picture(builder, node, inputs[0]), int(node.attributes["block_size"])
    name = builder.add("DepthToSpace", [picture.name], {"blocksize": block, "mode": "DCR"})
    batch, height, width, channels = picture.shape
    return Flow(name, (batch, height * block, width * block, channels // block**2), NCHW)


def _window(
    node: TfNode, picture: Flow, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[list[int], tuple[int, ...]]:
    """ONNX pads and the output's height and width. Source: tf.nn's definition of SAME, VALID and EXPLICIT."""
    padding = node.attributes.get("padding")
    explicit = node.attributes.get("explicit_paddings") or [0] * 8
    before, after, sizes = [], [], []
    for i in range(2):
        length, reach = picture.shape[1 + i], (window[i] - 1) * dilations[i] + 1
        if padding == "SAME":
            size = -(-length // strides[i])
            total = max((size - 1) * strides[i] + reach - length, 0)
            begin, end = total // 2, total - total // 2
        elif padding in ("VALID", "EXPLICIT"):
            begin, end = (explicit[2 + 2 * i], explicit[3 + 2 * i]) if padding == "EXPLICIT" else (0, 0)
            size = (length + begin + end - reach) // strides[i] + 1
        else:
            raise ImportFailedError(f"tfjs node {node.name!r}: padding {padding!r} is not supported")
        before.append(begin)
        after.append(end)
        sizes.append(size)
    return before + after, tuple(sizes)


def _spatial(node: TfNode, attribute: str) -> list[int]:
    values = node.attributes.get(attribute) or [1, 1, 1, 1]
    if node.attributes.get("data_format", "NHWC") != "NHWC" or len(values) != 4 or (values[0], values[3]) != (1, 1):
        raise ImportFailedError(f"tfjs node {node.name!r}: {attribute} {values} is not supported")
    return [int(values[1]), int(values[2])]


def _flow(node: TfNode, value: Value) -> Flow:
    if not isinstance(value, Flow):
        raise ImportFailedError(f"tfjs node {node.name!r}: a constant where a tensor was expected")
    return value


def _picture(builder: GraphBuilder, node: TfNode, value: Value) -> Flow:
    flow = _flow(node, value)
    if len(flow.shape) != 4:
        raise ImportFailedError(f"tfjs node {node.name!r}: a picture was expected, found shape {flow.shape}")
    return stored_as(builder, flow, NCHW)


def _fixed(node: TfNode, value: Value) -> Array:
    if not isinstance(value, Fixed) or value.is_shape:
        raise ImportFailedError(f"tfjs node {node.name!r}: weights that are computed are not supported")
    return value.array

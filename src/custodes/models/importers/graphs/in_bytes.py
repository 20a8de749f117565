"""A network with products of bytes: tensors of a part of it are bytes between their least and their largest.

In: an ONNX model of convolutions, sums, rectifiers and one product of matrices, and the range of each tensor that is to
be a byte. Out: the same network with quantising and dequantising operators around them, which ONNX Runtime joins into
operators of bytes. Weights are int8 with a scale per channel, tensors uint8 with one scale. It measures no ranges, and
does not know whether a processor computes this sooner.

Source: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
arXiv:1712.05877, section 2; ONNX operators QuantizeLinear 13, DequantizeLinear 13.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

Range = tuple[float, float]
_LEVELS, _LARGEST_WEIGHT, _LARGEST_SUM = 255, 127, 2**31 - 1
_WITH_WEIGHTS = ("Conv", "Gemm")


def byte_tensors(model: bytes, first: str) -> tuple[str, ...]:
    """Names of the tensors of ``model`` that may be bytes, from the operator that makes ``first`` and its input on.

    What only a rectifier reads is not among them: it is joined with the operator in front.
    """
    graph = onnx.load_model_from_string(model).graph
    readers: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    last = {value.name for value in graph.output}
    weights = {tensor.name for tensor in graph.initializer}
    reached: set[str] = set()
    found: dict[str, None] = {}
    for node in graph.node:
        if node.output[0] != first and not reached.intersection(node.input):
            continue
        reached.update(node.output)
        if node.op_type not in (*_WITH_WEIGHTS, "Add", "Relu", "Flatten"):
            continue
        if node.op_type in (*_WITH_WEIGHTS, "Add"):
            found |= {name: None for name in node.input[: 2 if node.op_type == "Add" else 1] if name not in weights}
        (made,) = node.output
        read_by = readers.get(made, [])
        rectified = [reader.op_type for reader in read_by] == ["Relu"]
        if not rectified and made not in last and node.op_type != "Gemm":
            found[made] = None
    return tuple(found)


def in_bytes(model: bytes, ranges: Mapping[str, Range]) -> bytes:
    """``model`` with the tensors of ``ranges`` as bytes.

    Raises:
        ValueError: a tensor of ``ranges`` is none of the model's.
    """
    made = onnx.load_model_from_string(model)
    graph = made.graph
    unknown = set(ranges) - {name for node in graph.node for name in (*node.input, *node.output)}
    if unknown:
        raise ValueError(f"the network has no tensors {sorted(unknown)}")
    writer = _Writer(graph, ranges)
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        writer.take(node)
    graph.node.extend(writer.nodes)
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return bytes(made.SerializeToString())


class _Writer:
    """Takes the nodes of a graph in order and writes them anew."""

    def __init__(self, graph: onnx.GraphProto, ranges: Mapping[str, Range]) -> None:
        self.nodes: list[NodeProto] = []
        self._graph, self._ranges = graph, ranges
        self._weights = {tensor.name: tensor for tensor in graph.initializer}

    def take(self, node: NodeProto) -> None:
        copy = NodeProto()
        copy.CopyFrom(node)
        in_ranges = node.input[0] in self._ranges
        for at, name in enumerate(copy.input):
            if name in self._ranges:
                copy.input[at] = f"{name}_read"
        if in_ranges and node.op_type in _WITH_WEIGHTS:
            self._quantise_weights(copy, self._scale(node.input[0])[0])
        self.nodes.append(copy)
        for name in node.output:
            if name in self._ranges:
                self._as_bytes(name)

    def _scale(self, name: str) -> tuple[float, int]:
        """Scale and zero point of a tensor; 0 is one of its levels."""
        low, high = min(self._ranges[name][0], 0.0), max(self._ranges[name][1], 0.0)
        scale = (high - low) / _LEVELS or 1.0
        return scale, int(np.clip(np.rint(-low / scale), 0, _LEVELS))

    def _as_bytes(self, name: str) -> None:
        scale, zero = self._scale(name)
        numbers = [
            self._constant(f"{name}_scale", np.float32(scale)), self._constant(f"{name}_zero", np.uint8(zero))
        ]  # fmt: skip
        self.nodes += [
            helper.make_node("QuantizeLinear", [name, *numbers], [f"{name}_bytes"]),
            helper.make_node("DequantizeLinear", [f"{name}_bytes", *numbers], [f"{name}_read"]),
        ]

    def _quantise_weights(self, node: NodeProto, scale: float) -> None:
        """Weights of ``node`` as int8 by output channel, its bias as int32."""
        axis = _output_axis(node)
        kernel = numpy_helper.to_array(self._weights[node.input[1]]).astype(np.float64)
        others = tuple(at for at in range(kernel.ndim) if at != axis)
        largest = np.abs(kernel).max(axis=others)
        scales = np.where(largest > 0, largest, 1.0) / _LARGEST_WEIGHT
        shaped = scales.reshape([-1 if at == axis else 1 for at in range(kernel.ndim)])
        levels = np.rint(kernel / shaped).astype(np.int8)
        node.input[1] = self._weight(node.input[1], levels, scales, axis)
        if len(node.input) > 2:
            bias = numpy_helper.to_array(self._weights[node.input[2]]).astype(np.float64)
            whole = np.clip(np.rint(bias / (scales * scale)), -_LARGEST_SUM, _LARGEST_SUM).astype(np.int32)
            node.input[2] = self._weight(node.input[2], whole, scales * scale, 0)

    def _weight(self, name: str, levels: NDArray[np.integer], scales: NDArray[np.float64], axis: int) -> str:
        zeros = np.zeros(scales.shape, levels.dtype)
        inputs = [
            self._constant(f"{name}_levels", levels),
            self._constant(f"{name}_scales", scales.astype(np.float32)),
            self._constant(f"{name}_zeros", zeros),
        ]
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{name}_read"], axis=axis))
        return f"{name}_read"

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        self._graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def _output_axis(node: NodeProto) -> int:
    """Which axis of the weights is that of the output."""
    if node.op_type == "Conv":
        return 0
    transposed = next((attribute.i for attribute in node.attribute if attribute.name == "transB"), 0)
    return 0 if transposed else 1

"""Reads an ONNX file as others ship it into a graph under construction, with its weights as plain float32 constants.

In: the file's bytes. Out: a ``GraphBuilder`` with the file's operators, and the names of its input and outputs.
Weights that are listed among the graph's inputs become constants (as inputs they keep ONNX Runtime from folding them),
block-quantised weights are dequantised, dropout is left out and batch normalisation becomes a factor and a sum, which
``fold`` joins with the convolution in front. It changes no function and knows no particular network.

Source: ONNX operators DequantizeLinear 21 (blocked), BatchNormalization 15, Dropout 13 in inference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import helper, numpy_helper

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import Array, GraphBuilder, GraphNode

_OPSETS = range(9, 23)
_SAME_MEANING = frozenset(
    {
        "Add",
        "AveragePool",
        "Cast",
        "Clip",
        "Concat",
        "Conv",
        "ConvTranspose",
        "Div",
        "Flatten",
        "Gather",
        "Gemm",
        "GlobalAveragePool",
        "LeakyRelu",
        "MatMul",
        "Max",
        "MaxPool",
        "Min",
        "Mul",
        "Relu",
        "Reshape",
        "Resize",
        "Shape",
        "Sigmoid",
        "Slice",
        "Softmax",
        "Sub",
        "Transpose",
    }
)
"""Operators that are taken over as they are: for the inputs that such networks give them, operator sets 9 to 22 agree
with 17, which our files declare."""


@dataclass(frozen=True, slots=True)
class ShippedGraph:
    """A file's graph: ``builder`` without inputs and outputs declared, and the tensors that are those."""

    builder: GraphBuilder
    input: str
    input_shape: tuple[int | str, ...]
    outputs: Mapping[str, str]
    """Tensor by the name that the file gives an output, in the file's order."""


def read_shipped(name: str, data: bytes) -> ShippedGraph:
    """Read the file in ``data`` for a graph called ``name``.

    Raises:
        ImportFailedError: not an ONNX file of one picture input, or with operators that mean something else.
    """
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ImportFailedError(f"{name}: not an ONNX file") from error
    versions = [opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")]
    graph = model.graph
    if len(versions) != 1 or versions[0] not in _OPSETS:
        raise ImportFailedError(f"{name}: expected ONNX operator set {_OPSETS.start} to {_OPSETS.stop - 1}")
    if any(tensor.external_data for tensor in graph.initializer):
        raise ImportFailedError(f"{name}: weights outside the file are not read")
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    read = {name for node in graph.node for name in node.input}
    given = [value for value in graph.input if value.name in read and value.name not in weights]
    if len(given) != 1 or not graph.output:
        raise ImportFailedError(f"{name}: expected one input besides the weights, and an output")
    reader = _Reader(GraphBuilder(name), weights, given[0].name)
    for node in graph.node:
        reader.take(node)
    outputs = {value.name: reader.tensor(value.name) for value in graph.output}
    dims = given[0].type.tensor_type.shape.dim
    shape = tuple(dim.dim_value or dim.dim_param or "free" for dim in dims)
    return ShippedGraph(reader.builder, reader.tensor(given[0].name), shape, outputs)


class _Reader:
    """Takes nodes in order; knows what each of the file's tensors has become: a constant or a tensor of the builder."""

    def __init__(self, builder: GraphBuilder, weights: dict[str, Array], given: str) -> None:
        self.builder = builder
        self._known = weights
        self._names = {given: _own(given)}

    def tensor(self, name: str) -> str:
        """The builder's name of the file's tensor ``name``; empty stays empty (an input that is left out)."""
        if not name:
            return ""
        if name in self._known:
            return self.builder.constant(self._known[name])
        if name not in self._names:
            raise ImportFailedError(f"{self.builder.name}: tensor {name!r} comes from nowhere")
        return self._names[name]

    def take(self, node: onnx.NodeProto) -> None:
        """One operator of the file. Raises ImportFailedError when its meaning is not known here."""
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        attributes = {k: v.decode() if isinstance(v, bytes) else v for k, v in attributes.items()}
        if node.domain not in ("", "ai.onnx"):
            raise ImportFailedError(f"{self.builder.name}: operator {node.domain}.{node.op_type} is not read")
        if self._folded(node, attributes):
            return
        if node.op_type in ("Dropout", "Identity"):
            self._names[node.output[0]] = self.tensor(node.input[0])
        elif node.op_type == "BatchNormalization":
            self._normalise(node, float(attributes.get("epsilon", 1e-5)))
        elif node.op_type == "Upsample":
            self._resize(node, str(attributes.get("mode", "nearest")))
        elif node.op_type == "PRelu":
            self._prelu(node)
        elif node.op_type == "Unsqueeze":
            self._unsqueeze(node, attributes)
        elif node.op_type in _SAME_MEANING:
            self._copy(node, attributes)
        else:
            raise ImportFailedError(f"{self.builder.name}: operator {node.op_type} is not read")

    def _folded(self, node: onnx.NodeProto, attributes: Mapping[str, Any]) -> bool:
        """Operators of constants alone."""
        if node.op_type == "Constant":
            value = attributes.get("value")
            if not isinstance(value, onnx.TensorProto):
                raise ImportFailedError(f"{self.builder.name}: a constant of another kind than a tensor")
            self._known[node.output[0]] = numpy_helper.to_array(value)
            return True
        values = [self._known.get(name) for name in node.input]
        known = [value for value in values if value is not None]
        if len(known) != len(values) or not known:
            return False
        if node.op_type == "DequantizeLinear":
            self._known[node.output[0]] = _dequantised(known, attributes)
        elif node.op_type == "Reshape":
            self._known[node.output[0]] = known[0].reshape([int(size) for size in known[1]])
        else:
            return False
        return True

    def _copy(self, node: onnx.NodeProto, attributes: Mapping[str, Any]) -> None:
        names = [_own(name) for name in node.output]
        self.builder.nodes.append(
            GraphNode(node.op_type, [self.tensor(name) for name in node.input], names, dict(attributes))
        )
        self._names |= dict(zip(node.output, names, strict=True))

    def _normalise(self, node: onnx.NodeProto, epsilon: float) -> None:
        gamma, beta, mean, variance = (self._constant(name).astype(np.float64) for name in node.input[1:5])
        factor = gamma / np.sqrt(variance + epsilon)
        tensor, add = self.tensor(node.input[0]), self.builder.constant
        flat = self._made_by(tensor) in ("Gemm", "MatMul", "Flatten")
        shape = (1, -1) if flat else (1, -1, 1, 1)
        scaled = self.builder.add("Mul", [tensor, add(factor.astype(np.float32).reshape(shape), "factor")])
        shift = (beta - mean * factor).astype(np.float32).reshape(shape)
        self._names[node.output[0]] = self.builder.add("Add", [scaled, add(shift, "shift")])

    def _prelu(self, node: onnx.NodeProto) -> None:
        slope = self._constant(node.input[1])
        slope = slope.reshape(-1, 1, 1) if slope.size > 1 else slope.reshape(())
        inputs = [self.tensor(node.input[0]), self.builder.constant(slope, "slope")]
        self._names[node.output[0]] = self.builder.add("PRelu", inputs)

    def _resize(self, node: onnx.NodeProto, mode: str) -> None:
        inputs = [self.tensor(node.input[0]), "", self.builder.constant(self._constant(node.input[1]))]
        how = {"mode": mode, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        self._names[node.output[0]] = self.builder.add("Resize", inputs, how)

    def _unsqueeze(self, node: onnx.NodeProto, attributes: Mapping[str, Any]) -> None:
        """Its axes became an input in operator set 13."""
        axes = attributes["axes"] if "axes" in attributes else self._constant(node.input[1])
        inputs = [self.tensor(node.input[0]), self.builder.constant(np.asarray(axes, np.int64))]
        self._names[node.output[0]] = self.builder.add("Unsqueeze", inputs)

    def _constant(self, name: str) -> Array:
        if name not in self._known:
            raise ImportFailedError(f"{self.builder.name}: {name!r} is computed where a weight was expected")
        return self._known[name]

    def _made_by(self, tensor: str) -> str:
        return next((node.operator for node in self.builder.nodes if tensor in node.outputs), "")


def _own(name: str) -> str:
    """Apart from the names that the builder makes."""
    return f"shipped.{name}"


def _dequantised(known: list[Array], attributes: Mapping[str, Any]) -> Array:
    """(quantised - zero point) * scale, with one scale per tensor, per slice of an axis or per block along it."""
    quantised, scale = known[0].astype(np.float64), known[1].astype(np.float64)
    zero = known[2].astype(np.float64) if len(known) > 2 else np.zeros_like(scale)
    axis, block = int(attributes.get("axis", 1)), int(attributes.get("block_size", 0))
    if block:
        length = quantised.shape[axis]
        scale, zero = (np.take(np.repeat(part, block, axis), range(length), axis) for part in (scale, zero))
    elif scale.ndim == 1 and scale.size > 1:
        shape = [1] * quantised.ndim
        shape[axis] = scale.size
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return np.asarray((quantised - zero) * scale, np.float32)

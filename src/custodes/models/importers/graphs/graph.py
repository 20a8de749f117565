"""Builds ONNX graphs: operators and numpy constants in, a checked ``ModelProto`` out, the same bytes every time.

The model has opset 17, a free batch size and no constants among its inputs. Nodes nobody needs are left out. It does
not rewrite operators (see fold.py) and runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
"""Old enough for every ONNX Runtime since 1.12, new enough for all operators used here."""
IR_VERSION = 8
"""The IR that opset 17 came with."""
BATCH = "batch"
"""Name of the free first dimension of all inputs and outputs."""

Array = NDArray[Any]
Dim = int | str


@dataclass(slots=True, eq=False)
class GraphNode:
    """One operator of a graph under construction; passes edit it in place."""

    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)


class GraphBuilder:
    """Collects nodes and constants of one graph in order of computation. Tensor names are unique by construction."""

    def __init__(self, name: str) -> None:
        """Start an empty graph called ``name``."""
        self.name = name
        self.nodes: list[GraphNode] = []
        self.constants: dict[str, Array] = {}
        self.inputs: dict[str, Sequence[Dim]] = {}
        self.outputs: dict[str, tuple[str, Sequence[Dim]]] = {}
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._count = 0

    def input(self, name: str, shape: Sequence[Dim]) -> str:
        """Declare a float32 input."""
        self.inputs[name] = shape
        return name

    def output(self, tensor: str, name: str, shape: Sequence[Dim]) -> None:
        """Give ``tensor`` out under ``name`` as float32."""
        self.outputs[name] = (tensor, shape)

    def constant(self, value: ArrayLike, hint: str = "c") -> str:
        """Add a constant; equal constants share one name."""
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = self._fresh(hint)
            self.constants[self._known[key]] = array
        return self._known[key]

    def add(self, operator: str, inputs: Sequence[str], attributes: Mapping[str, Any] | None = None) -> str:
        """Append a node with one output and return that output's name."""
        return self.add_many(operator, inputs, attributes or {}, 1)[0]

    def add_many(self, operator: str, inputs: Sequence[str], attributes: Mapping[str, Any], count: int) -> list[str]:
        """Append a node with ``count`` outputs and return their names."""
        names = [self._fresh(operator.lower()) for _ in range(count)]
        self.nodes.append(GraphNode(operator, list(inputs), names, dict(attributes)))
        return names

    def build(self) -> onnx.ModelProto:
        """The finished model, checked by onnx.

        Raises:
            onnx.checker.ValidationError: the graph is not valid ONNX.
        """
        nodes = [
            helper.make_node(node.operator, node.inputs, node.outputs, name=node.outputs[0], **node.attributes)
            for node in self.live_nodes()
        ]
        renamed = self._name_outputs(nodes)
        used = {name for node in nodes for name in node.input}
        constants = [numpy_helper.from_array(array, name) for name, array in self.constants.items() if name in used]
        graph = helper.make_graph(nodes + renamed, self.name, _values(self.inputs), [], constants)
        graph.output.extend(_values({name: shape for name, (_, shape) in self.outputs.items()}))
        return finish(helper.make_model(graph))

    def live_nodes(self) -> list[GraphNode]:
        """Nodes that an output depends on, in order."""
        needed = {tensor for tensor, _ in self.outputs.values()}
        live = []
        for node in reversed(self.nodes):
            if not needed.isdisjoint(node.outputs):
                live.append(node)
                needed.update(node.inputs)
        return live[::-1]

    def _name_outputs(self, nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
        """Rename the tensors that are given out; a tensor given out twice or untouched is copied (returned nodes)."""
        produced = {name for node in nodes for name in node.output}
        names: dict[str, str] = {}
        copies = []
        for name, (tensor, _) in self.outputs.items():
            if tensor in produced and tensor not in names:
                names[tensor] = name
            else:
                copies.append(helper.make_node("Identity", [names.get(tensor, tensor)], [name], name=name))
        for node in nodes:
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]
        return copies

    def _fresh(self, hint: str) -> str:
        self._count += 1
        return f"{hint}_{self._count}"


def _values(shapes: Mapping[str, Sequence[Dim]]) -> list[onnx.ValueInfoProto]:
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in shapes.items()]


def finish(model: onnx.ModelProto) -> onnx.ModelProto:
    """Stamp the versions, drop what differs between producers, and check."""
    model.ir_version = IR_VERSION
    del model.opset_import[:]
    model.opset_import.extend([helper.make_opsetid("", OPSET)])
    model.producer_name, model.producer_version, model.doc_string = "custodes", "", ""
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    return model


def constants_of(graph: onnx.GraphProto) -> dict[str, Array]:
    """All initializers of ``graph`` as arrays."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}

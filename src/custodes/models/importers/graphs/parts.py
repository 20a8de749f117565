"""Networks of a square made to take a part of it: what they do not see counts as black.

In: an ONNX model whose input is a square of a fixed size. Out: a model that takes any width and height, multiples of
what it halves by, and a second input, the share of the square that they make. Pictures are mostly not square, so a
third of a square is black bars, and convolutions over them are work for nothing. Only averages over the whole square
need them: each becomes the average of the part, and that of a black square, weighted by their shares. Convolutions at
the edge of a part see zeros instead of what black looks like to them, so some rows of black are left around a picture
where that matters. It runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

SHARE = "share_of_square"
"""Name of the second input."""
_AVERAGE = "GlobalAveragePool"
_ROWS = 3
"""Length of the shapes that spell out a number of cells, in their last place."""


def showing_averages(model: bytes) -> tuple[bytes, tuple[str, ...]]:
    """``model`` with its averages over the square as outputs, and their names; none where it has none."""
    shown = onnx.load_model_from_string(model)
    del shown.graph.output[:]
    names = [node.output[0] for node in shown.graph.node if node.op_type == _AVERAGE]
    shown.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in names)
    return bytes(shown.SerializeToString()), tuple(names)


def for_parts(model: bytes, black: Mapping[str, NDArray[np.float32]]) -> bytes:
    """``model`` for parts of its square.

    Args:
        model: its only input is (batch, 3, side, side); cells of the picture are the last axes of its outputs, or the
            middle one of three.
        black: averages of a black square by name, (1, channels, 1, 1), see ``showing_averages``.
    """
    made = onnx.load_model_from_string(model)
    _free_sizes(made.graph)
    made.graph.input.append(helper.make_tensor_value_info(SHARE, TensorProto.FLOAT, [1]))
    made.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), f"{SHARE}_whole"))
    nodes = [helper.make_node("Sub", [f"{SHARE}_whole", SHARE], [f"{SHARE}_black"])]
    for node in made.graph.node:
        if node.op_type == _AVERAGE:
            name = node.output[0]
            made.graph.initializer.append(numpy_helper.from_array(black[name], f"{name}_black"))
            nodes += _completed(node.input[0], name)
        else:
            nodes.append(_kept(node))
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    return bytes(made.SerializeToString())


def _completed(seen: str, name: str) -> list[NodeProto]:
    """The average ``name`` over the square, of which ``seen`` is a part."""
    return [
        helper.make_node(_AVERAGE, [seen], [f"{name}_part"]),
        helper.make_node("Mul", [f"{name}_part", SHARE], [f"{name}_seen"]),
        helper.make_node("Mul", [f"{name}_black", f"{SHARE}_black"], [f"{name}_unseen"]),
        helper.make_node("Add", [f"{name}_seen", f"{name}_unseen"], [name]),
    ]


def _free_sizes(graph: onnx.GraphProto) -> None:
    """Let sizes follow from the input's."""
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        sides = value.type.tensor_type.shape.dim
        for at in (2, 3) if len(sides) == _ROWS + 1 else (1,):
            sides[at].ClearField("dim_value")
            sides[at].dim_param = f"{value.name}_{at}"
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for kept in graph.initializer:
        if kept.name in shapes and (shape := numpy_helper.to_array(kept)).size == _ROWS:
            # 0: the batch as it is; -1: as many cells as there are.
            kept.CopyFrom(numpy_helper.from_array(np.array([0, shape[1], -1], np.int64), kept.name))


def _kept(node: NodeProto) -> NodeProto:
    made = NodeProto()
    made.CopyFrom(node)
    return made

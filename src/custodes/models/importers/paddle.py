"""PaddleOCR's networks as the wheel ``rapidocr`` ships them, given our input and smaller outputs.

In: an ONNX file and the facts of its card. Out: the same function with tensors named as in the card, which takes RGB
0..255 (the network itself wants BGR, -1..1) and, for a recogniser, gives the likeliest symbol of each step and its
probability instead of all 18,710 probabilities. The alphabet stays in the file's metadata. It changes no weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto, helper

from custodes.models.importers.failure import ImportFailedError

_OPSETS = range(11, 18)
"""Versions of the operator set in which the nodes that we add mean the same."""

Dims = Sequence[int | str]


@dataclass(frozen=True, slots=True)
class Tensors:
    """How the converted graph's input and outputs are called and shaped. Two outputs make it a recogniser's."""

    given: tuple[str, Dims]
    made: Sequence[tuple[str, Dims]]


def import_paddle(name: str, data: bytes, tensors: Tensors) -> onnx.ModelProto:
    """Convert the shipped file.

    Raises:
        ImportFailedError: not an ONNX file, or not such a network.
    """
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ImportFailedError(f"{name}: not an ONNX file") from error
    graph = model.graph
    versions = [opset.version for opset in model.opset_import if not opset.domain]
    if len(graph.input) != 1 or len(graph.output) != 1 or len(versions) != 1 or versions[0] not in _OPSETS:
        raise ImportFailedError(f"{name}: expected one input, one output and operator set 11 to 17")
    _take_rgb(graph, tensors.given)
    if len(tensors.made) == 1:
        _give(graph, tensors.made[0])
    else:
        _give_best_symbols(graph, tensors.made)
    del graph.value_info[:]
    model.producer_name, model.producer_version, model.doc_string = "custodes", "", ""
    onnx.checker.check_model(model)
    return model


def _take_rgb(graph: onnx.GraphProto, given: tuple[str, Dims]) -> None:
    """Put channel order and scale in front: (x - 127.5) / 127.5 of BGR. Source: rapidocr's config.yaml."""
    name, shape = given
    inner = graph.input[0].name
    nodes = [
        helper.make_node("Gather", [name, "custodes_bgr"], ["custodes_swapped"], axis=1),
        helper.make_node("Sub", ["custodes_swapped", "custodes_middle"], ["custodes_centred"]),
        helper.make_node("Div", ["custodes_centred", "custodes_middle"], [inner]),
    ]
    graph.initializer.append(helper.make_tensor("custodes_bgr", TensorProto.INT64, [3], [2, 1, 0]))
    graph.initializer.append(helper.make_tensor("custodes_middle", TensorProto.FLOAT, [], [127.5]))
    everything = [*nodes, *graph.node]
    del graph.node[:]
    graph.node.extend(everything)
    graph.input[0].CopyFrom(_declared(name, shape))


def _give(graph: onnx.GraphProto, made: tuple[str, Dims]) -> None:
    """Name the one output."""
    graph.node.append(helper.make_node("Identity", [graph.output[0].name], [made[0]]))
    graph.output[0].CopyFrom(_declared(*made))


def _give_best_symbols(graph: onnx.GraphProto, made: Sequence[tuple[str, Dims]]) -> None:
    """Replace (batch, steps, symbols) by the best symbol's number and its probability, as float32 like all tensors."""
    (symbol, _), (probability, _) = made
    scores = graph.output[0].name
    graph.node.extend(
        [
            helper.make_node("ArgMax", [scores], ["custodes_best"], axis=2, keepdims=0),
            helper.make_node("Cast", ["custodes_best"], [symbol], to=TensorProto.FLOAT),
            helper.make_node("ReduceMax", [scores], [probability], axes=[2], keepdims=0),
        ]
    )
    del graph.output[:]
    graph.output.extend(_declared(*each) for each in made)


def _declared(name: str, shape: Dims) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))

"""Backbones that others exported to ONNX: networks that turn a picture into features, with their own normalisation.

In: a file with an input of pixels, already normalised, of any size, and the output that has the features. Out: a graph
from ``rgb`` (batch, 3, side, side) 0..255 to ``features`` (batch, d). Weights and nodes stay as they are; other outputs
are left out. A file that keeps weights elsewhere is refused: only its own bytes are pinned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from custodes.models.importers.failure import ImportFailedError

_FLOAT = onnx.TensorProto.FLOAT


@dataclass(frozen=True, slots=True)
class BackboneFile:
    """How to read a file.

    Attributes:
        pixels: name of its input.
        output: name of the output that has features: (batch, d), or (batch, tokens, d).
        token: which token is the picture's, where there are tokens.
        side_px: of the square picture.
        dimension: d.
        mean, scale: ``(rgb - mean) * scale`` is what its input takes, for RGB of 0..255.
    """

    pixels: str
    output: str
    token: int | None
    side_px: int
    dimension: int
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]


def import_backbone(name: str, data: bytes, file: BackboneFile) -> onnx.ModelProto:
    """Convert ``data``.

    Raises:
        ImportFailedError: it is no ONNX file, lacks the input or the output, or needs more than its own bytes.
    """
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ImportFailedError(f"{name}: this is no ONNX file") from error
    graph = model.graph
    _check(name, graph, file)
    added = [
        onnx.numpy_helper.from_array(np.array(values, np.float32).reshape(1, 3, 1, 1), f"custodes.{kind}")
        for kind, values in (("mean", file.mean), ("scale", file.scale))
    ]
    first = [
        onnx.helper.make_node("Sub", ["rgb", "custodes.mean"], ["custodes.shifted"]),
        onnx.helper.make_node("Mul", ["custodes.shifted", "custodes.scale"], [file.pixels]),
    ]
    if file.token is None:
        last = onnx.helper.make_node("Identity", [file.output], ["features"])
    else:
        added.append(onnx.numpy_helper.from_array(np.array(file.token, np.int64), "custodes.token"))
        last = onnx.helper.make_node("Gather", [file.output, "custodes.token"], ["features"], axis=1)
    nodes = [*first, *graph.node, last]
    del graph.node[:], graph.input[:], graph.output[:], model.metadata_props[:]
    graph.node.extend(nodes)
    graph.initializer.extend(added)
    sides: list[str | int | None] = ["batch", 3, file.side_px, file.side_px]
    graph.input.append(onnx.helper.make_tensor_value_info("rgb", _FLOAT, sides))
    graph.output.append(onnx.helper.make_tensor_value_info("features", _FLOAT, ["batch", file.dimension]))
    # Operators keep the versions that the file was exported with: theirs may mean another thing in ours.
    model.producer_name, model.producer_version, model.doc_string = "custodes", "", ""
    del graph.value_info[:]
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ImportFailedError(f"{name}: not a valid graph: {str(error)[:200]}") from error
    return model


def _check(name: str, graph: onnx.GraphProto, file: BackboneFile) -> None:
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in constants]
    if inputs != [file.pixels] or file.output not in {value.name for value in graph.output}:
        raise ImportFailedError(f"{name}: an input {file.pixels} and an output {file.output} are expected")
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(graph)):
        raise ImportFailedError(f"{name}: weights lie in another file")
    made = {output for node in graph.node for output in node.output} | constants
    if {"rgb", "features"} & made or any(text.startswith("custodes.") for text in made):
        raise ImportFailedError(f"{name}: a name of ours is taken")


def _tensors(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    found = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            found += [attribute.t] if attribute.HasField("t") else []
            found += attribute.tensors
            for inner in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                found += _tensors(inner)
    return found

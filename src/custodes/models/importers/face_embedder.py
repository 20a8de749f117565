"""A network from an aligned face to a vector, shipped as ONNX: SFace, and others of the ArcFace kind.

In: the shipped file, how it wants its picture, the side of that picture. Out: the same function from ``rgb``
(batch, 3, side, side) 0..255 to ``embedding`` (batch, dimension), not normalised to length 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import onnx

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.fold import fold
from custodes.models.importers.graphs.graph import BATCH, OPSET, GraphNode
from custodes.models.importers.graphs.pixels import enter
from custodes.models.importers.graphs.prelu import as_convolutions
from custodes.models.importers.graphs.shipped_graph import read_shipped
from custodes.models.own import PixelInput


@dataclass(frozen=True, slots=True)
class FaceInput:
    """What the shipped network takes, ``side_px`` squared, and the length of its vectors."""

    side_px: int
    dimension: int
    pixels: PixelInput = field(default_factory=PixelInput)


def import_face_embedder(name: str, data: bytes, wanted: FaceInput) -> onnx.ModelProto:
    """Convert the shipped file.

    Raises:
        ImportFailedError: not an ONNX file, or not such a network.
    """
    shipped = read_shipped(name, data)
    builder = shipped.builder
    fixed = [size for size in shipped.input_shape[1:] if isinstance(size, int)]
    if len(shipped.input_shape) != 4 or fixed not in ([3, wanted.side_px, wanted.side_px], [3]):
        raise ImportFailedError(f"{name}: takes {list(shipped.input_shape)}, not faces of {wanted.side_px} pixels")
    if len(shipped.outputs) != 1:
        raise ImportFailedError(f"{name}: expected one output, the vector")
    (vector,) = shipped.outputs.values()
    body, builder.nodes = builder.nodes, []
    tensor = builder.input("rgb", [BATCH, 3, wanted.side_px, wanted.side_px])
    tensor = enter(builder, tensor, wanted.pixels)
    builder.nodes += [GraphNode("Identity", [tensor], [shipped.input]), *body]
    builder.output(vector, "embedding", [BATCH, wanted.dimension])
    _without_copies(builder.nodes)
    fold(builder)
    as_convolutions(builder)
    model = builder.build()
    _check_dimension(name, model, wanted)
    return model


def _without_copies(nodes: list[GraphNode]) -> None:
    """Let whoever reads an Identity read what it copies, so that foldings see through it."""
    copies = {node.outputs[0]: node.inputs[0] for node in nodes if node.operator == "Identity"}
    nodes[:] = [node for node in nodes if node.operator != "Identity"]
    for node in nodes:
        node.inputs = [copies.get(name, name) for name in node.inputs]


def _check_dimension(name: str, model: onnx.ModelProto, wanted: FaceInput) -> None:
    try:
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        form = f"faces of 3 x {wanted.side_px} x {wanted.side_px} and vectors of {wanted.dimension} numbers"
        raise ImportFailedError(f"{name}: shapes of the network do not fit {form} (operator set {OPSET})") from error
    found = inferred.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    if found != wanted.dimension:
        raise ImportFailedError(f"{name}: gives vectors of {found} numbers, not {wanted.dimension}")

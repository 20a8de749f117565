"""A network that finds faces on grids of 8, 16 and 32 pixels, shipped as ONNX: SCRFD, YuNet, RetinaFace.

In: the shipped file, its family, and how it wants its picture. Out: the same function from ``rgb`` (batch of 1, 3,
height, width) 0..255, sides multiples of 32, to one array per kind of output, the grids one after the other: see
``models.own_detector.OUTPUTS``. It decodes no boxes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.fold import fold
from custodes.models.importers.graphs.graph import GraphNode
from custodes.models.importers.graphs.pixels import enter
from custodes.models.importers.graphs.shipped_graph import read_shipped
from custodes.models.own import PixelInput

_GRIDS = 3


def import_face_detector(name: str, data: bytes, wanted: PixelInput, outputs: Mapping[str, int]) -> onnx.ModelProto:
    """Convert the shipped file, whose outputs stand in the order of ``outputs``: name, and numbers for each anchor.

    Each of them may come as one array or as three, finest grid first.

    Raises:
        ImportFailedError: not an ONNX file, or not such a network.
    """
    shipped = read_shipped(name, data)
    builder, tensors = shipped.builder, list(shipped.outputs.values())
    if len(shipped.input_shape) != 4 or shipped.input_shape[1] not in (3, "free"):
        raise ImportFailedError(f"{name}: takes {list(shipped.input_shape)}, not pictures of three colours")
    if len(tensors) not in (len(outputs), _GRIDS * len(outputs)):
        kinds = ", ".join(outputs)
        raise ImportFailedError(f"{name}: has {len(tensors)} outputs where {kinds} were expected, whole or per grid")
    body, builder.nodes = builder.nodes, []
    tensor = builder.input("rgb", [1, 3, "height", "width"])
    tensor = enter(builder, tensor, wanted)
    builder.nodes += [GraphNode("Identity", [tensor], [shipped.input]), *body]
    grids = len(tensors) // len(outputs)
    for place, (output, size) in enumerate(outputs.items()):
        flat = [
            builder.add("Reshape", [one, builder.constant(np.array([1, -1, size], np.int64))])
            for one in tensors[place * grids : (place + 1) * grids]
        ]
        whole = flat[0] if grids == 1 else builder.add("Concat", flat, {"axis": 1})
        builder.output(whole, output, [1, "anchors", size])
    fold(builder)
    return builder.build()

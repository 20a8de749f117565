"""A YOLOv8 detector as exported to ONNX by its makers, fitted to our cards.

In: the shipped file and the side of its picture. Out: the same operators behind an input ``rgb`` of 0..255 with a free
batch, and one output ``found`` (batch, 4 + classes, cells). It does not decode boxes.
"""

from __future__ import annotations

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import helper, numpy_helper

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import BATCH, finish

_STRIDES = (8, 16, 32)


def import_yolo(data: bytes, side_px: int, classes: int) -> onnx.ModelProto:
    """Convert the shipped file.

    Raises:
        ImportFailedError: not an ONNX file, or not one picture in and one table out.
    """
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ImportFailedError("yolo file is not an ONNX file") from error
    graph = model.graph
    if len(graph.input) != 1 or len(graph.output) != 1 or side_px % max(_STRIDES):
        raise ImportFailedError("yolo file: not one picture in and one table out")
    was, kind = graph.input[0].name, onnx.TensorProto.FLOAT
    found = graph.output[0].name
    for node in graph.node:
        node.output[:] = ["found" if name == found else name for name in node.output]
    graph.initializer.append(numpy_helper.from_array(np.array(1 / 255, np.float32), "rgb_scale"))
    graph.node.insert(0, helper.make_node("Mul", ["rgb", "rgb_scale"], [was], name="rgb_scaled"))
    cells = sum((side_px // stride) ** 2 for stride in _STRIDES)
    del graph.input[:], graph.output[:], model.metadata_props[:]
    graph.input.append(helper.make_tensor_value_info("rgb", kind, [BATCH, 3, side_px, side_px]))
    graph.output.append(helper.make_tensor_value_info("found", kind, [BATCH, 4 + classes, cells]))
    return finish(model)

"""The graph of one multiplication of matrices of bytes. In: nothing. Out: a model, the same bytes every time.

``a`` (N, D) uint8 stands for numbers from -128 on, shifted by 128; ``b`` (D, M) is int8; ``y`` (N, M) is int32, exact.
"""

from __future__ import annotations

from onnx import TensorProto, helper

from custodes.models.importers.graphs.graph import IR_VERSION, OPSET

SHIFT = 128


def byte_products_model() -> bytes:
    """The model's bytes."""
    free = [None, None]
    inputs = [
        helper.make_tensor_value_info("a", TensorProto.UINT8, free),
        helper.make_tensor_value_info("b", TensorProto.INT8, free),
    ]
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b", "shift"], ["y"])],
        "byte_products",
        inputs,
        [helper.make_tensor_value_info("y", TensorProto.INT32, free)],
        [helper.make_tensor("shift", TensorProto.UINT8, [], [SHIFT])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    return bytes(model.SerializeToString())

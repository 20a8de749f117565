"""A network rewritten for products of bytes: it computes nearly the same, and in bytes."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from custodes.models.importers.graphs.in_bytes import Range, byte_tensors, in_bytes

SIDE, CHANNELS, LENGTH = 12, 8, 5


def network(seed: int) -> bytes:
    """Convolution, rectifier, one within channels, a sum, a product of matrices with its weights transposed."""
    random = np.random.default_rng(seed)
    shapes = {
        "w1": (CHANNELS, 3, 3, 3), "b1": (CHANNELS,), "w2": (CHANNELS, 1, 3, 3), "b2": (CHANNELS,),
        "w3": (LENGTH, CHANNELS * SIDE * SIDE), "b3": (LENGTH,),
    }  # fmt: skip
    weights = [numpy_helper.from_array(random.normal(0, 0.3, s).astype(np.float32), n) for n, s in shapes.items()]
    nodes = [
        helper.make_node("Conv", ["rgb", "w1", "b1"], ["front"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["front"], ["rectified"]),
        helper.make_node("Conv", ["rectified", "w2", "b2"], ["inner"], pads=[1, 1, 1, 1], group=CHANNELS),
        helper.make_node("Add", ["inner", "rectified"], ["sum"]),
        helper.make_node("Flatten", ["sum"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w3", "b3"], ["vector"], transB=1),
    ]
    rgb = helper.make_tensor_value_info("rgb", TensorProto.FLOAT, ["batch", 3, SIDE, SIDE])
    vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["batch", LENGTH])
    graph = helper.make_graph(nodes, "small", [rgb], [vector], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return bytes(model.SerializeToString())


def answer(model: bytes, pictures: np.ndarray, wanted: list[str] | None = None) -> list[np.ndarray]:
    shown = onnx.load_model_from_string(model)
    shown.graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in wanted or ())
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    return [np.asarray(values) for values in session.run(wanted, {"rgb": pictures})]


def ranges(model: bytes, pictures: np.ndarray, first: str) -> dict[str, Range]:
    names = [name for name in byte_tensors(model, first) if name != "rgb"]
    return {
        name: (float(values.min()), float(values.max()))
        for name, values in zip(names, answer(model, pictures, names), strict=True)
    }


def test_what_only_a_rectifier_reads_is_no_byte_of_its_own() -> None:
    model = network(1)
    assert byte_tensors(model, "front") == ("rgb", "rectified", "inner", "sum", "flat")
    assert byte_tensors(model, "inner") == ("rectified", "inner", "sum", "flat")
    assert byte_tensors(model, "vector") == ("flat",)


@example(seed=36524, first="front")
@given(seed=st.integers(0, 2**20), first=st.sampled_from(["front", "inner", "vector"]))
def test_answers_are_those_of_float32_but_for_the_steps_of_a_byte(seed: int, first: str) -> None:
    model, random = network(seed), np.random.default_rng(seed)
    pictures = random.uniform(0, 1, (4, 3, SIDE, SIDE)).astype(np.float32)
    (wanted,), (found,) = (answer(made, pictures) for made in (model, in_bytes(model, ranges(model, pictures, first))))
    # A sum of large terms may be small: what a byte cannot tell is a share of the terms, not of each sum.
    assert 0 < np.linalg.norm(found - wanted) < 0.05 * np.linalg.norm(wanted)
    each = np.concatenate([answer(in_bytes(model, ranges(model, pictures, first)), one[None])[0] for one in pictures])
    assert np.array_equal(each, found), "a picture's answer hung on those beside it"


def test_the_weights_are_bytes_and_the_old_ones_are_gone() -> None:
    model = network(2)
    pictures = np.random.default_rng(0).uniform(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    made = onnx.load_model_from_string(in_bytes(model, ranges(model, pictures, "inner")))
    kept = {tensor.name: tensor for tensor in made.graph.initializer}
    assert kept["w3_levels"].data_type == kept["w2_levels"].data_type == TensorProto.INT8
    assert kept["b3_levels"].data_type == TensorProto.INT32
    assert kept["w1"].data_type == TensorProto.FLOAT
    assert not {"w2", "w3"} & kept.keys()


def test_a_tensor_that_is_always_0_stays_so() -> None:
    model = network(3)
    pictures = np.random.default_rng(0).uniform(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    nothing = dict.fromkeys(ranges(model, pictures, "vector"), (0.0, 0.0))
    (found,) = answer(in_bytes(model, nothing), pictures)
    assert np.isfinite(found).all()


def test_ranges_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match="has no tensors"):
        in_bytes(network(4), {"elsewhere": (0.0, 1.0)})

"""The importer of face embedders on small networks made here: same function, plain weights, hostile files refused."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from custodes.models.importers.face_embedder import FaceInput, import_face_embedder
from custodes.models.importers.failure import ImportFailedError
from custodes.models.own import PixelInput

SIDE, WIDTH, DIMENSION = 8, 4, 6
WANTED = FaceInput(SIDE, DIMENSION)


def run(model: onnx.ModelProto, name: str, pictures: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    runtime = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.concatenate([runtime.run(None, {name: picture[None]})[0] for picture in pictures])


def small_network(*, quantised: bool, operator: str = "Conv", steepest: float = 2.0) -> onnx.ModelProto:
    """Convolution, normalisation, PRelu, normalisation, dropout, matrix, normalisation; a batch of one, like SFace."""
    rng = np.random.default_rng(5)
    norm = {f"n{i}_{part}": rng.uniform(0.5, 1.5, size) for i, size in ((1, WIDTH), (2, WIDTH), (3, DIMENSION))
            for part in ("gamma", "beta", "mean", "variance")}  # fmt: skip
    weights: dict[str, np.ndarray] = {name: value.astype(np.float32) for name, value in norm.items()}
    weights["slope"] = rng.uniform(0, steepest, (WIDTH, 1, 1)).astype(np.float32)
    weights["bias"] = rng.normal(size=DIMENSION).astype(np.float32)
    nodes = []
    for name, shape in (("kernel", (WIDTH, 3, 3, 3)), ("matrix", (DIMENSION, WIDTH * SIDE * SIDE))):
        if not quantised:
            weights[name] = rng.normal(size=shape).astype(np.float32)
            continue
        flat = (shape[0], int(np.prod(shape[1:])))
        blocks = -(-flat[1] // 9)
        weights[f"{name}_q"] = rng.integers(-127, 128, flat).astype(np.int8)
        weights[f"{name}_scale"] = rng.uniform(0.01, 0.02, (flat[0], blocks)).astype(np.float32)
        weights[f"{name}_zero"] = rng.integers(-3, 4, (flat[0], blocks)).astype(np.int8)
        weights[f"{name}_shape"] = np.array(shape, np.int64)
        parts = [f"{name}_{part}" for part in ("q", "scale", "zero")]
        nodes.append(helper.make_node("DequantizeLinear", parts, [f"{name}_d"], axis=1, block_size=9))
        nodes.append(helper.make_node("Reshape", [f"{name}_d", f"{name}_shape"], [name]))
    normalised = [[f"n{i}_{part}" for part in ("gamma", "beta", "mean", "variance")] for i in (1, 2, 3)]
    nodes += [
        helper.make_node(operator, ["data", "kernel"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", *normalised[0]], ["b"], epsilon=1e-3),
        helper.make_node("PRelu", ["b", "slope"], ["c"]),
        helper.make_node("BatchNormalization", ["c", *normalised[1]], ["d"], epsilon=2e-5),
        helper.make_node("Dropout", ["d"], ["e"]),
        helper.make_node("Flatten", ["e"], ["f"]),
        helper.make_node("Gemm", ["f", "matrix", "bias"], ["g"], transB=1),
        helper.make_node("BatchNormalization", ["g", *normalised[2]], ["vector"], epsilon=2e-5),
    ]
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    given_ = [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, SIDE, SIDE])]
    made = [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, DIMENSION])]
    graph = helper.make_graph(nodes, "small", given_, made, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def listed_among_inputs(model: onnx.ModelProto) -> onnx.ModelProto:
    """As old exporters write it: every weight is an input too, and so is one that nobody reads."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for tensor in model.graph.initializer:
        changed.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    changed.graph.input.append(helper.make_tensor_value_info("left_over", TensorProto.FLOAT, [3]))
    return changed


@pytest.mark.parametrize("steepest", [1.0, 2.0])
@pytest.mark.parametrize("quantised", [False, True])
def test_the_function_stays_the_same(quantised: bool, steepest: float):
    shipped = small_network(quantised=quantised, steepest=steepest)
    pictures = np.random.default_rng(1).integers(0, 256, (3, 3, SIDE, SIDE)).astype(np.float32)
    expected = run(shipped, "data", pictures)
    made = import_face_embedder("small", listed_among_inputs(shipped).SerializeToString(), WANTED)
    np.testing.assert_allclose(run(made, "rgb", pictures), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_weights_are_plain_and_the_batch_is_free():
    made = import_face_embedder("small", listed_among_inputs(small_network(quantised=True)).SerializeToString(), WANTED)
    assert [value.name for value in made.graph.input] == ["rgb"]
    assert not {"DequantizeLinear", "BatchNormalization", "PRelu", "Dropout"} & {n.op_type for n in made.graph.node}
    pictures = np.random.default_rng(2).uniform(0, 255, (5, 3, SIDE, SIDE)).astype(np.float32)
    runtime = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    together = runtime.run(None, {"rgb": pictures})[0]
    assert together.shape == (5, DIMENSION)
    np.testing.assert_allclose(run(made, "rgb", pictures), together, rtol=1e-4, atol=1e-4 * np.abs(together).max())


def test_channels_and_range_are_put_in_front():
    shipped = small_network(quantised=False)
    wanted = FaceInput(SIDE, DIMENSION, PixelInput(mean=127.5, scale=1 / 127.5, bgr=True))
    pictures = np.random.default_rng(3).integers(0, 256, (2, 3, SIDE, SIDE)).astype(np.float32)
    expected = run(shipped, "data", ((pictures[:, ::-1] - 127.5) / 127.5).astype(np.float32))
    made = import_face_embedder("small", shipped.SerializeToString(), wanted)
    np.testing.assert_allclose(run(made, "rgb", pictures), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("wanted", [FaceInput(112, DIMENSION), FaceInput(SIDE, 512)])
def test_another_size_or_dimension_is_refused(wanted: FaceInput):
    with pytest.raises(ImportFailedError):
        import_face_embedder("small", small_network(quantised=False).SerializeToString(), wanted)


def test_an_operator_of_unknown_meaning_is_refused():
    foreign = small_network(quantised=False, operator="ConvInteger").SerializeToString()
    with pytest.raises(ImportFailedError, match="ConvInteger"):
        import_face_embedder("small", foreign, WANTED)


def test_weights_outside_the_file_are_refused():
    model = small_network(quantised=False)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    with pytest.raises(ImportFailedError, match="outside"):
        import_face_embedder("small", model.SerializeToString(), WANTED)


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(data: bytes):
    with pytest.raises(ImportFailedError):
        import_face_embedder("small", data, WANTED)


def test_a_file_cut_anywhere_is_refused():
    whole = small_network(quantised=True).SerializeToString()
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        with pytest.raises(ImportFailedError):
            import_face_embedder("small", whole[:length], WANTED)

"""A network for parts of its square answers what the whole square would, where the rest of it is black."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from custodes.models.importers.graphs.parts import SHARE, for_parts, showing_averages

SIDE = 64


def network(*, averages: bool = True) -> bytes:
    """Every cell plus the average over the square, and the same as a table of cells."""
    rng = np.random.default_rng(1)
    weights = [
        numpy_helper.from_array(rng.normal(size=(2, 3, 1, 1)).astype(np.float32), "w"),
        numpy_helper.from_array(rng.normal(size=2).astype(np.float32), "b"),
        numpy_helper.from_array(np.array([-1, 2, SIDE * SIDE], np.int64), "shape"),
    ]
    nodes = [
        helper.make_node("Conv", ["rgb", "w", "b"], ["seen"]),
        helper.make_node("GlobalAveragePool", ["seen"], ["mean"]),
        helper.make_node("Add", ["seen", "mean" if averages else "seen"], ["cells"]),
        helper.make_node("Reshape", ["cells", "shape"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["table"], perm=[0, 2, 1]),
    ]
    if not averages:
        del nodes[1]
    values = [("rgb", 3, SIDE, SIDE), ("cells", 2, SIDE, SIDE), ("table", SIDE * SIDE, 2)]
    given, *made = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", *shape]) for n, *shape in values)
    graph = helper.make_graph(nodes, "net", [given], made, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def run(model: bytes, **feeds: np.ndarray) -> list[np.ndarray]:
    onnx.checker.check_model(model)
    return list(onnxruntime.InferenceSession(model).run(None, feeds))


@pytest.mark.parametrize(("rows", "columns"), [(range(16, 48), range(64)), (range(64), range(32, 64))])
def test_a_part_answers_what_the_whole_does(rows: range, columns: range) -> None:
    model = network()
    shown, names = showing_averages(model)
    assert names == ("mean",)
    (black,) = run(shown, rgb=np.zeros((1, 3, SIDE, SIDE), np.float32))
    square = np.zeros((1, 3, SIDE, SIDE), np.float32)
    place = (slice(None), slice(None), slice(rows.start, rows.stop), slice(columns.start, columns.stop))
    square[place] = np.random.default_rng(2).normal(size=square[place].shape)
    wanted, _ = run(model, rgb=square)
    share = np.array([len(rows) * len(columns) / SIDE**2], np.float32)
    cells, table = run(for_parts(model, {"mean": black}), rgb=square[place], **{SHARE: share})
    assert cells == pytest.approx(wanted[place], abs=1e-5)
    assert table[0].T.reshape(cells[0].shape) == pytest.approx(cells[0])


def test_a_network_without_averages_needs_none() -> None:
    model = network(averages=False)
    assert showing_averages(model)[1] == ()
    (wanted, _), part = run(model, rgb=np.ones((1, 3, SIDE, SIDE), np.float32)), np.ones((1, 3, 32, 32), np.float32)
    (cells, _) = run(for_parts(model, {}), rgb=part, **{SHARE: np.array([0.25], np.float32)})
    assert cells == pytest.approx(wanted[:, :, :32, :32])

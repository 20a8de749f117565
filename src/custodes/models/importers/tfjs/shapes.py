"""TensorFlow.js operators on numbers and shapes to ONNX: arithmetic, reshaping, joining, cutting, reducing.

In: decoded nodes and values. Out: values; arithmetic keeps the stored order of axes, so no transposes appear. What is
known now is computed now (numpy), because models carry shapes and masks as graphs of constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import Array, GraphBuilder
from custodes.models.importers.tfjs.file import TfNode
from custodes.models.importers.tfjs.values import (
    FREE,
    Fixed,
    Flow,
    Value,
    broadcast_shape,
    fixed_for,
    plain,
    stored_as,
)

BINARY: Mapping[str, tuple[str, Callable[[Array, Array], Array]]] = {
    "Add": ("Add", np.add),
    "AddV2": ("Add", np.add),
    "Sub": ("Sub", np.subtract),
    "Mul": ("Mul", np.multiply),
    "RealDiv": ("Div", np.divide),
    "Maximum": ("Max", np.maximum),
    "Minimum": ("Min", np.minimum),
}
UNARY: Mapping[str, str] = {"Abs": "Abs", "Neg": "Neg", "Exp": "Exp", "Sqrt": "Sqrt", "Floor": "Floor"}
REDUCE: Mapping[str, str] = {"Mean": "ReduceMean", "Sum": "ReduceSum", "Max": "ReduceMax", "Min": "ReduceMin"}
_TYPES: Mapping[str, type] = {"DT_FLOAT": np.float32, "DT_INT32": np.int32, "DT_BOOL": np.bool_}


def binary(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Arithmetic on two tensors with broadcasting."""
    operator, compute = BINARY[node.operator]
    first, second = inputs
    if isinstance(first, Fixed) and isinstance(second, Fixed):
        return Fixed(compute(_numbers(node, first), _numbers(node, second)).astype(first.array.dtype))
    flows = [value for value in inputs if isinstance(value, Flow)]
    lead = max(flows, key=lambda flow: (len(flow.shape), not flow.plain))
    shape = lead.shape
    names = []
    for value in inputs:
        if isinstance(value, Fixed):
            shape = broadcast_shape(shape, value.array.shape)
            names.append(fixed_for(builder, _numbers(node, value), lead))
        elif len(value.shape) == len(lead.shape):
            shape = broadcast_shape(shape, value.shape)
            names.append(stored_as(builder, value, lead.order).name)
        else:
            raise ImportFailedError(f"tfjs node {node.name!r}: tensors of different rank are not supported")
    return Flow(builder.add(operator, names), shape, lead.order)


def unary(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Functions of one number."""
    flow = _flow(node, inputs[0])
    if node.operator == "Square":
        name = builder.add("Mul", [flow.name, flow.name])
    elif node.operator == "Rsqrt":
        name = builder.add("Reciprocal", [builder.add("Sqrt", [flow.name])])
    else:
        name = builder.add(UNARY[node.operator], [flow.name])
    return Flow(name, flow.shape, flow.order)


def softmax(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Softmax along the last axis."""
    flow = _flow(node, inputs[0])
    return Flow(builder.add("Softmax", [flow.name], {"axis": flow.axis(-1)}), flow.shape, flow.order)


def reduction(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Mean, sum, largest and smallest over constant axes other than the batch."""
    flow, axes = _flow(node, inputs[0]), [int(a) % len(inputs[0].shape) for a in np.ravel(_fixed(node, inputs[1]))]  # type: ignore[union-attr]
    if 0 in axes and flow.shape[0] == FREE:
        raise ImportFailedError(f"tfjs node {node.name!r}: reduces over the batch")
    keep = bool(node.attributes.get("keep_dims"))
    stored = sorted(flow.axis(axis) for axis in axes)
    if node.operator == "Sum":
        inputs_, attributes = [flow.name, builder.constant(np.array(stored, np.int64))], {"keepdims": int(keep)}
    else:
        inputs_, attributes = [flow.name], {"keepdims": int(keep), "axes": stored}  # type: ignore[dict-item]
    if node.operator == "Mean" and keep and len(flow.shape) == 4 and stored == [2, 3]:
        name = builder.add("GlobalAveragePool", [flow.name])
    else:
        name = builder.add(REDUCE[node.operator], inputs_, attributes)
    if keep:
        return Flow(name, tuple(1 if i in axes else s for i, s in enumerate(flow.shape)), flow.order)
    left = [axis for axis in range(len(flow.shape)) if axis not in axes]
    order = tuple(left.index(axis) for axis in flow.order if axis not in axes)
    return Flow(name, tuple(flow.shape[axis] for axis in left), order)


def reshape(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Reshape, Squeeze and ExpandDims; the batch stays the first axis."""
    value = inputs[0]
    shape = value.array.shape if isinstance(value, Fixed) else value.shape
    target = _target(node, shape, inputs)
    if isinstance(value, Fixed):
        return Fixed(value.array.reshape(target), value.is_shape)
    rest = math.prod(shape[1:])
    if shape[0] != FREE:
        raise ImportFailedError(f"tfjs node {node.name!r}: reshapes a tensor without batch")
    target = _resolved(target[1:], rest) if target else ()
    if (not target and rest != 1) or math.prod(target) != rest:
        raise ImportFailedError(f"tfjs node {node.name!r}: reshape from {shape} moves numbers between pictures")
    flow = plain(builder, value)
    onnx_shape = builder.constant(np.array([-1, *target], np.int64), "shape")
    full = (FREE, *target)
    return Flow(builder.add("Reshape", [flow.name, onnx_shape]), full, tuple(range(len(full))))


def _target(node: TfNode, shape: Sequence[int], inputs: Sequence[Value]) -> tuple[int, ...]:
    if node.operator == "Squeeze":
        axes = [int(a) % len(shape) for a in node.attributes.get("squeeze_dims") or []]
        axes = axes or [i for i, size in enumerate(shape) if size == 1]
        return tuple(size for i, size in enumerate(shape) if i not in axes)
    numbers = np.ravel(_shape_numbers(node, inputs[1]))
    if node.operator == "ExpandDims":
        axis = int(numbers[0])
        at = axis if axis >= 0 else axis + len(shape) + 1
        return (*shape[:at], 1, *shape[at:])
    return tuple(int(size) for size in numbers)


def _resolved(target: Sequence[int], total: int) -> tuple[int, ...]:
    known = math.prod(size for size in target if size != -1)
    return tuple(total // max(known, 1) if size == -1 else size for size in target)


def transpose(_builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Only renames axes: nothing is emitted until an operator asks for an order."""
    permutation = [int(axis) for axis in _fixed(node, inputs[1])]
    if isinstance(inputs[0], Fixed):
        return Fixed(np.transpose(inputs[0].array, permutation))
    flow = inputs[0]
    order = tuple(permutation.index(axis) for axis in flow.order)
    return Flow(flow.name, tuple(flow.shape[axis] for axis in permutation), order)


def pad(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Pad and PadV2 with a constant."""
    flow, widths = _flow(node, inputs[0]), _fixed(node, inputs[1]).astype(np.int64)
    if widths.shape != (len(flow.shape), 2) or (widths < 0).any() or widths[0].any():
        raise ImportFailedError(f"tfjs node {node.name!r}: unsupported padding")
    stored = widths[list(flow.order)]
    names = [flow.name, builder.constant(np.concatenate([stored[:, 0], stored[:, 1]]), "pads")]
    if node.operator == "PadV2":
        names.append(builder.constant(_fixed(node, inputs[2]).astype(np.float32).reshape(())))
    shape = tuple(s if s == FREE else int(s + w.sum()) for s, w in zip(flow.shape, widths, strict=True))
    return Flow(builder.add("Pad", names), shape, flow.order)


def concatenation(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """ConcatV2: the last input is the axis."""
    *parts, axis_value = inputs
    axis = int(_fixed(node, axis_value))
    fixed = [part for part in parts if isinstance(part, Fixed)]
    if len(fixed) == len(parts):
        return Fixed(np.concatenate([part.array for part in fixed], axis), any(part.is_shape for part in fixed))
    flows = [_flow(node, part) for part in parts]
    lead = max(flows, key=lambda flow: not flow.plain)
    names = [stored_as(builder, flow, lead.order).name for flow in flows]
    shape = list(lead.shape)
    shape[axis] = sum(flow.shape[axis] for flow in flows)
    return Flow(builder.add("Concat", names, {"axis": lead.axis(axis)}), tuple(shape), lead.order)


def split(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> list[Value]:
    """Split into equal parts (axis first) and SplitV (sizes and axis last)."""
    if node.operator == "Split":
        flow, axis = _flow(node, inputs[1]), int(_fixed(node, inputs[0]))
        count = int(node.attributes["num_split"])
        sizes = [flow.shape[axis] // count] * count
    else:
        flow, axis = _flow(node, inputs[0]), int(_fixed(node, inputs[2]))
        sizes = list(_resolved([int(s) for s in _fixed(node, inputs[1])], flow.shape[axis]))
        if -1 in _fixed(node, inputs[1]):
            known = sum(int(s) for s in _fixed(node, inputs[1]) if s != -1)
            sizes = [flow.shape[axis] - known if s == -1 else int(s) for s in _fixed(node, inputs[1])]
    names = builder.add_many(
        "Split", [flow.name, builder.constant(np.array(sizes, np.int64))], {"axis": flow.axis(axis)}, len(sizes)
    )
    at = axis % len(flow.shape)
    shapes = [(*flow.shape[:at], size, *flow.shape[at + 1 :]) for size in sizes]
    return [Flow(name, shape, flow.order) for name, shape in zip(names, shapes, strict=True)]


def strided_slice(builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """StridedSlice without ellipsis or new axes; of run-time tensors only along axes other than the batch."""
    value, *bounds = inputs
    begin, end, step = ([int(v) for v in _fixed(node, bound)] for bound in bounds)
    masks = {key: int(node.attributes.get(f"{key}_mask") or 0) for key in ("begin", "end", "shrink_axis")}
    if node.attributes.get("ellipsis_mask") or node.attributes.get("new_axis_mask"):
        raise ImportFailedError(f"tfjs node {node.name!r}: this form of StridedSlice is not supported")
    cuts: list[slice | int] = []
    for i in range(len(begin)):
        first = None if masks["begin"] >> i & 1 else begin[i]
        last = None if masks["end"] >> i & 1 else end[i]
        cuts.append(begin[i] if masks["shrink_axis"] >> i & 1 else slice(first, last, step[i]))
    if isinstance(value, Fixed):
        return Fixed(np.asarray(value.array[tuple(cuts)]), value.is_shape)
    return _slice_flow(builder, node, value, cuts)


def _slice_flow(builder: GraphBuilder, node: TfNode, flow: Flow, cuts: Sequence[slice | int]) -> Value:
    if not isinstance(cuts[0], slice) or cuts[0] not in (slice(None, None, 1), slice(0, None, 1), slice(None, 0, 1)):
        raise ImportFailedError(f"tfjs node {node.name!r}: cuts the batch")
    shape, rows = list(flow.shape), []
    for axis, cut in list(enumerate(cuts))[1:]:
        full = cut if isinstance(cut, slice) else slice(cut, cut + 1 or None, 1)
        start, stop, step = full.indices(flow.shape[axis])
        if step < 1:
            raise ImportFailedError(f"tfjs node {node.name!r}: a backward cut is not supported")
        shape[axis] = len(range(start, stop, step))
        rows.append((start, stop, flow.axis(axis), step))
    starts, stops, axes, steps = (builder.constant(np.array(column, np.int64)) for column in zip(*rows, strict=True))
    flow = plain(builder, Flow(builder.add("Slice", [flow.name, starts, stops, axes, steps]), tuple(shape), flow.order))
    drop = [axis for axis, cut in enumerate(cuts) if isinstance(cut, int)]
    if not drop:
        return flow
    name = builder.add("Squeeze", [flow.name, builder.constant(np.array(drop, np.int64))])
    left = tuple(size for axis, size in enumerate(shape) if axis not in drop)
    return Flow(name, left, tuple(range(len(left))))


def shape_of(_builder: GraphBuilder, _node: TfNode, inputs: Sequence[Value]) -> Value:
    """The shape as numbers known now; -1 stands for the batch."""
    value = inputs[0]
    if isinstance(value, Fixed):
        return Fixed(np.array(value.array.shape, np.int32))
    return Fixed(np.array(value.shape, np.int32), is_shape=True)


def pack(_builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Stack numbers that are known now."""
    if not all(isinstance(value, Fixed) for value in inputs):
        raise ImportFailedError(f"tfjs node {node.name!r}: Pack of computed tensors is not supported")
    fixed = [value for value in inputs if isinstance(value, Fixed)]
    arrays = np.stack([value.array for value in fixed], int(node.attributes.get("axis") or 0))
    return Fixed(arrays, any(value.is_shape for value in fixed))


def sparse_to_dense(_builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """A constant written as indices and values."""
    indices, shape, values, default = (_fixed(node, value) for value in inputs)
    if math.prod(int(s) for s in shape) > 1 << 26:
        raise ImportFailedError(f"tfjs node {node.name!r}: a constant too large")
    dense = np.full([int(s) for s in shape], default, values.dtype)
    dense[tuple(np.atleast_2d(indices).T)] = values
    return Fixed(dense)


def cast(_builder: GraphBuilder, node: TfNode, inputs: Sequence[Value]) -> Value:
    """Change the type of a constant; run-time tensors are float32 already."""
    target = _TYPES.get(node.attributes.get("DstT", ""))
    value = inputs[0]
    if target is None or (isinstance(value, Flow) and target is not np.float32):
        raise ImportFailedError(f"tfjs node {node.name!r}: this Cast is not supported")
    return Fixed(value.array.astype(target), value.is_shape) if isinstance(value, Fixed) else value


def _numbers(node: TfNode, value: Fixed) -> Array:
    """A constant for arithmetic: a shape with the free batch in it must not be computed with."""
    return _fixed(node, value)


def _shape_numbers(node: TfNode, value: Value) -> Array:
    if not isinstance(value, Fixed):
        raise ImportFailedError(f"tfjs node {node.name!r}: a computed shape is not supported")
    return value.array


def _fixed(node: TfNode, value: Value) -> Array:
    if not isinstance(value, Fixed) or value.is_shape:
        raise ImportFailedError(f"tfjs node {node.name!r}: a computed operand is not supported here")
    return value.array


def _flow(node: TfNode, value: Value) -> Flow:
    if not isinstance(value, Flow):
        raise ImportFailedError(f"tfjs node {node.name!r}: a constant where a tensor was expected")
    return value

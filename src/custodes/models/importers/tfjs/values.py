"""Tensors on their way from TensorFlow to ONNX, and the order in which their axes are stored.

TensorFlow writes pictures as (N, H, W, C); ONNX convolutions want (N, C, H, W). A ``Flow`` is a tensor known by its
TensorFlow shape and stored in any order of axes, so that transposes are only emitted where an operator needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import Array, GraphBuilder

FREE = -1
"""Size of the batch axis in ``Flow.shape``; no other axis may be free."""
NCHW = (0, 3, 1, 2)
"""Stored axis i holds TensorFlow's axis NCHW[i]."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor computed at run time.

    Attributes:
        name: its ONNX name.
        shape: TensorFlow's shape; -1 for the batch axis.
        order: stored axis i holds TensorFlow's axis order[i].
    """

    name: str
    shape: tuple[int, ...]
    order: tuple[int, ...]

    @property
    def plain(self) -> bool:
        """Whether the axes are stored as TensorFlow names them."""
        return self.order == tuple(range(len(self.shape)))

    def axis(self, axis: int) -> int:
        """Where TensorFlow's ``axis`` (may be negative) is stored."""
        return self.order.index(axis % len(self.shape))


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """A tensor known now. ``is_shape`` marks one that came from the operator Shape, where -1 means the batch."""

    array: Array
    is_shape: bool = False


Value = Flow | Fixed


def stored_as(builder: GraphBuilder, flow: Flow, order: Sequence[int]) -> Flow:
    """``flow`` with its axes stored in ``order``; emits nothing when they are."""
    order = tuple(order)
    if flow.order == order:
        return flow
    if _moves_only_ones(flow, order):
        # No number changes its place in memory: a reshape is free where a transpose may copy.
        target = np.array([-1 if flow.shape[axis] == FREE else flow.shape[axis] for axis in order], np.int64)
        name = builder.add("Reshape", [flow.name, builder.constant(target, "shape")])
    else:
        name = builder.add("Transpose", [flow.name], {"perm": [flow.order.index(axis) for axis in order]})
    return Flow(name, flow.shape, order)


def plain(builder: GraphBuilder, flow: Flow) -> Flow:
    """``flow`` stored as TensorFlow names the axes."""
    return stored_as(builder, flow, range(len(flow.shape)))


def _moves_only_ones(flow: Flow, order: Sequence[int]) -> bool:
    return [a for a in flow.order if flow.shape[a] != 1] == [a for a in order if flow.shape[a] != 1]


def fixed_for(builder: GraphBuilder, array: Array, like: Flow) -> str:
    """Name of ``array`` as a constant that broadcasts against the stored form of ``like``."""
    if array.ndim > len(like.shape):
        raise ImportFailedError("tfjs: a constant has more axes than the tensor it meets")
    if array.ndim == 0 or array.size == 1:
        return builder.constant(array.reshape(()))
    wide = array.reshape((1,) * (len(like.shape) - array.ndim) + array.shape)
    return builder.constant(np.transpose(wide, like.order))


def broadcast_shape(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    """TensorFlow's broadcast of two shapes; a free axis meets itself or 1."""
    rank = max(len(first), len(second))
    result = []
    for a, b in zip(
        (1,) * (rank - len(first)) + tuple(first), (1,) * (rank - len(second)) + tuple(second), strict=True
    ):
        if a != b and 1 not in (a, b):
            raise ImportFailedError(f"tfjs: shapes {tuple(first)} and {tuple(second)} do not broadcast")
        result.append(b if a == 1 else a)
    return tuple(result)

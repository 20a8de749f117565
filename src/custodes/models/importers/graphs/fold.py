"""Rewrites a graph under construction so that less is left to run: exact foldings only.

In and out: a GraphBuilder, edited in place. Folded: per-channel factors and sums into the convolution in front;
scaling, reordering and (without padding) shifting of channels into the convolution behind; zero padding into the
convolution behind; chains of Relu, Min and Max into Clip; the rectifier spelled out with Abs into PRelu (prelu.py has
faster forms of it). Sums are done in float64 and stored as float32. Nodes that nobody needs any more are left
out when the graph is built.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from custodes.models.importers.graphs.graph import Array, GraphBuilder, GraphNode


class _View:
    """Who makes and who reads each tensor. Rebuilt after every change."""

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.producer = {name: node for node in builder.nodes for name in node.outputs}
        self.readers: dict[str, int] = {}
        for node in builder.nodes:
            for name in node.inputs:
                self.readers[name] = self.readers.get(name, 0) + 1
        for tensor, _ in builder.outputs.values():
            self.readers[tensor] = self.readers.get(tensor, 0) + 1

    def constant(self, name: str) -> Array | None:
        return self.builder.constants.get(name)

    def source(self, name: str, *operators: str) -> GraphNode | None:
        """The node that makes ``name`` when it is one of ``operators`` and nobody else reads ``name``."""
        node = self.producer.get(name)
        return node if node and node.operator in operators and self.readers[name] == 1 else None

    def become(self, old: GraphNode, new: GraphNode) -> None:
        """Let ``new`` (an existing node) give ``old``'s output; ``old`` disappears."""
        new.outputs = old.outputs
        self.builder.nodes.remove(old)


Rule = Callable[[_View, GraphNode], bool]


def fold(builder: GraphBuilder) -> None:
    """Apply all rules until none applies."""
    rules: tuple[Rule, ...] = (_prelu, _clip, _padding, _affine_behind, _scaling_before)
    changed = True
    while changed:
        builder.nodes = builder.live_nodes()
        view = _View(builder)
        changed = any(rule(view, node) for node in list(builder.nodes) for rule in rules)


def _affine_behind(view: _View, node: GraphNode) -> bool:
    """Conv then Mul, Div, Add or Sub with a constant per channel: into kernel and bias."""
    if node.operator not in ("Mul", "Div", "Add", "Sub"):
        return False
    left, right = node.inputs
    if node.operator in ("Mul", "Add") and view.constant(left) is not None:
        left, right = right, left
    conv, constant = view.source(left, "Conv"), view.constant(right)
    if conv is None or constant is None:
        return False
    kernel = _weights(view, conv)
    factor = _per_channel(constant, kernel.shape[0])
    if factor is None:
        return False
    bias = _bias(view, conv)
    if node.operator in ("Mul", "Div"):
        factor = 1 / factor if node.operator == "Div" else factor
        kernel, bias = kernel * factor[:, None, None, None], bias * factor
    else:
        bias = bias + factor if node.operator == "Add" else bias - factor
    _set_weights(view, conv, kernel, bias)
    view.become(node, conv)
    return True


def _scaling_before(view: _View, node: GraphNode) -> bool:
    """Mul by a constant, Gather of channels, or Sub of a constant (no padding), then Conv: into the kernel."""
    if node.operator != "Conv" or int(node.attributes.get("group", 1)) != 1:
        return False
    before = view.source(node.inputs[0], "Mul", "Gather", "Sub")
    constant = view.constant(before.inputs[1]) if before else None
    if before is None or constant is None:
        return False
    kernel, bias = _weights(view, node), _bias(view, node)
    if before.operator == "Gather":
        if before.attributes.get("axis") != 1 or sorted(constant.tolist()) != list(range(kernel.shape[1])):
            return False
        kernel = kernel[:, np.argsort(constant)]
    else:
        value = _per_channel(constant, kernel.shape[1])
        if value is None or (before.operator == "Sub" and any(node.attributes.get("pads", []))):
            return False
        if before.operator == "Mul":
            kernel = kernel * value[None, :, None, None]
        else:
            bias = bias - np.einsum("ocij,c->o", kernel, value)
    _set_weights(view, node, kernel, bias)
    node.inputs[0] = before.inputs[0]
    return True


def _padding(view: _View, node: GraphNode) -> bool:
    """Zero padding of height and width, then Conv: into the convolution's own padding."""
    pad = view.source(node.inputs[0], "Pad") if node.operator == "Conv" else None
    widths = view.constant(pad.inputs[1]) if pad else None
    if pad is None or widths is None or widths.size != 8 or widths[[0, 1, 4, 5]].any():
        return False
    if len(pad.inputs) > 2 and np.any(view.constant(pad.inputs[2])):
        return False
    own = node.attributes.get("pads", [0] * 4)
    node.attributes["pads"] = [int(a + b) for a, b in zip(own, widths[[2, 3, 6, 7]], strict=True)]
    node.inputs[0] = pad.inputs[0]
    return True


def _clip(view: _View, node: GraphNode) -> bool:
    """Min and Max with a number, after Relu or Clip or each other."""
    if node.operator not in ("Min", "Max") or len(node.inputs) != 2:
        return False
    tensor, limit = node.inputs
    if view.constant(tensor) is not None:
        tensor, limit = limit, tensor
    bound = view.constant(limit)
    before = view.source(tensor, "Relu", "Clip", "Min", "Max")
    if bound is None or bound.size != 1 or before is None:
        return False
    low, high = _bounds(view, before)
    value = float(bound.reshape(()))
    if low is None and high is None:
        return False
    if node.operator == "Min":
        if low is not None and value < low:
            return False
        high = value if high is None else min(high, value)
    else:
        if high is not None and value > high:
            return False
        low = value if low is None else max(low, value)
    source = next(name for name in before.inputs if view.constant(name) is None)
    limits = ["" if b is None else view.builder.constant(np.float32(b)) for b in (low, high)]
    before.operator, before.inputs, before.attributes = "Clip", [source, *limits], {}
    view.become(node, before)
    return True


def _bounds(view: _View, node: GraphNode) -> tuple[float | None, float | None]:
    """The range that ``node`` (Relu, Clip, Min or Max) limits its output to; None where open or unknown."""
    if node.operator == "Relu":
        return 0.0, None
    if node.operator == "Clip":
        found = [view.constant(name) if name else None for name in [*node.inputs[1:], "", ""][:2]]
        low, high = (None if b is None else float(b.reshape(())) for b in found)
        return low, high
    numbers = [c for c in (view.constant(name) for name in node.inputs) if c is not None and c.size == 1]
    if len(numbers) != 1 or len(node.inputs) != 2:
        return None, None
    value = float(numbers[0].reshape(()))
    return (value, None) if node.operator == "Max" else (None, value)


def _prelu(view: _View, node: GraphNode) -> bool:
    """Relu(x) + (x - Abs(x)) * slope * 0.5, in any grouping of the factors: PRelu(x, slope)."""
    if node.operator != "Add":
        return False
    for positive, negative in (node.inputs, node.inputs[::-1]):
        relu = view.source(positive, "Relu")
        if relu is None:
            continue
        factor, tensor = np.ones((), np.float64), negative
        while (product := view.source(tensor, "Mul")) is not None:
            names = product.inputs if view.constant(product.inputs[1]) is not None else product.inputs[::-1]
            constant = view.constant(names[1])
            if constant is None:
                break
            factor, tensor = np.multiply(factor, constant, dtype=np.float64), names[0]
        difference = view.source(tensor, "Sub")
        absolute = view.source(difference.inputs[1], "Abs") if difference else None
        if difference is None or absolute is None:
            continue
        if not relu.inputs[0] == difference.inputs[0] == absolute.inputs[0]:
            continue
        slope = np.asarray(2.0 * factor, np.float32)
        slope = slope[0] if slope.ndim == 4 and slope.shape[0] == 1 else slope
        node.operator, node.inputs = "PRelu", [relu.inputs[0], view.builder.constant(slope, "slope")]
        return True
    return False


def _per_channel(constant: Array, channels: int) -> Array | None:
    """``constant`` as (channels,) float64 when it broadcasts per channel of (N, C, H, W), else None."""
    if constant.size == 1 and constant.ndim <= 4:
        return np.full(channels, float(constant.reshape(())))
    shape = (1,) * (4 - constant.ndim) + constant.shape
    return constant.reshape(-1).astype(np.float64) if shape == (1, channels, 1, 1) else None


def _weights(view: _View, conv: GraphNode) -> Array:
    return view.builder.constants[conv.inputs[1]].astype(np.float64)


def _bias(view: _View, conv: GraphNode) -> Array:
    if len(conv.inputs) > 2:
        return view.builder.constants[conv.inputs[2]].astype(np.float64)
    return np.zeros(view.builder.constants[conv.inputs[1]].shape[0])


def _set_weights(view: _View, conv: GraphNode, kernel: Array, bias: Array) -> None:
    names = [view.builder.constant(a.astype(np.float32), hint) for a, hint in ((kernel, "w"), (bias, "b"))]
    conv.inputs = [conv.inputs[0], *names]

"""EfficientNet-Lite from a PyTorch state dictionary.

In: weights by the names of the package ``efficientnet_lite_pytorch``, depth and picture size of the variant. Out: a
graph from ``rgb`` (batch, 3, side, side) 0..255 to ``logits`` (batch, classes) and to ``features`` (batch, channels),
what the logits are a linear function of; batch normalisation is folded into the convolutions. A weight that is missing,
left over or of another size is refused.

Source: Tan and Le, EfficientNet, arXiv:1905.11946, table 1; the Lite variants drop squeeze-and-excitation, use ReLU6
and scale neither stem nor head nor the repeats of the first and last stage (tensorflow/tpu, efficientnet/lite).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import BATCH, Array, GraphBuilder
from custodes.models.importers.weights.torch_file import read_torch

_EPSILON = 1e-3
_STAGES = ((1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1))
"""Repeats at depth 1, kernel, first stride of each stage."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What tells one EfficientNet-Lite from another: depth, side of the picture in pixels, and its normalisation."""

    depth: float
    side_px: int
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]


def import_efficientnet_lite(name: str, data: bytes, variant: Variant) -> onnx.ModelProto:
    """Convert the state dictionary in ``data``.

    Raises:
        ImportFailedError: not a state dictionary, or not one of this network.
    """
    builder = GraphBuilder(name)
    network = _Network(builder, read_torch(data), variant)
    logits, features, (classes, channels) = network.emit(
        builder.input("rgb", [BATCH, 3, variant.side_px, variant.side_px])
    )
    builder.output(logits, "logits", [BATCH, classes])
    builder.output(features, "features", [BATCH, channels])
    return builder.build()


class _Network:
    """Emits stem, blocks and head; takes each weight once."""

    def __init__(self, builder: GraphBuilder, weights: Mapping[str, Array], variant: Variant) -> None:
        self._builder = builder
        self._left = {key: value for key, value in weights.items() if not key.endswith("num_batches_tracked")}
        self._variant = variant
        self._side = variant.side_px
        self._channels = 0

    def emit(self, rgb: str) -> tuple[str, str, tuple[int, ...]]:
        """Tensors of logits and features, and how many numbers each has."""
        mean, scale = (np.array(v, np.float32).reshape(1, 3, 1, 1) for v in (self._variant.mean, self._variant.scale))
        tensor = self._builder.add("Sub", [rgb, self._builder.constant(mean, "mean")])
        tensor = self._builder.add("Mul", [tensor, self._builder.constant(scale, "scale")])
        tensor = self._relu6(self._convolution(tensor, "_conv_stem", "_bn0", stride=2))
        number = 0
        for stage, (repeats, kernel, stride) in enumerate(_STAGES):
            fixed = stage in (0, len(_STAGES) - 1)
            for i in range(repeats if fixed else math.ceil(repeats * self._variant.depth)):
                tensor = self._block(tensor, f"_blocks.{number}", kernel, stride if i == 0 else 1)
                number += 1
        tensor = self._relu6(self._convolution(tensor, "_conv_head", "_bn1"))
        pooled = self._builder.add("Flatten", [self._builder.add("GlobalAveragePool", [tensor])])
        matrix, bias = self._take("_fc.weight", 2), self._take("_fc.bias", 1)
        if self._left:
            raise ImportFailedError(f"efficientnet: weight {min(self._left)!r} is left over")
        inputs = [pooled, self._builder.constant(matrix, "w"), self._builder.constant(bias, "b")]
        return self._builder.add("Gemm", inputs, {"transB": 1}), pooled, matrix.shape

    def _block(self, entry: str, name: str, kernel: int, stride: int) -> str:
        """Expand, filter each channel alone, project; the entry is added where sizes allow it."""
        tensor, entered = entry, self._channels
        if f"{name}._expand_conv.weight" in self._left:
            tensor = self._relu6(self._convolution(tensor, f"{name}._expand_conv", f"{name}._bn0"))
        each = self._left.get(f"{name}._depthwise_conv.weight")
        if each is None or each.shape[2:] != (kernel, kernel):
            raise ImportFailedError(f"efficientnet: {name} is missing or has another kernel")
        tensor = self._relu6(self._convolution(tensor, f"{name}._depthwise_conv", f"{name}._bn1", stride, len(each)))
        tensor = self._convolution(tensor, f"{name}._project_conv", f"{name}._bn2")
        return self._builder.add("Add", [tensor, entry]) if stride == 1 and self._channels == entered else tensor

    def _convolution(self, tensor: str, name: str, normalisation: str, stride: int = 1, groups: int = 1) -> str:
        """A convolution padded as TensorFlow's SAME, with its batch normalisation folded in."""
        kernel = self._take(f"{name}.weight", 4).astype(np.float64)
        gamma, beta, mean, variance = (
            self._take(f"{normalisation}.{part}", 1).astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        if not len(kernel) == len(gamma) == len(beta) == len(mean) == len(variance):
            raise ImportFailedError(f"efficientnet: {name} and {normalisation} differ in size")
        factor = gamma / np.sqrt(variance + _EPSILON)
        side = -(-self._side // stride)
        padding = max((side - 1) * stride + kernel.shape[2] - self._side, 0)
        before, after = padding // 2, padding - padding // 2
        self._side, self._channels = side, len(kernel)
        weights = [
            self._builder.constant(array.astype(np.float32), hint)
            for array, hint in ((kernel * factor[:, None, None, None], "w"), (beta - mean * factor, "b"))
        ]
        attributes = {
            "kernel_shape": kernel.shape[2:],
            "strides": [stride, stride],
            "pads": [before, before, after, after],
            "group": groups,
        }
        return self._builder.add("Conv", [tensor, *weights], attributes)

    def _relu6(self, tensor: str) -> str:
        low, high = (self._builder.constant(np.float32(limit)) for limit in (0, 6))
        return self._builder.add("Clip", [tensor, low, high])

    def _take(self, name: str, dimensions: int) -> Array:
        array = self._left.pop(name, None)
        if array is None or array.ndim != dimensions:
            raise ImportFailedError(f"efficientnet: weight {name!r} is missing or has another shape")
        return array

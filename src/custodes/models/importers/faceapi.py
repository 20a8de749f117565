"""The expression network of face-api.js from its weights; the file names these only, the graph is known here.

In: the bytes of ``face_expression_model-weights_manifest.json`` and of its one shard. Out: an ONNX graph. Only this
network is understood: four blocks of densely added separable convolutions, the mean over the picture, one layer to
seven expressions. Any missing, strange or misshapen weight is refused.

Input ``rgb``: (batch, 3, 112, 112) float32, 0..255. Output ``expression``: (batch, 7) float32, probabilities.

Source: FaceExpressionNet, FaceFeatureExtractor and denseBlock4 of face-api.js (MIT), in src/faceExpressionNet and
src/faceFeatureExtractor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import onnx

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import BATCH, Array, GraphBuilder
from custodes.models.importers.tfjs.file import read_weights

_SIDE = 112
_WIDTHS = (32, 64, 128, 256)
"""Channels of the blocks."""
_CLASSES = 7
_MEAN = (122.782, 117.001, 104.298)
"""Colour that is taken off before the division by 255. Source: FaceFeatureExtractor.forwardInput."""


def import_faceapi_expression(manifest: bytes, shards: Mapping[str, bytes]) -> onnx.ModelProto:
    """Convert the network.

    Raises:
        ImportFailedError: not this network's manifest, or a shard is missing or too short.
    """
    try:
        groups = json.loads(manifest)
        weights: dict[str, Array] = {}
        for group in groups:
            weights.update(read_weights(group["weights"], b"".join(shards[path] for path in group["paths"])))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ImportFailedError(f"face-api manifest: {error}") from error
    network = _Network(GraphBuilder("faceapi_expression"), weights)
    model = network.emit()
    if network.unused:
        raise ImportFailedError(f"face-api manifest: unexpected weights {sorted(network.unused)[:3]}")
    return model


class _Network:
    """Emits the graph and keeps book of the weights it took."""

    def __init__(self, builder: GraphBuilder, weights: Mapping[str, Array]) -> None:
        self._builder = builder
        self._weights = weights
        self._side = _SIDE
        self.unused = set(weights)

    def emit(self) -> onnx.ModelProto:
        builder = self._builder
        rgb = builder.input("rgb", [BATCH, 3, _SIDE, _SIDE])
        mean = builder.constant(np.array(_MEAN, np.float32).reshape(1, 3, 1, 1), "mean")
        tensor = builder.add("Div", [builder.add("Sub", [rgb, mean]), builder.constant(np.float32(255), "scale")])
        for index, width in enumerate(_WIDTHS):
            tensor = self._block(tensor, f"dense{index}", 3 if index == 0 else _WIDTHS[index - 1], width)
        pooled = builder.add("Flatten", [builder.add("GlobalAveragePool", [tensor])])
        matrix = self._take("fc/weights", (_WIDTHS[-1], _CLASSES))
        bias = self._take("fc/bias", (_CLASSES,))
        scores = builder.add("Add", [builder.add("MatMul", [pooled, matrix]), bias])
        builder.output(builder.add("Softmax", [scores], {"axis": 1}), "expression", [BATCH, _CLASSES])
        return builder.build()

    def _block(self, tensor: str, name: str, entry: int, width: int) -> str:
        """Each convolution sees the sum of all before it; the first one halves the picture."""
        first = (
            self._plain(tensor, f"{name}/conv0", width)
            if entry == 3
            else self._separable(tensor, f"{name}/conv0", (entry, width), stride=2)
        )
        total = seen = self._builder.add("Relu", [first])
        for index in range(1, 4):
            new = self._separable(seen, f"{name}/conv{index}", (width, width), stride=1)
            total = self._builder.add("Add", [total, new])
            seen = self._builder.add("Relu", [total])
        return seen

    def _plain(self, tensor: str, name: str, width: int) -> str:
        kernel = self._take(f"{name}/filters", (3, 3, 3, width), (3, 2, 0, 1))
        return self._conv([tensor, kernel, self._take(f"{name}/bias", (width,))], stride=2)

    def _separable(self, tensor: str, name: str, channels: tuple[int, int], *, stride: int) -> str:
        entry, width = channels
        depth = self._take(f"{name}/depthwise_filter", (3, 3, entry, 1), (2, 3, 0, 1))
        spread = self._conv([tensor, depth], stride=stride, group=entry)
        point = self._take(f"{name}/pointwise_filter", (1, 1, entry, width), (3, 2, 0, 1))
        return self._builder.add(
            "Conv", [spread, point, self._take(f"{name}/bias", (width,))], {"kernel_shape": [1, 1]}
        )

    def _conv(self, inputs: list[str], *, stride: int, group: int = 1) -> str:
        """3 x 3, padded as TensorFlow's ``same``: what is missing, the odd pixel at the far end."""
        side = -(-self._side // stride)
        missing = max(0, (side - 1) * stride + 3 - self._side)
        near, far = missing // 2, missing - missing // 2
        self._side = side
        attributes = {"kernel_shape": [3, 3], "strides": [stride] * 2, "pads": [near, near, far, far], "group": group}
        return self._builder.add("Conv", inputs, attributes)

    def _take(self, name: str, shape: tuple[int, ...], order: tuple[int, ...] | None = None) -> str:
        weights = self._weights.get(name)
        if weights is None or weights.shape != shape or weights.dtype != np.float32:
            raise ImportFailedError(f"face-api manifest: weight {name!r} of shape {shape} expected")
        self.unused.discard(name)
        return self._builder.constant(weights if order is None else weights.transpose(order), "w")

"""dlib's face recognition network (ResNet v1, 29 convolutions) from its ``.dat``.

In: the bytes of ``dlib_face_recognition_resnet_model_v1.dat``. Out: one ONNX graph with every affine layer folded into
the convolution in front of it and the normalisation of the picture folded into the first one (it has no padding, so
that is exact). Only this network is understood; any other layer or order is refused.

Input ``rgb``: (batch, 3, 150, 150) float32, 0..255, an aligned face with dlib's margins. Output ``embedding``:
(batch, 128) float32, not normalised (dlib compares by Euclidean distance).

Source: the serialization order of dlib/dnn/core.h (innermost layer first) and layers.h; the network of dlib's example
dnn_face_recognition_ex.cpp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray

from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.graphs.graph import BATCH, GraphBuilder
from custodes.models.importers.weights.dlib_stream import DlibStream

_SIDE = 150
_LENGTH = 128
_SCALE = 256.0
"""Pixels are divided by this after the mean is taken off. Source: dlib/dnn/input.h, input_rgb_image_sized."""
_VERSION_CHAIN_LIMIT = 1024

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """One computing layer: its kind, integers (window or stride and padding) and weights."""

    kind: str
    numbers: tuple[int, ...] = ()
    kernel: Floats = field(default_factory=lambda: np.zeros(0))
    shift: Floats = field(default_factory=lambda: np.zeros(0))


def import_dlib_resnet(data: bytes) -> onnx.ModelProto:
    """Convert the file.

    Raises:
        ImportFailedError: not dlib's format, cut short, or another network.
    """
    stream = DlibStream(data)
    mean = _read_head(stream)
    layers = _read_layers(stream)
    builder = GraphBuilder("dlib_resnet_v1")
    last = _Network(builder, layers, mean).emit(builder.input("rgb", [BATCH, 3, _SIDE, _SIDE]))
    builder.output(last, "embedding", [BATCH, _LENGTH])
    return builder.build()


def _read_head(stream: DlibStream) -> Floats:
    """The loss, the version numbers of all nested layers, and the input layer; returns the mean colour."""
    stream.expect(1, "loss layer version")
    stream.expect("loss_metric_2", "loss")
    stream.real(), stream.real()
    for _ in range(_VERSION_CHAIN_LIMIT):
        # The innermost layer writes 3; tags and skips write 1, others 2.
        version = stream.integer()
        if version == 3:
            break
        if version not in (1, 2):
            raise ImportFailedError(f"dlib file: a layer of unknown version {version}")
    stream.expect("input_rgb_image_sized", "input layer")
    mean = np.array([stream.real() for _ in range(3)])
    stream.expect(_SIDE, "input height")
    stream.expect(_SIDE, "input width")
    return mean


def _read_layers(stream: DlibStream) -> list[_Layer]:
    layers: list[_Layer] = []
    while not stream.at_end:
        layers.append(_read_layer(stream))
        for _ in range(3):
            stream.flag()
        for _ in range(3):
            stream.tensor()  # gradients and cached outputs, empty in a released network
        if len(layers) == 1:
            stream.expect(1, "sample expansion factor")
    return layers


def _read_layer(stream: DlibStream) -> _Layer:
    kind = stream.name()
    if kind == "con_4":
        return _read_convolution(stream)
    if kind == "affine_":
        weights, gamma, _beta = stream.tensor().astype(np.float64), stream.alias(), stream.alias()
        stream.expect(0, "affine mode")
        channels = gamma[1]
        if gamma != (1, channels, 1, 1) or weights.size != 2 * channels:
            raise ImportFailedError("dlib file: an affine layer of wrong size")
        return _Layer("affine", (), weights[:channels], weights[channels:])
    if kind in ("max_pool_2", "avg_pool_2"):
        return _Layer(kind, tuple(stream.integer() for _ in range(6)))
    if kind in ("relu_", "add_prev_"):
        return _Layer(kind)
    if kind == "fc_2":
        outputs, inputs, weights = stream.integer(), stream.integer(), stream.tensor().astype(np.float64)
        stream.alias(), stream.alias()
        stream.expect(1, "bias mode")
        _skip_rates(stream)
        if outputs != _LENGTH or weights.size != inputs * outputs:
            raise ImportFailedError("dlib file: the last layer has a wrong size")
        return _Layer(kind, (), weights.reshape(inputs, outputs))
    raise ImportFailedError(f"dlib file: layer {kind!r} is not part of the expected network")


def _read_convolution(stream: DlibStream) -> _Layer:
    weights = stream.tensor().astype(np.float64)
    count, rows, columns, stride_y, stride_x, pad_y, pad_x = (stream.integer() for _ in range(7))
    shape, bias = stream.alias(), stream.alias()
    _skip_rates(stream)
    size = int(np.prod(shape))
    if shape[0] != count or shape[2:] != (rows, columns) or bias != (1, count, 1, 1) or weights.size != size + count:
        raise ImportFailedError("dlib file: a convolution of wrong size")
    return _Layer("con_4", (stride_y, stride_x, pad_y, pad_x), weights[:size].reshape(shape), weights[size:])


def _skip_rates(stream: DlibStream) -> None:
    for _ in range(4):
        stream.real()  # learning rate and weight decay multipliers


class _Network:
    """Emits stem, residual blocks and head, consuming the layers in order."""

    def __init__(self, builder: GraphBuilder, layers: list[_Layer], mean: Floats) -> None:
        self._builder = builder
        self._layers: Iterator[_Layer] = iter(layers)
        self._mean = mean
        self._side = _SIDE
        self._channels = 3

    def emit(self, rgb: str) -> str:
        tensor = self._relu(self._convolution(rgb, self._next("con_4"), normalise=True))
        pool = self._next("max_pool_2")
        if pool.numbers != (3, 3, 2, 2, 0, 0):
            raise ImportFailedError("dlib file: an unexpected first pooling")
        tensor = self._builder.add("MaxPool", [tensor], {"kernel_shape": [3, 3], "strides": [2, 2]})
        self._side = (self._side - 3) // 2 + 1
        while (layer := self._next()).kind == "con_4":
            tensor = self._block(tensor, layer)
        if layer.kind != "avg_pool_2" or layer.numbers[:2] != (0, 0):
            raise ImportFailedError(f"dlib file: layer {layer.kind!r} where the last pooling was expected")
        pooled = self._builder.add("Flatten", [self._builder.add("GlobalAveragePool", [tensor])])
        weights = self._builder.constant(self._next("fc_2").kernel.astype(np.float32), "w")
        if next(self._layers, None) is not None:
            raise ImportFailedError("dlib file: layers after the last one")
        return self._builder.add("MatMul", [pooled, weights])

    def _block(self, entry: str, first: _Layer) -> str:
        """Two convolutions, plus the entry; a down block halves the entry by averaging and pads what is missing."""
        side, channels = self._side, self._channels
        inner = self._relu(self._convolution(entry, first))
        inner = self._convolution(inner, self._next("con_4"))
        layer = self._next()
        if layer.kind == "avg_pool_2":
            if layer.numbers != (2, 2, 2, 2, 0, 0):
                raise ImportFailedError("dlib file: an unexpected pooling")
            entry = self._builder.add("AveragePool", [entry], {"kernel_shape": [2, 2], "strides": [2, 2]})
            side = (side - 2) // 2 + 1
            layer = self._next()
        if layer.kind != "add_prev_" or self._channels < channels or self._side > side:
            raise ImportFailedError(f"dlib file: layer {layer.kind!r} where a residual sum was expected")
        # dlib adds tensors of different sizes as if the smaller one were filled with zeros at its far ends.
        entry = self._pad(entry, self._channels - channels, 0)
        inner = self._pad(inner, 0, side - self._side)
        self._side = side
        return self._relu(self._builder.add("Add", [inner, entry]))

    def _convolution(self, tensor: str, layer: _Layer, *, normalise: bool = False) -> str:
        affine = self._next("affine")
        kernel = layer.kernel * affine.kernel[:, None, None, None]
        shift = layer.shift * affine.kernel + affine.shift
        if normalise:
            kernel = kernel / _SCALE
            shift = shift - np.einsum("ocij,c->o", kernel, self._mean)
        stride_y, stride_x, pad_y, pad_x = layer.numbers
        if (stride_y, pad_y) != (stride_x, pad_x) or kernel.shape[1] != self._channels or (normalise and pad_y):
            raise ImportFailedError("dlib file: an unexpected convolution")
        self._channels = kernel.shape[0]
        self._side = (self._side + 2 * pad_y - kernel.shape[2]) // stride_y + 1
        weights = [self._builder.constant(a.astype(np.float32), hint) for a, hint in ((kernel, "w"), (shift, "b"))]
        attributes = {"kernel_shape": kernel.shape[2:], "strides": [stride_y, stride_x], "pads": [pad_y, pad_x] * 2}
        return self._builder.add("Conv", [tensor, *weights], attributes)

    def _pad(self, tensor: str, channels: int, side: int) -> str:
        if not channels and not side:
            return tensor
        pads = np.array([0, 0, 0, 0, 0, channels, side, side], np.int64)
        return self._builder.add("Pad", [tensor, self._builder.constant(pads, "pads")])

    def _relu(self, tensor: str) -> str:
        self._next("relu_")
        return self._builder.add("Relu", [tensor])

    def _next(self, kind: str | None = None) -> _Layer:
        layer = next(self._layers, None)
        if layer is None or (kind is not None and layer.kind != kind):
            raise ImportFailedError(
                f"dlib file: {kind or 'a'} layer expected, found {layer.kind if layer else 'the end'}"
            )
        return layer

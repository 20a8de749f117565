"""A trained head: from features to calibrated confidences of labels, and its bytes.

In: features (n, d). Out: (n, c) shares, 0 to 1. As bytes it is a plain npz file; nothing in it is executed.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import UnavailableError
from custodes.engine.custom.logistic import Floats, Linear, sigmoid, softmax


@dataclass(frozen=True, slots=True, eq=False)
class TrainedHead:
    """A linear function with its calibration.

    Attributes:
        linear: of features.
        scale, shift: (c,) of outputs before they become shares.
        several: each label for itself, instead of one of all.
    """

    linear: Linear
    scale: Floats
    shift: Floats
    several: bool

    def outputs(self, features: Floats) -> Floats:
        """(n, c) calibrated logits."""
        return np.asarray(self.linear(features) * self.scale + self.shift)

    def shares(self, features: Floats) -> Floats:
        """(n, c) confidences, 0 to 1."""
        outputs = self.outputs(features)
        return sigmoid(outputs) if self.several else softmax(outputs)


def unit(features: NDArray[np.generic]) -> Floats:
    """Rows of length 1."""
    rows = features.astype(np.float64)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9))


def head_arrays(prefix: str, head: TrainedHead) -> dict[str, NDArray[np.generic]]:
    """Arrays of ``head``, each with ``prefix`` before its name."""
    return {
        f"{prefix}.matrix": head.linear.matrix.astype(np.float32),
        f"{prefix}.bias": head.linear.bias,
        f"{prefix}.scale": head.scale,
        f"{prefix}.shift": head.shift,
        f"{prefix}.several": np.array(head.several),
    }


def head_of(prefix: str, arrays: Mapping[str, NDArray[np.generic]]) -> TrainedHead:
    """The head that ``head_arrays`` took apart. Raises KeyError."""
    matrix, bias, scale, shift = (
        arrays[f"{prefix}.{name}"].astype(np.float64) for name in ("matrix", "bias", "scale", "shift")
    )
    return TrainedHead(Linear(matrix, bias), scale, shift, bool(arrays[f"{prefix}.several"]))


def packed(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """One file of facts, which are JSON values, and arrays."""
    out = io.BytesIO()
    text = np.frombuffer(json.dumps(dict(facts), ensure_ascii=False).encode(), np.uint8)
    np.savez(out, **{**arrays, "facts": text})  # type: ignore[arg-type]
    return out.getvalue()


def unpacked(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
    """What ``packed`` wrote. Raises UnavailableError for anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return json.loads(arrays.pop("facts").tobytes()), arrays
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UnavailableError("a trained model is damaged") from error

"""The importer of face-api's expression network: made-up weights of the right shapes in, refusals of all others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest

from custodes.models.importers.faceapi import import_faceapi_expression
from custodes.models.importers.failure import ImportFailedError

WIDTHS = (32, 64, 128, 256)


def shapes() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for block, width in enumerate(WIDTHS):
        for conv in range(4):
            name = f"dense{block}/conv{conv}"
            entry = width if conv else (3 if block == 0 else WIDTHS[block - 1])
            if (block, conv) == (0, 0):
                found[f"{name}/filters"] = (3, 3, 3, width)
            else:
                found[f"{name}/depthwise_filter"] = (3, 3, entry, 1)
                found[f"{name}/pointwise_filter"] = (1, 1, entry, width)
            found[f"{name}/bias"] = (width,)
    return {**found, "fc/weights": (256, 7), "fc/bias": (7,)}


def files(change: Callable[[dict[str, tuple[int, ...]]], None] = lambda _: None) -> tuple[bytes, dict[str, bytes]]:
    wanted = shapes()
    change(wanted)
    random = np.random.default_rng(0)
    entries: list[dict[str, Any]] = [{"name": n, "shape": list(s), "dtype": "float32"} for n, s in wanted.items()]
    data = b"".join(random.normal(0, 0.1, shape).astype("<f4").tobytes() for shape in wanted.values())
    return json.dumps([{"weights": entries, "paths": ["w.bin"]}]).encode(), {"w.bin": data}


def test_probabilities_of_seven_expressions_for_any_batch():
    model = import_faceapi_expression(*files())
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    pictures = np.random.default_rng(1).uniform(0, 255, (3, 3, 112, 112)).astype(np.float32)
    (together,) = session.run(None, {"rgb": pictures})
    assert together.shape == (3, 7)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)
    (alone,) = session.run(None, {"rgb": pictures[1:2]})
    np.testing.assert_allclose(alone[0], together[1], atol=1e-5)


def _without(name: str) -> Callable[[dict[str, tuple[int, ...]]], None]:
    return lambda wanted: wanted.pop(name) and None


def _put(name: str, shape: tuple[int, ...]) -> Callable[[dict[str, tuple[int, ...]]], None]:
    return lambda wanted: wanted.update({name: shape})


@pytest.mark.parametrize(
    "change",
    [
        _without("fc/bias"),
        _without("dense2/conv1/pointwise_filter"),
        _put("fc/weights", (256, 8)),
        _put("dense0/conv0/filters", (3, 3, 1, 32)),
        _put("dense9/conv0/bias", (4,)),
    ],
)
def test_another_network_is_refused(change):
    with pytest.raises(ImportFailedError):
        import_faceapi_expression(*files(change))


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[]", b"{}", b"7", b'[{"paths": ["w.bin"]}]', b'[{"weights": 3, "paths": ["w.bin"]}]', b"[" * 100_000],
)
def test_what_is_no_manifest_is_refused(manifest: bytes):
    with pytest.raises(ImportFailedError):
        import_faceapi_expression(manifest, files()[1])


@pytest.mark.parametrize("data", [b"", b"1234"])
def test_short_weights_are_refused(data: bytes):
    with pytest.raises(ImportFailedError):
        import_faceapi_expression(files()[0], {"w.bin": data})


def test_a_missing_shard_is_refused():
    with pytest.raises(ImportFailedError):
        import_faceapi_expression(files()[0], {})

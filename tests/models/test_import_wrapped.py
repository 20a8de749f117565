"""Importers that read foreign wrappings: JavaScript modules and PyTorch's first format. Hostile input is refused."""

from __future__ import annotations

import base64
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.models.importers.efficientnet_lite import Variant, import_efficientnet_lite
from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.tfjs.bundle import unwrapped
from custodes.models.importers.weights.torch_file import read_torch
from custodes.models.importers.yolo import import_yolo

BEFORE = '!function(e){if("object"==typeof exports)module.exports=e();else{window.model=e()}}(function(){return{1:['
BEFORE += "function(t,e,a){e.exports="
AFTER = "},{}]},{},[1])(1)});"


def module(literal: str) -> bytes:
    return (BEFORE + literal + AFTER).encode()


def test_a_literal_becomes_json() -> None:
    literal = '{a:1,b_$:[.5,-.25,1e-7,2.],"c d":"x\\"y",e:!0,f:!1,g:null,h:{},i:\'single\',j:void 0}'
    assert json.loads(unwrapped(module(literal))) == {
        "a": 1, "b_$": [0.5, -0.25, 1e-7, 2.0], "c d": 'x"y', "e": True, "f": False, "g": None, "h": {}, "i": "single",
        "j": None,
    }  # fmt: skip


@given(st.binary(min_size=1, max_size=200))
def test_base64_becomes_bytes(data: bytes) -> None:
    assert unwrapped(module(f'"{base64.b64encode(data).decode()}"')) == data


@pytest.mark.parametrize(
    "literal", ["{a:alert(1)}", "{a:1", '{a:"open', "{a:1+1}", '"no base64!"', "{a:[1}", "{a:function(){}}", "{a:`x`}"]
)
def test_anything_but_a_literal_is_refused(literal: str) -> None:
    with pytest.raises((ImportFailedError, ValueError)):
        json.loads(unwrapped((BEFORE + literal).encode() if literal.endswith(("1", "n")) else module(literal)))


@given(st.binary(max_size=300))
def test_no_module_no_answer(data: bytes) -> None:
    with pytest.raises(ImportFailedError):
        unwrapped(data)


class Storage:
    """Stands for a storage while a state dictionary is pickled as PyTorch's first format does it."""

    def __init__(self, key: str, values: np.ndarray) -> None:
        self.key, self.values = key, values


def saved(tensors: dict[str, np.ndarray], view: tuple[int, tuple[int, ...]] | None = None) -> bytes:
    """The bytes of a file; ``view`` replaces offset and strides of every tensor."""
    out = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    body = b"\x80\x02ccollections\nOrderedDict\n)R("
    for name, array in tensors.items():
        offset, strides = view or (0, tuple(s // array.itemsize for s in array.strides))
        body += pickle.dumps(name, 2)[2:-1].split(b"q")[0]
        body += b"ctorch._utils\n_rebuild_tensor_v2\n(("
        body += b"X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
        for text in (name, "cpu"):
            body += b"X" + len(text).to_bytes(4, "little") + text.encode()
        body += b"J" + array.size.to_bytes(4, "little") + b"NtQ"
        body += b"J" + offset.to_bytes(4, "little")
        for numbers in (array.shape, strides):
            body += b"(" + b"".join(b"J" + int(n).to_bytes(4, "little", signed=True) for n in numbers) + b"t"
        body += b"\x89ccollections\nOrderedDict\n)RtR"
    out += body + b"u." + pickle.dumps(list(tensors), 2)
    for array in tensors.values():
        out += array.size.to_bytes(8, "little") + array.astype("<f4").tobytes()
    return out


def test_tensors_are_read() -> None:
    tensors = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.float32([7])}
    found = read_torch(saved(tensors))
    assert {name: value.tolist() for name, value in found.items()} == {"a.weight": [[0, 1, 2], [3, 4, 5]], "b": [7]}


def test_axes_may_be_stored_in_another_order() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert read_torch(saved({"a": array}, (0, (1, 2))))["a"].tolist() == [[0, 2, 4], [1, 3, 5]]


@pytest.mark.parametrize("view", [(1, (3, 1)), (0, (100, 1)), (0, (-3, 1)), (2**31 - 1, (3, 1))])
def test_a_view_beyond_its_storage_is_refused(view: tuple[int, tuple[int, ...]]) -> None:
    with pytest.raises(ImportFailedError):
        read_torch(saved({"a": np.zeros((2, 3), np.float32)}, view))


class Evil:
    def __reduce__(self):
        return eval, ("1+1",)


@pytest.mark.parametrize("payload", [Evil(), {"a": Evil()}, {"a": 1}, [1], "text", {"a": b"bytes"}])
def test_nothing_is_called_and_nothing_but_tensors_is_taken(payload: object) -> None:
    head = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {}))
    with pytest.raises(ImportFailedError):
        read_torch(head + pickle.dumps(payload, 2) + pickle.dumps(["a"], 2) + bytes(64))


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ImportFailedError):
        read_torch(data)


def test_a_file_cut_anywhere_is_refused() -> None:
    whole = saved({"a": np.arange(6, dtype=np.float32)})
    for length in range(0, len(whole), 7):
        with pytest.raises(ImportFailedError):
            read_torch(whole[:length])


def test_weights_of_another_network_are_refused() -> None:
    variant = Variant(1.2, 260, (127.0,) * 3, (1 / 128,) * 3)
    with pytest.raises(ImportFailedError, match="missing"):
        import_efficientnet_lite("x", saved({"_conv_stem.weight": np.zeros((32, 3, 3, 3), np.float32)}), variant)
    with pytest.raises(ImportFailedError):
        import_yolo(b"not an onnx file", 320, 18)

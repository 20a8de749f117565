"""dlib's number format, and refusal of files that are not the network."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.models.importers.dlib_resnet import import_dlib_resnet
from custodes.models.importers.failure import ImportFailedError
from custodes.models.importers.weights.dlib_stream import DlibStream


def integer(value: int) -> bytes:
    body = abs(value).to_bytes(8, "little").rstrip(b"\0") or b"\0"
    return bytes([len(body) | (0x80 if value < 0 else 0)]) + body


def name(text: str) -> bytes:
    return integer(len(text)) + text.encode()


HEAD = integer(1) + name("loss_metric_2") + (integer(0) + integer(0)) * 2 + integer(2) + integer(1)


@given(st.integers(-(2**63), 2**63))
def test_integers(value: int):
    stream = DlibStream(integer(value))
    assert stream.integer() == value
    assert stream.at_end


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_reals(value: float):
    fraction, exponent = math.frexp(value)
    assert DlibStream(integer(int(fraction * 2**24)) + integer(exponent - 24)).real() == value


def test_tensors():
    data = integer(2) + b"".join(map(integer, (2, 3, 1, 1))) + struct.pack("<6f", *range(6))
    assert DlibStream(data).tensor().tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ImportFailedError, match="ends too early"):
        DlibStream(data[:-1]).tensor()


def test_a_huge_tensor_is_refused_before_memory_is_taken():
    data = integer(2) + b"".join(map(integer, (2**60, 2**60, 1, 1)))
    with pytest.raises(ImportFailedError, match="ends too early"):
        DlibStream(data).tensor()


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_reason(data: bytes):
    for content in (data, HEAD + data):
        with pytest.raises(ImportFailedError, match="dlib file"):
            import_dlib_resnet(content)


def test_another_network_is_refused_by_name():
    start = HEAD + integer(3) + name("input_rgb_image_sized") + (integer(0) * 2) * 3 + integer(150) * 2
    with pytest.raises(ImportFailedError, match="dropout_"):
        import_dlib_resnet(start + name("dropout_"))

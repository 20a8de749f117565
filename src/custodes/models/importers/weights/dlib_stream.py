"""dlib's serialization, as far as a network file needs it.

In: bytes of a ``.dat``. Out: integers, floats, strings, tensors, one after the other. It knows no networks.

Source: the format of dlib/serialize.h (integers: a control byte holding the length and the sign, then little-endian
bytes; floats: mantissa and exponent as integers, value = mantissa * 2**exponent) and dlib/cuda/tensor_tools
(``resizable_tensor`` version 2: sizes, then float32 little-endian).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from custodes.models.importers.failure import ImportFailedError

_TENSOR_VERSION = 2
_ALIAS_VERSION = 1
_NAME_LIMIT = 64


class DlibStream:
    """A cursor over the bytes. Each method reads one value and raises ImportFailedError when the bytes end."""

    def __init__(self, data: bytes) -> None:
        """Start at the first byte."""
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        """Whether all bytes were read."""
        return self._at == len(self._data)

    def integer(self) -> int:
        """A signed integer."""
        control = self._take(1)[0]
        length = control & 0x0F
        if length > 8 or control & 0x70:
            raise ImportFailedError(f"dlib file: byte {self._at - 1} does not start an integer")
        value = int.from_bytes(self._take(length), "little")
        return -value if control & 0x80 else value

    def real(self) -> float:
        """A float or double; infinities and NaN have no place in a network."""
        mantissa, exponent = self.integer(), self.integer()
        if not -1200 <= exponent <= 1200:
            raise ImportFailedError("dlib file: a number out of range")
        return math.ldexp(mantissa, exponent)

    def flag(self) -> bool:
        """A bool, written as the character 0 or 1."""
        byte = self._take(1)
        if byte not in (b"0", b"1"):
            raise ImportFailedError(f"dlib file: byte {self._at - 1} is not a flag")
        return byte == b"1"

    def name(self) -> str:
        """A string of up to 64 ASCII characters."""
        length = self.integer()
        if not 0 <= length <= _NAME_LIMIT:
            raise ImportFailedError("dlib file: a name of impossible length")
        try:
            return self._take(length).decode("ascii")
        except UnicodeDecodeError as error:
            raise ImportFailedError("dlib file: a name that is not ASCII") from error

    def expect(self, value: int | str, what: str) -> None:
        """Read a value of the same type and raise unless it equals ``value``."""
        found: int | str = self.name() if isinstance(value, str) else self.integer()
        if found != value:
            raise ImportFailedError(f"dlib file: {what} is {found!r}, expected {value!r}")

    def tensor(self) -> NDArray[np.float32]:
        """A tensor, flat float32."""
        self.expect(_TENSOR_VERSION, "tensor version")
        size = math.prod(self._sizes())
        return np.frombuffer(self._take(size * 4), "<f4").astype(np.float32)

    def alias(self) -> tuple[int, int, int, int]:
        """The sizes of a view on a tensor: samples, channels, rows, columns."""
        self.expect(_ALIAS_VERSION, "view version")
        return self._sizes()

    def _sizes(self) -> tuple[int, int, int, int]:
        sizes = (self.integer(), self.integer(), self.integer(), self.integer())
        if min(sizes) < 0:
            raise ImportFailedError("dlib file: a negative size")
        return sizes

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise ImportFailedError("dlib file ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

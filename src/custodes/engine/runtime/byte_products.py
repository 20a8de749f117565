"""Whether this processor multiplies bytes as fast as networks need it. In: nothing. Out: nothing, or an error.

Known of processors on Linux alone, which says what they have. AVX-512 VNNI is what was measured; without it ONNX
Runtime adds pairs of products in 16 bits, which overflow.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from custodes.core.device import Device
from custodes.core.errors import UnavailableError
from custodes.engine.runtime.session import providers

_FEATURES = ("avx512_vnni", "avx_vnni")
_TOLD_BY = Path("/proc/cpuinfo")


def require_int8(device: Device) -> None:
    """Raise UnavailableError unless networks run on a processor with these instructions."""
    if len(providers(device)) > 1:
        raise UnavailableError("query_arithmetic int8 is for processors: take float32 with device cuda")
    if not has_byte_products():
        raise UnavailableError("query_arithmetic int8: this processor has no VNNI, or does not say so; take float32")


@cache
def has_byte_products() -> bool:
    """Whether the processor has instructions for sums of products of bytes."""
    try:
        lines = _TOLD_BY.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    return any(feature in flags for feature in _FEATURES)

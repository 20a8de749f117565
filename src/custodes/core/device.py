"""Where networks run, as settings name it and the engine obeys. In and out: one of three words."""

from __future__ import annotations

from enum import StrEnum


class Device(StrEnum):
    """Where networks run."""

    AUTO = "auto"
    """The graphics processor when this ONNX Runtime can use one."""
    CPU = "cpu"
    CUDA = "cuda"

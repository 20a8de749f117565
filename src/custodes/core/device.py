"""Where and in which arithmetic networks run, as settings name it and the engine obeys. In and out: words."""

from __future__ import annotations

from enum import StrEnum


class Device(StrEnum):
    """Where networks run."""

    AUTO = "auto"
    """The graphics processor when this ONNX Runtime can use one."""
    CPU = "cpu"
    CUDA = "cuda"


class Arithmetic(StrEnum):
    """What networks for text and for whole pictures compute with."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    """Products of half the width, sums in float32, where a network bears it; a processor has to have it."""

    def version(self, recipe: str) -> str:
        """Version that answers name: that of the recipe, and what else decides them."""
        return recipe if self is Arithmetic.FLOAT32 else f"{recipe}-bf16"


class QueryArithmetic(StrEnum):
    """What the vector of a face is computed with that is searched for and not kept; kept ones are always of float32."""

    FLOAT32 = "float32"
    INT8 = "int8"
    """Products of bytes in the part of the network where most of its products are; a processor has to have them."""

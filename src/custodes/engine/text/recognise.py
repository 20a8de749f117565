"""Strips of text to symbols, each with its place and probability.

In: strips. Out: a ``Reading`` per strip. Decoding is CTC's best path: the likeliest symbol of each step, repetitions
joined, blanks dropped. It knows nothing of words.

Source of the decoding: Graves et al., Connectionist Temporal Classification, ICML 2006, section 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from custodes.engine.faces.detection.detect import FaceNetwork
from custodes.engine.text.strip import RgbArray, batch

FloatArray = NDArray[np.float32]

_MIN_WIDTH_PX = 320
"""The network saw no narrower input in training."""
_BATCH_PX = 2048
"""Strips run together as long as they are not wider than this in total: what more costs in memory brings no speed."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol: its text, its middle along the strip (0 to 1) and its probability (0 to 1)."""

    text: str
    at: float
    probability: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The symbols of a strip, spaces among them."""

    symbols: tuple[Symbol, ...]

    @property
    def score(self) -> float:
        """Mean probability of the symbols; 0 without any."""
        return sum(symbol.probability for symbol in self.symbols) / len(self.symbols) if self.symbols else 0.0

    @property
    def text(self) -> str:
        """What it says, spaces among it."""
        return "".join(symbol.text for symbol in self.symbols)

    @property
    def weakest(self) -> float:
        """Least probability of a symbol that is seen; 0 without any."""
        return min((symbol.probability for symbol in self.symbols if not symbol.text.isspace()), default=0.0)


class Recogniser:
    """Recognition as a pipeline step."""

    def __init__(self, network: FaceNetwork, alphabet: Sequence[str]) -> None:
        """Keep the opened ``network``.

        Args:
            network: maps strips to the likeliest symbol per step.
            alphabet: texts of the symbols 1, 2, and so on; 0 is the blank.
        """
        self._network = network
        self._alphabet = ("", *alphabet)

    def read(self, strips: Sequence[RgbArray]) -> list[Reading]:
        """Readings of ``strips``, in their order. Strips of like width are read together."""
        order = sorted(range(len(strips)), key=lambda i: strips[i].shape[1])
        found: dict[int, Reading] = {}
        for group in _groups(order, strips):
            width = max(_MIN_WIDTH_PX, *(strips[i].shape[1] for i in group))
            answer = self._network.run({"rgb": batch([strips[i] for i in group], width)})
            for row, i in enumerate(group):
                share = strips[i].shape[1] / width
                found[i] = self._decoded(answer["symbol"][row].astype(int), answer["probability"][row], share)
        return [found[i] for i in range(len(strips))]

    def _decoded(self, numbers: NDArray[np.int_], probabilities: FloatArray, share: float) -> Reading:
        """``share`` is how much of the steps' width the strip takes; what lies beyond it is padding."""
        steps = len(numbers)
        changes = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), steps]
        symbols = [
            Symbol(
                self._alphabet[numbers[begin]],
                min(1.0, float(begin + end) / 2 / steps / share),
                float(probabilities[begin:end].max()),
            )
            for begin, end in pairwise(changes)
            if numbers[begin] != 0
        ]
        return Reading(tuple(symbols))


def _groups(order: Sequence[int], strips: Sequence[RgbArray]) -> list[list[int]]:
    """Indices in ``order`` cut into runs whose padded widths fit into one batch."""
    groups: list[list[int]] = []
    for i in order:
        width = max(_MIN_WIDTH_PX, strips[i].shape[1])
        if groups and (len(groups[-1]) + 1) * width <= _BATCH_PX:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups

"""Opens networks that compute in bfloat16, at about half the time, through OpenVINO. The only place that knows it.

In: what ``session`` takes. Out: a ``NarrowSession`` that runs named arrays like a ``NetworkSession``. Only networks of
``BEARS`` are opened so. Products have 8 bits of mantissa, sums are float32, so results differ from those of float32 in
the third digit; engines name that in the version of their answers. Networks of ``IN_PARTS`` take parts of their square.
OpenVINO is an extra: whoever asks for it without having it, or on a processor without bfloat16, is told so before
anything computes.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from custodes.core.errors import UnavailableError
from custodes.engine.results.face import FloatArray
from custodes.engine.runtime.memory import Runs
from custodes.models.card import ModelCard

BEARS = frozenset({"centernet", "nanodet", "efficientnet-lite2", "ppocr-v6-det", "ppocr-v6-rec", "ppocr-cls"})
"""Networks whose results were measured to bear it (BENCHMARKS.md, "Narrow arithmetic")."""
IN_PARTS = frozenset({"centernet", "nanodet"})
"""Networks that take any part of their square whose sides are multiples of 32, the rest of it being black."""
_CPU = "CPU"
_SHARE = "share_of_square"
"""Second input of networks that take parts (models.importers.graphs.parts)."""


class NarrowSession:
    """One opened model. Any thread."""

    def __init__(self, compiled: Any, card: ModelCard, notes: Mapping[str, str], at_a_time: int, runs: Runs) -> None:
        """Wrap a ``compiled`` model that runs ``at_a_time`` times at most; ``runs`` is told of each, before it."""
        self._runs = runs
        self._outputs = [tensor.name for tensor in card.outputs]
        self._free: SimpleQueue[Any] = SimpleQueue()
        for _ in range(at_a_time):
            self._free.put(compiled.create_infer_request())
        self.card = card
        self.notes = notes

    def run(
        self, feeds: Mapping[str, NDArray[np.generic]], wanted: Sequence[str] | None = None
    ) -> Mapping[str, FloatArray]:
        """As ``NetworkSession.run``."""
        names = self._outputs if wanted is None else list(wanted)
        if not set(names) <= set(self._outputs):
            raise ValueError(f"model {self.card.name} has outputs {self._outputs}, not {names}")
        self._runs.ran()
        given = dict(feeds)
        if self.card.name in IN_PARTS:
            given[_SHARE] = self._share(given)
        request = self._free.get()
        try:
            request.infer(given)
            # Copied: the next run writes into the same memory.
            return {name: np.array(request.get_tensor(name).data, np.float32) for name in names}
        except RuntimeError as error:
            raise ValueError(f"model {self.card.name}: an input does not fit") from error
        finally:
            self._free.put(request)

    def _share(self, feeds: Mapping[str, NDArray[np.generic]]) -> FloatArray:
        """(1,) of the card's square, what the picture among ``feeds`` makes."""
        taken, square = (math.prod(shape[-2:]) for shape in (feeds[self.card.input.name].shape, _square(self.card)))
        return np.array([taken / square], np.float32)


def open_narrow(path: Path, card: ModelCard, threads: int, runs: Runs) -> NarrowSession:
    """Open the model at ``path``, which is the one of ``card``, on ``threads`` threads a run.

    Raises:
        UnavailableError: the file is no model, or see ``require_bfloat16``.
    """
    core = require_bfloat16()
    at_a_time = max(1, (os.cpu_count() or 1) // threads)
    options = {
        "INFERENCE_PRECISION_HINT": "bf16",
        "INFERENCE_NUM_THREADS": threads * at_a_time,
        "NUM_STREAMS": at_a_time,
        # Other networks run at the same time; whoever is bound to a core may wait for one that another has.
        "ENABLE_CPU_PINNING": False,
        # Pictures of text come in any size; what was prepared for sixty of them would keep 150 MB, and so on.
        "CPU_RUNTIME_CACHE_CAPACITY": "16",
    }
    try:
        model = core.read_model(str(path))
        notes = _notes(model)
        if card.name in IN_PARTS:
            model = core.read_model(_in_parts(core, path, card))
        compiled = core.compile_model(model, _CPU, options)
    except (RuntimeError, ValueError, OSError) as error:
        raise UnavailableError(f"model {card.name} cannot be opened: {path.name} is broken") from error
    return NarrowSession(compiled, card, notes, at_a_time, runs)


def _in_parts(core: Any, path: Path, card: ModelCard) -> bytes:
    """The model at ``path``, for parts of its square."""
    from custodes.models.importers.graphs.parts import for_parts, showing_averages

    model = path.read_bytes()
    shown, names = showing_averages(model)
    black: dict[str, FloatArray] = {}
    if names:
        whole = core.compile_model(core.read_model(shown), _CPU, {"INFERENCE_PRECISION_HINT": "f32"})
        request = whole.create_infer_request()
        request.infer({card.input.name: np.zeros((1, *_square(card)), np.float32)})
        black = {name: np.array(request.get_tensor(name).data, np.float32) for name in names}
    return for_parts(model, black)


def _square(card: ModelCard) -> tuple[int, ...]:
    """Channels and sides of the input of ``card``, which has one size only."""
    return tuple(int(side) for side in card.input.shape[1:])


def _notes(model: Any) -> Mapping[str, str]:
    """Metadata of the ONNX file, where it has some."""
    found = model.get_rt_info()
    return {str(key): str(note.value) for key, note in found["framework"].items()} if "framework" in found else {}


@cache
def require_bfloat16() -> Any:
    """OpenVINO's core. Raises UnavailableError where it is not installed, or the processor has no bfloat16."""
    try:
        import openvino
    except ImportError as error:
        raise UnavailableError("arithmetic bfloat16 needs OpenVINO: pip install 'custodes[bfloat16]'") from error
    core = openvino.Core()
    if "BF16" not in core.get_property(_CPU, "OPTIMIZATION_CAPABILITIES"):
        raise UnavailableError("arithmetic bfloat16: this processor does not compute in it; take float32")
    return core

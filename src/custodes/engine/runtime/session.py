"""Opens models. The only place that knows ONNX Runtime.

In: a path that the store vouches for and the model's card. Out: a ``NetworkSession`` that runs named arrays. A model
whose tensors differ from its card is refused, so a wrong file cannot answer in a right one's name. Sessions may be run
from several threads at once; ONNX Runtime allows that, but each run under way has its own memory, which stays where it
came from. So all sessions of a process take it from one arena, where what one network leaves serves the next; there are
never more runs of a network at a time than cores to run them on; where inputs differ in size they take turns, as far as
one run keeps all cores busy; and networks that see whole pictures give memory back after each run, except within a
series of like ones.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from custodes.core.device import Device
from custodes.core.errors import UnavailableError
from custodes.engine.runtime.memory import Runs
from custodes.models.card import ModelCard, TensorSpec

FloatArray = NDArray[np.float32]
_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_GIVE_BACK = "memory.enable_memory_arena_shrinkage"
_MAX_KEPT_VALUES = 3 * 256 * 256
"""Networks with a larger input give the memory of a run back. For those of a single face it would be little, and asking
for it again in each run would take its time."""
_SHARED = "session.use_env_allocators"
_ARENA = {
    "max_mem": 0,  # as much as is needed
    "arena_extend_strategy": 0,  # in doubling steps; exact ones left 150 MB more in pieces for a picture of a new size
    "initial_chunk_size_bytes": -1,
    "max_dead_bytes_per_chunk": -1,
}
"""ONNX Runtime's own choices, said because an arena to share has to be given some."""
_SHARING = threading.Lock()
_QUIET = 3
"""ONNX Runtime's log level: errors only."""


# ONNX Runtime's exceptions have no common base of their own.
_OPEN_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,
    ValueError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Threads:
    """Thread counts of one session, at least 1 each.

    Attributes:
        intra: threads within an operator.
        inter: threads between operators; more than 1 only helps graphs with branches.
        spin: waiting threads burn their core: a little faster for one caller alone, slower for several.
    """

    intra: int = 1
    inter: int = 1
    spin: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError on counts below 1 (0 would let ONNX Runtime take every core)."""
        if min(self.intra, self.inter) < 1:
            raise ValueError("thread counts start at 1")


class OpenedNetwork(Protocol):
    """A model that runs, whatever computes it. Any thread."""

    @property
    def card(self) -> ModelCard:
        """What it is."""
        ...

    @property
    def notes(self) -> Mapping[str, str]:
        """Texts that the file carries beside its weights, like a recogniser's alphabet."""
        ...

    def run(
        self, feeds: Mapping[str, NDArray[np.generic]], wanted: Sequence[str] | None = None
    ) -> Mapping[str, FloatArray]:
        """Run once; batch is the first axis. All outputs, or those that are wanted. Raises ValueError on misfits."""
        ...


class NetworkSession:
    """One opened model."""

    def __init__(
        self,
        runtime: onnxruntime.InferenceSession,
        card: ModelCard,
        intra: int = 1,
        runs: Runs | None = None,
    ) -> None:
        """Wrap an opened ``runtime`` that was checked against ``card`` and runs on ``intra`` threads.

        ``runs`` is told of every run, before it, and says whether its memory is kept.
        """
        self._runtime = runtime
        self._runs = runs or Runs()
        self._count = 0
        self._outputs = [tensor.name for tensor in card.outputs]
        self._options: onnxruntime.RunOptions | None = None
        at_a_time = os.cpu_count() or 1
        values = _input_values(card)
        if values is None:
            at_a_time = max(1, at_a_time // intra)
        if self.provider == _CPU and (values is None or values > _MAX_KEPT_VALUES):
            self._options = onnxruntime.RunOptions()
            self._options.add_run_config_entry(_GIVE_BACK, "cpu:0")
        self._turn = threading.BoundedSemaphore(at_a_time)
        self.card = card

    @property
    def provider(self) -> str:
        """Name of the execution provider that computes."""
        return str(self._runtime.get_providers()[0])

    @property
    def notes(self) -> Mapping[str, str]:
        """Texts that the file carries beside its weights, like a recogniser's alphabet."""
        return dict(self._runtime.get_modelmeta().custom_metadata_map)

    def run(
        self, feeds: Mapping[str, NDArray[np.generic]], wanted: Sequence[str] | None = None
    ) -> Mapping[str, FloatArray]:
        """Run once.

        Args:
            feeds: float32 array by input name; the first axis is the batch, at least 1.
            wanted: outputs to compute; all when None. What only the others need is not computed.

        Raises:
            ValueError: no such output, or an input does not fit the model.
        """
        names = self._outputs if wanted is None else list(wanted)
        if not set(names) <= set(self._outputs):
            raise ValueError(f"model {self.card.name} has outputs {self._outputs}, not {names}")
        self._runs.ran()
        try:
            with self._turn:
                self._count += 1
                options = None if self._runs.memory.is_kept(self._count) else self._options
                values = self._runtime.run(names, dict(feeds), options)
        except (ort_errors.InvalidArgument, ValueError) as error:
            raise ValueError(f"model {self.card.name}: an input does not fit") from error
        return dict(zip(names, values, strict=True))


class ByteProducts:
    """Products of matrices of bytes on the calling thread, by the processor's own instructions where it has them."""

    def __init__(self, model: bytes) -> None:
        """Open ``model``, which ``byte_products_model`` made."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = _QUIET
        self._runtime = onnxruntime.InferenceSession(model, options, providers=[_CPU])

    def __call__(self, left: NDArray[np.uint8], right: NDArray[np.int8]) -> NDArray[np.int32]:
        """(N, M): rows of ``left`` (N, D), shifted by 128, times columns of ``right`` (D, M); exact.

        Pairs of products have to fit into 16 bits for processors that add them so: 7 bits on each side do.
        """
        return np.asarray(self._runtime.run(None, {"a": left, "b": right})[0])


def _input_values(card: ModelCard) -> int | None:
    """Numbers in one sample of the input of ``card``; None where it may have any size."""
    sides = [side for side in card.input.shape[1:] if isinstance(side, int)]
    return math.prod(sides) if len(sides) == len(card.input.shape) - 1 else None


def providers(device: Device, available: Sequence[str] | None = None) -> list[str]:
    """Execution providers for ``device``, best first.

    Args:
        device: what was asked for.
        available: what ONNX Runtime has; asked when None.

    Raises:
        UnavailableError: CUDA was asked for and this ONNX Runtime has none.
    """
    found = onnxruntime.get_available_providers() if available is None else available
    if device is Device.CUDA and _CUDA not in found:
        raise UnavailableError("device cuda: this ONNX Runtime has no CUDA provider (package onnxruntime-gpu)")
    return [_CUDA, _CPU] if device is not Device.CPU and _CUDA in found else [_CPU]


def open_session(
    path: Path | bytes,
    card: ModelCard,
    device: Device = Device.AUTO,
    threads: Threads | None = None,
    runs: Runs | None = None,
) -> NetworkSession:
    """Open the model at ``path``, or of these bytes, which must be the one that ``card`` describes; sessions of a
    process share ``runs``.

    Raises:
        UnavailableError: the file is no model, its tensors differ from the card, or the device does not work.
    """
    threads = threads or Threads()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads.intra
    options.inter_op_num_threads = threads.inter
    options.log_severity_level = _QUIET
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(threads.spin)))
    names = providers(device)
    if names == [_CPU]:
        with _SHARING:
            _share_memory()
        options.add_session_config_entry(_SHARED, "1")
    try:
        runtime = onnxruntime.InferenceSession(path if isinstance(path, bytes) else str(path), options, providers=names)
    except _OPEN_ERRORS as error:
        file = "what was made of it" if isinstance(path, bytes) else path.name
        raise UnavailableError(f"model {card.name} cannot be opened: {file} is broken") from error
    _check(card, runtime)
    session = NetworkSession(runtime, card, threads.intra, runs)
    if device is Device.CUDA and session.provider != _CUDA:
        raise UnavailableError("device cuda: the CUDA libraries do not load on this machine")
    return session


@cache
def _share_memory() -> None:
    """Give this process one arena for all sessions that ask for it."""
    kind, memory = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, onnxruntime.OrtMemType.DEFAULT
    onnxruntime.create_and_register_allocator(
        onnxruntime.OrtMemoryInfo("Cpu", kind, 0, memory), onnxruntime.OrtArenaCfg(_ARENA)
    )


def _check(card: ModelCard, runtime: onnxruntime.InferenceSession) -> None:
    found = [*runtime.get_inputs(), *runtime.get_outputs()]
    promised = [card.input, *card.outputs]
    same = len(found) == len(promised) and all(_fits(value, spec) for value, spec in zip(found, promised, strict=True))
    if not same:
        tensors = ", ".join(f"{value.name}{value.shape}" for value in found)
        raise UnavailableError(f"model {card.name}: tensors differ from the card: {tensors}")


def _fits(value: onnxruntime.NodeArg, spec: TensorSpec) -> bool:
    return value.name == spec.name and value.type == "tensor(float)" and list(value.shape) == list(spec.shape)

"""Opening models: only what the card promises runs."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from custodes.core.device import Device
from custodes.core.errors import UnavailableError
from custodes.engine.runtime.memory import RunMemory, Runs
from custodes.engine.runtime.session import NetworkSession, Threads, open_session, providers
from tests.models.tiny_models import tiny_card, tiny_onnx

MODEL = tiny_onnx()
CARD = tiny_card(b"archive", MODEL)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.onnx"
    file.write_bytes(MODEL)
    return file


def test_a_session_runs_named_arrays_of_any_batch(path: Path):
    session = open_session(path, CARD, Device.CPU, Threads(intra=2))
    for count in (1, 3):
        rows = np.arange(count * 4, dtype=np.float32).reshape(count, 4)
        assert np.array_equal(session.run({"rgb": rows})["sum"], rows + 1)
    assert session.provider == "CPUExecutionProvider"


def test_a_model_whose_tensors_differ_from_its_card_is_refused(path: Path):
    wrong = [
        replace(CARD, input=replace(CARD.input, name="bgr")),
        replace(CARD, input=replace(CARD.input, shape=("batch", 5))),
        replace(CARD, outputs=(replace(CARD.outputs[0], name="total"),)),
        replace(CARD, outputs=(*CARD.outputs, replace(CARD.outputs[0], name="more"))),
    ]
    for card in wrong:
        with pytest.raises(UnavailableError, match="model tiny: tensors differ"):
            open_session(path, card)


@pytest.mark.parametrize("content", [b"", b"not a model", MODEL[: len(MODEL) // 2]])
def test_a_file_that_is_no_model_is_refused(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(UnavailableError, match="tiny"):
        open_session(path, CARD)


def test_arrays_that_do_not_fit_are_refused(path: Path):
    session = open_session(path, CARD)
    rows = np.zeros((1, 4), np.float32)
    bad = [{"rgb": rows[:, :3]}, {"rgb": rows.astype(np.float64)}, {"bgr": rows}, {}, {"rgb": rows, "more": rows}]
    for feeds in bad:
        with pytest.raises(ValueError, match="tiny"):
            session.run(feeds)
    with pytest.raises(ValueError, match="total"):
        session.run({"rgb": rows}, ["total"])


class _Counting:
    """A runtime that takes a moment, and knows how many runs were under way at a time."""

    def __init__(self, takes_s: float = 0.02) -> None:
        self.takes_s = takes_s
        self._lock = threading.Lock()
        self.now, self.most = 0, 0
        self.options: list[object] = []

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]

    def run(self, names: list[str], feeds: dict[str, object], options: object) -> list[object]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.options.append(options)
        time.sleep(self.takes_s)
        with self._lock:
            self.now -= 1
        return [np.zeros(1, np.float32)] * len(names)


def _six_callers(shape: tuple[int | str, ...], intra: int) -> _Counting:
    runtime = _Counting()
    session = NetworkSession(runtime, replace(CARD, input=replace(CARD.input, shape=shape)), intra)
    threads = [threading.Thread(target=session.run, args=({"rgb": np.zeros(1)},)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runtime.options) == 6
    return runtime


def test_runs_over_pictures_of_any_size_take_turns_and_give_their_memory_back():
    runtime = _six_callers(("batch", 3, "height", "width"), os.cpu_count() or 1)
    assert runtime.most == 1
    assert all(options is not None for options in runtime.options)


def test_a_small_network_runs_for_as_many_callers_as_there_are_cores_and_keeps_its_memory():
    runtime = _six_callers(("batch", 3, 112, 112), 1)
    assert 1 <= runtime.most <= (os.cpu_count() or 1)
    assert runtime.options == [None] * 6


def test_within_a_series_memory_is_kept_for_63_of_64_runs_and_given_back_after_it():
    runtime, memory = _Counting(0.0), RunMemory()
    shape = replace(CARD.input, shape=("batch", 3, "height", "width"))
    session = NetworkSession(runtime, replace(CARD, input=shape), 1, Runs(memory=memory))
    with memory.series():
        for _ in range(66):
            session.run({"rgb": np.zeros(1)})
    session.run({"rgb": np.zeros(1)})
    given_back = [at for at, options in enumerate(runtime.options, 1) if options is not None]
    assert given_back == [64, 67]


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")
def test_what_a_run_took_serves_the_runs_of_other_networks(path: Path):
    rows = np.zeros((500_000, 4), np.float32)  # 8 MB in, 2 MB or more out
    sessions = [open_session(path, CARD, Device.CPU) for _ in range(20)]
    sessions[0].run({"rgb": rows})
    before = _resident_mb()
    for session in sessions:
        session.run({"rgb": rows})
    assert _resident_mb() - before < 40


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_devices_follow_what_there_is():
    cpu, cuda = "CPUExecutionProvider", "CUDAExecutionProvider"
    assert providers(Device.AUTO, [cpu]) == [cpu]
    assert providers(Device.AUTO, [cuda, cpu]) == [cuda, cpu]
    assert providers(Device.CPU, [cuda, cpu]) == [cpu]
    assert providers(Device.CUDA, [cuda, cpu]) == [cuda, cpu]
    with pytest.raises(UnavailableError, match="cuda"):
        providers(Device.CUDA, [cpu])


def test_threads_are_explicit():
    with pytest.raises(ValueError, match="at 1"):
        Threads(intra=0)

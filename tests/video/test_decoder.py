"""The decoding child: right frames at right times, locked, and harmless whatever the file holds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from custodes.core.errors import VideoFormatError
from custodes.storage.media.decoder import DecoderLimits, LockedDecoder
from custodes.video.frames import DecoderCrashedError, DecodingPlan, VideoFrame, first_sample, sample_index
from tests.fakes.clips import counted, write_clip

VIDEOS = Path(__file__).parents[3] / "shared" / "data" / "videos"
LIMITS = DecoderLimits()
PLAN = DecodingPlan(Fraction(25), duration_ms=1200)


def decoded(path: Path, plan: DecodingPlan = PLAN, limits: DecoderLimits = LIMITS) -> list[VideoFrame]:
    with LockedDecoder(limits).frames(path, plan) as frames:
        return list(frames)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "counted.mp4", 30, counted)


def numbers(frames: list[VideoFrame]) -> list[int]:
    """Frame numbers as the pixels tell them."""
    return [round(float(np.mean(frame.rgb)) / 8) for frame in frames if frame.rgb is not None]


def test_samples_are_the_frames_that_the_service_looks_at(clip: Path) -> None:
    frames = decoded(clip)
    assert [(frame.index, frame.ts_ms) for frame in frames] == [(0, 0), (12, 480), (25, 1000)]
    assert numbers(frames) == [0, 12, 25]


def test_going_on_from_a_frame_gives_the_same_samples(clip: Path) -> None:
    for start in (1, 12, 13, 25, 26):
        frames = decoded(clip, DecodingPlan(Fraction(25), from_frame=start))
        assert [frame.index for frame in frames] == [index for index in (0, 12, 25) if index >= start]


def test_every_frame_has_the_same_signature_wherever_decoding_starts(clip: Path) -> None:
    whole = decoded(clip, DecodingPlan(Fraction(25), Fraction(0), every_frame=True))
    later = decoded(clip, DecodingPlan(Fraction(25), Fraction(0), every_frame=True, from_frame=20))
    assert [frame.index for frame in whole] == list(range(30))
    told = {frame.index: frame.signature.to_bytes() for frame in whole if frame.signature is not None}
    assert [frame.index for frame in later] == list(range(20, 30))
    assert all(frame.signature is not None and frame.signature.to_bytes() == told[frame.index] for frame in later)


def test_large_frames_come_smaller(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "large.mp4", 3, lambda n: counted(n, 1920, 1080))
    rgb = decoded(path)[0].rgb
    assert rgb is not None and rgb.shape == (720, 1280, 3)


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(25), Fraction(5), Fraction(1)])
@pytest.mark.parametrize("samples", [Fraction(1, 2), Fraction(2), Fraction(5)])
def test_the_first_sample_after_a_frame(rate: Fraction, samples: Fraction) -> None:
    indexes = [sample_index(number, rate, samples) for number in range(200)]
    assert indexes == sorted(set(indexes))
    for frame in range(100):
        assert indexes[first_sample(frame, rate, samples)] == min(index for index in indexes if index >= frame)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(random.Random(1).randbytes(100_000))
    with pytest.raises(VideoFormatError):
        decoded(path)


def test_a_video_without_its_index_is_refused(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip.read_bytes()[: clip.stat().st_size // 3])
    with pytest.raises(VideoFormatError):
        decoded(path)


def test_damaged_videos_end_and_leave_no_process(clip: Path, tmp_path: Path) -> None:
    whole, chance, path = clip.read_bytes(), random.Random(7), tmp_path / "damaged.mp4"
    for _ in range(6):
        data = bytearray(whole)
        for _ in range(40):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        try:
            frames = decoded(path)
        except VideoFormatError:
            continue
        assert len(frames) <= 30


def test_a_child_that_is_killed_is_a_crash(clip: Path) -> None:
    plan = DecodingPlan(Fraction(25), Fraction(25))
    with LockedDecoder().frames(clip, plan) as frames, pytest.raises(DecoderCrashedError):
        next(frames)
        for child in _children():
            os.kill(child, 9)
        list(frames)


def test_a_child_without_memory_or_time_is_a_crash(clip: Path) -> None:
    with pytest.raises(VideoFormatError):
        decoded(clip, limits=DecoderLimits(memory_bytes=100_000_000))
    before = time.monotonic()
    with pytest.raises(DecoderCrashedError, match="too long"):
        decoded(clip, limits=DecoderLimits(silence_s=0.0))
    assert time.monotonic() - before < 20


class Scripted:
    """Implements DecoderProcess: a child that runs ``script`` instead of decoding."""

    def __init__(self, script: str) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-c", f"import struct, sys, time\nout = sys.stdout.buffer\n{script}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.pid, self.stdin, self.stdout = self._popen.pid, self._popen.stdin, self._popen.stdout

    def wait(self) -> int:
        return self._popen.wait()


LOCKED = "out.write(struct.pack('<BIdHH', 1, 0, 0.0, 0, 0)); out.flush()"
A_FRAME = "out.write(struct.pack('<BIdHH', 2, n, 0.0, 1, 1) + b'rgb'); out.flush()"
STALLS = {
    "before its first word": "time.sleep(600)",
    "within a record": "out.write(b'\\1'); out.flush(); time.sleep(600)",
    "between records": f"{LOCKED}; time.sleep(600)",
    "drop by drop": f"{LOCKED}\nfor n in range(10**6):\n    {A_FRAME}\n    time.sleep(0.3)",
}


@pytest.mark.parametrize("stall", STALLS)
def test_a_child_that_stands_still_is_a_crash_in_bounded_time(clip: Path, stall: str) -> None:
    """Also one that says a little now and then, for as long as a hostile file makes it."""
    limits = DecoderLimits(silence_s=0.6, startup_cpu_s=1, cpu_s_per_s=0)
    before = time.monotonic()
    decoder = LockedDecoder(limits, lambda: Scripted(STALLS[stall]))
    with decoder.frames(clip, PLAN) as frames, pytest.raises(DecoderCrashedError, match="too long"):
        list(frames)
    assert time.monotonic() - before < 20


def test_a_server_that_was_stopped_for_a_while_does_not_blame_the_decoder(clip: Path) -> None:
    """A paused container or machine: both processes stand still for longer than one may be silent."""
    script = """
import sys
from fractions import Fraction
from pathlib import Path
from custodes.storage.media.decoder import DecoderLimits, LockedDecoder
from custodes.video.frames import DecodingPlan
limits = DecoderLimits(silence_s=2.0)
with LockedDecoder(limits).frames(Path(sys.argv[1]), DecodingPlan(Fraction(25), Fraction(25))) as frames:
    print("BEGUN", flush=True)
    print(sum(1 for _ in frames), flush=True)
"""
    popen = subprocess.Popen(
        [sys.executable, "-c", script, str(clip)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with popen:
        assert popen.stdout is not None and popen.stdout.readline() == "BEGUN\n"
        children = Path(f"/proc/{popen.pid}/task/{popen.pid}/children")
        stopped = [popen.pid, *(int(pid) for pid in children.read_text().split())] if children.exists() else []
        if not stopped:
            popen.kill()
            pytest.skip("no list of children on this system")
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(3.0)
        os.kill(stopped[0], signal.SIGCONT)
        time.sleep(0.2)  # the parent looks first, and finds nothing to read
        for pid in stopped[1:]:
            os.kill(pid, signal.SIGCONT)
        assert popen.stdout.readline() == "30\n", popen.stderr.read() if popen.stderr else ""


def test_leaving_early_ends_the_child(clip: Path) -> None:
    with LockedDecoder().frames(clip, DecodingPlan(Fraction(25), Fraction(25))) as frames:
        next(frames)
        assert _children()
    assert not _children()


def _children() -> list[int]:
    own = Path(f"/proc/self/task/{os.getpid()}/children")
    if not own.exists():
        pytest.skip("no list of children on this system")
    found = []
    for task in Path("/proc/self/task").iterdir():
        found += [int(pid) for pid in (task / "children").read_text().split()]
    return [pid for pid in found if b"storage.media.child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


ATTACKS = {
    "open": "open('/etc/passwd')",
    "list": "os.listdir('/')",
    "write": "open(sys.argv[1], 'r+b')",
    "create": "open(sys.argv[1] + '.new', 'wb')",
    "connect": "socket.socket(socket.AF_INET)",
    "unix": "socket.socket(socket.AF_UNIX)",
    "exec": "os.execv('/bin/true', ['true'])",
    "fork": "os.posix_spawn('/bin/true', ['true'], {})",
    "signal": "os.kill(os.getppid(), 0)",
    "memory": "bytearray(3 << 30)",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_locked_process_can_do_nothing_but_read_its_file(clip: Path, attack: str) -> None:
    script = f"""
import os, socket, sys
from custodes.storage.media.lock import Budget, lock
layers = lock(sys.argv[1], Budget(2 << 30, 60))
assert open(sys.argv[1], 'rb').read(8)
print(*layers, flush=True)
try:
    {ATTACKS[attack]}
except (OSError, MemoryError) as error:
    print('refused', flush=True)
"""
    answer = subprocess.run(
        [sys.executable, "-c", script, str(clip)], capture_output=True, text=True, check=False, timeout=60
    )
    layers, _, rest = answer.stdout.partition("\n")
    if (attack != "memory" and not {"seccomp"} <= set(layers.split())) or "landlock" not in layers:
        pytest.skip(f"this kernel gives {layers!r}")
    if attack == "signal" and layers.split()[0] < "landlock-6":
        pytest.skip("signals are confined from Landlock 6 on")
    assert rest.strip() == "refused", answer.stderr


def test_the_layers_that_hold_are_known(clip: Path) -> None:
    assert "rlimits" in LockedDecoder().layers(clip)


@pytest.mark.data
def test_times_of_real_files() -> None:
    if not VIDEOS.is_dir():
        pytest.skip("no ../shared/data/videos")
    found = decoded(VIDEOS / "testvideo.mp4", DecodingPlan(Fraction(30000, 1001), duration_ms=24_023))
    assert [(frame.index, frame.ts_ms) for frame in found[:4]] == [(0, 0), (14, 467), (29, 967), (44, 1468)]
    assert len(found) == 49

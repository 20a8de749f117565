"""WebM, MKV and AVI: facts before decoding, frames after it, refusals when strict, and no crash on damaged files."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest

from custodes.core.box import Size
from custodes.core.errors import VideoFormatError, VideoTooLargeError
from custodes.storage.media.decoder import LockedDecoder, lock_layers
from custodes.storage.media.files import StructureProbe
from custodes.video.formats.facts import VideoLimits
from custodes.video.formats.structure import read_structure
from custodes.video.frames import DecodingPlan
from tests.fakes.clips import counted, write_clip

FILES = (
    ("a.webm", "VP80", "vp8", "Matroska / WebM"),
    ("b.mkv", "mp4v", "mpeg4", "Matroska / WebM"),
    ("c.avi", "MJPG", "mjpeg", "AVI (Audio Video Interleaved)"),
)
DAMAGED = 300


class Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


@pytest.fixture(scope="module", params=FILES, ids=lambda one: one[0])
def film(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    name, fourcc, codec, container = request.param
    return write_clip(tmp_path_factory.mktemp("formats") / name, 50, counted, codec=fourcc), codec, container


def test_facts_and_frames(film: tuple[Path, str, str]) -> None:
    path, codec, container = film
    facts = StructureProbe(VideoLimits()).facts(path)
    assert (facts.codec, facts.container) == (codec, container)
    assert (facts.duration_ms, facts.frame_rate, facts.size) == (2000, Fraction(25), Size(320, 240))
    with LockedDecoder().frames(path, DecodingPlan(facts.frame_rate)) as frames:
        assert [(one.index, one.ts_ms) for one in frames] == [(0, 0), (12, 480), (25, 1000), (37, 1480)]


def test_a_strict_server_refuses_them(film: tuple[Path, str, str]) -> None:
    with pytest.raises(VideoFormatError, match="not an MP4 or MOV"):
        StructureProbe(VideoLimits(strict=True)).facts(film[0])


def test_limits_hold(film: tuple[Path, str, str]) -> None:
    with pytest.raises(VideoTooLargeError):
        StructureProbe(VideoLimits(max_duration_ms=1999)).facts(film[0])
    with pytest.raises(VideoFormatError):
        StructureProbe(VideoLimits(max_side_px=319)).facts(film[0])


def test_a_recording_that_does_not_tell_its_length_or_rate(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.webm", 50, counted, codec="VP80")
    data = path.read_bytes()
    # Void elements in place of Duration (0x4489, 8 bytes) and, if there is one, DefaultDuration.
    at = data.index(b"\x44\x89\x88")
    data = data[:at] + b"\xec\x89" + data[at + 2 : at + 11].replace(b"\x88", b"\0", 1) + data[at + 11 :]
    if b"\x23\xe3\x83" in data:
        at = data.index(b"\x23\xe3\x83")
        size = data[at + 3] & 0x7F
        data = data[:at] + b"\xec" + bytes([0x80 | size + 2]) + bytes(size + 2) + data[at + 4 + size :]
    facts = read_structure(Bytes(data), VideoLimits())
    assert facts.frame_rate == 25 and abs(facts.duration_ms - 2000) <= 1


def test_damaged_files_are_read_or_refused(film: tuple[Path, str, str]) -> None:
    whole, chance = film[0].read_bytes(), random.Random(5)
    for _ in range(DAMAGED):
        data = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        for _ in range(chance.randrange(1, 20)):
            if data:
                data[chance.randrange(min(len(data), 600))] = chance.randrange(256)
        try:
            facts = read_structure(Bytes(bytes(data)), VideoLimits())
        except (VideoFormatError, VideoTooLargeError):
            continue
        assert 0 < facts.frame_rate <= 120


def test_other_files_reach_no_decoder() -> None:
    for data in (b"", b"RIFF\0\0\0\0WAVE", b"#EXTM3U\nhttp://example.org/a.ts", b"OggS" + bytes(100), b"\x47" * 400):
        with pytest.raises(VideoFormatError):
            read_structure(Bytes(data), VideoLimits())


def test_the_lock_is_known_without_a_video() -> None:
    assert lock_layers()[-1] == "rlimits"

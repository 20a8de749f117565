"""The structure of MP4 and MOV files: facts of real and hand-written ones, limits, ten thousand damaged ones."""

from __future__ import annotations

import random
import struct
import time
from fractions import Fraction
from pathlib import Path

import pytest

from custodes.core.box import Size
from custodes.core.errors import VideoFormatError, VideoTooLargeError
from custodes.video.formats.facts import DEFAULT_LIMITS, AudioFacts, ColourRange, VideoLimits
from custodes.video.formats.mp4 import read_container
from tests.fakes.mp4 import Bytes, Claim, box, full, movie

VIDEOS = Path(__file__).parents[3] / "shared" / "data" / "videos"


def facts(claim: Claim, limits: VideoLimits = DEFAULT_LIMITS):
    return read_container(Bytes(movie(claim)), limits)


def test_a_plain_file() -> None:
    found = facts(Claim(audio=True))
    assert (found.codec, found.container, found.size) == ("h264", "QuickTime / MOV", Size(1280, 720))
    assert found.frame_rate == Fraction(30000, 1001)
    assert (found.duration_ms, found.frames, found.rotation_deg) == (10_010, 300, 0)
    assert found.colour_range is ColourRange.LIMITED
    assert found.audio == (AudioFacts("aac", 10_005, 48000, 2),)


def test_long_headers_say_the_same() -> None:
    assert facts(Claim(long_headers=True)) == facts(Claim())


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_the_size_is_the_one_that_is_shown(degrees: int) -> None:
    found = facts(Claim(rotation_deg=degrees))
    assert found.rotation_deg == degrees
    assert found.size == (Size(720, 1280) if degrees in (90, 270) else Size(1280, 720))


@pytest.mark.parametrize(("flag", "expected"), [(True, ColourRange.FULL), (False, ColourRange.LIMITED)])
def test_the_colour_range_of_the_container(flag: bool, expected: ColourRange) -> None:
    assert facts(Claim(full_range=flag)).colour_range is expected


def test_one_long_frame_at_the_end_does_not_change_the_rate() -> None:
    assert facts(Claim(runs=((299, 1001), (1, 9000)))).frame_rate == Fraction(30000, 1001)


def test_frames_of_many_lengths_have_their_average_rate() -> None:
    assert facts(Claim(timescale=1000, runs=((10, 100), (10, 300)))).frame_rate == 5


@pytest.mark.parametrize(
    ("claim", "limits", "error"),
    [
        (Claim(), VideoLimits(max_bytes=100), VideoTooLargeError),
        (Claim(), VideoLimits(max_duration_ms=5000), VideoTooLargeError),
        (Claim(tracks=33), VideoLimits(), VideoFormatError),
        (Claim(width=9000), VideoLimits(), VideoFormatError),
        (Claim(width=0), VideoLimits(), VideoFormatError),
        (Claim(runs=((300, 10),)), VideoLimits(), VideoFormatError),
        (Claim(codec="mp4v"), VideoLimits(strict=True), VideoFormatError),
        (Claim(timescale=1, runs=((2_600_000, 0),)), VideoLimits(), VideoFormatError),
    ],
)
def test_what_is_beyond_a_limit_is_refused(claim: Claim, limits: VideoLimits, error: type[Exception]) -> None:
    with pytest.raises(error):
        facts(claim, limits)


def test_the_size_is_refused_in_the_words_of_the_api() -> None:
    data = movie(Claim())
    with pytest.raises(
        VideoTooLargeError, match=f"Video size in bytes: {len(data)} is more than the maximum limit of: 9 "
    ):
        read_container(Bytes(data), VideoLimits(max_bytes=9))


def test_a_table_longer_than_its_box_is_refused_and_not_read() -> None:
    data = movie(Claim()).replace(
        full("stsz", struct.pack(">II", 100, 300)), full("stsz", struct.pack(">II", 0, 2**31))
    )
    with pytest.raises(VideoFormatError, match="table"):
        read_container(Bytes(data))


def test_deep_nesting_and_many_boxes_end_early() -> None:
    deep = b""
    for _ in range(200):
        deep = box("mdia", deep)
    with pytest.raises(VideoFormatError, match="deeply"):
        read_container(Bytes(box("ftyp", b"isom") + box("moov", box("trak", deep))))
    many = Bytes(box("ftyp", b"isom") + box("free") * 200_000)
    with pytest.raises(VideoFormatError, match="many"):
        read_container(many)


def test_little_is_read_of_a_large_file() -> None:
    source = Bytes(movie(Claim(extra=(box("mdat", bytes(10_000_000)),))))
    read_container(source)
    assert source.taken < 5000


def test_ten_thousand_damaged_files_are_facts_or_refusals_soon() -> None:
    seeds = [movie(Claim(audio=True, full_range=True)), movie(Claim(long_headers=True, rotation_deg=90))]
    seeds += [path.read_bytes()[-60_000:] for path in sorted(VIDEOS.glob("s*.mp4"))]
    chance, slowest = random.Random(15), 0.0
    outcomes = set()
    for _ in range(10_000):
        data = bytearray(chance.choice(seeds[:2]) if chance.random() < 0.8 else chance.choice(seeds))
        for _ in range(chance.choice((1, 2, 8))):
            at, what = chance.randrange(len(data)), chance.randrange(4)
            if what == 0:
                data[at] = chance.randrange(256)
            elif what == 1:
                data[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", bytes(4), b"\0\0\0\1", b"\x7f\xff\xff\xff"))
            elif what == 2:
                del data[at : at + chance.randrange(1, 64)]
            else:
                data[at:at] = data[at : at + chance.randrange(1, 64)]
        before = time.perf_counter()
        try:
            read_container(Bytes(bytes(data)))
            outcomes.add("facts")
        except (VideoFormatError, VideoTooLargeError) as error:
            outcomes.add(type(error).__name__)
        slowest = max(slowest, time.perf_counter() - before)
    assert {"facts", "VideoFormatError"} <= outcomes
    assert slowest < 2


@pytest.mark.data
def test_real_files() -> None:
    if not VIDEOS.is_dir():
        pytest.skip("no ../shared/data/videos")
    found = {path.stem: read_container(Bytes(path.read_bytes())) for path in VIDEOS.glob("*.mp4")}
    assert found["testvideo"].frame_rate == Fraction(30000, 1001)
    assert (found["testvideo"].frames, found["testvideo"].size) == (720, Size(1280, 720))
    assert found["fades"].codec == "mpeg4"
    assert found["several-people"].audio[0].sample_rate_hz == 48000
    assert found["one-by-one-person-detection"].duration_ms == 139_400

"""SMPTE timecodes: the values of the standard and of the service's own sample."""

from __future__ import annotations

from fractions import Fraction

import pytest

from custodes.video.timecode import timecode

NTSC, NTSC_60, FILM = Fraction(30000, 1001), Fraction(60000, 1001), Fraction(24000, 1001)


@pytest.mark.parametrize(
    ("frame", "rate", "expected"),
    [
        (0, NTSC, "00:00:00;00"),
        (299, NTSC, "00:00:09;29"),
        (300, NTSC, "00:00:10;00"),
        (1799, NTSC, "00:00:59;29"),
        (1800, NTSC, "00:01:00;02"),
        (17981, NTSC, "00:09:59;29"),
        (17982, NTSC, "00:10:00;00"),
        (107892, NTSC, "01:00:00;00"),
        (1800, Fraction(2997, 100), "00:01:00;02"),
        (3600, NTSC_60, "00:01:00;04"),
        (35964, NTSC_60, "00:10:00;00"),
        (1799, Fraction(30), "00:00:59:29"),
        (1800, Fraction(30), "00:01:00:00"),
        (24, FILM, "00:00:01:00"),
        (1500, Fraction(25), "00:01:00:00"),
        (7, Fraction(10), "00:00:00:07"),
    ],
)
def test_values(frame: int, rate: Fraction, expected: str) -> None:
    assert timecode(frame, rate) == expected


@pytest.mark.parametrize("rate", [NTSC, NTSC_60, FILM, Fraction(25)])
def test_no_code_comes_twice_and_all_rise(rate: Fraction) -> None:
    codes = [timecode(frame, rate) for frame in range(40_000)]
    assert codes == sorted(set(codes))

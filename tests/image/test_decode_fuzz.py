"""Any bytes give a picture or one of two errors, in bounded time; nothing else ever comes out of the decoder."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custodes.core.errors import ImageFormatError, ImageTooLargeError
from custodes.imaging.exif import JpegSegments, tiff_orientation
from custodes.imaging.image import Image, ImageLimits, decode


def _seeds() -> list[bytes]:
    y, x = np.mgrid[0:24, 0:32]
    picture = PIL.Image.fromarray(np.stack([x * 7, y * 9, x + y], axis=-1).astype(np.uint8))
    meta = PIL.Image.Exif()
    meta[0x0112] = 6
    made: list[tuple[PIL.Image.Image, str, dict[str, object]]] = [
        (picture, "JPEG", {"exif": meta}),
        (picture, "JPEG", {"progressive": True}),
        (picture.convert("CMYK"), "JPEG", {}),
        (picture, "PNG", {}),
        (picture.quantize(16), "PNG", {"transparency": 3}),
        (picture.convert("RGBA"), "PNG", {"save_all": True, "append_images": [picture.convert("RGBA").rotate(90)]}),
        (picture, "WEBP", {"exif": meta}),
        (picture, "WEBP", {"lossless": True}),
        (picture, "WEBP", {"save_all": True, "append_images": [picture.rotate(180)]}),
    ]
    seeds = []
    for source, kind, options in made:
        out = io.BytesIO()
        source.save(out, kind, **options)
        seeds.append(out.getvalue())
    return seeds


SEEDS = _seeds()
# Small limits keep a lucky mutation of a header from costing gigabytes in a test.
LIMITS = ImageLimits(max_pixels=1_000_000, max_side_px=5_000)
FUZZ = settings(max_examples=400, deadline=2_000, suppress_health_check=[HealthCheck.too_slow])


def outcome(data: bytes) -> str:
    try:
        image = decode(data, LIMITS)
    except (ImageFormatError, ImageTooLargeError) as error:
        assert error.message
        return type(error).__name__
    assert isinstance(image, Image)
    assert image.rgb.ndim == 3 and image.rgb.shape[2] == 3 and image.rgb.dtype == np.uint8
    assert image.rgb.shape[0] * image.rgb.shape[1] <= LIMITS.max_pixels
    return "picture"


def test_seeds_are_pictures() -> None:
    assert {outcome(seed) for seed in SEEDS} == {"picture"}


@FUZZ
@given(data=st.binary(max_size=300), seed=st.sampled_from([b"", *(seed[:12] for seed in SEEDS)]))
def test_any_bytes(data: bytes, seed: bytes) -> None:
    outcome(seed + data)


@FUZZ
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_changed_bytes(seed: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(seed)
    for at, value in changes:
        data[at % len(data)] = value
    outcome(bytes(data))


@FUZZ
@given(seed=st.sampled_from(SEEDS), data=st.data())
def test_cut_removed_and_repeated_parts(seed: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(seed)))
    end = data.draw(st.integers(start, len(seed)))
    outcome(seed[:start] + seed[end:])
    outcome(seed[:end] + seed[start:])


@given(seed=st.sampled_from(SEEDS), share=st.floats(0.0, 0.98))
def test_a_truncated_picture_is_never_a_picture(seed: bytes, share: float) -> None:
    assert outcome(seed[: int(len(seed) * share)]) != "picture"


@given(data=st.binary(max_size=200))
def test_metadata_readers_always_answer(data: bytes) -> None:
    assert 1 <= tiff_orientation(b"II*\0" + data) <= 8
    assert 1 <= JpegSegments.of(b"\xff\xd8" + data).orientation(b"\xff\xd8" + data) <= 8

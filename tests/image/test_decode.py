"""Row by row the table of docs/images.md: what each odd kind of picture becomes, or how it is refused."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from custodes.core.box import Size
from custodes.core.errors import ImageFormatError, ImageTooLargeError
from custodes.imaging.exif import tiff_orientation
from custodes.imaging.image import Image, ImageLimits, decode, read_header

WIDTH, HEIGHT = 96, 64


def scene() -> PIL.Image.Image:
    """A smooth picture whose four corners differ, so that every wrong turn or channel order shows."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rgb = np.stack([x * 255 // WIDTH, y * 255 // HEIGHT, 255 - x * 128 // WIDTH], axis=-1)
    return PIL.Image.fromarray(rgb.astype(np.uint8))


def encode(picture: PIL.Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def jpeg(picture: PIL.Image.Image | None = None, **options: object) -> bytes:
    return encode(picture or scene(), "JPEG", quality=95, subsampling=0, **options)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(width: int, height: int, depth: int, color: int, rows: bytes, extra: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def close_to(image: Image, expected: NDArray[np.uint8], tolerance: int = 6) -> bool:
    return image.rgb.shape == expected.shape and int(np.abs(image.rgb.astype(int) - expected).max()) <= tolerance


TRUTH = np.asarray(scene())


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        (jpeg(), 6),
        (jpeg(progressive=True), 6),
        (encode(scene(), "PNG"), 0),
        (encode(scene(), "WEBP", lossless=True), 0),
        (encode(scene(), "WEBP", quality=95), 12),
        (jpeg(scene().convert("CMYK")), 8),
        (encode(scene().convert("RGBA"), "PNG"), 0),
        (jpeg() + b"bytes after the end", 6),
    ],
    ids=["jpeg", "progressive", "png", "webp lossless", "webp", "cmyk", "opaque rgba", "trailing bytes"],
)
def test_color_pictures_come_out_as_they_are(data: bytes, tolerance: int) -> None:
    image = decode(data)
    assert close_to(image, TRUTH, tolerance)
    assert image.rgb.dtype == np.uint8
    assert image.rgb.flags.c_contiguous
    assert (image.size.width, image.size.height) == (WIDTH, HEIGHT)


def test_ycck_jpeg_is_converted_like_pillow_does() -> None:
    data = bytearray(jpeg(scene().convert("CMYK")))
    data[data.find(b"Adobe") + 11] = 2  # transform 2: the same samples now mean YCCK
    expected = np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
    assert close_to(decode(bytes(data)), expected, 3)


@pytest.mark.parametrize("factors", [0x13, 0x14, 0x31])
def test_a_jpeg_with_nameless_sampling_factors_comes_out_as_pillow_has_it(factors: int) -> None:
    """Only the factors of luma are changed, so these are garbage to look at, but well-formed."""
    data = bytearray(jpeg())
    data[data.find(b"\xff\xc0") + 11] = factors
    expected = np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
    assert close_to(decode(bytes(data)), expected, 3)
    assert read_header(bytes(data)).size == Size(WIDTH, HEIGHT)


def test_hostile_metadata_of_a_jpeg_with_nameless_sampling_factors_is_not_read() -> None:
    tags = PIL.Image.Exif()
    tags[0x0112] = 6
    data = bytearray(jpeg(exif=tags))
    data[data.find(b"\xff\xc0") + 11] = 0x31
    honest = decode(bytes(data))
    count = data.find(b"\x01\x12\x00\x03\x00\x00\x00\x01") + 4
    data[count] = 1  # sixteen million values, of which Pillow would warn
    assert np.array_equal(np.rot90(decode(bytes(data)).rgb, -1), honest.rgb)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_gray_is_repeated_in_three_channels(kind: str) -> None:
    gray = np.asarray(scene().convert("L"))
    assert close_to(decode(encode(scene().convert("L"), kind)), np.repeat(gray[..., None], 3, axis=2), 8)


def test_16_bit_gray_png_keeps_the_high_byte() -> None:
    values = (np.arange(80 * 80).reshape(80, 80) * 10).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    image = decode(png_of(80, 80, 16, 0, rows))
    assert np.array_equal(image.rgb[..., 1], (values >> 8).astype(np.uint8))


def test_16_bit_rgb_png_keeps_the_high_byte() -> None:
    values = (np.arange(16 * 16 * 3).reshape(16, 16, 3) * 80).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    image = decode(png_of(16, 16, 16, 2, rows))
    assert np.array_equal(image.rgb, (values >> 8).astype(np.uint8))


def test_palette_is_looked_up() -> None:
    palette = scene().quantize(32)
    assert np.array_equal(decode(encode(palette, "PNG")).rgb, np.asarray(palette.convert("RGB")))


def test_bilevel_png_is_black_and_white() -> None:
    picture = scene().convert("1")
    assert np.array_equal(decode(encode(picture, "PNG")).rgb[..., 0], np.asarray(picture) * np.uint8(255))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_parts_show_white_paper(kind: str) -> None:
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[:, 32:] = (200, 100, 50, 255)
    rgba[:32, 32:, 3] = 128
    options = {"lossless": True} if kind == "WEBP" else {}
    image = decode(encode(PIL.Image.fromarray(rgba), kind, **options))
    assert image.rgb[10, 10].tolist() == [255, 255, 255]
    assert image.rgb[60, 60].tolist() == [200, 100, 50]
    assert image.rgb[10, 60].tolist() == [227, 177, 152]


def test_transparent_palette_entry_shows_white_paper() -> None:
    picture = PIL.Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    picture.putpixel((0, 0), 0)
    image = decode(encode(picture, "PNG", transparency=0))
    assert image.rgb[0, 0].tolist() == [255, 255, 255]
    assert image.rgb[4, 4].tolist() == [10, 20, 30]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_first_frame_of_an_animation(kind: str) -> None:
    frames = [PIL.Image.new("RGB", (32, 32), color) for color in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)
    assert decode(data).rgb[5, 5].tolist() == [255, 0, 0]


TURNS: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_exif_orientation_is_undone(kind: str, orientation: int) -> None:
    meta = PIL.Image.Exif()
    meta[0x0112] = orientation
    data = encode(scene(), kind, quality=95, exif=meta)
    assert close_to(decode(data), np.ascontiguousarray(TURNS[orientation](TRUTH)), 14)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "letter"), [(1, "B"), (3, "H"), (4, "I")])
def test_orientation_is_read_as_byte_short_and_long(order: str, kind: int, letter: str) -> None:
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, 1)
    entry = struct.pack(f"{order}HHI", 0x0112, kind, 1) + struct.pack(order + letter, 6).ljust(4, b"\0")
    assert tiff_orientation(head + entry + bytes(4)) == 6
    wrong = struct.pack(f"{order}HHI", 0x0112, kind, 2) + struct.pack(order + letter, 6).ljust(4, b"\0")
    assert tiff_orientation(head + wrong + bytes(4)) == 1


def test_orientation_of_a_png_is_ignored_as_the_api_documents() -> None:
    meta = PIL.Image.Exif()
    meta[0x0112] = 6
    assert np.array_equal(decode(encode(scene(), "PNG", exif=meta)).rgb, TRUTH)


@pytest.mark.parametrize(
    "tiff",
    [
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 40,
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x05\0\0\0\x01\0\0\0\x06",
        b"MM\0*\0\0\0\x08\0\0\0\0\0\x08",  # the next directory is this one
        b"garbage",
        b"",
    ],
)
def test_hostile_metadata_is_ignored(tiff: bytes) -> None:
    data = jpeg()
    body = b"Exif\0\0" + tiff
    hostile = data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
    assert np.array_equal(decode(hostile).rgb, decode(data).rgb)


def test_extraneous_bytes_before_a_marker_are_harmless() -> None:
    data = jpeg()
    end = data.rfind(b"\xff\xd9")
    assert close_to(decode(data[:end] + b"\0\0\0" + data[end:]), TRUTH)


REFUSED = {
    "empty": b"",
    "text": b"hello, this is not a picture at all",
    "gif": encode(scene().convert("P"), "GIF"),
    "bmp": encode(scene(), "BMP"),
    "tiff": encode(scene(), "TIFF"),
    "heic": b"\0\0\0\x18ftypheic" + b"\0" * 64,
    "jpeg magic only": b"\xff\xd8\xff",
    "jpeg cut in half": jpeg()[: len(jpeg()) // 2],
    "jpeg without its last two bytes": jpeg()[:-2],
    "jpeg ended early": jpeg()[:-200] + b"\xff\xd9",
    "png magic only": b"\x89PNG\r\n\x1a\n",
    "png cut in half": encode(scene(), "PNG")[: len(encode(scene(), "PNG")) // 2],
    "png without its last chunk": encode(scene(), "PNG")[:-12],
    "png of no size": png_of(0, 64, 8, 2, b""),
    "png with two headers": png_of(
        8, 8, 8, 0, b"\0" * 9 * 8, chunk(b"IHDR", struct.pack(">IIBBBBB", 9000, 9000, 8, 2, 0, 0, 0))
    ),
    "webp cut in half": encode(scene(), "WEBP")[: len(encode(scene(), "WEBP")) // 2],
    "webp magic only": b"RIFF\x04\0\0\0WEBP",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_a_format(name: str) -> None:
    with pytest.raises(ImageFormatError, match="Request has invalid image format"):
        decode(REFUSED[name])


def test_rows_that_a_png_does_not_have_are_black() -> None:
    image = decode(png_of(64, 64, 8, 0, (b"\0" + b"\xff" * 64) * 10))
    assert image.rgb[:10].min() == 255
    assert image.rgb[11:].max() == 0


def test_flipped_byte_in_a_png_is_noticed() -> None:
    data = bytearray(encode(scene(), "PNG"))
    data[data.find(b"IDAT") + 40] ^= 1
    with pytest.raises(ImageFormatError):
        decode(bytes(data))


def huge_jpeg(width: int, height: int) -> bytes:
    """A real JPEG whose frame header claims another size."""
    data = bytearray(jpeg())
    struct.pack_into(">HH", data, data.find(b"\xff\xc0") + 5, height, width)
    return bytes(data)


def huge_webp(width: int, height: int) -> bytes:
    data = bytearray(encode(scene().convert("RGBA"), "WEBP", exif=b"Exif\0\0II*\0"))
    data[24:27], data[27:30] = (width - 1).to_bytes(3, "little"), (height - 1).to_bytes(3, "little")
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        huge_jpeg(10_000, 10_000),
        huge_jpeg(65_000, 65_000),
        png_of(10_000, 10_000, 8, 2, b""),
        png_of(2**31 - 1, 2**31 - 1, 16, 6, b""),
        png_of(30_000, 1, 1, 0, b""),
        huge_webp(16_000, 16_000),
    ],
    ids=["jpeg 100 MP", "jpeg 4 GP", "png 100 MP", "png largest", "png 30,000 px wide", "webp 256 MP"],
)
def test_refused_as_too_large_before_decoding(data: bytes) -> None:
    with pytest.raises(ImageTooLargeError):
        decode(data)


def test_bytes_are_limited_first() -> None:
    with pytest.raises(ImageTooLargeError, match="too large"):
        decode(b"\0" * 101, ImageLimits(max_bytes=100))


def test_scans_of_a_progressive_jpeg_are_limited() -> None:
    data = jpeg(progressive=True)
    with pytest.raises(ImageTooLargeError, match="scans"):
        decode(data, ImageLimits(max_scan_px=WIDTH * HEIGHT))


@pytest.mark.parametrize(("reduce_above_px", "expected"), [(6144, (63, 95)), (2000, (32, 48)), (500, (16, 24))])
def test_large_jpegs_are_decoded_at_a_reduced_scale(reduce_above_px: int, expected: tuple[int, int]) -> None:
    data = jpeg(scene().crop((0, 0, 95, 63)))
    image = decode(data, ImageLimits(reduce_above_px=reduce_above_px))
    assert image.rgb.shape[:2] == expected
    corner = image.rgb[-1, -1].astype(int) - TRUTH[62, 94]
    assert np.abs(corner).max() < 16


def test_digest_is_of_the_bytes_received() -> None:
    first, second = decode(jpeg()), decode(jpeg() + b" ")
    assert len(first.sha256) == 32
    assert first.sha256 != second.sha256

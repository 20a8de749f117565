"""Bytes to an upright RGB picture, with limits before allocation.

In: the bytes of a JPEG, PNG or WebP as received. Out: an ``Image``, or ImageFormatError or ImageTooLargeError; no other
exception for any bytes. Size is read from the header and checked before a pixel is allocated. What happens to each odd
kind of picture (CMYK, 16 bits, transparency, animation, ...) is listed in docs/images.md and tested row by row.
Colour profiles are ignored: the networks were trained on plain pixels. It does not read files and does not fetch.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import PIL.Image
import simplejpeg
from numpy.typing import NDArray

from custodes.core.box import Size
from custodes.core.errors import ImageTooLargeError
from custodes.imaging import exif, header, png
from custodes.imaging.header import Format, refusal

RgbArray = NDArray[np.uint8]

_EOI = b"\xff\xd9"
_SOS = b"\xff\xda"
# Warnings of libjpeg after which all pixels are still there; cameras and old editors write such files. Any other
# warning means missing or damaged picture data. Source: jerror.h of libjpeg-turbo.
_HARMLESS = ("extraneous bytes", "Invalid SOS parameters", "Unknown Adobe color transform", "Inconsistent progression")
# What libjpeg-turbo's simple interface says of sampling factors that it has no name for; libjpeg itself decodes them.
_ODD_SUBSAMPLING = "subsampling"
# What Pillow's readers raise on damaged input; nothing broader, so that our own defects stay visible.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
    PIL.Image.DecompressionBombError,
    PIL.Image.DecompressionBombWarning,
)
# Transparent parts show paper, as in most viewers.
_PAPER = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is refused before decoding, and when a JPEG is decoded at a reduced scale.

    Attributes:
        max_bytes: length of the file; the API allows 15 MB from a bucket and checks its own 5 MB for inline bytes.
        max_pixels: width times height. 75 million admits any full-frame camera and refuses 100 megapixels.
        max_whole_pixels: the same for PNG and WebP, which cannot be decoded at a reduced scale: at 40 million a
            transparent picture takes about 0.9 GB while it is flattened.
        max_side_px: longer side.
        reduce_above_px: a JPEG with more pixels is decoded at half its size (a quarter above four times as many).
            At 16 million the long side stays above 3,400 px, and the smallest face found by the API's own rule
            (40 px at 1920 x 1080, in proportion above) is the same one.
        max_scan_px: pixels times scans of a progressive JPEG, which bounds its decoding time.
    """

    max_bytes: int = 15 * 1024 * 1024
    max_pixels: int = 75_000_000
    max_whole_pixels: int = 40_000_000
    max_side_px: int = 20_000
    reduce_above_px: int = 16_000_000
    max_scan_px: int = 1_500_000_000


DEFAULT_LIMITS = ImageLimits()


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """An upright picture.

    Attributes:
        rgb: (H, W, 3) uint8, C-contiguous, EXIF orientation applied. May be smaller than the file says when a large
            JPEG was decoded at a reduced scale; boxes in pixels refer to these pixels, ratios to any scale.
        sha256: digest of the bytes as received.
    """

    rgb: RgbArray
    sha256: bytes

    @property
    def size(self) -> Size:
        """Width and height of ``rgb``."""
        return Size(self.rgb.shape[1], self.rgb.shape[0])


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What the front of a picture's file says of it.

    Attributes:
        kind: its format, by content.
        size: as the file says, before orientation and reduction.
        orientation: 1 to 8, as in Exif. The API documents none for PNG, so an eXIf chunk is ignored.
        segments: of a JPEG.
    """

    kind: Format
    size: Size
    orientation: int = exif.UPRIGHT
    segments: exif.JpegSegments | None = None


def read_header(data: bytes) -> ImageHeader:
    """The header of a JPEG, PNG or WebP; nothing is decoded.

    Raises:
        ImageFormatError: another format, or without a readable header.
    """
    kind = header.sniff(data)
    if kind is Format.PNG:
        return ImageHeader(kind, png.png_size(data))
    if kind is Format.WEBP:
        return ImageHeader(kind, header.webp_size(data), exif.tiff_orientation(header.webp_chunk(data, b"EXIF")))
    segments = exif.JpegSegments.of(data)
    if segments.scan_start < 0:
        raise refusal("the JPEG has no picture")
    return ImageHeader(kind, _jpeg_size(data, segments), segments.orientation(data), segments)


def decode(data: bytes, limits: ImageLimits = DEFAULT_LIMITS, head: ImageHeader | None = None) -> Image:
    """Decode the bytes of one picture.

    Args:
        data: a whole JPEG, PNG or WebP; the format is found by content.
        limits: what to refuse unread.
        head: what ``read_header`` says of ``data``, by whoever needed to know before.

    Returns:
        The upright picture; of an animation its first frame.

    Raises:
        ImageFormatError: another format, empty, truncated or corrupt.
        ImageTooLargeError: more bytes, pixels or work than ``limits`` allow.
    """
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(f"Image size is too large: {len(data)} bytes, at most {limits.max_bytes} are read")
    head = head or read_header(data)
    if head.segments is not None:
        rgb = _jpeg(data, head.size, head.segments, limits)
    else:
        _check_size(head.size, limits.max_whole_pixels, limits)
        rgb = _pillow(png.still(data) if head.kind is Format.PNG else data, head.kind)
    return Image(np.ascontiguousarray(_upright(rgb, head.orientation)), hashlib.sha256(data).digest())


def encode_jpeg(rgb: RgbArray, quality: int = 85) -> bytes:
    """(H, W, 3) uint8 pixels as a JPEG, for people to look at."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(rgb), quality=quality, colorspace="RGB"))


def _check_size(size: Size, max_pixels: int, limits: ImageLimits) -> None:
    if size.width * size.height > max_pixels or max(size.width, size.height) > limits.max_side_px:
        raise ImageTooLargeError(
            f"Image size is too large: {size.width} x {size.height} pixels, at most {max_pixels} pixels "
            f"and {limits.max_side_px} on a side are read"
        )


def _jpeg(data: bytes, size: Size, segments: exif.JpegSegments, limits: ImageLimits) -> RgbArray:
    """Pixels of a JPEG as stored, (H, W, 3) uint8; gray is repeated, CMYK and YCCK become RGB the Adobe way."""
    width, height = size.width, size.height
    _check_size(size, limits.max_pixels, limits)
    if width * height * data.count(_SOS, segments.scan_start) > limits.max_scan_px:
        raise ImageTooLargeError("Image is too large: the JPEG has too many scans for its size")
    # Without the end marker the picture was cut, even where libjpeg has invented the rest.
    if data.find(_EOI, segments.scan_start) < 0:
        raise refusal("the JPEG is truncated")
    reduction = _reduction(width * height, limits)
    least = {"min_height": -(-height // reduction), "min_width": -(-width // reduction)}
    return _decode_jpeg(data, segments, least if reduction > 1 else {})


def _jpeg_size(data: bytes, segments: exif.JpegSegments) -> Size:
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data, strict=False)
    except (ValueError, KeyError):  # a corrupt header, or one whose subsampling has no name in simplejpeg
        try:
            with PIL.Image.open(io.BytesIO(segments.without_metadata(data)), formats=[Format.JPEG]) as picture:
                width, height = picture.size
        except _PILLOW_ERRORS as error:
            raise refusal("the JPEG header is corrupt") from error
    return Size(width, height)


def _decode_jpeg(data: bytes, segments: exif.JpegSegments, least: dict[str, int]) -> RgbArray:
    try:
        return np.asarray(simplejpeg.decode_jpeg(data, colorspace="RGB", strict=True, **least), np.uint8)
    except (ValueError, KeyError) as error:
        if isinstance(error, KeyError) or _ODD_SUBSAMPLING in str(error):
            return _pillow(segments.without_metadata(data), Format.JPEG)
        if not any(words in str(error) for words in _HARMLESS):
            raise refusal("the JPEG is truncated or corrupt") from error
    try:
        return np.asarray(simplejpeg.decode_jpeg(data, colorspace="RGB", strict=False, **least), np.uint8)
    except ValueError as error:
        raise refusal("the JPEG is corrupt") from error


def _reduction(pixels: int, limits: ImageLimits) -> int:
    """By how much libjpeg may shrink while it decodes; 1, 2 or 4, which it does in the DCT domain."""
    if pixels <= limits.reduce_above_px:
        return 1
    return 2 if pixels <= 4 * limits.reduce_above_px else 4


def _pillow(data: bytes, kind: Format) -> RgbArray:
    """Pixels, (H, W, 3) uint8, first frame, over white paper. The size was checked before."""
    try:
        with PIL.Image.open(io.BytesIO(data), formats=[kind]) as picture:
            picture.load()
            return _flatten(picture)
    except _PILLOW_ERRORS as error:
        raise refusal(f"the {kind} is truncated or corrupt") from error


def _flatten(picture: PIL.Image.Image) -> RgbArray:
    """Any mode to RGB: 16-bit samples keep their high byte, palettes are looked up, transparency shows paper."""
    if picture.mode.startswith("I;16"):
        return np.repeat((np.asarray(picture, np.uint16) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("RGB"), np.uint8)
    rgba = picture.convert("RGBA")
    paper = PIL.Image.new("RGB", picture.size, _PAPER)
    paper.paste(rgba, mask=rgba.getchannel("A"))
    return np.asarray(paper, np.uint8)


def _upright(rgb: RgbArray, orientation: int) -> RgbArray:
    """Undo an EXIF orientation (1 to 8). Source: Exif 2.3 section 4.6.4: where row 0 and column 0 are seen."""
    turned = rgb.transpose(1, 0, 2) if orientation >= 5 else rgb
    flip_rows = orientation in (3, 4, 7, 8)
    flip_columns = orientation in (2, 3, 6, 7)
    return turned[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]

"""Pictures as requests name them: bytes in the request, or an object in a bucket; loaded within documented limits.

In: an ImageInput. Out: a decoded, upright Image. The order of checks is the API's: fetch, size in bytes, format,
dimensions. Nothing is stored. Decoding itself, with its pixel limit, is custodes.imaging.image's.

Source of limits: API guide, as in the behaviour specification (section 0.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.core.errors import CustodesError, ImageTooLargeError, InvalidParameterError
from custodes.imaging.image import Image, decode, read_header
from custodes.operations.images.ports import ObjectStore, S3Object

MAX_INLINE_BYTES = 5 * 1024 * 1024
MAX_OBJECT_BYTES = 15 * 1024 * 1024
MIN_SIDE_PX = 80


@dataclass(frozen=True, slots=True)
class ImageInput:
    """A picture as the request gives it: exactly one of bytes and object."""

    data: bytes | None = None
    s3_object: S3Object | None = None

    def __repr__(self) -> str:
        """Name the source, never the bytes: this may end up in a log."""
        return f"ImageInput({'bytes' if self.data is not None else self.s3_object})"

    def check(self) -> None:
        """Raise InvalidParameterError unless exactly one source is given, with a bucket and a name."""
        if (self.data is None) == (self.s3_object is None):
            raise InvalidParameterError("Request has invalid parameters")
        if self.s3_object is not None and not (self.s3_object.bucket and self.s3_object.name):
            raise InvalidParameterError("Request has invalid parameters")


@dataclass(frozen=True, slots=True)
class PictureRules:
    """Limits of an operation; sides are those of the file, before any reduction.

    Attributes:
        max_inline_bytes: of bytes in the request.
        min_side_px: shorter side.
        max_side_px: longer side; None leaves it to the decoder's own limit.
        too_long: what a longer side is refused as.
    """

    max_inline_bytes: int = MAX_INLINE_BYTES
    min_side_px: int = MIN_SIDE_PX
    max_side_px: int | None = None
    too_long: type[CustodesError] = InvalidParameterError


COMMON_RULES = PictureRules()
LABEL_RULES = PictureRules(max_side_px=10_000)
CUSTOM_LABEL_RULES = PictureRules(4 * 1024 * 1024, min_side_px=64, max_side_px=4096, too_long=ImageTooLargeError)
EQUIPMENT_RULES = PictureRules(4 * 1024 * 1024, min_side_px=64, max_side_px=4096, too_long=ImageTooLargeError)


class Pictures:
    """Loads the pictures of requests."""

    def __init__(self, objects: ObjectStore) -> None:
        """Read S3Object sources from ``objects``."""
        self._objects = objects

    def load(self, source: ImageInput, rules: PictureRules = COMMON_RULES) -> Image:
        """Fetch, measure, decode. ``source`` was checked with its command.

        Raises:
            InvalidParameterError: a side is shorter or longer than ``rules`` allow.
            ObjectStoreError: the object cannot be read.
            ImageTooLargeError: more bytes or pixels than allowed.
            ImageFormatError: not a picture that we decode.
        """
        return decoded(self._fetch(source, rules), rules)

    def _fetch(self, source: ImageInput, rules: PictureRules) -> bytes:
        if source.s3_object is not None:
            return self._objects.read(source.s3_object, MAX_OBJECT_BYTES)
        data = source.data or b""
        if len(data) > rules.max_inline_bytes:
            raise ImageTooLargeError("Image size is too large")
        return data


def decoded(data: bytes, rules: PictureRules = COMMON_RULES) -> Image:
    """A picture whose bytes are there. Raises as ``Pictures.load``, but ObjectStoreError."""
    head = read_header(data)
    if rules.max_side_px is not None and max(head.size.width, head.size.height) > rules.max_side_px:
        raise rules.too_long(
            f"Input image dimensions {head.size.width} x {head.size.height} exceed maximum dimension size of "
            f"{rules.max_side_px} pixels"
        )
    image = decode(data, head=head)
    if min(image.size.width, image.size.height) < rules.min_side_px:
        raise InvalidParameterError(
            f"Input image dimensions {image.size.width} x {image.size.height} are less than minimum dimension size "
            f"of {rules.min_side_px} pixels"
        )
    return image

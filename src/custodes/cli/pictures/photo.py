"""Photos on disk: which there are, and each as bytes that the API accepts.

In: a folder or a path. Out: paths in a stable order; bytes of at most 5 MB. A photo over the API's limit is decoded and
sent smaller; the face sizes that the API promises to find grow with the picture, so nothing promised is lost.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import PIL.Image

from custodes.cli.input_files import require_folder
from custodes.cli.output import NothingToDoError, refuse_inputs
from custodes.core.errors import ImageFormatError, ImageTooLargeError, InvalidParameterError
from custodes.imaging.image import DEFAULT_LIMITS, Image, decode
from custodes.operations.images.sources import MAX_INLINE_BYTES

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"})
_LIMITS = replace(DEFAULT_LIMITS, max_bytes=100 * 1024 * 1024)
_SENT_SIDE_PX = 4096
_SENT_QUALITY = 92


def find(folder: Path) -> list[Path]:
    """Photos below ``folder`` by suffix, sorted; hidden files and folders are passed over.

    Raises:
        InvalidParameterError: not a folder.
        NothingToDoError: no photos in it.
    """
    require_folder(folder)
    candidates = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    found = sorted(path for path in candidates if path.is_file() and not _is_hidden(path.relative_to(folder)))
    if not found:
        raise NothingToDoError(f"there are no pictures in {folder}: files that end in {', '.join(sorted(SUFFIXES))}")
    return found


def read(path: Path) -> bytes:
    """Bytes of ``path`` to send.

    Raises:
        OSError: it cannot be read.
        ImageFormatError, ImageTooLargeError: it is over the API's limit and cannot be made smaller.
    """
    if path.stat().st_size > _LIMITS.max_bytes:
        raise ImageTooLargeError(f"the file is larger than {_LIMITS.max_bytes // 2**20} MB")
    return fitting(path.read_bytes())


def fitting(data: bytes) -> bytes:
    """A picture as the API accepts it: ``data``, or the same picture smaller.

    Raises:
        ImageFormatError, ImageTooLargeError: it is over the API's limit and cannot be made smaller.
    """
    return data if len(data) <= MAX_INLINE_BYTES else _smaller(decode(data, _LIMITS))


def checked(path: Path) -> bytes:
    """As ``read``, and sure to be a picture; refusals name the file, for commands with more than one.

    Raises:
        OSError: it cannot be read.
        ImageFormatError, ImageTooLargeError: it is not a picture, or too large.
    """
    try:
        data = read(path)
        decode(data)
    except (ImageFormatError, ImageTooLargeError) as error:
        raise type(error)(f"{path}: {error.message}") from error
    return data


def check_drawable(out: Path, inputs: Iterable[Path]) -> None:
    """Refuse a file name that no picture can be written to, before any work is done for it.

    Raises:
        InvalidParameterError: the suffix names no picture format, the folder is not there, or it is one of ``inputs``.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise InvalidParameterError(f"{out} must end in one of {', '.join(sorted(SUFFIXES))}")
    if not out.parent.is_dir():
        raise InvalidParameterError(f"{out.parent} is not a folder")
    refuse_inputs(out, inputs)


def show(path: Path) -> PIL.Image.Image:
    """The upright picture, to draw on. Raises as ``read``."""
    return PIL.Image.fromarray(decode(path.read_bytes(), _LIMITS).rgb)


def _smaller(image: Image) -> bytes:
    picture = PIL.Image.fromarray(image.rgb)
    picture.thumbnail((_SENT_SIDE_PX, _SENT_SIDE_PX), reducing_gap=2.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_SENT_QUALITY)
    if out.tell() > MAX_INLINE_BYTES:
        raise ImageTooLargeError("the picture cannot be brought below 5 MB")
    return out.getvalue()


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)

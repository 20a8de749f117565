"""The pictures below a folder, found by what annotations call them, and never outside of the folder.

In: a folder; references as annotations have them. Out: paths and sizes of pictures. No picture is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from custodes.cli.input_files import require_folder
from custodes.core.errors import CustodesError, InvalidParameterError
from custodes.imaging.image import read_header

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
MAX_PICTURES = 250_000
"""Lines that a manifest can have. Source: behaviour specification, section 3.13."""
MAX_PICTURE_BYTES = 15 << 20
MAX_TEXT_BYTES = 256 << 20
_BESIDE = {"labels": ("images",), "Annotations": ("JPEGImages",), "annotations": ("images",)}
"""Folders that formats put pictures in, by the name of the one that their annotations are in."""


class PictureFolder:
    """A folder that somebody may have got from somebody else: nothing outside of it is read."""

    def __init__(self, folder: Path) -> None:
        """Look below ``folder``. Raises InvalidParameterError where it is none."""
        require_folder(folder)
        self.folder = folder
        self._root = folder.resolve()

    def files(self, pattern: str) -> list[Path]:
        """Files of a pattern, at any depth, in the order of their names; links that lead out are left out."""
        return [path for path in sorted(self.folder.rglob(pattern)) if path.is_file() and self._holds(path)]

    @cached_property
    def pictures(self) -> list[Path]:
        """All pictures. Raises InvalidParameterError for more than a manifest can have."""
        found = [path for path in self.files("*") if path.suffix.lower() in SUFFIXES]
        if len(found) > MAX_PICTURES:
            raise InvalidParameterError(f"{self.folder} has more than {MAX_PICTURES} pictures")
        return found

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in self.pictures:
            found.setdefault(path.name, []).append(path)
            found.setdefault(path.stem, []).append(path)
        return found

    def named(self, reference: str, annotations: Path) -> Path | None:
        """The picture that ``annotations`` call ``reference``, or None where there is none.

        Raises:
            InvalidParameterError: the reference leads out of the folder, or fits several pictures.
        """
        told = Path(reference.replace("\\", "/"))
        for base in (self.folder, annotations.parent):
            place = base / told
            if told.is_absolute() or not self._holds(place):
                raise InvalidParameterError(f"{annotations} names {reference}, which is outside of {self.folder}")
            if place.suffix.lower() in SUFFIXES and place.is_file():
                return self.folder / place.resolve().relative_to(self._root)
        return self._only(told.name, annotations)

    def beside(self, annotations: Path) -> Path | None:
        """The picture that a file with annotations of one picture is about: of the same name, or None.

        Raises:
            InvalidParameterError: several pictures fit.
        """
        for path in self._candidates(annotations):
            if path.is_file() and self._holds(path):
                return path
        return self._only(annotations.stem, annotations)

    def size(self, picture: Path) -> tuple[int, int]:
        """Width and height of the upright picture. Raises InvalidParameterError where it is none."""
        if picture.stat().st_size > MAX_PICTURE_BYTES:
            raise InvalidParameterError(f"{picture} is larger than 15 MB")
        try:
            head = read_header(picture.read_bytes())
        except (CustodesError, OSError) as error:
            raise InvalidParameterError(f"{picture} is not a picture that can be read") from error
        turned = head.orientation in (5, 6, 7, 8)
        size = (head.size.width, head.size.height)
        return size[::-1] if turned else size

    def text(self, path: Path) -> str:
        """The text of a file. Raises InvalidParameterError for one that is too large or is not UTF-8."""
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise InvalidParameterError(f"{path} is larger than 256 MB")
        try:
            return path.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidParameterError(f"{path} is not UTF-8") from error

    def _candidates(self, annotations: Path) -> Iterator[Path]:
        folders = [annotations.parent]
        parts = annotations.parent.parts
        for place in range(len(parts) - 1, len(self.folder.parts) - 1, -1):
            folders += [Path(*parts[:place], other, *parts[place + 1 :]) for other in _BESIDE.get(parts[place], ())]
        for folder in folders:
            for suffix in sorted(SUFFIXES):
                yield folder / f"{annotations.stem}{suffix}"
                yield folder / f"{annotations.stem}{suffix.upper()}"

    def _only(self, name: str, annotations: Path) -> Path | None:
        found = self._by_name.get(name, [])
        if len(found) > 1:
            raise InvalidParameterError(f"{annotations}: {name} could be {found[0]} or {found[1]}")
        return found[0] if found else None

    def _holds(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self._root)

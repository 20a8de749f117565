"""LUNA PLATFORM 5 as a source: the archive of its export task.

In: a ZIP file. Out: one collection and its pictures. Source: VisionLabs' manual of the task: a ZIP with a CSV file with
a row per face or event, and samples if they were asked for. The columns used are ``face_id``, ``external_id`` and
``user_data``. How pictures are named in the archive is not said there; one belongs to the row whose ``face_id`` or
``event_id`` stands in its name, and rows without one are reported.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from custodes.cli.migrate.source import SourceCollection, SourceFace
from custodes.cli.pictures.photo import SUFFIXES
from custodes.core.errors import InvalidParameterError
from custodes.operations.bulk.names import acceptable

CANNOT_MOVE = (
    "descriptors: LUNA's numbers are closed; faces are indexed anew from the exported samples",
    "faces exported without their sample",
    "lists (export each into a collection of its own), handlers, verifiers, events",
    "similarities and thresholds: other numbers for the same pair, see docs/scores.md",
)
_MAX_MEMBER_BYTES = 100 << 20


class LunaExport:
    """An opened archive. Implements ``SourcePhotos``."""

    def __init__(self, path: Path) -> None:
        """Open ``path``. Raises InvalidParameterError where it is no such archive, OSError where it cannot be read."""
        try:
            self._archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise InvalidParameterError(f"{path} is not a ZIP archive") from error
        tables = [name for name in self._archive.namelist() if name.lower().endswith(".csv")]
        if len(tables) != 1:
            raise InvalidParameterError(f"{path} has {len(tables)} CSV files; an export of LUNA PLATFORM has one")
        self._table = tables[0]

    def collection(self, name: str) -> SourceCollection:
        """All rows as a collection of that name. Raises InvalidParameterError without the column face_id."""
        pictures = {key: PurePosixPath(key).name for key in self.keys()}
        faces = []
        for row in self._rows():
            ids = [value for value in (row.get("face_id"), row.get("event_id")) if value]
            photo = next((key for key, file in pictures.items() if any(one in file for one in ids)), None)
            label = acceptable(row.get("external_id") or row.get("user_data") or "")
            if ids:
                faces.append(SourceFace(ids[0], label or None, None, None, photo or ids[0]))
        return SourceCollection(name, tuple(faces))

    def keys(self) -> Sequence[str]:
        """See SourcePhotos."""
        return [name for name in self._archive.namelist() if PurePosixPath(name).suffix.lower() in SUFFIXES]

    def read(self, key: str) -> bytes:
        """See SourcePhotos."""
        if self._archive.getinfo(key).file_size > _MAX_MEMBER_BYTES:
            raise InvalidParameterError(f"{key} is larger than {_MAX_MEMBER_BYTES >> 20} MB")
        return self._archive.read(key)

    def _rows(self) -> Iterator[Mapping[str, str]]:
        if self._archive.getinfo(self._table).file_size > _MAX_MEMBER_BYTES:
            raise InvalidParameterError(f"{self._table} is larger than {_MAX_MEMBER_BYTES >> 20} MB")
        rows = csv.DictReader(io.StringIO(self._archive.read(self._table).decode("utf-8-sig")))
        if "face_id" not in (rows.fieldnames or ()):
            raise InvalidParameterError(f"{self._table} has no column face_id")
        yield from rows

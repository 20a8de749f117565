"""What a folder's indexing has done so far, so that running it again only does the rest.

In: outcomes of photos. Out: which are done, which photo a face came from. One JSON line per photo in a file of the data
directory, appended as it happens: a crash loses at most the line being written, and then the photo is indexed once
more, which the API answers without a duplicate. It holds paths, names and face ids; no picture and no vector.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from custodes.cli.faces.photo_source import PhotoSource

_FOLDER = "indexed"


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One photo that is dealt with.

    Attributes:
        path: absolute, or the URL of an object.
        stamp: of its content when it was read; another stamp means another photo.
        name: ExternalImageId it was given.
        faces: ids of its faces in the collection.
        reason: why there are none, or empty.
        failed: whether it could not be worked on at all, as against a photo without a good face.
    """

    path: str
    stamp: str
    name: str | None
    faces: tuple[str, ...]
    reason: str
    failed: bool = False


class EnrolmentJournal:
    """The journal of one collection; a context manager that closes its file."""

    def __init__(self, path: Path, entries: Iterable[JournalLine]) -> None:
        """Continue ``path``, which holds ``entries``."""
        self._path = path
        self._done = {entry.path: entry for entry in entries}
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> EnrolmentJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def knows(self, photo: PhotoSource, name: str | None) -> bool:
        """Whether this very photo was dealt with under this name. Raises OSError."""
        entry = self._done.get(photo.place)
        return entry is not None and entry.name == name and entry.stamp == photo.stamp()

    def add(self, entry: JournalLine) -> None:
        """Note ``entry``."""
        self._done[entry.path] = entry
        self._file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
        self._file.flush()

    def entries(self) -> tuple[JournalLine, ...]:
        """The latest entry of each photo."""
        return tuple(self._done.values())


def open_journal(data: Path, collection: str, created: str) -> EnrolmentJournal:
    """The journal of ``collection`` as created at ``created``; a collection made anew starts anew."""
    folder = data / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{_digest(collection, created)}.jsonl"
    if not path.exists():
        path.touch(mode=0o600)
    _end_last_line(path)
    return EnrolmentJournal(path, _read(path))


def photo_of_face(data: Path) -> dict[str, Path]:
    """Path of the photo by face id, from all journals of ``data``."""
    found: dict[str, Path] = {}
    for path in sorted((data / _FOLDER).glob("*.jsonl")):
        for entry in _read(path):
            found.update(dict.fromkeys(entry.faces, Path(entry.path)))
    return found


def _end_last_line(path: Path) -> None:
    """Close a line that a crash cut short, so that the next entry does not become part of it."""
    with path.open("rb+") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _read(path: Path) -> Iterator[JournalLine]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                fields = json.loads(line)
                yield JournalLine(**{**fields, "faces": tuple(fields["faces"])})
            except (ValueError, TypeError, KeyError):  # the line that a crash cut short
                continue

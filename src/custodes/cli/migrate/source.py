"""What is moved, whatever it comes from: collections of faces with names and users, and where photos are.

In and out: frozen values. Vectors of another program mean nothing here; a face moves as the photo it was found in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Protocol

from custodes.operations.bulk.names import acceptable

BoxTuple = tuple[float, float, float, float]
"""Left, top, width, height, as ratios of the picture."""


@dataclass(frozen=True, slots=True)
class SourceFace:
    """A face in the service that is left. ``photo`` where the service says which picture it is of."""

    face_id: str
    name: str | None = None
    user_id: str | None = None
    box: BoxTuple | None = None
    photo: str | None = None


@dataclass(frozen=True, slots=True)
class SourceCollection:
    """A collection there, its users included that have no faces."""

    collection: str
    faces: tuple[SourceFace, ...]
    users: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    model_version: str = ""


class SourcePhotos(Protocol):
    """Pictures that faces were found in."""

    def keys(self) -> Sequence[str]:
        """Names of all, with slashes between folders."""
        ...

    def read(self, key: str) -> bytes:
        """Content. Raises ApiFailureError, UnavailableError or OSError."""
        ...


@dataclass(frozen=True, slots=True)
class MoveUnit:
    """Faces that share a name or a picture, and the pictures they are indexed from.

    Attributes:
        name: ExternalImageId of all.
        faces: in the service that is left.
        photos: their pictures, none where they were not found.
        reason: why there are none.
    """

    name: str | None
    faces: tuple[SourceFace, ...]
    photos: tuple[str, ...]
    reason: str = ""

    @property
    def by_box(self) -> bool:
        """Whether faces are told apart by where they are in the one picture."""
        return len(self.photos) == 1 and all(face.box is not None for face in self.faces)


class PhotoFinder:
    """Finds pictures by what services keep instead of them: an ExternalImageId, or a table of the user's.

    A name is looked for as the whole key, as the file's name with and without its suffix, and as the name of the folder
    it is in; each also in the API's alphabet. Whatever first has pictures counts; two pictures by one file name are a
    reason and not a guess.
    """

    def __init__(self, keys: Sequence[str], table: Mapping[str, str]) -> None:
        """Look among ``keys``; ``table`` has the key by FaceId or ExternalImageId."""
        self._keys = frozenset(keys)
        self._table = table
        self._by_file: dict[str, set[str]] = {}
        self._by_folder: dict[str, set[str]] = {}
        for key in keys:
            path = PurePosixPath(key)
            for name in {key, path.name, path.stem}:
                for spelt in {name, acceptable(name)}:
                    self._by_file.setdefault(spelt, set()).add(key)
            for spelt in {path.parent.name, acceptable(path.parent.name)}:
                self._by_folder.setdefault(spelt, set()).add(key)

    def units(self, faces: Sequence[SourceFace]) -> list[MoveUnit]:
        """``faces`` put together by picture."""
        groups: dict[tuple[str | None, str | None], list[SourceFace]] = {}
        for face in faces:
            tabled = face.photo or self._table.get(face.face_id) or self._table.get(face.name or "")
            groups.setdefault((face.name, tabled), []).append(face)
        units: dict[tuple[str | None, tuple[str, ...], str], MoveUnit] = {}
        for (name, tabled), some in groups.items():
            unit = self._unit(name, tabled, tuple(some))
            # Found in two ways, a picture is still indexed once: what is not matched in it is taken out again.
            same = units.get((name, unit.photos, unit.reason))
            merged = unit if same is None else replace(unit, faces=(*same.faces, *unit.faces))
            units[name, unit.photos, unit.reason] = merged
        return list(units.values())

    def _unit(self, name: str | None, tabled: str | None, faces: tuple[SourceFace, ...]) -> MoveUnit:
        if tabled is not None:
            found = (tabled,) if tabled in self._keys else ()
            return MoveUnit(name, faces, found, "" if found else f"there is no photo {tabled}")
        if name is None:
            return MoveUnit(None, faces, (), "the face has no ExternalImageId and stands in no table")
        files, folder = self._by_file.get(name, set()), self._by_folder.get(name, set())
        if len(files) == 1:
            return MoveUnit(name, faces, tuple(files))
        if folder:
            return MoveUnit(name, faces, tuple(sorted(folder)))
        reason = f"{len(files)} photos have this name" if files else "no photo has this name"
        return MoveUnit(name, faces, (), reason)

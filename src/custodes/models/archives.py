"""Reads single members out of archives, and nothing else of them.

In: a wheel, zip, tar.gz or plain file whose digest was checked, and the members wanted. Out: their bytes, each checked
against its own pin. Nothing is ever written to a path that an archive names, so no name can lead out of a folder.
"""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.models.card import FilePin

MEMBER_LIMIT = 512 << 20
"""Bytes of one unpacked member."""
_MEMBERS_LIMIT = 200_000
_CHUNK = 1 << 20


class ModelFileError(UnavailableError):
    """A model file is broken or not the pinned one. The message names the model and the file."""


def sha256_of(path: Path) -> str:
    """Digest of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_members(path: Path, owner: str, pins: Iterable[FilePin]) -> dict[str, bytes]:
    """The wanted members by name.

    Args:
        path: the archive; its kind follows from its name.
        owner: name of the model, for messages.
        pins: members and their digests.

    Raises:
        ModelFileError: a member is missing, too large, broken or altered, or the archive is.
    """
    wanted = {pin.member: pin.sha256 for pin in pins}
    try:
        if path.name.endswith((".whl", ".zip")):
            found = _from_zip(path, set(wanted))
        elif path.name.endswith((".tgz", ".tar.gz")):
            found = _from_tar(path, set(wanted))
        else:
            found = {member: path.read_bytes() for member in wanted}
    except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{owner}: archive {path.name} is broken") from error
    for member, sha256 in wanted.items():
        if member not in found:
            raise ModelFileError(f"{owner}: archive {path.name} has no usable {member}")
        if hashlib.sha256(found[member]).hexdigest() != sha256:
            raise ModelFileError(f"{owner}: {member} in {path.name} is not the pinned file")
    return found


def _from_zip(path: Path, wanted: set[str]) -> dict[str, bytes]:
    found = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename in wanted and not info.is_dir() and info.file_size <= MEMBER_LIMIT:
                with archive.open(info) as stream:
                    found[info.filename] = stream.read(MEMBER_LIMIT)
    return found


def _from_tar(path: Path, wanted: set[str]) -> dict[str, bytes]:
    """One pass over the stream; stops when everything was found."""
    found: dict[str, bytes] = {}
    with tarfile.open(path, "r|gz") as archive:
        for count, info in enumerate(archive):
            if len(found) == len(wanted) or count > _MEMBERS_LIMIT:
                break
            # Links are never followed: only a regular file can be a wanted member.
            if info.name in wanted and info.isreg() and info.size <= MEMBER_LIMIT:
                stream = archive.extractfile(info)
                if stream is not None:
                    found[info.name] = stream.read(MEMBER_LIMIT)
    return found

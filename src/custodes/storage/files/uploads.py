"""Files of this machine's user, given to the server that has the data directory open, as objects of a bucket.

In: a file, the secret of the operator's key. Out: the object's name in ``BUCKET``. Nothing is copied where the file
system can link. A name is a keyed hash, so that an account that does not know the secret cannot ask for the object.
The same file, unchanged, has the same name and version again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from custodes.core.errors import UnavailableError

BUCKET = "custodes.uploads"
FOLDER = "uploads"
RESULTS_BUCKET, RESULTS_FOLDER = "custodes.results", "results"
"""Where commands of this machine's user have results put, under names that nobody else can guess."""
_NAME_BYTES = 24
_PARTIAL = ".partial"


def upload(data: Path, path: Path, secret: str) -> str:
    """Name of the object that ``path`` is from now on.

    Raises:
        UnavailableError: it cannot be linked or copied into the data directory.
    """
    status = path.stat()
    stamp = f"{status.st_dev}-{status.st_ino}-{status.st_size}-{status.st_mtime_ns}".encode()
    key = secret.encode()[:64]
    name = hashlib.blake2b(stamp, digest_size=_NAME_BYTES, key=key).hexdigest() + path.suffix.lower()
    folder = data / FOLDER
    place = folder / name
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not place.exists():
            try:
                os.link(path.resolve(), place)
            except OSError:  # another file system, or one without links
                partial = place.with_suffix(_PARTIAL)
                shutil.copy2(path, partial)
                partial.replace(place)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be given to the server: {error.strerror}") from error
    return name


def withdraw(data: Path, names: Iterable[str]) -> None:
    """Remove objects that are not needed any more; the user's own files stay."""
    for name in names:
        (data / FOLDER / name).unlink(missing_ok=True)


def remove_before(data: Path, ts_s: float) -> None:
    """Remove objects that were given before ``ts_s``, seconds since the epoch; the user's own files stay."""
    folder = data / FOLDER
    if folder.is_dir():
        for place in folder.iterdir():
            if place.stat().st_ctime < ts_s:
                place.unlink(missing_ok=True)

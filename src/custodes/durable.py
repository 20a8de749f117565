"""The one way to write a file that has to outlast a power cut: temporary file, fsync, rename, fsync of the folder.

In: a path and bytes. Out: a file that is there whole, or not at all. After a failed fsync nothing is retried or read
back: the kernel may have dropped the pages and report them as clean. It imports nothing of ours, so every room may use
it. What is written in place, at the end of a file, or again by whoever needs it, is not its business.
"""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

# What file systems without hard links answer.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS})


def sync_directory(path: Path) -> None:
    """Make names in ``path`` durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put ``data`` in place of ``path``; durable when this returns, and any number of processes may do so at a time.

    Raises:
        OSError: it could not be written, or not be made durable; the old file may or may not be there then.
    """
    draft = _draft(path, data, mode)
    try:
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _about(path, error) from error
    sync_directory(path.parent)


def create_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Make a file that is not there yet; durable when this returns. Of several who try, one succeeds.

    Raises:
        FileExistsError: there is one already.
        OSError: it could not be written, or not be made durable.
    """
    draft = _draft(path, data, mode)
    try:
        # link, not rename: it fails where a file stands already.
        os.link(draft, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise _about(path, error) from error
        # Reserved first; a crash right here leaves an empty file, which no reader takes for content.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)


def move_durably(old: Path, new: Path) -> None:
    """Put the durable file ``old`` in place of ``new``, in one folder; durable when this returns. Raises OSError."""
    old.replace(new)
    sync_directory(new.parent)


def write_whole(path: Path, data: bytes, temporary: Path, mode: int) -> None:
    """Put ``data`` in place of ``path`` by renaming ``temporary``; readers see old or new. Not durable yet."""
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _draft(path: Path, data: bytes, mode: int) -> Path:
    """``data`` on the disk beside ``path``, under a name of its own."""
    try:
        fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    except OSError as error:
        raise _about(path, error) from error
    draft = Path(name)
    try:
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, mode)
            file.write(data)
            file.flush()
            os.fsync(fd)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _about(path: Path, error: OSError) -> OSError:
    """``error`` as one of the file that was to be written: nobody knows the name of its draft."""
    return OSError(error.errno, error.strerror, str(path))

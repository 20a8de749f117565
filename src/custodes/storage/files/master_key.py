"""The master key of a data directory: one file, created with the directory, checked at every start.

In: the directory and the database's check value. Out: the box that wraps collection keys. Without this file no stored
vector can be read, by anybody; operators back it up apart from the database.
"""

from __future__ import annotations

from pathlib import Path

from custodes.core.errors import UnavailableError
from custodes.storage.files.directory import write_secret
from custodes.storage.files.seal import KEY_BYTES, DamagedError, KeyBox, Randomness, names_of

FILE_NAME = "master.key"
_CHECK_NAMES = names_of("check")


def load(directory: Path, check: bytes | None, randomness: Randomness) -> KeyBox:
    """The box of ``directory``'s master key.

    Args:
        directory: holds ``master.key``; it is created when the database is new, never otherwise.
        check: what ``check_value`` gave when the database was new, or None for a new database.
        randomness: for a new key and for nonces.

    Raises:
        UnavailableError: the file is missing, unreadable, or not the one this database was made with.
    """
    path = directory / FILE_NAME
    try:
        if check is None and not path.exists():
            write_secret(path, randomness(KEY_BYTES))
    except OSError as error:
        raise UnavailableError(f"{FILE_NAME} cannot be created: {error.strerror}") from error
    box = stored(directory, randomness)
    if check is not None:
        _require_right(box, check)
    return box


def stored(directory: Path, randomness: Randomness) -> KeyBox:
    """The box of the master key that is in ``directory``.

    Raises:
        UnavailableError: the file is missing, unreadable or damaged.
    """
    try:
        key = (directory / FILE_NAME).read_bytes()
    except FileNotFoundError as error:
        raise UnavailableError(f"{FILE_NAME} is missing from the data directory; restore it from its backup") from error
    except OSError as error:
        raise UnavailableError(f"{FILE_NAME} cannot be read: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise UnavailableError(f"{FILE_NAME} is damaged: it must hold {KEY_BYTES} bytes")
    return KeyBox(key, randomness)


def check_value(box: KeyBox, randomness: Randomness) -> bytes:
    """A value that only the same master key opens."""
    return box.wrap(randomness(KEY_BYTES), _CHECK_NAMES)


def _require_right(box: KeyBox, check: bytes) -> None:
    try:
        box.unwrap(check, _CHECK_NAMES)
    except DamagedError as error:
        raise UnavailableError(f"{FILE_NAME} is not the key of this database") from error

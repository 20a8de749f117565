"""A backup as folders: which file of a data directory goes where, and what says that all of it is there.

In: paths. Out: where each belongs; the manifest, written last, checked first. A backup is two folders. The first has
the ledger's public files as they are and everything private in one sealed file; the second has the keys: the data
directory's own, and the one that opens the sealed file. ``SHA256SUMS`` in both can be checked by ``sha256sum -c``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from custodes.core.errors import InvalidParameterError, UnavailableError
from custodes.durable import sync_directory, write_durably

SUMS, MANIFEST = "SHA256SUMS", "manifest.json"
SEALED, BACKUP_KEY = "private.tar.sealed", "backup.key"
RESTORED = "restored.json"
"""In a data directory: the manifest of the backup it was restored from, until a server has said so."""
SCRATCH = "backup-scratch"
VERSION = 1

_PUBLIC = frozenset({"ledger", "ledger.pub", "ledger-old.pub", "trust.policy"})
_KEYS = frozenset({"keys", "master.key", "credentials"})
# Locks, sockets, what is made anew, and what says where this very directory stands.
_LEFT_OUT = frozenset(
    {
        "custodes.lock",
        "admin.sock",
        "media",
        "cache",
        "nodes",
        "database",
        SCRATCH,
        RESTORED,
        "placement.json",
        "placement.id",
    }
)
_DATABASE = ".sqlite3"
_LEDGER_PRIVATE = PurePath("ledger-private")
_CUT = tuple(_LEDGER_PRIVATE / name for name in ("journal", "bodies", "scratch", "erased-faces", "shared"))
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup is of.

    Attributes:
        version: of the layout.
        program: version of Custodes that took it.
        origin: name of the log.
        taken_ms: when it was begun.
        database_at: entries of the log when the databases were copied; what came later may be missing in them.
        ledger_at: entries of the log that are in the backup.
    """

    version: int
    program: str
    origin: str
    taken_ms: int
    database_at: int
    ledger_at: int


def keys_of(data: Path) -> Iterator[PurePath]:
    """Files with keys, relative to ``data``."""
    return (path for path in _files(data) if path.parts[0] in _KEYS)


def databases_of(data: Path) -> Iterator[PurePath]:
    """SQLite files, relative to ``data``."""
    return (path for path in _files(data) if path.name.endswith(_DATABASE) and path.parts[0] not in _LEFT_OUT)


def private_files_of(data: Path) -> Iterator[PurePath]:
    """All other private files but those of the ledger that are copied at one moment with it; relative to ``data``."""
    for path in _files(data):
        placed_elsewhere = path.parts[0] in _PUBLIC | _KEYS | _LEFT_OUT
        temporary = path.name.endswith(".tmp") or _DATABASE in path.name
        if not placed_elsewhere and not temporary and not any(path.is_relative_to(part) for part in _CUT):
            yield path


def public_files_of(data: Path) -> Iterator[PurePath]:
    """Files that anybody may read, but for the ledger's own; relative to ``data``."""
    return (path for path in _files(data) if path.parts[0] in _PUBLIC and path.parts[0] != "ledger")


def new_folder(path: Path) -> None:
    """Make ``path``, readable for its owner only; an empty folder that is there will do.

    Raises:
        InvalidParameterError: something is in it.
        OSError: it cannot be made.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise InvalidParameterError(f"{path} is not empty: every backup has folders of its own")


def write_manifest(folder: Path, keys: Path, manifest: BackupManifest, key: bytes) -> None:
    """List all files of both folders with their digests; the manifest, last, says that they are all there.

    Raises:
        OSError: it cannot be written.
    """
    for part in (folder, keys):
        names = sorted(path for path in _files(part) if path.name != SUMS)
        sums = "".join(f"{digest_of(part / name)}  {name.as_posix()}\n" for name in names)
        _sync_all(part)
        write_durably(part / SUMS, sums.encode())
    members = {**asdict(manifest), "sums": digest_of(folder / SUMS), "key_sums": digest_of(keys / SUMS)}
    text = json.dumps({"backup": members, "mac": _mac(members, key)}, indent=1, sort_keys=True)
    write_durably(folder / MANIFEST, f"{text}\n".encode())


def check_folders(folder: Path, keys: Path) -> tuple[BackupManifest, bytes]:
    """The manifest of a backup that is whole and unaltered, and its key.

    Raises:
        UnavailableError: files are missing, damaged, altered, or of two backups.
    """
    try:
        key = bytes.fromhex((keys / BACKUP_KEY).read_text(encoding="ascii"))
        members, mac = _read_manifest(folder / MANIFEST)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnavailableError(f"{folder} with the keys in {keys} is no finished backup: {error}") from error
    if not hmac.compare_digest(mac, _mac(members, key)):
        raise UnavailableError(f"the keys in {keys} are not of the backup in {folder}, or its manifest was altered")
    for part, wanted in ((folder, members["sums"]), (keys, members["key_sums"])):
        _check_sums(part, str(wanted))
    kept: dict[str, Any] = {name: members[name] for name in BackupManifest.__slots__}
    manifest = BackupManifest(**kept)
    if manifest.version != VERSION:
        raise UnavailableError(f"this backup has layout {manifest.version}; this program reads {VERSION}")
    return manifest, key


def digest_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()


def _read_manifest(path: Path) -> tuple[dict[str, object], str]:
    parsed = json.loads(path.read_bytes())
    members = parsed["backup"]
    if not isinstance(members, dict) or not set(BackupManifest.__slots__) | {"sums", "key_sums"} <= members.keys():
        raise ValueError(f"{path} is no manifest")
    return members, str(parsed["mac"])


def _check_sums(folder: Path, wanted: str) -> None:
    try:
        if digest_of(folder / SUMS) != wanted:
            raise UnavailableError(f"{folder / SUMS} is not what the manifest says")
        for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
            digest, _, name = line.partition("  ")
            if digest_of(folder / name) != digest:
                raise UnavailableError(f"{folder / name} is damaged: its digest is another one")
    except OSError as error:
        raise UnavailableError(f"{folder} is not whole: {error.filename} cannot be read") from error


def _mac(members: Mapping[str, object], key: bytes) -> str:
    text = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(key, b"custodes backup manifest v1\n" + text, hashlib.sha256).hexdigest()


def _files(folder: Path) -> Iterator[PurePath]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(folder)


def _sync_all(folder: Path) -> None:
    """Make all files of ``folder`` durable, before a file says that they are there."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_directory(path)
        else:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    sync_directory(folder)

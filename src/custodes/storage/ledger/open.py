"""The embedded ledger: where its folders and keys lie in the data directory, put together.

In: the data directory, the log's name, a clock. Out: a ``LedgerLog`` to be started, or read-only views for tools that
run beside the server. Public files are in ``DIR/ledger``; journal and bodies in ``DIR/ledger-private``; keys in
``DIR/keys``. Nothing private lies below what a web server is pointed at.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from custodes.durable import sync_directory, write_durably
from custodes.ledger.tlog.note import NoteError, Verifier, VerifierKey
from custodes.ledger.tlog.tiles import CHECKPOINT_PATH
from custodes.ledger.writer.keys import SigningKey, load_or_create_key, load_or_create_secret
from custodes.ledger.writer.log import LedgerClock, LedgerLog, LogParts, LogSettings
from custodes.ledger.writer.ports import Anchor, Stores
from custodes.ledger.writer.recover import LogIdentity
from custodes.storage.ledger.bodies import FileBodies
from custodes.storage.ledger.journal import FileJournal
from custodes.storage.ledger.tiles import FileTiles

# Text file with the log's verifier key, for people and tools; the key itself says who may trust it for what.
VERIFIER_FILE = "ledger.pub"


@dataclass(frozen=True, slots=True)
class LedgerPaths:
    """Where the parts of a ledger lie."""

    data: Path

    @property
    def public(self) -> Path:
        """Checkpoint, tiles and entry bundles."""
        return self.data / "ledger"

    @property
    def private(self) -> Path:
        """Journal and bodies."""
        return self.data / "ledger-private"

    @property
    def signing_key(self) -> Path:
        """The log's private key."""
        return self.data / "keys" / "ledger.key"

    @property
    def next_key(self) -> Path:
        """The private key that is about to replace it; there only while a rotation is under way."""
        return self.data / "keys" / "ledger-next.key"

    @property
    def old_verifiers(self) -> Path:
        """Public keys that signed before, as text, a line each."""
        return self.data / "ledger-old.pub"

    @property
    def body_key(self) -> Path:
        """Master key of the private bodies."""
        return self.data / "keys" / "ledger-bodies.key"

    @property
    def vrf_key(self) -> Path:
        """The key under which names have their places in the maps."""
        return self.data / "keys" / "ledger-vrf.key"

    @property
    def next_vrf_key(self) -> Path:
        """The one that is about to replace it; there only while a change is under way."""
        return self.data / "keys" / "ledger-vrf-next.key"

    def earlier_vrf_keys(self) -> tuple[Path, ...]:
        """Those that it replaced, the oldest first."""
        return tuple(sorted((self.data / "keys").glob("ledger-vrf-[0-9]*.key")))

    @property
    def shared_mark(self) -> Path:
        """Is there once several servers write the ledger, whose order is in their database."""
        return self.private / "shared"

    @property
    def verifier(self) -> Path:
        """The log's public key as text."""
        return self.data / VERIFIER_FILE


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """What may differ between installations.

    Attributes:
        anchor: keeps the last checkpoint in a second place; None for no anchor.
        old_keys: keys that signed earlier checkpoints, after a change of key.
        settings: pace and limits.
    """

    anchor: Anchor | None = None
    old_keys: tuple[Verifier, ...] = ()
    settings: LogSettings | None = None


def ledger_key(data: Path, origin: str) -> SigningKey:
    """The log's signing key; made, with its public text beside, when there is none.

    Raises:
        NoteError: the key file is malformed, of another name, or readable by others.
        OSError: it cannot be read or written.
    """
    paths = LedgerPaths(data)
    key = load_or_create_key(paths.signing_key, origin)
    text = f"{key.verifier}\n"
    if not paths.verifier.exists() or paths.verifier.read_text() != text:
        write_durably(paths.verifier, text.encode(), 0o644)
    return key


def old_verifiers(data: Path) -> tuple[VerifierKey, ...]:
    """The keys that signed ``data``'s log before the present one, which is in ``ledger.pub``, oldest first.

    A rotation that is under way has the present key in the file already; it is left out.

    Raises:
        NoteError: the file is malformed.
        OSError: it cannot be read.
    """
    paths = LedgerPaths(data)
    lines = paths.old_verifiers.read_text().splitlines() if paths.old_verifiers.exists() else []
    present = paths.verifier.read_text().strip()
    return tuple(VerifierKey.parse(line) for line in lines if line != present)


def open_ledger(data: Path, origin: str, clock: LedgerClock, options: LedgerOptions | None = None) -> LedgerLog:
    """The ledger of ``data``, not started yet; keys and folders are made where missing.

    Raises:
        NoteError: a key file is unusable, or missing from a log that has entries.
        OSError: files cannot be read or written.
    """
    options = options or LedgerOptions()
    return LedgerLog(ledger_parts(data, origin, clock, options), options.settings)


def ledger_parts(data: Path, origin: str, clock: LedgerClock, options: LedgerOptions) -> LogParts:
    """What ``open_ledger`` makes the log of. Raises as it does."""
    paths = LedgerPaths(data)
    if paths.shared_mark.exists():
        raise NoteError("several servers write this ledger: start one with a name (the setting `node`)")
    for path in (paths.signing_key, paths.body_key):
        # A new key would hide that nobody can open what the old one closed.
        if (paths.public / CHECKPOINT_PATH).exists() and not path.exists():
            raise NoteError(f"{path} is missing: restore it from a backup")
    key = ledger_key(data, origin)
    paths.public.mkdir(exist_ok=True)
    for folder in (paths.private, paths.private / "bodies", paths.private / "scratch", paths.private / "journal"):
        folder.mkdir(exist_ok=True, mode=0o700)
    # A power cut must not take away the folders themselves.
    for folder in (paths.private, data, data.parent):
        sync_directory(folder)
    stores = Stores(
        FileJournal(paths.private / "journal"),
        FileTiles(paths.public, paths.private / "scratch"),
        FileBodies(paths.private / "bodies"),
        options.anchor,
    )
    identity = LogIdentity(origin, (key,), (key.verifier, *old_verifiers(data), *options.old_keys))
    return LogParts(stores, identity, load_or_create_secret(paths.body_key), clock, secrets.token_bytes)


def read_tiles(data: Path) -> FileTiles:
    """The public files of ``data``'s ledger, read-only; fine beside a running server."""
    return FileTiles(LedgerPaths(data).public)


def read_bodies(data: Path) -> FileBodies:
    """The private bodies of ``data``'s ledger, for reading; fine beside a running server."""
    return FileBodies(LedgerPaths(data).private / "bodies")

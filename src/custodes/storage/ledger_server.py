"""The ledger of a running server: opened, recovered, announced, with everything that readers need beside it.

In: the data directory, whose it is, what runs. Out: a started log with its duties, and the public files to serve;
closed again in order. The keys of a new directory are made here, and the trust policy that verifiers start from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from custodes.core.clock import Clock
from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.ledger.keys import SigningKey, load_or_create_secret, read_secret
from custodes.ledger.log import LedgerLog
from custodes.ledger.note import NoteError
from custodes.ledger.ports import LedgerUnavailableError
from custodes.ledger.trust import write_policy
from custodes.operations.ledger_start import Release, announce
from custodes.operations.statements import LedgerFiles, Statements
from custodes.storage.ledger import LedgerOptions, LedgerPaths, open_ledger, read_bodies, read_tiles
from custodes.storage.ledger_files import write_durably
from custodes.storage.ledger_tiles import FileTiles

POLICY_FILE = "trust.policy"


@dataclass(frozen=True, slots=True)
class LedgerPlan:
    """What to open.

    Attributes:
        data: the data directory; it exists.
        account: the operator's.
        origin: name of a new log; empty takes one that ends in the account. A log keeps its name.
        anchor: file for the last checkpoint, best on another disk; None for no anchor.
        release: what runs, for the ``boot`` entry.
    """

    data: Path
    account: AccountId
    origin: str
    anchor: Path | None
    release: Release


@dataclass(frozen=True, slots=True)
class ServerLedger:
    """An open ledger: the log, its public files, and the duties over it."""

    log: LedgerLog
    tiles: FileTiles
    statements: Statements


@contextmanager
def open_server_ledger(plan: LedgerPlan, clock: Clock) -> Iterator[ServerLedger]:
    """Open and announce; closed at the end of the block.

    Raises:
        UnavailableError: it cannot be opened, another process writes it, or it was set back.
    """
    try:
        log = open_ledger(plan.data, _origin(plan), clock, LedgerOptions(anchor=plan.anchor))
        log.start()
    except (NoteError, LedgerUnavailableError) as error:
        raise UnavailableError(f"the ledger in {plan.data} cannot be opened: {error}") from error
    except OSError as error:
        raise UnavailableError(f"the ledger in {plan.data} cannot be opened: {error.strerror}") from error
    try:
        _write_policy(plan.data)
        announce(log, plan.release, plan.account, first=log.published.size == 0)
        yield ServerLedger(log, read_tiles(plan.data), open_statements(plan.data))
    finally:
        log.close()


def open_statements(data: Path) -> Statements:
    """The statements of a data directory that has a ledger; fine beside a running server.

    Raises:
        UnavailableError: there is no ledger in it.
    """
    paths = LedgerPaths(data)
    folder = paths.private / "maps"
    if not paths.body_key.exists():
        raise UnavailableError(f"there is no ledger in {data}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        files = LedgerFiles(read_tiles(data), read_bodies(data), load_or_create_secret(paths.body_key))
        return Statements(files, folder, load_or_create_secret(paths.data / "keys" / "ledger-vrf.key"))
    except NoteError as error:
        raise UnavailableError(str(error)) from error


def _origin(plan: LedgerPlan) -> str:
    path = LedgerPaths(plan.data).signing_key
    if path.exists():
        name = SigningKey.parse(read_secret(path).decode()).name
        if plan.origin not in ("", name):
            raise UnavailableError(f"the ledger in {plan.data} is named {name}; a log cannot change its name")
        return name
    return plan.origin or f"custodes/{plan.account}"


def _write_policy(data: Path) -> None:
    """The policy that verifiers start from: this log, no witnesses. What the operator made of it stays."""
    path = data / POLICY_FILE
    if not path.exists():
        verifier = LedgerPaths(data).verifier.read_text(encoding="utf-8").strip()
        write_durably(path, write_policy([verifier], [], 0).encode(), 0o644)

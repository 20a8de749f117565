"""What a server writes into its ledger when it starts: what it is and whose it is.

In: a log that takes entries, digests of release, networks and configuration. Out: a ``boot`` entry at every start. An
empty log begins with ``acc`` for the operator's account, whoever opens it first: the server or an operator's command.
By which rules the server decides is announced by ``policy_office``. It reads nothing back.
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.ledger.tlog.entry import b64url
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.verifier.canonical_json import PlacedEntry
from custodes.ledger.writer.settings import LedgerWriter


@dataclass(frozen=True, slots=True)
class Release:
    """What runs here.

    Attributes:
        program: SHA-256 over the program's files.
        models: SHA-256 that names the networks.
        configuration: SHA-256 over the settings without secrets.
        dependencies: SHA-256 over the versions of what the program depends on, where they are known.
    """

    program: bytes
    models: bytes
    configuration: bytes
    dependencies: bytes | None = None


def introduce(log: LedgerWriter, account: AccountId) -> None:
    """Write what an empty ledger begins with, the operator's account, and wait until it is durable.

    Raises:
        UnavailableError: the ledger cannot be written.
    """
    try:
        log.append("acc", body={"acct": account, "role": "operator"}, fields={"n": 1, "x": "open"}).wait_durable()
    except LedgerUnavailableError as error:
        raise UnavailableError(f"the ledger cannot be written: {error}") from error


def announce(log: LedgerWriter, release: Release) -> PlacedEntry:
    """Write the entry of a start, wait until it is durable, and say where it stands.

    Raises:
        UnavailableError: the ledger cannot be written.
    """
    fields = {"r": b64url(release.program), "m": b64url(release.models), "g": b64url(release.configuration)}
    if release.dependencies is not None:
        fields["d"] = b64url(release.dependencies)
    try:
        written = log.append("boot", fields=fields).wait()
    except LedgerUnavailableError as error:
        raise UnavailableError(f"the ledger cannot be written: {error}") from error
    return PlacedEntry(written.index, written.envelope)

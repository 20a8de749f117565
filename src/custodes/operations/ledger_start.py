"""What a server writes into its ledger when it starts: what it is, whose it is, by which rules it decides.

In: a log that takes entries, digests of release, networks and configuration. Out: a ``boot`` entry at every start. An
empty log begins with ``acc`` for the operator's account and ``pol`` for the policy, whoever opens it first: the server
or an operator's command. It reads nothing back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.ledger.entry import b64url
from custodes.ledger.parts import LedgerWriter
from custodes.ledger.ports import LedgerUnavailableError

ALLOW_ALL = b"custodes policy: whoever authenticated may"
"""Stands for the policy of a server without policies; its SHA-256 is what ``pol`` says."""


@dataclass(frozen=True, slots=True)
class Release:
    """What runs here.

    Attributes:
        program: SHA-256 over the program's files.
        models: SHA-256 that names the networks.
        configuration: SHA-256 over the settings without secrets.
    """

    program: bytes
    models: bytes
    configuration: bytes


def introduce(log: LedgerWriter, account: AccountId) -> None:
    """Write what an empty ledger begins with, the operator's account and the policy, and wait until it is durable.

    Raises:
        UnavailableError: the ledger cannot be written.
    """
    try:
        pending = [
            log.append("acc", body={"acct": account, "role": "operator"}, fields={"n": 1, "x": "open"}),
            log.append("pol", fields={"p": b64url(hashlib.sha256(ALLOW_ALL).digest()), "q": 0}),
        ]
        for entry in pending:
            entry.wait_durable()
    except LedgerUnavailableError as error:
        raise UnavailableError(f"the ledger cannot be written: {error}") from error


def announce(log: LedgerWriter, release: Release) -> None:
    """Write the entry of a start and wait until it is durable.

    Raises:
        UnavailableError: the ledger cannot be written.
    """
    fields = {"r": b64url(release.program), "m": b64url(release.models), "g": b64url(release.configuration)}
    try:
        log.append("boot", fields=fields).wait_durable()
    except LedgerUnavailableError as error:
        raise UnavailableError(f"the ledger cannot be written: {error}") from error

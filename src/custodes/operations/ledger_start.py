"""What a server writes into its ledger when it starts: what it is, whose it is, by which rules it decides.

In: a log that takes entries, digests of release, networks and configuration. Out: a ``boot`` entry at every start; in
front of the very first one ``acc`` for the operator's account and ``pol`` for the policy. It reads nothing back.
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


def announce(log: LedgerWriter, release: Release, account: AccountId, *, first: bool) -> None:
    """Write the entries of a start and wait until they are durable.

    Args:
        log: a started log.
        release: what runs.
        account: the operator's.
        first: whether the log was empty.

    Raises:
        UnavailableError: the ledger cannot be written.
    """
    try:
        pending = []
        if first:
            body = {"acct": account, "role": "operator"}
            pending.append(log.append("acc", body=body, fields={"n": 1, "x": "open"}))
            policy = b64url(hashlib.sha256(ALLOW_ALL).digest())
            pending.append(log.append("pol", fields={"p": policy, "q": 0}))
        fields = {
            "r": b64url(release.program),
            "m": b64url(release.models),
            "g": b64url(release.configuration),
        }
        pending.append(log.append("boot", fields=fields))
        for entry in pending:
            entry.wait_durable()
    except LedgerUnavailableError as error:
        raise UnavailableError(f"the ledger cannot be written: {error}") from error

"""Officers' signatures for single orders, made with a private key in a file or taken from elsewhere.

In: the order as it is signed, key files, signatures as text. Out: signatures as text. The key leaves its file for
nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from custodes.core.errors import UnavailableError
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.writer.keys import SigningKey, read_secret
from custodes.operations.record.consent import order_message

SignWithOption = Annotated[
    list[Path] | None,
    typer.Option("--sign-with", help="Your private key as an officer; may be given for each who signs.", exists=True),
]
SignatureOption = Annotated[
    list[str] | None,
    typer.Option("--signature", help="An officer's signature, of: the same command with --sign-only."),
]
SignOnlyOption = Annotated[bool, typer.Option("--sign-only", help="Print your signatures and do nothing else.")]


def sign_order(data: Path, operation: str, members: Mapping[str, object], keys: Sequence[Path]) -> tuple[str, ...]:
    """The signatures of the officers whose private keys are in ``keys``, for an order to the server on ``data``.

    Raises:
        UnavailableError: a key cannot be used.
    """
    from custodes.deployment.record.ledger import log_name

    found = []
    for path in keys:
        try:
            key = SigningKey.parse(read_secret(path).decode())
        except (NoteError, UnicodeDecodeError) as error:
            raise UnavailableError(f"the key {path} cannot be used: {error}") from error
        found.append(f"{key.name}:{key.sign(order_message(log_name(data), operation, members)).hex()}")
    return tuple(found)

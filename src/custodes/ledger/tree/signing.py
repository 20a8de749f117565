"""Signing notes and checkpoints, for those who keep a log.

In: a text and signers. Out: the signed note. ``tlog.note`` checks it. Source: c2sp.org/signed-note v1.0.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.note import Note, Signature, check_text


class Signer(Protocol):
    """Signs the text of notes under a name."""

    @property
    def name(self) -> str:
        """Name of the key."""
        ...

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        ...

    def sign(self, text: bytes) -> bytes:
        """Signature bytes as they stand in the note behind the key id."""
        ...


def signed_note(text: str, signers: Iterable[Signer]) -> Note:
    """The note of ``text`` signed by all ``signers``.

    Raises:
        NoteError: the text cannot be a note's.
    """
    check_text(text)
    body = text.encode()
    return Note(text, tuple(Signature(s.name, s.key_id, s.sign(body)) for s in signers))


def sign_checkpoint(checkpoint: Checkpoint, signers: Iterable[Signer]) -> bytes:
    """The bytes of the checkpoint as a note with everybody's signatures."""
    return signed_note(checkpoint.text(), signers).encode()

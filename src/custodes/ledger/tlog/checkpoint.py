"""C2SP checkpoints: origin, size and root of a log as the text of a signed note.

In: the three values, or text. Out: text, or the three values. Signatures are ``note``'s. We write no extension lines
(they cannot be audited) and keep those of others. Source: c2sp.org/tlog-checkpoint v1.0.0.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from custodes.ledger.tlog.merkle import HASH_BYTES, MAX_SIZE
from custodes.ledger.tlog.note import NoteError, Verifier, decode_base64, open_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: ``root`` is the Merkle root over the first ``size`` entries of the log called ``origin``."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(line + "\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text.

    Raises:
        NoteError: it is not one.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] != "" or not all(lines[:-1]):
        raise NoteError("a checkpoint has at least three lines, none empty")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise NoteError("the size of the checkpoint is not a decimal number in range")
    hash_ = decode_base64(root)
    if len(hash_) != HASH_BYTES:
        raise NoteError("the root of the checkpoint is not 32 bytes")
    return Checkpoint(origin, int(size), hash_, tuple(lines[3:-1]))


def open_checkpoint(data: bytes, keys: Sequence[Verifier], *, origin: str | None = None) -> Checkpoint:
    """Verify a signed checkpoint; by default its origin must be the name of the first key, as C2SP recommends.

    Raises:
        NoteError: the note does not verify, is no checkpoint, or is of another log.
    """
    note, _ = open_note(data, keys)
    checkpoint = parse_checkpoint(note.text)
    expected = keys[0].name if origin is None else origin
    if checkpoint.origin != expected:
        raise NoteError(f"the checkpoint is of {checkpoint.origin!r} and not of {expected!r}")
    return checkpoint

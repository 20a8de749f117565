"""C2SP tlog-proof files, for tools of others: written, read and checked.

In: an index with its inclusion proof and the signed checkpoint; or the bytes of a file, an envelope and the keys that
one trusts. Out: the bytes of the file; or the checked entry. Source: c2sp.org/tlog-proof v1.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from custodes.ledger.tlog.checkpoint import open_checkpoint
from custodes.ledger.tlog.entry import EntryError, decode
from custodes.ledger.tlog.merkle import ProofError, leaf_hash, verify_inclusion
from custodes.ledger.tlog.note import NoteError, Verifier, decode_base64, open_note
from custodes.ledger.tlog.proof import VerifiedEntry

TLOG_PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_MAX_PATH = 63


def encode_tlog_proof(index: int, path: Sequence[bytes], checkpoint: bytes, extra: bytes = b"") -> bytes:
    """A C2SP tlog-proof file."""
    lines = [TLOG_PROOF_HEADER]
    if extra:
        lines.append(f"extra {base64.b64encode(extra).decode()}")
    lines.append(f"index {index}")
    lines.extend(base64.b64encode(hash_).decode() for hash_ in path)
    return "\n".join(lines).encode() + b"\n\n" + checkpoint


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A parsed tlog-proof file, nothing verified yet."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Read a tlog-proof file.

    Raises:
        ProofError: it is not one.
    """
    head, separator, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode().split("\n")
        if not separator or lines.pop(0) != TLOG_PROOF_HEADER:
            raise ProofError("this is not a tlog-proof of version 1")
        extra = decode_base64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
        number = lines.pop(0).removeprefix("index ") if lines and lines[0].startswith("index ") else ""
        path = tuple(decode_base64(line) for line in lines)
    except (NoteError, UnicodeDecodeError) as error:
        raise ProofError("the tlog-proof is malformed") from error
    if not number.isascii() or not number.isdecimal() or str(int(number)) != number or len(path) > _MAX_PATH:
        raise ProofError("the tlog-proof is malformed")
    return TlogProof(int(number), path, checkpoint, extra)


def verify_tlog_proof(data: bytes, envelope: bytes, keys: Sequence[Verifier], *, need: int = 1) -> VerifiedEntry:
    """Check that ``envelope`` is in the tree that a tlog-proof file shows, signed by ``need`` of ``keys``; the first is
    the log's.

    Raises:
        ProofError: something does not hold; the message says what.
    """
    proof = parse_tlog_proof(data)
    try:
        checkpoint = open_checkpoint(proof.checkpoint, keys)
        open_note(proof.checkpoint, keys, need=need)
        entry = decode(envelope)
    except (NoteError, EntryError) as error:
        raise ProofError(str(error)) from error
    verify_inclusion(leaf_hash(envelope), proof.index, checkpoint.size, proof.path, checkpoint.root)
    return VerifiedEntry(proof.index, entry, checkpoint)

"""A witness: it remembers the newest state of each log that it knows, and cosigns only what continues it.

In: the bytes of an ``add-checkpoint`` request. Out: status, content type and bytes of the answer. The rules of C2SP
tlog-witness are here, without any network; memory is a port whose ``advance`` is atomic and durable, so that a witness
never signs two trees of one size and never goes back, whatever crashes. It does not look into the log's entries.

Source: c2sp.org/tlog-witness (add-checkpoint), c2sp.org/tlog-cosignature (v1).
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custodes.ledger.tlog.checkpoint import Checkpoint, parse_checkpoint
from custodes.ledger.tlog.consistency import verify_consistency
from custodes.ledger.tlog.merkle import EMPTY_ROOT, HASH_BYTES, ProofError
from custodes.ledger.tlog.note import Note, NoteError, Signature, VerifierKey, decode_base64, open_note, parse_note
from custodes.ledger.tlog.trust import CosignerKey, cosigned_message

MAX_REQUEST_BYTES = 1 << 17
MAX_PROOF_LINES = 63
SIZE_TYPE = "text/x.tlog.size"
_TEXT_TYPE = "text/plain; charset=utf-8"
_OLD = re.compile(rb"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class WitnessedState:
    """The newest state of a log that this witness cosigned."""

    size: int
    root: bytes


NOTHING = WitnessedState(0, EMPTY_ROOT)


class WitnessMemory(Protocol):
    """What a witness remembers, by origin."""

    def latest(self, origin: str) -> WitnessedState:
        """The newest state cosigned; ``NOTHING`` if there is none."""
        ...

    def advance(self, origin: str, old: WitnessedState, new: WitnessedState) -> bool:
        """Put ``new`` in place of ``old``, if ``old`` is still what is remembered; whether it was.

        Comparing and replacing are one step, for all threads and processes, and durable when this returns True.

        Raises:
            OSError: it could not be made durable; then nothing may be signed.
        """
        ...


@dataclass(frozen=True, slots=True)
class WitnessReply:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = _TEXT_TYPE


@dataclass(frozen=True, slots=True)
class WitnessRequest:
    """An ``add-checkpoint`` request taken apart, nothing verified."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """The bytes of the request."""
        lines = [b"old %d\n" % self.old, *(base64.b64encode(hash_) + b"\n" for hash_ in self.proof), b"\n"]
        return b"".join(lines) + self.note


def parse_request(data: bytes) -> WitnessRequest:
    """Read an ``add-checkpoint`` request.

    Raises:
        NoteError: it is malformed.
    """
    if len(data) > MAX_REQUEST_BYTES:
        raise NoteError("the request is too long")
    head, blank, note = data.partition(b"\n\n")
    if not blank:
        raise NoteError("the request has no empty line")
    first, *lines = head.split(b"\n")
    old = _OLD.fullmatch(first)
    if old is None or len(lines) > MAX_PROOF_LINES:
        raise NoteError("the request has no old size, or too many lines of proof")
    try:
        proof = tuple(decode_base64(line.decode("ascii")) for line in lines)
    except UnicodeDecodeError as error:
        raise NoteError("a line of proof is not base64") from error
    if any(len(hash_) != HASH_BYTES for hash_ in proof):
        raise NoteError("a line of proof is not a hash")
    return WitnessRequest(int(old[1]), proof, note)


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's name and Ed25519 key. The key must cosign under this name only."""

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> CosignerKey:
        """The key for trust policies."""
        return CosignerKey(self.name, self.private.public_key().public_bytes_raw())


class WitnessServer:
    """Answers logs. Knows some logs by origin, each with the keys it may sign with."""

    def __init__(
        self,
        key: WitnessKey,
        logs: Mapping[str, Sequence[VerifierKey]],
        memory: WitnessMemory,
        now: Callable[[], int],
    ) -> None:
        """Cosign with ``key``; ``now`` gives seconds since the epoch."""
        self._key = key
        self._logs = logs
        self._memory = memory
        self._now = now

    def add_checkpoint(self, data: bytes) -> WitnessReply:
        """Answer a request, in the order of checks of the specification."""
        try:
            request = parse_request(data)
            note = parse_note(request.note)
            checkpoint = parse_checkpoint(note.text)
        except NoteError as error:
            return _refuse(400, str(error))
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            return _refuse(404, "this witness does not know that log")
        try:
            open_note(request.note, keys)
        except NoteError as error:
            return _refuse(403, str(error))
        if request.old > checkpoint.size:
            return _refuse(400, "the old size is larger than the new one")
        return self._continue(request, note, checkpoint)

    def _continue(self, request: WitnessRequest, note: Note, checkpoint: Checkpoint) -> WitnessReply:
        seen = self._memory.latest(checkpoint.origin)
        if request.old != seen.size:
            return _conflict(seen)
        if request.old == checkpoint.size and not hmac.compare_digest(seen.root, checkpoint.root):
            # Two trees of one size: the log shows different people different things.
            return _conflict(seen)
        try:
            verify_consistency(seen.size, checkpoint.size, request.proof, seen.root, checkpoint.root)
        except ProofError as error:
            return _refuse(422, str(error))
        new = WitnessedState(checkpoint.size, checkpoint.root)
        # Durable before it is signed: whatever happens next, this witness will not sign anything that contradicts it.
        if not self._memory.advance(checkpoint.origin, seen, new):
            return _conflict(self._memory.latest(checkpoint.origin))
        public = self._key.public
        value = cosign(self._key.private, note.text.encode(), self._now())
        return WitnessReply(200, Signature(public.name, public.key_id, value).line().encode())


def _refuse(status: int, reason: str) -> WitnessReply:
    return WitnessReply(status, reason.encode() + b"\n")


def _conflict(seen: WitnessedState) -> WitnessReply:
    return WitnessReply(409, b"%d\n" % seen.size, SIZE_TYPE)


def cosign(key: Ed25519PrivateKey, body: bytes, time: int) -> bytes:
    """A cosignature over a checkpoint's text: the time, then the signature."""
    return time.to_bytes(8, "big") + key.sign(cosigned_message(time, body))

"""The log's side: ask witnesses to cosign a checkpoint, and add what they answer to it.

In: a signed checkpoint, a way to make consistency proofs, witnesses with their addresses, a way to post. Out: the
checkpoint with all valid cosignatures, and per witness what went wrong. What a witness answers is not believed: its
signature is verified, everything else is ignored. Talking to many at once is the caller's business.

Source: c2sp.org/tlog-witness (add-checkpoint).
"""

from __future__ import annotations

import hmac
import http.client
import re
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from custodes.ledger.tlog.checkpoint import parse_checkpoint
from custodes.ledger.tlog.note import Note, NoteError, Signature, parse_note
from custodes.ledger.tlog.trust import Witness, cosigned_at
from custodes.ledger.witness.witness import SIZE_TYPE, WitnessReply, WitnessRequest

_MAX_REPLY = 1 << 16
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")

Post = Callable[[str, bytes], WitnessReply]
"""Posts bytes to an address and returns the answer. Raises OSError when there is none."""

Consistency = Callable[[int, int], list[bytes]]
"""Consistency proof from one size to another of our log."""


class WitnessError(Exception):
    """A witness did not cosign; the message says why."""


class WitnessConflictError(WitnessError):
    """A witness saw another history of this log, or a newer state of it."""


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Outcome of asking witnesses: the checkpoint with all cosignatures, and the failures by witness name.

    ``conflicts`` names those of them that are not a matter of the network: the witness saw another history. ``at`` is
    when the last one confirmed it (seconds since the epoch), None when none did.
    """

    checkpoint: bytes
    failures: dict[str, str]
    conflicts: frozenset[str] = frozenset()
    at: int | None = None


def ask_all(checkpoint: bytes, witnesses: Iterable[Witness], consistency: Consistency, post: Post) -> Cosigned:
    """Ask every witness that has an address, one after the other.

    Raises:
        NoteError: ``checkpoint`` is none.
    """
    note = parse_note(checkpoint)
    failures: dict[str, str] = {}
    conflicts: set[str] = set()
    added: list[Signature] = []
    for witness in witnesses:
        try:
            added.append(ask(checkpoint, witness, consistency, post))
        except WitnessError as error:
            failures[witness.name] = str(error)
            if isinstance(error, WitnessConflictError):
                conflicts.add(witness.name)
    latest = max((cosigned_at(line.value) for line in added), default=None)
    known = {(line.name, line.key_id) for line in added}
    kept = tuple(line for line in note.signatures if (line.name, line.key_id) not in known)
    return Cosigned(Note(note.text, kept + tuple(added)).encode(), failures, frozenset(conflicts), latest)


def ask(checkpoint: bytes, witness: Witness, consistency: Consistency, post: Post) -> Signature:
    """One witness's cosignature over ``checkpoint``.

    The witness knows best what it saw last: it is asked from there, after one answer that says so.

    Raises:
        WitnessError: it refused, did not answer, or answered something that does not verify.
        NoteError: ``checkpoint`` is none.
    """
    text = parse_note(checkpoint).text
    size = parse_checkpoint(text).size
    if witness.url is None:
        raise WitnessError("no address is known")
    old = 0
    for _ in range(3):  # the size may move between our two questions when two of our processes ask
        reply = _post(post, witness.url, WitnessRequest(old, tuple(consistency(old, size)), checkpoint))
        if reply.status == 200:
            return _cosignature(reply.body, witness, text)
        value = _SIZE.fullmatch(reply.body)
        if reply.status != 409 or reply.content_type.split(";")[0].strip() != SIZE_TYPE or value is None:
            raise WitnessError(f"refused with status {reply.status}")
        seen = int(value[1])
        if seen > size:
            raise WitnessConflictError(f"it has seen a newer state of this log, of size {seen}; ours has {size}")
        if seen == old:
            raise WitnessConflictError(f"it has seen another tree of size {seen}: this log was forked")
        old = seen
    raise WitnessError("its state keeps changing")


def _post(post: Post, url: str, request: WitnessRequest) -> WitnessReply:
    try:
        return post(f"{url.rstrip('/')}/add-checkpoint", request.encode())
    except OSError as error:
        raise WitnessError(f"no answer: {error}") from error


def _cosignature(body: bytes, witness: Witness, text: str) -> Signature:
    try:
        lines = parse_note(text.encode() + b"\n" + body).signatures
    except NoteError as error:
        raise WitnessError(f"its answer is malformed: {error}") from error
    for line in lines:
        if line.name == witness.key.name and hmac.compare_digest(line.key_id, witness.key.key_id):
            if witness.key.verify(text.encode(), line.value):
                return line
            raise WitnessError("its cosignature does not hold")
    raise WitnessError("it answered without its cosignature")


def http_post(timeout_s: float = 10.0) -> Post:
    """A ``Post`` over HTTP or HTTPS that follows no redirects and reads at most 64 KiB."""

    def post(url: str, data: bytes) -> WitnessReply:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OSError("the address is neither http nor https")
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout_s, context=context)
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
        try:
            connection.request("POST", parts.path, body=data, headers={"Content-Type": "text/plain; charset=utf-8"})
            answer = connection.getresponse()
            return WitnessReply(answer.status, answer.read(_MAX_REPLY), answer.headers.get("Content-Type", ""))
        except http.client.HTTPException as error:
            raise OSError(f"not an HTTP answer: {type(error).__name__}") from error
        finally:
            connection.close()

    return post

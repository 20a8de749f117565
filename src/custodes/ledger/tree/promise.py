"""What a log of several servers answers at once, before a tree holds the entry: read, and checked as far as it can be.

In: the text of a promise, the keys one trusts. Out: the entry that was promised. It proves nothing by itself; with the
log's proof (``tlog_proof``) it is as good as a receipt. Its layout is in FORMAT.md; it is made in ``writer.receipt``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from custodes.ledger.tlog.commitment import SALT_BYTES, BodyError, check_opening
from custodes.ledger.tlog.entry import Entry, EntryError, decode, from_b64url
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.note import Verifier
from custodes.ledger.tlog.proof import MAX_RECEIPT_CHARS, ByteCursor

PROMISE_PREFIX = "q1."


@dataclass(frozen=True, slots=True)
class Promise:
    """What a log answers at once whose tree is signed a moment later: ``envelope`` has place ``index`` for good.

    It proves nothing by itself, because the nodes that give it do not have the log's key. Once the log has published a
    tree of more than ``index`` entries, its proof and this make a receipt; a log that shows another entry there broke
    its word.
    """

    index: int
    envelope: bytes
    origin: str
    salt: bytes = field(default=b"", repr=False)


def is_promise(token: str) -> bool:
    """Whether a token says that an entry is sequenced, and not yet that it is included."""
    return token.startswith(PROMISE_PREFIX)


def parse_promise(token: str) -> Promise:
    """Read what was answered at once. Raises ProofError: it is no such token."""
    if not is_promise(token) or len(token) > MAX_RECEIPT_CHARS:
        raise ProofError("this is not a promise of version 1")
    try:
        cursor = ByteCursor(from_b64url(token.removeprefix(PROMISE_PREFIX)))
        origin = cursor.take(cursor.number(1)).decode()
        index = cursor.number(8)
        salt, envelope = cursor.take(cursor.number(1)), cursor.take(cursor.number(2))
        decode(envelope)
    except (EntryError, UnicodeDecodeError) as error:
        raise ProofError("the promise is malformed") from error
    if cursor.at != len(cursor.data) or len(salt) not in (0, SALT_BYTES):
        raise ProofError("the promise has another length than it says")
    return Promise(index, envelope, origin, salt)


def check_promise(promise: Promise, body: bytes | None, keys: Sequence[Verifier]) -> Entry:
    """The entry of a promise that is of a log of ``keys``; ``body``, where it came with one, opens its commitment.

    Raises:
        ProofError: it is of another log, or the body is another one.
    """
    if all(key.name != promise.origin for key in keys):
        raise ProofError(f"the promise is of the log {promise.origin!r}, which is not trusted")
    entry = decode(promise.envelope)
    if body is not None:
        try:
            check_opening(entry.commitment or b"", promise.salt, body)
        except BodyError as error:
            raise ProofError(str(error)) from error
    return entry

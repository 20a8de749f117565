"""A new key for the log of a data directory: handed over by the old one, in the log itself.

In: a data directory that no server has open. Out: a ``key`` entry that the old key signs, the new key in its place, and
the old public key kept where the log, its tools and the trust policy find it, so that what it signed still verifies. A
rotation that is cut short is finished by the next call with the same new key. Witnesses and readers elsewhere have to
be told; nothing here reaches them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from custodes.core.clock import Clock
from custodes.core.errors import UnavailableError
from custodes.deployment.record.ledger import POLICY_FILE, started
from custodes.deployment.record.statements import open_statements
from custodes.durable import move_durably, write_durably
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.note import NoteError
from custodes.ledger.tlog.tiles import LedgerUnavailableError
from custodes.ledger.tlog.trust import TrustError, parse_policy
from custodes.ledger.writer.keys import SigningKey, read_secret, rotation_fields, write_secret
from custodes.ledger.writer.published import RunningLog
from custodes.operations.record.admin.ledger import LogKeyRotated
from custodes.storage.ledger.open import LedgerPaths, old_verifiers

_SEED_BYTES = 32


@contextmanager
def rotating(data: Path, clock: Clock) -> Iterator[tuple[RunningLog, Callable[[], LogKeyRotated]]]:
    """The log of ``data``, and what replaces its key. At the end of the block the new key signs a head of the map.

    Raises:
        UnavailableError: there is no ledger, a server has it open, or it cannot be written.
    """
    paths = LedgerPaths(data)
    if not paths.signing_key.exists():
        raise UnavailableError(f"there is no ledger in {data}")
    with _said_plainly():
        if (data / POLICY_FILE).exists():
            parse_policy((data / POLICY_FILE).read_bytes())  # it is extended later; better to know now
        old = SigningKey.parse(read_secret(paths.signing_key).decode())
    with started(data, old.name, None, clock) as log:
        yield log, lambda: _hand_over(data, log, old)
    with _said_plainly(), started(data, old.name, None, clock) as log:
        open_statements(data).close_head(log)


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except (NoteError, TrustError, LedgerUnavailableError) as error:
        raise UnavailableError(f"the key could not be replaced: {error}") from error


def _hand_over(data: Path, log: RunningLog, old: SigningKey) -> LogKeyRotated:
    paths = LedgerPaths(data)
    with _said_plainly():
        new = _next_key(paths, old)
        fields = rotation_fields(old, new)
        index = _written(log, fields["y"])
        if index is None:
            index = log.append("key", fields=fields).wait().index
            log.flush()
        # From here on both keys are known everywhere, so it does not matter when the new one takes over.
        kept = [str(key) for key in old_verifiers(data)]
        if str(old.verifier) not in kept:
            lines = "".join(f"{line}\n" for line in [*kept, str(old.verifier)])
            write_durably(paths.old_verifiers, lines.encode(), 0o644)
        _extend_policy(data / POLICY_FILE, old, new)
        move_durably(paths.next_key, paths.signing_key)
    return LogKeyRotated(index, str(new.verifier))


def _next_key(paths: LedgerPaths, old: SigningKey) -> SigningKey:
    """The key to come, on disk before anything names it."""
    if not paths.next_key.exists():
        key = SigningKey.from_seed(old.name, secrets.token_bytes(_SEED_BYTES))
        write_secret(paths.next_key, key.encode().encode() + b"\n")
    return SigningKey.parse(read_secret(paths.next_key).decode())


def _written(log: RunningLog, public: str) -> int | None:
    """Index of the entry that hands over to the key ``public``, if it is there."""
    log.flush()
    for index, envelope in log.tree().entries():
        if b'"k":"key"' in envelope and decode(envelope).fields.get("y") == public:
            return index
    return None


def _extend_policy(path: Path, old: SigningKey, new: SigningKey) -> None:
    """Name the new key beside the old one; what else the operator wrote stays as it is."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"log {old.verifier}\nquorum none\n"
    if all(key.public != new.verifier.public for key in parse_policy(text.encode()).logs):
        write_durably(path, f"log {new.verifier}\n{text}".encode(), 0o644)

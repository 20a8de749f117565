"""Destroying private bodies on record: the entry that says so first, the bodies only then.

In: an account, a time, a reason and the rule that asks for it. Out: ``del`` entries, and bodies gone. Only uses that a
head of the account map counts can lose their bodies, with the permission that each settles: so every use stays credited
to its account, and whoever reads a statement sees by which entry its details went.
"""

from __future__ import annotations

from dataclasses import dataclass

from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.ledger.prover.body_deletion import deletion_body, parts
from custodes.ledger.prover.sources import AccountSources
from custodes.ledger.tlog.entry import Value, decode
from custodes.ledger.writer.published import RunningLog

_MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Destruction:
    """What is to be destroyed: the bodies of the uses of ``account`` before ``before_ms``, why, and by which rule."""

    account: str
    before_ms: int
    reason: str
    rule: str

    def __post_init__(self) -> None:
        """A reason is there, and short. Raises InvalidParameterError."""
        if not 0 < len(self.reason) <= _MAX_REASON:
            raise InvalidParameterError(f"destroying private bodies takes a reason of up to {_MAX_REASON} letters")


def destroy(what: Destruction, sources: AccountSources, log: RunningLog) -> int:
    """Log and do it; returns the index of the last ``del`` entry.

    Raises:
        NotFoundError: the account has no such uses that a head counts.
        EntryError: the rule is no short name.
        LedgerUnavailableError: an entry could not be written; nothing more was destroyed.
        OSError: a store failed after the entry was written: do it again.
    """
    wanted: list[int] = []
    for use in sources.uses_of(what.account, sources.accounts.size):
        if use.t < what.before_ms and use.body is not None:
            permission = decode(use.envelope).settles
            wanted += [use.index] if permission is None else [permission, use.index]
    if not wanted:
        raise NotFoundError("the account has no uses with private bodies before that time")
    last = -1
    for part in parts(sorted(wanted)):
        body = deletion_body(what.account, part, what.reason, what.rule)
        fields: dict[str, Value] = {"m": sources.head, "n": len(part), "x": what.rule}
        last = log.append("del", body=body, fields=fields).wait().index
        log.erase(part)
    return last

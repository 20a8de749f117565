"""Destroying private bodies on record: the entry that says so first, the bodies only then.

In: an account, a time, a reason and the rule that asks for it. Out: ``del`` entries, and bodies gone. Only uses that a
head of the account map counts can lose their bodies, with the permission that each settles: so every use stays credited
to its account, and whoever reads a statement sees by which entry its details went.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from custodes.core.errors import InvalidParameterError, NotFoundError
from custodes.ledger.prover.body_deletion import deletion_body, parts
from custodes.ledger.prover.sources import AccountSources
from custodes.ledger.tlog.entry import Value, decode
from custodes.ledger.writer.log import LedgerLog

ORDER = "destroy-bodies"
_MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Destruction:
    """What is to be destroyed: the bodies of the uses of ``account`` before ``before_ms``, why, and by which rule."""

    account: str
    before_ms: int
    reason: str
    rule: str

    @classmethod
    def ordered(cls, members: Mapping[str, object]) -> Destruction:
        """From the members of an order.

        Raises:
            InvalidParameterError: one is missing or of a wrong form.
        """
        account, before = members.get("account"), members.get("before")
        reason, rule = members.get("reason"), members.get("rule")
        texts = isinstance(account, str) and isinstance(reason, str) and isinstance(rule, str)
        if not texts or not isinstance(before, int) or not reason or len(str(reason)) > _MAX_REASON:
            raise InvalidParameterError("destroying private bodies takes an account, a time, a reason and a rule")
        return cls(str(account), before, str(reason), str(rule))


def destroy(what: Destruction, sources: AccountSources, log: LedgerLog) -> int:
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

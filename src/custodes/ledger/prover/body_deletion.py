"""The entry by which private bodies leave: what it says in public, and its own private body.

In: which entries, whose they are, why and by which rule. Out: the fields and body of a ``del`` entry, and back. It is
written before anything is destroyed, and only for uses that a head of the account map counts, so that a map can
always be made again: the body names the account, and is itself never destroyed. It destroys nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from custodes.ledger.tlog.commitment import BodyError

# So many indexes of 16 digits fit into a body of 16 KiB together with the other members.
MAX_ENTRIES = 800


@dataclass(frozen=True, slots=True)
class Deletion:
    """One ``del`` entry, opened.

    Attributes:
        index: where it stands in the log.
        envelope: its public bytes.
        salt: salt of its commitment.
        body: its canonical private body.
        account: whose the entries are; None where they belong to no account.
        entries: indexes of the entries whose bodies go.
    """

    index: int
    envelope: bytes
    salt: bytes = field(repr=False)
    body: bytes = field(repr=False)
    account: str | None
    entries: tuple[int, ...]

    @classmethod
    def read(cls, index: int, envelope: bytes, salt: bytes, body: bytes) -> Deletion:
        """From the stored parts of an entry.

        Raises:
            BodyError: the body is not one of a ``del`` entry.
        """
        members = json.loads(body)
        account, entries = members.get("acct"), members.get("entries")
        if not (account is None or isinstance(account, str)) or not isinstance(entries, list):
            raise BodyError(f"the body of entry {index} does not say what was destroyed")
        return cls(index, envelope, salt, body, account, tuple(entries))


def deletion_body(account: str | None, entries: Sequence[int], reason: str, rule: str) -> dict[str, object]:
    """The private body of a ``del`` entry."""
    whose = {} if account is None else {"acct": account}
    return {**whose, "entries": list(entries), "reason": reason, "rule": rule}


def parts(entries: Sequence[int]) -> Iterator[Sequence[int]]:
    """``entries`` in portions that one ``del`` entry can name."""
    for begin in range(0, len(entries), MAX_ENTRIES):
        yield entries[begin : begin + MAX_ENTRIES]

"""Receipts that somebody kept, held against each other and against a copy of the log.

In: a folder of receipt files, keys that the reader trusts; a copy of the log if at hand. Out: one row per receipt. A
receipt is the log's own signature over a state that holds the entry, so one that does not fit the copy shows, to
anybody, that the log signed two histories. A promise is not signed: that the log broke it shows to whoever has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from custodes.ledger.tlog.checkpoint import Checkpoint
from custodes.ledger.tlog.merkle import ProofError
from custodes.ledger.tlog.note import Verifier
from custodes.ledger.tlog.proof import MAX_RECEIPT_CHARS, VerifiedEntry, verify_owned
from custodes.ledger.tree.promise import check_promise, is_promise, parse_promise
from custodes.ledger.tree.tiles import Tree

# A receipt's entry is published within a second; clocks of two machines differ by less than the rest.
_PUBLISHED_MS = 600_000


class LogCopy(Protocol):
    """A copy of a log that is verified up to ``size``."""

    @property
    def size(self) -> int:
        """Entries in it."""
        ...

    def root_at(self, size: int) -> bytes:
        """Root over its first ``size`` entries."""
        ...

    def tree(self) -> Tree:
        """It, as a tree."""
        ...


@dataclass(frozen=True, slots=True)
class CheckedReceipt:
    """A receipt file and what is wrong with it.

    Attributes:
        file: its path.
        found: the entry, where the receipt holds.
        problem: why it does not, or what it contradicts; None when all is well.
        pending: it is newer than the copy, or a promise that was not compared, and may still come.
        account: whose it is, where the receipt came with the private part that says so.
    """

    file: Path
    found: VerifiedEntry | None
    problem: str | None = None
    pending: bool = False
    account: str | None = None


def check_receipts(
    folder: Path, keys: Sequence[Verifier], copy: LogCopy | None, now_ms: int
) -> Iterator[CheckedReceipt]:
    """Check every ``*.receipt`` below ``folder``, in the order of their names.

    Raises:
        OSError: the folder or a file cannot be read.
    """
    trees: dict[int, bytes] = {}
    leaves: dict[int, bytes] = {}
    for file in sorted(folder.rglob("*.receipt"), key=lambda path: (len(path.name), path)):
        with file.open("rb") as opened:
            text = opened.read(MAX_RECEIPT_CHARS + 2)
        beside = file.with_suffix(".body.json")
        body = beside.read_bytes() if beside.is_file() else None
        if is_promise(text.decode("ascii", "replace")):
            yield _promised(file, text, body, (keys, copy, now_ms))
            continue
        try:
            found = verify_owned(text.decode("ascii", "replace").strip(), body, keys)
            account = _account(body)
        except (ProofError, ValueError) as error:
            yield CheckedReceipt(file, None, f"it does not hold: {error}")
            continue
        yield replace(_held_against(file, found, (trees, leaves), copy, now_ms), account=account)


def _promised(
    file: Path, text: bytes, body: bytes | None, against: tuple[Sequence[Verifier], LogCopy | None, int]
) -> CheckedReceipt:
    """What became of a promise: the copy has the entry in its place, another one, or is not as far yet."""
    keys, copy, now_ms = against
    try:
        promise = parse_promise(text.decode("ascii", "replace").strip())
        entry = check_promise(promise, body, keys)
        account = _account(body)
    except (ProofError, ValueError) as error:
        return CheckedReceipt(file, None, f"it does not hold: {error}")
    if copy is None or copy.size <= promise.index:
        late = copy is not None and entry.t + _PUBLISHED_MS < now_ms
        problem = f"entry {promise.index} was promised, and the log does not go as far" if late else None
        return CheckedReceipt(file, None, problem, pending=not late, account=account)
    tree = copy.tree()
    found = VerifiedEntry(promise.index, entry, Checkpoint(promise.origin, copy.size, copy.root_at(copy.size)))
    if tree.entry(promise.index) != promise.envelope:
        return CheckedReceipt(
            file, found, f"a promise was broken: entry {promise.index} is another one", account=account
        )
    return CheckedReceipt(file, found, account=account)


def _account(body: bytes | None) -> str | None:
    facts = None if body is None else json.loads(body)
    return str(facts["acct"]) if isinstance(facts, dict) and "acct" in facts else None


def _held_against(
    file: Path,
    found: VerifiedEntry,
    seen: tuple[dict[int, bytes], dict[int, bytes]],
    copy: LogCopy | None,
    now_ms: int,
) -> CheckedReceipt:
    trees, leaves = seen
    tree, envelope = found.checkpoint, found.entry.encode()
    if trees.setdefault(tree.size, tree.root) != tree.root:
        return CheckedReceipt(file, found, f"fork: another receipt has another tree of {tree.size} entries")
    if leaves.setdefault(found.index, envelope) != envelope:
        return CheckedReceipt(file, found, f"fork: another receipt has another entry {found.index}")
    if copy is None:
        return CheckedReceipt(file, found)
    if tree.size > copy.size:
        late = found.entry.t + _PUBLISHED_MS < now_ms
        text = f"the log signed for a state of {tree.size} entries and shows only {copy.size}" if late else None
        return CheckedReceipt(file, found, text, pending=not late)
    if copy.root_at(tree.size) != tree.root:
        return CheckedReceipt(
            file, found, f"fork: entry {found.index} was signed, and is not in the log as it is shown"
        )
    return CheckedReceipt(file, found)

"""Statements that somebody was given, held against each other and against a copy of the log.

In: a folder of files, whom to trust, a copy of the log. Out: findings. A file has to verify still, the state of the log
that it rests on has to be part of the log, and a later statement about the same identifier has to show whatever an
earlier one showed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from custodes.ledger.monitor.finding import LogFinding, contradiction
from custodes.ledger.monitor.receipts import LogCopy
from custodes.ledger.tlog.entry import decode
from custodes.ledger.tlog.trust import TrustError, TrustPolicy, open_trusted
from custodes.ledger.verifier.canonical_json import MAX_BYTES, StatementError
from custodes.ledger.verifier.expected import checkpoint_in
from custodes.ledger.verifier.maps.head import parse_head
from custodes.ledger.verifier.statement import parse
from custodes.ledger.verifier.verdict import Word, verify


@dataclass(frozen=True, slots=True)
class _Shown:
    """What one statement showed under an identifier: everything in front of entry ``size``."""

    name: str
    identifier: str
    size: int
    rows: tuple[tuple[int, bytes], ...]


def check_statements(
    folder: Path, policy: TrustPolicy, copy: LogCopy, owned: Mapping[int, str] = MappingProxyType({})
) -> Iterator[LogFinding]:
    """Check every ``*.json`` in ``folder``. Files of other kinds than statements are held against the log only.

    ``owned`` are entries whose account is known from receipts: a statement about that account has to show them.

    Raises:
        OSError: the folder or a file cannot be read.
    """
    shown: list[_Shown] = []
    for file in sorted(folder.glob("*.json")):
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        try:
            trusted = open_trusted(checkpoint_in(data), policy)
        except (StatementError, TrustError) as error:
            yield contradiction(f"{file.name} does not hold: {error}", (file.name, data))
            continue
        tree = trusted.checkpoint
        if tree.size > copy.size:
            text = f"rollback: {file.name} rests on a state of {tree.size} entries; the log shows only {copy.size}"
            yield contradiction(text, (file.name, data))
        elif copy.root_at(tree.size) != tree.root:
            yield contradiction(f"fork: {file.name} rests on another history than the log shows", (file.name, data))
        else:
            yield from _sound(file.name, data, policy, shown)
    yield from _contradicted(shown)
    for one in shown:
        rows = {index for index, _ in one.rows}
        mine = (at for at, account in owned.items() if f"acct:{account}" == one.identifier and at < one.size)
        for index in sorted(set(mine) - rows)[:1]:
            yield contradiction(f"{one.name} does not show entry {index}, for which there is a receipt of that account")


def _sound(name: str, data: bytes, policy: TrustPolicy, shown: list[_Shown]) -> Iterator[LogFinding]:
    try:
        statement = parse(data)
    except StatementError:
        return  # a certificate, a report or an invoice
    verdict = verify(data, policy)
    if verdict.word is Word.INVALID:
        yield contradiction(f"{name} is invalid: {'; '.join(verdict.reasons)}", (name, data))
        return
    size = parse_head(decode(statement.head.envelope)).size
    rows = [(use.index, use.envelope) for use in statement.uses]
    rows += [(place.index, place.commitment) for place in statement.places]
    shown.append(_Shown(name, statement.question.identifier, size, tuple(rows)))


def _contradicted(shown: Iterable[_Shown]) -> Iterator[LogFinding]:
    newest: dict[str, _Shown] = {}
    for one in sorted(shown, key=lambda each: each.size):
        earlier = newest.get(one.identifier)
        if earlier is not None and tuple(row for row in one.rows if row[0] < earlier.size) != earlier.rows:
            yield contradiction(
                f"{one.name} contradicts {earlier.name}: it shows other entries of {one.identifier} in front of entry "
                f"{earlier.size}"
            )
        newest[one.identifier] = one

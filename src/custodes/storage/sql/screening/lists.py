"""Lists of a data directory, in their file or on PostgreSQL. Editions are imported whole or not at all.

In: entries of one edition. Out: what changed, and the index that screening searches. Readers never wait for an
import. A list that lost more entries than allowed is refused until confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from custodes.core.clock import Clock
from custodes.core.errors import ConflictError, InvalidParameterError
from custodes.operations.screening.ports import Edition, Progress
from custodes.screening.delta import concerns
from custodes.screening.entities import ListEntry, decode_entry
from custodes.screening.index.entries import NearEntry
from custodes.screening.names.addresses import address_pairs
from custodes.screening.names.name import PreparedName
from custodes.storage.sql.screening import schema as tables
from custodes.storage.sql.screening.database import make_tables, open_lists, outdated, writing
from custodes.storage.sql.screening.list_copy import take_over_lists
from custodes.storage.sql.screening.names import StoredNames, change_names

T = TypeVar("T")

SHRINK_PCT = 5.0
_TOGETHER = 100
"""Rows of one statement."""


@dataclass(frozen=True, slots=True)
class EditionDifference:
    """What an edition changed.

    Attributes:
        kinds: ``added``, ``removed`` or ``changed`` by the entry's number.
        now: entries added or changed, as they are.
        before: entries removed or changed, as they were.
    """

    kinds: Mapping[str, str]
    now: Sequence[ListEntry]
    before: Sequence[ListEntry]

    def to_screen(self) -> list[ListEntry]:
        """Entries to hold against customers again: added, or changed in something that matching looks at."""
        old = {entry.uid: entry for entry in self.before}
        return [entry for entry in self.now if concerns(entry, old.get(entry.uid))]


class ScreeningLists:
    """Lists of one data directory; also the index over all of their current entries."""

    def __init__(self, data: Path, url: str = "") -> None:
        """Open, and make where they are missing, the lists of ``data``, or those of the database of ``url``.

        A file with lists that is in ``data`` all the same is taken over by a database that has none yet.

        Raises:
            UnavailableError: they cannot be opened.
        """
        self._engine = open_lists(data, url)
        self._names = StoredNames(self._engine)
        if outdated(self._engine):
            self._make_anew()
        if url:
            take_over_lists(data, self._engine)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def put(
        self,
        source: str,
        form: str,
        entries: Iterable[ListEntry],
        clock: Clock,
        *,
        digest: str,
        origin: str = "",
        confirm: bool = False,
        progress: Progress | None = None,
    ) -> Edition:
        """Make ``entries`` the current edition of ``source``.

        Args:
            source: name of the list; entries take it on.
            form: the format they were read from.
            entries: all of them.
            clock: when it is.
            digest: SHA-256 of what was read.
            origin: where it came from.
            confirm: accept a list that shrank.
            progress: told how many changed entries of how many are in.

        Raises:
            InvalidParameterError: no entries.
            ConflictError: more than ``SHRINK_PCT`` fewer than before and not confirmed.
        """
        new = _numbered(entries, source)
        if not new:
            raise InvalidParameterError("the file holds no entries")
        with writing(self._engine) as connection:
            old = {row.uid: row for row in connection.execute(
                select(tables.entry.c.uid, tables.entry.c.id, tables.entry.c.digest)
                .where(tables.entry.c.source == source))}  # fmt: skip
            if old and len(new) < len(old) * (1 - SHRINK_PCT / 100) and not confirm:
                raise ConflictError(
                    f"{source} would shrink from {len(old)} to {len(new)} entries; accept with --confirm"
                )
            digests = {uid: one.digest() for uid, one in new.items()}
            kinds = dict.fromkeys(old.keys() - new.keys(), "removed") | {
                uid: "changed" if uid in old else "added"
                for uid in new if uid not in old or old[uid].digest != digests[uid]
            }  # fmt: skip
            gone = {uid: old[uid].id for uid in kinds if uid in old}
            before = _remove(connection, gone)
            added = [(new[uid], digests[uid]) for uid, kind in kinds.items() if kind != "removed"]
            named = _add(connection, added, progress or _nobody)
            if kinds:
                change_names(connection, gone.values(), named)
            parsed = list(kinds.values())
            counts = (parsed.count("added"), parsed.count("removed"), parsed.count("changed"))
            edition = Edition(source, form, digest, len(new), *counts, clock.now_ms(), origin)
            number = _record(connection, edition, confirm)
            if kinds:
                rows = [{"edition": number, "uid": uid, "kind": kind, "before": before.get(uid)}
                        for uid, kind in kinds.items()]  # fmt: skip
                connection.execute(insert(tables.change), rows)
        return edition

    def editions(self) -> list[Edition]:
        """Every import, oldest first."""
        with self._engine.connect() as connection:
            return [Edition(*row) for row in connection.execute(select(*_EDITION).order_by(tables.edition.c.id))]

    def current(self) -> dict[str, Edition]:
        """The newest edition of each list."""
        return {edition.source: edition for edition in self.editions()}

    def changes(self, source: str) -> Mapping[str, str]:
        """Kinds of ``difference``."""
        return self.difference(source).kinds

    def difference(self, source: str) -> EditionDifference:
        """What the newest edition of ``source`` changed; nothing for a list that was never imported."""
        changed = select(tables.change.c.uid, tables.change.c.kind, tables.change.c.before).where(
            tables.change.c.edition
            == select(func.max(tables.edition.c.id)).where(tables.edition.c.source == source).scalar_subquery()
        )
        now = select(tables.entry.c.body).where(
            tables.entry.c.source == source, tables.entry.c.uid.in_(changed.with_only_columns(tables.change.c.uid))
        )
        with self._engine.connect() as connection:
            rows = connection.execute(changed).all()
            entries = [decode_entry(body) for body in connection.execute(now).scalars()]
        before = [decode_entry(row.before) for row in rows if row.before is not None]
        return EditionDifference({row.uid: row.kind for row in rows}, entries, before)

    def by_identifiers(self, identifiers: Sequence[tuple[str, str]]) -> Sequence[ListEntry]:
        """Entries that carry one of these pairs."""
        if not identifiers:
            return []
        with self._engine.connect() as connection:
            ids = {row.entry for kind, value in identifiers for row in connection.execute(
                select(tables.identifier.c.entry)
                .where(tables.identifier.c.kind == kind, tables.identifier.c.value == value))}  # fmt: skip
            return _load(connection, sorted(ids))

    def by_names(self, prepared: Sequence[PreparedName]) -> Sequence[NearEntry]:
        """Every entry with a name that may alert on one of these."""
        return self._names.near(prepared)

    def uncommitted(self) -> list[tuple[int, Edition]]:
        """Editions without a ledger entry by their number, oldest first."""
        wanted = select(tables.edition.c.id, *_EDITION).where(tables.edition.c.ledger_index.is_(None))
        with self._engine.connect() as connection:
            rows = connection.execute(wanted.order_by(tables.edition.c.id)).all()
        return [(row[0], Edition(*row[1:])) for row in rows]

    def committed(self, number: int, ledger_index: int) -> None:
        """Keep the index of the ledger entry that commits to edition ``number``."""
        with writing(self._engine) as connection:
            changed = update(tables.edition).where(tables.edition.c.id == number).values(ledger_index=ledger_index)
            connection.execute(changed)

    def _make_anew(self) -> None:
        """Make the tables, and what is derived from entries where an older release made it."""
        with writing(self._engine) as connection:
            make_tables(connection)
            rows = connection.execute(select(tables.entry.c.id, tables.entry.c.body)).all()
            entries = [(row.id, decode_entry(row.body)) for row in rows]
            for part in _parts(entries):
                _identify(connection, part)
            change_names(connection, (), entries)


_EDITION = [tables.edition.c[item.name] for item in fields(Edition)]


def _nobody(_done: int, _of: int) -> None:
    """Progress that nobody watches."""


def _numbered(entries: Iterable[ListEntry], source: str) -> dict[str, ListEntry]:
    """Entries by number. A published list has been seen to give one number to two parties: both count."""
    new: dict[str, ListEntry] = {}
    for one in entries:
        uid, copies = one.uid, 1
        while uid in new:
            copies += 1
            uid = f"{one.uid}#{copies}"
        new[uid] = replace(one, uid=uid, source=source)
    return new


def _record(connection: Connection, edition: Edition, confirmed: bool) -> int:
    """Keep the edition and return its number."""
    done = connection.execute(insert(tables.edition).values(**asdict(edition), confirmed=confirmed))
    number = done.inserted_primary_key
    return int(number[0]) if number else 0


def _load(connection: Connection, ids: list[int]) -> list[ListEntry]:
    if not ids:
        return []
    return [
        decode_entry(body)
        for body in connection.execute(select(tables.entry.c.body).where(tables.entry.c.id.in_(ids))).scalars()
    ]


def _remove(connection: Connection, ids: Mapping[str, int]) -> dict[str, bytes]:
    """Take entries out; returns their bodies by number."""
    if not ids:
        return {}
    bodies = {}
    for part in _parts(list(ids.values())):
        wanted = select(tables.entry.c.uid, tables.entry.c.body).where(tables.entry.c.id.in_(part))
        bodies.update({row.uid: row.body for row in connection.execute(wanted)})
    rows = [{"id_": number} for number in ids.values()]
    for table, column in ((tables.identifier, tables.identifier.c.entry), (tables.entry, tables.entry.c.id)):
        connection.execute(delete(table).where(column == bindparam("id_")), rows)
    return bodies


def _add(
    connection: Connection, entries: Sequence[tuple[ListEntry, str]], progress: Progress
) -> list[tuple[int, ListEntry]]:
    """Put entries in, each with its digest; returns them with their numbers."""
    first = (connection.execute(select(func.max(tables.entry.c.id))).scalar() or 0) + 1
    added: list[tuple[int, ListEntry]] = []
    for part in _parts(entries):
        placed = list(enumerate(part, first + len(added)))
        rows = [
            {"id": number, "source": one.source, "uid": one.uid, "digest": digest, "body": one.encoded()}
            for number, (one, digest) in placed
        ]
        connection.execute(insert(tables.entry), rows)
        named = [(number, one) for number, (one, _) in placed]
        _identify(connection, named)
        progress(len(added), len(entries))
        added += named
    progress(len(entries), len(entries))
    return added


def _identify(connection: Connection, entries: Sequence[tuple[int, ListEntry]]) -> None:
    """Have ``entries`` found by their identifiers and addresses."""
    rows = [
        {"kind": kind, "value": value, "entry": number}
        for number, one in entries
        for kind, value in dict.fromkeys((*one.identifiers, *address_pairs(one.addresses)))
    ]
    if rows:
        connection.execute(insert(tables.identifier), rows)


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[at : at + _TOGETHER] for at in range(0, len(items), _TOGETHER))

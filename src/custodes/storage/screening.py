"""Lists of a data directory: ``screening/lists.sqlite3``. Editions are imported whole or not at all.

In: entries of one edition. Out: what changed, and the index that screening searches. Readers never wait for an import
(WAL). A list that lost more entries than allowed is refused until confirmed.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, bindparam, create_engine, delete, event, insert, select

from custodes.core.clock import Clock
from custodes.core.errors import ConflictError, InvalidParameterError
from custodes.governance.screening.entities import ListEntry, decode_entry
from custodes.governance.screening.index import posted, posted_keys, rank, sought
from custodes.governance.screening.names import PreparedName, prepare
from custodes.storage import screening_schema as tables

SHRINK_PCT = 5.0


@dataclass(frozen=True, slots=True)
class Edition:
    """One import of one list, and what it changed against the one before."""

    source: str
    format: str
    digest: str
    entries: int
    added: int
    removed: int
    changed: int
    imported_ms: int


class ScreeningLists:
    """Lists of one data directory; also the index over all of their current entries."""

    def __init__(self, data: Path) -> None:
        """Open, and create where it is missing, ``data/screening``."""
        folder = data / "screening"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "lists.sqlite3"
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._engine = create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", _prepare_connection)
        tables.metadata.create_all(self._engine)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def put(
        self, source: str, form: str, entries: Iterable[ListEntry], clock: Clock, *, digest: str, confirm: bool = False
    ) -> Edition:
        """Make ``entries`` the current edition of ``source``.

        Raises:
            InvalidParameterError: no entries.
            ConflictError: more than ``SHRINK_PCT`` fewer than before and not confirmed.
        """
        new: dict[str, ListEntry] = {}
        for one in entries:  # a published list has been seen to give one number to two parties: both count
            uid, copies = one.uid, 1
            while uid in new:
                copies += 1
                uid = f"{one.uid}#{copies}"
            new[uid] = one if uid == one.uid else replace(one, uid=uid)
        if not new:
            raise InvalidParameterError("the file holds no entries")
        with self._engine.begin() as connection:
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
            _remove(connection, [old[uid].id for uid in kinds if uid in old])
            _add(connection, source, [(new[uid], digests[uid]) for uid, kind in kinds.items() if kind != "removed"])
            told = list(kinds.values())
            edition = Edition(
                source,
                form,
                digest,
                len(new),
                told.count("added"),
                told.count("removed"),
                told.count("changed"),
                clock.now_ms(),
            )
            number = _record(connection, edition, confirm)
            if kinds:
                rows = [{"edition": number, "uid": uid, "kind": kind} for uid, kind in kinds.items()]
                connection.execute(insert(tables.change), rows)
        return edition

    def editions(self) -> list[Edition]:
        """Every import, oldest first."""
        columns = [tables.edition.c[field] for field in Edition.__dataclass_fields__]
        with self._engine.connect() as connection:
            return [Edition(*row) for row in connection.execute(select(*columns).order_by(tables.edition.c.id))]

    def changes(self, source: str) -> dict[str, str]:
        """Entries that the newest edition of ``source`` touched: ``added``, ``removed`` or ``changed`` by number."""
        with self._engine.connect() as connection:
            newest = connection.execute(
                select(tables.edition.c.id)
                .where(tables.edition.c.source == source)
                .order_by(tables.edition.c.id.desc())
            ).scalar()
            rows = connection.execute(
                select(tables.change.c.uid, tables.change.c.kind).where(tables.change.c.edition == newest)
            )
            return {row.uid: row.kind for row in rows}

    def entries(self, source: str, uids: Sequence[str]) -> list[ListEntry]:
        """Return the current entries of ``source`` with these numbers."""
        wanted = select(tables.entry.c.body).where(
            tables.entry.c.source == source, tables.entry.c.uid == bindparam("uid_")
        )
        with self._engine.connect() as connection:
            found = (connection.execute(wanted, {"uid_": uid}).scalar() for uid in uids)
            return [decode_entry(body) for body in found if body is not None]

    def by_identifiers(self, identifiers: Sequence[tuple[str, str]]) -> Sequence[ListEntry]:
        """Entries that carry one of these pairs."""
        with self._engine.connect() as connection:
            ids = {row.entry for kind, value in identifiers for row in connection.execute(
                select(tables.identifier.c.entry)
                .where(tables.identifier.c.kind == kind, tables.identifier.c.value == value))}  # fmt: skip
            return _load(connection, sorted(ids))

    def by_names(self, prepared: Sequence[PreparedName]) -> Sequence[ListEntry]:
        """Entries near these names, through the blocking index."""
        with self._engine.connect() as connection:
            names = [one for name in prepared for one in _near(connection, name)]
            if not names:
                return []
            found = connection.execute(
                select(tables.name.c.entry).where(tables.name.c.id.in_(names)).distinct()
            ).scalars()
            return _load(connection, list(found))


def _record(connection: Connection, edition: Edition, confirmed: bool) -> int:
    """Keep the edition and return its number."""
    done = connection.execute(insert(tables.edition).values(**asdict(edition), confirmed=confirmed))
    number = done.inserted_primary_key
    return int(number[0]) if number else 0


def _near(connection: Connection, name: PreparedName) -> list[int]:
    wanted = sought(name)
    by_key: dict[str, list[int]] = defaultdict(list)
    for at, (_, found) in enumerate(wanted):
        for key in found:
            by_key[key].append(at)
    by_form: dict[str, set[int]] = defaultdict(set)
    for key, form in connection.execute(
        select(tables.word.c.key, tables.word.c.form).where(tables.word.c.key.in_(list(by_key)))
    ):
        by_form[form].update(by_key[key])
    lists: list[dict[int, int]] = [{} for _ in wanted]
    for form, listed, words in connection.execute(
        select(tables.posting.c.form, tables.posting.c.name, tables.posting.c.words)
        .where(tables.posting.c.form.in_(list(by_form)))
    ):  # fmt: skip
        for at in by_form[form]:
            lists[at][listed] = words
    return rank([(weight, found.items()) for (weight, _), found in zip(wanted, lists, strict=True)], len(name.tokens))


def _load(connection: Connection, ids: list[int]) -> list[ListEntry]:
    if not ids:
        return []
    return [
        decode_entry(body)
        for body in connection.execute(select(tables.entry.c.body).where(tables.entry.c.id.in_(ids))).scalars()
    ]


def _remove(connection: Connection, ids: list[int]) -> None:
    if not ids:
        return
    rows = [{"id_": one} for one in ids]
    names = select(tables.name.c.id).where(tables.name.c.entry == bindparam("id_"))
    connection.execute(delete(tables.posting).where(tables.posting.c.name.in_(names)), rows)
    for table, column in ((tables.name, tables.name.c.entry), (tables.identifier, tables.identifier.c.entry),
                          (tables.entry, tables.entry.c.id)):  # fmt: skip
        connection.execute(delete(table).where(column == bindparam("id_")), rows)


def _add(connection: Connection, source: str, entries: list[tuple[ListEntry, str]]) -> None:
    entry_id = (connection.execute(select(tables.entry.c.id).order_by(tables.entry.c.id.desc())).scalar() or 0) + 1
    name_id = (connection.execute(select(tables.name.c.id).order_by(tables.name.c.id.desc())).scalar() or 0) + 1
    bodies, names, postings, numbers, words = [], [], [], [], set()
    for at, (one, digest) in enumerate(entries, entry_id):
        bodies.append({"id": at, "source": source, "uid": one.uid, "digest": digest, "body": one.encoded()})
        numbers += [{"kind": kind, "value": value, "entry": at} for kind, value in set(one.identifiers)]
        for listed in one.names:
            name = prepare(listed.text, one.kind)
            forms = posted(name)
            names.append({"id": name_id, "entry": at})
            postings += [{"form": form, "name": name_id, "words": len(name.tokens)} for form in forms]
            words |= {(key, form) for form in forms for key in posted_keys(form)}
            name_id += 1
    rows = [{"key": key, "form": form} for key, form in words]
    for table, values in ((tables.entry, bodies), (tables.name, names), (tables.identifier, numbers),
                          (tables.posting, postings), (tables.word, rows)):  # fmt: skip
        if values:
            connection.execute(insert(table).prefix_with("OR IGNORE"), values)


def _prepare_connection(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "cache_size=-65536"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

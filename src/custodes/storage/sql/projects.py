"""The ProjectStore over the embedded database: each record sealed under a key of its own, its children under the same.

In: calls of the port. Out: records, entries, parts. What a record is about stands sealed; its kind and name stand in
the clear, as do names of collections. With the record goes its wrapped key, and with that all that was sealed under it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from custodes.core.errors import UnavailableError
from custodes.core.ids import AccountId
from custodes.projects.entities import DatasetKey, VersionKey
from custodes.projects.manifest import LabelledBox, LineError, ManifestLine, UseCase
from custodes.projects.ports import NumberedEntry
from custodes.projects.records import ProjectRecord, ProjectRecordKind, dataset_name, decode, encode, version_name
from custodes.storage.files.seal import KEY_BYTES, DamagedError, KeyBox, Randomness, names_of
from custodes.storage.sql.database import Database
from custodes.storage.sql.schema import DATASET_ENTRIES, PROJECT_RECORDS, VERSION_PARTS

_R, _E, _P = PROJECT_RECORDS.c, DATASET_ENTRIES.c, VERSION_PARTS.c
_BATCH = 500
Place = tuple[str, str, str]


class SqlProjectStore:
    """A durable ProjectStore."""

    def __init__(self, database: Database, master: KeyBox, randomness: Randomness) -> None:
        """Keep records in ``database``, their keys wrapped by ``master``."""
        self._database = database
        self._master = master
        self._randomness = randomness

    def add(self, record: ProjectRecord) -> bool:
        """See ProjectStore."""
        place, key = _place(record), self._randomness(KEY_BYTES)
        row = {
            **dict(zip(("account_id", "kind", "name"), place, strict=True)),
            "project": record.project,
            "created_ts_ms": record.created_ts_ms,
            "revision": 1,
            "wrapped_key": self._master.wrap(key, names_of("project key", *place)),
            "sealed": self._box(key).wrap(encode(record.value), names_of("project record", *place)),
        }

        def write(connection: Connection) -> bool:
            if connection.execute(select(_R.revision).where(*_is(_R, place))).one_or_none() is not None:
                return False
            connection.execute(insert(PROJECT_RECORDS).values(row))
            return True

        return self._database.write(write)

    def find(self, account_id: AccountId, kind: ProjectRecordKind, name: str) -> ProjectRecord | None:
        """See ProjectStore."""
        with self._database.read() as connection:
            row = connection.execute(select(PROJECT_RECORDS).where(*_is(_R, (account_id, kind, name)))).one_or_none()
        return None if row is None else self._opened(row)

    def exchange(self, record: ProjectRecord) -> bool:
        """See ProjectStore."""
        place = _place(record)
        with self._database.read() as connection:
            wrapped = connection.execute(select(_R.wrapped_key).where(*_is(_R, place))).scalar_one_or_none()
        if wrapped is None:
            return False
        sealed = self._box(self._key(place, wrapped)).wrap(encode(record.value), names_of("project record", *place))
        change = (
            update(PROJECT_RECORDS)
            .where(*_is(_R, place), _R.revision == record.revision)
            .values(sealed=sealed, revision=record.revision + 1)
        )
        return self._database.write(lambda connection: bool(connection.execute(change).rowcount), erases=True)

    def drop(self, record: ProjectRecord) -> bool:
        """See ProjectStore."""
        place = _place(record)

        def write(connection: Connection) -> bool:
            # Named one by one as well: who reads a copy of the file must not depend on how it was opened.
            connection.execute(delete(DATASET_ENTRIES).where(*_is(_E, place)))
            connection.execute(delete(VERSION_PARTS).where(*_is(_P, place)))
            return bool(connection.execute(delete(PROJECT_RECORDS).where(*_is(_R, place))).rowcount)

        return self._database.write(write, erases=True)

    def listing(
        self, account_id: AccountId | None, kind: ProjectRecordKind, project: str | None = None
    ) -> Sequence[ProjectRecord]:
        """See ProjectStore."""
        query = select(PROJECT_RECORDS).where(_R.kind == kind)
        if account_id is not None:
            query = query.where(_R.account_id == account_id)
        if project is not None:
            query = query.where(_R.project == project)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_R.created_ts_ms, _R.account_id, _R.name)).all()
        return tuple(self._opened(row) for row in rows)

    def put_entries(self, dataset: DatasetKey, entries: Sequence[ManifestLine]) -> None:
        """See ProjectStore."""
        place = _dataset_place(dataset)
        key = self._key_of(place)
        rows = [self._entry_row(place, key, entry) for entry in entries]

        def write(connection: Connection) -> None:
            for row in rows:
                same = (*_is(_E, place), _E.source_digest == row["source_digest"])
                changed = update(DATASET_ENTRIES).where(*same).values(sealed=row["sealed"], labeled=row["labeled"])
                if not connection.execute(changed).rowcount:
                    connection.execute(insert(DATASET_ENTRIES).values(row))

        self._database.write(write, erases=True)

    def entries(self, dataset: DatasetKey, after: int = 0, *, labeled: bool | None = None) -> Iterator[NumberedEntry]:
        """See ProjectStore."""
        place = _dataset_place(dataset)
        key = self._key_of(place)
        while True:
            query = select(_E.row, _E.source_digest, _E.sealed).where(*_is(_E, place), _E.row > after)
            if labeled is not None:
                query = query.where(_E.labeled == int(labeled))
            with self._database.read() as connection:
                rows = connection.execute(query.order_by(_E.row).limit(_BATCH)).all()
            for row in rows:
                yield NumberedEntry(row.row, self._entry(place, key, row.source_digest, row.sealed))
            if len(rows) < _BATCH:
                return
            after = rows[-1].row

    def move_entries(self, source: DatasetKey, target: DatasetKey, numbers: Sequence[int]) -> None:
        """See ProjectStore."""
        wanted, place = frozenset(numbers), _dataset_place(source)
        target_place = _dataset_place(target)
        key = self._key_of(target_place)
        chosen = [found for found in self.entries(source) if found.number in wanted]
        rows = [self._entry_row(target_place, key, found.entry) for found in chosen]

        def write(connection: Connection) -> None:
            for found in chosen:
                connection.execute(delete(DATASET_ENTRIES).where(*_is(_E, place), _E.row == found.number))
            for row in rows:
                connection.execute(insert(DATASET_ENTRIES).values(row))

        self._database.write(write, erases=True)

    def drop_entries(self, dataset: DatasetKey, numbers: Sequence[int]) -> None:
        """See ProjectStore."""
        place = _dataset_place(dataset)

        def write(connection: Connection) -> None:
            for number in numbers:
                connection.execute(delete(DATASET_ENTRIES).where(*_is(_E, place), _E.row == number))

        self._database.write(write, erases=True)

    def put_part(self, version: VersionKey, name: str, data: bytes) -> None:
        """See ProjectStore."""
        place = _version_place(version)
        sealed = self._box(self._key_of(place)).wrap(data, names_of("version part", *place, name))
        row = {**dict(zip(("account_id", "kind", "name"), place, strict=True)), "part": name, "sealed": sealed}

        def write(connection: Connection) -> None:
            connection.execute(delete(VERSION_PARTS).where(*_is(_P, place), _P.part == name))
            connection.execute(insert(VERSION_PARTS).values(row))

        self._database.write(write, erases=True)

    def part(self, version: VersionKey, name: str) -> bytes | None:
        """See ProjectStore."""
        place = _version_place(version)
        with self._database.read() as connection:
            sealed = connection.execute(select(_P.sealed).where(*_is(_P, place), _P.part == name)).scalar_one_or_none()
        if sealed is None:
            return None
        return self._box(self._key_of(place)).unwrap(sealed, names_of("version part", *place, name))

    def drop_parts(self, version: VersionKey, prefix: str) -> None:
        """See ProjectStore."""
        condition = (*_is(_P, _version_place(version)), _P.part.startswith(prefix, autoescape=True))
        self._database.write(
            lambda connection: connection.execute(delete(VERSION_PARTS).where(*condition)), erases=True
        )

    def _box(self, key: bytes) -> KeyBox:
        return KeyBox(key, self._randomness)

    def _key(self, place: Place, wrapped: bytes) -> bytes:
        return self._master.unwrap(wrapped, names_of("project key", *place))

    def _key_of(self, place: Place) -> bytes:
        with self._database.read() as connection:
            wrapped = connection.execute(select(_R.wrapped_key).where(*_is(_R, place))).scalar_one_or_none()
        if wrapped is None:
            raise UnavailableError("what this belongs to was deleted meanwhile")
        return self._key(place, wrapped)

    def _opened(self, row: Any) -> ProjectRecord:
        place = (row.account_id, row.kind, row.name)
        kind = ProjectRecordKind(row.kind)
        try:
            box = self._box(self._key(place, row.wrapped_key))
            value = decode(kind, box.unwrap(row.sealed, names_of("project record", *place)))
        except (DamagedError, ValueError) as error:
            raise UnavailableError(f"the {kind} {row.name} is damaged or was altered") from error
        return ProjectRecord(row.account_id, kind, row.name, row.project, row.created_ts_ms, value, row.revision)

    def _entry_row(self, place: Place, key: bytes, entry: ManifestLine) -> dict[str, Any]:
        digest = hmac.digest(key, (entry.source or entry.text).encode(), hashlib.sha256)
        sealed = self._box(key).wrap(_entry_bytes(entry), names_of("dataset entry", *place, digest.hex()))
        head = dict(zip(("account_id", "kind", "name"), place, strict=True))
        return {**head, "source_digest": digest, "labeled": int(entry.labeled), "sealed": sealed}

    def _entry(self, place: Place, key: bytes, digest: bytes, sealed: bytes) -> ManifestLine:
        return _entry_of(self._box(key).unwrap(sealed, names_of("dataset entry", *place, digest.hex())))


def _place(record: ProjectRecord) -> Place:
    return (record.account_id, record.kind.value, record.name)


def _dataset_place(dataset: DatasetKey) -> Place:
    return (dataset.account_id, ProjectRecordKind.DATASET.value, dataset_name(dataset.project, dataset.kind))


def _version_place(version: VersionKey) -> Place:
    return (version.account_id, ProjectRecordKind.VERSION.value, version_name(version.project, version.name))


def _is(columns: Any, place: Place) -> tuple[Any, ...]:
    return (columns.account_id == place[0], columns.kind == place[1], columns.name == place[2])


def _entry_bytes(entry: ManifestLine) -> bytes:
    boxes = [[box.name, box.left, box.top, box.width, box.height] for box in entry.boxes]
    errors = [[error.code, error.message] for error in entry.errors]
    rest = [entry.source, entry.use_case.value, entry.names, boxes, entry.size, entry.labeled, errors]
    return orjson.dumps([entry.text, *rest])


def _entry_of(data: bytes) -> ManifestLine:
    text, source, use_case, names, boxes, size, labeled, errors = orjson.loads(data)
    return ManifestLine(
        text,
        source,
        UseCase(use_case),
        tuple(names),
        tuple(LabelledBox(*box) for box in boxes),
        None if size is None else (int(size[0]), int(size[1])),
        labeled,
        tuple(LineError(*error) for error in errors),
    )

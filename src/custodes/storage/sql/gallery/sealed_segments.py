"""Vectors of a collection for filling an index: from sealed files where there are, else row by row.

In: an open database, a folder of files, a found collection with its key. Out: batches of rows and vectors. Opening a
million vectors one by one takes ten seconds and more; a file of 65,536 of them opens in hundredths of one. Each file
has a key of its own that stands in the database, wrapped by the collection's, and goes in the transaction that changes
a vector in its range: a file that is older than the database cannot be opened, and an erased face cannot come back from
one. Where anything is wrong with a file, the rows are read. Without a folder it always reads rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray
from sqlalchemy import Connection

from custodes.core.errors import NotFoundError, UnavailableError
from custodes.gallery.ports import FloatArray
from custodes.storage.files.seal import KEY_BYTES, DamagedError, KeyBox, Randomness
from custodes.storage.files.segment_files import SegmentFiles
from custodes.storage.sql.database import Database
from custodes.storage.sql.gallery import collection_rows, face_rows, segment_rows, user_rows
from custodes.storage.sql.gallery.collection_rows import CollectionRow
from custodes.storage.sql.gallery.segment_rows import SegmentRow
from custodes.storage.sql.gallery.vectors import SealedRow, open_all

Batch = tuple[NDArray[np.int64], FloatArray]

_BATCH_ROWS = 4096
_LAST_ROW = 2**63 - 1
_NONCE_BYTES = 12
_NAME_BYTES = 16

_LOG = structlog.get_logger("custodes.gallery")


@dataclass(frozen=True, slots=True)
class VectorRows:
    """How vectors of one kind, ``face`` or ``user``, are found."""

    kind: str
    sealed: Callable[[Connection, CollectionRow, int, int, int], list[SealedRow]]
    numbers: Callable[[Connection, CollectionRow, int, int, int], list[int]]


ALL_ROWS = ((0, _LAST_ROW),)
FACES = VectorRows("face", face_rows.sealed_between, face_rows.numbers_between)
USERS = VectorRows("user", user_rows.sealed_between, user_rows.numbers_between)


@dataclass(frozen=True, slots=True)
class _Range:
    """Rows behind ``after``, up to ``through``; ``segment`` is their file, or the one to make, or None for neither."""

    after: int
    through: int
    segment: SegmentRow | None = None
    is_new: bool = False


class SealedSegments:
    """The vectors of an open database."""

    def __init__(self, database: Database, files: SegmentFiles | None, randomness: Randomness) -> None:
        """Read rows of ``database``; keep sealed copies in ``files``, if there is a folder for them."""
        self._database = database
        self._files = files
        self._randomness = randomness

    def batches(
        self, place: CollectionRow, box: KeyBox, source: VectorRows, within: Sequence[tuple[int, int]] = ALL_ROWS
    ) -> Iterator[Batch]:
        """Vectors by rising row; what had to be opened row by row and is many is sealed on the way.

        Args:
            place: the collection.
            box: its key.
            source: which vectors.
            within: rows that are wanted, behind the first number of each pair and up to the second, by rising row. A
                file that has some of them is read whole.

        Raises:
            UnavailableError: the database cannot be read, or a vector is damaged; the message names it.
        """
        for part in self._ranges(place, source):
            wanted = [*_common(part, within)]
            if not wanted:
                continue
            found = self._opened(place, box, part)
            if found is None and part.segment is not None:
                found = self._sealed(place, box, source, part)
            if found is not None:
                yield found
                continue
            for each in wanted:
                yield from self._read(place, box, source, each)

    def seal(self, place: CollectionRow, box: KeyBox, source: VectorRows) -> int:
        """Seal what is many and not sealed yet; returns how many files were written. Raises as ``batches``."""
        written = 0
        for part in self._ranges(place, source):
            if part.segment is not None and (part.is_new or not self._has(part.segment)):
                written += self._sealed(place, box, source, part) is not None
        return written

    def remove(self, names: Iterable[str]) -> None:
        """Remove files whose keys were destroyed."""
        if self._files is not None:
            self._files.remove(names)

    def begin(self) -> None:
        """Remove what a killed process left. Raises UnavailableError."""
        if self._files is not None:
            self._files.remove_unfinished()
            self.tidy()

    def tidy(self) -> None:
        """Remove all files that have no key, as those whose keys another server destroyed. Raises UnavailableError."""
        if self._files is None:
            return
        # A key is written down before its file is there: so files are looked at first.
        names = self._files.names()
        with self._database.read() as connection:
            kept = segment_rows.ids(connection)
        self._files.remove(names - kept)

    def _has(self, segment: SegmentRow) -> bool:
        return self._files is not None and self._files.has(segment.segment_id)

    def _ranges(self, place: CollectionRow, source: VectorRows) -> Iterator[_Range]:
        """All rows, cut where files begin and end, or where they should."""
        files = self._files
        if files is None:
            yield _Range(0, _LAST_ROW)
            return
        with self._database.read() as connection:
            segments = segment_rows.find(connection, place, source.kind)
        after, kept = 0, None
        for segment in (*segments, None):
            if segment is not None and segment.first <= after:
                continue  # made twice, by two processes
            through = _LAST_ROW if segment is None else segment.first - 1
            gap = list(self._gap(place, source, files, kept, after, through))
            if kept is not None and not (gap and gap[0].after < after):  # else the gap takes it in
                yield _Range(kept.first - 1, kept.through, kept)
            yield from gap
            if segment is not None:
                after, kept = segment.through, segment

    def _gap(
        self,
        place: CollectionRow,
        source: VectorRows,
        files: SegmentFiles,
        before: SegmentRow | None,
        after: int,
        through: int,
    ) -> Iterator[_Range]:
        """Rows that no file has. Where they are many, a file in front that is not full is made anew with them."""
        if len(numbers := self._numbers(place, source, after, through, files.worth_rows)) < files.worth_rows:
            if numbers:
                yield _Range(after, through)
            return
        start = before.first - 1 if before is not None and before.count < files.full_rows else after
        while True:
            numbers = self._numbers(place, source, start, through, files.full_rows)
            if len(numbers) < files.worth_rows:
                yield _Range(start, through)
                return
            yield _Range(start, numbers[-1], SegmentRow(source.kind, numbers[0], numbers[-1], 0, "", b""), is_new=True)
            start = numbers[-1]

    def _numbers(self, place: CollectionRow, source: VectorRows, after: int, through: int, limit: int) -> list[int]:
        with self._database.read() as connection:
            return source.numbers(connection, place, after, through, limit)

    def _read(self, place: CollectionRow, box: KeyBox, source: VectorRows, part: _Range) -> Iterator[Batch]:
        after = part.after
        while True:
            with self._database.read() as connection:
                batch = source.sealed(connection, place, after, part.through, _BATCH_ROWS)
            if not batch:
                return
            yield np.array([row.row for row in batch], np.int64), open_all(place, box, source.kind, batch)
            after = batch[-1].row

    def _opened(self, place: CollectionRow, box: KeyBox, part: _Range) -> Batch | None:
        """What the file of a range holds; None where there is none, or it is not what the database knows."""
        if self._files is None or part.segment is None or part.is_new:
            return None
        data = self._files.read(part.segment.segment_id)
        if data is None:
            return None
        names = part.segment.names(place)
        try:
            key = box.unwrap(part.segment.wrapped_key, names)
            plain = AESGCM(key).decrypt(data[:_NONCE_BYTES], memoryview(data)[_NONCE_BYTES:], names)
        except (InvalidTag, ValueError, DamagedError):
            _LOG.warning("a file of cached vectors does not open and is made anew", file=part.segment.segment_id)
            self._files.remove([part.segment.segment_id])
            return None
        count, dimension = part.segment.count, place.collection.dimension
        rows = np.frombuffer(plain, "<i8", count).astype(np.int64, copy=False)
        vectors = np.frombuffer(plain, "<f4", count * dimension, offset=8 * count).reshape(count, dimension)
        return rows, vectors.astype(np.float32, copy=False)

    def _sealed(self, place: CollectionRow, box: KeyBox, source: VectorRows, part: _Range) -> Batch | None:
        """The vectors of a range, read row by row and written into its file; None where that was not possible."""
        assert part.segment is not None
        try:
            segment = self._written_down(place, box, source, part) if part.is_new else part.segment
        except (UnavailableError, NotFoundError):
            return None  # the database takes no changes now, or all are gone; reading goes on
        read = list(self._read(place, box, source, part))
        if not read:
            return None
        rows, vectors = np.concatenate([rows for rows, _ in read]), np.concatenate([each for _, each in read])
        if len(rows) == segment.count:  # else something changed meanwhile, and its key is gone
            self._write(place, box, segment, rows, vectors)
        return rows, vectors

    def _written_down(self, place: CollectionRow, box: KeyBox, source: VectorRows, part: _Range) -> SegmentRow:
        """A range as it is now, with a name and a key, in the database."""

        def change(connection: Connection) -> tuple[SegmentRow, list[str]]:
            now = collection_rows.find_same(connection, place)
            numbers = source.numbers(connection, now, part.after, part.through, _LAST_ROW)
            if not numbers:
                raise NotFoundError("the vectors are gone")
            key, name = self._randomness(KEY_BYTES), self._randomness(_NAME_BYTES).hex()
            segment = SegmentRow(source.kind, numbers[0], numbers[-1], len(numbers), name, b"")
            segment = replace(segment, wrapped_key=box.wrap(key, segment.names(place)))
            return segment, segment_rows.put(connection, now, segment)

        segment, gone = self._database.write(change)
        self.remove(gone)
        return segment

    def _write(
        self, place: CollectionRow, box: KeyBox, segment: SegmentRow, rows: NDArray[np.int64], vectors: FloatArray
    ) -> None:
        assert self._files is not None
        names, nonce = segment.names(place), self._randomness(_NONCE_BYTES)
        plain = rows.astype("<i8", copy=False).tobytes() + np.ascontiguousarray(vectors, "<f4").tobytes()
        data = nonce + AESGCM(box.unwrap(segment.wrapped_key, names)).encrypt(nonce, plain, names)
        try:
            self._files.write(segment.segment_id, data)
        except OSError as error:
            _LOG.warning("cached vectors could not be written", error=os.strerror(error.errno or 0))


def _common(part: _Range, within: Sequence[tuple[int, int]]) -> Iterator[_Range]:
    """Rows of ``part`` that are wanted."""
    for after, through in within:
        begin, end = max(part.after, after), min(part.through, through)
        if begin < end:
            yield _Range(begin, end)

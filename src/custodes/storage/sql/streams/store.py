"""Processors, events and sources of live streams over the embedded database.

In: calls of the ports. Out: processors; events; addresses of sources. All are sealed under the master key and bound to
their place. Which change of a processor may follow which is a matter of ``video.live.processor``; here a change is kept
only over the revision that it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from custodes.core.errors import InUseError, QuotaError
from custodes.core.ids import AccountId
from custodes.operations.streams.ports import KeptEvent
from custodes.storage.files.seal import KeyBox, names_of
from custodes.storage.sql.database import Database
from custodes.storage.sql.tables.streams import STREAM_EVENTS, STREAM_PROCESSORS, STREAM_SOURCES
from custodes.video.live.codec import decode_processor, encode_processor
from custodes.video.live.event import StreamEvent, decode_event, encode_event
from custodes.video.live.processor import StreamProcessor
from custodes.video.live.source import LiveSource

_PROCESSOR, _SOURCE, _EVENT = STREAM_PROCESSORS.c, STREAM_SOURCES.c, STREAM_EVENTS.c


class SqlStreamProcessors:
    """A durable StreamProcessorStore."""

    def __init__(self, database: Database, master: KeyBox) -> None:
        """Keep processors in ``database``, sealed by ``master``."""
        self._database = database
        self._master = master

    def add(self, processor: StreamProcessor, at_most: int) -> None:
        """See StreamProcessorStore."""

        def write(connection: Connection) -> None:
            query = select(STREAM_PROCESSORS).where(_PROCESSOR.account_id == processor.account_id)
            others = [self._opened(row.account_id, row.name, row.sealed) for row in connection.execute(query)]
            if any(other.name == processor.name for other in others):
                raise InUseError(f"A stream processor with the name {processor.name} exists already.")
            if any(other.source_arn == processor.source_arn for other in others):
                raise InUseError("The Kinesis video stream is in use by another stream processor.")
            if len(others) >= at_most:
                raise QuotaError(f"An account has at most {at_most} stream processors.")
            connection.execute(insert(STREAM_PROCESSORS).values(self._row(processor)))

        self._database.write(write)

    def find(self, account_id: AccountId, name: str) -> StreamProcessor | None:
        """See StreamProcessorStore."""
        query = select(_PROCESSOR.sealed).where(_PROCESSOR.account_id == account_id, _PROCESSOR.name == name)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else self._opened(account_id, name, row.sealed)

    def listing(self, account_id: AccountId | None, after: str = "", limit: int = 1000) -> Sequence[StreamProcessor]:
        """See StreamProcessorStore."""
        query = select(STREAM_PROCESSORS).order_by(_PROCESSOR.name, _PROCESSOR.account_id).limit(limit)
        if account_id is not None:
            query = query.where(_PROCESSOR.account_id == account_id, _PROCESSOR.name > after)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(self._opened(AccountId(row.account_id), row.name, row.sealed) for row in rows)

    def keep(self, processor: StreamProcessor) -> bool:
        """See StreamProcessorStore."""
        before = and_(_is(processor), _PROCESSOR.revision == processor.revision - 1)
        change = update(STREAM_PROCESSORS).where(before).values(self._row(processor))
        return self._database.write(lambda connection: connection.execute(change).rowcount == 1)

    def remove(self, processor: StreamProcessor) -> bool:
        """See StreamProcessorStore."""
        gone = delete(STREAM_PROCESSORS).where(_is(processor), _PROCESSOR.revision == processor.revision)
        return self._database.write(lambda connection: connection.execute(gone).rowcount == 1, erases=True)

    def _row(self, processor: StreamProcessor) -> dict[str, object]:
        sealed = self._master.wrap(encode_processor(processor), _names(processor.account_id, processor.name))
        return {
            "account_id": processor.account_id,
            "name": processor.name,
            "revision": processor.revision,
            "sealed": sealed,
        }

    def _opened(self, account_id: AccountId, name: str, sealed: bytes) -> StreamProcessor:
        return decode_processor(self._master.unwrap(sealed, _names(account_id, name)))


class SqlStreamEvents:
    """A durable StreamEventStore."""

    def __init__(self, database: Database, master: KeyBox) -> None:
        """Keep events in ``database``, sealed by ``master``."""
        self._database = database
        self._master = master

    def add(self, events: Sequence[StreamEvent]) -> Sequence[int]:
        """See StreamEventStore."""
        rows = [
            {
                "account_id": event.account_id,
                "expires_ts_ms": event.expires_ts_ms,
                "sealed": self._master.wrap(encode_event(event), _event_names(event.account_id)),
            }
            for event in events
        ]
        adding = insert(STREAM_EVENTS).returning(_EVENT.row)
        return self._database.write(
            lambda connection: [int(connection.execute(adding, row).scalar_one()) for row in rows]
        )

    def newest(self, account_id: AccountId) -> int:
        """See StreamEventStore."""
        query = select(func.max(_EVENT.row)).where(_EVENT.account_id == account_id)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar() or 0)

    def listing(self, account_id: AccountId, after: int, limit: int) -> Sequence[KeptEvent]:
        """See StreamEventStore."""
        query = select(_EVENT.row, _EVENT.sealed).where(_EVENT.account_id == account_id, _EVENT.row > after)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_EVENT.row).limit(limit)).all()
        names = _event_names(account_id)
        return tuple(KeptEvent(row.row, decode_event(self._master.unwrap(row.sealed, names))) for row in rows)

    def forget(self, now_ms: int) -> int:
        """See StreamEventStore."""
        gone = delete(STREAM_EVENTS).where(_EVENT.expires_ts_ms <= now_ms)
        return self._database.write(lambda connection: int(connection.execute(gone).rowcount), erases=True)


class SqlLiveSources:
    """A durable LiveSourceMap."""

    def __init__(self, database: Database, master: KeyBox) -> None:
        """Keep sources in ``database``, sealed by ``master``."""
        self._database = database
        self._master = master

    def find(self, arn: str) -> LiveSource | None:
        """See LiveSourceMap."""
        with self._database.read() as connection:
            row = connection.execute(select(_SOURCE.sealed).where(_SOURCE.arn == arn)).one_or_none()
        return None if row is None else LiveSource(**orjson.loads(self._master.unwrap(row.sealed, _source_names(arn))))

    def all(self) -> Mapping[str, LiveSource]:
        """See LiveSourceMap."""
        with self._database.read() as connection:
            rows = connection.execute(select(STREAM_SOURCES).order_by(_SOURCE.arn)).all()
        return {
            row.arn: LiveSource(**orjson.loads(self._master.unwrap(row.sealed, _source_names(row.arn)))) for row in rows
        }

    def put(self, arn: str, source: LiveSource) -> None:
        """See LiveSourceMap."""
        members = orjson.dumps({"url": source.url, "user": source.user, "password": source.password})
        row = {"arn": arn, "sealed": self._master.wrap(members, _source_names(arn))}

        def write(connection: Connection) -> None:
            connection.execute(delete(STREAM_SOURCES).where(_SOURCE.arn == arn))
            connection.execute(insert(STREAM_SOURCES).values(row))

        self._database.write(write, erases=True)

    def drop(self, arn: str) -> bool:
        """See LiveSourceMap."""
        gone = delete(STREAM_SOURCES).where(_SOURCE.arn == arn)
        return self._database.write(lambda connection: connection.execute(gone).rowcount == 1, erases=True)


def _is(processor: StreamProcessor) -> ColumnElement[bool]:
    return and_(_PROCESSOR.account_id == processor.account_id, _PROCESSOR.name == processor.name)


def _names(account_id: AccountId, name: str) -> bytes:
    return names_of("stream processor", account_id, name)


def _event_names(account_id: AccountId) -> bytes:
    return names_of("stream event", account_id)


def _source_names(arn: str) -> bytes:
    return names_of("stream source", arn)

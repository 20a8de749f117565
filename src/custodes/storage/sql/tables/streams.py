"""Tables of live streams, of destinations of events, and of handlers."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, UniqueConstraint

from custodes.storage.sql.tables.metadata import ACCOUNT, METADATA, ROW

STREAM_PROCESSORS = Table(
    "stream_processors",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""Processors of live streams, sealed by the master key and bound to account and name."""

STREAM_SOURCES = Table(
    "stream_sources",
    METADATA,
    Column("arn", String(1024), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""Addresses of live sources with their credentials, the operator's, sealed by the master key."""

STREAM_EVENTS = Table(
    "stream_events",
    METADATA,
    Column("row", ROW, primary_key=True, autoincrement=True),
    Column("account_id", ACCOUNT, nullable=False),
    Column("expires_ts_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("account_id", "row"),
    Index(None, "expires_ts_ms"),
    sqlite_autoincrement=True,
)
"""Whom live searches saw, sealed by the master key and bound to the account."""

EVENT_DESTINATIONS = Table(
    "event_destinations",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""Webhooks and brokers that events are sent to, and how far each is; sealed by the master key."""

HANDLERS = Table(
    "handlers",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""Documents of handlers, sealed by the master key and bound to account and name."""

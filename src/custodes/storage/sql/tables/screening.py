"""Tables of screening and of known people in the one database, all under the operator's account."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, String, Table, Text, UniqueConstraint

from custodes.storage.sql.tables.metadata import ACCOUNT, METADATA, ROW

SCREENING_RECORDS = Table(
    "screening_records",
    METADATA,
    Column("row", ROW, primary_key=True, autoincrement=True),
    Column("account_id", ACCOUNT, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(512), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("account_id", "name"),
    sqlite_autoincrement=True,
)
"""Graphs and hits of customers, decisions, officers, the last run; each sealed by the master key, bound to its name."""

KNOWN_PEOPLE = Table(
    "known_people",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("celebrity_id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("urls", Text, nullable=False),
    Column("gender", String(16)),
)
"""Whom RecognizeCelebrities can name; names and URLs only."""

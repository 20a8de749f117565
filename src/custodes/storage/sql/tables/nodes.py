"""What servers over one database tell each other."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table

from custodes.storage.sql.tables.metadata import ACCOUNT, METADATA

SHARED_NOTES = Table(
    "shared_notes",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("name", String(32), primary_key=True),
    Column("changes", BigInteger, nullable=False),
    Column("sealed", LargeBinary),
)
"""Of each thing that servers keep in memory: how often it changed, and what it is where that stands nowhere else.
All stand under the operator's account."""

"""Tables of the ledger in a shared database. All of one log stand under the operator's account."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from custodes.storage.sql.tables.metadata import ACCOUNT, METADATA

LEDGER_HEADS = Table(
    "ledger_heads",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("note", LargeBinary, nullable=False),
)
"""The last published checkpoint of the operator's log, where the database is in another place than the log."""

LEDGER_SEQUENCES = Table(
    "ledger_sequences",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("next_index", BigInteger, nullable=False),
    Column("t_ms", BigInteger, nullable=False),
)
"""The end of a log that several servers write: whoever holds the row adds entries. ``t_ms`` is the last one's time."""

LEDGER_ENTRIES = Table(
    "ledger_entries",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    Column("envelope", LargeBinary, nullable=False),
)
"""Entries that have their places and wait to be published; they go once they are durable in tiles."""

LEDGER_BODIES = Table(
    "ledger_bodies",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    Column("salt", LargeBinary),
    Column("sealed", LargeBinary),
)
"""Private bodies with the salts that open them; both are gone where one was erased."""

LEDGER_PERMISSIONS = Table(
    "ledger_permissions",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    Column("node", String(32), nullable=False),
    Index(None, "account_id", "node"),
)
"""Entries that permit work and are not settled, with the node whose work it is."""

LEDGER_NODES = Table(
    "ledger_nodes",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("node", String(32), primary_key=True),
    Column("seen_ms", BigInteger, nullable=False),
    Column("turn", BigInteger, nullable=False),
)
"""Processes that add to a log: when they last said that they live, by the database's clock, and their last turn."""

LEASES = Table(
    "leases",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("holder", String(32), nullable=False),
    Column("address", String(1024), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
"""Duties that one process has at a time, with the URL it is reached at; ``number`` rises with each holder.
Times are the database's."""

DOCUMENTS = Table(
    "documents",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("first_byte", BigInteger, primary_key=True, autoincrement=False),
    Column("length", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""What several servers keep of maps, bills, erasures, rules and drafts: private documents in pieces, each sealed under
the master key. One server without a name keeps them as files beside its ledger."""

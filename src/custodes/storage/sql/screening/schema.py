"""Tables of lists, in their file or on PostgreSQL: editions of lists, their entries, and what finds them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table

VERSION = 11
"""Of the tables and of what words are made of; a file with another one has its words made anew."""

metadata = MetaData()
edition = Table(
    "edition", metadata,
    Column("id", Integer, primary_key=True), Column("source", String, index=True), Column("format", String),
    Column("digest", String), Column("entries", Integer), Column("added", Integer), Column("removed", Integer),
    Column("changed", Integer), Column("imported_ms", BigInteger), Column("origin", String),
    Column("confirmed", Boolean), Column("ledger_index", BigInteger),
)  # fmt: skip
entry = Table(
    "entry", metadata,
    Column("id", Integer, primary_key=True), Column("source", String), Column("uid", String), Column("digest", String),
    Column("body", LargeBinary), Index("entry_uid", "source", "uid", unique=True),
)  # fmt: skip
change = Table(
    "change", metadata,
    Column("edition", Integer, primary_key=True), Column("uid", String, primary_key=True), Column("kind", String),
    Column("before", LargeBinary),  # the entry as it was, for what was removed or changed
)  # fmt: skip
identifier = Table(
    "identifier", metadata,
    Column("kind", String, primary_key=True), Column("value", String, primary_key=True),
    Column("entry", Integer, primary_key=True, index=True),
)  # fmt: skip
name_index = Table(
    "name_index", metadata,
    Column("generation", Integer, primary_key=True),  # counts imports, so that a reader knows when to read again
    Column("data", LargeBinary),  # ``screening.index.names.NameRows`` of all entries
)  # fmt: skip
publisher = Table(
    "publisher", metadata,
    Column("name", String, primary_key=True), Column("format", String), Column("address", String),
    Column("every_h", Integer), Column("etag", String), Column("modified", String), Column("digest", String),
    Column("checked_ms", BigInteger), Column("fetched_ms", BigInteger), Column("failure", String),
)  # fmt: skip
derived = (identifier, name_index)
"""Tables that hold nothing but what entries say."""
FORMER = ("name", "word", "posting")
"""Tables of older releases that nothing reads any more."""

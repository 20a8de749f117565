"""The one definition of the tables. Migrations lead to it; a test proves that they do.

Types exist in SQLite and PostgreSQL alike. Every key starts with the account, so that no query can cross tenants by
forgetting a condition on a join. Row numbers are handed out by the database, rise, and are never reused. Text is
compared by its bytes. Vectors are only ever stored sealed, see ``seal``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from custodes.storage.sql.tables.ledger import (
    DOCUMENTS,
    LEASES,
    LEDGER_BODIES,
    LEDGER_ENTRIES,
    LEDGER_HEADS,
    LEDGER_NODES,
    LEDGER_PERMISSIONS,
    LEDGER_SEQUENCES,
)
from custodes.storage.sql.tables.metadata import ACCOUNT, METADATA, ROW
from custodes.storage.sql.tables.nodes import SHARED_NOTES
from custodes.storage.sql.tables.screening import KNOWN_PEOPLE, SCREENING_RECORDS
from custodes.storage.sql.tables.streams import (
    EVENT_DESTINATIONS,
    HANDLERS,
    STREAM_EVENTS,
    STREAM_PROCESSORS,
    STREAM_SOURCES,
)

__all__ = ["METADATA", "OTHER_TABLES"]

OTHER_TABLES = (
    DOCUMENTS,
    STREAM_PROCESSORS,
    STREAM_SOURCES,
    STREAM_EVENTS,
    EVENT_DESTINATIONS,
    HANDLERS,
    SCREENING_RECORDS,
    KNOWN_PEOPLE,
    LEDGER_HEADS,
    LEDGER_SEQUENCES,
    LEDGER_ENTRIES,
    LEDGER_BODIES,
    LEDGER_PERMISSIONS,
    LEDGER_NODES,
    LEASES,
    SHARED_NOTES,
)

SECRETS = Table(
    "secrets",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""Values sealed by the master key; ``check`` tells whether the master key is the right one."""

COLLECTIONS = Table(
    "collections",
    METADATA,
    Column("row", ROW, primary_key=True, autoincrement=True),
    Column("account_id", ACCOUNT, nullable=False),
    Column("collection_id", String(255), nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("created_ts_ms", BigInteger, nullable=False),
    Column("face_count", BigInteger, nullable=False),
    Column("user_count", BigInteger, nullable=False),
    # The defaults are for the migration that added them.
    Column("version", BigInteger, nullable=False, server_default="0"),
    Column("known_from", BigInteger, nullable=False, server_default="0"),
    Column("first_version", String(64)),
    UniqueConstraint("account_id", "collection_id"),
    UniqueConstraint("account_id", "row"),
    sqlite_autoincrement=True,
)


def _in_collection() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["account_id", "collection_row"], ["collections.account_id", "collections.row"], ondelete="CASCADE"
    )


COLLECTION_KEYS = Table(
    "collection_keys",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("collection_row", ROW, primary_key=True, autoincrement=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    _in_collection(),
)

USERS = Table(
    "users",
    METADATA,
    Column("row", ROW, primary_key=True, autoincrement=True),
    Column("account_id", ACCOUNT, nullable=False),
    Column("collection_row", ROW, nullable=False),
    Column("user_id", String(128), nullable=False),
    Column("face_count", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("wrapped_key", LargeBinary),
    Column("sealed", LargeBinary),
    UniqueConstraint("account_id", "collection_row", "user_id"),
    UniqueConstraint("account_id", "row"),
    _in_collection(),
    sqlite_autoincrement=True,
)

FACES = Table(
    "faces",
    METADATA,
    Column("row", ROW, primary_key=True, autoincrement=True),
    Column("account_id", ACCOUNT, nullable=False),
    Column("collection_row", ROW, nullable=False),
    Column("face_id", String(36), nullable=False),
    Column("image_id", String(36), nullable=False),
    Column("external_image_id", String(255)),
    Column("left", Double, nullable=False),
    Column("top", Double, nullable=False),
    Column("width", Double, nullable=False),
    Column("height", Double, nullable=False),
    Column("confidence_pct", Double, nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("user_row", ROW),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    # The default is for the migration that added it; every face is enrolled with a time.
    Column("enrolled_ts_ms", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("account_id", "collection_row", "face_id"),
    _in_collection(),
    ForeignKeyConstraint(["account_id", "user_row"], ["users.account_id", "users.row"]),
    Index(None, "account_id", "collection_row", "row"),
    Index(None, "account_id", "collection_row", "image_id"),
    Index(None, "account_id", "collection_row", "enrolled_ts_ms"),
    Index(None, "account_id", "user_row"),
    sqlite_autoincrement=True,
)

THUMBNAILS = Table(
    "thumbnails",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("face_row", ROW, primary_key=True, autoincrement=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    ForeignKeyConstraint(["face_row"], ["faces.row"], ondelete="CASCADE"),
)
"""Small pictures of faces of collections that want them; each goes with its face."""

STAGED_VECTORS = Table(
    "staged_vectors",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("face_row", ROW, primary_key=True, autoincrement=False),
    Column("model_version", String(64), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    ForeignKeyConstraint(["face_row"], ["faces.row"], ondelete="CASCADE"),
)
"""Vectors of another model version, until a collection is switched to it; each goes with its face."""

VECTOR_SEGMENTS = Table(
    "vector_segments",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("collection_row", ROW, primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),
    Column("first_row", BigInteger, primary_key=True, autoincrement=False),
    Column("through_row", BigInteger, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("segment_id", String(32), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    _in_collection(),
)
"""Keys of cached vectors. A row stands for a range in which nothing has changed since: what changes a vector in it
deletes the row, and with it the only key of the file."""

COLLECTION_CHANGES = Table(
    "collection_changes",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("collection_row", ROW, primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("changed_row", BigInteger, primary_key=True, autoincrement=False),
    _in_collection(),
)
"""Rows whose vectors went or changed, by the version of the collection that came of it: what indexes of other servers
follow. Those behind ``collections.known_from`` are all here. An embedded database has none."""

RETENTION_RULES = Table(
    "retention_rules",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("collection_row", ROW, primary_key=True, autoincrement=False),
    Column("days", Integer, nullable=False),
    _in_collection(),
)

ACCOUNT_RECORDS = Table(
    "account_records",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(512), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""Accounts, users, keys and documents, each value sealed by the master key and bound to its place."""

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("review_id", String(32), primary_key=True),
    Column("created_ts_ms", BigInteger, nullable=False),
    Column("expires_ts_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "account_id", "created_ts_ms", "review_id"),
    Index(None, "expires_ts_ms"),
)
"""Results of searches that two persons have to confirm."""

TAGS = Table(
    "tags",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("collection_row", ROW, primary_key=True, autoincrement=False),
    Column("name", String(128), primary_key=True),
    Column("value", String(256), nullable=False),
    _in_collection(),
)

REPLIES = Table(
    "replies",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("operation", String(64), primary_key=True),
    Column("token", String(64), primary_key=True),
    Column("input_sha256", LargeBinary, nullable=False),
    Column("answer", Text, nullable=False),
    Column("ts_ms", BigInteger, nullable=False),
    Index(None, "ts_ms"),
)

JOBS = Table(
    "jobs",
    METADATA,
    Column("row", ROW, primary_key=True, autoincrement=True),
    Column("account_id", ACCOUNT, nullable=False),
    Column("job_id", String(64), nullable=False),
    Column("operation", String(64), nullable=False),
    Column("token", String(64)),
    Column("channel", Text),
    Column("state", String(16), nullable=False),
    Column("created_ts_ms", BigInteger, nullable=False),
    Column("ready_ts_ms", BigInteger, nullable=False),
    Column("expires_ts_ms", BigInteger, nullable=False),
    Column("updated_ts_ms", BigInteger, nullable=False),
    Column("claimed_ts_ms", BigInteger),
    Column("finished_ts_ms", BigInteger),
    Column("owner", String(255)),
    Column("fence", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("claimed_position", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("error", Text),
    Column("sealed_input", LargeBinary, nullable=False),
    Column("sealed_state", LargeBinary, nullable=False),
    UniqueConstraint("account_id", "job_id"),
    UniqueConstraint("account_id", "row"),
    Index(None, "account_id", "token"),
    Index(None, "account_id", "fence"),
    Index(None, "state", "ready_ts_ms"),
    Index(None, "expires_ts_ms"),
    Index(None, "fence"),
    sqlite_autoincrement=True,
)
"""Work that outlives its request; what was asked and what the handler keeps are sealed by the master key."""


def _of_job() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["account_id", "job_row"], ["jobs.account_id", "jobs.row"], ondelete="CASCADE")


JOB_PAGES = Table(
    "job_pages",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("job_row", ROW, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    _of_job(),
)
"""Results of jobs, sealed by the master key and bound to their job and number."""

JOB_NOTICES = Table(
    "job_notices",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("job_row", ROW, primary_key=True, autoincrement=False),
    Column("created_ts_ms", BigInteger, nullable=False),
    Column("due_ts_ms", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    _of_job(),
    Index(None, "due_ts_ms"),
)
"""The outbox: jobs whose end somebody outside is still to be told."""

LIVENESS_SESSIONS = Table(
    "liveness_sessions",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("session_id", String(36), primary_key=True),
    Column("token", String(64)),
    Column("state", String(16), nullable=False),
    Column("created_ts_ms", BigInteger, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "account_id", "token"),
    Index(None, "created_ts_ms"),
)
"""Sessions of face liveness; wishes, result and pictures are sealed under a key of the session's own."""


PROJECT_RECORDS = Table(
    "project_records",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(640), primary_key=True),
    Column("project", String(255), nullable=False),
    Column("created_ts_ms", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "account_id", "kind", "project"),
)
"""Projects of custom labels, their datasets, versions and policies; each sealed under a key of its own."""


def _of_record() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["account_id", "kind", "name"],
        ["project_records.account_id", "project_records.kind", "project_records.name"],
        ondelete="CASCADE",
    )


DATASET_ENTRIES = Table(
    "dataset_entries",
    METADATA,
    Column("row", ROW, primary_key=True, autoincrement=True),
    Column("account_id", ACCOUNT, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(640), nullable=False),
    Column("source_digest", LargeBinary, nullable=False),
    Column("labeled", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("account_id", "kind", "name", "source_digest"),
    _of_record(),
    Index(None, "account_id", "kind", "name", "row"),
    sqlite_autoincrement=True,
)
"""Lines of datasets, sealed under the key of their dataset; which source each is about is a keyed digest."""

VERSION_PARTS = Table(
    "version_parts",
    METADATA,
    Column("account_id", ACCOUNT, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(640), primary_key=True),
    Column("part", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    _of_record(),
)
"""What training keeps of a version, and its weights; sealed under the key of the version."""

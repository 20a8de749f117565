"""Processors of live streams, the sources that they watch, whom they saw."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "stream_processors",
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_stream_processors")),
    )
    op.create_table(
        "stream_sources",
        sa.Column("arn", sa.String(length=1024), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_stream_sources")),
    )
    op.create_table(
        "stream_events",
        sa.Column("row", _ROW, autoincrement=True, nullable=False),
        sa.Column("account_id", sa.String(length=12), nullable=False),
        sa.Column("expires_ts_ms", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row", name=op.f("pk_stream_events")),
        sa.UniqueConstraint("account_id", "row", name=op.f("uq_stream_events_account_id_row")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_stream_events_expires_ts_ms"), "stream_events", ["expires_ts_ms"])
